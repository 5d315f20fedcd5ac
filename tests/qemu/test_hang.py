"""What never ends is ended: by Ctrl-C, by the watchdog; mm is whole then, and the prompt
alive."""
import re

import pytest
from marbles import GUEST_TIME

# hang KIND: the function that it is in when it is ended; None: one of several.
BY_CTRL_C = {"loop": "hang_loop", "check": None, "taking": None, "leaking": None,
             "printing": None, "commands": None, "constructor": "hang_loop",
             "ticks": "hang_loop"}
BY_NMI = {"irq-off": "hang_loop", "halted": "hang_halted"}


def works(machine):
    machine.is_whole()
    name, _ = machine.take("kmalloc 100")
    assert machine.run(f"kfree {name}")[0].endswith(": given back")


def begin(machine, kind):
    machine.send(f"hang {kind}\r")
    machine.wait_for("it hangs")


def interrupt(machine, keys="\x03"):
    """Type; what the end of the command says."""
    machine.send(keys)
    return "\n".join(machine.until_prompt())


@pytest.mark.parametrize("kind", BY_CTRL_C)
def test_ctrl_c_ends_what_never_asks_for_it(boot, lab_elf, kind):
    machine = boot(lab_elf)
    begin(machine, kind)
    said = interrupt(machine)
    found = re.search(r"^hang was ended by Ctrl-C, in (\w+)\+.*status 6$", said, re.M)
    assert found, said
    assert BY_CTRL_C[kind] in (None, found[1])
    assert len(re.findall(r"^Ctrl-C: hang is now in \w+\+.*\ncalled from:$", said,
                          re.M)) == 1, said
    calls = said.partition("called from:")[2]
    if kind != "commands":              # the list ends with the inner one
        assert re.search(r"^  0x\w+ cmd_hang\+.*\n  0x\w+ command_body\+", calls,
                         re.M), said
    if kind == "leaking":
        machine.is_whole()              # and there may be nothing left to take
    else:
        works(machine)


def test_ctrl_c_waits_until_mm_is_at_rest(boot, lab_elf):
    machine = boot(lab_elf)
    for kind in ("check", "taking") * 3:
        begin(machine, kind)
        assert "inside the allocator" not in interrupt(machine)
    works(machine)


def test_a_second_ctrl_c_does_not_wait(boot, lab_elf):
    machine = boot(lab_elf)
    begin(machine, "loop")
    said = interrupt(machine, "\x03\x03")      # it may still be printing that it hangs
    assert "hang was ended by Ctrl-C, in " in said and " cmd_hang+" in said
    works(machine)


def test_more_of_ctrl_c_does_not_end_what_comes_behind_the_command(boot, lab_elf):
    """A slow machine with much memory: there mm_check() takes several ticks."""
    machine = boot(lab_elf, memory="2G", arguments=["-icount", "shift=8"])
    begin(machine, "loop")
    said = interrupt(machine, "\x03\x03\x03")
    assert "hang was ended by Ctrl-C, in hang_loop+" in said
    assert "broken" not in said
    machine.is_whole()


def test_ctrl_c_ends_the_rest_of_the_line_and_of_what_was_typed_before(boot, lab_elf):
    machine = boot(lab_elf)
    machine.send("hang loop; whatis 0\r")
    machine.wait_for("it hangs")
    machine.send("kmalloc 10\r")
    said = interrupt(machine)
    assert "page 0" not in said
    assert said.endswith("\nshell: the rest of the line was not run: whatis 0"), said
    works(machine)


def test_what_a_command_within_the_one_that_is_ended_had_set_up_stops(boot, lab_elf):
    machine = boot(lab_elf)
    machine.send("more hang ticks\r")
    machine.wait_for("it hangs")
    assert "  put back: 1 interrupt handler stopped" in interrupt(machine)
    works(machine)


@pytest.mark.parametrize("kind", BY_NMI)
def test_with_interrupts_off_the_device_ends_it(boot, lab_elf, kind):
    machine = boot(lab_elf, arguments=GUEST_TIME)
    begin(machine, kind)
    said = "\n".join(machine.until_prompt())
    assert "watchdog: no timer interrupt for 4 seconds; here it stands:" in said
    assert re.search(rf"^  in {BY_NMI[kind]}\+", said, re.M), said
    assert re.search(rf"^hang was ended by the watchdog, in {BY_NMI[kind]}\+.*status 6$",
                     said, re.M), said
    assert "  put back: interrupts on" in said
    works(machine)


def test_a_handler_that_does_not_return_is_ended_and_its_command(boot, lab_elf):
    machine = boot(lab_elf, arguments=GUEST_TIME)
    begin(machine, "handler")
    said = "\n".join(machine.until_prompt())
    assert "  in an interrupt handler" in said
    assert "\nthis handler is not called any more: endless_handler+" in said
    assert "hang was ended by the watchdog, in its handler endless_handler+" in said
    works(machine)


def test_what_a_command_has_switched_is_put_back_and_said(boot, lab_elf):
    machine = boot(lab_elf, arguments=GUEST_TIME)
    begin(machine, "switched")
    said = "\n".join(machine.until_prompt())
    assert "  put back: interrupts on, 1 interrupt handler stopped, loglevel 7, " \
        "slab_debug=-" in said and "slub_debug" not in said.split("put back")[1]
    assert "  put back: 1 observer taken out" in said
    (dial,) = machine.json("params slub_debug -j")
    assert dial["now"] in ("", "-")
    works(machine)


@pytest.mark.parametrize("kind", ["loop", "taking"])
def test_the_watchdog_ends_what_takes_too_long(boot, lab_elf, kind):
    machine = boot(lab_elf, cmdline="watchdog=1", arguments=GUEST_TIME)
    begin(machine, kind)
    said = "\n".join(machine.until_prompt())
    assert re.search(r"^watchdog: hang has run for 1 s, and is now in \w+\+", said, re.M)
    assert re.search(r"called from:\s.*cmd_hang.*command_body", said, re.S), said
    assert re.search(r"^hang was ended by the watchdog, in .*status 6$", said, re.M)
    works(machine)


def test_what_ends_in_time_the_watchdog_leaves_alone(boot, lab_elf):
    machine = boot(lab_elf, cmdline="watchdog=30")
    assert not any("watchdog" in line for line in machine.run("stress 2000"))


def test_what_asks_for_ctrl_c_ends_by_itself(boot, lab_elf):
    machine = boot(lab_elf)
    machine.send("drain 1\r")
    machine.wait_for("dropped")
    said = interrupt(machine)
    assert "was ended" not in said and "stopped; what has leaked stays" in said
