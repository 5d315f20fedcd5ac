"""make gdb, in batch mode: from the first instruction into kmalloc."""
import os
import re
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "qemu"))
from marbles import ROOT, make  # noqa: E402


@pytest.fixture(scope="module")
def kernel():
    make("build/gdb/marbles.elf")


def surroundings(**more):
    """The environment, without the make that we are run by."""
    return {**{name: value for name, value in os.environ.items()
               if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}, **more}


def session(folder, *commands, cmdline="", **more):
    """Start `make gdb` with these commands; its process."""
    script = folder / f"commands-{abs(hash((commands, cmdline)))}"
    script.write_text("\n".join(commands) + "\n")      # its end ends the kernel
    return subprocess.Popen(
        ["make", "--no-print-directory", "gdb", f"GDBFLAGS=-batch -x {script}",
         f"CMDLINE={cmdline}"], cwd=ROOT, env=surroundings(**more),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def output(process):
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said
    return said


def test_it_stops_at_kernel_main(kernel, tmp_path):
    said = output(session(tmp_path, "backtrace", "print/x magic"))
    assert re.search(r"^#0 +kernel_main \(magic=732803074, info=0x[0-9a-f]+\) at "
                     r"\S*kernel/main.c:\d+$", said, re.M), said
    assert "$1 = 0x2badb002" in said


def test_one_can_step_into_kmalloc_and_see_its_locals(kernel, tmp_path):
    said = output(session(
        tmp_path, "break cmd_kmalloc", "continue", "tbreak kmalloc_at", "continue",
        "echo LOCALS\\n", "print size", "print/r *site", *["next"] * 5, "info locals",
        "echo CALLERS\\n", "backtrace", "finish", "marbles whatis $",
        cmdline='run="kmalloc 100"'))
    assert re.search(r"kmalloc_at \(site=.*, size=100, gfp=\S*\d+\)", said), said
    assert 'file = 0x' in said and '"kernel/memory/cmd_alloc.c"' in said
    seen = said[said.index("LOCALS"):said.index("CALLERS")]
    assert "$1 = 100" in seen and re.search(r"^cache = 0x", seen, re.M), seen
    assert "optimized out" not in seen, seen
    assert re.search(r"^#\d+ .* cmd_kmalloc \(", said, re.M), said
    assert "a live object: slot 0 of cache kmalloc-128" in said.splitlines()[-2], said


def test_each_line_of_kernel_main_can_be_stepped(kernel, tmp_path):
    said = output(session(tmp_path, *["next"] * 5, "info registers eip"))
    lines = [int(n) for n in re.findall(r"^(\d+)\t", said, re.M)]
    assert len(lines) >= 5 and lines == sorted(lines), said


def test_a_watchpoint_finds_who_counts_a_failed_free(kernel, tmp_path):
    said = output(session(tmp_path, "break mm_refuse", "continue",
                          "watch heap.bad_frees", "continue", "backtrace",
                          cmdline='run="kfree 0xdeadbeef"'))
    assert "Old value = 0" in said and "New value = 1" in said, said
    assert "cmd_kfree" in said


# What stops the kernel, and the line of it in which GDB then is.
STOPS = {
    "null": ("crash_null", r"\*hidden\(0\) = 1;"),
    "divide": ("crash_divide", r"bytes = bytes / packets;"),
    "smash": ("crash_smash", r"\}"),
    "double_fault": ("crash_double_fault", r"__asm__ volatile\(\"movl %0, %%esp"),
    "assert": ("crash_assert", r"KASSERT\(marbles == 2\);"),
    "panic": ("crash_panic", r"panic\(\"the bag has a hole\"\);"),
}


@pytest.mark.parametrize("kind", STOPS)
def test_gdb_stops_where_the_kernel_does_and_shows_the_report(kernel, tmp_path, kind):
    function, line = STOPS[kind]
    said = output(session(tmp_path, "continue", "info frame", "backtrace",
                          cmdline=f'run="crash {kind}"'))
    report, _, rest = said.partition("\nThe kernel has stopped.")
    assert re.search(rf"^  in {function}\+", report, re.M) and "called from:" in report, said
    assert re.search(rf"^#\d+ .*\b{function} \(\) at .*\n\d+\t +{line}|"
                     rf"^#\d+ .*\b{function} \(\) at .*\n\d+\t{line}", rest, re.M), said
    assert re.search(r"^#\d+ .* in cmd_crash \(", rest, re.M) or kind == "smash", said


def test_two_at_the_same_time_do_not_meet(kernel, tmp_path):
    both = [session(tmp_path, "break kmalloc_at", "continue", "print size",
                    cmdline=f'run="kmalloc {size}"') for size in (111, 222)]
    for process, size in zip(both, (111, 222)):
        said = output(process)
        assert f"$1 = {size}" in said, said


def test_what_the_user_has_set_for_other_programs_does_not_matter(kernel, tmp_path):
    (tmp_path / ".gdbinit").write_text("set architecture arm\nset non-stop on\n"
                                       "set endian big\necho MINE\\n\n")
    said = output(session(tmp_path, "backtrace", HOME=str(tmp_path), TERM="dumb",
                          XDG_CONFIG_HOME=str(tmp_path), SHELL="/usr/sbin/nologin",
                          DEBUGINFOD_URLS="http://127.0.0.1:9/"))
    assert re.search(r"^#0 +kernel_main \(magic=732803074, ", said, re.M), said
    assert "MINE" not in said and "debuginfod" not in said, said


@pytest.fixture
def terminal(kernel):
    """`make gdb` at a terminal, once it has stopped at kernel_main."""
    child = pexpect.spawn("make --no-print-directory gdb", cwd=str(ROOT), timeout=30,
                          env=surroundings(TERM="dumb"), encoding="latin-1")
    child.expect(r"\nBreakpoint 1, kernel_main .*\(gdb\) ")
    yield child
    child.close(force=True)


def test_a_fault_that_is_typed_stops_gdb_by_itself(terminal):
    terminal.send("continue\n")
    console = pexpect.spawn("make --no-print-directory console", cwd=str(ROOT),
                            env=surroundings(TERM="dumb"), timeout=30, encoding="latin-1")
    console.expect("marbles> ")
    console.send("crash null\r")
    terminal.expect(r"The kernel has stopped\..*crash_null \(\) at .*\(gdb\) ")
    console.expect(r"The kernel has stopped\.  R restarts it; Ctrl-A X, or Ctrl-\] "
                   r"\(make gdb\), leaves\.\r\n")
    terminal.send("quit\n")
    terminal.expect(pexpect.EOF)


@pytest.mark.parametrize("end", ["quit\n", "\x04"])
def test_ctrl_c_stops_the_kernel_and_quit_ends_it_quietly(terminal, end):
    terminal.send("continue\n")
    console = pexpect.spawn("make --no-print-directory console", cwd=str(ROOT),
                            env=surroundings(TERM="dumb"), timeout=30)
    console.expect("marbles> ")
    terminal.sendintr()
    terminal.expect(r"SIGINT, Interrupt.*\(gdb\) ")
    terminal.send(end)
    terminal.expect(pexpect.EOF, timeout=4)     # GDB 13 alone takes 5 s
    assert terminal.before.strip() in ("quit", "^D", ""), terminal.before
    terminal.close()
    assert terminal.exitstatus == 0


def test_ctrl_z_stops_make_as_well_and_both_go_on(kernel):
    shell = pexpect.spawn("bash --norc", cwd=str(ROOT), timeout=30, encoding="latin-1",
                          env=surroundings(TERM="dumb", PS1="shell> "))
    shell.sendline("make --no-print-directory gdb")
    shell.expect(r"\nBreakpoint 1, kernel_main .*\(gdb\) ")
    shell.send("\x1a")
    shell.expect("Stopped .*shell> ")
    shell.sendline("fg")
    shell.expect("make --no-print-directory gdb")
    shell.sendline("print 6 * 7")
    shell.expect(r"\$1 = 42\r\n")
    shell.sendline("quit")
    shell.expect("shell> ")
    shell.close(force=True)
