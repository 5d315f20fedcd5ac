"""Each exception ends in a report: what, where by symbol, registers, backtrace; and the
command that made it ends, alone."""
import re

import pexpect
import pytest
from marbles import CTRL_C, ROOT, site, symbol

REGISTERS = "eax ebx ecx edx esi edi ebp esp eip eflags".split()
ENDED = "fault has ended by this fault, status 5"

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
                   ["inside the allocator by fault_in_kmalloc (tests/labs/faults.c:",
                    "  it was inside the allocator, ", "  mm_check: all rules hold"]),
    "in-kzalloc": ("page fault: read from 0xf0000000, which is not mapped",
                   "kmalloc_zeroed",
                   ["inside the allocator by fault_in_kzalloc (tests/labs/faults.c:"]),
    "under-free-pages": ("page fault: execution of 0xf0000000, which is not mapped",
                         None, ["  it was inside the allocator", "all rules hold"]),
    "in-constructor": ("page fault: write to 0x00000000, which is not mapped",
                       "faulty_constructor",
                       ["in a function that the allocator called by fault_in_constructor "
                        "(tests/labs/faults.c:", "  mm_check: all rules hold"]),
    "in-callback": ("page fault: write to 0x00000000, which is not mapped",
                    "faulty_callback", ["in a function that the allocator called\n"]),
    "far-null": ("page fault: write to 0x00004e20, which is not mapped",
                 "fault_far_null", ["a NULL pointer was used, 20000 bytes behind it"]),
    "low-memory": ("page fault: write to 0x0000b000, which is not mapped",
                   "fault_low_memory", ["a NULL pointer was used, 45056 bytes"]),
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


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_is_reported_whole_and_ends_its_command(lab, kind, lab_elf):
    first, function, also = FAULTS[kind]
    lines = lab.run(f"fault {kind}")
    text = "\n".join(lines)
    assert lines[0].startswith(first), text
    assert ENDED in lines, text
    for words in also:
        assert words in text, text
    assert kind in INSIDE or "half changed" not in text
    values = dict(re.findall(r"\b(\w+) ([0-9a-f]{8})\b", text))
    assert [name for name in REGISTERS if name not in values] == []
    assert ("cr2" in values) == ("page fault" in text or "stack overflow" in text)
    where = re.search(r"^  in (\S+)", text, re.M)[1]
    if function:
        assert re.fullmatch(rf"{function}\+0x[0-9a-f]+/0x[0-9a-f]+", where), text
        offset = int(where.split("+")[1].split("/")[0], 16)
        assert int(values["eip"], 16) == symbol(lab_elf, function) + offset
    calls = re.findall(r"^  0x[0-9a-f]{8} (\w+)\+", text[text.index("called from:"):],
                       re.M)
    if kind == "stack":
        assert calls[0] == "fault_stack" and "times more)" in text
        assert calls[1:3] == ["fault_stack_overflow", "cmd_fault"], text
    assert calls[-2:] == ["cmd_fault", "command_body"], text
    if kind in ("in-kmalloc", "in-kzalloc"):
        assert calls[:2] == ["fault_" + kind.replace("-", "_"), "cmd_fault"], text
    if kind == "under-free-pages":
        at = calls.index("free_pages_at")
        assert calls[at - 1:at + 3] == ["buddy_free", "free_pages_at",
                                        "fault_under_free_pages", "cmd_fault"], text
    if kind == "null-call":
        assert calls[0] == "fault_null_call", text
    lab.is_whole()
    assert lab.json("uptime -j")[0]["lost_input"] == 0


def test_what_mm_was_changing_is_mended_and_allocations_go_on(boot, lab_elf):
    machine = boot(lab_elf)
    for kind in sorted(INSIDE | {"in-constructor"}):
        machine.run(f"fault {kind}")
        machine.is_whole()
        name, _ = machine.take("kmalloc 60")
        assert machine.run(f"kfree {name}")[0].endswith(": given back")


def test_a_handler_that_faults_ends_itself_and_the_command_that_set_it_up(boot, lab_elf):
    machine = boot(lab_elf)
    text = "\n".join(machine.run("fault in-handler"))
    assert "the interrupt came while the allocator worked by fault_in_handler" in text
    assert "  in an interrupt handler" in text
    assert re.search(r"^this handler is not called any more: faulty_handler\+", text,
                     re.M), text
    assert "fault was ended: what it had set up has faulted, status 5" in text
    machine.is_whole()


def test_a_stray_write_over_mms_own_books_is_told_with_the_fault(boot, lab_elf):
    machine = boot(lab_elf)
    text = "\n".join(machine.run("fault downwards"))
    assert "which is read-only" in text and "kernel symbol table" in text, text
    assert re.search(r"^  mm's own books are broken: \w+: ", text, re.M), text
    assert ENDED in text


def test_a_failed_assertion_ends_its_command_with_its_line(lab):
    lines = lab.run("fault assert")
    line = site("tests/labs/faults.c", "KASSERT")
    assert lines[0].startswith(f"oops: {line}: assertion failed: *hidden"), lines
    assert re.fullmatch(rf"  in fault_assert\+\w+/\w+ \({line}\)", lines[1]), lines
    calls = lines[lines.index("called from:") + 1:]
    assert re.match(r"  0x\w+ cmd_fault\+", calls[0]), calls
    assert ENDED in lines


def test_with_loglevel_0_a_report_is_whole_all_the_same(boot, lab_elf):
    machine = boot(lab_elf, cmdline="loglevel=0 watchdog=1")
    for kind in ("null-write", "assert"):
        text = "\n".join(machine.run(f"fault {kind}"))
        assert re.match(r"(page fault: write to 0x00000008|oops: )", text), text
        assert re.search(r"^  .*\beip \w{8}.*called from:\s.*cmd_fault\+", text,
                         re.M | re.S), text
    assert machine.run("kfree 64") == []        # the log is off still
    machine.send("hang loop\r")
    machine.wait_for("it hangs")
    assert machine.until_prompt() == []         # nothing, and no calls alone


@pytest.mark.parametrize("kind", ["array-overrun", "array-overrun-far"])
def test_a_smashed_stack_ends_its_command_by_the_name_of_the_function(lab, kind):
    text = "\n".join(lab.run(f"fault {kind}"))
    assert re.match(r"oops: stack smashed in fill_array\+0x\w+/0x\w+: an array there "
                    "was written past its end\n", text), text
    end = site("tests/labs/faults.c", r"^}", nth=1 + len(re.findall(
        r"^}", (ROOT / "tests/labs/faults.c").read_text().partition("fill_array(")[0], re.M)))
    assert re.search(rf"^  in fill_array\+\w+/\w+ \({end}\)$", text, re.M), text
    if kind == "array-overrun":         # only the guard is hit: the chain is whole
        assert re.search(r"^called from:\n.* fault_array_overrun\+.*\n.* cmd_fault\+",
                         text, re.M), text
    assert ENDED in text


def test_an_array_filled_to_its_end_is_no_fault(lab):
    assert lab.run("fault array-filled") == ["nothing happened"]


def test_the_shell_goes_on_with_the_next_command_of_the_line(lab):
    text = "\n".join(lab.run("fault null-read; whatis 0"))
    assert text.index(ENDED) < text.index("0x00000000: page 0, not mapped")


def test_what_a_dead_command_took_stays_live_and_is_told(boot, lab_elf):
    machine = boot(lab_elf)
    machine.take("kmalloc 40")
    assert "  it leaves 1 object live, 60 bytes: see leaks" in \
        machine.run("fault in-callback")
    rows, _ = machine.leaks()
    dead = rows[site("tests/labs/faults.c", r"kmalloc\(60.*!= NULL")]
    assert (dead["objects"], dead["left"]) == (1, 1)
    assert "left" not in rows[site("kernel/memory/cmd_alloc.c", r"= kmalloc\(size")]
    text = "\n".join(machine.run("leaks"))
    assert re.search(r"func:fault_in_callback \(1 left behind\)", " ".join(text.split())), text
    assert "1 object of these, 60 bytes, left by fault, which was ended (serial 2)" \
        in text, text
    assert machine.run("kfree $")[0].startswith("kfree(0x")     # it is what it was


def end_by_ctrl_c(machine, command, begun):
    machine.send(command + "\r")
    machine.wait_for(begun)
    machine.send(CTRL_C)
    said = "\n".join(machine.until_prompt())
    assert "was ended by Ctrl-C" in said, said
    return said


def test_what_handlers_of_earlier_commands_took_meanwhile_is_not_counted(boot, lab_elf):
    machine = boot(lab_elf)
    machine.run("drain start 500")
    assert "it leaves" not in end_by_ctrl_c(machine, "hang loop", "it hangs")
    assert "  it leaves 1 object live, 60 bytes: see leaks" in \
        machine.run("fault in-callback")
    machine.run("drain stop")
    rows, summary = machine.leaks()
    assert summary["objects"] > 1000        # 50 a tick, and Ctrl-C waits for 25
    assert [row.get("left") for row in rows.values() if row["func"] == "receive"] == [None]
    assert sum(row.get("left", 0) for row in rows.values()) == 1


def test_what_its_own_handlers_took_is(boot, lab_elf):
    machine = boot(lab_elf)
    said = end_by_ctrl_c(machine, "more hang handler-leaks", "it hangs")
    rows, summary = machine.leaks()
    assert f"  it leaves {summary['objects']} objects live, " in said
    assert [row["left"] for row in rows.values()] == [summary["objects"]]


def test_who_left_nothing_takes_no_place_among_the_dead(boot, lab_elf):
    machine = boot(lab_elf)
    machine.run("fault in-callback")
    for _ in range(5):
        machine.run("; ".join(8 * ["fault null-read"]))
    text = "\n".join(machine.run("leaks"))
    assert "left by fault, which was ended (serial 1)" in text, text
    assert "not marked" not in text
    for _ in range(4):
        machine.run("; ".join(8 * ["fault in-callback"]))
    assert "what 1 older command left, which was ended, is not marked any more" in \
        machine.run("leaks")


def test_where_nothing_died_nothing_is_marked(boot, lab_elf):
    machine = boot(lab_elf)
    machine.take("kmalloc 40")
    rows, _ = machine.leaks()
    assert not any("left" in row for row in rows.values())
    assert not any("left by" in line for line in machine.run("leaks"))


def test_a_fault_with_commands_from_run_ends_them_and_gives_its_status(boot, lab_elf):
    machine = boot(lab_elf, cmdline='run="fault null-read; kmalloc 10; exit"',
                   prompt=False)
    lines = machine.until_end()
    assert any(line.startswith("page fault: read from 0x00000000") for line in lines)
    assert any(line.startswith("$1 = ") for line in lines)
    assert machine.exit_status == 5


# ---- where the kernel stops all the same ------------------------------------------------

STOPS = {"panic_on_oops=1": "fault null-write", "panic_on_warn=1": "kfree 4096"}


@pytest.mark.parametrize("parameter", STOPS)
def test_with_a_parameter_the_kernel_stops(boot, lab_elf, parameter):
    machine = boot(lab_elf, cmdline=parameter)
    machine.send(STOPS[parameter] + "\r")
    text = "\n".join(machine.until_stopped())
    assert "page fault: write to 0x00000008" in text or \
        "panic: panic_on_warn is set, and a BUG was told" in text


def test_panic_restarts_after_so_many_seconds(boot, lab_elf):
    machine = boot(lab_elf, cmdline="panic_on_oops=1 panic=1", restarts=True)
    machine.send("fault null-write\r")
    machine.until_stopped()
    assert "It starts again in 1 s." in machine.wait_for("\n")
    machine.wait_for_prompt()
    machine.is_whole()


@pytest.fixture
def stopped(boot, lab_elf):
    """A machine whose kernel has stopped by a fault."""
    def stop(**options):
        machine = boot(lab_elf, cmdline="panic_on_oops=1", **options)
        machine.send("fault null-write\r")
        machine.until_stopped()
        return machine
    return stop


def test_after_a_stop_one_may_type_at_will_and_then_leave_QEMU(stopped):
    """A port that is full would keep QEMU from reading the keys that are its own."""
    machine = stopped(monitor=True)
    machine.send("0123456789" * 500)
    machine.send("\x01x")
    assert machine.until_end(timeout=20)[-1] == "QEMU: Terminated"
    assert machine.status == 0


def test_after_a_stop_R_restarts_and_what_is_pasted_does_not(stopped):
    machine = stopped(monitor=True, restarts=True)
    assert "R restarts it" in machine.wait_for("\n")
    machine.send("Read on, READ on\rR\r" * 300)
    assert machine.qemu.expect(["marbles> ", pexpect.TIMEOUT], timeout=2) == 1
    for _ in range(30):                 # the first may still be part of the paste
        machine.send("R")
        if machine.qemu.expect(["marbles> ", pexpect.TIMEOUT], timeout=4) == 0:
            break
    assert machine.run("check") == ["mm_check: all rules hold"]


def test_a_stop_with_commands_from_run_ends_qemu_with_a_status_of_its_own(boot, lab_elf):
    machine = boot(lab_elf, cmdline='panic_on_oops=1 run="fault null-read; exit"',
                   prompt=False)
    lines = machine.until_end()
    assert any(line.startswith("page fault: read from 0x00000000") for line in lines)
    assert machine.exit_status is None and machine.status == 3


ROWS, SIZE = 8, "\x1b[8;100R"                # fewer rows than a report has


@pytest.fixture
def terminal(boot, lab_elf):
    """A machine at a terminal that has told its size."""
    return boot(lab_elf).tell_size(ROWS, 100)


def pages_of(machine, line):
    """What more shows of it, screen by screen."""
    machine.send(line + "\r")
    pages, more = [], "\x1b[7m-- more"
    end = re.compile(re.escape(more) + "|" + re.escape("\x1b[?2004h"))
    while True:
        pages.append(machine.wait_for(end).replace("\r", ""))
        if machine.qemu.after != more:
            return pages
        machine.wait_for("\x1b[6n")
        machine.send(SIZE + " ")
        machine.wait_for("\x1b[K")


@pytest.mark.parametrize("command", ["more", "more watch"])
def test_a_report_is_shown_by_more_a_screen_at_a_time(terminal, command):
    pages = pages_of(terminal, f"{command} 'fault null-write; fault assert; check'")
    assert len(pages) > 3
    assert max(page.count("\n") for page in pages[1:]) <= ROWS - 2
    said = "".join(pages)
    for words in ("page fault: write to 0x00000008, which is not mapped\n", ENDED + "\n",
                  "oops: tests/labs/faults.c:"):
        assert words in said, said
    assert re.search(r"called from:\s.*cmd_fault.*command_body", said, re.S), said
    assert said.index(ENDED) < said.index("oops: ") < said.index("mm_check: all rules")
    assert "\n\n" not in said, "a blank row"


def test_what_more_leaves_out_of_a_report_is_in_the_log(terminal):
    terminal.send("more fault null-write\r")
    terminal.wait_for("-- more")
    terminal.wait_for("\x1b[6n")
    terminal.send(SIZE + "q")
    assert ENDED not in terminal.wait_for("\x1b[?2004h")
    terminal.send("dmesg\r")
    said = terminal.wait_for("\x1b[?2004h")
    assert re.search(r"\]   eip .*\] called from:\s.*cmd_fault.*" + ENDED, said, re.S), said


def test_the_ending_has_no_blank_row_at_a_terminal(terminal):
    terminal.send("hang leaking\r")
    terminal.wait_for("it hangs")
    terminal.send("\x03")              # and it takes some more before it is ended
    said = terminal.wait_for("\x1b[?2004h").replace("\r", "")
    assert re.search(r"status 6\n(\x1b\S*)?  it leaves \d+ object", said), said


@pytest.mark.parametrize("command", ["watch", "watch more"])
def test_a_report_goes_past_watch(terminal, command):
    machine = terminal
    machine.send(f"{command} fault null-write\r")
    said = machine.wait_for("\x1b[?2004h").replace("\r", "")
    assert "-- more" not in said and "-- cut" not in said
    assert "page fault: write to 0x00000008, which is not mapped" in said
    assert re.search(r"called from:\s.*cmd_fault.*command_body", said, re.S), said
    assert ENDED in said
