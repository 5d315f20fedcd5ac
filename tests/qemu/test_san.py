"""make SAN=1: each mistake is told where it happens, and the same done right is not."""
import os
import re
import subprocess

import pytest
from conftest import build_with
from marbles import PROMPT, ROOT, Machine, environment, plain

LAB = ROOT / "tests/labs/mistakes.c"
SOURCE = LAB.read_text().splitlines()
README = (ROOT / "kernel/san/README.md").read_text()

# mistake KIND: the bug, the function, the access, and what else the report says.
KASAN = {
    "heap-right": ("slab-out-of-bounds", "heap_right", "Write of size 1",
                   "right behind the 20 bytes asked for"),
    "heap-right-exact": ("slab-out-of-bounds", "heap_right_exact", "Write of size 1",
                         "right behind an object, in its red zone: slot 0"),
    "heap-left": ("slab-out-of-bounds", "heap_left", "Write of size 1",
                  "1 byte before an object, in its red zone: slot 1"),
    "heap-read": ("slab-out-of-bounds", "heap_read", "Read of size 1",
                  "right behind the 20 bytes asked for"),
    "heap-large": ("slab-out-of-bounds", "heap_large", "Write of size 1",
                   "right behind the 10000 bytes asked for"),
    "cache-right": ("slab-out-of-bounds", "cache_right", "Write of size 1",
                    "of cache mistake, 40 bytes"),
    "write-after-free": ("slab-use-after-free", "write_after_free|use_and_free",
                         "Write of size 1", "freed by use_and_free"),
    "read-after-free": ("slab-use-after-free", "read_after_free|use_and_free",
                        "Read of size 1", "freed by use_and_free"),
    "page-after-free": ("use-after-free", "page_after_free", "Write of size 1",
                        "byte 100 of a free block of pages"),
    "copy": ("slab-out-of-bounds", "copy", "Write of size 65",
             "right behind an object, in its red zone"),
    "string": ("slab-out-of-bounds", "string", "Write of size 9",
               "right behind an object, in its red zone"),
    "stack-array": ("stack-out-of-bounds", "stack_array", "Write of size 1",
                    r"\[32, 48\) 'array:\d+'"),
    "stack-read": ("stack-out-of-bounds", "stack_read", "Read of size 1",
                   r"at offset 51 of the frame of stack_read\+0x0/"),
    "stack-scope": ("stack-use-after-scope", "stack_scope", "Read of size 1",
                    r"\[32, 48\) 'inner:\d+'"),
    "global": ("global-out-of-bounds", "global", "Write of size 1",
               "right behind the end of table, of 10 bytes"),
}

# The bug, a text of the line where it is, and the sentence.
UBSAN = {
    "shift": ("shift-out-of-bounds", "one << places",
              "shift exponent 40 is too large for 32-bit type 'int'"),
    "overflow": ("signed-integer-overflow", "most + 1",
                 r"2147483647 \+ 1 cannot be represented in type 'int'"),
    "overflow-64": ("signed-integer-overflow", "(by ? 0x4000000000000000",
                    r"\d+ \* \d+ cannot be represented in type 'long long int'"),
    "negation": ("negation-overflow", "-least",
                 "negation of -2147483648 cannot be represented in type 'int'"),
    "array-index": ("array-index-out-of-bounds", "table[index]",
                    r"index 10 is out of range for type 'char \[10\]'"),
    "bool-load": ("invalid-load", "*truth",
                  "load of value 2 is not a valid value for type '_Bool'"),
    "pointer": ("pointer-overflow", "at += bytes", "from 0xfffffff0 to 0x00000000"),
    "null": ("null-ptr-deref", "(char)*p", "load of null pointer of type 'int'"),
    "division": ("division-overflow", "100 / divisor", "division by zero"),
}
FATAL = {"null": "page fault: read from 0x00000000", "division": "divide error"}
RULE = "=" * 66


@pytest.fixture(scope="session")
def san_elf():
    return build_with([LAB], "SAN=1")


@pytest.fixture(scope="module")
def san(san_elf):
    with Machine(san_elf) as machine:
        yield machine


def tell(machine, line):
    """The lines that it prints, reports among them."""
    machine.send(line + "\r")
    return plain(machine.wait_for(PROMPT))[1:]


@pytest.mark.parametrize("kind", KASAN)
def test_a_wrong_access_is_told(san, kind):
    bug, function, access, also = KASAN[kind]
    before = san.meminfo()["reports"]
    lines = tell(san, f"mistake {kind}")
    text = "\n".join(lines)
    assert lines[0] == lines[-2] == RULE and lines[-1] == "it came back", text
    assert re.fullmatch(rf"BUG: KASAN: {bug} in ({function})\+0x\w+/0x\w+",
                        lines[1]), text
    where = re.fullmatch(rf"  in ({function})\+0x\w+/0x\w+ \(tests/labs/mistakes.c:(\d+)\)",
                         lines[2])
    assert where, text
    inside = re.findall(r"^\w.*[ *](\w+)\(.*\)$", "\n".join(SOURCE[:int(where[2])]), re.M)[-1]
    assert re.fullmatch(function, inside), text         # it may have been inlined
    found = re.fullmatch(rf"{access} at addr (0x\w+) by command mistake", lines[3])
    assert found, text
    assert re.search(also, text), text
    assert "cmd_mistake+0x" in text, text
    assert san.meminfo()["reports"] == before + 1


@pytest.mark.parametrize("kind", KASAN)
def test_the_shadow_is_shown_with_a_mark_below_the_byte(san, kind):
    lines = tell(san, f"mistake {kind}")
    bad = int(re.match(r"  0x(\w{8}): ", lines[4])[1], 16)
    (number, row), = [(i, line) for i, line in enumerate(lines) if line[0] == ">"]
    start, shadow = int(row[3:11], 16), row[13:].split()
    assert start <= bad < start + 128 and start % 128 == 0
    at = lines[number + 1].index("^")
    assert row[at:at + 2] == shadow[(bad - start) // 8]
    (legend,) = [line for line in lines if line.startswith("  a pair is 8 bytes: ")]
    code, meaning = legend.rsplit(", ", 1)[1].split(" ", 1)
    assert code in shadow or code == "fc", "where a pair is open in part the next says why"
    assert meaning and f"`{code}`" in README
    # Not all of the eight bytes may be accessed, and not this one.
    assert bad % 8 >= int(shadow[(bad - start) // 8], 16) or \
        int(shadow[(bad - start) // 8], 16) > 8


@pytest.mark.parametrize("kind", [kind for kind in UBSAN if kind not in FATAL])
def test_undefined_arithmetic_is_told_by_its_line(san, kind):
    bug, code, sentence = UBSAN[kind]
    text = "\n".join(tell(san, f"mistake {kind}"))
    found = re.match(rf"{RULE}\nUBSAN: {bug} in tests/labs/mistakes.c:(\d+):\d+\n",
                     text)
    assert found and code in SOURCE[int(found[1]) - 1], text
    assert re.search(rf"^{sentence}", text, re.M), text
    assert text.endswith("it came back")


@pytest.mark.parametrize("kind", FATAL)
def test_what_the_cpu_ends_is_told_before(san, kind):
    bug, code, sentence = UBSAN[kind]
    text = "\n".join(tell(san, f"mistake {kind}"))
    found = re.search(rf"^UBSAN: {bug} in tests/labs/mistakes.c:(\d+):\d+$", text, re.M)
    assert found and code in SOURCE[int(found[1]) - 1], text
    assert sentence in text and FATAL[kind] in text[found.end():], text
    assert "mistake has ended by this fault" in text
    # What it left on the stack is nobody's: a command that needs as much is not told.
    assert san.run("stress 100")[0].endswith("all given back, all rules hold")


def test_the_shadow_itself_is_nobodys(san):
    text = "\n".join(tell(san, "mistake shadow"))
    assert text.startswith("oops: KASAN: wild-memory-access: write of size 1 at 0xe0030")
    assert re.search(r"^  0x\w+ shadow\+0x.*tests/labs/mistakes.c", text, re.M), text
    assert "mistake has ended by this fault" in text
    san.is_whole()


def test_with_2_GiB_a_wild_pointer_is_wild_still(san_elf, boot):
    machine = boot(san_elf, memory="2100M")
    assert "write to 0xdeadbeef, which is not mapped" in \
        "\n".join(machine.run("crash wild"))
    assert "double fault: " in "\n".join(machine.run("crash double_fault"))
    machine.is_whole()


@pytest.mark.parametrize("kind", [*KASAN, *UBSAN, "shadow", "double-free"])
def test_the_same_done_right_is_not_told(san, kind):
    assert san.run(f"right {kind}") == ["it came back"]


def test_a_double_free_is_told_once_and_by_mm(san):
    san.run("mistake double-free", bug="double free")


def test_a_place_is_told_once_a_command_and_the_others_are_counted(san):
    tell(san, "kmalloc 100")
    lines = tell(san, "poke $ 1 110")
    assert [line for line in lines if "KASAN" in line][1:] == []
    assert lines[-1] == "san: 9 more were not told: each place is once, 32 at most"
    again = tell(san, "poke $ 1 101")
    assert len([line for line in again if "KASAN" in line]) == 1
    assert not any(line.startswith("san:") for line in again)
    san.run("kfree $")


def test_what_was_freed_may_be_dumped(san):
    tell(san, "kmalloc 100")
    san.run("kfree $")
    assert len(san.run("dump $ 64")) == 4


def test_mm_stays_whole_and_aligned(san):
    assert san.run("stress")[0].endswith("all given back, all rules hold")
    san.is_whole()


def test_guarded_objects_are_not_taken_for_a_mistake(san_elf, boot):
    machine = boot(san_elf, cmdline="kfence.every=1")
    assert machine.run("stress 20000")[-1].endswith("all given back, all rules hold")
    machine.is_whole()


def test_the_status_is_that_of_a_report(san_elf):
    done = subprocess.run(["make", "--no-print-directory", "exec", "SAN=1",
                           f"LAB={LAB}", "CMDS=mistake heap-right"], cwd=ROOT,
                          env=environment(), capture_output=True, text=True)
    assert "Error 4" in done.stderr and "BUG: KASAN: slab-out-of-bounds" in done.stdout


@pytest.mark.parametrize("memory, cmdline", [("16M", ""), ("8M", ""), ("4M", ""),
                                             ("512M", "")])
def test_it_runs_with_this_much_memory(san_elf, boot, memory, cmdline):
    machine = boot(san_elf, memory=memory, cmdline=cmdline)
    assert "each access is checked" in "\n".join(machine.boot_lines)
    assert "BUG: KASAN" in "\n".join(tell(machine, "mistake write-after-free"))
    machine.is_whole()


def test_without_room_for_the_shadow_it_says_so_and_boots(san_elf, boot, tmp_path):
    module = tmp_path / "module"
    module.write_bytes(b"")
    os.truncate(module, 58 << 20)       # what is left ends at 64 MiB, and is 3 MiB
    machine = boot(san_elf, arguments=["-initrd", str(module)])
    assert "san: no room for the heap's shadow" in "\n".join(machine.boot_lines)
    assert machine.run("mistake heap-right") == ["it came back"]
    assert "stack-out-of-bounds" in "\n".join(tell(machine, "mistake stack-array"))


def test_it_boots_on_a_486_without_large_pages(san_elf, boot):
    machine = boot(san_elf, memory="16M", arguments=["-cpu", "486"])
    assert "BUG: KASAN" in "\n".join(tell(machine, "mistake heap-right"))
