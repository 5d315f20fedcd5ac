#!/usr/bin/env python3
"""record.py - work at the prompt, and have the session in a file.

    record.py FILE qemu-system-i386 ... -kernel marbles.elf

At a terminal all is as in make run: Ctrl-A X leaves, Ctrl-A twice types it once, and the
kernel's status is told, but not ours: who records a bug has not failed.  With
MARBLES_CMDS the commands run as make exec runs them, nothing is typed, and the status
is theirs.  When the machine has ended, whatever ended it, FILE is written (session.py).

The session ends with the machine: by `exit` or `poweroff`; by Ctrl-A X; by a signal,
such as that of a terminal that is closed.  A restart does not end it.  It also ends
where the kernel has stopped for good, since there it asks the keyboard for R a million
times a second, and each time is 6 bytes of the log; and where the log has become
LARGEST_LOG.
SIGKILL leaves no QEMU and no file: of its log QEMU writes the beginning last.

What is typed goes to QEMU in pieces of BURST bytes, for which its serial port has room.
While it records, QEMU does not hold back what comes too fast, but drops it; so the next
piece waits until the kernel has gone on: to its next rest, or for FAR instructions.
"""
import contextlib
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import time
import tty
from pathlib import Path

import exec as execution
import qemu
import session

BURST, GAP = 8, 0.004           # bytes; seconds between two looks if they are taken
FAR = 1_000_000                 # of 8 ns
LARGEST_LOG = 64 << 20
REST = 20                       # seconds that QEMU may take to end, once told
PREFIX = b"\x01"                # Ctrl-A
STOPPED = re.compile(rb"The kernel has stopped\.(?!  It starts)[^\n]*\n")


class Keys:
    """What is typed, without what is for us; handed on in pieces."""

    def __init__(self):
        self.waiting, self.prefix, self.leave = b"", False, False

    def add(self, data):
        for byte in (data[at:at + 1] for at in range(len(data))):
            if self.prefix:
                self.leave |= byte in b"xX"
                self.waiting += byte if byte == PREFIX else b""
            elif byte != PREFIX:
                self.waiting += byte
            self.prefix = byte == PREFIX and not self.prefix

    def piece(self):
        """The next one."""
        piece, self.waiting = self.waiting[:BURST], self.waiting[BURST:]
        return piece


class Recorder:
    """A machine that is recorded, in a folder that is its own."""

    def __init__(self, command, folder, typed, deadline):
        self.folder, self.typed, self.deadline = folder, typed, deadline
        self.keys, self.screen, self.last, self.why = Keys(), b"", "", ""
        self.prompt, self.came, self.sent = typed, None, -1
        self.machine = qemu.Qemu(command, cwd=folder, stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE)

    def leave(self, why):
        """End it, and note after how many instructions: a QEMU that stands says so."""
        if self.why:
            return
        self.why = why
        with contextlib.suppress(ValueError, OSError):      # it may be ending by itself
            self.machine.ask("stop")
            self.last = str(self.count())
            self.machine.ask("quit")

    def printed(self, data):
        self.screen += data
        qemu.show(data)
        if self.prompt and STOPPED.search(self.screen[-len(data) - 200:]):
            self.leave("the kernel has stopped")

    def count(self):
        """Instructions so far."""
        return self.machine.ask("query-replay")["icount"]

    def taken(self):
        """Has the kernel gone on since the last piece?"""
        gone = self.count() - self.sent
        return gone > FAR or gone > 0 and "HLT=1" in self.machine.ask(
            "human-monitor-command", **{"command-line": "info registers"})

    def type(self):
        """What waits; or we are asked to leave."""
        if self.keys.leave:
            self.leave("left by Ctrl-A X")
        if self.why or not self.keys.waiting:
            return
        with contextlib.suppress(ValueError, OSError):      # it may be ending by itself
            if self.taken():
                self.sent = self.count()
                os.write(self.machine.process.stdin.fileno(), self.keys.piece())

    def look(self):
        """Wait for something to happen; False: the machine has ended."""
        line = self.machine.process.stdout.fileno()
        wait = GAP if self.keys.waiting else qemu.PATIENCE
        ready = select.select([line] + [0] * self.typed, [], [], wait)[0]
        if 0 in ready:
            data = os.read(0, 4096)
            self.typed = bool(data)         # at the end of a file nobody types any more
            self.keys.add(data)
        data = os.read(line, 65536) if line in ready else None
        if data:
            self.printed(data)
        return data != b""

    def look_after(self):
        """What ends it but for itself, its keys and signals."""
        if qemu.orphaned():
            raise qemu.Signalled(signal.SIGTERM)
        log = f"{self.folder}/log"
        if os.path.exists(log) and os.path.getsize(log) > LARGEST_LOG:
            self.leave(f"its log has {LARGEST_LOG >> 20} MiB, and no more is kept")
        if time.monotonic() > self.deadline:
            self.leave(f"no end within {qemu.seconds():g} s")

    def run(self):
        """To its end, whatever that is; QEMU's status."""
        try:
            while self.look():
                self.type()
                self.look_after()
        except (qemu.Signalled, qemu.Refused, OSError) as came:
            for number in qemu.SIGNALS:     # more come when a terminal is closed
                signal.signal(number, signal.SIG_IGN)
            self.came = came                # OSError: of a terminal that is gone
            self.leave(f"ended by {name_of(came)}")
        with contextlib.suppress(subprocess.TimeoutExpired):
            rest = self.machine.process.communicate(timeout=REST)[0]
            self.screen += rest
            if not self.came:
                qemu.show(rest)
        return self.machine.end()


def name_of(came):
    """Of what ended us, in words."""
    if isinstance(came, qemu.Signalled):
        return signal.Signals(came.args[0]).name
    return " ".join(str(came).split())


@contextlib.contextmanager
def raw_terminal(wanted):
    """Each key is for the kernel, Ctrl-C too; what it prints still gets its columns."""
    before = qemu.attributes_of(0) if wanted else None
    try:
        if before:
            tty.setraw(0, termios.TCSANOW)
            raw = termios.tcgetattr(0)
            raw[1] |= termios.OPOST
            termios.tcsetattr(0, termios.TCSANOW, raw)
        yield
    finally:
        if wanted:
            qemu.put_right(before)


def how_it_ended(status):
    """(status to end with, words)."""
    ours, why = execution.judge(status)
    return ours, why or f"the kernel has ended, with status {ours}"


def record(folder, command, elf):
    """The fields of the session, its parts, and what came from outside to end it."""
    commands = qemu.commands()
    options, memory = session.options(command)
    fields = {"qemu": session.version(command[0]), "machine": " ".join(options),
              "memory": memory, "flags": session.allowed_flags(),
              "parameters": qemu.run(commands + "\nexit") if commands
              else qemu.parameters()}
    shutil.copy(elf, f"{folder}/marbles.elf")
    with raw_terminal(not commands):
        recorder = Recorder(
            session.command(command[0], fields, "record", *session.LINE), folder,
            not commands, time.monotonic() + (qemu.seconds() if commands else 1e9))
        status, words = how_it_ended(recorder.run())
    if recorder.why:
        status, words = 0 if recorder.prompt else execution.TIMED_OUT, recorder.why
    fields.update(ended=words, status=str(status), last=recorder.last)
    return fields, recorder


def packed(path, folder, fields, screen):
    """The file, written; what is said of it."""
    kernel = Path(folder, "marbles.elf").read_bytes()
    log = Path(folder, "log").read_bytes()
    carried = os.environ.get("MARBLES_WHOLE") == "1"
    fields["sum"] = session.checksum(kernel)
    size = session.write(path, fields, log=log, screen=screen,
                         kernel=kernel if carried else b"")
    return (f"record: {path}: {size / 1000:.0f} kB, "
            f"{'with' if carried else 'without'} the kernel; {fields['ended']}\n"
            f"  make replay RECORD={path}\n")


def main():
    path, *command = sys.argv[1:]
    at = command.index("-kernel")
    elf = command[at + 1]
    with tempfile.TemporaryDirectory(prefix="marbles-") as folder:
        fields, recorder = record(folder, command[:at], elf)
        said = packed(path, folder, fields, recorder.screen)
    execution.say(said.encode())
    if recorder.came:
        raise recorder.came
    status = int(fields["status"])
    typed = not qemu.commands()
    return 0 if typed and status < execution.TIMED_OUT else status      # as make run


if __name__ == "__main__":
    qemu.program("record", main)
