"""pprof - live and all that ever was, by raw addresses: google-pprof.

    heap profile:     1:      100 [     2:      200] @ heapprofile
         1:      100 [     2:      200] @ 0x00127680 0x00123456
         live objects: bytes [all: bytes]   the calls, from the innermost outwards

gperftools' text form ("heap profile format" of its heapprofile.html).  Names, lines and
what was inlined pprof reads from the ELF, which it is given beside the file; -base takes
another such file away.
"""
import struct
from pathlib import Path

from life import Life, sums

FILE = "heap.prof"
OPENS = "google-pprof --text --lines {elf} {file}"

HEADERS_AT, HEADERS_SIZE = 28, 42       # in the head of an ELF of 32 bits
LOADED, EXECUTABLE = 1, 1


def numbers(some):
    """Sums of all these."""
    live, bytes_, all_, all_bytes = (sum(getattr(one, name) for one in some) for name in
                                     ("objects", "bytes", "all_objects", "all_bytes"))
    return f"{live:6}: {bytes_:8} [{all_:6}: {all_bytes:8}] @"


def addresses(stack, places):
    """The first is taken as it is, and those of its callers as return addresses."""
    calls, _ = stack
    if not calls:
        return [places.frames(stack)[0].address]
    return [calls[0] - 1, *calls[1:]]


def mapped(elf):
    """What of the ELF is code, and where it lies, as /proc/PID/maps has it."""
    data = Path(elf).read_bytes()
    at, = struct.unpack_from("<I", data, HEADERS_AT)
    size, count = struct.unpack_from("<HH", data, HEADERS_SIZE)
    for n in range(count):
        kind, offset, address, _, held, _, flags, _ = struct.unpack_from("<8I", data,
                                                                         at + n * size)
        if kind == LOADED and flags & EXECUTABLE:
            yield f"{address:08x}-{address + held:08x} r-xp {offset:08x} 00:00 0 " \
                  f"{Path(elf).resolve()}"


def write(run, places, out):
    found = sums(Life(run))
    lines = [f"heap profile: {numbers(found.values())} heapprofile"]
    for stack, one in found.items():
        lines.append(" ".join([numbers([one]),
                               *(f"{at:#010x}" for at in addresses(stack, places))]))
    lines += ["", "MAPPED_LIBRARIES:", *mapped(places.elf)]
    out.write(("\n".join(lines) + "\n").encode())
