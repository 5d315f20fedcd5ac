"""Code has its place: file and line, in backtraces, reports of faults, and whatis."""
import random
import re
import subprocess
import tempfile
from pathlib import Path

import pytest
from conftest import build_with
from marbles import CTRL_C, ROOT, SHORT, make, site, symbol

PLACES = "tests/labs/places.c"
CALL = re.compile(r"^  0x[0-9a-f]{8} (\w+)\+(0x[0-9a-f]+)/0x[0-9a-f]+(?: \((\S+)\))?$")
SAMPLE = 250                    # addresses asked for


def calls(lines):
    """Of a backtrace (function, offset, place), from the innermost call on."""
    return [found.groups() for found in map(CALL.match, lines) if found]


def places(lines):
    return {function: place for function, _, place in calls(lines)}


# ---- backtraces -----------------------------------------------------------------------

def test_a_call_has_its_own_line_and_not_the_next(lab):
    lines = lab.run("place call")
    assert places(lines)["place_call"] == site(PLACES, "/[*] a call ")
    assert places(lines)["cmd_place"] == site(PLACES, "/[*] from the table ")
    assert f"__FILE__ {PLACES}" in lines


def test_an_inlined_call_has_the_line_that_it_was_inlined_from(lab):
    assert places(lab.run("place inlined"))["place_inlined"] == \
        site(PLACES, "/[*] an inlined call ")


def test_what_was_interrupted_is_named_by_its_next_instruction(boot, lab_elf):
    """At the first of a function the byte before is another function's.

    Labs' handlers run under a guard, where a backtrace ends.  So GDB makes the timer's
    own begin with a call of backtrace_print, which takes no arguments.
    """
    machine = boot(lab_elf, stopped=True)
    machine.gdb()
    machine.boot()
    machine.send("place interrupt\r")
    machine.wait_for("until Ctrl-C")
    machine.gdb("hbreak timer.c:tick", "continue", "delete", "set $esp = $esp - 4",
                "set *(int *)$esp = $eip", "set $eip = backtrace_print")
    machine.send(CTRL_C)
    said = calls(machine.until_prompt())
    names = [name for name, _, _ in said]
    at = names.index("interrupt")
    assert said[at][2] == site("kernel/cpu/trap_entry.S", "call trap_interrupt")
    assert said[at + 1] == ("place_first", "0x0", None)     # it has no line: asm("...")
    assert names[at + 2:at + 4] == ["place_interrupt", "cmd_place"]
    assert said[at + 2][2] == site(PLACES, "/[*] interrupted there ")


def test_every_call_of_the_kernel_has_a_place(machine):
    said = calls(machine.run("backtrace"))
    assert [place for _, _, place in said if place is None] == []
    assert said[0][2] == site("kernel/shell/cmd_system.c", r"^    backtrace_print\(\);")


def test_a_486_tells_the_same(boot, machine):
    assert boot(arguments=("-cpu", "486")).run("backtrace") == machine.run("backtrace")


def test_long_places_fit_the_screen(boot, tmp_path):
    name = "a_lab_with_a_name_as_long_as_a_name_should_not_be.c"
    (tmp_path / name).write_text((ROOT / PLACES).read_text())
    machine = boot(build_with([tmp_path / name]))
    machine.send("place call\r")
    said = machine.wait_for_prompt()
    assert f"({name}:" in said and max(map(len, said.split("\r\n"))) <= 80, said


# ---- faults ---------------------------------------------------------------------------

@pytest.mark.parametrize("kind, function, source", [
    ("null-write", "fault_null_write", r"[*]hidden\(8\) = 1;"),
    ("opcode", "fault_opcode", '"ud2"')])
def test_a_fault_has_the_line_of_the_instruction(boot, lab_elf, kind, function, source):
    machine = boot(lab_elf)
    machine.send(f"fault {kind}\r")
    text = "\n".join(machine.until_prompt())
    assert re.search(rf"^  in {function}\+0x[0-9a-f]+/0x[0-9a-f]+ "
                     rf"\({site('tests/labs/faults.c', source)}\)$", text, re.M), text


def test_a_call_that_never_returns_has_its_line(boot, lab_elf):
    """It may be the last instruction of its function."""
    machine = boot(lab_elf)
    machine.send("fault assert\r")
    line = site("tests/labs/faults.c", r"KASSERT\(")
    assert any(re.fullmatch(rf"  in fault_assert\+\w+/\w+ \({line}\)", said)
               for said in machine.until_prompt())


# ---- recorded calls -------------------------------------------------------------------

def test_recorded_calls_have_their_lines(boot):
    machine = boot(cmdline="slub_debug=U")
    machine.run("kmalloc 100")
    place = site("kernel/memory/cmd_alloc.c", r"\bkmalloc\(")
    (call,) = {row["taken_by_calls"][0] for row in machine.json("leaks -j")[:1]}
    assert call.startswith("cmd_kmalloc+0x") and call.endswith(f" ({place})"), call
    assert f"    {call}" in machine.run("whatis $1")
    assert any(line.strip() == call for line in machine.run("leaks all"))


# ---- whatis ---------------------------------------------------------------------------

def functions(elf):
    """(start, size) of each, as nm says."""
    said = subprocess.run(["nm", "-S", str(elf)], capture_output=True, text=True, check=True)
    rows = [line.split() for line in said.stdout.splitlines()]
    return [(int(row[0], 16), int(row[1], 16)) for row in rows
            if len(row) == 4 and row[2] in "tTwW"]


def said_by_addr2line(elf, addresses):
    said = subprocess.run(["addr2line", "-e", str(elf)], text=True, check=True,
                          input="".join(f"{address:#x}\n" for address in addresses),
                          capture_output=True).stdout.splitlines()
    return [re.sub(r"^(\./)+| \(discriminator \d+\)$", "", line) for line in said]


@pytest.mark.parametrize("target", ["build/marbles.elf", "build/gdb/marbles.elf"])
def test_the_table_says_of_each_function_what_addr2line_says(boot, target):
    make(target)
    machine = boot(ROOT / target)
    chosen = random.Random(1)
    all_functions = functions(ROOT / target)
    assert len(all_functions) > 500
    addresses = [start + chosen.randrange(size)
                 for start, size in chosen.sample(all_functions, SAMPLE)]
    for address, wanted in zip(addresses, said_by_addr2line(ROOT / target, addresses)):
        (row,) = machine.json(f"whatis {address:#x} -j")
        assert f"{row['file']}:{row['line']}" == wanted, row


def test_only_code_has_a_line(machine):
    (row,) = machine.json("whatis kernel_main -j")
    assert row["file"] == "kernel/main.c"
    assert f"({row['file']}:{row['line']})" in machine.run("whatis kernel_main")[0]
    for name in ("mm_records", "boot_stack", "0"):
        (row,) = machine.json(f"whatis {name} -j")
        assert "file" not in row and "line" not in row
        assert not re.search(r":\d+\)", machine.run(f"whatis {name}")[0])


# ---- labs from anywhere ---------------------------------------------------------------

HEADER = """
static inline void in_header(void)
{
    kprintf("__FILE__ %s:%d\\n", __FILE__, __LINE__); backtrace_print();
}
"""
LAB = """
#include "kernel/backtrace.h"
#include "kernel/shell.h"
#include "more/header.h"
static int NAME(int argc, char **argv)
{
    kprintf("__FILE__ %s:%d\\n", __FILE__, __LINE__); backtrace_print();
    in_header();
    return SHELL_OK;
}
SHELL_COMMAND(NAME, "", "tells where it is", NAME);
"""


@pytest.fixture
def short_path():
    """Of a folder: what is in there has a place that is no wider than the screen."""
    with tempfile.TemporaryDirectory(dir=SHORT) as folder:
        yield Path(folder)


@pytest.mark.parametrize("files", [["one.c"], ["one.c", "sub/two.c"],
                                   ["same.c", "sub/same.c", "other.c"]])
def test_a_lab_is_called_what___FILE___calls_it(boot, short_path, files):
    """Which is without its folder, if no other has that name."""
    labs = [short_path / file for file in files]
    for nth, lab in enumerate(labs):
        (lab.parent / "more").mkdir(parents=True, exist_ok=True)
        (lab.parent / "more/header.h").write_text(HEADER)
        lab.write_text(LAB.replace("NAME", f"tell{nth}"))
    machine = boot(build_with(labs))
    for nth, lab in enumerate(labs):
        lines = machine.run(f"tell{nth}")
        told = [line.split()[1] for line in lines if line.startswith("__FILE__")]
        assert [place for name, _, place in calls(lines) if name == f"tell{nth}"] == told
        alone = [file.split("/")[-1] for file in files].count(lab.name) == 1
        assert told[0].rsplit(":")[0] == (lab.name if alone else str(lab))


# ---- the tools' output ----------------------------------------------------------------

READELF = """Contents of the .debug_line section:

CU: /a/x.c:
File name                            Line number    Starting address    View    Stmt
x.c                                           19            0x100b40               x
x.c                                           20            0x100b40       1

./mm/port.h:
port.h                                        57            0x100b43               x

/a/more/y.h:
y.h                                            0            0x100b47
y.h                                            -            0x100b49
"""
# File numbers begin with 1 up to DWARF 4, with 0 since.
DWARFDUMP = """debug_line[0x00000000]
Line table prologue:
         version: VERSION
include_directories[  1] = "./mm"
include_directories[  2] = "/a/more"
file_names[  FIRST]:
           name: "/a/x.c"
      dir_index: 0
file_names[  5]:
           name: "port.h"
      dir_index: 1
file_names[  6]:
           name: "y.h"
      dir_index: 2

Address            Line   Column File   ISA Discriminator Flags
------------------ ------ ------ ------ --- ------------- -------------
0x0000000000100b40     19      0  FIRST   0             0  is_stmt
0x0000000000100b40     20      3  FIRST   0             0
0x0000000000100b43     57      3      5   0             0  is_stmt prologue_end
0x0000000000100b47      0      3      6   0             0
0x0000000000100b49      0      3      6   0             0  end_sequence
"""
PLAIN = """00100b40 19 x.c
00100b40 20 x.c
00100b43 57 mm/port.h
00100b47 0 more/y.h
00100b49 - -
"""


def awk(program, *arguments):
    return subprocess.run(["awk", "-f", f"kernel/{program}.awk", *map(str, arguments)],
                          cwd=ROOT, capture_output=True, text=True, check=True)


@pytest.mark.parametrize("text", [
    READELF, DWARFDUMP.replace("FIRST", "0").replace("VERSION", "5"),
    DWARFDUMP.replace("FIRST", "1").replace("VERSION", "4")],
    ids=["readelf", "DWARF 5", "DWARF 4"])
def test_the_output_of_both_tools_is_understood(tmp_path, text):
    (tmp_path / "said").write_text(text)
    assert awk("lines", "-v", "labs=/b/z.c /a/x.c", tmp_path / "said").stdout == PLAIN
    whole = awk("lines", "-v", "labs=/b/x.c", tmp_path / "said").stdout
    assert whole.startswith("00100b40 19 /a/x.c\n")


def test_a_table_without_lines_is_said_and_one_with_lines_is_not(tmp_path):
    (tmp_path / "symbols").write_text("00100b40 00000009 T one\n00100b49 00000004 D two\n")
    (tmp_path / "lines").write_text(PLAIN)
    (tmp_path / "none").write_text("")
    whole = awk("symbols", tmp_path / "symbols", tmp_path / "lines")
    assert whole.stderr == "" and "lines_0: .uleb128" in whole.stdout
    none = awk("symbols", tmp_path / "symbols", tmp_path / "none")
    assert none.stderr.startswith("no lines in reports: ") and "lines_0" not in none.stdout


def test_whatis_of_a_return_address_has_the_line_of_the_report(lab):
    """Below "called from" stands where the call returns to, with the line of the call."""
    differ = 0
    for command in ("fault null-write", "fault null-call", "fault under-free-pages",
                    "fault assert", "fault stack"):
        said = lab.run(command)
        calls = re.findall(r"^  (0x\w{8}) (\w+\+\S+ \(\S+:\d+\))$", "\n".join(said), re.M)
        assert len(calls) >= 2, said
        for address, place in calls:
            first, *more = lab.run(f"whatis {address}")
            if more:
                differ += 1
                assert more == [f"  a call returns there: that of {place}"]
            else:
                assert first.endswith(f": {place}"), (first, place)
    assert differ > 0


def test_whatis_of_other_code_speaks_of_no_call(lab, lab_elf):
    for name in ("kmalloc_at", "kernel_main", "cmd_fault"):
        assert len(lab.run(f"whatis {symbol(lab_elf, name)}")) == 1
