"""catch: debug registers tell who writes to a slot: kernel/trace/catch.c."""
import re

import pytest
from marbles import CTRL_C, site

LISTS = "tests/labs/lists.c"
KEEP = site(LISTS, r"^        head = node;")            # the first such line is that of keep
SHRINK = site(LISTS, r"^ +head = .*next;")
POKE = site("kernel/memory/cmd_look.c", r"\*\(volatile uint8_t \*\).*= \(uint8_t\)byte")
KFREE = site("kernel/memory/cmd_alloc.c", r"^ +kfree\(\(void \*\)")
STORE = re.compile(r"catch (\d): (\S+): (0x[0-9a-f]+) -> (0x[0-9a-f]+)")
BY = re.compile(r"  by (\w+)\+0x[0-9a-f]+/0x[0-9a-f]+ \((\S+)\)(, in an interrupt)?")


def stores(lines):
    """(slot, before, after, function, line, in an interrupt?) of each that is told."""
    found = []
    for store, by in zip(lines, lines[1:] + [""]):
        told = STORE.fullmatch(store)
        if told:
            who = BY.fullmatch(by)
            assert who, (store, by)
            found.append((told[2], told[3], told[4], who[1], who[2], who[3] is not None))
    return found


def freed(lines):
    return [line for line in lines if " is freed" in line]


@pytest.fixture
def watching(lists):
    yield lists
    lists.run("catch off")
    lists.is_whole()


def test_each_store_to_a_variable_has_its_line_and_both_values(watching):
    watching.run("catch head")
    told = stores(watching.run("lists keep 3"))
    assert [(one[0], *one[3:]) for one in told] == [("head", "keep", KEEP, False)] * 3
    assert told[0][1] == "0x00000000"
    assert [one[1] for one in told[1:]] == [one[2] for one in told[:-1]]    # a chain
    assert watching.json("catch -j")[0]["value"] == told[-1][2]
    assert watching.json("catch -j")[0]["stores"] == 3


def test_who_does_not_write_there_is_not_told_of(watching):
    watching.run("catch longer")
    assert stores(watching.run("lists keep 3; kmalloc 10; kfree $")) == []
    assert watching.json("catch -j")[0]["stores"] == 0


def test_an_object_is_watched_as_soon_as_it_is_there_until_its_kfree(watching):
    watching.run("catch 1+8")
    assert watching.json("catch -j")[0]["address"] is None
    watching.run("kmalloc 100")
    lines = watching.run("poke $+8 0x41; poke $+12 0x42; kfree $")
    assert stores(lines) == [("1+8", "0x00000000", "0x00000041", "cmd_poke", POKE, False)]
    (line,) = freed(lines)
    assert f"serial 1) is freed by cmd_kfree ({KFREE})" in line
    assert "it had 0x00000041" in line
    assert watching.json("catch -j") == []
    assert freed(watching.run("kmalloc 100; kfree $")) == []    # another life


def test_bytes_of_an_address_that_is_not_aligned_are_watched_alone(watching):
    watching.run("kmalloc 100")
    watching.run("catch $+6; catch $+9")
    assert [row["bytes"] for row in watching.json("catch -j")] == [2, 1]
    told = stores(watching.run("poke $+4 0x41 4; poke $+8 0x42; poke $+9 0x43"))
    assert [one[:3] for one in told] == [("$+6", "0x0000", "0x0041"),
                                         ("$+6", "0x0041", "0x4141"),
                                         ("$+9", "0x00", "0x43")]


def test_interrupts_are_told_as_such(watching):
    watching.run("lists keep 2; catch head")
    watching.send("lists shrinking 1\r")
    watching.wait_for(f"{SHRINK}), in an interrupt")
    watching.wait_for(f"{SHRINK}), in an interrupt")
    watching.wait_for_prompt()                  # it is drawn anew
    watching.run("lists shrinking 0")
    assert watching.json("catch -j")[0]["value"] == "0x00000000"


def test_four_are_watched_and_a_fifth_is_refused(watching):
    for name in ("head", "longer", "members", "circle"):
        watching.run(f"catch {name}")
    assert watching.run("catch pointing") == [
        "catch: pointing: all four debug registers are taken: catch off N gives one back"]
    assert len(stores(watching.run("lists keep 1; lists grow 1; lists members 1"))) == 3
    watching.run("catch off 2")
    assert watching.run("catch pointing")[0].startswith("catch 2: pointing: watched")
    assert [row["slot"] for row in watching.json("catch -j")] == [
        "head", "pointing", "members", "circle"]


def test_a_command_that_ends_by_ctrl_c_or_a_fault_leaves_them(watching):
    """With none free for whoever waits for mm to be at rest (kernel/cpu/guard.c)."""
    for name in ("head", "longer", "members", "circle"):
        watching.run(f"catch {name}")
    watching.send("stress 100M\r")
    watching.send(CTRL_C)
    watching.until_prompt()
    assert stores(watching.run("lists fault"))[0][0] == "head"
    assert len(stores(watching.run("lists keep 1"))) == 1


REFUSED = {
    "0": "serial numbers begin with 1",
    "1": "no object of that serial number is live any more",
    "2+128": "that is behind its end",
    "0x100000": "nobody can write there",
    "cmd_lists": "nobody can write there",
    "boot_stack": "that is a stack",
    "0xfff00000": "nothing is live there",
    "1M+x": "OFFSET", "nobody": "\"nobody\"", "$9": "the shell holds nothing",
    "head more": "unexpected", "off 3": "nothing is watched as number 3",
    "off 0": "numbered from 1",
}


def test_what_cannot_be_watched_is_refused_with_the_reason(watching):
    watching.run("kmalloc 1; kfree $; kmalloc 100")
    for word, why in REFUSED.items():
        (line,) = watching.run(f"catch {word}")
        assert line.startswith("catch: ") and why in line
        assert watching.json("catch -j") == []
    assert watching.run("catch 2+124")[0].startswith("catch 1: 2+124: watched, 4 bytes")


def test_a_fault_while_something_is_watched_puts_nothing_back(watching):
    watching.run("catch head")
    lines = watching.run("lists fault")
    assert any("has ended by this fault" in line for line in lines)
    assert not any("put back" in line for line in lines)
    assert len(stores(watching.run("lists keep 1"))) == 1           # it is watched still


@pytest.mark.parametrize("word", ["debug_is_on", "watches", "watches+8"])
def test_what_watching_itself_needs_may_be_watched(watching, word):
    lines = watching.run(f"catch {word}; catch off")
    assert not any("debug exception" in line for line in lines)
    watching.run(f"catch {word}")
    watching.run("catch head; trace graph lists keep 1; catch off")
    assert len(stores(watching.run("catch head; lists keep 1"))) == 1


def test_an_offset_that_wraps_is_behind_the_end(watching):
    """p + 0xfffffffc is the word before p."""
    watching.run("kmalloc 100; catch 2+4294967292")
    assert watching.run("kmalloc 100")[0] == \
        "catch 1: 2+4294967292: it has 128 bytes only: not watched"
    assert watching.json("catch -j") == []
