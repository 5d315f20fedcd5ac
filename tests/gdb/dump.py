#!/usr/bin/env python3
"""dump.py ELF CORE QEMU AND ITS OPTIONS - run commands, then keep the machine.

Boots ELF, types the commands of MARBLES_CMDS at its prompt, and when the prompt is
back (or the kernel has stopped) has QEMU write its memory and registers to CORE, an
ELF core that GDB reads without any machine:

    gdb ELF CORE -x mm/gdb/marbles.py

From the environment: MARBLES_CMDS, MARBLES_CMDLINE (kernel parameters).
"""
import json
import os
import re
import select
import socket
import subprocess
import sys
import tempfile
import time

SECONDS = int(os.environ.get("MARBLES_SECONDS", "60"))
PROMPT = re.compile(rb"(?:\A|[\r\n])marbles> \Z")
STOPPED = re.compile(rb"The kernel has stopped")


class Qmp:
    """QEMU's own line: one JSON object each way."""

    def __init__(self, line):
        line.settimeout(SECONDS)
        self.lines = line.makefile("rwb")
        self.lines.readline()                           # its greeting
        self.ask("qmp_capabilities")

    def ask(self, command, **arguments):
        question = {"execute": command, "arguments": arguments}
        self.lines.write(json.dumps(question).encode() + b"\n")
        self.lines.flush()
        while True:
            answer = json.loads(self.lines.readline() or b'{"error": "it ended"}')
            if "error" in answer:
                sys.exit(f"dump: QEMU: {command}: {answer['error']}")
            if "return" in answer:
                return answer["return"]


def wait_for(qemu, log, *patterns):
    """Read the console into log until one of the patterns matches what is new."""
    new, end = b"", time.monotonic() + SECONDS
    while not any(pattern.search(new) for pattern in patterns):
        ready, _, _ = select.select([qemu.stdout], [], [],
                                    max(0, end - time.monotonic()))
        data = os.read(qemu.stdout.fileno(), 4096) if ready else b""
        if not data:
            why = "the machine ended" if ready else f"no prompt within {SECONDS} s"
            sys.exit(f"dump: {why}; the end of its output:\n"
                     + (log + new).decode("latin-1")[-2000:])
        new += data
    return log + new


def run(qemu, qmp, elf, core):
    log = wait_for(qemu, b"", PROMPT, STOPPED)
    commands = os.environ.get("MARBLES_CMDS", "").replace("$$", "$")
    if commands and not STOPPED.search(log):
        before = len(log)
        qemu.stdin.write(commands.replace("\n", "; ").encode("latin-1") + b"\r")
        qemu.stdin.flush()
        log = wait_for(qemu, log, PROMPT, STOPPED)
        said = log[before:].decode("latin-1").replace("\r", "")
        sys.stdout.write(said.partition("\n")[2].removesuffix("marbles> "))
    qmp.ask("stop")
    qmp.ask("dump-guest-memory", paging=False, protocol="file:" + core)


def main():
    elf, core, *command = sys.argv[1:]
    core = os.path.abspath(core)
    if os.path.exists(core):
        os.remove(core)
    with tempfile.TemporaryDirectory(prefix="marbles-") as folder:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(folder + "/qmp")
        listener.listen()
        listener.settimeout(SECONDS)
        qemu = subprocess.Popen(
            command + ["-kernel", elf, "-append", os.environ.get("MARBLES_CMDLINE", ""),
                       "-no-reboot", "-serial", "stdio", "-monitor", "none",
                       "-chardev", f"socket,id=qmp,path={folder}/qmp",
                       "-mon", "chardev=qmp,mode=control"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            run(qemu, Qmp(listener.accept()[0]), elf, core)
        finally:
            qemu.kill()
            qemu.wait()
    print(f"  gdb {elf} {os.path.relpath(core)} -x mm/gdb/marbles.py")


if __name__ == "__main__":
    sys.exit(main())
