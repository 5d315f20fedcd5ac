"""crash KIND: what it says first, what finds the mistake and when, what is left behind.

The table below is the one that question 1 of kernel/lessons/crash.c asks for.
"""
import re

import pytest
from marbles import CTRL_C, Machine, symbol

FINE, REPORTED, FAULT, STOPPED = 0, 4, 5, 6
SECONDS = 20                    # for a prompt that comes at once, or never

# Found at the very instruction, whatever the dials: what is said, and where (None: in no
# function, for eip is what is wrong).
AT_ONCE = {
    "null": ("page fault: write to 0x00000000", "crash_null"),
    "zero_size": ("page fault: write to 0x00000010", "crash_zero_size"),
    "wild": ("page fault: write to 0xdeadbeef", "crash_wild"),
    "text": ("there: kernel code, crash_text", "crash_text"),
    "rodata": ("there: kernel constants", "crash_rodata"),
    "stack": ("stack overflow: ", "crash_stack_at"),
    "alloca": ("stack overflow: ", "crash_alloca"),
    "divide": ("divide error", "crash_divide"),
    "opcode": ("invalid opcode", "crash_opcode"),
    "jump": ("page fault: execution of 0xfeedface", None),
    "irq_null": ("in an interrupt handler", "handler_null"),
    "double_fault": ("double fault", "crash_double_fault"),
    "smash": ("oops: stack smashed in crash_smash+", None),
    "idt": ("there: kernel data, idt", "crash_idt"),
}

# Found by a call, which refuses, whatever the dials.
REFUSED = {
    "double_free": r"BUG mm: double free: kfree\(0x\w+\) by crash_double_free ",
    "irq_alloc": r"BUG mm: GFP_KERNEL in an interrupt: kmalloc\(64 bytes, GFP_KERNEL\) "
                 r"by handler_alloc ",
}

# Ended by the one or the other, and in which function it was then.
ENDED = {
    "loop": ("Ctrl-C", "crash_loop"),
    "cli_loop": ("the watchdog", "crash_cli_loop"),
    "hlt": ("the watchdog", "crash_hlt"),
    "irq_loop": ("the watchdog", "handler_loop"),
}

COLUMNS = {
    "plain": "",
    "dials": "slub_debug=FZPU init_on_alloc=1 init_on_free=1 debug_pagealloc=on "
             "page_owner=on quarantine=64K",
}

# Found late or never: in each column by which command (crash itself, by its kfree; or
# check behind it), and with which words.
LATE = {
    "use_after_free": {"plain": None, "dials": (
        "check", r"BUG kmalloc-64 \(0x\w+\): Poison overwritten: found by check")},
    "overflow": {"plain": None, "dials": (
        "crash", r"Right Redzone overwritten: found by kfree by crash_overflow ")},
    "underflow": {"plain": None, "dials": (
        "crash", r"Left Redzone overwritten: found by kfree by crash_underflow ")},
    "uninit": {"plain": None, "dials": None},
}
READS = {"plain": "somebody's secret", "dials": ""}     # uninit, which nobody finds

OTHERS = ["assert", "panic"]
KINDS = {*AT_ONCE, *REFUSED, *ENDED, *LATE, *OTHERS}


@pytest.fixture(scope="module", params=COLUMNS)
def column(request, lab_elf):
    with Machine(lab_elf, cmdline=COLUMNS[request.param]) as machine:
        machine.column = request.param
        yield machine


def crash(machine, kind, keys=""):
    """Make it: what is said behind the two lines that come first, and the status."""
    (row,) = [row for row in machine.json("crash -j") if row["kind"] == kind]
    machine.send(f'status "crash {kind}"\r')
    machine.wait_for(f"\n  look for: {row['look_for']}\r", SECONDS)
    machine.send(keys)
    said = "\n".join(machine.until_prompt(SECONDS)).lstrip()
    return said, int(re.findall(r"\bstatus (\d)$", said, re.M)[-1])


def is_alive(machine):
    machine.is_whole()
    name, _ = machine.take("kmalloc 100")
    assert machine.run(f"kfree {name}")[0].endswith(": given back")


def place_of(said):
    """The function that a report says it was in, and the offset there; and eip."""
    where = re.search(r"^  in (\w+)\+0x([0-9a-f]+)/", said, re.M)
    eip = re.search(r"\beip ([0-9a-f]{8})\b", said)
    return where[1], int(where[2], 16), int(eip[1], 16)


# ---- the table ----------------------------------------------------------------------

@pytest.mark.parametrize("kind", AT_ONCE)
def test_it_is_found_at_the_instruction(column, lab_elf, kind):
    words, function = AT_ONCE[kind]
    said, status = crash(column, kind)
    assert status == FAULT and words in said and "came to its end" not in said
    if function is not None:
        name, offset, eip = place_of(said)
        assert (name, eip) == (function, symbol(lab_elf, function) + offset)
    is_alive(column)


@pytest.mark.parametrize("kind", REFUSED)
def test_it_is_refused_and_goes_on(column, kind):
    said, status = crash(column, kind)
    assert status == REPORTED and re.match(REFUSED[kind], said), said
    assert f"crash {kind}: it came to its end\n" in said
    is_alive(column)


@pytest.mark.parametrize("kind", ENDED)
def test_it_is_ended_where_it_is(column, kind):
    who, function = ENDED[kind]
    said, status = crash(column, kind, CTRL_C if who == "Ctrl-C" else "")
    assert status == STOPPED and f" was ended by {who}, in " in said
    assert re.search(rf" in {function}\+0x", said), said
    is_alive(column)


@pytest.mark.parametrize("kind", LATE)
def test_it_is_found_late_or_never(column, kind):
    found = LATE[kind][column.column]
    said, status = crash(column, kind)
    assert f"crash {kind}: it came to its end\n" in said
    if kind == "uninit":
        assert f'it reads "{READS[column.column]}"' in said
    if found is None or found[0] == "check":
        assert status == FINE and "BUG" not in said
    else:
        assert status == REPORTED and re.search(found[1], said), said
    if found is not None and found[0] == "check":
        column.send("check\r")
        assert re.search(found[1], "\n".join(column.until_prompt()))
    is_alive(column)


def test_a_failed_assertion_ends_the_command(column):
    said, status = crash(column, "assert")
    assert status == FAULT
    assert re.match(r"oops: kernel/lessons/crash_kinds\.c:\d+: assertion failed: "
                    r"marbles == 2\n", said), said
    is_alive(column)


def test_a_panic_stops_the_kernel(boot):
    machine = boot()
    machine.send("crash panic\r")
    assert "panic: the bag has a hole" in machine.until_stopped()


# ---- the command --------------------------------------------------------------------

def test_crash_lists_its_kinds_in_rows_and_as_json(machine):
    kinds = machine.json("crash -j")
    assert {row["kind"] for row in kinds} == KINDS and len(kinds) == len(KINDS)
    for line, row in zip(machine.run("crash"), kinds):
        assert line.split() == [row["kind"], *row["does"].split()] and len(line) <= 80
        assert len(f"crash {row['kind']}: {row['does']}") <= 80
        assert len(f"  look for: {row['look_for']}") <= 80


def test_crash_all_makes_those_that_come_back_and_then_checks(boot, lab_elf):
    machine = boot(lab_elf)
    kinds = machine.json("crash -j")
    machine.send('status "crash all"\r')
    lines = machine.until_prompt(SECONDS)
    made = [line.split()[1].rstrip(":") for line in lines
            if re.match(r"crash \w+: (?!it came)", line)]
    assert made == [row["kind"] for row in kinds if row["ends_by"] == "itself"]
    assert lines[-3:] == [
        "Left out, for they do not come back by themselves: "
        "irq_loop loop cli_loop hlt panic",
        "mm_check: all rules hold", f"status {REPORTED}"]
    is_alive(machine)

