"""make exec, as a grader uses it: output, status, and what stands on stderr."""
import json
import os
import re
import subprocess
import sys

import pytest
from marbles import ROOT, make, site

KMALLOC = site("kernel/memory/cmd_alloc.c", r"= kmalloc\(")


def run(commands, elf, **environment):
    """The script behind make exec, which unlike make passes the status on."""
    machine = ["qemu-system-i386", "-accel", "tcg", "-m", "64M", "-display", "none",
               "-net", "none", "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
    return subprocess.run(
        [sys.executable, ROOT / "tests/qemu/exec.py", *machine, "-kernel", elf],
        env={**os.environ, "MARBLES_CMDS": commands, "MARBLES_CMDLINE": "", **environment},
        capture_output=True, text=True, timeout=120)


def test_make_exec_prints_what_the_commands_print_and_nothing_else(elf):
    done = make("exec", "CMDS=meminfo -j; kmalloc 100; kmalloc 100; leaks -j; check")
    assert done.returncode == 0 and done.stderr == ""
    meminfo, one, two, leak, summary, check = done.stdout.splitlines()
    meminfo, leak, summary = map(json.loads, (meminfo, leak, summary))
    assert meminfo["total_kb"] == meminfo["free_kb"] + meminfo["used_kb"]
    assert one.startswith("$1 = 0x") and two.startswith("$2 = 0x")
    assert leak == {"kind": "live", "site": KMALLOC, "func": "cmd_kmalloc", "objects": 2,
                    "bytes": 200, "oldest": 1, "newest": 2}
    assert (summary["objects"], summary["bytes"]) == (2, 200)
    assert check == "mm_check: all rules hold"


def test_make_exec_fails_and_names_the_status_of_a_command_that_failed(elf):
    done = make("exec", "CMDS=kmalloc 100; kfree $$1; kfree $$1; whatis", check=False)
    assert done.returncode != 0
    assert re.search(r"Error 1\b", done.stderr), done.stderr
    assert "BUG mm: double free" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("whatis: ADDR is missing")


@pytest.mark.parametrize("commands, status", [
    ("check", 0), ("", 0), ("whatis", 2), ("nonsense", 3), ("kfree 0xdeadbeef", 1),
    ("check; nonsense; whatis", 3), ("exit 9", 9), ("check; exit 63; nonsense", 63)])
def test_the_status_is_that_of_the_first_command_that_failed(elf, commands, status):
    assert run(commands, elf).returncode == status


@pytest.mark.parametrize("commands, output", [
    ("whatis 'a;b'", 'whatis: ADDR: "a;b" is not a number'),
    ('whatis "a;  b"', 'whatis: ADDR: "a;  b" is not a number'),
    ("whatis a\\;b", 'whatis: ADDR: "a;b" is not a number'),
    ("whatis \\\"", 'whatis: ADDR: """ is not a number'),
    ("whatis 'x$(HOME) `id` %s'", 'whatis: ADDR: "x$(HOME) `id` %s" is not a number'),
    ('whatis "', "shell: a quote is not closed"),
    ("whatis x # a comment", 'whatis: ADDR: "x" is not a number')])
def test_quotes_and_semicolons_survive(elf, commands, output):
    done = run(commands, elf)
    assert done.returncode == 2 and done.stderr == ""
    (line,) = done.stdout.splitlines()
    assert line.startswith(output)


def test_quotes_and_semicolons_survive_make_too(elf):
    done = make("exec", "CMDS=whatis 'a; b'; whatis \"c\"", check=False)
    assert [line.split('"')[1] for line in done.stdout.splitlines()] == ["a; b", "c"]


def test_a_panic_is_125_with_the_end_of_the_log_on_stderr(lab_elf):
    done = run("check; fault null-write; check", lab_elf)
    assert done.returncode == 125
    assert "the kernel has stopped" in done.stderr
    assert "page fault: write to 0x00000008" in done.stderr
    assert "fault_null_write+" in done.stderr
    assert done.stdout.splitlines()[0] == "mm_check: all rules hold"


def test_no_end_is_125(elf):
    done = run("stress 1000000000", elf, MARBLES_SECONDS="3")
    assert done.returncode == 125 and "no end within 3 s" in done.stderr


def test_a_machine_that_resets_or_goes_off_is_125(elf):
    for command in ("reboot", "poweroff"):
        done = run(command, elf)
        assert done.returncode == 125 and "reset" in done.stderr


def test_parameters_and_memory_of_make_reach_the_kernel(elf):
    done = make("exec", "CMDS=params -j; meminfo -j", "CMDLINE=kmemleak=off", "MEM=8M")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[-2]["given"].startswith("kmemleak=off ")
    assert lines[-1]["total_kb"] < 8192


def test_QEMUFLAGS_reach_qemu(elf):
    done = make("exec", "CMDS=check", "QEMUFLAGS=-cpu 486 -name 'a name'")
    assert done.stdout == "mm_check: all rules hold\n"
