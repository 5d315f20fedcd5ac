"""make record and make replay: a session is a file that shows the same again, anywhere,
or is refused with the reason; and no QEMU is left behind, whatever kills whom."""
import lzma
import os
import random
import re
import signal
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest
import qemu
import session
from marbles import (PROMPT, QEMU, ROOT, SAN, TIMEOUT, all_end, children_with,
                     make)

OPTIONS = ["-accel", "tcg", "-m", "16M", "-display", "none", "-net", "none",
           "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
           "-device", "ib700", "-action", "watchdog=inject-nmi"]
MACHINE = [QEMU, *OPTIONS]
RECORD, REPLAY = ROOT / "tests/qemu/record.py", ROOT / "tests/qemu/replay.py"
KILLED = -signal.SIGKILL


def variables(**more):
    return {**os.environ, "MARBLES_CMDS": "", "MARBLES_CMDLINE": "", "MARBLES_WHOLE": "1",
            "MARBLES_QEMUFLAGS": "", "MARBLES_SECONDS": "60", **more}


def recording(elf, path):
    return [sys.executable, str(RECORD), str(path), *MACHINE, "-kernel", str(elf)]


def record(elf, path, commands, **more):
    """Without a terminal."""
    return subprocess.run(recording(elf, path),
                          env=variables(MARBLES_CMDS=commands, **more),
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=120)


def replay(path, built="none", machine=None):
    """In another folder than the one that it was recorded from."""
    words = [sys.executable, REPLAY, path, built, *(machine or MACHINE), "--"]
    return subprocess.run(words, cwd=Path(path).parent, env=variables(),
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=180)


def is_the_same(path, screen):
    done = replay(path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == screen and b"this is the end of the record" in done.stderr
    return done.stderr.decode()


@pytest.fixture(scope="module")
def short(elf, tmp_path_factory):
    """A file, and what was printed when it was recorded."""
    path = tmp_path_factory.mktemp("short") / "session"
    done = record(elf, path, "kmalloc 100; forget $1; leaks -j; crash null")
    assert done.returncode == 5, done.stderr
    return path, done.stdout


class Typist:
    """At a terminal with a session that is recorded."""

    def __init__(self, elf, path, rows=25, **more):
        words = recording(elf, path)
        self.child = pexpect.spawn(words[0], words[1:], env=variables(**more),
                                   encoding="latin-1", echo=False, timeout=TIMEOUT,
                                   dimensions=(rows, 80))
        self.child.delaybeforesend = None
        self.child.expect(PROMPT)

    def type(self, *lines):
        for line in lines:
            self.child.send(line + "\r")
            self.child.expect(PROMPT)
        return self.child.before

    def end(self, keys=""):
        self.child.send(keys)
        self.child.expect(pexpect.EOF)
        self.child.wait()
        return self.child.before


# ---- what is typed -----------------------------------------------------------------

ENDINGS = {
    "exit 3\r": (0, "the kernel has ended, with status 3"),
    "\x01x": (0, "left by Ctrl-A X"),
    "crash panic\r": (0, "the kernel has stopped"),
}


@pytest.mark.parametrize("keys", ENDINGS)
def test_what_was_typed_is_seen_again_to_its_end(elf, tmp_path, keys):
    status, words = ENDINGS[keys]
    typist = Typist(elf, tmp_path / "session")
    typist.type("kmalloc 100", "kmalok\x7f\x7floc 30; forget $2", "leaks; uptime")
    said = typist.end(keys)
    assert typist.child.exitstatus == status, said
    assert f"; {words}\r\n" in said
    (_, parts) = session.read(tmp_path / "session")
    assert b"$2 = 0x" in parts["screen"] and b"definite: 30 bytes in" in parts["screen"]
    assert words in is_the_same(tmp_path / "session", parts["screen"])


def test_a_restart_and_a_watchdog_are_seen_again(elf, tmp_path):
    typist = Typist(elf, tmp_path / "session")
    typist.type("kmalloc 100", "reboot")
    assert "was ended by the watchdog" in typist.type("crash irq_loop")
    typist.end("poweroff\r")
    (_, parts) = session.read(tmp_path / "session")
    assert parts["screen"].count(b"Marbles: a small kernel") == 2
    assert parts["screen"].endswith(b"poweroff\r\n")        # not: it cannot
    is_the_same(tmp_path / "session", parts["screen"])


def test_what_is_pasted_all_arrives(elf, tmp_path):
    typist = Typist(elf, tmp_path / "session")
    typist.child.send("".join(f"kmalloc {n}; kfree $\r" for n in range(1, 30))
                      + "ptime\x01\x01u\r")      # Ctrl-A is Home
    typist.child.expect("up .*; lost: 0 bytes of input")
    said = typist.child.before
    assert "$29 = 0x" in said and said.count("given back") == 29
    typist.end("\x01x")
    is_the_same(tmp_path / "session", session.read(tmp_path / "session")[1]["screen"])


def test_ticks_are_those_of_the_clock(elf, tmp_path):
    """100 a second while it idles: `watch 1` waits for a second each time."""
    typist = Typist(elf, tmp_path / "session")
    before = float(re.search(r"up ([\d.]+) s", typist.type("uptime"))[1])
    with pytest.raises(pexpect.TIMEOUT):
        typist.child.expect("nothing comes", timeout=2)
    after = float(re.search(r"up ([\d.]+) s", typist.type("uptime"))[1])
    assert 1 < after - before < 6
    typist.end("\x01x")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_it_and_the_file_is_whole(elf, tmp_path, number):
    typist = Typist(elf, tmp_path / "session")
    typist.type("kmalloc 100")
    typist.child.kill(number)
    typist.end()
    assert typist.child.signalstatus == number
    (fields, parts) = session.read(tmp_path / "session")
    assert fields["ended"] == f"ended by {number.name}"
    is_the_same(tmp_path / "session", parts["screen"])


def test_a_terminal_that_is_closed_leaves_the_file(elf, tmp_path):
    typist = Typist(elf, tmp_path / "session")
    os.close(typist.child.child_fd)
    typist.child.closed = True
    _, status = os.waitpid(typist.child.pid, 0)
    assert os.WTERMSIG(status) == signal.SIGHUP
    (_, parts) = session.read(tmp_path / "session")
    is_the_same(tmp_path / "session", parts["screen"])


# ---- without a terminal ------------------------------------------------------------

def test_commands_end_with_their_status_and_are_seen_again(short):
    path, screen = short
    assert b"page fault: write to 0x00000000" in screen
    assert screen.startswith(b"$1 = 0x")
    is_the_same(path, screen)


def test_no_end_in_time_is_124_and_can_be_replayed(elf, tmp_path):
    done = record(elf, tmp_path / "session", "kmalloc 100; drain 1",
                  MARBLES_SECONDS="3")
    assert done.returncode == 124 and b"no end within 3 s" in done.stderr
    is_the_same(tmp_path / "session", done.stdout)


def test_make_records_and_replays(elf, tmp_path):
    path = tmp_path / "a file"
    done = make("record", f"RECORD={path}", "CMDS=kmalloc 100", "MEM=16M",
                "CMDLINE=slub_debug=Z", "QEMUFLAGS=-cpu 486")
    assert "$1 = 0x" in done.stdout and "without the kernel" in done.stderr
    again = make("replay", f"RECORD={path}")
    assert again.stdout.replace("\n", "") in done.stdout.replace("\n", "")
    assert "$1 = 0x" in again.stdout


# ---- what is refused ---------------------------------------------------------------

def refusal(path):
    with pytest.raises(qemu.Refused) as refused:
        session.read(path)
    return str(refused.value)


def test_each_damage_is_refused(short, tmp_path):
    """A bit of any byte of the beginning, and of a hundred others; a piece cut off."""
    good = short[0].read_bytes()
    chance = random.Random(1)
    for at in [*range(100), *chance.sample(range(len(good)), 100), len(good) - 1]:
        bad = bytearray(good)
        bad[at] ^= 1 << chance.randrange(8)
        (tmp_path / "bad").write_bytes(bad)
        assert refusal(tmp_path / "bad"), at
    for size in [1, 10, 100, len(good) // 2, len(good) - 1]:
        (tmp_path / "bad").write_bytes(good[:size])
        assert refusal(tmp_path / "bad"), size
    (tmp_path / "bad").write_bytes(good + b"\0")
    assert "damaged" in refusal(tmp_path / "bad")


def test_other_files_are_refused(short, elf, tmp_path):
    other = tmp_path / "other"
    assert "No such file" in refusal(other)
    other.write_bytes(b"")
    assert "is empty" in refusal(other)
    assert "no session" in refusal(elf)
    other.write_bytes(short[0].read_bytes().replace(b"session 1 ", b"session 2 ", 1))
    assert "of format 2" in refusal(other)


def altered(short, path, **changes):
    """Written anew, with a checksum that is right."""
    fields, parts = session.read(short[0])
    for name, value in changes.items():
        (parts if name in parts else fields)[name] = value
    session.write(path, fields, **parts)
    return path


@pytest.mark.parametrize("name, value", [
    ("memory", "1G -drive file=/etc/passwd"), ("flags", "-cpu max,x=y -S"),
    ("flags", "-drive x"), ("ended", "\x1b]0;x\x07"), ("last", "-1"),
    ("ended", "\x9b31m"), ("machine", "\x1b[31m"), ("qemu", "a\rb"), ("status", "\u0663"),
    ("parameters", "a\0b"), ("parameters", "\ud800")])
def test_a_field_that_could_do_harm_is_refused(short, tmp_path, name, value):
    path = altered(short, tmp_path / "x", kernel=b"", **{name: value})
    assert f'"{name}" cannot be so' in refusal(path)


@pytest.mark.parametrize("head", [b"1", b"[" * 100_000, b"9" * 5000, b"{}"])
def test_other_json_is_refused(tmp_path, head):
    packed = lzma.compress(head + b"\n")
    first = session.MAGIC + f"1 {session.checksum(packed)}\n".encode()
    (tmp_path / "x").write_bytes(first + packed)
    assert "is not what make record writes" in refusal(tmp_path / "x")
    (tmp_path / "x").write_bytes(first.replace(b" 1 ", b" " + b"1" * 5000 + b" ") + packed)
    assert "no session" in refusal(tmp_path / "x")


def is_refused(done, why):
    said = done.stderr.decode()
    assert (done.returncode, done.stdout, said.count("\n")) == (2, b"", 1), said
    assert why in said


def test_another_qemu_or_machine_or_kernel_is_refused(short, tmp_path):
    is_refused(replay(altered(short, tmp_path / "x", qemu="QEMU emulator version 1.0")),
               "by QEMU emulator version 1.0; this is QEMU emulator")
    is_refused(replay(short[0], machine=[*MACHINE, "-device", "sga"]),
               "on another machine")
    is_refused(replay(altered(short, tmp_path / "x", kernel=b"another")),
               "is not its own")
    (tmp_path / "bad").write_bytes(short[0].read_bytes()[:-1])
    is_refused(replay(tmp_path / "bad"), "damaged, or cut short")


def test_without_its_kernel_it_wants_the_same_one(elf, tmp_path):
    path = tmp_path / "session"
    done = record(elf, path, "kmalloc 100; leaks", MARBLES_WHOLE="")
    assert b"without the kernel" in done.stderr and path.stat().st_size < 20000
    assert replay(path, elf).stdout == done.stdout
    (tmp_path / "elf").write_bytes(Path(elf).read_bytes() + b"\0")
    is_refused(replay(path, tmp_path / "elf"), "belongs to another one than")
    is_refused(replay(path, tmp_path / "none"), "belongs to another one than")


def test_what_others_should_not_run_is_not_recorded(elf, tmp_path):
    done = record(elf, tmp_path / "x", "check", MARBLES_QEMUFLAGS="-name a")
    is_refused(done, "cannot be recorded")
    assert not (tmp_path / "x").exists()


def test_a_replay_that_goes_another_way_says_so(short, tmp_path):
    screen = short[1]
    for other, why in ((screen.replace(b"100", b"101", 1), b"it printed "),
                       (screen + b"more", b"it ended 4 bytes before")):
        done = replay(altered(short, tmp_path / "x", screen=other))
        assert done.returncode == 1 and b"NOT as it was recorded" in done.stderr
        assert why in done.stderr


# ---- nothing is left ---------------------------------------------------------------

@pytest.mark.parametrize("who", ["record", "replay", "gdb"])
def test_killed_it_leaves_no_process(elf, tmp_path, who):
    path = tmp_path / "session"
    commands = "kmalloc 100; drain 500"
    if who != "record":
        record(elf, path, commands)
    words = {"record": recording(elf, path),
             "replay": [sys.executable, REPLAY, path, "-", *MACHINE, "--"],
             "gdb": [sys.executable, REPLAY, path, "-", "--gdb", *MACHINE, "--",
                     "-batch", "-ex", "echo $1\\n", "-ex", "continue",
                     "-ex", "continue"]}[who]
    mark = f"MARBLES_TEST={os.getpid()}-{who}"
    environment = variables(MARBLES_CMDS=commands, MARBLES_TEST=mark.partition("=")[2])
    with subprocess.Popen(words, env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
        while b"$1" not in running.stdout.readline():
            pass
        handles = list(children_with(mark))
        assert len(handles) >= 3        # itself, QEMU, and its keeper
        running.kill()
        all_end(handles)
    assert running.returncode == KILLED


# ---- with GDB ----------------------------------------------------------------------

@pytest.mark.skipif(SAN, reason="the heap is another")
def test_gdb_stops_at_serials_and_reports_and_goes_back(elf, tmp_path):
    typist = Typist(elf, tmp_path / "session")
    typist.type("kmalloc 100 3", "kfree $2", "kfree $2")
    typist.end("\x01x")
    commands = ["marbles break-alloc 2", "continue", "marbles break-report", "continue",
                "continue", "screen", "watch heap.serial", "reverse-continue",
                "reverse-continue", "reverse-continue", "print heap.serial"]
    done = subprocess.run(
        [sys.executable, REPLAY, tmp_path / "session", "-", "--gdb", *MACHINE, "--",
         "-batch", *(word for command in commands for word in ("-ex", command))],
        env=variables(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=180)
    said = done.stdout
    assert "with serial 2, by cmd_kmalloc (kernel/memory/cmd_alloc.c:" in said
    assert "A report in kfree, by cmd_kfree (kernel/memory/cmd_alloc.c:" in said
    assert said.index("A report in kfree") < said.index("This is the end of the record")
    assert "marbles> kfree $2" in said.partition("This is the end of the record")[2]
    assert said.count("A report in kfree") == 2         # forwards, and on the way back
    assert "$1 = 2\n" in said, said
    assert "screen shows what was printed so far" in done.stderr
