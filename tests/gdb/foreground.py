#!/usr/bin/env python3
"""foreground.py COMMAND... - a command that has the terminal for itself.

Run by make, a debugger is in make's group of processes: Ctrl-C, by which it stops the
kernel, is for make as well, which ends with "Interrupt" once the debugger has.  Here
the command is a group of its own, in the foreground, as a shell would have it.  When
it is stopped by Ctrl-Z, so are we and make; and it goes on with us.
"""
import os
import signal
import subprocess
import sys

TERMINAL = 0


def take_terminal(group):
    """From the background, where SIGTTOU would stop us for it."""
    before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    os.tcsetpgrp(TERMINAL, group)
    signal.signal(signal.SIGTTOU, before)


def own_group():
    os.setpgid(0, 0)
    take_terminal(os.getpid())


def main():
    ours = os.getpgrp()
    pid = subprocess.Popen(sys.argv[1:], preexec_fn=own_group).pid
    while True:
        _, status = os.waitpid(pid, os.WUNTRACED)
        take_terminal(ours)
        if not os.WIFSTOPPED(status):
            return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 1
        os.kill(0, signal.SIGTSTP)
        take_terminal(pid)
        os.killpg(pid, signal.SIGCONT)


if __name__ == "__main__":
    if not os.isatty(TERMINAL):
        os.execvp(sys.argv[1], sys.argv[1:])
    sys.exit(main())
