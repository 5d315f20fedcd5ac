"""The Makefile, on machines that have less than this one."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHELLS_OWN = r"(command|type|test|\[|echo|printf|:|true|cd|if|for|while|case) "


def make(*arguments, cwd=ROOT, check=True, **more):
    environment = {name: value for name, value in os.environ.items()
                   if not re.match("MAKE|MFLAGS|MARBLES_|CROSS$", name)}
    done = subprocess.run(["make", "--no-print-directory", *arguments], cwd=cwd,
                          env={**environment, **more}, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=300)
    assert not check or done.returncode == 0, done.stderr + done.stdout
    return done


@pytest.fixture
def bare(tmp_path):
    """A checkout, and a PATH without compilers, which its deps.sh brings."""
    house, path = tmp_path / "house", tmp_path / "bin"
    (house / "tests").mkdir(parents=True)
    path.mkdir()
    for name in ("Makefile", "kernel", "linker.ld"):
        (house / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / "tests/toolchains.sh", house / "tests")
    for name in ("sh", "uname", "cut", "cksum", "tr", "mkdir", "cmp", "make", "head",
                 "awk", "python3"):
        (path / name).symlink_to(shutil.which(name))
    (house / "tests/deps.sh").write_text(
        "echo installing\n" + "".join(
            f"{shutil.which('ln')} -s {shutil.which(tool)} '{path}'\n"
            for tool in ("gcc", "ld", "nm", "as", "readelf")))
    return house, str(path)


@pytest.mark.parametrize("jobs", ["-j1", "-j4"])
def test_what_stands_beside_deps_finds_what_deps_has_brought(bare, jobs):
    house, path = bare
    assert "chosen: none" in make("toolchain", cwd=house, PATH=path).stdout
    refused = make("build/flags", cwd=house, PATH=path, check=False)
    assert refused.returncode == 2 and "no compiler for 32-bit x86: install gcc or " \
        "gcc-i686-linux-gnu, or run make deps\n" in refused.stderr
    said = make(jobs, "toolchain", "deps", "build/kernel/string.o", cwd=house, PATH=path)
    assert said.stdout.startswith("installing\n"), said.stdout
    assert said.stdout.count("installing") == 1 == said.stdout.count("chosen: host")
    assert (house / "build/kernel/string.o").exists()


def test_a_deps_that_fails_ends_it(bare):
    house, path = bare
    (house / "tests/deps.sh").write_text("echo no >&2; exit 1\n")
    said = make("deps", "toolchain", cwd=house, PATH=path, check=False)
    assert said.returncode == 2 and said.stdout == "", said.stdout


def test_exec_beside_deps_prints_and_ends_as_exec_alone():
    commands = r"""CMDS=kmalloc 100; whatis $1; $(info a) "b' \c #; kfree 1"""
    alone, beside = (make(*goals, commands, "CMDLINE=quiet", check=False)
                     for goals in (["exec"], ["deps", "exec"]))
    assert (beside.returncode, beside.stdout) == (alone.returncode, alone.stdout)
    assert "a live object" in alone.stdout
    assert "nothing missing" in beside.stderr


def test_make_asks_a_shell_for_what_only_a_shell_knows():
    """Up to 4.2 it runs a program itself if nothing in the line looks like a shell's."""
    lines = (ROOT / "Makefile").read_text().replace("\\\n", " ")
    for call in re.findall(r"\$\(shell (.*)", lines):
        assert not re.match(SHELLS_OWN, call) or re.search(r"[|;&<>]", call), call


def test_a_tool_that_fails_in_the_middle_fails_the_build(tmp_path):
    make()
    shutil.copytree(ROOT / "build", tmp_path / "build", copy_function=shutil.copy2,
                    ignore=shutil.ignore_patterns("hosted", "gdb", "lab", "toolchain",
                                                  "fuzz", "coverage", "mutants",
                                                  "debian"))
    out = tmp_path / "build"
    (tmp_path / "nothing").write_text("#!/bin/sh\n")
    (tmp_path / "nothing").chmod(0o755)
    for tool in ("KNM=false", f"KNM={tmp_path / 'nothing'}", "KLINES=false"):
        said = make(f"OUT={out}", tool, "-W", f"{out}/no_symbols.elf",
                    f"{out}/marbles.elf", check=False)
        assert said.returncode == 2, said
    said = make(f"OUT={out}", "KNM=not-there", f"{out}/marbles.elf", check=False)
    assert said.returncode == 2 and "no not-there: install " in said.stderr, said


def test_a_clone_by_git_for_windows_has_unix_lines(tmp_path):
    house = tmp_path / "house"
    subprocess.run(["git", "clone", "-q", "-c", "core.autocrlf=true",
                    "-c", "core.eol=crlf", str(ROOT), str(house)], check=True)
    kinds = subprocess.run(["git", "ls-files", "--eol"], cwd=house, check=True,
                           capture_output=True, text=True).stdout
    assert "w/lf" in kinds and not re.findall(r".*w/(?:crlf|mixed).*", kinds), kinds


def test_a_refused_call_of_the_unit_tests_stands_on_one_line():
    """Of a macro's several lines GCC records another one than clang."""
    for file in sorted((ROOT / "tests/hosted").glob("test_wrong_*.c")):
        assert not re.findall(r"REFUSED\([^;]*\n[^;]*;", file.read_text()), file
