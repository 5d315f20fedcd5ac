"""leaks grow: which lines only ever grow, between marks and under watch."""
import re

import test_exec
from marbles import ROOT, site

LAB = ROOT / "tests/labs/lists.c"
LINES = [f"tests/labs/lists.c:{number}" for number, line in enumerate(
    LAB.read_text().splitlines(), 1) if "= kzalloc(sizeof(*node)" in line]
KEEP, MEMBERS, GROW = LINES
SINGLES = site("tests/labs/lists.c", r"p = kzalloc\(")
NODE = 56


def said(lines):
    return " ".join(" ".join(lines).split())


def growth(machine):
    *rows, summary = machine.json("leaks grow -j")
    return {row["site"]: row for row in rows}, summary


def test_what_has_more_at_each_mark_stands_out_and_what_stays_does_not(lists):
    lists.run("lists keep 50; leaks mark")
    for _ in range(3):
        lists.run("lists grow 10; lists members 10; lists free; lists grow 100; leaks mark")
    lists.run("lists free")
    lists.run("lists keep 50; lists grow 1; leaks mark a")
    for name in "bcd":
        lists.run(f"lists grow 10; kmalloc 100; kfree $; leaks mark {name}")
    rows, summary = growth(lists)
    assert rows[GROW]["only_grows"] and rows[GROW]["grew"] == rows[GROW]["samples"] == 3
    assert rows[GROW]["grown_objects"] == 30
    assert rows[GROW]["grown_bytes"] == 30 * NODE
    assert not rows[KEEP]["only_grows"] and rows[KEEP]["grown_bytes"] == 0
    assert summary["growing"] == 1 and summary["untold"] == 0
    lines = lists.run("leaks grow")
    assert lines[0].strip() == "grew at"
    assert lines[1].split() == "bytes objects grown a second samples taken by".split()
    assert re.match(rf" +{31 * NODE} +31 +\+{30 * NODE} +(\d+|-) +3 of 3 ", lines[2])
    assert f"{GROW} func:grow, only grows" in said(lines)
    assert "1 line only grows" in lines[-1]


def test_what_falls_begins_anew(lists):
    for _ in range(4):
        lists.run("lists grow 5; leaks mark")
    assert growth(lists)[0][GROW]["only_grows"]
    lists.run("lists free; leaks mark; lists grow 3; leaks mark")
    row = growth(lists)[0][GROW]
    assert not row["only_grows"] and (row["grew"], row["samples"]) == (0, 0)
    assert lists.run("leaks grow")[0] == "nothing has grown"


def test_a_cache_that_has_filled_does_not_only_grow(lists):
    for _ in range(3):
        lists.run("lists keep 5; leaks mark")
    assert growth(lists)[0][KEEP]["only_grows"]
    lists.run("kmalloc 100; leaks mark")
    row = growth(lists)[0][KEEP]
    assert (row["grew"], row["samples"], row["only_grows"]) == (2, 3, False)


def test_looking_twice_at_the_same_is_no_sample(lists):
    for _ in range(3):
        lists.run("lists keep 5; leaks mark; leaks mark; leaks; leaks grow")
    row = growth(lists)[0][KEEP]
    assert (row["grew"], row["samples"]) == (2, 2)


def test_two_samples_are_not_enough_and_that_is_said(lists):
    assert lists.run("leaks grow")[0] == "nothing has grown"
    lists.run("lists grow 5; leaks mark; lists grow 5")
    assert "it takes three" not in said(lists.run("leaks grow"))
    rows, summary = growth(lists)           # the first of three was an empty heap
    assert summary["growing"] == 0 and rows[GROW]["samples"] == 1


def test_leaks_marks_the_rows_that_only_grow_lost_or_held(lists):
    for _ in range(2):
        assert "only grows" not in said(lists.run("lists grow 5; lists singles 5; leaks"))
    lists.run("lists grow 5; lists singles 5")
    text = said(lists.run("leaks"))
    assert f"{SINGLES} func:lose_singles, only grows" in text
    assert f"what 2 lines took only grows, first {GROW}: leaks grow" in text
    rows = {row["site"]: row for row in lists.json("leaks -j")[:-1]}
    assert rows[GROW]["only_grows"] and rows[SINGLES]["only_grows"]
    lists.run("kmalloc 10; leaks mark")     # a sample without more
    assert "only_grows" not in str(lists.json("leaks -j"))


# ---- how fast --------------------------------------------------------------------------

def test_where_nobody_sits_no_rate_is_told_and_two_runs_print_the_same(lists_elf):
    commands = "leaks mark; lists grow 30; stress 5000; leaks mark; lists grow 40; " \
               "stress 3000; leaks grow -j; lists grow 1; leaks; leaks grow; leaks grow -j"
    first, again = (test_exec.run(commands, lists_elf) for _ in range(2))
    assert first.returncode == 0 and first.stdout == again.stdout
    assert first.stdout.count('"per_second": null') == 2
    assert f"what {GROW} took only grows: leaks grow\n" in first.stdout
    assert "a second:" not in first.stdout
    assert re.search(rf" {71 * NODE} +71 +\+{41 * NODE} +-  2 of 2 ", first.stdout)
    assert "\n4 samples, 1 line only grows\n" in first.stdout


def test_in_less_than_a_second_no_rate_is_told(lists):
    before, _, *rows, _, after = lists.json(
        "uptime -j; lists grow 1; leaks mark -j; lists grow 5; leaks grow -j; uptime -j")
    assert [row["site"] for row in rows] == [GROW]
    if after["seconds"] < before["seconds"] + 1:
        assert rows[0]["per_second"] is None


def test_after_a_second_it_is_told_how_fast(lists):
    lists.send('watch "lists grow 1; leaks"\r')
    speed = re.compile(rf"what {GROW} took only grows, by (\d+) bytes a second: leaks grow")
    lists.wait_for(speed)
    assert 0 < int(lists.qemu.match[1]) <= NODE
    lists.send("q")
    lists.until_prompt()
    rows, _ = growth(lists)
    assert 0 < rows[GROW]["per_second"] <= NODE
    assert re.search(r"^\d+ samples in \d+ s, 1 line only grows$",
                     lists.run("leaks grow")[-1])


def test_under_watch_a_driver_that_leaks_stands_out(boot):
    machine = boot(memory="64M")
    machine.run("drain start 10")
    machine.send('watch "leaks grow"\r')
    machine.wait_for("1 line only grows")
    machine.send("q")
    machine.until_prompt()
    machine.run("drain stop")
    assert "func:receive, only grows" in said(machine.run("leaks grow"))
    machine.is_whole()


def test_a_word_too_many_is_named(lists):
    assert 'unexpected "now"' in lists.run("leaks grow now")[0]
