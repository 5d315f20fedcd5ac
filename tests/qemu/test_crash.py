"""crash KIND: what it says first, what finds the mistake and when, what is left behind.

The table below is the one that question 1 of kernel/lessons/crash.c asks for.
"""
import re

import pytest
from conftest import LABS, build_with
from marbles import CTRL_C, GUEST_TIME, Machine, symbol

FINE, REPORTED, FAULT, STOPPED = 0, 4, 5, 6
SECONDS = 20                    # for a prompt that comes at once, or never

# Found at the very instruction, in each column: what is said, and where (None: in no
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
    "idt": ("there: kernel data, idt", "crash_idt"),
}

# Found by a call, which refuses, in each column.
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
    "irq_loop": ("the watchdog", "its handler handler_loop"),
}

# Each column is a machine: its parameters, and how its kernel is made.
COLUMNS = {
    "plain": ("", []),
    "dials": ("slub_debug=FZPU init_on_alloc=1 init_on_free=1 debug_pagealloc=on "
              "page_owner=on quarantine=64K", []),
    "kfence": ("kfence.every=1", []),
    "SAN": ("", ["SAN=1"]),
}

# Found by whom the column has: the CPU at the instruction, which ends the command; SAN,
# there, and it goes on; kfree, or check, later; None, never.  And with which words.
LATE = {
    "use_after_free": {
        "plain": None,
        "dials": ("check", r"^BUG kmalloc-64 .*: Poison overwritten: found by check"),
        "kfence": ("CPU", r"KFENCE: use-after-free write in crash_use_after_free\+0x"),
        "SAN": ("SAN", r"KASAN: slab-use-after-free in crash_use_after_free\+0x"),
    },
    "overflow": {
        "plain": None,
        "dials": ("kfree", r"Right Redzone overwritten: found by kfree in crash_over"),
        "kfence": ("CPU", r"KFENCE: out-of-bounds write in crash_overflow\+0x"),
        "SAN": ("SAN", r"KASAN: slab-out-of-bounds in crash_overflow\+0x"),
    },
    "underflow": {
        "plain": None,
        "dials": ("kfree", r"Left Redzone overwritten: found by kfree in crash_under"),
        "kfence": ("kfree", r"KFENCE: memory corruption in crash_underflow: found by"),
        "SAN": ("SAN", r"KASAN: slab-out-of-bounds in crash_underflow\+0x"),
    },
    "uninit": dict.fromkeys(COLUMNS),
}
STATUS = {None: FINE, "check": FINE, "kfree": REPORTED, "SAN": REPORTED, "CPU": FAULT}
# What uninit reads, which nobody finds: kfence fills an object with 0x5a, a Z.
READS = {"plain": "somebody's secret", "dials": "", "kfence": 17 * "Z",
         "SAN": "somebody's secret"}

OTHERS = ["smash", "assert", "panic"]
KINDS = {*AT_ONCE, *REFUSED, *ENDED, *LATE, *OTHERS}


@pytest.fixture(scope="module", params=COLUMNS)
def column(request):
    cmdline, options = COLUMNS[request.param]
    with Machine(build_with(LABS, *options), cmdline=cmdline,
                 arguments=GUEST_TIME) as machine:
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
def test_it_is_found_at_the_instruction(column, kind):
    words, function = AT_ONCE[kind]
    said, status = crash(column, kind)
    assert status == FAULT and words in said and "came to its end" not in said
    if function is not None:
        name, offset, eip = place_of(said)
        assert (name, eip) == (function, symbol(column.elf, function) + offset)
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
    assert re.search(rf" was ended by {who}, in {function}\+0x", said), said
    assert "this handler is not called any more: handler_loop+" in said or kind != "irq_loop"
    is_alive(column)


@pytest.mark.parametrize("kind", LATE)
def test_it_is_found_by_whom_the_column_has(column, kind):
    finder, words = LATE[kind][column.column] or (None, None)
    said, status = crash(column, kind)
    assert status == STATUS[finder]
    assert (f"crash {kind}: it came to its end\n" in said) == (finder != "CPU")
    if finder in ("CPU", "SAN", "kfree"):
        assert re.search(words, said, re.M), said
    else:
        assert "BUG" not in said
    if finder == "CPU":
        name, offset, eip = place_of(said)
        assert eip == symbol(column.elf, f"crash_{kind}") + offset
    if finder == "check":
        column.send("check\r")
        assert re.search(words, "\n".join(column.until_prompt()), re.M)
    if kind == "uninit":
        assert f'it reads "{READS[column.column]}"' in said
    is_alive(column)


def test_a_smashed_stack_is_found_when_the_function_would_return(column):
    said, status = crash(column, "smash")
    assert status == FAULT and "oops: stack smashed in crash_smash" in said
    assert ("BUG: KASAN: stack-out-of-bounds in crash_smash+0x" in said) == \
        (column.column == "SAN")
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


def test_what_to_look_for_is_what_will_be_seen(column):
    for row in column.json("crash -j"):
        assert len(f"  look for: {row['look_for']}") <= 80
        finder, words = LATE.get(row["kind"], {}).get(column.column) or (None, None)
        said = row["look_for"]
        if row["kind"] in LATE and row["kind"] != "uninit":
            assert said.startswith("nothing: nobody sees it.") == (finder is None), said
        for phrase in re.findall(r'"(?:BUG: )?(K[A-Z]+: [^"]*|\w+ Redzone .*)"', said):
            assert finder is None or phrase in words, (phrase, words)
        if row["kind"] == "uninit":
            assert said.startswith({"plain": "what the last", "SAN": "what the last",
                                    "dials": "nothing: init", "kfence": "Z, which is"}[
                                        column.column]), said


def test_a_kind_is_completed_and_guessed(machine):
    machine.send("crash double_fr\t\r")
    assert "crash double_free: gives an object back twice" in machine.until_prompt()
    machine.send("crash nul\r")
    assert machine.until_prompt()[1].startswith('crash: "nul" is no KIND, but "null" is; ')


def test_crash_all_that_is_stopped_says_what_was_not_made(boot):
    """A slow machine: there it takes its time."""
    machine = boot(arguments=["-icount", "shift=7"])
    kinds = [row["kind"] for row in machine.json("crash -j") if row["ends_by"] == "itself"]
    machine.send("crash all; meminfo; uptime\r")
    machine.wait_for("crash zero_size:")
    machine.send(CTRL_C)
    lines = machine.until_prompt()
    (told,) = [line for line in lines if line.startswith("stopped; not made: ")]
    left = told.split(": ")[1].split()
    assert left and kinds[-len(left):] == left
    count, *_ = [line for line in lines if re.match(r"\d+ made: ", line)]
    assert int(count.split()[0]) + len(left) == len(kinds)
    assert lines[-1] == "shell: the rest of the line was not run: meminfo; uptime"
    assert "all rules hold" not in "".join(lines)


@pytest.mark.parametrize("cmdline, last", [
    ("", ["21 made: 15 ended by a fault, 2 told as a BUG, 4 seen by nobody",
          "  others see more: params kfence.every=1; crash all"]),
    ("kfence.every=1", ["21 made: 17 ended by a fault, 3 told as a BUG, 1 seen by nobody"]),
])
def test_crash_all_says_who_saw_how_many(boot, cmdline, last):
    machine = boot(cmdline=cmdline)
    machine.send("crash all\r")
    lines = machine.until_prompt(SECONDS)
    assert lines[-2 - len(last):-2] == last, lines[-5:]


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

