"""Each exception ends in a report: what, where by symbol, registers, backtrace."""
import re

import pexpect
import pytest
from marbles import symbol

REGISTERS = "eax ebx ecx edx esi edi ebp esp eip eflags cr2".split()

# fault KIND: the first line, the function, and what else the report says.
FAULTS = {
    "divide": ("divide error", "fault_divide", []),
    "opcode": ("invalid opcode", "fault_opcode", []),
    "null-read": ("page fault: read from 0x00000000, which is not mapped",
                  "fault_null_read", ["a NULL pointer was used"]),
    "null-write": ("page fault: write to 0x00000008, which is not mapped",
                   "fault_null_write", ["a NULL pointer was used, 8 bytes behind it"]),
    "null-call": ("page fault: execution of 0x00000000, which is not mapped", None,
                  ["a NULL pointer was used"]),
    "zero-size": ("page fault: write to 0x00000010, which is not mapped",
                  "fault_zero_size", ["ZERO_SIZE_PTR was used"]),
    "text-write": ("page fault: write to 0x00100000, which is read-only",
                   "fault_text_write", ["kernel code"]),
    "in-kmalloc": ("page fault: read from 0xf0000000, which is not mapped",
                   "kmalloc_at",
                   ["inside the allocator by fault_in_kmalloc (tests/labs/faults.c:"]),
    "in-kzalloc": ("page fault: read from 0xf0000000, which is not mapped",
                   "kmalloc_zeroed",
                   ["inside the allocator by fault_in_kzalloc (tests/labs/faults.c:"]),
    "under-free-pages": ("page fault: execution of 0xf0000000, which is not mapped",
                         None, []),
    "in-constructor": ("page fault: write to 0x00000000, which is not mapped",
                       "faulty_constructor",
                       ["in a function that the allocator called by fault_in_constructor "
                        "(tests/labs/faults.c:"]),
    "in-callback": ("page fault: write to 0x00000000, which is not mapped",
                    "faulty_callback", ["in a function that the allocator called\n"]),
    "in-handler": ("page fault: write to 0x00000000, which is not mapped",
                   "faulty_handler",
                   ["the interrupt came while the allocator worked by fault_in_handler",
                    "in an interrupt handler"]),
    "far-null": ("page fault: write to 0x00004e20, which is not mapped",
                 "fault_far_null", ["a NULL pointer was used, 20000 bytes behind it"]),
    "low-memory": ("page fault: write to 0x0000b000, which is not mapped",
                   "fault_low_memory", ["a NULL pointer was used, 45056 bytes"]),
    "downwards": ("page fault: write to 0x", "fault_downwards",
                  ["which is read-only", "kernel symbol table"]),
    "symbols": ("page fault: write to 0x", "fault_symbols",
                ["which is read-only", "kernel symbol table"]),
    "freed-pointer": ("page fault: write to 0x6b6b6b73, which is not mapped",
                      "fault_freed_pointer",
                      ["a pointer that was read from an object that was freed"]),
    "own-code": ("page fault: write to 0x", "fault_own_code", ["which is read-only"]),
    "stack": ("stack overflow: 0x", "fault_stack", ["guard page"]),
}
INSIDE = {"in-kmalloc", "in-kzalloc", "under-free-pages"}
# A leaf function may have no frame, and then its caller is not in the chain.
FRAMES = {"null-read", "null-call", "zero-size"}


@pytest.fixture
def crash(boot, lab_elf):
    """crash(kind): the lines of the report."""
    def report(kind):
        machine = boot(lab_elf)
        machine.send(f"fault {kind}\r")
        return machine.until_stopped()[1:]
    return report


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_is_reported_whole(crash, kind, lab_elf):
    first, function, also = FAULTS[kind]
    lines = crash(kind)
    text = "\n".join(lines)
    assert lines[0].startswith(first), text
    for words in also:
        assert words in text, text
    assert kind in INSIDE or "half changed" not in text
    values = dict(re.findall(r"\b(\w+) ([0-9a-f]{8})\b", text))
    assert [name for name in REGISTERS if name not in values] == []
    where = re.search(r"^  in (\S+)$", text, re.M)[1]
    if function:
        assert re.fullmatch(rf"{function}\+0x[0-9a-f]+/0x[0-9a-f]+", where), text
        offset = int(where.split("+")[1].split("/")[0], 16)
        assert int(values["eip"], 16) == symbol(lab_elf, function) + offset
    calls = re.findall(r"^  0x[0-9a-f]{8} (\w+)\+", text[text.index("called from:"):],
                       re.M)
    if kind == "stack":
        assert calls[0] == "fault_stack" and "times more)" in text
        assert calls[-7:-5] == ["fault_stack_overflow", "cmd_fault"], text
    assert calls[-4:] == ["shell_run", "shell_loop", "kernel_main", "entry"], text
    if kind in ("in-kmalloc", "in-kzalloc"):
        assert calls[:2] == ["fault_" + kind.replace("-", "_"), "cmd_fault"], text
    if kind == "under-free-pages":
        at = calls.index("free_pages_at")
        assert calls[at - 1:at + 3] == ["buddy_free", "free_pages_at",
                                        "fault_under_free_pages", "cmd_fault"], text
    if kind in FRAMES:
        assert "cmd_fault" in calls[-6:-4], text
    if kind == "null-call":
        assert calls[0] == "fault_null_call", text


def test_a_failed_assertion_is_reported_with_its_line(crash):
    lines = crash("assert")
    assert re.match(r"panic: \S*faults\.c:\d+: assertion failed: \*hidden", lines[0])
    assert any("fault_assert+" in line for line in lines)


def test_after_a_fault_one_may_type_at_will_and_then_leave_QEMU(boot, lab_elf):
    """A port that is full would keep QEMU from reading the keys that are its own."""
    machine = boot(lab_elf, monitor=True)
    machine.send("fault null-write\r")
    machine.until_stopped()
    machine.send("0123456789" * 500)
    machine.send("\x01x")
    assert machine.until_end(timeout=20)[-1] == "QEMU: Terminated"
    assert machine.status == 0


def test_after_a_fault_R_restarts_and_what_is_pasted_does_not(boot, lab_elf):
    machine = boot(lab_elf, monitor=True, restarts=True)
    machine.send("fault null-write\r")
    machine.until_stopped()
    assert "R restarts it" in machine.wait_for("\n")
    machine.send("Read on, READ on\rR\r" * 300)
    assert machine.qemu.expect(["marbles> ", pexpect.TIMEOUT], timeout=2) == 1
    for _ in range(30):                 # the first may still be part of the paste
        machine.send("R")
        if machine.qemu.expect(["marbles> ", pexpect.TIMEOUT], timeout=4) == 0:
            break
    assert machine.run("check") == ["mm_check: all rules hold"]


def test_a_fault_with_commands_from_run_ends_qemu_with_a_status_of_its_own(boot, lab_elf):
    machine = boot(lab_elf, cmdline='run="fault null-read; exit"', prompt=False)
    lines = machine.until_end()
    assert any(line.startswith("page fault: read from 0x00000000") for line in lines)
    assert machine.exit_status is None and machine.status == 3


@pytest.mark.parametrize("command", ["more", "watch", "more watch", "watch more"])
def test_last_words_go_past_more_and_watch(boot, lab_elf, command):
    machine = boot(lab_elf)
    machine.send("c")
    machine.wait_for("\x1b[6n")
    machine.send("\x1b[6;30R")                  # fewer rows than a report has
    machine.wait_for("\x1b[?2004h")
    machine.send(f"\x15{command} fault null-write\r")
    said = "\n".join(machine.until_stopped())
    assert "-- more" not in said and "-- cut" not in said
    assert "page fault: write to 0x00000008, which is not mapped" in said
    assert re.search(r"called from:\s.*cmd_fault.*kernel_main", said, re.S), said
