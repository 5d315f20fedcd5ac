"""marbles_drgn.py - a dump in drgn: `python3 -i mm/gdb/marbles_drgn.py ELF DUMP`.

    >>> prog["heap"].buddy.nfree            any variable, in drgn's own way
    >>> leaks(prog)                         what is live by kind, as `marbles leaks -j`
    >>> marks = mark(prog)                  and all that mark.py knows, to go on from

As a script with a third word, `leaks`, it prints that and ends.  Python may be any that
has drgn (Debian: python3-drgn, for /usr/bin/python3).

drgn takes dumps of Linux only; so it is told itself which memory lies where (core.py),
and takes types and variables from the kernel's debug information.  The modules of GDB's
commands that find what is lost know GDB by target.py alone: here is another one.
"""
import importlib
import importlib.util
import json
import os
import re
import sys
import types

import drgn

PACKAGE = "marbles_mm"
FOLDER = os.path.dirname(os.path.abspath(__file__))


def load(name):
    """A module beside this file, of a package of their own."""
    if PACKAGE not in sys.modules:
        spec = importlib.util.spec_from_loader(PACKAGE, loader=None, is_package=True)
        sys.modules[PACKAGE] = importlib.util.module_from_spec(spec)
        sys.modules[PACKAGE].__path__ = [FOLDER]
    keep, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        return importlib.import_module(f"{PACKAGE}.{name}")
    finally:
        sys.dont_write_bytecode = keep


def open_dump(elf, dump):
    """A drgn.Program over both."""
    core = load("core").Core(dump)
    program = drgn.Program(drgn.Platform(drgn.Architecture.I386,
                                         drgn.PlatformFlags.IS_LITTLE_ENDIAN))
    for start, end, offset in core.parts:
        def read(address, count, into, physical, offset=offset):
            return core.raw[offset + into:offset + into + count]
        program.add_memory_segment(start, end - start, read, False)
    program.load_debug_info([elf])
    return program


class Unreadable(Exception):
    """Memory that is not there; the text says which."""


def target_of(program):
    """A module that does with drgn what target.py does with GDB."""
    fields = load("layout")

    class Layout(fields.Fields):
        def __init__(self, name, _file=None):
            self.type = program.type(f"struct {name}")
            super().__init__(self.type.size)
            self._collect(self.type, 0)

        def _collect(self, of, base):
            for member in of.members:
                kind = member.type
                while kind.kind == drgn.TypeKind.TYPEDEF:
                    kind = kind.type
                if not member.name:
                    self._collect(kind, base + member.bit_offset)
                    continue
                bits = member.bit_field_size or 8 * drgn.sizeof(kind)
                element = drgn.sizeof(kind.type) if kind.kind == drgn.TypeKind.ARRAY else 0
                self.fields[member.name] = base + member.bit_offset, bits, element

    def read(address, size, what):
        try:
            return program.read(address, size) if size else b""
        except drgn.FaultError:
            raise Unreadable(f"{what}: {size} bytes at {address:#x} cannot be read")

    def read_string(address, limit=256):
        try:
            text = drgn.Object(program, "char *", address).string_()
        except drgn.FaultError:
            return None
        return text[:limit].decode(errors="replace")

    def variable(name, file=None):
        """By a path: a name, then [number] and .field, in any order."""
        found = program.variable(*filter(None, (re.match(r"\w+", name)[0], file)))
        for number, field in re.findall(r"\[(\d+)\]|\.(\w+)", name):
            found = getattr(found, field) if field else found[int(number)]
        return found

    def place(name, file=None):
        found = variable(name, file)
        if found.address_ is None:      # the compiler has left it out
            raise LookupError(name)
        return found.address_, drgn.sizeof(found)

    def value(name, file=None):
        return int.from_bytes(read(*place(name, file), name), "little")

    def if_there(function, file, name):
        try:
            return function(name, file)
        except (LookupError, AttributeError, TypeError):
            return None

    def address_of_label(name):
        try:
            return program.symbol(name).address
        except LookupError:
            return None

    def enum(name):
        values = dict(program.type(f"enum {name}").enumerators)
        return values, {number: name for name, number in values.items()}

    module = types.ModuleType(f"{PACKAGE}.target")
    module.__dict__.update(
        Layout=Layout, Unreadable=Unreadable, cache_number=fields.cache_number,
        enum=enum, read=read, read_string=read_string, place=place, value=value,
        address_of_label=address_of_label,
        constant=lambda name, _file: int(program.constant(name)),
        static=lambda file, name: if_there(value, file, name),
        static_place=lambda file, name: if_there(place, file, name),
        word_size=lambda: drgn.sizeof(program.type("void *")),
        # What drgn does not take from a dump: then the whole stack is looked at.
        register=lambda name: None, registers=list,
        function_around=lambda address: None, variable_around=lambda address: None)
    return module


def mark(program):
    """All that is live, and its kinds: mark.py."""
    for name in [name for name in sys.modules if name.startswith(PACKAGE)]:
        del sys.modules[name]           # they know the program that they were loaded for
    target = target_of(program)
    sys.modules[target.__name__] = target
    return load("mark").look(load("heap").Heap())


def leaks(program):
    """The rows of `marbles leaks -j`."""
    marks = mark(program)
    rows = load("rows")
    return list(rows.as_json(rows.count_by_site(marks, load("mark").LISTED, 0),
                             load("sites").Sites()))


def main():
    elf, dump, *words = sys.argv[1:]
    program = open_dump(elf, dump)
    if words == ["leaks"]:
        for row in leaks(program):
            print(json.dumps(row))
    return program


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    prog = main()
