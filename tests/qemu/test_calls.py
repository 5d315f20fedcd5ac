"""trace graph, trace functions: which functions a command calls: kernel/trace/probe.c."""
import ctypes
import re
import subprocess

import pytest
from conftest import build_with
from marbles import CTRL_C, ROOT, symbol

COUNTED = ["-icount", "shift=0"]
# As Linux's Documentation/trace/ftrace.rst has them, with instructions for DURATION.
ENTRY = r" 0\) {15}\|  (?P<indent> *)(?P<name>[\w.]+)\(\) \{(?: /\* (?P<site>\S+:\d+) \*/)?"
LEAF = r" 0\) *(?P<time>\d+)   \|  (?P<indent> *)(?P<name>[\w.]+)\(\);" \
       r"(?: /\* (?P<site>\S+:\d+) \*/)?"
EXIT = r" 0\) *(?P<time>\d+)   \|  (?P<indent> *)\}(?: /\* [\w.]+ \*/)?"
NEVER = r" 0\) {15}\|  (?P<indent> *)\} /\* (?:[\w.]+ )?(?:never returned|is under way) \*/"
FUNCTION = r" {0,15}(?P<task>\S+)-(?P<command>\d+) +\[000\] (?P<flags>[d.]\.[h.]\.\.) +" \
           r"(?P<time>\d+\.\d{6}): (?P<name>[\w.]+) <-(?P<from>[\w.]+)"


@pytest.fixture(scope="module")
def calls_elf():
    return build_with([ROOT / "tests/labs/calls.c"])


@pytest.fixture
def calls(calls_elf, boot):
    """boot(): a machine with calls.c, where rdtsc counts instructions."""
    return lambda **options: boot(calls_elf, arguments=COUNTED, **options)


def graph(lines):
    """(depth, name, instructions or None) of each function, in the order of their begin."""
    found, open_calls = [], []
    for line in lines:
        if not line.startswith(" 0)") or "=====" in line:
            continue
        for kind in (ENTRY, LEAF, EXIT, NEVER):
            match = re.fullmatch(kind, line)
            if match:
                break
        assert match and len(line) <= 80, line
        depth = len(match["indent"]) // 2
        if kind in (ENTRY, LEAF):
            assert depth == len(open_calls), line
            found.append([depth, match["name"],
                          int(match["time"]) if kind == LEAF else None])
        if kind == ENTRY:
            open_calls.append(found[-1])
        if kind in (EXIT, NEVER):
            call = open_calls.pop()
            assert depth == call[0], line
            call[2] = int(match["time"]) if kind == EXIT else None
    assert open_calls == []
    return [tuple(call) for call in found]


def names(lines):
    return [name for _, name, _ in graph(lines)]


def text_of(elf):
    """Of the file: where .text begins, and its bytes."""
    start, end = symbol(elf, "text_start"), symbol(elf, "text_end")
    objcopy = subprocess.run(["objcopy", "-O", "binary", "-j", ".text", str(elf),
                              "/dev/stdout"], capture_output=True, check=True)
    return start, objcopy.stdout[:end - start]


def text_in(machine, elf):
    """The same, of the machine's memory."""
    start, end = symbol(elf, "text_start"), symbol(elf, "text_end")
    path = f"{machine.folder.name}/text"
    machine.gdb(f"dump binary memory {path} {start} {end}")
    with open(path, "rb") as file:
        return file.read()


# ---- how many, how deep ----------------------------------------------------------------

def test_each_call_has_its_depth_and_its_exact_instructions(calls):
    found = graph(calls().run("trace graph calls count"))
    assert [call[:2] for call in found] == [
        (0, "cmd_calls"), (1, "known_twice"), (2, "known_leaf"), (2, "known_leaf")]
    assert [call[2] for call in found[1:]] == [10 + 2 * 103, 103, 103]


def test_they_are_the_same_with_all_of_the_kernel_traced(calls):
    machine = calls()
    machine.run("params ftrace_filter=*")
    found = {name: time for _, name, time in graph(machine.run("trace graph calls count"))}
    assert (found["known_twice"], found["known_leaf"]) == (216, 103)


def test_a_jump_to_another_function_reads_as_a_call_and_one_to_itself_as_none(calls):
    found = graph(calls().run("trace graph calls jumps"))
    # jumps_on is test, jmp, and the other; the loop is 5 rounds of dec, jnz, then ret.
    # What begins with a jump of its own is not noticed, but for what it jumps to.
    assert found[1:] == [(1, "jumps_on", 105), (2, "known_leaf", 103),
                         (1, "loops_to_its_begin", 11), (1, "known_leaf", 103),
                         (1, "just_returns", 1)]


def test_a_recursion_is_followed_as_deep_as_there_is_room(calls):
    machine = calls()
    assert [call[:2] for call in graph(machine.run("trace graph calls deep 5"))[1:]] == [
        (depth, "deep") for depth in range(1, 6)]
    lines = machine.run("trace graph calls deep 200")
    assert "# 73 calls were deeper than 128, or on a stack of their own: not shown" in lines
    machine.is_whole()


def test_a_kmalloc_that_needs_a_slab_falls_from_floor_to_floor(boot):
    lines = boot(arguments=COUNTED).run("trace graph kmalloc 100")
    found = graph(lines)
    depths = {name: depth for depth, name, _ in reversed(found)}
    order = ["cmd_kmalloc", "kmalloc_at", "kmalloc_long", "slab_refill", "pages_take",
             "buddy_alloc"]
    assert [name for name in names(lines) if name in order] == order
    assert [depths[name] for name in order] == sorted(depths[name] for name in order)
    assert "mm/slab.c:" in "".join(line for line in lines if "slab_refill" in line)


def test_the_graphs_of_the_readme_are_what_is_shown(boot):
    """By name and depth; how long it takes differs with the compiler, and whether a block is
    split for it with how large the image is."""
    readme = (ROOT / "kernel/trace/README.md").read_text()
    shown = [re.findall(r"\|  ( *)(\w+)\(\)", block) for block in
             re.findall(r"^```text\n(.*?)^```", readme, re.M | re.S) if " 0) " in block]
    machine = boot(arguments=COUNTED)
    if "split()" in "\n".join(machine.run("trace graph pages 0")):
        machine.run("pages free $")             # else an odd page is taken now
    real = [re.findall(r"\|  ( *)([\w.]+)\(\)", "\n".join(machine.run(command))) for command in
            ("trace graph kmalloc 100", "kmalloc 6000 40; trace graph kfree all")]
    assert len(shown) == 2
    for want, got in ([[call for call in calls if call[1] != "split"] for calls in pair]
                      for pair in zip(shown, real)):
        assert any(got[at:at + len(want)] == want for at in range(len(got)))


def test_two_runs_print_the_same(calls):
    assert calls().run("trace graph 'kmalloc 100; kfree $'") == \
        calls().run("trace graph 'kmalloc 100; kfree $'")


def test_where_rdtsc_is_time_so_it_says(boot):
    machine = boot()
    machine.run("stress 200 1")                 # a tick has passed
    lines = machine.run("trace graph kmalloc 100")
    assert any("DURATION" in line for line in lines)
    assert any(re.match(r" 0\) +\d+\.\d{3} us   \|  +kmalloc_at\(\)|"
                        r" 0\) +\d+\.\d{3} us   \|  +\}", line) for line in lines)


def test_what_is_no_time_is_never_shown(boot):
    """Less than nothing, where an exception took less than was measured, was 2^32 and some."""
    machine = boot()
    machine.run("stress 200 1")                 # a tick has passed
    rows = machine.run("trace graph stress 300 1")
    times = [float(time) for time in re.findall(r"([\d.]+) us", "\n".join(rows))]
    assert len(times) > 100 and max(times) < 30e6
    assert all(re.match(r" 0\) [ \d.us]{11}   \|  ", row) for row in rows if " us " in row)


def test_longer_than_a_word_can_say_is_said(calls):
    machine = calls()
    lines = machine.run("trace graph calls sleep 450")          # 10^7 a tick
    assert " 0) >4294967295   |    sleeps(); /* tests/labs/calls.c:" in "\n".join(lines)
    assert "waits_for_an_interrupt" not in "\n".join(lines)     # its sti is not to be moved


def test_first_instructions_are_as_long_as_objdump_says(elf, tmp_path):
    subprocess.run(["cc", "-shared", "-fPIC", f"-I{ROOT}", "-o", f"{tmp_path}/first.so",
                    f"{ROOT}/kernel/trace/first.c"], check=True)
    first = ctypes.CDLL(f"{tmp_path}/first.so").first_length
    first.restype = ctypes.c_size_t
    listing = subprocess.run(["objdump", "-dw", "-j", ".text", str(elf)], check=True,
                             capture_output=True, text=True).stdout
    found = re.findall(r"^[0-9a-f]+ <([^>]+)>:\n[^\t]*\t([0-9a-f ]+)\t(\S+)", listing, re.M)
    cannot = {"jmp", "call", "ud2", "int3", "str", "rdtsc", "cpuid", "sti"}
    for name, code, what in found:
        code = bytes.fromhex(code)
        if first(code + bytes(16)) != len(code):
            assert first(code + bytes(16)) == 0, name
            assert what in cannot or what == "mov" and code[0] == 0x0f, (name, what)
    assert len(found) > 1000


def test_a_cpu_without_rdtsc_shows_calls_without_times(boot):
    machine = boot(arguments=["-cpu", "486"])
    lines = machine.run("trace graph kmalloc 100")
    assert " 0)               |    kmalloc_at() { /* mm/short.c:" in "\n".join(lines)


# ---- what stays as it was --------------------------------------------------------------

def test_text_is_the_files_byte_for_byte_but_while_it_is_traced(calls, calls_elf):
    machine = calls(stopped=True)
    machine.gdb()
    machine.boot()
    start, file = text_of(calls_elf)
    assert text_in(machine, calls_elf) == file
    machine.run("params ftrace_filter=known_leaf,mm/buddy.c; params ftrace=function_graph")
    changed = [(start + i, now) for i, (was, now) in
               enumerate(zip(file, text_in(machine, calls_elf))) if was != now]
    assert (symbol(calls_elf, "known_leaf"), 0xcc) in changed
    assert (symbol(calls_elf, "buddy_alloc"), 0xcc) in changed
    assert {byte for _, byte in changed} == {0xcc}
    machine.run("params ftrace=nop")
    assert text_in(machine, calls_elf) == file
    machine.run("trace graph calls ends; trace graph calls count")
    assert text_in(machine, calls_elf) == file


def test_backtraces_stay_true(calls):
    machine = calls()
    plain = [line for line in machine.run("calls back") if " 0x" in line]
    machine.run("params ftrace_filter=*")
    traced = [line for line in machine.run("trace graph calls back")
              if line.startswith("  0x")]
    assert "shows_calls+0x" in plain[0] and "cmd_calls+0x" in plain[2]
    assert traced == plain


@pytest.mark.parametrize("command", ["calls ends", "calls first", "crash assert",
                                     "crash smash"])
def test_a_fault_in_traced_code_is_reported_as_in_other_code(calls, command):
    def report(command):
        lines = [re.sub(r"[0-9a-f]{8}", "", line) for line in machine.run(command)]
        return [line for line in lines if not line.startswith((" 0)", "#")) and
                "eax" not in line and "esi" not in line and "eip" not in line]
    machine = calls()
    before = report(command)
    assert any("+0x" in line for line in before)
    assert report(f"trace graph '{command}'") == before
    assert command != "calls first" or "reads_first+0x0/0x" in " ".join(before)
    machine.is_whole()


def test_a_command_that_is_ended_leaves_nothing_behind(calls, calls_elf):
    machine = calls(stopped=True)
    machine.gdb()
    machine.boot()
    found = graph(machine.run("trace graph calls ends"))
    assert found == [(0, "cmd_calls", None), (1, "calls_what_faults", None),
                     (2, "faults", None), (3, "known_leaf", 103)]
    machine.send("trace graph crash loop\r")
    machine.wait_for("look for: ")
    machine.send(CTRL_C)
    machine.until_prompt()
    assert text_in(machine, calls_elf) == text_of(calls_elf)[1]
    machine.is_whole()


def test_where_ctrl_c_came_is_no_copy_of_a_first_instruction(calls):
    """It mostly comes behind an iret: to one."""
    machine = calls()
    machine.run("params ftrace_filter=known_leaf")
    for _ in range(3):
        machine.send("trace graph calls spin\r")
        machine.wait_for("spins")
        machine.send(CTRL_C)
        lines = machine.until_prompt()
        assert any(re.match(r"Ctrl-C: trace is now in (known_leaf|cmd_calls|spin)\+", line)
                   for line in lines), lines
        assert any(re.search(r"ended by Ctrl-C, in (known_leaf|cmd_calls|spin)\+", line)
                   for line in lines), lines


def test_a_stack_of_a_labs_own_is_left_alone(calls):
    machine = calls()
    lines = machine.run("trace graph calls stack")
    assert names(lines) == ["cmd_calls", "goes_to_own_stack"]
    assert "# 2 calls were deeper than 128, or on a stack of their own: not shown" in lines
    assert "breakpoint" not in " ".join(lines)


def test_a_row_is_80_columns_however_deep_and_each_end_is_said(calls):
    lines = [line for line in calls().run("trace graph calls ends 25") if " 0)" in line]
    assert all(len(line) <= 80 for line in lines)
    assert sum("deep_and_with_a_name_as_long_as_few_are() {" in line for line in lines) == 25
    assert sum(line.endswith("never returned */") for line in lines) == 26


def test_a_breakpoint_of_nobody_is_reported_traced_or_not(calls):
    machine = calls()
    for command in ("calls int3", "trace graph calls int3"):
        lines = machine.run(command)
        assert "breakpoint (int3), which nobody has set" in lines
        assert any("in cmd_calls+0x" in line for line in lines)


def test_random_work_with_all_of_the_kernel_traced(boot):
    machine = boot()
    plain = machine.run("stress 3000 5")
    machine.run("params ftrace_filter=*")
    machine.run("params ftrace=function_graph")
    assert machine.run("stress 3000 5") == plain
    machine.run("crash null; crash jump; crash stack")
    machine.run("params ftrace=nop")
    machine.is_whole()


# ---- which -----------------------------------------------------------------------------

@pytest.mark.parametrize("list_, has, has_not", [
    ("slab_*", {"slab_refill"}, {"buddy_alloc", "kmalloc_at"}),
    ("mm/buddy.c", {"buddy_alloc"}, {"slab_refill"}),
    ("buddy.c,slab_refill", {"buddy_alloc", "slab_refill"}, {"serve"}),
    ("mm/,!mm/buddy.c", {"slab_refill", "kmalloc_at"}, {"buddy_alloc"}),
    ("!mm/", {"kprintf"}, {"kmalloc_at", "slab_refill"}),
])
def test_of_names_and_files(boot, list_, has, has_not):
    machine = boot(arguments=COUNTED)
    machine.run(f"params ftrace_filter={list_}")
    found = set(names(machine.run("trace graph kmalloc 100")))
    assert has <= found and not has_not & found


def test_clear_and_parameters_in_what_is_traced(calls):
    machine = calls()
    machine.run("trace graph calls count")              # so that numbers do not begin at 0
    text = "\n".join(machine.run("trace graph 'calls count; trace clear; calls count'"))
    assert re.findall(r" \|  +(\w+)\(\)", text) == [
        "cmd_calls", "known_twice", "known_leaf", "known_leaf"]
    assert text.count("} /* cmd_trace */") == 1         # it was entered before
    *rows, summary = machine.json("trace -j graph 'calls count; trace clear'")
    assert len(rows) == summary["entries"] == summary["written"]
    assert "overwritten" not in " ".join(machine.run("trace graph 'trace clear'"))
    # Another list holds from there on, still of what the command does alone.
    found = names(machine.run("trace graph 'params ftrace_filter=known_*; calls count'"))
    assert found == ["cmd_calls", "known_twice", "known_leaf", "known_leaf"]
    found = machine.run("trace graph 'params ftrace=nop; calls count'")
    assert found[-1].endswith("} /* cmd_params is under way */")
    machine.run("trace graph 'params ftrace=function'")
    assert "now function)" in " ".join(machine.run("params ftrace"))


def test_what_a_listing_overwrites_itself_is_said(boot):
    machine = boot()
    machine.run("params ftrace_filter=*; params ftrace=function_graph; kmalloc 100")
    *rows, summary = machine.json("trace -j graph")
    assert summary["entries"] == len(rows) < 2048 < summary["written"]
    for form in ("graph", "functions"):
        assert re.fullmatch(r"# \d+ more were overwritten meanwhile: ftrace=nop first",
                            machine.run(f"trace {form}")[-1])
    machine.run("params ftrace=nop")
    assert "overwritten meanwhile" not in " ".join(machine.run("trace graph"))


def test_what_is_overwritten_is_nobodys_end(calls):
    machine = calls()
    machine.run("trace graph calls deep 9")
    text = "\n".join(machine.run("trace graph 'stress 2000 1; calls ends'"))
    assert "older calls and returns were overwritten" in text
    assert "faults never returned" in text and "deep never" not in text and "?" not in text


@pytest.mark.parametrize("words, said", [
    ("params ftrace_filter=nosuch*", "no function that can be traced is meant by nosuch*"),
    ("params ftrace_filter=mm/,,", "a word is empty"),
    ("params ftrace_filter=" + "a" * 70, "a word is too long"),
    ("params ftrace_filter=boot/", "no function that can be traced"),
    ("params ftrace=graph", "none of nop, function, function_graph"),
    ("trace graph nosuch", "nosuch: unknown command"),
    ("trace graph trace graph help", "ftrace=function_graph is on"),
])
def test_what_is_wrong_is_told(machine, words, said):
    assert said in " ".join(" ".join(machine.run(words)).split())


def test_as_function_and_from_boot_on(calls):
    machine = calls(cmdline="ftrace=function ftrace_filter=known_*,cmd_kmalloc")
    machine.run("calls count; kmalloc 1; params ftrace=nop")
    lines = machine.run("trace functions")
    rows = re.sub(r"\n {12}(?=\S+ <-|<-)", " ", "\n".join(lines)).splitlines()
    found = [re.fullmatch(FUNCTION, row) for row in rows if not row.startswith("#")]
    assert all(found), rows
    assert [(match["task"], match["name"], match["from"]) for match in found] == [
        ("calls", "known_twice", "cmd_calls"), ("calls", "known_leaf", "known_twice"),
        ("calls", "known_leaf", "known_twice"), ("kmalloc", "cmd_kmalloc", "command_body")]
    assert lines[0] == "# tracer: function"


def test_what_an_interrupt_calls_stands_between_arrows(boot):
    machine = boot(memory="16M")
    machine.run("params ftrace_filter=kernel/lessons/,kmalloc_at")
    machine.run("params ftrace=function_graph; drain start 5")
    while not any(row["irq"] for row in machine.json("trace -j functions")[:-1]):
        pass
    machine.run("drain stop; params ftrace=nop")
    text = "\n".join(machine.run("trace graph"))
    inner = re.search(r" 0\)   ==========> \|\n(.*?) 0\)   <========== \|\n", text, re.S)
    assert "receive()" in inner[1] and "cmd_drain" not in inner[1]
    assert {line.index("|") for line in text.splitlines() if line.startswith(" 0)")} == {18}


def test_what_is_overwritten_is_said(boot):
    machine = boot()
    lines = machine.run("trace graph stress 2000 1")
    *rows, summary = machine.json("trace -j graph")
    assert len(rows) == summary["entries"] == 2048 < summary["written"]
    assert f"# {summary['written'] - 2048} older calls and returns were overwritten" in \
        "\n".join(lines)
    machine.run("trace clear")
    assert machine.json("trace -j graph") == [
        {"summary": True, "entries": 0, "written": 0, "too_deep": 0}]


def test_as_json(calls):
    *rows, summary = [row for row in calls().json("trace -j graph calls count")]
    assert [(row["call"], row["func"], row["depth"], row["instructions"]) for row in rows[1:-1]] \
        == [("entry", "known_twice", 1, None), ("entry", "known_leaf", 2, None),
            ("return", "known_leaf", 2, 103), ("entry", "known_leaf", 2, None),
            ("return", "known_leaf", 2, 103), ("return", "known_twice", 1, 216)]
    assert rows[0]["from"] == "command_body" and summary["entries"] == len(rows)
