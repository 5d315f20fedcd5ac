#!/usr/bin/env python3
"""boot.py SECONDS CORE QEMU AND ITS OPTIONS - run commands, then keep the memory.

As tests/gdb/dump.py, for a grader: what is run is not trusted.

 - A lab can print a prompt.  So where one is seen the machine is stopped and looked at:
   it is the shell's only if no command runs and the CPU is in readline().  Else it goes
   on.
 - A command that takes SECONDS is ended by the kernel's watchdog, which says where it
   was; and that is the end, with status 124.  So is what not even a watchdog ends.
 - A fault ends its command, and not the machine.

stdout is what was printed; the status is 0 if CORE is there, else exec.py's: 124, 125,
127, 2, with one line on stderr.
"""
import contextlib
import os
import re
import subprocess
import sys
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "qemu"), str(TESTS / "gdb")]
import dump  # noqa: E402
import exec as running  # noqa: E402
import qemu  # noqa: E402

REST = 5                        # seconds for all else
MOST = 256 * 1024               # bytes of output that are kept
QUIET = 0.05                    # seconds
PROMPT = re.compile(rb"marbles> \Z")
HUNG = re.compile(rb"(\w+ was ended by the watchdog, in [^\n]*(?:\n +[^\n]*)??),"
                  rb"\s*status 6")


class Boot:
    def __init__(self, limit, core, command):
        self.core, self.log, self.cut = os.path.abspath(core), b"", 0
        lines = qemu.commands().splitlines()
        self.elf = running.kernel_of(command)
        self.limit = limit + REST
        line = qemu.run("\n".join(lines), f"watchdog={limit}")
        self.machine = qemu.Qemu(
            command + ["-append", line, "-no-reboot", "-serial", "stdio", "-monitor",
                       "none"] + qemu.flags(),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)

    def keep(self, data):
        data = data.replace(b"\r", b"")
        self.cut += max(0, len(self.log) + len(data) - MOST)
        self.log += data[:MOST - len(self.log)]

    def pieces(self):
        """What it prints; b"" where that is nothing for QUIET: then it may be looked at."""
        end = self.machine.started + self.limit
        while time.monotonic() < end:
            data = b""
            with contextlib.suppress(qemu.TimeOut):
                data = next(self.machine.output(min(end, time.monotonic() + QUIET)), None)
            if data is None:
                return
            yield data
        raise qemu.TimeOut

    def is_at_the_prompt(self):
        """The machine is stopped if so, and goes on if not: also if it was met at the
        beginning of a function, where there is no frame yet."""
        frozen = running.Frozen(self.machine, self.elf)
        if frozen.running() == (None, None) and "readline" in list(frozen.calls()):
            return True
        self.machine.ask("cont")
        return False

    def drain(self):
        """What it had printed when it was stopped."""
        with contextlib.suppress(qemu.TimeOut):
            for data in self.machine.output(time.monotonic() + QUIET):
                self.keep(data)

    def dump(self):
        self.machine.ask("dump-guest-memory", paging=False,
                         protocol="file:" + self.core)
        dump.headers_of_32_bits(self.core)

    def run(self):
        """To the prompt: (status, in words what kept it from there)."""
        end = b""
        try:
            for data in self.pieces():
                self.keep(data)
                end = (end + data.replace(b"\r", b""))[-1024:]
                hung = HUNG.search(end)
                if hung:
                    return running.TIMED_OUT, " ".join(hung[1].decode().split())
                if not data and PROMPT.search(end) and self.is_at_the_prompt():
                    self.drain()
                    self.dump()
                    return 0, ""
            status, why = running.judge(self.machine.process.wait())
            return (status, why) if why else (running.STOPPED, "it was told to exit")
        except qemu.TimeOut:
            return running.TIMED_OUT, (f"no end within {self.limit} s"
                                       + running.where(self.machine, self.elf))
        except ValueError as error:
            return qemu.FAILED, f"QEMU: {error}"
        finally:
            self.machine.end()

    def printed(self):
        text = self.log.removesuffix(b"marbles> ")
        return text + (f"\n[{self.cut} bytes more]\n".encode() if self.cut else b"")


def main():
    limit, core, *command = sys.argv[1:]
    if os.path.exists(core):
        os.remove(core)
    boot = Boot(int(limit), core, command)
    status, why = boot.run()
    qemu.show(boot.printed())
    if status != 0:
        raise qemu.Refused(why, status)
    return 0


if __name__ == "__main__":
    qemu.program("boot", main)
