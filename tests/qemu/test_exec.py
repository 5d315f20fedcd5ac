"""make exec, as a grader uses it: output, status, and what stands on stderr."""
import json
import os
import re
import signal
import subprocess
import sys

import pexpect
import pytest
from marbles import (GUEST_TIME, ROOT, all_end, children_with, environment, make,
                     site)

KMALLOC = site("kernel/memory/cmd_alloc.c", r"= kmalloc\(")


MACHINE = ["qemu-system-i386", "-accel", "tcg", "-m", "64M", "-display", "none",
           "-net", "none", "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
SPIN = """
#include "kernel/shell.h"

static volatile int spinning = 1;

static __attribute__((noinline)) int spin(void)
{
    while (spinning)
        ;
    return 0;
}

static int cmd_spin(int argc, char **argv)
{
    if (argc > 1)
        __asm__ volatile("cli");
    return spin() + 1;
}

SHELL_COMMAND(spin, "", "never end", cmd_spin);
"""


def script(elf):
    return [sys.executable, ROOT / "tests/qemu/exec.py", *MACHINE, "-kernel", elf]


def run(commands, elf, **variables):
    """The script behind make exec, which unlike make passes the status on."""
    options = {"capture_output": True, "text": True, "timeout": 120}
    options |= {name: variables.pop(name) for name in list(variables)
                if not name.startswith("MARBLES_")}
    return subprocess.run(
        script(elf), **options,
        env={**environment(), "MARBLES_CMDS": commands, "MARBLES_CMDLINE": "",
             **variables})


@pytest.fixture(scope="module")
def spin_elf(tmp_path_factory):
    lab = tmp_path_factory.mktemp("lab") / "spin.c"
    lab.write_text(SPIN)
    return ROOT / make("all", f"LAB={lab}").stdout.split()[-1]


def test_make_exec_prints_what_the_commands_print_and_nothing_else(elf):
    done = make("exec", "CMDS=meminfo -j; kmalloc 100; kmalloc 100; leaks -j; check")
    assert done.returncode == 0 and done.stderr == ""
    meminfo, one, two, leak, summary, check = done.stdout.splitlines()
    meminfo, leak, summary = map(json.loads, (meminfo, leak, summary))
    assert meminfo["total_kb"] == meminfo["free_kb"] + meminfo["used_kb"]
    assert one.startswith("$1 = 0x") and two.startswith("$2 = 0x")
    assert leak == {"kind": "reachable", "site": KMALLOC, "func": "cmd_kmalloc", "objects": 2,
                    "bytes": 200, "oldest": 1, "newest": 2}
    assert (summary["objects"], summary["bytes"]) == (2, 200)
    assert check == "mm_check: all rules hold"


def test_make_exec_fails_and_names_the_status_of_a_command_that_failed(elf):
    done = make("exec", "CMDS=kmalloc 100; kfree $$1; kfree $$1; whatis", check=False)
    assert done.returncode != 0
    assert re.search(r"Error 4\b", done.stderr), done.stderr
    assert "BUG mm: double free" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("whatis: ADDR is missing")


@pytest.mark.parametrize("commands, status", [
    ("check", 0), ("whatis", 2), ("nonsense", 3), ("kfree 0xdeadbeef", 4),
    ("params slub_debug=ZP; kmalloc 50; poke $1+50; check; nonsense", 4),
    ("kmalloc 50; kfree $1; kfree $1; meminfo; whatis", 4),
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
    line, *more = done.stdout.splitlines()
    assert line.startswith(output)
    assert all(row.startswith("      ") for row in more), "one line, in rows"


def test_quotes_and_semicolons_survive_make_too(elf):
    done = make("exec", "CMDS=whatis 'a; b'; whatis \"c\"", check=False)
    assert [line.split('"')[1] for line in done.stdout.splitlines()] == ["a; b", "c"]


def test_a_fault_is_5_and_the_next_command_runs(lab_elf):
    done = run("check; fault null-write; check", lab_elf)
    assert (done.returncode, done.stderr) == (5, "")
    assert "page fault: write to 0x00000008" in done.stdout
    assert done.stdout.splitlines()[0] == done.stdout.splitlines()[-1] == \
        "mm_check: all rules hold"


def test_a_stop_is_125_with_the_end_of_the_log_on_stderr(lab_elf):
    done = run("check; fault null-write; check", lab_elf, MARBLES_CMDLINE="panic_on_oops=1")
    assert done.returncode == 125
    assert "the kernel has stopped" in done.stderr
    assert "page fault: write to 0x00000008" in done.stderr
    assert "fault_null_write+" in done.stderr
    assert done.stdout.splitlines()[0] == "mm_check: all rules hold"


@pytest.mark.parametrize("command", ["spin", "spin without-interrupts"])
def test_no_end_is_124_and_names_the_command_and_the_function(spin_elf, command):
    done = run(f"check; {command}; check", spin_elf, MARBLES_SECONDS="2.5")
    assert done.returncode == 124
    assert done.stdout == "mm_check: all rules hold\n"
    own_name = re.sub(r"\.isra\.\d+", "", done.stderr)         # a copy that GCC made
    assert own_name == ("exec: no end within 2.5 s: the command spin was in spin, "
                        "called by cmd_spin\n")


def test_what_hangs_is_ended_by_the_watchdog_with_6_and_the_next_command_runs(spin_elf):
    done = run("spin; check", spin_elf, MARBLES_SECONDS="7",
               MARBLES_QEMUFLAGS=" ".join(GUEST_TIME))
    assert (done.returncode, done.stderr) == (6, "")
    assert re.match(r"watchdog: spin has run for 4 s, and is now in spin[.+]", done.stdout)
    assert done.stdout.endswith("\nmm_check: all rules hold\n")


def test_a_watchdog_of_the_users_own_counts(spin_elf):
    done = run("spin", spin_elf, MARBLES_CMDLINE="watchdog=1")
    assert done.returncode == 6 and "spin has run for 1 s" in done.stdout


def test_SECONDS_of_make_is_the_limit(spin_elf):
    done = make("exec", "CMDS=stress 1000000000", "SECONDS=2", check=False)
    assert "Error 124" in done.stderr and "the command stress was in" in done.stderr


@pytest.mark.parametrize("seconds", ["abc", "0", "-1", "inf", "nan"])
def test_SECONDS_that_are_none_are_refused(elf, seconds):
    done = run("check", elf, MARBLES_SECONDS=seconds)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == \
        f'exec: SECONDS: "{seconds}" is not a number of seconds above 0\n'


def test_a_kernel_that_there_is_not_is_126(tmp_path):
    done = run("check", tmp_path / "none.elf")
    assert done.returncode == 126 and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("text", ["int x = y;", "#include \"no.h\"",
                                  "void nowhere(void); void *p = nowhere;"])
def test_a_lab_that_does_not_compile_is_126(tmp_path, text):
    (tmp_path / "bad.c").write_text(text + "\n")
    done = make("exec", f"LAB={tmp_path}/bad.c", "CMDS=check", check=False)
    assert done.returncode == 2 and "Error 126" in done.stderr and done.stdout == ""


def test_a_qemu_that_does_not_run_is_127(elf):
    done = run("check", elf, MARBLES_QEMUFLAGS="-no-such-option")
    assert done.returncode == 127 and "QEMU ended with 1" in done.stderr
    done = run("check", elf, MARBLES_QEMUFLAGS="'open")
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1


def test_no_commands_are_asked_for(elf):
    for done in (run(" ", elf), make("sure", "CMDS=", check=False)):
        said = done.stdout + done.stderr
        assert done.returncode != 0
        assert 'CMDS: which commands?  CMDS="kmalloc 100; leaks"\n' in said


def test_an_open_quote_in_CMDLINE_is_refused(elf):
    done = run("check", elf, MARBLES_CMDLINE='slub_debug="Z')
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == 'exec: CMDLINE: a quote (") is not closed\n'


def test_a_crash_is_printed_once_where_stdout_and_stderr_are_one(lab_elf):
    done = run("fault null-write", lab_elf, capture_output=False,
               MARBLES_CMDLINE="panic_on_oops=1", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 125
    assert done.stdout.count("page fault: write to 0x00000008") == 1
    assert done.stdout.endswith("\nexec: the kernel has stopped\n")


def test_a_carriage_return_of_a_command_stays(lab_elf):
    done = run("say 'a%0db'", lab_elf, text=False)
    assert done.stdout == b"a\rb\n"


def test_stdout_that_cannot_be_written_is_one_line_and_127(elf):
    with open("/dev/full", "w") as full:
        done = run("check", elf, capture_output=False, stdout=full,
                   stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (127,
                                              "exec: stdout: No space left on device\n")
    closed = subprocess.run(["sh", "-c", '"$@" >&-', "sh", *script(elf)],
                            stderr=subprocess.PIPE, text=True, timeout=60)
    assert (closed.returncode, closed.stderr) == (127,
                                                  "exec: stdout: Bad file descriptor\n")


def test_a_reader_that_goes_away_is_one_line_and_127(elf):
    with subprocess.Popen(script(elf), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env={**os.environ, "MARBLES_CMDS": "check; stress 1000000000",
                               "MARBLES_SECONDS": "5"}) as running:
        running.stdout.readline()
        running.stdout.close()
        said = running.stderr.read()
    assert running.returncode in (124, 127)
    if running.returncode == 127:
        assert said == b"exec: stdout: Broken pipe\n"


MAKE = ["make", "--no-print-directory", "exec",
        "CMDS=check; stress 1000000000", "SECONDS=600"]


# By SIGINT or SIGHUP alone make waits for its recipe; a terminal ends that as well.
@pytest.mark.parametrize("who, number", [
    (who, number) for who in ("make", "exec.py", "all")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)
    if who != "make" or number in (signal.SIGTERM, signal.SIGKILL)])
def test_qemu_ends_with_whoever_is_ended(elf, who, number):
    """Its end is seen by that of the pipe which it holds."""
    variables = {**environment(), "MARBLES_CMDS": "check; stress 1000000000",
                 "MARBLES_SECONDS": "600"}
    with subprocess.Popen(script(elf) if who == "exec.py" else MAKE, cwd=ROOT,
                          env=variables, start_new_session=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout.readline() == b"mm_check: all rules hold\n"
        if who == "all":
            os.killpg(running.pid, number)
        else:
            running.send_signal(number)
        _, said = running.communicate(timeout=20)
    assert running.returncode != 0 and b"Traceback" not in said
    if who == "exec.py":
        assert (running.returncode, said) == (-number, b"")


@pytest.mark.parametrize("what", [["run"], ["record", "RECORD=/dev/null"],
                                  ["exec", "CMDS=check; crash loop", "SECONDS=600"]])
def test_all_end_with_their_terminal(elf, tmp_path, what):
    """Where make leads the session, as behind ssh -t, nobody but make is told."""
    child = pexpect.spawn("make", ["--no-print-directory", *what], cwd=ROOT, timeout=60,
                          env={**environment(), "MARK": str(tmp_path)})
    child.expect("marbles> " if what[0] != "exec" else "all rules hold")
    handles = list(children_with(f"MARK={tmp_path}"))
    assert len(handles) >= 3, "make, Python, QEMU"
    os.close(child.child_fd)                    # as a terminal does that is closed
    all_end(handles)


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


@pytest.mark.parametrize("odd", ["a;b", "a&b", "a#b", "a$b", "a$(b", "~", "a'b", 'a"b',
                                 "a:b%c", "`id`", "a\\b"])
def test_what_is_special_to_make_or_a_shell_is_itself(elf, odd):
    """In CMDS, CMDLINE, QEMUFLAGS."""
    quoted = "".join("\\" + c for c in odd)
    done = make("exec", f"CMDS=whatis {quoted}; params -j", f"QEMUFLAGS=-name {quoted}",
                "CMDLINE=" + (odd if odd != 'a"b' else r'"a\"b"'), check=False)
    unknown, whatis, *_, given = done.stdout.splitlines()
    assert unknown == f"{odd}: unknown kernel parameter, ignored"
    assert whatis.startswith(f'whatis: ADDR: "{odd}" is not')
    assert json.loads(given)["given"].startswith(odd if odd != 'a"b' else r'"a\"b"')


LOG = """log: one
log: two
log: three
four

six
goes on 1
log: ends
between
cont
plain
log: last
"""


@pytest.mark.parametrize("level, lines", [
    ("", LOG), ("loglevel=8", LOG.replace("cont\n", "cont\nlog: debug\n")),
    ("loglevel=4", "log: three\nfour\n\nsix\nbetween\n")])
def test_what_a_lab_writes_by_printk_is_seen_by_its_level(lab_elf, level, lines):
    """With newlines and without, many in one, and lines that go on."""
    assert run("log", lab_elf, MARBLES_CMDLINE=level).stdout == lines


def test_a_format_names_what_is_at_an_address(lab_elf):
    name, alone, stack = run("names", lab_elf).stdout.split()
    assert re.fullmatch(r"cmd_names\+0x0/0x[0-9a-f]+", name) and alone == "cmd_names"
    assert re.fullmatch(r"command_stack|0x[0-9a-f]{8}", stack)


def test_dmesg_has_a_line_that_went_on_as_one(lab_elf):
    said = run("log; dmesg", lab_elf).stdout
    assert re.search(r"^\[.*\] goes on 1$", said, re.M), said
    assert re.search(r"^\[.*\] log: endscont$", said, re.M), said


def test_more_than_the_kernel_takes_is_refused_at_once(elf):
    done = run("check;" * 700, elf)
    assert (done.returncode, done.stdout) == (2, "") and "4095" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert run("check;" * 670, elf).stdout == "mm_check: all rules hold\n" * 670


ODD_NAMES = {"exercício", "latiní", 'a "b" \\', "line\none\x1b[2J"}


def test_names_come_out_of_json_as_they_went_in(lab_elf):
    """UTF-8 as it is; a byte that is none as the character of its number."""
    said = run("odd_names; slabinfo -j; leaks -j", lab_elf, text=False).stdout.decode()
    rows = [json.loads(line) for line in said.splitlines() if line[0] == "{"]
    assert ODD_NAMES <= {row.get("name") for row in rows}
    assert {row["func"] for row in rows if "func" in row} == {"exercício"}
    assert {row["site"] for row in rows if "site" in row} == {"exercício.c:3"}
    addresses = [line for line in said.splitlines() if line[:2] == "0x"]
    said = run("odd_names; " + "; ".join(f"whatis {a} -j" for a in addresses), lab_elf,
               text=False).stdout.decode()
    rows = [json.loads(line) for line in said.splitlines() if line[0] == "{"]
    assert {row["cache"] for row in rows} == ODD_NAMES


def test_no_name_of_a_cache_breaks_a_line(lab_elf):
    """Listings, sentences, reports."""
    first = run("odd_names", lab_elf, text=False).stdout.decode().splitlines()
    address = first[3]
    done = run(f"odd_names; slabinfo; slabinfo -l; whatis {address}; "
               f"poke {address}+40 1; kfree {address}; kfree {address}", lab_elf,
               MARBLES_CMDLINE="slub_debug=Z", text=False)
    said = done.stdout.decode()
    assert "\x1b" not in said and "\none" not in said
    assert said.count("line_one_[2J") >= 3, said


@pytest.mark.parametrize("goal", ["exec", "dump", "gdb"])
def test_TMPDIR_may_be_long_and_have_a_blank(elf, tmp_path, goal):
    """Longer than the path of a socket may be."""
    odd = tmp_path / ("a b" + "c" * 120)
    odd.mkdir()
    (tmp_path / "commands").write_text("print/x magic\n")
    done = subprocess.run(
        ["make", "--no-print-directory", goal, "CMDS=check",
         f"GDBFLAGS=-batch -x {tmp_path}/commands"], cwd=ROOT, text=True, timeout=120,
        env={**environment(), "TMPDIR": str(odd)}, stdin=subprocess.DEVNULL,
        capture_output=True)
    assert done.returncode == 0, done.stderr
    assert ("0x2badb002" if goal == "gdb" else "all rules hold") in done.stdout
