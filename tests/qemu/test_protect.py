"""Pages that are taken away: whoever touches one faults, at that very instruction."""
import re

import pytest
from marbles import symbol

LARGE_PAGES = [[], ["-cpu", "486"], ["-cpu", "qemu32,-pse"]]


@pytest.fixture(params=LARGE_PAGES, ids=lambda a: " ".join(a) or "default")
def paged(boot, lab_elf, request):
    return boot(lab_elf, memory="16M", arguments=request.param)


# ---- page tables that change ------------------------------------------------------

@pytest.mark.parametrize("address", [0x300000, 0x500000, 0x7ff000, 0xc00000])
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


# ---- guard pages -------------------------------------------------------------------

@pytest.mark.parametrize("stack, words", [
    ("command_stack", "guard page below the stack of commands"),
    ("boot_stack", "guard page between two stacks"),
    ("report_stack", "guard page below the stack of reports")])
def test_below_each_stack_there_is_nothing(machine, elf, stack, words):
    start = symbol(elf, stack)
    assert symbol(elf, stack + "_guard") == start - 4096
    (what,) = machine.json(f"whatis {start - 1} -j")
    assert what["region"] == words
    assert f"is not mapped ({words})" in machine.run(f"dump {start - 1} 1")[0]
    machine.run(f"dump {start} 16")
