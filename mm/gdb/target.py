"""target.py - memory and struct layouts of whatever GDB looks at.

A running kernel, a core, a hosted program of 32 or 64 bits: offsets and sizes come
from DWARF, memory in blocks as large as possible.  A gdb.Value for each field would
take a hundred times as long.
"""
import codecs
import struct

import gdb

LARGEST_READ = 1 << 30
STRING_LIMIT = 256


# As kernel/shell/json.c has it: a byte that is no UTF-8 is the character of that number.
codecs.register_error("marbles", lambda error: (
    error.object[error.start:error.end].decode("latin-1"), error.end))


class Unreadable(Exception):
    """Memory that is not there; the text says which."""


def read(address, size, what):
    """Bytes of memory; `what` is for the message if they cannot be had."""
    if size == 0:
        return b""
    try:
        if not 0 <= address and size <= LARGEST_READ:
            raise OverflowError
        return bytes(gdb.selected_inferior().read_memory(address, size))
    except (gdb.error, OverflowError):
        raise Unreadable(f"{what}: {size} bytes at {address:#x} cannot be read")


def read_string(address, limit=STRING_LIMIT):
    """A C string, or None where there is none."""
    text = b""
    while address and len(text) < limit:
        size = 64 - (address + len(text)) % 64      # never across a page for nothing
        try:
            text += read(address + len(text), size, "string")
        except Unreadable:
            return None
        if b"\0" in text:
            return text[:text.index(b"\0")].decode(errors="marbles")
    return None


def variable(name):
    """A global variable of mm."""
    symbol = gdb.lookup_global_symbol(name)
    if symbol is None:
        raise gdb.GdbError(f"there is no mm in this program: no symbol \"{name}\" "
                           "(is it built with -g?)")
    return symbol.value()


def address_of_label(name):
    """A symbol of the linker or of assembly; None: there is none."""
    try:
        return int(gdb.parse_and_eval(f"(unsigned long)&{name}"))
    except gdb.error:
        return None


def static(file, name, of=""):
    """A static variable that may not be there, or what is made `of` it, or None."""
    try:
        return int(gdb.parse_and_eval(f"{of}'{file}'::{name}"))
    except gdb.error:
        return None


def cache_number(name):
    """Of a cache, as a page struct names it; None: cache_name() of mm makes no such."""
    number = name >> 1
    return number if name & 1 == bin(number).count("1") & 1 else None


def enum(name):
    """The values of an enum by name, and the names by value."""
    values = {f.name: f.enumval for f in gdb.lookup_type("enum " + name).fields()}
    return values, {value: name for name, value in values.items()}


class Layout:
    """Where the fields of a struct lie."""

    def __init__(self, name):
        self.type = gdb.lookup_type("struct " + name)
        self.size = self.type.sizeof
        self.fields = {}
        self._collect(self.type, 0)

    def _collect(self, of, base):
        for field in of.fields():
            kind = field.type.strip_typedefs()
            if field.name:
                bits = field.bitsize or 8 * kind.sizeof
                self.fields[field.name] = (base + field.bitpos, bits, kind)
            else:
                self._collect(kind, base + field.bitpos)

    def get(self, raw, name, base=0):
        """An integer field of the struct at raw[base]."""
        bit, bits, _ = self.fields[name]
        first, last = base + bit // 8, base + (bit + bits + 7) // 8
        return int.from_bytes(raw[first:last], "little") >> bit % 8 & (1 << bits) - 1

    def array(self, raw, name, base=0):
        """An array field, as a tuple of unsigned integers."""
        bit, bits, kind = self.fields[name]
        letter = {1: "B", 2: "H", 4: "I", 8: "Q"}[kind.target().sizeof]
        count = bits // 8 // kind.target().sizeof
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
        return self.fields[name][1] // 8 // self.fields[name][2].target().sizeof

    def unpacker(self, *names):
        """A struct.Struct over whole structs that yields these fields, in order."""
        text, at = "<", 0
        for name in names:
            bit, bits, _ = self.fields[name]
            text += f"{bit // 8 - at}x" + {8: "B", 16: "H", 32: "I", 64: "Q"}[bits]
            at = (bit + bits) // 8
        return struct.Struct(text + f"{self.size - at}x")


class Command(gdb.Command):
    """A subcommand of `marbles`: splits its arguments, and never tracebacks."""
    name = ""
    most = 0                    # arguments beside -j
    usage = "[-j]"

    def __init__(self):
        super().__init__("marbles " + self.name, gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        self.dont_repeat()
        words = gdb.string_to_argv(argument)
        json = "-j" in words
        words = [word for word in words if word != "-j"]
        if len(words) > self.most or any(word.startswith("-") for word in words):
            raise gdb.GdbError(f"usage: marbles {self.name} {self.usage}")
        try:
            self.run(words, json)
        except (Unreadable, gdb.error) as error:    # MemoryError of GDB is one
            raise gdb.GdbError(f"marbles {self.name}: {error}")


def number(text, name):
    """An argument: any expression that GDB can make a number of."""
    try:
        value = gdb.parse_and_eval(text)
        if value.type.strip_typedefs().code == gdb.TYPE_CODE_ARRAY:
            value = value.address
        return int(value) & (1 << 8 * gdb.lookup_type("long").sizeof) - 1
    except gdb.error as error:
        raise gdb.GdbError(f"{name}: {error}")


def write(text):
    gdb.write(text + "\n")
