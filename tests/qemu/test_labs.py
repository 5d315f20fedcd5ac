"""A lab: a C file from anywhere, compiled in by LAB=, with a command of its own."""
import os
import re
import shutil
import subprocess

import pytest
from conftest import build_with
from marbles import OUT, ROOT, Machine, environment, make


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """tests/labs/every_call.c in a folder outside the tree, and what make says of it."""
    copy = shutil.copy(ROOT / "tests/labs/every_call.c", tmp_path_factory.mktemp("lab"))
    return copy, make("all", f"LAB={copy}")


@pytest.fixture(scope="module")
def outside(built):
    return built[0]


def test_a_lab_outside_the_tree_that_uses_every_call_compiles_and_runs(outside):
    done = make("exec", f"LAB={outside}", "CMDS=every_call; check")
    lines = done.stdout.splitlines()
    assert lines[-2].endswith(" checks, 0 failed") and int(lines[-2].split()[1]) > 50
    assert lines[-1] == "mm_check: all rules hold"


def test_it_compiles_without_a_warning(built):
    assert "LAB " in built[1].stdout and built[1].stderr == ""


def test_it_uses_every_name_of_the_two_headers(outside):
    source = (ROOT / "tests/labs/every_call.c").read_text()
    names = set()
    for header in ("mm/slab.h", "mm/gfp.h"):
        names |= set(re.findall(r"^#define (\w+)", (ROOT / header).read_text(), re.M))
    names -= {"MM_SLAB_H", "MM_GFP_H", "MM_USE_RESULT", "MM_ALLOC",
              "__GFP_DIRECT_RECLAIM", "__GFP_HIGH"}
    names |= {"ksize", "kmalloc_size_roundup", "kmem_cache_shrink", "kmem_cache_size",
              "page_address", "virt_to_page", "MAX_PAGE_ORDER"}
    unused = [name for name in names if not re.search(rf"\b{name}\b", source)]
    assert unused == []


def test_its_command_is_in_help_and_its_status_comes_out(outside):
    with Machine(build_with([outside])) as machine:
        assert "labs          every_call" in machine.run("help")
        assert machine.run("help every_call")[0] == "every_call "
        assert machine.run("every_call 1") == [
            "every_call: no arguments; usage: every_call"]


def test_it_runs_without_records_too(outside):
    with Machine(build_with([outside]), cmdline="kmemleak=off") as machine:
        assert machine.run("every_call")[-1].endswith(" 0 failed")


LEAKY = """
#include "kernel/shell.h"
#include "mm/slab.h"

static int cmd_leaky(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    for (int i = 0; i < 8; i++)
        if (kmalloc(32u << i, GFP_KERNEL) == NULL)
            return 1;
    return 0;
}

SHELL_COMMAND(leaky, "", "forget eight objects", cmd_leaky);
"""


def test_a_lab_may_have_a_command_that_is_called_as_a_group_begins(tmp_path):
    (tmp_path / "find.c").write_text(LEAKY.replace("leaky", "find"))
    with Machine(build_with([tmp_path / "find.c"])) as machine:
        assert machine.run("help find") == ["find ", "forget eight objects"]
        assert "allocinfo" in machine.run("help find leaks")[0]


def test_of_two_commands_with_one_name_neither_is_run(tmp_path):
    (tmp_path / "leaky.c").write_text(LEAKY.replace(
        'SHELL_COMMAND(leaky, "", "forget eight objects", cmd_leaky);',
        'SHELL_COMMAND_NAMED(NULL, too, "check", "", "mine", NULL, cmd_leaky, NULL);'))
    with Machine(build_with([tmp_path / "leaky.c"])) as machine:
        assert machine.run("check") == [
            "check: two commands are named so, and neither is run"]
        assert machine.meminfo()["kmallocs"] == 0
    assert "Error 3" in make("exec", f"LAB={tmp_path}/leaky.c", "CMDS=check",
                             check=False).stderr


def test_what_a_lab_leaks_is_named_by_its_file_and_line(tmp_path):
    lab = tmp_path / "leaky.c"
    lab.write_text(LEAKY)
    with Machine(build_with([lab])) as machine:
        machine.run("kmalloc 100; leaks mark")
        machine.run("leaky")
        rows, summary = machine.leaks("leaks since -j")
        line = LEAKY.splitlines().index(
            "        if (kmalloc(32u << i, GFP_KERNEL) == NULL)") + 1
        (name,) = rows
        assert name == f"leaky.c:{line}"
        assert rows[name]["func"] == "cmd_leaky"
        assert (rows[name]["objects"], rows[name]["bytes"]) == (8, 32 * 255)
        assert summary["objects"] == 8


def test_several_labs_go_in_together(tmp_path):
    for name in ("one", "two"):
        (tmp_path / f"{name}.c").write_text(LEAKY.replace("leaky", name))
    with Machine(build_with([tmp_path / "one.c", tmp_path / "two.c"])) as machine:
        machine.run("one; two")
        assert machine.leaks()[1]["objects"] == 16


# ---- names and paths ------------------------------------------------------------

@pytest.mark.parametrize("lab, said", [
    ("{}/missing.c", "LAB: there is no file {}/missing.c"),
    ("{}/my labs/a.c", "blanks separate files: no path has any"),
    ("{}/notes.txt", "LAB: {}/notes.txt is no C file"),
    *((f"{{}}/a{odd}b.c", "LAB: a path may have letters, digits and . _")
      for odd in "'\"$#;&:%=`\\*?[<>|!"),
])
def test_a_lab_that_cannot_be_is_one_line_that_says_why(tmp_path, lab, said):
    (tmp_path / "notes.txt").write_text("")
    done = make("all", f"LAB={lab.format(tmp_path)}", check=False)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 2 and said.format(tmp_path) in line
    assert done.stdout == ""


def test_a_lab_may_have_brackets_and_accents_in_its_path(tmp_path):
    lab = tmp_path / "exercícios(2),+@~1" / "a(1).c"
    lab.parent.mkdir()
    lab.write_text(LEAKY)
    with Machine(build_with([lab])) as machine:
        machine.run("leaky")
        (name,) = machine.leaks()[0]
        assert re.fullmatch(r"a\(1\)\.c:\d+", name)


def test_two_labs_of_one_name_are_told_apart(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same.c").write_text(
            LEAKY.replace("leaky", folder) + "\nint folder_" + folder + ";\n")
    (tmp_path / "other.c").write_text(LEAKY.replace("leaky", "other"))
    labs = [tmp_path / name for name in ("one/same.c", "two/same.c", "other.c")]
    with Machine(build_with([*labs, labs[0]])) as machine:
        machine.run("one; two; other")
        assert sorted(name.rpartition(":")[0] for name in machine.leaks()[0]) == sorted(
            [str(labs[0]), str(labs[1]), "other.c"])


def test_a_checkout_may_have_brackets_and_a_lab_may_lie_beside_it(tmp_path):
    """Its path begins with the checkout's, and is another all the same."""
    copy = tmp_path / "marbles(1)"
    for name in subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, text=True, check=True,
                               capture_output=True).stdout.split("\0")[:-1]:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
    labs = tmp_path / "marbles(1)-labs"
    labs.mkdir()
    (labs / "list.h").write_text("#define SIZE 100\n"
        "static inline void *take(void) { return kmalloc(SIZE, GFP_KERNEL); }\n")
    (labs / "x.c").write_text(LEAKY.replace(
        'b.h"\n', 'b.h"\n#include "list.h"\n').replace("kmalloc(32u << i, GFP_KERNEL)",
                                                       "take()"))
    (copy / "labs").mkdir()
    (copy / "labs/y.c").write_text(LEAKY.replace("leaky", "inside"))
    for lab in (f"{labs}/x.c", "../marbles(1)-labs/x.c"):
        done = subprocess.run(
            ["make", "-j2", "exec", f"LAB={lab} {copy}/labs/y.c",
             "CMDS=leaky; inside; leaks -j"],
            cwd=copy, env=environment(), capture_output=True, text=True, timeout=300)
        sites = set(re.findall(r'"site": "(.*?):', done.stdout))
        assert sites == {"list.h", "labs/y.c"}, done.stdout + done.stderr
    said = subprocess.run(["make", "all"], cwd=copy, env=environment(), check=True,
                          capture_output=True, text=True)
    image = (copy / OUT.relative_to(ROOT) / "marbles.elf").read_bytes()
    assert str(tmp_path).encode() not in image, said.stderr


def test_a_checkout_whose_path_cannot_be_is_one_line(tmp_path):
    for name in ("my marbles", "marbles'1", "a$b", "a:b", "a;b", "a#b", "a%b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "Makefile").symlink_to(ROOT / "Makefile")
        done = subprocess.run(["make", "all"], cwd=tmp_path / name, env=environment(),
                              capture_output=True, text=True, timeout=60)
        (line,) = done.stderr.splitlines()
        assert "the path of this folder may have letters, digits" in line


def test_kernels_of_old_lists_of_labs_go_and_those_in_use_stay(outside):
    lab_folder = OUT / "lab"
    old, recent = ([lab_folder / f"{word}{n}" for n in range(60)]
                   for word in ("old", "recent"))
    for folder in old + recent:
        folder.mkdir(parents=True, exist_ok=True)
    for folder in old:
        os.utime(folder, (1, 1))
    try:
        elf = build_with([outside])
        elf.unlink()
        assert build_with([outside]).exists()
        assert not any(folder.exists() for folder in old)
        assert all(folder.exists() for folder in recent)
    finally:
        for folder in recent:
            folder.rmdir()


# ---- as Linux compiles its drivers ----------------------------------------------------

DRIVER = """
#include <stdint.h>
#include "kernel/shell.h"

struct named { int a, b, c; };

static __attribute__((noinline)) int aliased(int *whole, short *half)
{
    *whole = 1;
    *half = 2;
    return *whole;
}

static __attribute__((noinline)) int wraps(int n)
{
    return n + 1 > n;
}

static int cmd_driver(int argc, char **argv)
{
    struct named named = { .a = 1 };
    struct named none = { 0 };
    int whole = 0;
    unsigned count = 3;
    int local = 40 + named.a;

    if (named.a < count)
        local++;
    kprintf("%d %d %d\\n", aliased(&whole, (short *)&whole), wraps(INT32_MAX), none.b);
    return local == 0;
}

SHELL_COMMAND(driver, "", "what drivers do", cmd_driver);
"""


def test_a_lab_is_compiled_as_a_driver_of_linux(tmp_path):
    (tmp_path / "driver.c").write_text(DRIVER)
    done = make("exec", f"LAB={tmp_path}/driver.c", "CMDS=driver")
    assert done.stdout == "2 0 0\n"
    assert [line for line in done.stderr.splitlines() if line[:2] != "  "] == []


@pytest.mark.parametrize("body", [
    'kprintf("%f\\n", 1.5)', 'float f = 1; kprintf("%f\\n", f)',
    'double d = argc; kprintf("%f\\n", d)'])
def test_floating_point_in_a_lab_is_refused_when_it_is_compiled(tmp_path, body):
    (tmp_path / "driver.c").write_text(
        DRIVER.replace("    return local == 0;", f"    {body};\n    return local == 0;"))
    done = make("exec", f"LAB={tmp_path}/driver.c", "CMDS=driver", check=False)
    assert "Error 126" in done.stderr and done.stdout == ""


def test_the_locals_of_a_lab_can_be_looked_at_under_gdb(tmp_path):
    (tmp_path / "driver.c").write_text(DRIVER)
    script = tmp_path / "commands"
    line = DRIVER.splitlines().index("    return local == 0;") + 1
    script.write_text(f"break driver.c:{line}\ncontinue\ninfo locals\ninfo args\n")
    said = make("gdb", f"LAB={tmp_path}/driver.c", f"GDBFLAGS=-batch -x {script}",
                'CMDLINE=run="driver"').stdout
    assert "optimized out" not in said and "local = 42" in said, said
    assert "count = 3" in said and "argc = 1" in said, said


def test_a_call_that_is_mistyped_ends_with_the_compilers_guess(tmp_path):
    (tmp_path / "typo.c").write_text(LEAKY.replace("kmalloc(", "kmaloc_at("))
    done = make("all", f"LAB={tmp_path}/typo.c", check=False)
    assert done.returncode != 0 and "undefined reference" not in done.stderr
    assert re.search(r"typo\.c:\d+:.*did you mean .kmalloc_at", done.stderr, re.S), \
        done.stderr


def test_the_plain_kernel_is_left_alone_by_labs(elf, outside):
    before = elf.stat().st_mtime_ns
    build_with([outside])
    make("all")
    assert elf.stat().st_mtime_ns == before


def test_an_observer_of_ones_own_is_told_of_each_allocation_and_free():
    with Machine(build_with([ROOT / "tests/labs/observer.c"])) as machine:
        said = machine.run("spy on; kmalloc 100; kfree $1; pages 2; kmalloc 9M; spy off; "
                           "kmalloc 10", bug="size that no block has")
        spied = [line for line in said if line.startswith("spy: ")]
        address = re.search(r"\$1 = (0x\w+)", "\n".join(said))[1]
        assert [line.split(",")[0].split()[1] for line in spied] == [
            "allocated", "freeing", "allocated", "failed"]
        assert spied[0].startswith(
            f"spy: allocated {address}, serial 1, 100 bytes: kmalloc by cmd_kmalloc (")
        assert f"freeing {address}, serial 1, 100 bytes: kfree by cmd_kfree (" in spied[1]
        assert "serial 2, 16384 bytes: alloc_pages by take_pages (" in spied[2]
        assert ", 9437184 bytes: kmalloc by" in spied[3]
        assert machine.run("spy maybe") == [
            "spy: on or off; usage: spy on|off"]


@pytest.mark.parametrize("every, params", [
    (1, ""), (1, "kmemleak=off"),
    (3, "slub_debug=FZPU"), (3, "kmemleak=off slub_debug=FZP"),
])
def test_no_bit_of_mms_bookkeeping_makes_a_call_fault(every, params):
    with Machine(build_with([ROOT / "tests/labs/flips.c"]),
                 cmdline=f"mem=8M {params}") as machine:
        *_, count, end = machine.run(f"flips {every}", timeout=120)
        tried, bits, named = map(int, re.findall(r"\d+", count))
        assert end == "ok" and bits > 2500 and tried * every >= bits
        assert tried // 4 < named < tried
        assert machine.run("check") == ["mm_check: all rules hold"]


def test_a_report_from_an_interrupt_never_splits_a_row(lab):
    lab.send("rows\r")
    lines = lab.until_prompt()
    said = [line for line in lines if line[:1].isdigit()]
    assert said == ["".join(f"{row}-{piece} " for piece in range(8)) + "end"
                    for row in range(20)]
    reports = [line for line in lines if line.startswith("BUG mm: not heap memory: kfree")]
    assert len(reports) >= 40, "each row lasts for two ticks"


def test_a_report_does_not_come_behind_the_first_character_of_a_row(lab):
    lab.send("rows short\r")
    lines = lab.until_prompt()
    reports = [line for line in lines if line.startswith("BUG mm: not heap memory: kfree")]
    assert len(reports) >= 60 and not {line for line in lines if line[:1] in "ab"} - {"ab"}
