"""leaks why and leaks tree as pictures: what is drawn is what -j says, on a screen of 80x24."""
import re

import pytest
from conftest import build_with
from marbles import ROOT, make, rows
from qmp import Monitor
from test_leaks_tree import trees
from test_readme import Reader
from test_vga import on_the_line

SIGNS, LEFT, BRANCHES = 16, 20, 18     # signs of a box; columns of pictures: of why, of tree


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


def test_a_step_that_is_freed_meanwhile_is_no_object(lists):
    lists.run("lists keep 3000")
    end = lists.listed()[0]["address"]
    lists.run("lists shrinking 1")
    for command, said in ((f"leaks why {end} -j", '"kind": "freed"'),
                          (f"leaks why {end}", "freed meanwhile")):
        told = ""
        while said not in told:
            told = " ".join(lists.run(command))
            assert end in told and "nothing is live" not in told
            assert "serial 0" not in told and '"kind": "unseen"' not in told


HELD_ELSEWHERE = """
#include "kernel/shell.h"
#include "mm/gfp.h"
#include "mm/slab.h"

static void *volatile root, *volatile again;

static int cmd_hold(int argc, char **argv)
{
    void **o = kzalloc(64, GFP_KERNEL);

    (void)argc, (void)argv;
    o[9] = kzalloc(40, GFP_KERNEL);
    root = o;
    return 0;
}
SHELL_COMMAND(hold, "", "one that holds another", cmd_hold);

static int cmd_retake(int argc, char **argv)
{
    void *o = root;

    (void)argc, (void)argv;
    root = NULL;
    kfree(o);
    again = kzalloc(64, GFP_KERNEL);
    return 0;
}
SHELL_COMMAND(retake, "", "its place is another's", cmd_retake);

static int cmd_block(int argc, char **argv)
{
    (void)argc, (void)argv;
    root = virt_to_page((void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, 1));
    return 0;
}
SHELL_COMMAND(block, "", "held by its page struct", cmd_block);
"""


@pytest.fixture(scope="module")
def elsewhere_elf(tmp_path_factory):
    lab = tmp_path_factory.mktemp("lab") / "elsewhere.c"
    lab.write_text(HELD_ELSEWHERE)
    return build_with([lab])


def test_who_has_the_place_of_a_holder_by_now_is_not_taken_for_it(boot, elsewhere_elf):
    machine = boot(elsewhere_elf)
    machine.run("hold")
    held = [row for row in machine.listed() if row["serial"] == 2][0]["address"]
    machine.run("retake")
    lines = machine.run(f"leaks why {held}")
    assert lines[0].startswith(" [x]  ") and lines[1][:LEFT].strip() == ":"
    assert re.search("what was at 0x[0-9a-f]{8} before serial 3, which was freed: nothing",
                     " ".join(line[LEFT:] for line in lines))


def test_a_pointer_to_a_page_struct_is_said_to_be_one(boot, elsewhere_elf):
    machine = boot(elsewhere_elf)
    machine.run("block")
    (block,) = machine.listed()
    lines = machine.run(f"leaks why {block['address']}")
    assert lines[0].endswith("the variable root, to its page struct")
    assert any(": to its page struct" in line for line in
               machine.run(f"refs {block['address']}"))
    machine.run("hold")
    assert "page struct" not in " ".join(machine.run(
        f"leaks why {[row for row in machine.listed() if row['serial'] == 2][0]['address']}"))


# ---- leaks tree: read back --------------------------------------------------------

ROW = re.compile(r"(?P<bytes>[ \d]{8}\d) (?P<objects>[ \d]{6}\d) (?P<branch>(?: \||  )*"
                 r"(?: [|`]-)? )(?P<text>.*)")


def pictured(lines):
    """(depth, branch, bytes, objects, text) of each row between the head and the sums."""
    assert lines[0] == "    bytes objects  what is lost, taken by whom; and what goes with it"
    found = []
    for line in lines[1:]:
        if " come back: " in line or "in " in line[19:22]:
            break
        row = ROW.fullmatch(line)
        if not row:                     # goes on
            found[-1][4] += " " + line.replace("|", " ").strip()
            continue
        depth = (len(row["branch"]) - 2) // 2 if "-" in row["branch"] else 0
        found.append([depth, row["branch"], int(row["bytes"]), int(row["objects"]),
                      row["text"]])
    return found


def hangs_on(tree, n):
    """Of the n-th row of a tree of -j: it and all that hangs on it."""
    end = n + 1
    while end < len(tree) and tree[end]["depth"] > tree[n]["depth"]:
        end += 1
    return tree[n:end]


def check_branches(group):
    """Each | leads down to the next one that hangs on the same."""
    for n, (depth, branch, *_) in enumerate(group):
        for level in range(1, depth + 1):
            below = next((row[0] for row in group[n + 1:] if row[0] <= level), 0)
            rail = branch[2 * level - 1]
            wanted = "|" if below == level else "`" if level == depth else " "
            assert rail == wanted, group


def check_tree(machine):
    """leaks tree against -j."""
    lines = machine.run("leaks tree")
    assert len(lines) <= 24 and max(map(len, lines)) <= 80
    every, summary = trees(machine.json("leaks tree -j"))
    shown, at = pictured(lines), 0
    for tree in every:
        if at == len(shown):
            break
        drawn = 8 if len(tree) == 8 else min(len(tree), 7)
        group = shown[at:at + drawn + (len(tree) > drawn)]
        at += len(group)
        check_branches(group)
        for n, (depth, _, bytes, objects, text) in enumerate(group[:drawn]):
            row, below = tree[n], hangs_on(tree, n)
            what = f"{row['address']}, {row['bytes']} bytes, serial {row['serial']}"
            assert depth == row["depth"]
            assert objects == len(below) and bytes == sum(one["bytes"] for one in below)
            assert text == (f"at {row['offset']}: {what}, {row['site'].rpartition('/')[2]}"
                            if n else f"{what}{', a ring' if row['ring'] else ''}, "
                                      f"by {row['site']}")
        assert (group[0][2], group[0][3]) == (tree[0]["total"], tree[0]["objects"])
        if len(tree) > drawn:
            rest = tree[drawn:]
            assert group[-1][0] == min(row["depth"] for row in rest)
            assert group[-1][2:] == [sum(row["bytes"] for row in rest), len(rest),
                                     f"{len(rest)} more"]
    tops = [group for group in shown if group[0] == 0]
    left = every[len(tops):]
    told = [line for line in lines if line[19:22] == "in "]
    assert told == ([f"{sum(tree[0]['total'] for tree in left):9} "
                     f"{sum(map(len, left)):7}  in {len(left)} more, each with no more: "
                     "leaks tree -j"] if left else [])
    assert any(line.startswith(f"{summary['bytes']:9} bytes come back: ") for line in lines)
    return lines


# ---- leaks tree -------------------------------------------------------------------

@pytest.mark.parametrize("shape", [
    "lists tree 3", "lists tree 100", "lists ring 7", "lists ring 8", "lists ring 9",
    "lists ring 20000", "lists singles 16", "lists singles 17", "graph tree",
    "lists tree 100; lists ring 9; lists singles 20; graph ring; graph tree",
    "lists tree 4; lists tree 3; lists tree 2; lists tree 1", "graph list 1000; graph drop"])
def test_what_is_drawn_of_a_tree_is_what_json_has(shapes, shape):
    machine = shapes()
    machine.run(shape)
    check_tree(machine)


def test_a_tree_of_a_hundred_is_cut_and_the_rest_is_summed_up(lists):
    lists.run("lists tree 100")
    lines = check_tree(lists)
    branches = [line[BRANCHES:].split("at ")[0] for line in lines[1:9]]
    assert branches[1:7] == [" |- ", " | `- "] * 3 and branches[7] == " `- 194 more"
    assert lines[8].split()[:2] == [str(194 * 56), "194"]


def test_the_bytes_of_a_row_come_back_if_it_is_freed_with_what_hangs_on_it(lists):
    lists.run("lists tree 4")
    row = pictured(lists.run("leaks tree"))[3]
    (tree,), _ = trees(lists.json("leaks tree -j"))
    before = lists.meminfo()["live_bytes"]
    lists.run("kfree " + " ".join(one["address"] for one in hangs_on(tree, 3)))
    assert before - lists.meminfo()["live_bytes"] == row[2]


# ---- the README's -----------------------------------------------------------------

def of_readme(beginning):
    text = (ROOT / "kernel/leaks/README.md").read_text()
    (block,) = [block for block in re.findall(r"^```\n(.*?)^```", text, re.M | re.S)
                if block.startswith(beginning)]
    return block.splitlines()


def test_the_pictures_of_the_readme_are_what_is_drawn(boot, lists_elf):
    guests, circle, tree = boot(), boot(lists_elf), boot(lists_elf)
    guests.run("guests 3")
    (name,) = [row for row in guests.listed() if row["serial"] == 2]
    assert Reader().same(of_readme(" [*]"), guests.run(f"leaks why {name['address']}"))
    circle.run("lists circle 3; leaks; lists cut")
    (lost,) = circle.listed("definite")
    assert Reader().same(of_readme(" [x]"), circle.run(f"leaks why {lost['address']}"))
    tree.run("lists tree 100")
    assert Reader().same([*of_readme("    bytes"), "..."], tree.run("leaks tree"))


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


@pytest.mark.parametrize("shape", ["lists keep 9; leaks why $$", "lists tree 100; leaks tree"])
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
    command = "kmalloc 100; leaks why $1; forget $; leaks tree"
    lines = boot().run(command)
    done = make("exec", f"CMDS={command}")
    assert done.stdout.splitlines()[-len(lines):-1] == lines[:-1]   # the last has the time
