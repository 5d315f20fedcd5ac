"""kmemleak: Linux's words and format, and what a program says by kmemleak_*()."""
import re

import pytest
from conftest import build_with
from marbles import ROOT, Machine, site

PIECE = site("tests/labs/pieces.c", r"kmemleak_alloc\(")


@pytest.fixture(scope="module")
def kernel():
    return build_with([ROOT / "tests/labs/pieces.c"])


@pytest.fixture
def pieces(kernel):
    with Machine(kernel) as machine:
        yield machine


def lost(machine):
    return len(machine.json("kmemleak -j"))


def test_a_record_is_in_the_format_of_linux(boot):
    machine = boot()
    _, address = machine.take("kmalloc 40")
    machine.run("poke $1 0x41 40; kmalloc 10; forget $1")
    lines = machine.run("kmemleak")
    assert lines[0] == f"unreferenced object 0x{address:08x} (size 40):"
    assert re.fullmatch(r'  comm "\w+", pid 0, jiffies 1 \(kind definite\)', lines[1])
    assert lines[2] == "  hex dump (first 32 bytes):"
    assert lines[3] == lines[4] == "    " + "41 " * 16 + " " + "A" * 16
    assert lines[5] == "  backtrace:" and len(lines) == 7
    assert "(kernel/memory/cmd_alloc.c:" in lines[6]


def test_with_stacks_recorded_the_backtrace_has_the_calls(boot):
    machine = boot(cmdline="slub_debug=U")
    machine.run("kmalloc 10; forget $")
    lines = machine.run("kmemleak")
    assert len(lines[lines.index("  backtrace:"):]) > 2
    assert re.match(r"    \w+\+0x[0-9a-f]+/0x[0-9a-f]+ ", lines[lines.index("  backtrace:") + 1])


def test_nothing_is_listed_while_all_is_held(boot):
    machine = boot()
    machine.run("kmalloc 10 5; pages 1")
    assert machine.run("kmemleak") == [] and machine.run("kmemleak scan") == []
    machine.run("forget $2; forget $6")
    assert machine.run("kmemleak scan") == [
        "kmemleak: 2 suspected memory leaks (see kmemleak)"]


def test_what_was_cleared_is_not_reported_again_until_its_end(boot):
    machine = boot()
    _, address = machine.take("kmalloc 100")
    machine.run("kmalloc 100 3; pages; forget $1; forget $2; forget $5; kmemleak scan")
    machine.run("kmemleak clear")
    assert lost(machine) == 0 and lost(machine) == 0
    assert machine.kinds() == {"reachable": 5}
    machine.run("forget $3")
    assert [row["serial"] for row in machine.json("kmemleak -j")] == [3]
    machine.run(f"kfree 0x{address:08x}")
    number, again = machine.take("kmalloc 100")
    machine.run(f"forget {number}")
    assert again == address                     # the same place, another life
    assert sorted(row["serial"] for row in machine.json("kmemleak -j")) == [3, 6]
    machine.is_whole()


def test_dump_tells_of_one_object_lost_or_not(boot):
    machine = boot()
    _, address = machine.take("kmalloc 40")
    machine.run("leaks")
    lines = machine.run("kmemleak dump=$1")
    assert lines[0] == f"kmemleak: Object 0x{address:08x} (size 40):"
    assert "(kind reachable)" in lines[1]
    assert machine.run("kmemleak dump=16") == ["kmemleak: Unknown object at 0x00000010"]


def test_off_is_not_for_ever(boot):
    machine = boot()
    machine.run("kmalloc 40; forget $; kmemleak off")
    assert machine.run("kmemleak") == ["kmemleak is off: kmemleak on"]
    assert machine.kinds() == {"definite": 1}
    machine.run("kmemleak on")
    assert lost(machine) == 1


@pytest.mark.parametrize("word, message", [
    ("frog", '"frog" is none of these words'), ("dump=frog", "frog"),
    ("scan now", 'unexpected "now"')])
def test_wrong_words_are_named(boot, word, message):
    assert message in boot().run(f"kmemleak {word}")[0]


def test_without_records_it_says_why_not(boot):
    assert "kmemleak=off" in boot(cmdline="kmemleak=off").run("kmemleak")[0]


@pytest.mark.parametrize("word, kinds", [
    ("not_leak", {"reachable": 200}),
    ("ignore", {"definite": 100, "reachable": 100}),
    ("no_scan", {"definite": 100, "reachable": 100}),
    ("area", {"definite": 50, "reachable": 150})])
def test_what_is_said_of_objects_is_heeded(pieces, word, kinds):
    pieces.run("pieces hidden")
    assert pieces.kinds() == {"definite": 100, "indirect": 100}
    pieces.run(f"pieces {word}")
    assert pieces.kinds() == kinds and pieces.kinds() == kinds
    assert "without effect" not in "\n".join(pieces.run("kmemleak scan"))
    pieces.is_whole()


def test_what_was_said_to_be_no_leak_is_where_a_way_begins(pieces):
    pieces.run("pieces hidden; pieces not_leak")
    (child, *_) = [row for row in pieces.listed() if row["bytes"] == 32]
    lines = pieces.run(f"leaks why {child['address']}")
    assert lines[0].split(maxsplit=1) == \
        ["?", "of the first of these was said that it is no leak (kmemleak)"]


def test_pieces_of_a_pool_are_lost_one_by_one_and_none_while_they_are_held(pieces):
    pieces.run("pieces pool 50")
    assert pieces.json("kmemleak -j") == []
    pieces.run("pieces lose 7")
    rows = pieces.json("kmemleak -j")
    assert len(rows) == 7 and {row["site"] for row in rows} == {PIECE}
    assert {row["size"] for row in rows} == {64}
    assert pieces.run("kmemleak scan")[0].startswith("kmemleak: 7 suspected memory leaks")
    pieces.run("pieces lose 2")
    assert lost(pieces) == 9
    pieces.run("pieces free")
    assert lost(pieces) == 9
    pieces.run("kmemleak clear")
    assert lost(pieces) == 0
    pieces.run("pieces pool 3; pieces lose 1")
    assert lost(pieces) == 1
    assert pieces.kinds() == {"reachable": 1}           # the pool


def test_calls_without_effect_are_told(pieces):
    pieces.run("pieces nonsense")
    text = " ".join(" ".join(pieces.run("kmemleak scan")).split())
    assert ("without effect: 44 found their table full, 2 named nothing that is live, 0 came"
            in text)
    assert pieces.kinds() == {"definite": 44, "reachable": 256}
