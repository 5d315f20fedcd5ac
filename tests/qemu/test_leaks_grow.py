"""leaks grow: which lines only ever grow, between marks and under watch."""
import re

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
    assert re.match(rf" +{31 * NODE} +31 +\+{30 * NODE} +\d+ +3 3 ", lines[1])
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
    assert re.search(r"what \S+ took only grows, by \d+ bytes a second: leaks grow", text)
    rows = {row["site"]: row for row in lists.json("leaks -j")[:-1]}
    assert rows[GROW]["only_grows"] and rows[SINGLES]["only_grows"]
    lists.run("kmalloc 10; leaks mark")     # a sample without more
    assert "only_grows" not in str(lists.json("leaks -j"))


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
