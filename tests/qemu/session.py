"""session.py - a session in a file: what QEMU needs to run it once more, exactly.

    write(path, session)        as `make record` does when the machine has ended
    read(path)                  as `make replay` does: the whole session, or Refused

The file is one line of text, and behind it one stream of xz:

    Marbles session 1 CHECKSUM\\n           SHA-256 of all that follows
    { JSON: see FIELDS }\\n
    QEMU's log of what came from outside    keys and ticks, each with its instruction
    what was on the screen                  the replay is held against it, byte by byte
    the kernel                              the ELF file, if it is in it (WHOLE=1)

So it has some ten kB, and who has built the same kernel, to the bit, can replay it; others
are told so.  What others cannot have built is in it, a kernel with a lab; and any with
WHOLE=1: with its debug information, so that whoever gets the file needs neither the
sources nor the compiler that made it.  That makes 700 kB, of which 500 are that
information, without which GDB could name no line of the lab.

The file comes from somebody else.  So no option of QEMU is taken from it as it is: the
machine must be the one of this Makefile, and of the rest each field has its own form.
"""
import hashlib
import json
import lzma
import re
import subprocess

import qemu

FORMAT = 1
MAGIC = b"Marbles session "
LARGEST = 1 << 28               # bytes of what is packed: no file may fill our memory
PACKED = lzma.PRESET_DEFAULT | lzma.PRESET_EXTREME
PARTS = ("log", "screen", "kernel")
CPU = r"[A-Za-z0-9_.-]{1,40}"   # a name, with no option of it
SHOWN = r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]"   # nothing that a terminal would obey

# Each field, and what it must look like as text.
FIELDS = {
    "qemu": SHOWN + r"{1,200}",         # version, in QEMU's own words
    "machine": SHOWN + r"{1,2000}",     # its options, as the Makefile has them
    "memory": r"\d{1,9}[KMGkmg]?",
    "flags": rf"(-(cpu|M|machine) {CPU})?( -(cpu|M|machine) {CPU})*",   # of QEMUFLAGS
    "parameters": r"[^\0\ud800-\udc7f\udd00-\udfff]{0,4095}",    # of the kernel
    "ended": SHOWN + r"{1,200}",        # by what, in words
    "status": r"\d{1,3}",               # what make record ended with
    "last": r"\d{0,18}",                # instructions, if it was ended by us
    "sum": r"[0-9a-f]{64}",             # SHA-256 of the kernel
    "log": r"\d{1,9}", "screen": r"\d{1,9}", "kernel": r"\d{1,9}",      # bytes
}


def checksum(data):
    return hashlib.sha256(data).hexdigest()


def write(path, fields, **parts):
    """The session of these fields and parts (bytes); the size of the file."""
    fields = {**fields, **{name: str(len(parts[name])) for name in PARTS}}
    packed = lzma.compress(json.dumps(fields).encode() + b"\n"
                           + b"".join(parts[name] for name in PARTS), preset=PACKED)
    data = MAGIC + f"{FORMAT} {checksum(packed)}\n".encode() + packed
    try:
        with open(path, "wb") as file:
            file.write(data)
    except OSError as error:
        raise qemu.Refused(f"{path}: {error.strerror}", qemu.FAILED) from None
    return len(data)


def unpack(packed):
    """What was packed, if it is of a size that can be."""
    unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ)
    data = unpacker.decompress(packed, LARGEST)
    if not unpacker.eof or unpacker.unused_data:
        raise ValueError("it is too large, or has something behind its end")
    return data


def parse(data):
    """(fields, {part: bytes}); ValueError: it is not what `write` writes."""
    head, _, rest = data.partition(b"\n")
    fields = json.loads(head)
    if not isinstance(fields, dict) or set(fields) != set(FIELDS):
        raise ValueError("its fields are others")
    for name, form in FIELDS.items():
        if not isinstance(fields[name], str) or not re.fullmatch(
                form, fields[name], re.ASCII):
            raise ValueError(f'its field "{name}" cannot be so')
    parts = {}
    for name in PARTS:
        size = int(fields[name])
        parts[name], rest = rest[:size], rest[size:]
        if len(parts[name]) != size:
            raise ValueError(f'its part "{name}" is cut short')
    return fields, parts


def read(path):
    """(fields, parts) of a file that is whole; else Refused, with the reason."""
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST)
    except OSError as error:
        raise qemu.Refused(f"{path}: {error.strerror}") from None
    if not data:
        raise qemu.Refused(f"{path} is empty")
    head, _, packed = data.partition(b"\n")
    found = re.fullmatch(MAGIC + rb"(\d{1,9}) ([0-9a-f]{64})", head)
    if not found:
        raise qemu.Refused(f"{path} is no session that make record has written, "
                           "or its first line is damaged")
    if int(found[1]) != FORMAT:
        raise qemu.Refused(f"{path} is of format {int(found[1])}, and this Marbles "
                           f"reads {FORMAT}: replay it with that which recorded it")
    if checksum(packed) != found[2].decode():
        raise qemu.Refused(f"{path} is damaged, or cut short: its checksum is another")
    try:
        return parse(unpack(packed))
    except (ValueError, EOFError, RecursionError, lzma.LZMAError) as error:
        raise qemu.Refused(f"{path} is not what make record writes: {error}") from None


# ---- the machine -------------------------------------------------------------------

def version(program):
    """What this QEMU says it is."""
    try:
        said = subprocess.run([program, "--version"], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, errors="replace",
                              timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise qemu.Refused(f"{program}: {error}", qemu.FAILED) from None
    return said.stdout.partition("\n")[0].strip()


def options(command):
    """The machine's own options, without program and memory; and its memory."""
    at = command.index("-m")
    return command[1:at] + command[at + 2:], command[at + 1]


def allowed_flags():
    """QEMUFLAGS; Refused: not all of them may be in a file for others."""
    given = " ".join(qemu.flags())
    if not re.fullmatch(FIELDS["flags"], given):
        raise qemu.Refused(f'QEMUFLAGS: "{given}" cannot be recorded, but for -cpu '
                           "NAME and -machine NAME: others would run what you wrote")
    return given


def command(program, fields, mode, *more):
    """QEMU, to record or to replay `log` of `marbles.elf` in the folder it runs in: the
    kernel is told the path of its image, so it must be the same each time.

    2^3 ns an instruction is 125 million a second, about what QEMU can: so a prompt
    feels alive, and what waits for ticks takes its time.  With the APIC's virtual one a
    kernel that idles would deadlock when it is run backwards.
    """
    return [program, *fields["machine"].split(" "), "-m", fields["memory"],
            *fields["flags"].split(), "-global", "apic.vapic=off",
            "-icount", f"shift=3,rr={mode},rrfile=log",
            "-kernel", "marbles.elf", "-append", fields["parameters"],
            "-monitor", "none", *more]


# The serial line: pipes, for of sockets and of a terminal that is shared with QEMU's
# monitor nothing, or not all, is in the log.
LINE = ("-chardev", "stdio,id=line,signal=off", "-serial", "chardev:line")
