"""The guests lesson: one lost in a thousand, found in four ways."""
import pytest
from marbles import site

ENTRY = site("kernel/lessons/guests.c", r"= kmalloc\(")
NAME = site("kernel/lessons/guests.c", r"= kstrdup\(")
LEAVES = site("kernel/lessons/guests.c", r"^    kfree\(guest\);")


@pytest.fixture
def left(boot):
    machine = boot()
    machine.run("leaks mark; guests 500")
    assert machine.kinds() == {"reachable": 1000}
    machine.run("guests leave")
    return machine


def test_counters_a_mark_and_the_scan_find_the_same_one(left):
    m = left.meminfo()
    assert (m["kmallocs"], m["live_objects"], m["live_bytes"]) == (1000, 1, 10)
    rows, summary = left.leaks("leaks since -j")
    assert list(rows) == [NAME] and summary["objects"] == 1
    assert left.kinds() == {"definite": 1}
    left.is_whole()


def test_it_was_last_seen_in_its_entry_which_was_freed(left):
    row, _ = left.json("leaks lost -j")
    assert (row["site"], row["became"], row["by"]) == (NAME, "freed", LEAVES)
    assert row["slot"].startswith("offset 8 of 0x")
    assert row["slot"].endswith(f" (12 bytes, serial 499, taken by {ENTRY})")


def test_where_its_siblings_hang(boot):
    machine = boot()
    machine.run("guests 500")
    rows = [row for row in machine.json("leaks owners -j") if row["site"] == NAME]
    assert [(row["count"], row["holder"], row["offset"]) for row in rows] == \
        [(500, ENTRY, 8)]


def test_each_name_that_cannot_be_had_loses_an_entry(boot):
    machine = boot()
    *rounds, summary = machine.json('fail each -j "guests 2; guests leave"')
    assert [(row["site"], row["leaked_objects"], row["sites"]) for row in rounds] == [
        (ENTRY, 0, []), (NAME, 1, [ENTRY])] * 2 + [(None, 0, [])]
    assert (summary["leaking"], summary["faulting"]) == (2, 0)


@pytest.mark.parametrize("words, said", [
    ("", "how many?"), ("x", '"x" is not a number'), ("0", "0 is not from 1"),
    ("1 2", 'unexpected "2"')])
def test_errors(boot, words, said):
    assert said in boot().run(f"guests {words}".strip())[0]
