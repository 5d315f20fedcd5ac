#!/usr/bin/env python3
"""exec.py - boot, run commands, print what they print, end with their status.

    MARBLES_CMDS='meminfo; leaks' exec.py qemu-system-i386 ... -kernel marbles.elf

The commands and further kernel parameters come from the environment
(MARBLES_CMDS, MARBLES_CMDLINE), where no shell and no make has touched them.  The
kernel gets them as

    PARAMETERS quiet run="COMMANDS
    exit"

on its command line: `exit` stands on a line of its own, so that an open quote or a
comment in COMMANDS does not swallow it.

`exit` ends QEMU by its test exit with (32 + status) * 2 + 1.  Any other end, or none
within 60 seconds, is 125, with the end of the output on stderr.

`make` says "Error STATUS" and itself ends with 2 whatever the status was; a script
that wants the status runs this file.
"""

import os
import subprocess
import sys
import threading

SECONDS = int(os.environ.get("MARBLES_SECONDS", "60"))
FAILED = 125
LAST_LINES = 25


def kernel_command_line():
    # $$ is how a Makefile writes $, so many will write it here: $$1 is $1.
    commands = os.environ.get("MARBLES_CMDS", "").replace("$$", "$")
    escaped = commands.replace("\\", "\\\\").replace('"', '\\"')
    parameters = os.environ.get("MARBLES_CMDLINE", "")
    return f'{parameters} quiet run="{escaped}\nexit"'.strip()


def show(text):
    """On stdout, until its reader has gone away; the commands run on all the same."""
    try:
        sys.stdout.buffer.write(text)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main():
    qemu = subprocess.Popen(
        sys.argv[1:] + ["-append", kernel_command_line(), "-no-reboot",
                        "-serial", "stdio", "-monitor", "none"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    timed_out = threading.Event()

    def give_up():
        timed_out.set()
        qemu.kill()

    timer = threading.Timer(SECONDS, give_up)
    timer.start()
    log = []
    for line in qemu.stdout:
        log.append(line.replace(b"\r", b""))
        show(log[-1])
    status = qemu.wait()
    timer.cancel()

    if status % 2 == 1 and status >= 65:
        return (status - 65) // 2
    if timed_out.is_set():
        why = f"no end within {SECONDS} s"
    elif status == 3:
        why = "the kernel has stopped"
    elif status == 0:
        why = "the machine was reset (a triple fault?) or switched off"
    else:
        why = f"QEMU ended with {status}"
    sys.stderr.write(f"exec: {why}; the end of the output:\n")
    sys.stderr.flush()
    sys.stderr.buffer.write(b"".join(log[-LAST_LINES:]))
    return FAILED


if __name__ == "__main__":
    sys.exit(main())
