#!/usr/bin/env python3
"""replay.py - run a recorded session once more, exactly, and show its screen.

    replay.py FILE ELF QEMU ...                         what was on the screen
    replay.py FILE ELF --gdb QEMU ... -- [GDB OPTIONS]  with GDB on it, at kernel_main

ELF is the kernel that would be built here, for a FILE that has none in it.

The options are those of make run, and must be those that it was recorded with; memory,
CPU and kernel are the file's (session.py).  A log is good for one version of QEMU
alone, since it counts on each device to do the same; so another is refused.

What is printed is held against what was on the screen when it was recorded.  Statuses:

    0     it was the same, to the end
    1     it was not, or stood still: this is another machine in some way
    2     the file, or QEMU, cannot be: one line on stderr says why, and nothing was run

Nothing can be typed.  Ctrl-C ends it.  What the terminal answers to the kernel's
question for its size is dropped: it was answered when it was recorded.
"""
import contextlib
import os
import shlex
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

import qemu
import session

STILL = 30                      # seconds without an instruction: it will do no more
GAP = 0.00002                   # seconds between two questions how far it is
LONGEST_GAP = 0.02              #   while it stands
SILENT = 20                     # seconds without an answer: it hangs
DIFFERS = 1
ROOT = Path(__file__).resolve().parents[2]


def say(text):
    with contextlib.suppress(OSError):
        os.write(2, text.encode(errors="replace"))


# ---- from the file to a machine ----------------------------------------------------

def kernel_of(path, fields, parts, built):
    """The kernel of the file, or the one that is built here, if it is the same."""
    kernel = parts["kernel"]
    if not kernel:
        with contextlib.suppress(OSError):
            kernel = Path(built).read_bytes()
    if session.checksum(kernel) != fields["sum"]:
        raise qemu.Refused(
            f"{path} is damaged: its kernel is not its own" if parts["kernel"] else
            f"{path} has no kernel in it, and belongs to another one than {built}: "
            "build that from the same files by the same compiler, or have it recorded "
            "with WHOLE=1")
    return kernel


def check_machine(path, fields, command):
    """Is QEMU the one that recorded it?"""
    options, _ = session.options(command)
    if fields["machine"] != " ".join(options):
        raise qemu.Refused(f"{path} was recorded on another machine, by another "
                           f"version of Marbles: {fields['machine']}")
    version = session.version(command[0])
    if fields["qemu"] != version:
        raise qemu.Refused(f"{path} was recorded by another QEMU, and its log is good "
                           f"for that alone: by {fields['qemu']}; this is {version}")


def lay_out(folder, fields, parts, kernel):
    Path(folder, "log").write_bytes(parts["log"])
    Path(folder, "marbles.elf").write_bytes(kernel)


# ---- its screen --------------------------------------------------------------------

@contextlib.contextmanager
def deaf_terminal():
    """What is typed, or answered by the terminal, is shown to nobody and dropped."""
    before = qemu.attributes_of(0)
    try:
        if before:
            deaf = termios.tcgetattr(0)
            deaf[3] &= ~(termios.ECHO | termios.ICANON)
            termios.tcsetattr(0, termios.TCSANOW, deaf)
        yield
    finally:
        with contextlib.suppress(termios.error, OSError):
            if before:
                termios.tcflush(0, termios.TCIFLUSH)
        qemu.put_right(before)


def start(command, **options):
    machine = qemu.Qemu(command, **options)
    machine.monitor.settimeout(SILENT)
    return machine


def count(machine):
    """Instructions so far; at its end, None.

    To be asked keeps QEMU awake: else it sleeps wherever the kernel did.  A question
    that comes as QEMU 7.2 ends may hang it, in monitor_cleanup(): all is done by then.
    """
    try:
        return machine.ask("query-replay")["icount"]
    except TimeoutError:
        machine.process.kill()
    except (ValueError, OSError):
        pass
    return None


class Replay:
    """hidden: so many bytes of what it prints have been shown already."""

    def __init__(self, command, folder, screen, hidden=0):
        self.screen, self.shown, self.hidden = screen, 0, hidden
        self.ended_early = False
        self.machine = start(command, cwd=folder, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def pieces(self):
        """What it prints, to its end; TimeOut: it does nothing for STILL seconds."""
        at, since = None, time.monotonic()
        while True:
            try:
                yield from self.machine.output(time.monotonic() + GAP)
                return
            except qemu.TimeOut:
                now = count(self.machine)
            if now != at:
                at, since = now, time.monotonic()
            elif time.monotonic() > since + STILL:
                raise qemu.TimeOut

    def run(self):
        """Show what is as it was; in words what is not."""
        for data in self.pieces():
            wanted = self.screen[self.shown:self.shown + len(data)]
            same = len(os.path.commonprefix([wanted, data]))
            qemu.show(data[max(0, self.hidden - self.shown):same])
            self.shown += same
            if same < len(data):
                return f"it printed {data[same:same + 40]!r} where the record has " \
                       f"{self.screen[self.shown:self.shown + 40]!r}"
        self.ended_early = self.shown < len(self.screen)
        if self.ended_early:
            said = self.machine.process.stderr.read().decode(errors="replace").strip()
            return f"it ended {len(self.screen) - self.shown} bytes before the " \
                   "record does" + (f": {said}" if said else "")
        return ""


def look(folder, command, fields, screen, hidden):
    """One replay, and in words what was not as it was."""
    replay = Replay(session.command(command[0], fields, "replay", *session.LINE), folder,
                    screen, hidden)
    try:
        return replay, replay.run()
    except qemu.TimeOut:
        return replay, f"it stands still, {len(screen) - replay.shown} bytes before the end " \
                       "of the record"
    finally:
        replay.machine.end()


def show(folder, command, fields, parts):
    """The session's screen; our status.

    QEMU 7.2 may end the replay of a machine that switches itself off before all has come
    out, now and then: what is not there then a second look shows, or it is so.
    """
    with deaf_terminal():
        replay, wrong = look(folder, command, fields, parts["screen"], 0)
        if replay.ended_early:
            replay, wrong = look(folder, command, fields, parts["screen"], replay.shown)
    if wrong:
        say(f"\nreplay: NOT as it was recorded: {wrong}\n")
        return DIFFERS
    say(f"\nreplay: this is the end of the record, {replay.shown} bytes, all as they "
        f"were: {fields['ended']}\n")
    return 0


# ---- with GDB ----------------------------------------------------------------------

def empty_disk(path):
    """An empty qcow2 image, for snapshots: header, table of counts, counts, L1.

    (QEMU, docs/interop/qcow2.txt: version 2, clusters of 64 KiB.)
    """
    cluster = 1 << 16
    head = struct.pack(">4sIQIIQIIQQIIQ", b"QFI\xfb", 2, 0, 0, 16, 1 << 20, 0, 1,
                       3 * cluster, cluster, 1, 0, 0)
    counts = struct.pack(">Q", 2 * cluster), struct.pack(">4H", 1, 1, 1, 1)
    Path(path).write_bytes(b"".join(part.ljust(cluster, b"\0")
                                    for part in (head, *counts, b"")))


def debugger(folder, command, fields, options):
    """GDB on the replay, as tests/gdb/session.sh has it on a machine; GDB's status."""
    empty_disk(f"{folder}/snapshots")
    if "-batch-silent" not in options:          # somebody sits there
        say("  In GDB: continue plays on, to the end; screen shows what was printed so "
            "far;\n  marbles break-report, then continue, stops where a bug was "
            "reported.\n")
    console = f"{folder}/console"
    machine = [sys.executable, __file__, "--machine",
               *session.command(command[0], fields, "replay", "-drive",
                                "file=snapshots,if=none,id=snapshots", "-chardev",
                                "file,id=line,path=console", "-serial", "chardev:line",
                                "-S", "-gdb", "stdio")]
    environment = {**os.environ, "SHELL": "/bin/sh", "MARBLES_CONSOLE_LOG": console,
                   "MARBLES_LAST": fields["last"]}
    environment.pop("DEBUGINFOD_URLS", None)
    pipe = f"cd {shlex.quote(folder)} && exec {shlex.join(machine)}"
    words = [os.environ.get("GDB") or "gdb", "-nx", "-q", "-iex", "set auto-load no",
             "-iex", "set remotetimeout 30",
             f"{folder}/marbles.elf", "-ex", "set confirm off",
             "-ex", "set pagination off", "-x", "mm/gdb/marbles.py",
             "-x", "tests/gdb/ending.py",
             "-ex", f"target remote | {pipe}", "-x", "tests/gdb/replaying.py",
             "-ex", "hbreak kernel_main", "-ex", "continue",
             "-x", "tests/gdb/stopped.py"]
    running = subprocess.Popen(
        [sys.executable, "tests/gdb/foreground.py", *words, *options], cwd=ROOT,
        env=environment)
    return running.wait()


def machine_of_gdb(command):
    """QEMU, with GDB at its stdin and stdout, kept awake while it runs."""
    machine = start(command)
    at, rest = None, 0
    try:
        while machine.process.poll() is None:
            if os.getppid() != qemu.parent:             # GDB is gone
                break
            now = count(machine)
            rest = 0 if now != at else min(rest + GAP, LONGEST_GAP)
            at = now
            time.sleep(rest)
        return 0
    finally:
        machine.end()


def main():
    if sys.argv[1] == "--machine":
        return machine_of_gdb(sys.argv[2:])
    path, built, *command = sys.argv[1:]
    debug = command[0] == "--gdb"
    command, options = command[debug:], []
    if "--" in command:                 # what is behind it is for GDB
        command, options = (command[:command.index("--")],
                            command[command.index("--") + 1:])
    fields, parts = session.read(path)
    check_machine(path, fields, command)
    kernel = kernel_of(path, fields, parts, built)
    with tempfile.TemporaryDirectory(prefix="marbles-") as folder:
        lay_out(folder, fields, parts, kernel)
        if debug:
            return debugger(folder, command, fields, options)
        return show(folder, command, fields, parts)


if __name__ == "__main__":
    qemu.program("replay", main)
