#!/usr/bin/env python3
"""soak.py - a robot types at the kernel for an hour; what came of it.

    MARBLES_SEED=1 MARBLES_STEPS=0 MARBLES_TIME=3600 \\
        soak.py LOG qemu-system-i386 ... -kernel marbles.elf

The kernel has tests/labs/soak.c in it, and all that is typed is drawn there, but for
MARBLES_CMDS, which come first.  Nothing comes from outside: -icount counts instructions,
and the clock with them, so one seed makes the same log, byte for byte, on any machine.
That is why it goes to a file: a pipe that is full would make the kernel wait.

It ends after so many steps (0: never) or seconds, or when something is wrong: a rule of
mm that is broken, something that is not given back, a kernel that stops, or that prints
nothing for PATIENCE seconds.  Then the status is 1, and it tells how to repeat it.
"""
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import qemu

PATIENCE, SHOWN_EACH, LOOKS = 120, 60, 0.1      # seconds
LAST_LINES = 25                                 # that are shown of a failure
STEP = re.compile(rb"^soak: step (\d+): ", re.M)
WHOLE = re.compile(rb"^soak: \d+ steps, and all is whole\r?\n", re.M)
FIGURES = {
    "faults": rb" has ended by this fault, status 5",
    "handlers ended": rb"this handler is not called any more",
    "ended by Ctrl-C": rb" was ended by Ctrl-C, ",
    "by the watchdog": rb" was ended by the watchdog, ",
    "inside the allocator": rb"^  it was inside the allocator",
    "mended": rb"^  it was inside the allocator; mended",
    "bugs reported": rb"^BUG ",
}
LOST = re.compile(rb"^  (\d+) objects? of (\d+) bytes?, on the way", re.M)


def number(name, default):
    text = os.environ.get(f"MARBLES_{name}") or default
    if not text.isdigit():
        raise qemu.Refused(f'{name}: "{text}" is not a number')
    return int(text)


class Log:
    """What the kernel has printed so far; whole lines are counted as they come."""

    def __init__(self, path):
        self.path, self.file = path, None
        self.count, self.steps, self.is_whole = Counter(), 0, False
        self.held, self.last = b"", b""

    def read(self):
        """True if there was more."""
        if self.file is None:
            if not self.path.exists():
                return False
            self.file = open(self.path, "rb")
        data = self.file.read(1 << 20)
        lines, newline, self.held = (self.held + data).rpartition(b"\n")
        self.add(lines + newline)
        return bool(data)

    def add(self, lines):
        self.last = (self.last + lines)[-4096:]
        for name, pattern in FIGURES.items():
            self.count[name] += len(re.findall(pattern, lines, re.M))
        for objects, size in LOST.findall(lines):
            self.count["objects lost"] += int(objects)
            self.count["bytes lost"] += int(size)
        for found in STEP.findall(lines):
            self.steps = int(found)
        self.is_whole |= bool(WHOLE.search(lines))

    def tell(self, seconds):
        counted = ", ".join(f"{name} {n}" for name, n in self.count.items())
        say(f"soak: {self.steps} steps in {seconds:.0f} s: {counted}")


def say(text):
    qemu.show(text.encode() + b"\n")


def watch(machine, log, until):
    """To its end; why it is no good one, or None."""
    told = heard = now = time.monotonic()
    while now < until:
        ended = machine.process.poll() is not None
        now = time.monotonic()
        if log.read():
            heard = now
        elif ended:
            return None if log.is_whole else "the kernel stopped"
        elif now - heard > PATIENCE:
            return f"nothing was printed for {PATIENCE} s"
        else:
            time.sleep(LOOKS)
        if now - told >= SHOWN_EACH:
            log.tell(now - machine.started)
            told = now
        if qemu.orphaned():
            raise qemu.Signalled(signal.SIGTERM)
    return None


def main():
    path, *command = sys.argv[1:]
    path = Path(path)
    seed, steps = number("SEED", "1"), number("STEPS", "0")
    limit = number("TIME", "3600")
    if seed == 0:
        raise qemu.Refused("SEED: 0 is not 1 or more")
    path.unlink(missing_ok=True)
    log = Log(path)
    machine = qemu.Qemu(
        command + ["-append",
                   qemu.run(f"{qemu.commands()}\nsoak {seed} {steps}",
                            "console=ttyS0 term=dumb"),
                   "-icount", "shift=5,sleep=off", "-rtc", "clock=vm", "-no-reboot",
                   "-chardev", f"file,id=log,path={path}", "-serial", "chardev:log",
                   "-monitor", "none"] + qemu.flags(), stdin=subprocess.DEVNULL)
    try:
        wrong = watch(machine, log, machine.started + limit)
    finally:
        machine.end()
    log.tell(time.monotonic() - machine.started)
    if wrong is None:
        return 0
    say(f"soak: FAILED behind step {log.steps} of seed {seed}: {wrong}; in {path}:")
    qemu.show(b"\n".join(log.last.splitlines()[-LAST_LINES:]) + b"\n")
    say(f"again: make soak-qemu SEED={seed} STEPS={log.steps + 2}")
    return 1


if __name__ == "__main__":
    qemu.program("soak", main)
