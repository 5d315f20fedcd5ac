"""What the READMEs show is what happens, and what they name is there.

There is one in the root, which is the front door, and one in each wing.  A block that begins
with ```console is a session.  A line "$ make run ..." boots a
machine, "marbles> ..." is typed, and the lines below it are the answer.  The blocks
before the next "$ make run" go on with the same machine.  Compared is line by line:

    ...                 a line of these alone: any number of lines
    ... words           a line that ends with these words
    0x001b1000          an address stands for the same address everywhere
    kernel/a.c:74       a line of code likewise
    +0x25/0xbb          an offset in a function: any, compilers differ
    4 kB (order 0)      a free block: any, it depends on where the heap begins
    numbers from 1000   may differ by 2 in 100: they depend on the kernel's own size

Blanks count as one, for columns move with their numbers.
"""
import re
import shlex
import subprocess

import pytest
from marbles import ROOT, Machine, environment, make, symbol, unwrapped

README = (ROOT / "README.md").read_text()
WINGS = sorted(path for folder in ("boot", "drivers", "iso", "kernel", "mm", "tests")
               for path in (ROOT / folder).rglob("README.md"))
ALL = {str(path.relative_to(ROOT)): path.read_text()
       for path in [ROOT / "README.md", *WINGS]}
EVERYTHING = "\n".join(ALL.values())
BLOCK = re.compile(r"\d+ kB \(order \d+\)")
TOKEN = re.compile(BLOCK.pattern +
                   r"|\+0x[0-9a-f]+/0x[0-9a-f]+|0x[0-9a-f]{8}|[\w./]+\.[ch]:\d+|\d+|\s+|.")


def sessions():
    """Each boot: its make variables, and the steps (typed, expected lines)."""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```", EVERYTHING, re.M | re.S):
        for line in block.splitlines():
            if line.startswith("$ make run"):
                variables = dict(word.split("=", 1) for word in shlex.split(line)[3:])
                found.append((variables, [(None, [])]))
            elif line.startswith("marbles> "):
                found[-1][1].append((line.removeprefix("marbles> "), []))
            else:
                found[-1][1][-1][1].append(line)
    return found


class Reader:
    """Compares lines of README.md with lines of a machine."""

    def __init__(self):
        self.stands_for = {}

    def same_token(self, shown, real):
        if shown == real:
            return True
        if BLOCK.fullmatch(shown):
            return BLOCK.fullmatch(real) is not None
        if shown.startswith("+0x") or shown.isspace():
            return shown[0] == real[0] or (shown.isspace() and real.isspace())
        if shown.isdigit() and real.isdigit():
            return int(shown) >= 1000 and abs(int(shown) - int(real)) * 50 <= int(shown)
        place = shown.rpartition(":")[0]
        if shown.startswith("0x") or (place and real.startswith(place + ":")):
            return self.stands_for.setdefault(shown, real) == real
        return False

    def same_line(self, shown, real):
        if shown.startswith("... "):
            shown = shown.removeprefix("... ").strip()
            real = real.strip()[-len(shown):]
        a, b = TOKEN.findall(shown.strip()), TOKEN.findall(real.strip())
        return len(a) == len(b) and all(map(self.same_token, a, b))

    def same(self, shown, real):
        if not shown:
            return not real
        if shown[0] == "...":
            return any(self.same(shown[1:], real[n:]) for n in range(len(real) + 1))
        return bool(real) and self.same_line(shown[0], real[0]) and \
            self.same(shown[1:], real[1:])


@pytest.mark.parametrize("number", range(len(sessions())))
def test_a_session_of_the_readme_happens_as_it_is_shown(elf, number):
    variables, steps = sessions()[number]
    reader = Reader()
    assert set(variables) <= {"MEM", "CMDLINE"}
    with Machine(elf, memory=variables.get("MEM", "64M"),
                 cmdline=variables.get("CMDLINE", "")) as machine:
        for typed, shown in steps:
            if typed is None:
                real = machine.boot_lines
                assert not shown or reader.same(shown, real), "\n".join(real)
                continue
            shown = unwrapped(shown)
            machine.send(typed + "\r")
            if typed == "exit":
                real = machine.until_end()[1:]
            else:
                real = machine.until_prompt()[1:]
            if not reader.same(shown, real):
                machine.fail(f"README.md shows for {typed!r}\n" + "\n".join(shown) +
                             "\nbut this is what happens\n" + "\n".join(real))


def test_there_are_sessions():
    assert len(sessions()) == 7 and sum(len(steps) for _, steps in sessions()) > 20


# ---- tables ---------------------------------------------------------------------

def test_the_json_keys_are_those_of_the_tables(elf):
    tables = re.findall(r"^\| `([a-z A-Z]+ -j(?: graph)?(?: CMD)?)` \| (.*) \|$", EVERYTHING, re.M)
    assert len(tables) == len(dict(tables)) > 12
    with Machine(elf, cmdline="slub_debug=U page_owner=on quarantine=64K") as machine:
        machine.run("params quarantine=0; kmalloc 3000 30")
        machine.run("kfree " + " ".join(f"${n}" for n in range(1, 31)))
        machine.run("params quarantine=64K; kmalloc 20000 9; kmalloc 100 2; kfree $41; "
                    "pages 1; pages 3; pages free $43; trace on; kmalloc 10; trace off; "
                    "trace graph kmalloc 10; leaks; forget $44; catch driver")
        addresses = ["$40", "$41", "$42", "$43+5000", "0x60", "0x3000000",
                     f"0x{symbol(elf, 'kernel_main'):x}"]
        addresses += [f"${n}" for n in range(1, 31)]    # inside the 20000 now, some
        # Where the addresses point to first: bench and stress empty the quarantine.
        for command, text in sorted(tables, key=lambda row: "ADDR" not in row[0]):
            listed = set(re.findall(r"\w+", re.sub(r"; [^:;]*:", " ", text)))
            rows = []
            for address in addresses if "ADDR" in command else [""]:
                if command.startswith(("dump", "heapmap slab")) and address != "$40":
                    continue
                rows += machine.json(command.replace("ADDR", address)
                                     .replace("CMD", "'kmalloc 100; forget $'"))
            keys = {key for row in rows for key in row}
            assert keys == listed, command


def test_every_listing_has_its_keys_in_a_table(machine):
    for row in machine.json("help -j"):
        if "-j" in row["usage"]:
            assert re.search(rf"^\| `{row['name']}( \w+)? -j`", EVERYTHING, re.M), \
                row["name"]


def test_every_command_is_in_the_readme_of_a_wing(machine):
    for row in machine.json("help -j"):
        assert any(re.search(rf"`{row['name']}[` ]", text) for text in ALL.values()), \
            row["name"]


def test_every_parameter_is_in_the_table(machine):
    for row in machine.json("params -j")[:-1]:
        assert re.search(rf"^\|.*`{row['name']}[`=]", ALL["kernel/README.md"], re.M), \
            row["name"]


# ---- names ----------------------------------------------------------------------

FILE = re.compile(r"`([\w.-]+(?:/[\w.-]+)*/?)`")
SUFFIXES = (".c", ".h", ".S", ".py", ".sh", ".awk", ".cfg", ".ld", ".txt", ".md", "/")


def files_named(name):
    """The files and folders that a README names, from the root or its own folder."""
    for word in FILE.findall(ALL[name]):
        if word.endswith(SUFFIXES) and not word.startswith(("new.", "test_x.")) and \
           not word.endswith("/new.c") and not word.endswith("/new.h"):
            yield word


@pytest.mark.parametrize("name", ALL)
def test_what_a_readme_names_is_there(name):
    folder = (ROOT / name).parent
    missing = [word for word in files_named(name) if not word.startswith("build/") and
               not (ROOT / word).exists() and not (folder / word).exists()]
    missing += [target for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", ALL[name])
                if not (folder / target).exists()]
    assert missing == []


@pytest.mark.parametrize("name", [name for name in ALL if name != "README.md" and
                                  name != "tests/README.md"])
def test_a_wing_names_each_of_its_files(name):
    folder = (ROOT / name).parent
    named = set(files_named(name))
    assert [path.name for path in sorted(folder.iterdir())
            if path.suffix in (".c", ".S", ".py") and path.name not in named] == []


def test_the_front_door_leads_to_every_wing():
    links = {(ROOT / target).resolve()
             for target in re.findall(r"\]\(([^)#]+)\)", README)}
    assert [str(path) for path in WINGS if path not in links] == []


@pytest.mark.parametrize("name", ALL)
def test_every_make_target_that_is_named_exists(name):
    listed = make("help").stdout
    code = re.findall(r"`make ([a-z-]+)", ALL[name]) + \
        re.findall(r"^(?:\$ |    )make ([a-z-]+)(?![\w/])", ALL[name], re.M)
    for target in set(code):
        assert re.search(rf"^  {target}\b", listed, re.M), target


def test_the_code_that_a_wing_shows_compiles_and_runs(tmp_path):
    """A command, a parameter and a lesson, as one would add them."""
    labs = []
    for number, code in enumerate(re.findall(r"^```c\n(.*?)^```", "\n".join(
            path.read_text() for path in WINGS), re.M | re.S)):
        labs.append(tmp_path / f"shown_{number}.c")
        labs[-1].write_text(code)
    assert len(labs) == 3
    done = make("exec", f"LAB={shlex.join(map(str, labs))}", "CMDLINE=answer=forty",
                "CMDS=twice 21; twice; params; lesson room ann 64 -j", check=False)
    assert "\n42\ntwice: NUMBER is missing; usage: twice NUMBER\n" in done.stdout
    assert '{"summary": true, "lesson": "room", "seed": "ann", "right": ' in done.stdout
    assert "answer=NUMBER" in done.stdout and "warning" not in done.stderr


def lab_of_the_readme():
    (code,) = re.findall(r"^```c\n(.*?)^```", README, re.M | re.S)
    return code


def test_the_recipe_for_graders_runs_the_lab(tmp_path):
    (tmp_path / "answer.c").write_text(lab_of_the_readme())
    recipe = re.search(r"(^    .*\n)+", ALL["tests/README.md"].partition(
        "A kernel is built once")[2], re.M)[0]
    done = subprocess.run(
        ["sh", "-e", "-c", recipe.replace("answer.c", f"{tmp_path}/answer.c")], cwd=ROOT,
        env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=300)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    hello, leak, _ = done.stdout.splitlines()
    assert hello == "hello, world" and '"site": "answer.c:' in leak


def test_the_lab_of_the_readme_does_what_it_says(tmp_path):
    code = lab_of_the_readme()
    (tmp_path / "hello.c").write_text(code)
    done = make("exec", f"LAB={tmp_path}/hello.c", "CMDS=hello you; leaks -j")
    assert "hello, you" in done.stdout
    line = code.splitlines().index(next(
        text for text in code.splitlines() if "kstrdup" in text)) + 1
    assert f'"site": "hello.c:{line}"' in done.stdout


def test_the_first_half_hour_says_how_often_it_boots_and_leaves_no_dial_on():
    part = re.search(r"^## The first half hour\n(.*?)^## ", README, re.M | re.S)[1]
    numbers = "no one two three four five six seven eight nine".split()
    assert f"boots {numbers[part.count('$ make run' + chr(10)) + part.count('$ make run ')]} " \
        "times" in " ".join(part.split())
    last = part[part.rindex("\n$ make run"):]
    for dial in re.findall(r"^marbles> params (\S+)=[^0]", last, re.M):
        assert f"marbles> params {dial}=0\n{dial}=off\n" in last
