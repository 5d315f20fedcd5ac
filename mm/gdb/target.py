"""target.py - memory and struct layouts of whatever GDB looks at.

A running kernel, a core, a hosted program of 32 or 64 bits: offsets and sizes come
from DWARF, memory in blocks as large as possible.  A gdb.Value for each field would
take a hundred times as long.
"""
import codecs
import contextlib
import os
import re

import gdb

from .layout import Fields, cache_number  # noqa: F401 (others take them from here)

LARGEST_READ = 1 << 30
STRING_LIMIT = 256


# As kernel/shell/json.c has it: a byte that is no UTF-8 is the character of that number.
codecs.register_error("marbles", lambda error: (
    error.object[error.start:error.end].decode("latin-1"), error.end))


class Unreadable(Exception):
    """Memory that is not there; the text says which."""


# What is looked at instead: something with a read(address, size) of its own, which
# returns None for what it does not have.
instead = None


def read(address, size, what):
    """Bytes of memory; `what` is for the message if they cannot be had."""
    if size == 0:
        return b""
    try:
        if not 0 <= address and size <= LARGEST_READ:
            raise OverflowError
        found = instead.read(address, size) if instead else None
        if found is not None:
            return found
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


def place(name):
    """(address, bytes) of a global variable."""
    found = variable(name)
    return int(found.address), found.type.sizeof


def value(name):
    """A global variable that is a number or a pointer."""
    return value_of(variable(name))


def address_of_label(name):
    """A symbol of the linker or of assembly; None: there is none."""
    try:
        return int(gdb.parse_and_eval(f"(unsigned long)&{name}"))
    except gdb.error:
        return None


def static(file, name, of=""):
    """A static variable that may not be there, or what is made `of` it, or None."""
    try:
        return value_of(gdb.parse_and_eval(f"{of}'{file}'::{name}"))
    except gdb.error:
        return None


def static_place(file, name):
    """(address, bytes) of a static variable; None: there is none."""
    try:
        found = gdb.parse_and_eval(f"'{file}'::{name}")
    except gdb.error:
        return None
    if found.address is None:   # the compiler has left it out
        return None
    return int(found.address), found.type.sizeof


def value_of(found):
    """An integer variable, read from where memory is read; or any other number."""
    if found.address is None:
        return int(found)
    raw = read(int(found.address), found.type.sizeof, "a variable")
    return int.from_bytes(raw, "little")


OF_MM = "mm/slab.c"             # it knows all that mm's files share


def symtabs(file):
    """Of a file, by the lines of it that GDB knows; of one that is not there, none."""
    try:
        return [line.symtab for line in gdb.decode_line(f"{file}:1")[1] or ()]
    except gdb.error:
        return []


def scope(file):
    """Where names mean what they do in that file: a lab may have a struct of the same name.
    None: there is no such file in this program."""
    return next((symtab.static_block() for symtab in symtabs(file)
                 if symtab.filename.endswith(file)), None)


def type_of(name, file):
    """`struct page`, `enum page_kind`, as that file has it."""
    block = scope(file)
    return gdb.lookup_type(name, block) if block else gdb.lookup_type(name)


def constant(name, file):
    """Of an enum without a name, as that file has it."""
    block = scope(file)
    found = gdb.lookup_symbol(name, block)[0] if block else None
    return int(found.value() if found else gdb.parse_and_eval(name))


def word_size():
    """Bytes of a pointer."""
    return gdb.lookup_type("long").sizeof


def register(name):
    """Of the innermost frame; None: there is none, or what is read has none."""
    try:
        return None if instead else int(gdb.newest_frame().read_register(name))
    except (gdb.error, ValueError):
        return None


def registers():
    """What is in those that may hold a pointer, in the innermost frame."""
    try:
        frame = None if instead else gdb.newest_frame()
        known = frame.architecture().registers("general") if frame else ()
    except (gdb.error, AttributeError):         # GDB before version 10
        return []
    found = []
    for register in known:
        with contextlib.suppress(gdb.error):    # flags are no number
            found.append(int(frame.read_register(register.name)))
    return found


def outermost_stack_pointer():
    """Of the frame that nobody called, as far as frames can be followed."""
    frame = None if instead else gdb.newest_frame()
    while frame is not None and frame.older() is not None:
        frame = frame.older()
    return None if frame is None else int(frame.read_register("sp"))


def function_around(address):
    """(name, start, size) by GDB's own knowledge, or None."""
    try:
        block = gdb.block_for_pc(address)
    except RuntimeError:
        return None
    while block is not None and block.function is None:
        block = block.superblock
    if block is None:
        return None
    return block.function.linkage_name, block.start, block.end - block.start


def variable_around(address):
    """(name, start, size), the size unknown, by GDB's own knowledge, or None."""
    said = gdb.execute(f"info symbol {address:#x}", to_string=True)
    found = re.match(r"(\w+)(?: \+ (\d+))? in section", said)
    return found and (found[1], address - int(found[2] or 0), 0)


variables = {}                  # by program: GDB takes half a second to look for them


def variables_below(folder):
    """(address, bytes) of each variable of the .c files of a folder, mm's own above all."""
    key = folder, int(variable("heap").address)
    if key not in variables:
        variables[key] = list(find_variables(folder))
    return variables[key]


def find_variables(folder):
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    for path, _, files in os.walk(os.path.join(root, folder)):
        for file in files:
            if file.endswith(".c"):
                name = os.path.relpath(os.path.join(path, file), root)
                yield from variables_of(name.replace(os.sep, "/"))


def variables_of(file):
    """Of one file."""
    for symtab in symtabs(file):
        for block in (symtab.global_block(), symtab.static_block()):
            for symbol in block:
                if symbol.is_variable and symbol.addr_class == gdb.SYMBOL_LOC_STATIC:
                    yield int(symbol.value().address), symbol.type.sizeof


def enum(name):
    """The values of an enum of mm by name, and the names by value."""
    values = {f.name: f.enumval for f in type_of("enum " + name, OF_MM).fields()}
    return values, {value: name for name, value in values.items()}


class Layout(Fields):
    """Where the fields of a struct lie, as a file has it."""

    def __init__(self, name, file=OF_MM):
        self.type = type_of("struct " + name, file)
        super().__init__(self.type.sizeof)
        self._collect(self.type, 0)

    def _collect(self, of, base):
        for field in of.fields():
            kind = field.type.strip_typedefs()
            if field.name:
                bits = field.bitsize or 8 * kind.sizeof
                is_array = kind.code == gdb.TYPE_CODE_ARRAY
                self.fields[field.name] = (base + field.bitpos, bits,
                                           kind.target().sizeof if is_array else 0)
            else:
                self._collect(kind, base + field.bitpos)


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
