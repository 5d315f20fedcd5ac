"""why-lost: the line that dropped the last pointer: kernel/trace/lastptr.c."""
import re

import pytest
from marbles import CTRL_C, ROOT, line_of, make, site

from conftest import build_with

LOST = "tests/labs/lost.c"
LISTS = "tests/labs/lists.c"


@pytest.fixture(scope="module")
def lost_elf():
    return build_with([ROOT / LOST, ROOT / LISTS, ROOT / "tests/labs/status.c"])


@pytest.fixture
def lost(lost_elf, boot):
    return boot(lost_elf)


def told(lines):
    """What is told of it: its beginning, and all up to the next heading as one text."""
    begin = next(n for n, line in enumerate(lines) if line.startswith("serial "))
    return " ".join(line.strip() for line in lines[begin:])


def where(lines):
    """(place, how) of the sentence that begins with "lost in"."""
    found = re.search(r"lost in (\S+) \(\S+\)(, in an interrupt)?: (.*?)"
                      r"(?= before, | it was used| a last copy| the last lines|$)", told(lines))
    assert found, lines
    return found[1], found[3]


def last_lines(lines):
    first = next(n for n, line in enumerate(lines) if line.startswith("the last lines"))
    end = next(n for n, line in enumerate(lines) if n > first and line[:2] != "  ")
    return [line.split(",")[0].strip() for line in lines[first + 1:end]]


def marked(way):
    return f"{LOST}:{line_of(LOST, rf'/. LOST.{way}.')}"


# Each way, the serial number that is lost, and how that is said.
WAYS = {
    "local": (1, r"register \w+, which had it, was overwritten"),
    "head": (1, r"the variable head was overwritten: it has 0x[0-9a-f]{8} now$"),
    "owner": (2, r"what held it was freed: offset 4 of 0x\w+ \(32 bytes, serial 1, "),
    "moved": (2, r"what held it was made smaller: offset 360 of 0x\w+ \(400 bytes, ser"),
    "interrupt": (1, r"the variable head was overwritten: it has 0x00000000 now"),
    "page": (2, r"what held it was freed: offset 4 of 0x\w+ \(4096 bytes, serial 1, "),
    "xor": (1, r"the variable head was overwritten: it has 0x00000000 now"),
    "register": (1, r"its function returned to \S+ \(register_way\), and nobody has kept "),
    "memset": (2, r"offset 4 of 0x\w+ \(32 bytes, serial 1, taken by \S+\) was overwritten"),
    "krealloc": (3, r"the variable head was overwritten"),
    "ring": (1, r"the variable head was overwritten: it has 0x00000000 now"),
    "array": (1, r"a local variable, on the stack, was overwritten: it has 0x00000000 now"),
    "ignored": (1, r"what kmalloc returned was kept nowhere"),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_line_that_lost_it_is_named(lost, way):
    serial, how = WAYS[way]
    lines = lost.run(f"why-lost {serial} lose {way}")
    place, said = where(lines)
    assert place == marked(way)
    assert re.match(how, said), said
    assert (", in an interrupt:" in told(lines)) == (way == "interrupt")
    assert "called from:" in lines
    kinds = lost.kinds()                        # and that is what leaks says
    assert kinds == ({"definite": 1, "indirect": 2} if way == "ring" else {"definite": 1})
    lost.is_whole()


def test_what_is_returned_and_ignored_names_both_functions(lost):
    lines = lost.run("why-lost 1 lose returned")
    place, said = where(lines)
    assert place == f"{LOST}:{line_of(LOST, 'return node;')+ 1}"       # where make() ends
    assert said.startswith(f"its function returned to {marked('returned')} (lose_returned)")


def test_of_a_ring_each_is_lost_in_the_same_line(lost_elf, boot):
    for serial in (2, 3):
        machine = boot(lost_elf)
        place, said = where(machine.run(f"why-lost {serial} lose ring"))
        assert place == marked("ring")
        assert "by way of which this was held" in said


def test_the_last_ten_lines_are_those_that_ran(lost):
    lines = last_lines(lost.run("why-lost 1 lose local"))
    first = line_of(LOST, "^NOINLINE static void lose_local")
    assert len(lines) == len(set(lines)) == 10
    assert lines[-1] == marked("local")
    assert lines[-4:-1] == [f"{LOST}:{first + n}" for n in (4, 5, 6)]


def test_what_held_it_and_since_which_line_is_said(lost):
    text = told(lost.run("why-lost 1 lose xor"))
    since = line_of(LOST, "^NOINLINE static void lose_xor") + 4
    assert f"before, the variable head had it, since {LOST}:{since} (lose_xor)" in text


@pytest.mark.parametrize("way", [*WAYS, "returned"])
def test_the_twin_loses_nothing(lost_elf, boot, way):
    serial, _ = WAYS.get(way, (1, ""))
    machine = boot(lost_elf)
    assert "not lost: it was freed by" in told(machine.run(f"why-lost {serial} lose {way} twin"))
    assert sum(machine.kinds().values()) == 0
    machine.is_whole()


def test_of_what_only_a_register_had_the_last_use_is_told(lost):
    text = told(lost.run("why-lost 1 lose local"))
    first = line_of(LOST, "^NOINLINE static void lose_local") + 4   # or what reads it again
    assert re.search(rf"it was used last in {LOST}:({first}|{first + 1}) \(lose_local\)", text)


def test_what_is_held_at_the_end_is_not_lost(lost):
    assert "not lost: $1 has it" in told(lost.run("why-lost 1 kmalloc 100"))
    assert "not lost: the variable head has it" in told(lost.run("why-lost 1 lists keep 1"))
    text = told(lost.run("why-lost 1 lists keep 3"))        # the last of the list
    assert re.search(r"not lost: offset 0 of 0x\w+ \(\d+ bytes, serial 4, ", text)


def test_a_pointer_that_was_hidden_meanwhile_and_is_freed_is_no_leak(lost):
    assert "not lost: it was freed by lose_xor" in told(lost.run("why-lost 1 lose xor twin"))


def test_a_serial_that_is_not_reached_is_said(lost):
    lost.run("kmalloc 1")
    assert lost.run("why-lost 3 kmalloc 10 2") [-1] == \
        "why-lost: it took 2, from serial 2 on: none of serial 4"
    assert lost.run("why-lost -a 3 kmalloc 10") [-1] == \
        "why-lost: that serial number was taken before"
    assert "not lost: $4 has it" in told(lost.run("why-lost -a 4 kmalloc 10"))


def test_a_longer_way_than_there_are_registers_leads_to_what_it_went_with(lost):
    """The eighth of a list whose head is dropped: four words of the way are watched."""
    assert "no longer known, because it went with serial 8, by way of which it was held" in \
        told(lost.run("why-lost 1 lose chain"))
    place, _ = where(lost.run("why-lost 8 lose chain"))
    assert place == marked("chain")


def test_a_fault_in_the_command_ends_what_had_it(lost):
    place, said = where(lost.run("why-lost 1 lose fault"))
    assert place == marked("fault")
    assert said == "a fault ended who had it, in a register or on the stack"
    assert lost.run("status 'why-lost 1 lists fault'")[-1] == "status 5"
    assert "not lost: the variable head has it" in told(lost.run("why-lost 1 lists fault"))
    lost.is_whole()


@pytest.mark.parametrize(("before", "way"), [("lose arm", "armed"), ("check", "nested"),
                                             ("check", "nested twin")])
def test_who_goes_on_behind_a_fault_or_a_nested_command_is_followed(lost, before, way):
    lost.run(before)
    place, said = where(lost.run(f"why-lost 1 lose {way}"))
    assert place == marked(way.split()[0])
    assert said.startswith("the variable head was overwritten")
    lost.is_whole()


def test_a_stack_that_is_full_is_a_fault_of_who_filled_it(lost):
    text = told(lost.run("why-lost 1 lose overflow"))
    first = line_of(LOST, "^NOINLINE static uint32_t overflow")
    assert re.search(rf"lost in {LOST}:({'|'.join(str(first + n) for n in range(4))}) "
                     r"\(overflow\): a fault ended who had it", text)
    leaves_nothing(lost)


def test_who_is_interrupted_is_not_stepped_when_the_handler_has_freed_it(lost):
    """TF lies in the frame of who was interrupted: else it is an exception nobody asked for."""
    assert "not lost: it was freed by free_tick" in told(lost.run("why-lost 1 lose handed"))
    leaves_nothing(lost)


def leaves_nothing(machine):
    """All debug registers are free, and no observer is there."""
    for n, name in enumerate(("longer", "members", "circle", "pointing"), 1):
        assert machine.run(f"catch {name}")[0].startswith(f"catch {n}: ")
    machine.run("catch off")
    assert "not lost: $" in told(machine.run("why-lost 1 kmalloc 10"))
    machine.is_whole()


def test_ctrl_c_while_it_steps_or_watches_leaves_nothing(lost):
    for way in ("spin", "hang"):
        lost.send(f"why-lost 1 lose {way}\r")
        lost.wait_for("on its way")
        lost.send(CTRL_C)
        lost.until_prompt()
        leaves_nothing(lost)


def test_a_fault_leaves_nothing(lost):
    for line in ("kmalloc 10; crash null", "lose fault"):
        lost.run(f"why-lost 1 '{line}'")
        leaves_nothing(lost)


def test_what_it_cannot_do_is_refused_with_the_reason(lost):
    assert "SERIAL is missing" in lost.run("why-lost")[0]
    assert "CMD is missing" in lost.run("why-lost 1")[0]
    assert "counted from 1" in lost.run("why-lost 0 kmalloc 1")[0]
    lines = lost.run("why-lost 1 why-lost 1 kmalloc 10")
    assert "why-lost: there can be one at a time, and one runs" in lines
    for name in ("longer", "members", "circle", "pointing"):
        lost.run(f"catch {name}")
    assert lost.run("why-lost 1 kmalloc 10") == [
        "why-lost: no debug register is free: catch off N gives one back"]
    lost.run("catch off 3")
    assert where(lost.run("why-lost 1 lose head"))[0] == marked("head")     # one will do


def test_without_records_it_says_why_not(boot):
    machine = boot(cmdline="kmemleak=off")
    assert machine.run("why-lost 1 kmalloc 1") != []
    assert "recorded" in " ".join(machine.run("why-lost 1 kmalloc 1"))


def test_with_all_dials_on_it_finds_the_same(lost_elf, boot):
    machine = boot(lost_elf, cmdline="slub_debug=FZPU init_on_alloc=1 init_on_free=1 "
                                     "quarantine=64K page_owner=on")
    for way in ("head", "owner", "memset"):
        serial, how = WAYS[way]
        assert where(machine.run(f"why-lost {serial} lose {way}"))[0] == marked(way)
    machine.is_whole()


def test_drain_loses_its_packets_in_receive(boot):
    machine = boot(memory="16M")
    lines = machine.run("why-lost 10 drain 500", bug="out of memory")
    place, said = where(lines)
    returns = line_of("kernel/lessons/drain.c", "damaged: nothing to deliver")
    assert place in [f"kernel/lessons/drain.c:{returns + n}" for n in range(4)]    # to its }
    assert said.startswith("its function returned to kernel/lessons/drain.c")
    assert "(receive), in an interrupt:" in told(lines)


# ---- make why-lost ----------------------------------------------------------------------

GUESTS = 'CMDS=kmalloc 1; guests 500; guests leave; whatis "$1"'
NAME = site("kernel/lessons/guests.c", r"kstrdup")
KMALLOC = site("kernel/memory/cmd_alloc.c", r"^ .*kmalloc\(")
FREED = site("kernel/lessons/guests.c", r"kfree\(guest\);")


@pytest.mark.parametrize("which", ["SERIAL=501", f"SITE={NAME}", "SITE=" + NAME.rpartition("/")[2]])
def test_make_why_lost_names_the_line_without_a_prompt(which):
    done = make("why-lost", which, GUESTS)
    lines = done.stdout.splitlines()
    assert "500 guests have left" in lines and not any("marbles>" in line for line in lines)
    assert "serial 501, 0x" in told(lines) and f"taken by arrive ({NAME})" in told(lines)
    place, said = where(lines)
    assert place == FREED and said.startswith("what held it was freed: offset 8 of ")


@pytest.mark.parametrize(("arguments", "why"), [
    (["SERIAL=1", "SITE=a.c:1", "CMDS=kmalloc 1"], "either SERIAL=N or SITE=file:line"),
    (["SERIAL=x", "CMDS=kmalloc 1"], 'SERIAL: "x" is no number from 1 on'),
    (["SERIAL=1", "CMDS=# nothing"], 'what is to be run is missing: CMDS="..."'),
    ([f"SITE={KMALLOC}", "CMDS=kmalloc 1"],
     f"nothing that {KMALLOC} took is lost, of 1 live"),
    (["SITE=a.c:1", "CMDS=kmalloc 1"],
     "nothing that a.c:1 took is lost: none of it is live"),
])
def test_make_why_lost_says_what_is_wrong(arguments, why):
    done = make("why-lost", *arguments, check=False)
    assert done.returncode == 2 and f"make why-lost: {why}" in done.stdout.splitlines()


def test_make_why_lost_asks_of_which_object():
    done = make("why-lost", "CMDS=kmalloc 1", check=False)
    assert done.returncode == 2 and "SERIAL=N or SITE=file:line is missing" in done.stderr
