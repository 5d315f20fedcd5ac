"""core.py - a dump as memory: what QEMU, or gcore, has written.

An ELF core is a list of pieces of memory, each with its address.  QEMU writes where
memory physically is, which in the kernel is where it virtually is.
"""
import bisect
import mmap
import struct

LOAD, CORE = 1, 4
# Of the file: kind, where the list of pieces is, bytes of one, how many; by 32, 64 bits.
FILE = {1: "<16xH10xI10xHH", 2: "<16xH14xQ14xHH"}


class Core:
    def __init__(self, path):
        with open(path, "rb") as file:
            self.raw = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if self.raw[:4] != b"\x7fELF" or self.raw[4] not in FILE or self.raw[5] != 1:
            raise ValueError(f"{path} is no dump: no ELF file of this kind of machine")
        self.parts = sorted(self._read_parts(self.raw[4]))
        self.starts = [start for start, _, _ in self.parts]

    def _read_parts(self, bits):
        kind, at, size, count = struct.unpack_from(FILE[bits], self.raw)
        if kind != CORE:
            raise ValueError("it is no dump, but a program or a library")
        for n in range(count):
            kind, offset, address, held = self._part(bits, at + n * size)
            if kind == LOAD and held:
                yield address, address + held, offset

    def _part(self, bits, at):
        if bits == 1:
            kind, offset, address, _, held = struct.unpack_from("<5I", self.raw, at)
        else:
            kind, offset, address, _, held = struct.unpack_from("<I4xQQQQ", self.raw, at)
        return kind, offset, address, held

    def read(self, address, size):
        """Bytes that may lie in more than one piece; None: some are in none."""
        found = b""
        while size > 0:
            i = bisect.bisect_right(self.starts, address) - 1
            if i < 0 or address >= self.parts[i][1]:
                return None
            start, end, offset = self.parts[i]
            n = min(size, end - address)
            found += self.raw[offset + address - start:offset + address - start + n]
            address, size = address + n, size - n
        return found
