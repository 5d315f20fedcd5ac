"""heapmap: each page once, in numbers that are meminfo's, and in a picture that fits."""
import re

import pytest
from marbles import QUESTION, rows, site
from qmp import Monitor
from test_vga import on_the_line

WIDTH, HEIGHT = 32, 16
SITE = site("kernel/memory/cmd_alloc.c", r"= kmalloc\(")
SIGNS = ".MGSseLP"
SEVERAL = ("kmalloc 100 40; kmalloc 3000 9; kmalloc 2000 8; kmalloc 9000 3; "
           "pages 5; pages 3; pages 1; kfree $1 $7 $50 $58")


def blocks(machine, what=""):
    """The rows of heapmap -j, and their summary; they must tile the span."""
    *found, summary = machine.json(f"heapmap {what} -j")
    at = int(found[0]["start"], 16)
    for row in found:
        assert int(row["start"], 16) == at, row
        at += row["bytes"]
        if row["order"] is not None:
            assert row["bytes"] == 4096 << row["order"], row
            assert int(row["start"], 16) % row["bytes"] == 0, row
    assert summary["blocks"] == sum(row["kind"] != "hole" for row in found)
    assert summary["moments"] == -(-len(found) // 512)
    return found, summary


def kb_of(found, kind):
    return sum(row["bytes"] for row in found if row["kind"] == kind) // 1024


def picture(machine, what=""):
    """The header, the rows of cells, and the legend by letter: (number, count)."""
    lines = machine.run(f"heapmap {what}".strip())
    legend = {}
    for line in lines[1 + HEIGHT:]:
        for found in re.finditer(r"(\S) (\S+(?: \S+)*) +(\d+) k?B in (\d+)", line):
            legend[found[1]] = (found[2], int(found[3]), int(found[4]))
    return lines[0], [line[:2 * WIDTH] for line in lines[1:1 + HEIGHT]], legend, lines


def cells(shown):
    """Cell by cell, in the order of their numbers: what is written in each."""
    def number(x, y):
        return sum((x >> bit & 1) << 2 * bit | (y >> bit & 1) << 2 * bit + 1
                   for bit in range(5))
    found = {number(x, y): f"{row:64}"[2 * x:2 * x + 2]
             for y, row in enumerate(shown) for x in range(WIDTH)}
    return [found[i] for i in range(WIDTH * HEIGHT)]


@pytest.fixture
def filled(boot):
    machine = boot(memory="16M")
    machine.run(SEVERAL)
    return machine


# ---- numbers ----------------------------------------------------------------------

@pytest.mark.parametrize("cmdline", ["", "slub_debug=FZPU", "kfence.every=1",
                                     "kmemleak=off"])
def test_the_sums_are_those_of_meminfo_and_buddyinfo(boot, cmdline):
    machine = boot(memory="16M", cmdline=cmdline)
    machine.run(SEVERAL)
    found, summary = blocks(machine)
    meminfo = machine.meminfo()
    assert summary["total_kb"] == meminfo["total_kb"]
    assert summary["free_kb"] == meminfo["free_kb"] == kb_of(found, "free")
    for kind in ("slab", "large", "pages", "guarded", "meta"):
        assert kb_of(found, kind) == meminfo[f"{kind}_kb"], kind
    objects = sum(row["objects"] for row in found if row["kind"] != "pages")
    assert objects == meminfo["live_objects"]
    (buddyinfo,) = machine.json("buddyinfo -j")
    orders = [row["order"] for row in found if row["kind"] == "free"]
    assert [orders.count(order) for order in range(11)] == buddyinfo["free_blocks"]


def test_beside_the_map_stands_how_to_read_it(filled):
    """That the legend counts blocks, or objects, and in 80 columns and 22 rows."""
    for view in ("", "leaks", "sites"):
        _, _, _, lines = picture(filled, view)
        beside = " ".join(line[2 * WIDTH:].strip() for line in lines[1:1 + HEIGHT]).split()
        assert "the order of the cells:" in " ".join(beside)
        assert " ".join(beside).endswith("in N below: N blocks of pages (kB), or N objects (B)")
        assert len(lines) <= 22 and max(map(len, lines)) <= 80


def test_the_legend_says_the_same(filled):
    header, _, legend, lines = picture(filled)
    meminfo = filled.meminfo()
    assert header.startswith(f"MemTotal: {meminfo['total_kb']} kB; a cell: 8 pages, ")
    kb = {letter: entry[1] for letter, entry in legend.items()}
    assert sorted(kb) == sorted(SIGNS)
    assert sum(kb.values()) == meminfo["total_kb"]
    assert kb["."] == meminfo["free_kb"] and kb["M"] == meminfo["meta_kb"]
    assert kb["S"] + kb["s"] + kb["e"] == meminfo["slab_kb"]
    assert kb["L"] == meminfo["large_kb"] and kb["P"] == meminfo["pages_kb"]
    (buddyinfo,) = filled.json("buddyinfo -j")
    assert lines[-1] == "free blocks of order 0 to 10: " + " ".join(
        str(n) for n in buddyinfo["free_blocks"])
    caches = filled.json("slabinfo -j")
    assert legend["S"][2] == sum(cache["full"] for cache in caches) > 0
    assert legend["s"][2] == sum(cache["partial"] for cache in caches) > 0


def test_more_blocks_than_the_table_has_room_for_are_told_in_parts(boot):
    machine = boot(memory="32M")
    machine.run("drain 1000", bug="out of memory")
    found, summary = blocks(machine)
    meminfo = machine.meminfo()
    assert summary["moments"] > 1
    assert summary["total_kb"] == meminfo["total_kb"]
    assert summary["objects"] == meminfo["live_objects"]
    assert kb_of(found, "slab") == meminfo["slab_kb"]


def test_each_sort_of_allocation_has_its_kind(boot):
    machine = boot(memory="16M")
    for command, kind, cache, order in (("kmalloc 100", "slab", "kmalloc-128", 0),
                                        ("kmalloc 9000", "large", None, 2),
                                        ("pages 3", "pages", None, 3)):
        _, address = machine.take(command)
        (row,) = [row for row in blocks(machine)[0] if row["start"] == f"0x{address:08x}"]
        assert (row["kind"], row["cache"], row["order"], row["objects"]) == \
            (kind, cache, order, 1)
    first, books = blocks(machine)[0][:2]
    assert first["start"] == "0x00000000"
    assert (first["kind"], books["kind"]) == ("hole", "meta")


def test_a_freed_pair_of_buddies_becomes_one_block(boot):
    machine = boot(memory="16M")
    pair = [machine.take("pages 4") for _ in range(2)]
    while pair[-1][1] ^ pair[-2][1] != 16 * 4096:
        pair.append(machine.take("pages 4"))
    (a, low), (b, high) = sorted(pair[-2:], key=lambda taken: taken[1])

    def around(address):
        (row,) = [row for row in blocks(machine)[0]
                  if 0 <= address - int(row["start"], 16) < row["bytes"]]
        return row
    assert [(around(x)["kind"], around(x)["order"]) for x in (low, high)] == \
        [("pages", 4)] * 2
    machine.run(f"pages free {a}")
    assert around(low)["kind"] == "free" and around(low)["order"] == 4
    assert around(high)["kind"] == "pages"
    machine.run(f"pages free {b}")
    assert around(low) == around(high) and around(low)["order"] > 4


# ---- the picture ------------------------------------------------------------------

def expected_cells(machine, found, first, shift):
    """By the rule of cells.c, from the rows of heapmap -j."""
    slots = {cache["name"]: cache["objperslab"] for cache in machine.json("slabinfo -j")}
    end = max(int(row["start"], 16) + row["bytes"] for row in found) >> 12
    shares, signs = [dict() for _ in range(512)], {}
    for row in found:
        letter = {"hole": "-", "free": ".", "meta": "M", "guarded": "G", "large": "L",
                  "pages": "P"}.get(row["kind"])
        if letter is None:
            letter = "e" if row["objects"] == 0 else \
                "S" if row["objects"] == slots[row["cache"]] else "s"
        start = int(row["start"], 16) >> 12
        for page in range(start, start + row["bytes"] // 4096):
            cell = page - first >> shift
            if 0 <= cell < 512:
                shares[cell][letter] = shares[cell].get(letter, 0) + 1
        cell = start - first >> shift
        if row["order"] is not None and row["order"] >= shift and 0 <= cell < 512:
            signs[cell] = "0123456789X"[row["order"]]
    ranks = {letter: 0 for letter in "-."} | {"M": 1}
    order = "-.MGSseLP"
    for cell, share in enumerate(shares):
        if not share:
            yield "  "
            continue
        left = min(share, key=lambda x: (-ranks.get(x, 2), -share[x], order.index(x)))
        right = min(share, key=lambda x: (-share[x], order.index(x)))
        yield left + signs.get(cell, right)


@pytest.mark.parametrize("memory, pages", [("4M", 1), ("20M", 16), ("64M", 32),
                                           ("512M", 256)])
def test_cells_show_what_is_there_in_80_columns_and_24_rows(boot, memory, pages):
    machine = boot(memory=memory)
    machine.run(SEVERAL if memory != "4M" else "kmalloc 100 40; pages 2; kmalloc 9000")
    header, shown, _, lines = picture(machine)
    meant = f"{pages} page{'s' if pages > 1 else ''}"
    assert f"a cell: {meant}, {4 * pages} kB" in header
    assert len(lines) == 22 and all(len(line) <= 80 for line in lines)
    assert not any("\x1b" in line for line in lines)
    found, _ = blocks(machine)
    first = 512 if memory == "4M" else 0        # nothing of the first 2 MiB is mm's
    assert cells(shown) == list(expected_cells(machine, found, first,
                                               pages.bit_length() - 1))


def test_zoom_shows_a_page_a_cell(filled):
    _, address = filled.take("pages 4")
    header, shown, _, lines = picture(filled, f"zoom {address + 5000:#x}")
    first = address >> 12 & ~511
    assert header.startswith(f"0x{first << 12:08x} to 0x{(first + 512 << 12) - 1:08x}; "
                             "a cell: 1 page, 4 kB")
    assert len(lines) == 22
    found, _ = blocks(filled)
    assert cells(shown) == list(expected_cells(filled, found, first, 0))
    block = (address >> 12) - first
    at = cells(shown)
    assert at[block:block + 16] == ["P4"] + ["PP"] * 15
    # A block of order 4 is a square of 4 x 4 cells.
    corners = [(x, y) for y, row in enumerate(shown) for x in range(WIDTH)
               if row[2 * x:2 * x + 2] == "P4"]
    assert any(all(shown[y + dy][2 * x + 2:2 * x + 8] == "PPPPPP" for dy in range(4))
               for x, y in corners)
    zoomed, summary = blocks(filled, f"zoom {address:#x}")
    assert [row for row in found if row in zoomed] == zoomed and summary["blocks"]


# ---- sites, age, leaks ------------------------------------------------------------

def test_leaks_says_what_leaks_says(lists):
    machine = lists
    machine.run("kmalloc 100 30; forget $3 $4; kmalloc 9000; forget $; pages 2; "
                "lists ring 3; lists tree 3; lists members 3")
    found = {row.get("class"): row for row in machine.json("heapmap leaks -j")}
    *sites, _ = machine.json("leaks -j")
    assert {row["kind"] for row in sites} >= {"definite", "indirect", "reachable"}
    for kind in ("definite", "indirect", "possible", "reachable"):
        for key in ("objects", "bytes"):
            assert found[kind][key] == sum(row[key] for row in sites
                                           if row["kind"] == kind), kind
    assert found["unseen"]["objects"] == 0
    _, shown, legend, lines = picture(machine, "leaks")
    assert legend["d"] == ("definite", found["definite"]["bytes"],
                           found["definite"]["objects"])
    assert "d" in {cell[0] for cell in cells(shown)} and len(lines) <= 22


def test_an_age_that_has_no_serial_numbers_says_so(boot):
    machine = boot()
    for serials, names in ((0, ["old: none", "middle: none", "young: none"]),
                           (1, ["old: none", "middle: none", "young 1-1"]),
                           (3, ["old 1-1", "middle 2-2", "young 3-3"])):
        machine.run("kmalloc 8 " + str(serials - machine.meminfo()["last_serial"])
                    if serials else "check")
        found = [row["class"] for row in machine.json("heapmap age -j") if "class" in row]
        assert [name for name in found if name.startswith(("old", "middle", "young"))] == \
            names


def test_a_lost_object_is_seen_among_many_that_are_not(boot):
    machine = boot(memory="16M")
    machine.run("kmalloc 64 200; forget $77")
    _, address = machine.take("kmalloc 4096")
    at = 0x1000
    lost = [row for row in machine.listed() if row["kind"] == "definite"]
    at = int(lost[0]["address"], 16)
    _, shown, _, _ = picture(machine, f"leaks zoom {at:#x}")
    first = at >> 12 & ~511
    found = cells(shown)
    assert found[(at >> 12) - first][0] == "d"
    assert sum(cell[0] == "d" for cell in found) == 1
    _, shown, _, _ = picture(machine, f"leaks zoom {address:#x}")
    assert cells(shown)[(address >> 12 & 511)][0] == "r"
    machine.run("kfree all")
    _, shown, legend, _ = picture(machine, "leaks")
    assert legend["r"][2] == 0 and legend["d"][1:] == (64, 1)


def test_sites_are_those_of_allocinfo(filled):
    filled.run("stress 200")
    rows_of = {row["class"]: row for row in filled.json("heapmap sites -j")
               if "class" in row}
    asked = {row["site"]: row for row in filled.json("allocinfo -j")}
    assert set(rows_of) - {"other lines"} == set(asked) and SITE in asked
    for place, row in asked.items():
        assert rows_of[place]["bytes"] == row["bytes"]
        assert rows_of[place]["objects"] == row["calls"]
    assert rows_of["other lines"]["objects"] == 0
    _, _, legend, lines = picture(filled, "sites")
    assert SITE.split("/")[-1] in {entry[0] for entry in legend.values()}
    assert len(lines) <= 22


def test_age_parts_what_is_live_by_serial_number(boot):
    machine = boot(memory="16M")
    machine.run("kmalloc 4096 30; kfree $5")
    old, middle, young, _ = machine.json("heapmap age -j")
    assert [row["objects"] for row in (old, middle, young)] == [9, 10, 10]
    assert old["class"] == "old 1-10" and young["class"] == "young 21-30"
    for held, sign in (("$1", "o"), ("$15", "m"), ("$30", "y")):
        _, shown, _, _ = picture(machine, f"age zoom {held}")
        assert sign in {cell[0] for cell in cells(shown)}


# ---- slots ------------------------------------------------------------------------

@pytest.mark.parametrize("cmdline", ["", "slub_debug=ZPU quarantine=64K"])
def test_slab_shows_its_slots(boot, cmdline):
    machine = boot(memory="16M", cmdline=cmdline)
    _, address = machine.take("kmalloc 100")
    machine.run("kmalloc 100 3; kfree $3")
    (cache,) = [cache for cache in machine.json("slabinfo -j")
                if cache["name"] == "kmalloc-128"]
    found = machine.json("heapmap slab $1 -j")
    assert found == machine.json("heapmap slab kmalloc-128 -j")
    assert len(found) == cache["objperslab"]
    for row in found:
        (what,) = machine.json(f"whatis {row['start']} -j")
        assert what["slot"] == row["slot"] and what.get("serial", 0) == row["serial"]
        assert (what["kind"] == "slab_live") == (row["state"] == "live")
        assert what.get("quarantined", False) == (row["state"] == "quarantined")
    lines = machine.run("heapmap slab $1+50")
    assert "3 live" in lines[0] and f"{len(found)} slots" in lines[0]
    (one,) = [row for row in found if int(row["start"], 16) == address]
    signs = "".join(line[7:] for line in lines[1:] if re.match(" +\\d+ ", line))
    assert signs[2 * one["slot"]:2 * one["slot"] + 2] == ">a"
    assert signs.count("a") == 3
    assert signs.count(".") + signs.count("q") == len(found) - 3
    assert f"a 3 by cmd_kmalloc ({SITE})" in lines


# ---- where it is drawn ------------------------------------------------------------

def test_colours_where_the_terminal_has_them_and_the_same_letters(boot):
    machine = boot(memory="16M")
    plain_lines = machine.run(SEVERAL + "; heapmap")[-22:]
    shown = machine.tell_size().drawn("heapmap")
    assert "\x1b[30;4" in shown
    assert rows(re.sub("\x1b\\[[0-9;?]*[a-zA-Z]", "", shown))[-22:] == plain_lines
    assert shown.count("\x1b[") < 120             # where it changes, not at each cell
    machine.send("more heapmap\r")              # a row with colours is one row
    machine.wait_for("free blocks")


@pytest.mark.parametrize("cmdline", ["term=mono", "term=dumb"])
def test_no_colours_where_there_are_none(boot, cmdline):
    machine = boot(memory="16M", cmdline=cmdline)
    if cmdline == "term=mono":
        terminal_of = machine
        terminal_of.send("c")
        terminal_of.wait_for(QUESTION)
        terminal_of.send("\x1b[24;80R")
        terminal_of.send("heck\r")
        terminal_of.wait_for("rules hold")
    machine.send("heapmap leaks\r")
    assert "\x1b[30" not in machine.wait_for("rest of slabs")


def test_watch_draws_it_in_place_and_sends_little(boot):
    machine = boot(memory="16M").tell_size()
    machine.send("watch heapmap\r")
    frames = []
    for _ in range(3):
        machine.wait_for("\x1b[H")
        frames.append(machine.wait_for("\x1b[J"))
    assert "free blocks of order" in frames[0] and "-- cut" not in frames[0]
    assert [frame.strip("\r\n") for frame in frames[1:]] == ["", ""]
    machine.send("q")


def test_on_the_vga_screen(boot, tmp_path):
    machine = boot(memory="16M", arguments=Monitor.arguments(tmp_path))
    monitor = Monitor(tmp_path)
    lines = machine.run("heapmap")
    screen = monitor.screen()
    assert screen == on_the_line(machine)
    assert screen[2:24] == [line.rstrip() for line in lines]


# ---- what is wrong ----------------------------------------------------------------

@pytest.mark.parametrize("command, words", [
    ("heapmap nonsense", "is none of these words"),
    ("heapmap zoom", "ADDR is missing"), ("heapmap zoom 4000M", "lies behind the heap"),
    ("heapmap zoom kmalloc", "kmalloc lies before the heap"),
    ("heapmap kind zoom 1M more", 'unexpected "more"'), ("heapmap slab", "is missing"),
    ("heapmap slab 1M", "is in no slab"), ("heapmap slab kmalloc-8", "has no slab"),
    ("heapmap slab nonsense", "nonsense")])
def test_what_is_wrong_is_named(machine, command, words):
    assert words in " ".join(machine.run(command))


def test_without_records_it_says_what_it_does_not_know(boot):
    machine = boot(memory="16M", cmdline="kmemleak=off")
    for view in ("sites", "age", "leaks"):
        assert machine.run(f"heapmap {view}") == [
            "nothing is recorded: the kernel runs with kmemleak=off"]
        assert "error" in machine.json(f"heapmap {view} -j")[0]
    assert len(machine.run("heapmap")) == 22
