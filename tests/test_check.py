"""make check sees what it is there to see: a copy of the house, with faults built in.

All faults are planted at once, and each must be named, and nothing else.  What may be
done is planted in the same way, and nothing must be said.  What `make check` says of
the house as it stands is no matter here.
"""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
SAID = re.compile(r"^# (.*)$", re.M)

# A file, and what it includes from now on.
WRONG_INCLUDES = [
    ("kernel/cpu/timer.c", "kernel/printk.h"),              # against the direction
    ("kernel/console.c", "kernel/shell.h"),                 # which is the shell's
    ("kernel/line/history.c", "kernel/shell/complete.h"),
    ("kernel/bench/bench.c", "kernel/lessons/planted.h"),
    ("kernel/shell/cmd_help.c", "kernel/line/edit_priv.h"),     # private
    ("kernel/main.c", "mm/heap_priv.h"),
    ("mm/buddy.c", "mm/watch/dials.h"),                     # the heart knows neither
    ("mm/look/stats.c", "mm/watch/zone_priv.h"),            # nor one the other
    ("drivers/pit.c", "kernel/printk.h"),
    ("kernel/string.c", "tests/hosted/planted.h"),
]
RIGHT_INCLUDES = [
    ("kernel/cpu/timer.c", "mm/watch/dials.h"),
    ("kernel/shell/cmd_help.c", "kernel/line/edit.h"),
    ("kernel/lessons/drain.c", "kernel/memory/sites.h"),
    ("kernel/main.c", "kernel/memory/whatis.h"),
    ("mm/look/stats.c", "mm/heap_priv.h"),
    ("mm/watch/zone.c", "mm/heap_priv.h"),
]

# A file, and a function of another one that it calls by a declaration of its own.
WRONG_CALLS = [
    ("kernel/cpu/timer.c", "shell_loop", "kernel/shell/shell.c"),
    ("kernel/symbols.c", "readline", "kernel/line/readline.c"),
    ("kernel/shell/complete.c", "held_room", "kernel/memory/held.c"),
    ("kernel/lessons/drain.c", "stress_draw", "kernel/bench/stress_check.c"),
    ("mm/buddy.c", "mm_check", "mm/look/check.c"),
    ("mm/look/stats.c", "mm_set_dial", "mm/watch/dials.c"),
]
RIGHT_CALLS = [
    ("kernel/bench/bench.c", "held_room", "kernel/memory/held.c"),
    ("kernel/cpu/gdt.c", "mm_check", "mm/look/check.c"),
    ("mm/look/stats.c", "buddy_init", "mm/buddy.c"),
]


def put(path, text, end=True):
    old = path.read_text() if path.exists() else ""
    path.parent.mkdir(exist_ok=True)
    path.write_text(old + text if end else text + old)


def plant(house, includes, calls):
    for file, name in includes:
        put(house / file, f'#include "{name}"\n', end=False)
    for number, (file, symbol, _) in enumerate(calls):
        put(house / file, f"void planted_{number}(void);\n"
            f"void planted_{number}(void)\n{{\n"
            f'    extern void other_{number}(void) __asm__("{symbol}");\n'
            f"    other_{number}();\n}}\n")


def check(house):
    """Run it; what it did, and the problems it told."""
    done = subprocess.run(["make", "--no-print-directory", "-j2", "check"], cwd=house,
                          env={name: value for name, value in os.environ.items()
                               if not name.startswith(("MAKE", "MFLAGS"))},
                          capture_output=True, text=True)
    assert "\n1..9\n" in "\n" + done.stdout, done.stderr
    assert len(re.findall(r"^(?:not )?ok ", done.stdout, re.M)) == 9
    return done, set(SAID.findall(done.stdout))


@pytest.fixture
def house(tmp_path):
    """A copy, and what is said of it as it stands."""
    copy = tmp_path / "house"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns("build", ".git", "fuzz"))
    return copy, check(copy)[1]


def test_what_goes_against_the_layers_is_named_with_file_and_wing(house):
    copy, before = house
    for folder in "kernel/lessons", "tests/hosted":
        put(copy / folder / "planted.h", "")
    plant(copy, WRONG_INCLUDES, WRONG_CALLS)
    done, after = check(copy)
    assert done.returncode != 0
    assert after - before == \
        {f'{file} may not include "{name}"' for file, name in WRONG_INCLUDES} | \
        {f"{file} may not use {name} of {giver}" for file, name, giver in WRONG_CALLS}


def test_what_the_layers_allow_is_passed_over(house):
    copy, before = house
    plant(copy, RIGHT_INCLUDES, RIGHT_CALLS)
    assert check(copy)[1] == before


def test_rooms_that_outgrow_the_house_are_named(house):
    copy, before = house
    put(copy / "kernel/attic/attic.c", "")
    for number in range(21):
        put(copy / f"drivers/planted_{number}.c", "")
    put(copy / "drivers/needy.h", "uint32_t needs_stdint(void);\n")
    put(copy / "mm/site.c", "void long_one(void);\nvoid long_one(void)\n{\n" +
        "    (void)0;\n" * 61 + "}\n" +
        "int puts(const char *);\nint planted(void);\n"
        'int planted(void)\n{\n    return puts("");\n}\n')
    done, after = check(copy)
    files = len(list((copy / "drivers").glob("*.c")))
    lines = (copy / "mm/site.c").read_text().splitlines()
    start = lines.index("void long_one(void)") + 2
    assert done.returncode != 0
    assert {"kernel/attic/attic.c: kernel/attic is not in WINGS",
            "kernel/attic has no README.md",
            f"drivers has {files} .c files, 20 at most",
            f"mm/site.c:{start}: a function of 61 lines",
            "mm needs puts"} <= after - before
    assert any("drivers/needy.h:1:" in line for line in after)
