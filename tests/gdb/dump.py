#!/usr/bin/env python3
"""dump.py ELF CORE QEMU AND ITS OPTIONS - run commands, then keep the machine.

Boots ELF, runs the commands of MARBLES_CMDS, and when the prompt is there (or the
kernel has stopped) has QEMU write its memory and registers to CORE, an ELF core that
GDB reads without any machine:

    gdb ELF CORE -x mm/gdb/marbles.py

What else comes from the environment: tests/qemu/qemu.py.
"""
import os
import re
import struct
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "qemu"))
import qemu  # noqa: E402

PROMPT = re.compile(rb"(?:\A|[\r\n])marbles> \Z")
ELF64, ELF32 = struct.Struct("<16sHHIQQQIHHH"), struct.Struct("<16sHHIIIIIHHHHHH")
PART64, PART32 = struct.Struct("<IIQQQQQQ"), struct.Struct("<8I")
STOPPED = re.compile(rb"The kernel has stopped.*\n")


def run(machine, limit):
    """Until there is the prompt, or the end; what was printed before it."""
    log = b""
    try:
        for data in machine.output(machine.started + limit):
            log = (log + data).replace(b"\r\n", b"\n")
            if PROMPT.search(log) or STOPPED.search(log):
                return log.removesuffix(b"marbles> ")
        why = "the machine ended"
    except qemu.TimeOut:
        why = f"no prompt within {limit:g} s"
    raise qemu.Refused(f"{why}; the end of its output:\n"
                       + log[-2000:].decode(errors="surrogateescape"), qemu.FAILED)


def headers_of_32_bits(core):
    """QEMU writes ELF headers of 64 bits, for the BIOS ends at 4 GiB; GDB warns that
    such a core and a program of 32 bits may not match.  Those of 32 bits are shorter:
    nothing else moves."""
    with open(core, "r+b") as file:
        _, kind, machine, version, _, at, _, flags, _, size, count = ELF64.unpack(
            file.read(ELF64.size))
        file.seek(at)
        parts = [PART64.unpack(file.read(size)) for _ in range(count)]
        file.seek(0)
        file.write(ELF32.pack(b"\x7fELF\1\1\1", kind, machine, version, 0, ELF32.size, 0,
                              flags, ELF32.size, PART32.size, count, 0, 0, 0))
        for part, rights, offset, virtual, physical, held, spans, align in parts:
            file.write(PART32.pack(part, offset, virtual, physical, held, spans, rights,
                                   align))


def main():
    elf, core, *command = sys.argv[1:]
    core = os.path.abspath(core)
    if os.path.exists(core):
        os.remove(core)
    limit = qemu.seconds()
    machine = qemu.Qemu(
        command + ["-kernel", elf, "-append", qemu.run(qemu.commands(), "panic_on_oops=1"),
                   "-no-reboot", "-serial", "stdio", "-monitor", "none"] + qemu.flags(),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        qemu.show(run(machine, limit))
        machine.ask("stop")
        machine.ask("dump-guest-memory", paging=False, protocol="file:" + core)
        headers_of_32_bits(core)
    except ValueError as error:
        raise qemu.Refused(f"QEMU: {error}", qemu.FAILED) from None
    finally:
        machine.end()
    qemu.show(f"  gdb {elf} {os.path.relpath(core)} -x mm/gdb/marbles.py\n".encode())
    return 0


if __name__ == "__main__":
    qemu.program("dump", main)
