"""layout.py - a struct in raw memory: numbers out of its fields.

Who knows types (target.py, or drgn) says where the fields lie.
"""
import struct


class Fields:
    def __init__(self, size):
        self.size = size
        self.fields = {}        # name: (first bit, bits, bytes of an element or 0)

    def get(self, raw, name, base=0):
        """An integer field of the struct at raw[base]."""
        bit, bits, _ = self.fields[name]
        first, last = base + bit // 8, base + (bit + bits + 7) // 8
        return int.from_bytes(raw[first:last], "little") >> bit % 8 & (1 << bits) - 1

    def array(self, raw, name, base=0):
        """An array field, as a tuple of unsigned integers."""
        bit, bits, element = self.fields[name]
        letter = {1: "B", 2: "H", 4: "I", 8: "Q"}[element]
        count = bits // 8 // element
        return struct.unpack_from(f"<{count}{letter}", raw, base + bit // 8)

    def all(self, raw, base=0):
        """Every integer field, by name."""
        return {name: self.get(raw, name, base) for name, (_, bits, _) in
                self.fields.items() if bits <= 64}

    def most(self, name):
        """The largest value that fits into a field: NO_PAGE, for a page number."""
        return (1 << self.fields[name][1]) - 1

    def length(self, name):
        """The number of elements of an array field."""
        return self.fields[name][1] // 8 // self.fields[name][2]

    def unpacker(self, *names):
        """A struct.Struct over whole structs that yields these fields, in order."""
        text, at = "<", 0
        for name in names:
            bit, bits, _ = self.fields[name]
            text += f"{bit // 8 - at}x" + {8: "B", 16: "H", 32: "I", 64: "Q"}[bits]
            at = (bit + bits) // 8
        return struct.Struct(text + f"{self.size - at}x")


def cache_number(name):
    """Of a cache, as a page struct names it; None: cache_name() of mm makes no such."""
    number = name >> 1
    return number if name & 1 == bin(number).count("1") & 1 else None
