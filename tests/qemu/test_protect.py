"""Pages that are taken away: whoever touches one faults, at that very instruction."""
import re

import pytest
from marbles import site, symbol

LARGE_PAGES = [[], ["-cpu", "486"], ["-cpu", "qemu32,-pse"]]


@pytest.fixture(params=LARGE_PAGES, ids=lambda a: " ".join(a) or "default")
def paged(boot, lab_elf, request):
    return boot(lab_elf, memory="16M", arguments=request.param)


# ---- page tables that change ------------------------------------------------------

@pytest.mark.parametrize("address", [0x301000, 0x500000, 0x7ff000, 0xc00000])
def test_a_page_goes_and_comes_back_with_what_is_in_it(paged, address):
    """In the first 4 MiB, inside of others, at the edge between two, at a start."""
    paged.run(f"poke {address} 0x5a 4096")
    before = paged.run(f"hash {address} 4096")
    assert paged.run(f"absent away {address}") == ["done: before 1, first 0, last 0, behind 1"]
    assert "is not mapped" in paged.run(f"dump {address}")[0]
    assert paged.run(f"absent away {address}")[0].startswith("done: before 1, first 0")
    assert paged.run(f"absent back {address}") == ["done: before 1, first 1, last 1, behind 1"]
    assert paged.run(f"hash {address} 4096") == before
    paged.run(f"poke {address} 0 4096")
    paged.is_whole()


def test_pages_that_never_went_stay_when_they_are_given_back(paged):
    assert paged.run("absent back 0x400000 2048")[0].startswith("done")
    assert paged.run("absent away 0x3ff000 2")[0] == "done: before 1, first 0, last 0, behind 1"


def test_what_is_no_ram_cannot_be_taken_away(paged):
    assert paged.run("absent away 0x2000000")[0].startswith("refused")
    assert paged.run("absent away 0xfff000 2")[0].startswith("refused")


@pytest.mark.parametrize("how", ["poke 0x900ffc 0 4", "hash 0x900000 4"])
def test_touching_it_faults(paged, how):
    paged.run("absent away 0x900000")
    assert re.match(r"page fault: (write to 0x00900ffc|read from 0x00900000), which is not "
                    "mapped", paged.run(how)[0])


def test_what_is_read_only_stays_so(paged, lab_elf):
    start, end = (symbol(lab_elf, name) for name in ("symbols_start", "image_end"))
    pages = f"{start} {(end - start) // 4096}"
    paged.run(f"absent away {pages}; absent back {pages}")
    assert "which is read-only" in paged.run("fault symbols")[0]


@pytest.mark.parametrize("memory, tables", [("4M", 0), ("8M", 1), ("64M", 15), ("512M", 127)])
def test_meminfo_tells_what_the_tables_take(boot, memory, tables):
    machine = boot(memory=memory)
    assert machine.meminfo()["page_tables_kb"] == 4 * (2 + tables)
    assert f"PageTables:     {4 * (2 + tables):8} kB" in machine.run("meminfo")


# ---- free pages (debug_pagealloc) ---------------------------------------------------

PAGES_TAKEN = site("kernel/memory/cmd_alloc.c", r"= alloc_pages\(")
PAGES_FREED = site("kernel/memory/cmd_alloc.c", r"^    free_pages\(")
KMALLOC = site("kernel/memory/cmd_alloc.c", r"= kmalloc\(")
KFREE = site("kernel/memory/cmd_alloc.c", r"^ +kfree\(\(void")


def faults(machine, command):
    """The lines of the report of the fault that this command ends with; mm is whole."""
    machine.send(command + "\r")
    lines = machine.until_prompt()
    machine.is_whole()
    first = next(n for n, line in enumerate(lines) if line.startswith("BUG: "))
    return lines[first:]


@pytest.fixture(params=LARGE_PAGES, ids=lambda a: " ".join(a) or "default")
def without_free_pages(boot, request):
    return boot(memory="64M", cmdline="debug_pagealloc=on", arguments=request.param)


def test_a_write_to_freed_pages_faults_and_says_who_freed_them(without_free_pages):
    machine = without_free_pages
    _, p = machine.take("pages 1")
    machine.run("poke $1 0 4096; pages free $1")
    report = faults(machine, "poke $1+4097")
    assert re.match(r"BUG: DEBUG_PAGEALLOC: use-after-free write in cmd_poke\+0x", report[0])
    assert report[1:5] == [
        f"  byte 4097 of what was there: 0x{p:08x}-0x{p + 8191:08x}, size=8192",
        f"  allocated by take_pages ({PAGES_TAKEN}), serial 1",
        f"  freed by give_pages_back ({PAGES_FREED})",
        f"page fault: write to 0x{p + 4097:08x}, which is not mapped"]


def test_a_read_of_a_freed_large_kmalloc_faults(without_free_pages, lab_elf):
    machine = without_free_pages
    _, p = machine.take("kmalloc 20000")
    machine.run("dump $1; kfree $1")
    assert machine.run("dump $1") == [
        f"dump: 0x{p:08x} is not mapped (a debugging dial took it away)"]
    report = faults(machine, "poke $1+19999")
    assert f"  allocated by cmd_kmalloc ({KMALLOC}), serial 1" in report
    assert f"  freed by cmd_kfree ({KFREE})" in report


def test_what_nobody_ever_had_is_told_as_that(without_free_pages):
    report = faults(without_free_pages, "poke 0x2000000")
    assert re.match("BUG: DEBUG_PAGEALLOC: invalid write in cmd_poke", report[0])
    assert report[1] == "  there is no record that it was ever handed out"


@pytest.mark.parametrize("memory", ["8M", "64M", "512M"])
@pytest.mark.parametrize("arguments", LARGE_PAGES[:2], ids=["default", "486"])
def test_it_is_turned_at_the_prompt_and_nothing_else_changes(boot, memory, arguments):
    machine = boot(memory=memory, arguments=arguments)
    machine.run("kmalloc 100 3; pages 2; kfree $2")
    before = machine.meminfo()
    address = 7 << 20           # free on all of them
    for _ in range(2):
        machine.run("params debug_pagealloc=on")
        assert "is not mapped" in machine.run(f"dump {address}")[0]
        assert machine.run("stress 3000")[-1].endswith("all given back, all rules hold")
        machine.is_whole()
        machine.run("params debug_pagealloc=off")
        assert "|" in machine.run(f"dump {address}")[0]
        machine.is_whole()
    after = machine.meminfo()
    for key in ("total_kb", "live_objects", "live_bytes", "page_tables_kb"):
        assert after[key] == before[key]


def test_with_all_dials_it_stands_stress(boot):
    machine = boot(cmdline="slub_debug=FZPU debug_pagealloc=on page_owner=on "
                           "init_on_alloc=1 quarantine=64K")
    assert machine.run("stress 5000")[-1].endswith("all given back, all rules hold")
    machine.is_whole()


def test_in_the_clean_twin_the_write_is_silent(boot):
    machine = boot()
    machine.run("pages 1; pages free $1; poke $1+4097")
    machine.is_whole()


# ---- guard pages -------------------------------------------------------------------

@pytest.mark.parametrize("stack, pages, words", [
    ("command_stack", 2, "guard page below the stack of commands"),
    ("boot_stack", 1, "guard page between two stacks"),
    ("report_stack", 1, "guard page below the stack of reports")])
def test_below_each_stack_there_is_nothing(machine, elf, stack, pages, words):
    start = symbol(elf, stack)
    assert symbol(elf, stack + "_guard") == start - 4096 * pages
    (what,) = machine.json(f"whatis {start - 1} -j")
    assert what["region"] == words
    assert f"is not mapped ({words})" in machine.run(f"dump {start - 1} 1")[0]
    machine.run(f"dump {start} 16")


# ---- guarded objects (kfence.every) ----------------------------------------------------

@pytest.fixture(params=LARGE_PAGES, ids=lambda a: " ".join(a) or "default")
def guarded(boot, request):
    return boot(memory="64M", cmdline="kfence.every=1", arguments=request.param)


def test_a_write_past_an_object_faults_as_in_linux(guarded):
    _, p = guarded.take("kmalloc 64")
    report = faults(guarded, "poke $1 0x41 65")
    assert re.match(r"BUG: KFENCE: out-of-bounds write in cmd_poke\+0x", report[0])
    assert report[1:5] == [
        f"  Out-of-bounds write at 0x{p + 64:08x} (right behind kfence-#1)",
        f"  kfence-#1: 0x{p:08x}-0x{p + 63:08x}, size=64, cache=kmalloc-64",
        f"  allocated by cmd_kmalloc ({KMALLOC}), serial 1",
        f"page fault: write to 0x{p + 64:08x}, which is not mapped"]


def test_a_use_after_free_faults_and_says_who_freed_it(guarded):
    _, p = guarded.take("kmalloc 64")
    guarded.run("kfree $1")
    assert guarded.run("dump $1") == [
        f"dump: 0x{p:08x} is not mapped (a debugging dial took it away)"]
    report = faults(guarded, "poke $1+5")
    assert re.match(r"BUG: KFENCE: use-after-free write in cmd_poke\+0x", report[0])
    assert report[1:5] == [
        f"  Use-after-free write at 0x{p + 5:08x} (in kfence-#1)",
        f"  kfence-#1: 0x{p:08x}-0x{p + 63:08x}, size=64, cache=kmalloc-64",
        f"  allocated by cmd_kmalloc ({KMALLOC}), serial 1",
        f"  freed by cmd_kfree ({KFREE})"]


def test_slack_is_looked_at_by_kfree_and_by_check(guarded):
    guarded.run("kmalloc 100 2; poke $1-1; poke $2+100")
    lines = guarded.run("kfree $1", bug="memory corruption")
    assert f"BUG: KFENCE: memory corruption in cmd_kfree: found by kfree in cmd_kfree " \
        f"({KFREE})" in lines
    assert any("1 byte, 1 before the object.  First byte 0x41 instead of 0xcc" in line
               for line in lines)
    lines = guarded.run("check", bug="memory corruption")
    assert "BUG: KFENCE: memory corruption in check: found by check" in lines
    assert guarded.json("check -j") == [
        {"ok": True, "broken": None, "damage": 0, "reports": 2}]


def test_a_guarded_object_is_an_object_like_others(guarded):
    before = guarded.meminfo()
    _, p = guarded.take("kmalloc 100")
    guarded.take("kmalloc 100")
    (what,) = guarded.json("whatis $1+4 -j")
    assert (what["kind"], what["cache"], what["offset"]) == ("guarded_live", "kmalloc-128", 4)
    assert guarded.run("whatis $1")[0] == \
        f"0x{p:08x}: a live object, guarded: cache kmalloc-128, 100 bytes"
    assert guarded.run("whatis $1-8")[0] == f"0x{p - 8:08x}: 8 bytes before, in a live " \
        f"object, guarded: cache kmalloc-128, 100 bytes from 0x{p:08x}"
    assert "  right behind the 100 bytes asked for" in guarded.run("whatis $1+100")
    rows, summary = guarded.leaks()
    assert (rows[KMALLOC]["objects"], summary["bytes"]) == (2, 200)
    m = guarded.meminfo()
    assert m["guarded_kb"] == 16 and m["live_objects"] == 2
    assert (m["total_kb"], m["unguarded"]) == (before["total_kb"], 0)
    guarded.run("kfree $1+8", bug="interior pointer")
    guarded.run("kfree $1")
    guarded.run("kfree $1", bug="double free")
    assert "a freed object, guarded" in guarded.run("whatis $1")[0]
    guarded.run("kfree $2")
    guarded.is_whole()
    assert guarded.meminfo()["live_objects"] == 0


@pytest.mark.parametrize("memory", ["8M", "64M", "512M"])
@pytest.mark.parametrize("arguments", LARGE_PAGES[:2], ids=["default", "486"])
@pytest.mark.parametrize("every", [1, 7])
def test_it_is_turned_at_the_prompt(boot, memory, arguments, every):
    machine = boot(memory=memory, arguments=arguments)
    machine.run("kmalloc 100 3")
    for _ in range(2):
        assert machine.run(f"params kfence.every={every}") == [f"kfence.every={every}"]
        machine.run("kmalloc 60 200")
        assert machine.meminfo()["guarded_kb"] > 0
        assert machine.run("stress 3000")[-1].endswith("all given back, all rules hold")
        machine.is_whole()
        assert machine.run("params kfence.every=0") == ["kfence.every=off"]
        machine.is_whole()


def test_with_every_seventh_only_some_are_guarded(boot):
    machine = boot(cmdline="kfence.every=7")
    machine.run("kmalloc 64 512")
    kinds = [machine.json(f"whatis ${n} -j")[0]["kind"] for n in range(1, 513)]
    assert 512 // 32 // 7 <= kinds.count("guarded_live") <= 512 // 16 // 7 + 1


def test_guarded_with_all_dials_it_stands_stress(boot):
    machine = boot(cmdline="slub_debug=FZPU debug_pagealloc=on page_owner=on kfence.every=1 "
                           "init_on_alloc=1 init_on_free=1 quarantine=64K")
    assert machine.run("stress 5000")[-1].endswith("all given back, all rules hold")
    machine.is_whole()
    machine.run("kmalloc 64; kfree $1")
    assert faults(machine, "poke $1")[0].startswith("BUG: KFENCE: use-after-free write in ")


def test_without_the_dial_all_of_that_is_silent(boot):
    machine = boot()
    machine.run("kmalloc 100; poke $1 0x41 101; kfree $1; poke $1; kmalloc 64; poke $2+64")
    assert machine.meminfo()["guarded_kb"] == 0
    machine.is_whole()


def test_wrong_values_are_named(boot):
    machine = boot(cmdline="kfence.every=x")
    assert "kfence.every=x: it is a number: 1 guards each object, N one of N refills, 0 " \
        "none" in "\n".join(machine.run("dmesg"))
    machine = boot(cmdline="kmemleak=off kfence.every=1")
    assert "needs the records of kmemleak=on" in "\n".join(machine.run("dmesg"))
