"""The debugging dials at the prompt: what is written where it must not be comes out."""
import re

import pytest
from marbles import CTRL_C, site, symbol

KMALLOC = site("kernel/memory/cmd_alloc.c", r"= kmalloc\(")
KFREE = site("kernel/memory/cmd_alloc.c", r"^ +kfree\(\(void")


def damage(machine, command, kind):
    """The lines of the one report that this command causes."""
    lines = machine.run(command, bug=kind)
    first = [n for n, line in enumerate(lines) if line.startswith("BUG ")]
    assert len(first) == 1, lines
    return lines[first[0]:]


@pytest.fixture
def watched(boot):
    return boot(cmdline="slub_debug=FZPU debug_pagealloc=on")


# ---- red zones, poison ----------------------------------------------------------

def test_a_write_behind_an_object_is_reported_as_linux_does(watched):
    _, p = watched.take("kmalloc 50")
    watched.run("poke $1+50 0x41 3")
    report = damage(watched, "kfree $1", "Right Redzone overwritten")
    assert report[0] == (f"BUG kmalloc-64 ({p:#010x}): Right Redzone overwritten: "
                         f"found by kfree in cmd_kfree ({KFREE})")
    assert report[1] == (f"  {p + 50:#010x}-{p + 52:#010x}: 3 bytes, at offset 50.  "
                         "First byte 0x41 instead of 0xcc")
    assert f"taken for 50 bytes by cmd_kmalloc ({KMALLOC}), serial 1" in report[3]
    assert any(re.match(r"      cmd_kmalloc\+0x", line) for line in report)
    assert any(re.match(r"      command_body\+0x", line) for line in report)
    assert any(line.startswith("  Redzone ") and " 4141 41cc cccc " in line
               for line in report)
    assert (f"FIX kmalloc-64: {p + 50:#010x}-{p + 52:#010x}=0xcc restored, and the "
            "object freed") in report
    assert watched.meminfo()["live_objects"] == 0
    watched.is_whole()


def test_a_write_before_an_object_is_found_by_check(watched):
    _, p = watched.take("kmalloc 64")
    watched.run("poke $1-1 0")
    report = damage(watched, "check", "Left Redzone overwritten")
    assert f"{p - 1:#010x}-{p - 1:#010x}: 1 byte, 1 before the object" in report[1]
    assert report[-2:] == ["mm_check: all rules hold, but memory was overwritten",
                           "overwritten: 1 place, told above"]
    assert watched.json("check -j") == [
        {"ok": True, "broken": None, "damage": 0, "reports": 1}]


def test_a_write_after_kfree_is_found_at_the_next_allocation(watched):
    _, p = watched.take("kmalloc 100")
    watched.run("kfree $1; poke $1+7 0x42")
    report = damage(watched, "kmalloc 100", "Poison overwritten")
    assert f"{p + 7:#010x}-{p + 7:#010x}: 1 byte, at offset 7.  First byte 0x42 " \
        "instead of 0x6b" in report[1]
    text = "\n".join(report)
    assert f"last taken for 100 bytes by cmd_kmalloc ({KMALLOC}), serial 1" in text
    assert f"freed by cmd_kfree ({KFREE})" in text


def test_the_clean_twin_is_silent(watched):
    watched.run("kmalloc 50; poke $1 0x41 50; kmalloc 64; poke $2 0x42 64; pages 0; "
                "poke $3 0 4096; kfree $1; kfree $2; pages free $3; kmalloc 50; kfree $4")
    reports = watched.meminfo()["reports"]
    watched.run("stress 5000")          # which frees what it must not, and is told
    assert watched.json("check -j") == [
        {"ok": True, "broken": None, "damage": 0, "reports": watched.meminfo()["reports"]}]
    assert reports == 0


# ---- who ------------------------------------------------------------------------

def test_leaks_show_the_calls(watched):
    watched.run("kmalloc 100 3")
    row = watched.json("leaks -j")[0]
    calls = row["taken_by_calls"]
    assert calls[0].startswith("cmd_kmalloc+0x") and row["objects"] == 3
    assert calls[1].startswith("command_body+0x")
    for call, address in zip(calls, row["pcs"], strict=True):   # "name+0x1c/0x94 (file)"
        name, _, offset = call.partition("/")[0].partition("+")
        assert int(address, 16) == symbol(watched.elf, name) + int(offset, 16)
    assert any(line.strip() == calls[0] for line in watched.run("leaks all"))


def test_page_owner_shows_the_calls_of_pages(boot):
    machine = boot(cmdline="page_owner=on")
    machine.run("pages 2")
    assert machine.json("leaks -j")[0]["taken_by_calls"][0].startswith("cmd_pages+0x")


# ---- setting them ----------------------------------------------------------------

def test_they_can_be_set_at_the_prompt(boot):
    machine = boot()
    assert machine.run("params slub_debug=ZP,kmalloc-64") == ["slub_debug=ZP,kmalloc-64"]
    machine.run("kmalloc 64; poke $1+64; kmalloc 32; poke $2+32")
    damage(machine, "kfree $1", "Right Redzone overwritten")
    machine.run("kfree $2")                 # not watched
    assert machine.run("params slub_debug=-") == ["slub_debug=-"]
    row = [r for r in machine.json("params -j")[:-1] if r["name"] == "init_on_free"][0]
    assert row["now"] == ""


def test_a_wrong_value_is_named_and_boot_goes_on(boot):
    machine = boot(cmdline="slub_debug=X init_on_alloc=1")
    log = "\n".join(machine.run("dmesg"))
    assert "slub_debug=X: its letters are F, Z, P, U, or - for none" in log
    machine.run("kmalloc 64")
    assert machine.json("dump $1 16 -j")[0]["hex"] == "00" * 16


def test_allocations_fail_on_purpose_and_the_report_says_by_what(boot):
    machine = boot(cmdline="failslab=2,100,0,-1,seed=9,site=cmd_kmalloc,cache=kmalloc-*")
    machine.take("kmalloc 100")
    lines = machine.run("kmalloc 100 2", bug="on purpose")
    assert lines[0] == ("FAULT_INJECTION: forcing a failure: kmalloc(100 bytes, "
                        f"GFP_KERNEL) by cmd_kmalloc ({KMALLOC})")
    assert lines[1] == ("  name failslab, interval 2, probability 100, space 0, "
                        "times -1, seed 9: failure 1 of 2 calls")
    assert lines[2].startswith("  cmd_kmalloc+0x") and KMALLOC in lines[2]
    assert lines[-1] == "kmalloc(100) = NULL, after 0 of 2"
    machine.run("pages; kmalloc 20000")             # whole pages
    assert machine.run("params failslab=0") == ["failslab=off"]
    machine.run("kmalloc 100 3; params fail_page_alloc=1,100,0,1,min-order=1; pages 0")
    assert machine.run("pages 1", bug="on purpose")[-1] == "alloc_pages(order 1) = NULL"
    machine.run("pages 1; params fail_page_alloc=off; params fail-nth=2; pages")
    assert "  name fail-nth: call 2" in machine.run("kmalloc 8", bug="on purpose")
    assert machine.run("params failslab=1,2")[0].startswith(
        "failslab=1,2: it is INTERVAL,PROBABILITY,SPACE,TIMES")
    machine.is_whole()


def test_many_failures_on_purpose_are_counted(boot):
    machine = boot()
    machine.run("params failslab=1,100,0,-1")
    lines = machine.run("drain 100", bug="on purpose")
    shown = [line for line in lines if line.startswith("FAULT_INJECTION: forcing")]
    assert len(shown) == 11 and shown[-1].endswith(", the 100th in this command")
    assert re.search(r"^FAULT_INJECTION: \d+ more were not shown$", "\n".join(lines), re.M)


def test_quarantine_keeps_freed_objects_back(boot):
    machine = boot(cmdline="quarantine=64K")
    first = machine.take("kmalloc 100")[1]
    machine.run("kfree $1")
    assert "a freed object in quarantine: slot 0" in machine.run("whatis $1")[0]
    (what,) = machine.json("whatis $1 -j")
    assert (what["kind"], what["quarantined"]) == ("slab_free", True)
    assert machine.take("kmalloc 100")[1] != first
    machine.run("kfree $1", bug="double free")
    machine.is_whole()


def test_powers_of_two_are_aligned_with_everything_on(watched):
    for size in (8, 64, 256, 1024, 4096, 8192, 65536):
        assert watched.take(f"kmalloc {size} 3")[1] % size == 0


# By dials: how it is told.
FOUND = {"slub_debug=P": "Poison overwritten: found by check",
         "slub_debug=P quarantine=64K": "Poison overwritten: found by check",
         "kfence.every=1": "KFENCE: use-after-free write in "}


@pytest.mark.parametrize("dials", FOUND)
def test_a_write_after_kfree_is_found_though_a_command_was_ended(boot, dials):
    machine = boot(cmdline=dials)
    machine.run("kmalloc 100; kfree $1; crash null")
    machine.send("crash loop\r")
    machine.wait_for("loop: ")
    machine.send(CTRL_C)
    assert "crash was ended by Ctrl-C" in "\n".join(machine.until_prompt())
    machine.send("poke $1+7 0x42; check\r")
    said = "\n".join(machine.until_prompt())
    assert re.search(rf"^BUG.*{FOUND[dials]}", said, re.M), said


@pytest.mark.parametrize("dial", ["slub_debug=FZPU", "quarantine=64K", "page_owner=on"])
def test_stress_finds_memory_as_it_was_with_objects_in_reserve(boot, dial):
    machine = boot(cmdline=dial)
    machine.run("kmalloc 50; kfree $1")
    assert machine.run("stress 2000")[-1].endswith("all given back, all rules hold")


# ---- mm's own structures ----------------------------------------------------------

def test_a_write_into_the_records_names_the_object_before_them(boot):
    """Notes and records lie behind the last slot of a slab, whose object is written past its
    end: of the notes nobody knows."""
    machine = boot()
    (cache,) = [row for row in machine.json("slabinfo -j") if row["name"] == "kmalloc-64"]
    last = cache["objperslab"]
    machine.run(f"kmalloc 64 {last}; poke ${last}+64 0x41 {4 * last + 8}")
    rule, where, _, who, taken = machine.run("check")
    assert re.match(r"mm_check: [SM]\d: ", rule)
    assert "behind its last slot (cache kmalloc-64)" in where
    assert f"a live object: slot {last - 1} of cache kmalloc-64" in who
    assert f"taken for 64 bytes by cmd_kmalloc ({KMALLOC}), serial {last}" in taken
