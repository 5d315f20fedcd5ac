"""A loader that lies, or leaves what it says where nothing will be mapped.

Before the kernel's first instruction GDB writes a struct multiboot_info of our own making,
and ebx points to it (Multiboot Specification 0.6.96, section 3.3).
"""
import random
import struct

import pytest
from marbles import Machine

MEMORY, CMDLINE, MODS, MAP, NAME = 1, 4, 8, 64, 512
RAM, RESERVED = 1, 2
MIB = 1 << 20


def entries(*ranges):
    return b"".join(struct.pack("<IQQI", 20, start, length, kind)
                    for start, length, kind in ranges)


SOUND = entries((0, 0x9f000, RAM), (MIB, 63 * MIB, RAM))


def info(flags=MEMORY | MAP, cmdline=0, mods=(0, 0), map_=(0, 0), name=0):
    """The fields up to boot_loader_name."""
    return struct.pack("<IIIII II 4I II IIII", flags, 639, 63 * 1024, 0, cmdline,
                       *mods, 0, 0, 0, 0, map_[1], map_[0], 0, 0, 0, name)


def boot_with(elf, tmp_path, parts, at, memory="64M"):
    """parts: {address: bytes}; `at` is where the information lies."""
    machine = Machine(elf, memory=memory, stopped=True)
    commands = ["break entry", "continue"]
    for n, (address, data) in enumerate(parts.items()):
        file = tmp_path / f"part{n}"
        file.write_bytes(data)
        commands.append(f"restore {file} binary {address:#x}")
    commands.append(f"set $ebx = {at:#x}")
    commands.append("delete")
    machine.gdb(*commands)
    machine.boot_lines = machine.until_prompt()
    return machine


def said(machine):
    return "\n".join(machine.boot_lines)


def check_it_works(machine):
    machine.run("kmalloc 100; kfree $1")
    machine.is_whole()
    assert machine.meminfo()["total_kb"] > 50000
    for address in ("0", "0x9000", "0x9f000", "0x3ff0000", "0xfffffff0"):
        machine.run(f"whatis {address}")


@pytest.mark.parametrize("where", [0x10, 0x9f800, 0x3f00000])
def test_what_the_loader_says_may_lie_where_nothing_is_mapped(elf, tmp_path, where):
    """In page 0, in firmware's memory, at the end of RAM that is called reserved."""
    ram = entries((0, 0x9f000, RAM), (MIB, 62 * MIB, RAM), (63 * MIB, MIB, RESERVED))
    parts = {where: info(MEMORY | MAP | CMDLINE, cmdline=where + 0x100,
                         map_=(where + 0x200, len(ram))),
             where + 0x100: b"loglevel=8 nonsense=1\0", where + 0x200: ram}
    with boot_with(elf, tmp_path, parts, where) as machine:
        assert "nonsense: unknown kernel parameter" in said(machine)
        check_it_works(machine)


LIES = {
    "modules without end": (dict(flags=MEMORY | MAP | MODS, mods=(0xffffffff, 0x9000)),
                            "4294967295 modules, at 0x00009000, are not believed"),
    "modules nowhere": (dict(flags=MEMORY | MAP | MODS, mods=(3, 0xfffffff0)), "3 modules, at 0xfffffff0, are not"),
    "modules of nothing": (dict(flags=MEMORY | MAP | MODS, mods=(2, 0x8ff0)),
                           "2 of 2 modules not in RAM: ignored"),
    "a map without end": (dict(map_=(0x8000, 0xffffffff)), "4294967295 bytes is not believed"),
    "a map around the end": (dict(map_=(0xfffffff0, 200)), "ends behind 4 GiB: ignored"),
    "a line without end": (dict(flags=MEMORY | MAP | CMDLINE, cmdline=0x20000), "is cut"),
    "a line at 0": (dict(flags=MEMORY | MAP | CMDLINE, cmdline=0), ""),
    "a name nowhere": (dict(flags=MEMORY | MAP | NAME, name=0xfffffffe), ""),
    "everything promised": (dict(flags=0xfff), ""),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_field_that_lies_is_bounded_and_said(elf, tmp_path, lie):
    fields, words = LIES[lie]
    fields = {"map_": (0x8000, len(SOUND)), **fields}
    parts = {0x7000: info(**fields), 0x8000: SOUND + bytes(24),
             0x20000: b"x" * 20000}
    with boot_with(elf, tmp_path, parts, 0x7000) as machine:
        assert words in said(machine)
        check_it_works(machine)


@pytest.mark.parametrize("size, length", [(0, 200), (0xffffffff, 200), (19, 200),
                                          (0xfffffffc, 0xffffffff)])
def test_an_entry_that_lies_ends_the_map(elf, tmp_path, size, length):
    bad = SOUND + struct.pack("<IQQI", size, 0x10000000, 0x1000, RAM)
    parts = {0x7000: info(map_=(0x8000, length)), 0x8000: bad}
    with boot_with(elf, tmp_path, parts, 0x7000) as machine:
        check_it_works(machine)


ANYTHING = [0, 1, 0x1000, 0x7000, 0x8000, 0x20000, 0xa0000, 0xb8000, 0x100000, 0x120000,
            0x3ffffff, 0x4000000, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff]


@pytest.mark.parametrize("seed", range(12))
def test_all_fields_but_the_map_may_lie_at_once(elf, tmp_path, seed):
    """Hosted, tests/fuzz/fuzz_loader.c has the map lie as well."""
    choose = random.Random(seed)
    fields = [choose.choice(ANYTHING + [choose.getrandbits(32)]) for _ in range(29)]
    fields[0] = fields[0] & ~MAP | MEMORY | choose.choice([0, MAP])
    fields[2] = 63 * 1024 if not fields[0] & MAP else fields[2]
    fields[11:13] = [len(SOUND), 0x8000]
    modules = struct.pack("<8I", *(choose.choice(ANYTHING) for _ in range(8)))
    fields[5:7] = choose.choice([fields[5:7], [2, 0x9000]])
    parts = {0x7000: struct.pack("<29I", *fields), 0x8000: SOUND + bytes(24),
             0x9000: modules, 0x20000: b"\x1b[2J" + b"x" * 20000}
    with boot_with(elf, tmp_path, parts, 0x7000) as machine:
        machine.run("kmalloc 100; kfree $1; params; dmesg")
        machine.is_whole()
        for address in ("0", "0x9000", "0x20000", "0x3ff0000", "0xfffffff0"):
            machine.run(f"whatis {address}")
        assert "\x1b" not in said(machine)


def test_312_ranges_are_all_used(elf, tmp_path):
    ranges = [(MIB + n * 0x20000, 0x1f000, RAM) for n in range(311)]
    ranges.append((48 * MIB, 16 * MIB, RAM))
    parts = {0x7000: info(map_=(0x8000, 24 * 312)), 0x8000: entries(*ranges)}
    with boot_with(elf, tmp_path, parts, 0x7000) as machine:
        assert machine.meminfo()["total_kb"] > 300 * 124 + 16 * 1024
        assert machine.meminfo()["skipped_ranges"] == 0
        assert "a free block of pages" in machine.run("whatis 0x01030000")[0]
        machine.is_whole()


def test_of_too_many_ranges_the_largest_are_used_and_that_is_said(elf, tmp_path):
    ranges = [(MIB + n * 0x4000, 0x3000, RAM) for n in range(510)]
    ranges.append((48 * MIB, 16 * MIB, RAM))
    parts = {0x7000: info(map_=(0x8000, 24 * 511)), 0x8000: entries(*ranges)}
    with boot_with(elf, tmp_path, parts, 0x7000) as machine:
        assert "small ranges are not used: there is room for 400" in said(machine)
        assert machine.meminfo()["total_kb"] > 16 * 1024
        machine.is_whole()
