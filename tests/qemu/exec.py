#!/usr/bin/env python3
"""exec.py - boot, run commands, print what they print, end with their status.

    MARBLES_CMDS='meminfo; leaks' exec.py qemu-system-i386 ... -kernel marbles.elf

The commands and all else that a user writes come from the environment (qemu.py).  The
kernel gets them as

    PARAMETERS quiet run="COMMANDS
    exit"

on its command line, of 4,095 bytes at most (more are refused at once): `exit` stands on a
line of its own, so that an open quote or a comment in COMMANDS does not swallow it.  One
more of the parameters, watchdog=, ends a command that takes nearly all the time, with
status 6: so what hangs shows where it does, and the others still run.

`exit` ends QEMU by its test exit with (32 + status) * 2 + 1.  What else may happen:

    124   no end within MARBLES_SECONDS (60); which command, and in which function
    125   the kernel has stopped, or the machine was reset or switched off
    126   there is no kernel: it did not compile
    127   QEMU did not run, or stdout cannot be written
      2   an argument that cannot be, as for commands

One line on stderr says which, and with 125 the end of the output is below it, unless
stdout goes the same way.  `make` says "Error STATUS" and itself ends with 2 whatever
the status was; a script that wants the status runs this file.
"""
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import qemu

TIMED_OUT, STOPPED, NO_KERNEL = 124, 125, 126
LAST_LINES = 25
REST = 3                        # seconds that other commands have after a hang
PANIC = 3                       # what QEMU ends with
NAME_SIZE, MAX_CALLS = 32, 16


# ---- stdout and stderr -----------------------------------------------------------------

def say(text):
    """On stderr, if that is possible."""
    try:
        os.write(2, text)
    except OSError:
        pass


def same_place():
    """Do stdout and stderr go to one file, pipe or terminal?"""
    try:
        return os.path.sameopenfile(1, 2)
    except OSError:
        return False


class Lines:
    """Output without the \\r that the console puts before each \\n."""

    def __init__(self):
        self.held, self.all = b"", b""

    def add(self, data):
        data = self.held + data
        self.held = b"\r" if data.endswith(b"\r") else b""
        data = data[:len(data) - len(self.held)].replace(b"\r\n", b"\n")
        self.all = (self.all + data)[-65536:]
        return data


# ---- where it hangs --------------------------------------------------------------------

class Frozen:
    """A kernel that is looked at from outside, by QEMU's monitor."""

    def __init__(self, machine, elf):
        self.machine = machine
        machine.ask("stop")
        self.symbols = []
        for line in (Path(elf).parent / "symbols.list").read_text().splitlines():
            start, size, kind, name = line.split()
            self.symbols.append((int(start, 16), int(size, 16), name))

    def monitor(self, line):
        return self.machine.ask("human-monitor-command", **{"command-line": line})

    def word(self, address):
        return int(self.monitor(f"x /1xw {address:#x}").split()[1], 16)

    def text(self, address):
        said = self.monitor(f"x /{NAME_SIZE}xb {address:#x}")
        data = bytes(int(byte, 16) for byte in re.findall(r" 0x(\w\w)\b", said))
        return data.partition(b"\0")[0].decode(errors="replace")

    def function(self, address):
        for start, size, name in self.symbols:
            if start <= address < start + size:
                return name
        return f"{address:#x}"

    def caller_of_leaf(self, at, stack):
        """Of a function that calls nothing, and so has no frame; else None."""
        try:
            back = self.word(stack)
            called = (back + self.word(back - 4)) % 2 ** 32
        except (ValueError, IndexError):
            return None
        by = self.function(called) == self.function(at) and self.function(back)
        begins = any(called == start for start, _, _ in self.symbols)
        return by if by and begins else None

    def running(self):
        """The command, by its name, and the function that is the command."""
        (place,) = (start for start, _, name in self.symbols if name == "shell_running")
        command = self.word(place)
        if command == 0:
            return None, None
        return self.text(self.word(command)), self.function(self.word(command + 20))

    def calls(self):
        """Functions, from the innermost outwards, by the frame pointers."""
        registers = self.monitor("info registers")
        at, frame, stack = (int(re.search(rf"\b[ER]{name}=(\w+)", registers)[1], 16)
                            for name in ("IP", "BP", "SP"))
        yield self.function(at)
        caller = self.caller_of_leaf(at, stack)
        if caller:
            yield caller
        for _ in range(MAX_CALLS):
            try:
                at, frame = self.word(frame + 4), self.word(frame)
            except (ValueError, IndexError):
                return                  # no frame: there is no memory
            if self.function(at).startswith("0x"):
                return
            yield self.function(at)


def where(machine, elf):
    """In words; nothing if it cannot be told."""
    try:
        frozen = Frozen(machine, elf)
        command, function = frozen.running()
        names = []
        for name in frozen.calls():
            names.append(name.split(".")[0])    # spin.isra.0 is a part of spin
            if name == function:
                break
    except (OSError, ValueError, IndexError, TypeError):
        return ""
    what = f"the command {command}" if command else "no command ran; the kernel"
    by = f", called by {', '.join(names[1:])}" if names[1:] else ""
    return f": {what} was in {names[0]}{by}"


# ---- all of it --------------------------------------------------------------------------

def kernel_of(command):
    elf = command[command.index("-kernel") + 1] if "-kernel" in command[:-1] else None
    if elf is None:
        raise qemu.Refused("there is no -kernel among the options of QEMU")
    if not os.path.exists(elf):
        raise qemu.Refused(f"there is no kernel {elf}: did it not compile?", NO_KERNEL)
    return elf


def judge(status):
    """What QEMU's status means: (ours, in words)."""
    if status % 2 == 1 and status >= qemu.TEST_EXIT:
        return (status - qemu.TEST_EXIT) // 2, ""
    if status == PANIC:
        return STOPPED, "the kernel has stopped"
    if status == 0:
        return STOPPED, "the machine was reset (a triple fault?) or switched off"
    if status < 0:
        return qemu.FAILED, f"QEMU was ended by {signal.Signals(-status).name}"
    return qemu.FAILED, f"QEMU ended with {status}"


def watchdog(limit):
    """Kernel parameters: a command may take nearly all of the time."""
    return [f"watchdog={int(limit) - REST}"] if limit > 2 * REST else []


def arguments(limit, *parameters):
    """Of QEMU, so that it runs the commands and tells on stdout what they print."""
    if not qemu.commands().strip():
        raise qemu.Refused(qemu.NO_COMMANDS)
    return ["-append", qemu.run(qemu.commands() + "\nexit", *watchdog(limit), *parameters),
            "-no-reboot", "-serial", "stdio", "-monitor", "none"] + qemu.flags()


def follow(machine, elf, limit, at_time_out=lambda: None):
    """Show what it prints, to its end: the status, in words what was wrong, and the last
    of what it printed."""
    lines = Lines()
    try:
        for data in machine.output(machine.started + limit):
            qemu.show(lines.add(data))
        status, why = judge(machine.process.wait())
    except qemu.TimeOut:
        at_time_out()
        status = TIMED_OUT
        why = f"no end within {limit:g} s{where(machine, elf)}"
    finally:
        machine.end()
    qemu.show(lines.add(machine.process.stdout.read()) + lines.held)
    return status, why, lines.all


def tell(name, status, why, log):
    """What was wrong, on stderr, with the end of the output where that is elsewhere."""
    if status == STOPPED and not same_place():
        say(f"{name}: {why}; the end of the output:\n".encode())
        say(b"".join(log.splitlines(keepends=True)[-LAST_LINES:]))
    elif why:
        say(f"{name}: {why}\n".encode())


def main():
    command = sys.argv[1:]
    elf, limit = kernel_of(command), qemu.seconds()
    machine = qemu.Qemu(command + arguments(limit), stdin=subprocess.DEVNULL,
                        stdout=subprocess.PIPE)
    status, why, log = follow(machine, elf, limit)
    tell("exec", status, why, log)
    return status


if __name__ == "__main__":
    qemu.program("exec", main)
