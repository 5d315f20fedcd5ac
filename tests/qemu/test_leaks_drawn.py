"""leaks why as a picture: what is drawn is what -j says, on a screen of 80x24."""
import re

import pytest
from conftest import build_with
from marbles import ROOT, make, rows
from qmp import Monitor
from test_readme import Reader
from test_vga import on_the_line

SIGNS, LEFT = 16, 20                    # signs of a box; columns of the picture


@pytest.fixture(scope="module")
def shapes_elf():
    return build_with([ROOT / "tests/labs/lists.c", ROOT / "tests/labs/graph.c"])


@pytest.fixture
def shapes(boot, shapes_elf):
    return lambda **options: boot(shapes_elf, **options)


# ---- leaks why: read back ---------------------------------------------------------

def steps(lines):
    """Each box, or who is not there: [its signs or None, rows below it, words beside it]."""
    found = []
    for line in lines:
        picture, text = line[:LEFT].rstrip(), line[LEFT:]
        box = re.fullmatch(r" \[(.+)\]", picture)
        if box or not found or (re.fullmatch("  [:?]", picture) and ended(found[-1])):
            found.append([box and box[1], [] if box else [picture], text])
        else:
            found[-1][1].append(picture)
            found[-1][2] += " " + text
    return [(box, [row for row in below if row], text.strip()) for box, below, text in found]


def ended(step):
    """Has the line from it come to where it leads?"""
    return bool(step[1]) and step[1][-1].rstrip()[-1:] in ("v", "'") and "v" in step[1][-1]


def sign_of(bytes, offset):
    """Which sign of its box stands for that byte, and how many there are."""
    words = max(-(-bytes // 4), 1)
    signs = min(words, SIGNS)
    return min(offset // 4 * signs // words, signs - 1), signs


def check_box(box, sign, bytes, offset):
    at, signs = sign_of(bytes, offset)
    assert box == "." * at + sign + "." * (signs - at - 1)


def check_line(below, at, to):
    """From below the sign at `at` to above the sign at `to`."""
    assert all(row == " " * (2 + at) + "|" for row in below[:-1])
    last = below[-1]
    assert last.index("v") == 2 + to
    if at != to:
        assert last.index("'") == 2 + at
    assert set(last) <= set(" v'-")


def check_way(machine, address, middle=0):
    """leaks why ADDR against -j and leaks list -j; each word holds that byte of the next."""
    lines = machine.run(f"leaks why {address}")
    assert len(lines) <= 24 and max(map(len, lines)) <= 80
    root, *way = machine.json(f"leaks why {address} -j")
    listed = {row["serial"]: row for row in machine.listed()}
    (box, below, text), *boxes = steps(lines)
    assert text.split(",")[0] in (f"the variable {root['symbol']}", root["symbol"])
    check_line(below, box.index("*"), sign_of(listed[way[0]["serial"]]["bytes"],
                                              middle if "middle" in text else 0)[0])
    assert len(boxes) == len(way)
    for n, (row, (box, below, text)) in enumerate(zip(way, boxes)):
        bytes, is_last = listed[row["serial"]]["bytes"], n == len(way) - 1
        said = f"{row['address']}, {bytes} bytes, serial {row['serial']}, by {row['site']}: "
        assert text.startswith(said)
        assert text.removeprefix(said).startswith(
            f"{'this is it,' if is_last else 'next at'} offset {row['offset']}")
        check_box(box, "o" if is_last else "*", bytes, row["offset"])
        if is_last:
            assert not below
            continue
        to = middle if "into its middle" in text else 0
        assert to == 0 or f"into its middle, offset {to}" in text
        check_line(below, box.index("*"),
                   sign_of(listed[way[n + 1]["serial"]]["bytes"], to)[0])
    return lines


# ---- leaks why --------------------------------------------------------------------

def test_a_way_is_drawn_box_by_box(lists):
    lists.run("lists keep 5; kmalloc 1000; kmalloc 1; kmalloc 66")
    objects = lists.listed()
    for row in objects:
        check_way(lists, row["address"])
    for address, sign in (("$1+500", 8), ("$1+999", 15), ("$2", 0), ("$3+64", 15)):
        assert check_way(lists, address)[2].index("o") == 2 + sign
    assert check_way(lists, f"{objects[1]['address']}+9")[-2].startswith(" [..o....")


def test_where_a_pointer_lies_and_where_it_points_is_seen(shapes):
    machine = shapes()
    machine.run("graph members; forget all")
    third = [row for row in machine.listed() if row["serial"] == 3][0]
    machine.run("graph pages")
    for row in machine.listed("possible")[-4:] + machine.listed("reachable"):
        check_way(machine, row["address"], 8)
    lines = machine.run(f"leaks why {third['address']}")
    assert lines[0].startswith(" [*]  ") and lines[0].endswith(", into its middle, offset 8")
    assert lines[1] == "  '-v" and lines[2].startswith(" [..*.............] ")
    assert lines[3].startswith("    v  ")


def test_a_variable_is_drawn_with_all_its_words(boot, tmp_path):
    lab = tmp_path / "table.c"
    lab.write_text("""
#include "kernel/shell.h"
#include "mm/slab.h"

static void *volatile table[8];

static int fill(int argc, char **argv)
{
    (void)argc, (void)argv;
    table[5] = kmalloc(40, GFP_KERNEL);
    return 0;
}
SHELL_COMMAND(fill, "", "a table with one pointer in it", fill);
""")
    machine = boot(build_with([lab]))
    machine.run("fill")
    lines = check_way(machine, machine.listed()[0]["address"])
    assert lines[0].startswith(" [.....*..]  ") and lines[0].endswith("table+0x14")
    assert lines[1] == "  v----'"


def test_a_long_way_is_drawn_from_both_ends_and_what_is_left_out_is_counted(lists):
    lists.run("lists keep 300")
    end = lists.listed()[0]["address"]
    lines = lists.run(f"leaks why {end}")
    assert len(lines) < 24
    assert [line.split()[1:] for line in lines if "..." in line[LEFT:]] == \
        [["...", "292", "more", "..."]]
    told = [int(n) for n in re.findall(r"serial (\d+)", " ".join(lines))]
    assert told == [300, 299, 298, 297, 4, 3, 2, 1]
    assert len(lists.json(f"leaks why {end} -j")) == 301


def test_a_lost_one_is_drawn_below_who_had_it_with_a_line_that_leads_no_more(shapes):
    machine = shapes()
    machine.run("lists circle 3; leaks; kmalloc 40; leaks; forget $; lists cut")
    *lost, _ = machine.json("leaks lost -j")
    assert [(row["slot"], row["became"]) for row in lost] == \
        [("the variable circle", "overwritten"), ("$1", "forgotten")]
    for row in lost:
        lines = machine.run(f"leaks why {row['address']}")
        words = " ".join(line[LEFT:] for line in lines)
        assert words.startswith(f"{row['slot']}, which was {row['became']}: nothing points to "
                                f"the next one, it is lost {row['address']}, {row['bytes']} "
                                f"bytes, serial {row['serial']}, by {row['site']}: ")
        boxes = [line[:LEFT].strip() for line in lines if line[:LEFT].strip()]
        assert boxes[:2] == ["[x]", ":"] and boxes[2].startswith("[o")


def test_of_a_lost_one_that_nobody_was_seen_to_have_that_is_drawn(shapes):
    machine = shapes()
    machine.run("graph ring")
    for row in machine.listed():
        lines = machine.run(f"leaks why {row['address']}")
        assert lines[0][:LEFT].split() == ["?"]
        assert lines[0][LEFT:] == "nothing points to the first of these: it is lost"
        kinds = [step["kind"] for step in machine.json(f"leaks why {row['address']} -j")]
        assert kinds[0] == "definite" and set(kinds[1:]) <= {"indirect"}
        assert len(steps(lines)) == 1 + len(kinds)


def test_what_is_held_has_no_broken_line(lists):
    lists.run("lists circle 3; leaks; kmalloc 40; leaks")
    for row in lists.listed():
        pictures = [line[:LEFT] for line in lists.run(f"leaks why {row['address']}")]
        assert not re.search("[x:?]", "".join(pictures)), pictures


# ---- the README's -----------------------------------------------------------------

def of_readme(beginning):
    text = (ROOT / "kernel/leaks/README.md").read_text()
    (block,) = [block for block in re.findall(r"^```\n(.*?)^```", text, re.M | re.S)
                if block.startswith(beginning)]
    return block.splitlines()


def test_the_pictures_of_the_readme_are_what_is_drawn(boot, lists_elf):
    guests, circle = boot(), boot(lists_elf)
    guests.run("guests 3")
    (name,) = [row for row in guests.listed() if row["serial"] == 2]
    assert Reader().same(of_readme(" [*]"), guests.run(f"leaks why {name['address']}"))
    circle.run("lists circle 3; leaks; lists cut")
    (lost,) = circle.listed("definite")
    assert Reader().same(of_readme(" [x]"), circle.run(f"leaks why {lost['address']}"))


# ---- where it is drawn ------------------------------------------------------------

def test_boxes_have_colours_where_the_terminal_has_them_and_the_same_letters(lists):
    lists.run("lists circle 2; kmalloc 40; lists singles 1")
    listed = lists.listed()
    ways = [f"leaks why {row['address']}" for row in listed]
    plain = [lists.run(way) for way in ways]
    assert "\x1b" not in str(plain)
    lists.tell_size()
    assert {row["kind"] for row in listed} == {"reachable", "definite"}
    for row, way, lines in zip(listed, ways, plain):
        shown = lists.drawn(way)
        colour = {"reachable": 2, "definite": 1}[row["kind"]]       # as in heapmap leaks
        assert f" [\x1b[30;4{colour}mo" in shown or f" [\x1b[30;4{colour}m*" in shown
        letters = rows(re.sub("\x1b\\[[0-9;?]*[a-zA-Z]", "", shown))
        assert letters[-len(lines):] == lines


@pytest.mark.parametrize("shape", ["lists keep 9; leaks why $$"])
def test_pictures_on_the_vga_screen_are_those_of_the_line(boot, lists_elf, tmp_path, shape):
    machine = boot(lists_elf, arguments=Monitor.arguments(tmp_path))
    monitor = Monitor(tmp_path)
    work, command = shape.split("; ")
    machine.run(work)
    lines = machine.run(command.replace("$$", machine.listed()[0]["address"]))
    screen = monitor.screen()
    assert screen == on_the_line(machine)
    text = "\n".join(screen)
    assert "\n".join(line.rstrip() for line in lines) in text


def test_make_exec_prints_the_same_picture(boot):
    command = "kmalloc 100; leaks why $1; leaks list reachable"
    lines = boot().run(command)
    done = make("exec", f"CMDS={command}")
    assert done.stdout.splitlines()[-len(lines):-1] == lines[:-1]   # the last has the time
