"""A fault at any instruction of `stress` ends it, and mm is whole: labs/inject.c."""
import re

import pytest

DIALS = "slub_debug=FZPU quarantine=64K"
FAULT = "page fault: read from 0xf0000000, which is not mapped"
# Faults at random instructions, and at random ones of mm, with these parameters.
ALL_WAYS = {"": (60, 100), DIALS: (10, 25), "kmemleak=off": (10, 25),
            f"kmemleak=off {DIALS}": (10, 25),
            f"kfence.every=5 debug_pagealloc=on {DIALS}": (10, 25)}


def works(machine):
    machine.is_whole()
    name, _ = machine.take("kmalloc 100")
    assert machine.run(f"kfree {name}")[0].endswith(": given back")


@pytest.mark.parametrize("parameters", ALL_WAYS)
def test_a_fault_at_any_instruction_leaves_mm_whole(boot, lab_elf, parameters):
    machine = boot(lab_elf, cmdline=f"console=ttyS0 {parameters}")
    for count, option in zip(ALL_WAYS[parameters], ("", " -m")):
        lines = machine.run(f"inject {count} 1{option}", timeout=300)
        assert lines[-1] == f"inject: {count} ended, and all is whole"
        assert lines.count(FAULT) == count
        assert lines.count("stepped has ended by this fault, status 5") == count
    assert any("inside the allocator, " in line for line in lines)
    works(machine)


@pytest.mark.parametrize("parameters", ["", DIALS])
def test_a_fault_at_any_instruction_of_a_scan_leaves_marks_and_records_whole(
        boot, lab_elf, parameters):
    machine = boot(lab_elf, cmdline=f"console=ttyS0 {parameters}")
    lines = machine.run("inject 100 -s", timeout=300)
    assert lines[-1] == "inject: 100 ended, and all is whole"
    assert lines.count("stepped has ended by this fault, status 5") == 100
    assert sum(" (mm/scan/" in line for line in lines) >= 100
    works(machine)


def test_the_outermost_command_is_ended_as_well(boot, lab_elf):
    machine = boot(lab_elf)
    for instruction in 1, 2, 500, 5000:
        text = "\n".join(machine.run(f"stepped {instruction} 3 -m"))
        assert text.startswith(FAULT), text
        assert re.search(r"^  \S+ cmd_stepped\+.*\n  \S+ command_body\+", text, re.M)
        works(machine)


def test_without_a_fault_stress_ends_as_ever(boot, lab_elf):
    machine = boot(lab_elf)
    lines = machine.run("stepped 4000000000 1 20")
    assert lines == machine.run("stress 20 1")
    assert lines[0].endswith("all given back, all rules hold")
    works(machine)


def test_what_does_not_add_up_is_said_with_the_line_that_repeats_it(boot, lab_elf):
    machine = boot(lab_elf)
    machine.run("kmalloc 100")          # given back with all else, and missed then
    line = machine.run("inject 9 1 -m")[-1]
    found = re.fullmatch(r"inject: number 1: (stepped \d+ \d+ -m): not as much is live "
                         "as at first", line)
    assert found, line
    assert FAULT in machine.run(found[1])


def test_a_tick_at_any_instruction_of_a_guarded_call_leaves_it_its_own(boot, lab_elf):
    machine = boot(lab_elf, arguments=["-icount", "shift=5,sleep=off"])
    (line,) = machine.run("nested 200")
    assert line.endswith(" ticks, and each call was alone")
    works(machine)
