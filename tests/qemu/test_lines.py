"""Code has its place: file and line, as whatis says."""
import random
import re
import subprocess

import pytest
from marbles import ROOT, make

SAMPLE = 250                    # addresses asked for


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
