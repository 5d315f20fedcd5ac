"""mm/gdb over QEMU: what it says of a running kernel is what the shell says."""
import json
import os
import random
import re
import subprocess

import pexpect
import pytest
from debugger import ROOT, SCRIPT, gdb, marbles

HEAPS = 10
PIECE = marbles.site("tests/labs/pieces.c", r"kmemleak_alloc\(")
COMMANDS = ("meminfo", "buddyinfo", "slabinfo", "leaks", "check", "heapmap",
            "heapmap sites", "heapmap age", "heapmap leaks")


@pytest.fixture(scope="module")
def machine(elf):
    """A kernel at its prompt, with GDB's door open."""
    with marbles.Machine(elf, memory="16M", stopped=True) as machine:
        machine.gdb()
        machine.boot()
        yield machine


def ask(machine, *commands):
    """What GDB says to each command, by command."""
    words = [word for command in commands
             for word in (f"echo <<{command}>>\\n", f"marbles {command}")]
    said = machine.gdb(f"source {SCRIPT}", *words)
    assert "Traceback" not in said, said
    parts = re.split(r"^<<(.*)>>\n", said, flags=re.M)[1:]
    return dict(zip(parts[0::2], parts[1::2]))


def rows(text):
    """Times are each one's own."""
    found = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    for row in found:
        row.pop("microseconds", None)
    return found


class Worker:
    """Random work at the shell, which keeps track of what can be given back."""

    def __init__(self, machine, seed):
        self.machine, self.random = machine, random.Random(seed)
        self.objects, self.pages, self.addresses = [], [], [0, 0x100000, 0xfffff000]
        self.at = {}

    def step(self):
        size = self.random.choice([8, 24, 100, 500, 1400, 4000, 8192, 9000, 70000])
        choice = self.random.randrange(5)
        if choice < 2:
            self.note(self.machine.run(f"kmalloc {size} {self.random.randint(1, 12)}"),
                      self.objects)
        elif choice == 2:
            self.note(self.machine.run(f"pages {self.random.randrange(4)}"), self.pages)
        elif self.objects and choice == 3:
            self.machine.run(f"kfree {self.pick(self.objects)}")
        elif self.objects and choice == 4:
            self.link()

    def link(self):
        """A pointer to the start or a middle of another; and one is forgotten."""
        to = self.at[self.random.choice(self.objects)] + self.random.choice([0, 0, 4])
        from_ = self.at[self.random.choice(self.objects)]
        self.machine.run("; ".join(f"poke {from_ + n:#x} {to >> 8 * n & 0xff}"
                                   for n in range(4)))
        self.machine.run(f"forget {self.pick(self.objects)}")

    def pick(self, held):
        return held.pop(self.random.randrange(len(held)))

    def note(self, lines, held):
        for line in lines:
            found = re.match(r"(\$\d+) = 0x(\w+)", line)
            if found:
                held.append(found[1])
                self.at[found[1]] = int(found[2], 16)
                self.addresses.append(int(found[2], 16) + self.random.choice([0, 4, 5000]))


DIALS = ["", "slub_debug=FZPU quarantine=64K debug_pagealloc=on",
         "kfence.every=1", "kfence.every=2 debug_pagealloc=on"]


@pytest.mark.parametrize("dials", DIALS)
def test_random_heaps_are_what_the_shell_says(elf, dials):
    """One heap grows from the other."""
    with marbles.Machine(elf, memory="16M", stopped=True, cmdline=dials) as machine:
        machine.gdb()
        machine.boot()
        compare_heaps(machine)


def as_in_shell(question):
    """There some are words of `leaks`."""
    is_word = question.split()[0] in ("why", "owners", "tree")
    return "leaks " + question if is_word else question


def said_by_shell(machine, question):
    """What it says that GDB can know."""
    found = machine.json(as_in_shell(question))
    for row in found:
        for key in [key for key in row if key.endswith("_by_calls") or
                    key in ("only_grows", "left", "pcs")]:
            del row[key]
    return found


def compare_heaps(machine):
    worker = Worker(machine, 1)
    for heap in range(HEAPS):
        for _ in range(4):
            worker.step()
        if len(worker.objects) > 100:
            while worker.objects:
                machine.run("kfree " + " ".join(worker.objects[-8:]))
                del worker.objects[-8:]
        questions = [f"{command} -j" for command in COMMANDS]
        for address in worker.random.sample(worker.addresses[3:],
                                            min(1, len(worker.addresses) - 3)):
            questions += [f"refs {address:#x} -j", f"why {address:#x} -j"]
        questions += [f"whatis {address:#x} -j" for address in
                      worker.random.sample(worker.addresses,
                                           min(4, len(worker.addresses)))]
        wanted = {question: said_by_shell(machine, question) for question in questions}
        pictures = [f"heapmap {('kind', 'sites', 'age', 'leaks')[heap % 4]}"]
        pictures += [f"{pictures[0]} zoom {worker.addresses[-1]:#x}"] \
            if len(worker.addresses) > 3 else []
        drawn = {picture: machine.run(picture) for picture in pictures}
        for picture, said in ask(machine, *pictures).items():
            shown = drawn[picture]
            assert said.splitlines()[:len(shown)] == shown, f"heap {heap}: {picture}"
        for question, said in ask(machine, *questions).items():
            got = rows(said)
            if question.startswith("whatis") and \
                    got[0]["kind"] in ("outside", "hole"):
                for row in got + wanted[question]:      # the rest is the kernel's
                    for key in ("region", "symbol", "offset", "file", "line"):
                        row.pop(key, None)
            assert got == wanted[question], f"heap {heap}: {question}"


def words(lines):
    """All that is said: the shell wraps lines, and times are each one's own."""
    return [word for line in lines
            for word in re.sub(r", in (less than 0\.1 s|\d+ us)$", "", line).split()]


def test_texts_are_the_shells_own(machine):
    address = machine.take("kmalloc 100")[1]
    machine.run("kmalloc 200 3; forget $")
    questions = ["meminfo", "buddyinfo", "slabinfo", "leaks", "leaks all", "check",
                 f"whatis {address + 5:#x}", f"refs {address + 5:#x}"]
    as_linux = {"buddyinfo": "buddyinfo -l", "slabinfo": "slabinfo -l"}
    wanted = {question: machine.run(as_linux.get(question, as_in_shell(question)))
              for question in questions}
    for question, said in ask(machine, *questions).items():
        got, lines = words(said.splitlines()), words(wanted[question])
        assert got[:len(lines)] == lines, question


def picture(text):
    """But for who had what is lost, which only the shell knows; and each one's own words."""
    lines = [line.rstrip() for line in text.replace("marbles tree", "leaks tree").splitlines()
             if not line.startswith(("scanned: ", "[Inferior "))]
    first = next((n for n, line in enumerate(lines) if re.match(r" \[.*\] +0x", line)), 0)
    is_lost = any(sign in line[:20] for line in lines[:first] for sign in ":?")
    return lines[first if is_lost else 0:]


def compare_pictures(machine, *questions):
    wanted = {question: "\n".join(machine.run(as_in_shell(question)))
              for question in questions}
    for question, said in ask(machine, *questions).items():
        assert picture(said) == picture(wanted[question]), question


@pytest.fixture
def lists():
    elf = ROOT / marbles.make("all", "LAB=tests/labs/lists.c").stdout.split()[-1]
    with marbles.Machine(elf, memory="16M", stopped=True) as machine:
        machine.gdb()
        machine.boot()
        yield machine


@pytest.mark.parametrize("work", [
    "lists keep 5; lists members 3", "lists keep 300", "lists circle 3; leaks; lists cut",
    "lists tree 100; lists ring 9; lists singles 20", "lists ring 8; lists tree 3"])
def test_pictures_are_the_shells_own(lists, work):
    lists.run(work + "; kmalloc 1000")
    listed = [int(row["address"], 16) for row in lists.listed()]
    compare_pictures(lists, "tree", f"why {listed[-1] + 20:#x}",
                     *(f"why {address:#x}" for address in listed[:2] + listed[-2:]))


# ---- what a program has said of its objects ----------------------------------------

# One grows from the other; the first is the twin of which nothing was said.
SAID = [
    "pieces hidden",
    "pieces area; pieces hidden; pieces not_leak",
    "pieces hidden; pieces ignore; kmalloc 40 2; forget $1",
    "pieces pool 50; pieces lose 7; pieces hidden; pieces no_scan",
    "kmalloc 100 2; kmalloc 9000; pages 1; forget $3; forget $5; forget $6; leaks; "
    "kmemleak clear",
    "kmalloc 100; forget $; kfree $4; pieces hidden; pieces lose 2",
    "pieces free; pieces pool 5; pieces lose 1; pieces nonsense",
]
LOST_PIECES = "python from marbles_mm import heap, mark; m = mark.look(heap.Heap()); " \
              "print('lost', [m.said.pieces[k].start for k in m.lost_pieces])"


@pytest.mark.parametrize("dials", ["", "slub_debug=FZP kfence.every=2"])
def test_what_a_program_has_said_is_heeded(dials):
    elf = ROOT / marbles.make("all", "LAB=tests/labs/pieces.c").stdout.split()[-1]
    with marbles.Machine(elf, memory="16M", stopped=True, cmdline=dials) as machine:
        machine.gdb()
        machine.boot()
        kinds = []
        for n, line in enumerate(SAID):
            machine.run(line)
            kinds.append(machine.kinds())
            compare_leaks(machine, random.Random(n))
        assert kinds[0] == {"definite": 100, "indirect": 100}
        assert kinds[4].keys() == {"reachable"}, kinds      # all is cleared


def compare_leaks(machine, numbers):
    """By all that tells of leaks, and of some objects why; and by piece."""
    listed = numbers.sample(machine.json("leaks list -j"), 2)
    questions = ["leaks -j", "owners -j", "tree -j", "leaks", "owners"]
    for row in listed:
        questions += [f"why {row['address']} -j", f"refs {row['address']} -j",
                      f"refs {row['address']}"]
    wanted = {question: said_by_shell(machine, question) if question.endswith("-j") else
              told(machine.run(as_in_shell(question))) for question in questions}
    for question, said in ask(machine, *questions).items():
        got = rows(said) if question.endswith("-j") else \
            told(said.splitlines())[:len(wanted[question])]
        assert got == wanted[question], question
    compare_pictures(machine, "tree", *(f"why {row['address']}" for row in listed))
    lost = [int(row["address"], 16) for row in machine.json("kmemleak -j")
            if row["site"] == PIECE]
    said = machine.gdb(f"source {SCRIPT}", LOST_PIECES)
    assert f"lost {lost}\n" in said, said


def told(lines):
    """Without what one of both does not know: what only grows, how much was scanned."""
    text = " ".join(words(lines)).partition(" scanned:")[0]
    return re.sub(r", only grows|what (\S+|\d+ lines) took only grows.*?: leaks grow ?", "",
                  text).split()


def test_marbles_alone_lists_its_commands(elf):
    listed = re.findall(r"^marbles (\S+) -- ", gdb("marbles", program=elf), re.M)
    assert listed == ["break-alloc", "break-report", "buddyinfo", "check", "diff",
                      "heapmap", "leaks", "meminfo", "owners", "refs", "slabinfo", "tree",
                      "whatis", "why"]
    assert gdb("marbles leak_s", program=elf) == \
        'Undefined marbles command: "leak_s".  Try "marbles".\n'


def test_break_alloc_stops_in_the_kernel(elf):
    line = 'run="kmalloc 100 20; pages 1; kmalloc 50"'
    with marbles.Machine(elf, stopped=True, cmdline=line) as machine:
        said = machine.gdb(f"source {SCRIPT}", "hbreak kernel_main", "continue",
                           "marbles break-alloc 17", "continue",
                           "printf \"serial %u\\n\", heap.serial", "bt",
                           "marbles meminfo", "marbles break-alloc 21", "continue",
                           "bt",
                           "printf \"serial %u\\n\", heap.serial")
        assert re.findall(r"^serial (\d+)", said, re.M) == ["17", "21"], said
        assert "serial 17, by cmd_kmalloc (" in said, said
        assert "serial 21, by take_pages (" in said, said
        assert re.search(r"^#\d+ .*\bcmd_kmalloc \(", said, re.M), said
        assert "mm is busy: it was stopped inside a call" in said, said
        machine.boot()
        machine.is_whole()


def test_what_a_command_has_in_hand_is_not_lost(elf):
    """Between the call and the table of the shell only registers and stack hold it."""
    with marbles.Machine(elf, stopped=True, cmdline='run="kmalloc 100"') as machine:
        said = machine.gdb(f"source {SCRIPT}", "hbreak held_keep", "continue",
                           "marbles leaks -j", "marbles why address", "delete")
        assert rows(said)[0]["kind"] == "reachable", said
        assert "100 bytes, serial 1," in said, said
        assert re.search(r"^ \[\*\] +(the stack|a register)\n  v\n \[o\.+\] 0x", said, re.M), said
        machine.boot()
        assert rows(ask(machine, "leaks -j")["leaks -j"])[-1]["reachable"] == 1


def test_the_kernels_own_scan_is_not_looked_into(elf):
    with marbles.Machine(elf, stopped=True, cmdline='run="kmalloc 9; leaks"') as machine:
        said = machine.gdb(f"source {SCRIPT}", "hbreak mm_scan_end", "continue",
                           "marbles meminfo", "python try: gdb.execute('marbles leaks')\n"
                           "except gdb.error as error: print('refused:', error)", "delete")
        assert re.search("^mm was stopped in the middle of its own scan", said, re.M), said
        assert "refused: marbles leaks: mm was stopped in the middle of its own" in said
        machine.boot()


def test_a_machine_that_is_off_records_is_told(elf):
    with marbles.Machine(elf, stopped=True, cmdline="kmemleak=off") as machine:
        machine.gdb()
        machine.boot()
        machine.run("kmalloc 100 3; kmalloc 9000")
        wanted = machine.json("meminfo -j"), machine.json("slabinfo -j")
        said = ask(machine, "meminfo -j", "slabinfo -j", "check -j")
        assert (rows(said["meminfo -j"]), rows(said["slabinfo -j"])) == wanted
        assert rows(said["check -j"]) == [{"ok": True, "broken": None, "damage": 0,
                                      "reports": 0}]


# ---- machines that are no more ----------------------------------------------------

def test_a_dump_is_what_the_machine_was(elf):
    core = ROOT / "build/dump.elf"
    said = marbles.make("dump", "MEM=8M", "CMDS=kmalloc 100 30; kfree $7; pages 2; "
                        "leaks -j; meminfo -j; slabinfo -j; buddyinfo -j").stdout
    assert said.splitlines()[-1].strip() == \
        "gdb build/marbles.elf build/dump.elf -x mm/gdb/marbles.py"
    answers = gdb(*(f"marbles {c} -j" for c in
                    ("leaks", "meminfo", "slabinfo", "buddyinfo", "check")), "bt",
                  program=elf, core=core)
    wanted = rows(said)
    assert rows(answers) == wanted + [{"ok": True, "broken": None, "damage": 0,
                                      "reports": 0}]
    assert "warning" not in answers.lower(), answers
    assert re.search(r"^#\d+ .*\bkernel_main \(", answers, re.M), answers


def test_a_dump_of_a_stack_overflow_leads_out_of_it():
    marbles.make("dump", "LAB=tests/labs/faults.c", "CMDS=fault stack")
    elf = ROOT / marbles.make("all", "LAB=tests/labs/faults.c").stdout.split()[-1]
    said = gdb("bt", program=elf, core=elf.parent / "dump.elf")
    frames = re.findall(r"^#\d+ .*?(\w+) \(", said, re.M)
    assert "trap_double_fault" in frames, said
    assert frames[frames.index("trap_double_fault") + 1:].count("fault_stack") > 10, said
    assert "kernel_main" in frames, said


def test_a_crash_is_dumped():
    marbles.make("dump", "MEM=8M", "LAB=tests/labs/faults.c",
                 "CMDS=kmalloc 100 3; fault null-write")
    elf = ROOT / marbles.make("all", "LAB=tests/labs/faults.c").stdout.split()[-1]
    said = gdb("marbles leaks -j", "bt", program=elf, core=elf.parent / "dump.elf")
    assert rows(said)[-1]["objects"] == 3, said
    assert re.search(r"^#\d+ .*\bfault_null_write \(|^#\d+ .*\bpanic", said, re.M), said


# ---- two states --------------------------------------------------------------------

BEFORE = "kmalloc 100 30; kmalloc 3000 4; pages 1"


def dump_of(elf, name, commands):
    """What `make dump` writes, in a file of its own; and the rows that were printed."""
    said = marbles.make("dump", "MEM=16M", f"CMDS={commands}").stdout
    core = elf.parent / name
    (elf.parent / "dump.elf").rename(core)
    return core, rows(said)


@pytest.fixture(scope="module")
def two(elf):
    return dump_of(elf, "before.elf", BEFORE)[0], dump_of(
        elf, "after.elf", BEFORE + "; kfree $3 $32; kmalloc 64 100; kfree $50; forget $60 "
        "$61; pages 0; leaks -j")


def test_two_dumps_are_joined_by_serial(elf, two):
    before, (after, leaks) = two
    said = rows(gdb(f"marbles diff {before} -j", program=elf, core=after))
    sites, summary = [row for row in said if "growth" in row], said[-1]
    assert {row["func"]: (row["born_objects"], row["died_objects"], row["growth"],
                          row["lost_objects"]) for row in sites} == {
        "cmd_kmalloc": (99, 2, 99 * 64 - 100 - 3000, 2), "take_pages": (1, 0, 4096, 0)}
    assert (summary["from"], summary["to"]) == (35, 136)
    assert (summary["objects"], summary["bytes"]) == \
        (leaks[-1]["objects"], leaks[-1]["bytes"])
    roots = {row["root"]: (row["bytes"], row["before_bytes"]) for row in said
             if "root" in row}
    assert roots["$3"] == (0, 100) and roots["$35"] == (8192, 8192), roots
    assert roots["$36"] == (64, 0) and "$60" not in roots, roots


def test_the_later_dump_may_be_either(elf, two):
    before, (after, _) = two
    one, other = (gdb(f"marbles diff {a} -j", program=elf, core=b)
                  for a, b in ((before, after), (after, before)))
    assert rows(one) == rows(other) and rows(one)


def test_each_that_was_born_or_died_is_told_by_its_serial(elf, two):
    before, (after, _) = two
    place = marbles.site("kernel/memory/cmd_alloc.c", r"kmalloc\(size")
    said = gdb(f"marbles diff {before} {place}", program=elf, core=after)
    born = re.findall(r"^\+ 0x\w+ +(\d+) +64  (\w+)", said, re.M)
    assert [int(serial) for serial, _ in born] == [*range(36, 50), *range(51, 136)], said
    assert [serial for serial, kind in born if kind == "definite"] == ["60", "61"]
    assert re.findall(r"^- 0x\w+ +(\d+) +(\d+)  reachable", said, re.M) == \
        [("3", "100"), ("32", "3000")]


def test_what_cannot_be_joined_is_refused(elf, two):
    before, (after, _) = two
    other = dump_of(elf, "other.elf", "pages 0; kmalloc 100 3")[0]
    said = gdb(f"marbles diff {other}", "marbles diff Makefile", f"marbles diff {elf}",
               "marbles diff nowhere", "marbles diff", program=elf, core=after)
    for words in ("they are not of one run: serial 1 was taken by ", "Makefile is no dump",
                  "it is no dump, but a program", "No such file", "DUMP is missing"):
        assert words in said, (words, said)


def leaks_by_drgn(elf, core):
    """Wherever its package is known, as make deps would have it."""
    pythons = [python for python in ("python3", "/usr/bin/python3") if subprocess.run(
        [python, "-c", "import drgn"], capture_output=True).returncode == 0]
    if not pythons and subprocess.run(["apt-cache", "show", "python3-drgn"],
                                      capture_output=True).returncode:
        pytest.skip("no Python has drgn, and there is no package python3-drgn here")
    assert pythons, "python3-drgn is missing: make deps"
    done = subprocess.run([pythons[0], "mm/gdb/marbles_drgn.py", elf, core, "leaks"],
                          cwd=ROOT, capture_output=True, text=True)
    return rows(done.stdout) or done.stderr


def test_drgn_finds_what_gdb_finds(elf, two):
    after, leaks = two[1]
    assert leaks_by_drgn(elf, after) == leaks[:-1]


def test_drgn_heeds_what_a_program_has_said():
    lab = "LAB=tests/labs/pieces.c"
    said = marbles.make("dump", lab, "CMDS=pieces hidden; leaks; kmemleak clear; pieces "
                        "hidden; pieces area; pieces not_leak; leaks -j").stdout
    elf = ROOT / marbles.make("all", lab).stdout.split()[-1]
    leaks = rows(said)
    assert leaks[-1]["definite"] == 50 and leaks[-1]["reachable"] == 350
    assert leaks_by_drgn(elf, elf.parent / "dump.elf") == leaks[:-1]


# ---- what was overwritten ----------------------------------------------------------

@pytest.fixture
def watched(elf):
    with marbles.Machine(elf, memory="16M", stopped=True,
                         cmdline="slub_debug=ZP debug_pagealloc=on") as machine:
        machine.gdb()
        machine.boot()
        yield machine


def test_check_finds_what_was_overwritten_and_only_that(watched):
    machine = watched
    machine.run("kmalloc 50 3; kmalloc 20000; kfree $2")
    assert rows(ask(machine, "check -j")["check -j"])[0]["damage"] == 0
    machine.run("poke $1+50 0x41 2; poke $3-1 0x42; poke $2+7 0x43; poke $4+20000 0x44")
    said = ask(machine, "check")["check"]
    assert "all rules hold, but memory was overwritten" in said, said
    found = re.findall(r"^(\w[\w ]+): (0x\w\w) at (0x\w+): ", said, re.M)
    at = {n: int(machine.json(f"whatis ${n} -j")[0]["address"], 16) for n in (1, 2, 3, 4)}
    assert sorted(found) == sorted([
        ("Right Redzone overwritten", "0x41", f"{at[1] + 50:#010x}"),
        ("Left Redzone overwritten", "0x42", f"{at[3] - 1:#010x}"),
        ("Poison overwritten", "0x43", f"{at[2] + 7:#010x}"),
        ("Right Redzone overwritten", "0x44", f"{at[4] + 20000:#010x}")]), said


# ---- a window --------------------------------------------------------------------

def test_the_window_of_the_tui_moves_as_one_steps(elf):
    """What is new in it is written in reverse, and nothing else is written."""
    with marbles.Machine(elf, memory="4M", stopped=True,
                         cmdline='run="kmalloc 100"') as machine:
        tui = pexpect.spawn(marbles.GDB, [
            "-nx", "-q", "-iex", "set debuginfod enabled off", "-ex", "set confirm off",
            "-ex", f"target remote {machine.socket}", "-ex", "hbreak cmd_kmalloc",
            "-ex", "continue", "-x", str(SCRIPT), str(elf)], encoding="utf-8",
            dimensions=(70, 100), env={**os.environ, "TERM": "xterm"}, timeout=60)
        tui.expect(r"Breakpoint 1, .*\(gdb\) ")
        tui.sendline("layout marbles")
        tui.expect("MemTotal: 1")
        tui.expect("free blocks of order 0 to 10")
        tui.sendline("finish")
        tui.expect(r"\x1b\[(\d;)?7m\.?s")           # a page that was free has a slab
        tui.sendline("marbles heapmap leaks")
        for _ in range(2):                          # the answer, and the window
            tui.expect("definite")
        tui.sendline("tui disable")
        tui.sendline("detach")
        tui.sendline("quit")
        tui.expect(pexpect.EOF)
        machine.boot()


# ---- a lab with names of its own ---------------------------------------------------

def test_structs_of_a_lab_with_names_of_the_kernels(tmp_path):
    """GDB finds the one that it has met last, if it is not told whose is meant."""
    ours = {"held": ("kernel/memory/held.c", "held"), "run": ("kernel/shell/run.c", "runs"),
            "said": ("mm/scan/said.c", "table"), "own": ("mm/scan/own.c", "table")}
    lab = tmp_path / "namesakes.c"
    lab.write_text('#include "kernel/shell.h"\n' + "".join(
        f"struct {name} {{ char other[333]; }} its_{name};\n" for name in ours))
    built = marbles.make("all", f"LAB={lab}").stdout.split()[-1]
    words = [*(f"print its_{name}" for name in ours), f"source {SCRIPT}",
             "python from marbles_mm import target",
             *(f'python print("read", target.Layout("{name}", "{file}").size)'
               for name, (file, _) in ours.items()),
             *(f"echo there&print sizeof('{file}'::{table}[0])"
               for file, table in ours.values())]
    done = subprocess.run(["gdb", "-nx", "-batch", ROOT / built]
                          + [word for one in "&".join(words).split("&")
                             for word in ("-ex", one)],
                          capture_output=True, text=True, timeout=60)
    read, there = (re.findall(pattern, done.stdout)
                   for pattern in (r"read (\d+)", r"there\$\d+ = (\d+)"))
    assert read == there and len(read) == len(ours) and "333" not in read, done
