"""Every command, with good arguments and bad ones: what it says, and its status."""
import json
import re

import pytest
from marbles import MarblesError, symbol

OK, FAILED, USAGE, UNKNOWN, REPORTED = 0, 1, 2, 3, 4

COMMANDS = """help meminfo buddyinfo slabinfo allocinfo leaks kmemleak refs whatis kmalloc
kfree forget pages dump poke check stress bench params dmesg uptime backtrace exit reboot
poweroff drain guests history clear watch more crash fail trace lesson quiz heapmap
catch why-lost""".split()
LISTINGS = """help meminfo buddyinfo slabinfo allocinfo leaks params uptime check
stress crash fail heapmap""".split()


def status_of(machine, line, bug=None):
    """What the line prints, and the status that it returns."""
    quote = '"' if "'" in line else "'"
    lines = machine.run(f"status {quote}{line}{quote}", bug)
    found = re.fullmatch(r"status (\d+)", lines[-1])
    if not found:
        raise MarblesError(f"{line!r} gave no status: {lines}")
    return lines[:-1], int(found[1])


# ---- help -----------------------------------------------------------------------

def test_help_lists_every_command_and_no_other(machine):
    listed = [row["name"] for row in machine.json("help -j")]
    assert sorted(listed) == sorted(COMMANDS)


def test_help_is_grouped_and_fits_a_screen(machine):
    lines = machine.run("help")
    assert len(lines) <= 23                     # and the line that was typed
    headings = [line[:12].strip() for line in lines[:lines.index("")]]
    assert [heading for heading in headings if heading] == [
        "memory", "look", "find leaks", "allocate", "try it", "lessons", "system"]
    for name in COMMANDS:
        assert any(f"  {name} " in f"{line} " for line in lines), name


def test_help_of_a_group_has_a_line_for_each_command(machine):
    groups = {row["group"] for row in machine.json("help -j")}
    for group in groups:
        of_group = machine.json(f"help {group} -j")
        assert {row["group"] for row in of_group} == {group}
        lines = machine.run(f"help {group}")
        for row in of_group:
            call = f"{row['name']} {row['usage']}".strip()
            assert any(line.startswith(f"  {call}") for line in lines), call
        assert machine.run(f"help {group.split()[0]}") == lines


@pytest.mark.parametrize("name", COMMANDS)
def test_help_tells_the_whole_of_each_command(machine, name):
    (row,) = [row for row in machine.json("help -j") if row["name"] == name]
    lines = machine.run(f"help {name}")
    assert lines[0] == f"{name} {row['usage']}" and lines[1] == row["help"]


def test_what_help_shows_as_examples_works(boot):
    """The indented lines of `help NAME` that begin with a command can be typed."""
    machine = boot()
    for name in COMMANDS:
        if name in ("drain", "watch"):    # watch: test_input.py
            continue
        for line in machine.run(f"help {name}")[2:]:
            if line.startswith("    ") and line.split()[0].rstrip(";") in COMMANDS:
                other = boot()
                other.send(line.strip() + "\r")
                answer = "\n".join(other.until_prompt())
                assert "unknown command" not in answer, (name, answer)
                assert "usage:" not in answer, (name, answer)
                other.is_whole()


# ---- good arguments -------------------------------------------------------------

@pytest.mark.parametrize("command", LISTINGS)
def test_each_listing_prints_json_objects_one_a_line(machine, command):
    rows = machine.json(f"{command} -j")
    assert all(isinstance(row, dict) for row in rows)
    assert rows or command == "allocinfo"


@pytest.mark.parametrize("line", [
    "kmalloc 100", "kmalloc 0x64", "kmalloc 4K 2", "kmalloc 1m", "kmalloc 0", "pages",
    "pages 3", "whatis 0", "whatis 4095M", "dump 0x100000", "dump 1M 1", "check -j",
    "stress 10", "stress 10 5", "stress 0", "leaks mark", "leaks since", "leaks -j since",
    "allocinfo -a", "uptime", "backtrace", "dmesg", "params", "help help", "",
    "  meminfo  ", "meminfo;", ";;", "# nothing", "meminfo # and a comment",
    "whatis \"0x100000\"", "whatis 0x\\100000"])
def test_good_arguments_give_status_0(lab, line):
    assert status_of(lab, line)[1] == OK


def typed(machine, keys):
    machine.send(keys)
    return machine.until_prompt()[1:]


def test_what_was_taken_is_held_under_its_number(boot):
    machine = boot()
    first, address = machine.take("kmalloc 64")
    assert first == "$1"
    assert machine.run("kfree $1") == [f"kfree(0x{address:08x}): given back"]
    second, _ = machine.take("pages 1")
    assert second == "$2"


def test_dollar_alone_is_the_last_pointer(boot):
    machine = boot()
    machine.run("kmalloc 100 4; kfree $2")
    _, address = machine.take("kmalloc 200")
    assert machine.json("whatis $ -j")[0]["start"] == f"0x{address:08x}"
    assert machine.json("whatis $+7 -j")[0]["offset"] == 7
    assert machine.run("kfree $") == [f"kfree(0x{address:08x}): given back"]
    assert machine.run("forget $") == [
        f"$5 = 0x{address:08x} forgotten: nothing was live there"]
    assert machine.run("kfree $") == ['kfree: pointer: the shell holds nothing as "$"']


def test_the_examples_of_help_work_on_a_used_machine(boot):
    machine = boot()
    machine.run("kmalloc 64 3; kfree $1; forget $2; pages 2")
    for name in ("kmalloc", "forget", "whatis", "dump", "buddyinfo"):
        for example in machine.run(f"help {name}"):
            if example.startswith("    ") and "params" not in example:
                said = machine.run(example.strip())
                assert not any("holds nothing" in line for line in said), said
    machine.run("kmalloc 100; kfree $; kfree $", bug="double free")


def test_kfree_all_gives_back_what_the_shell_holds(boot):
    machine = boot()
    machine.run("kmalloc 100 5; pages 3; kmalloc 3M; kfree $2")
    assert machine.run("kfree all") == ["6 pointers given back"]
    stats = machine.meminfo()
    assert (stats["live_objects"], stats["live_pages"]) == (0, 0)
    assert machine.run("kfree all") == ["0 pointers given back"]


@pytest.mark.parametrize("place", ["kmalloc", "kmalloc+16", "kmalloc-1", "kmalloc+0x10/0x99"])
def test_a_symbol_stands_wherever_an_address_may(machine, place):
    start = symbol(machine.elf, "kmalloc")
    offset = {"kmalloc": 0, "kmalloc-1": -1}.get(place, 16)
    what = machine.json(f"whatis {place} -j")[0]
    assert int(what["address"], 16) == start + offset
    assert int(machine.json(f"dump {place} 4 -j")[0]["address"], 16) == start + offset
    machine.run(f"kfree {place}", bug="not heap memory")
    assert "is no memory of the heap" in machine.run(f"poke {place}")[0]


def test_a_prompt_that_was_pasted_with_its_line_does_not_matter(boot):
    machine = boot()
    machine.send("marbles> kmalloc 100; marbles> marbles> kfree $1\r")
    machine.wait_for(": given back")
    machine.until_prompt()
    machine.send("marbles>\rmarbles> \rmarbles> che\t\r")
    assert "unknown" not in machine.wait_for("mm_check: all rules hold")


def test_a_question_mark_is_help(machine):
    assert machine.run("?") == machine.run("help")
    assert machine.run("? kfree") == machine.run("help kfree")


def test_Tab_completes_the_names_of_parameters(machine):
    assert typed(machine, "params init_on_f\t1\r") == ["init_on_free=1"]
    assert machine.run("params init_on_free=0") == ["init_on_free=off"]
    assert "now off" in machine.run("params init_on_free")[0]
    assert typed(machine, "params me\t\r")[0].split()[0] == "mem=SIZE"


def test_the_shell_holds_1024_pointers_and_then_says_so(boot):
    machine = boot()
    machine.run("kmalloc 8 1024")
    assert machine.run("kmalloc 8") == [
        "kmalloc: the shell can hold 0 more pointers, not 1; kfree or forget some"]
    machine.run("forget $1")
    machine.run("kmalloc 8")
    assert machine.meminfo()["live_objects"] == 1025


# ---- bad arguments --------------------------------------------------------------

# The line, its status, and what its one line of answer must name.
BAD = [
    ("nonsense", UNKNOWN, "nonsense: unknown command"),
    ("memInfo", UNKNOWN, 'did you mean "meminfo"?'),
    ("kfre 1", UNKNOWN, 'did you mean "kfree"?'),
    ("hepl", UNKNOWN, 'did you mean "help"?'),
    ("\x7e", UNKNOWN, "unknown command"),
    ("ls", UNKNOWN, 'ls: unknown command; "help" lists all'),
    ("quit", UNKNOWN, 'quit: unknown command; "exit" ends QEMU, "poweroff" the machine'),
    ("q", UNKNOWN, 'q: unknown command; "exit" ends QEMU'),
    ("foo", UNKNOWN, 'foo: unknown command; "help" lists all'),
    ("cat", UNKNOWN, 'cat: unknown command; "help" lists all'),
    ("take", UNKNOWN, 'take: unknown command; "help" lists all'),
    ("$1", UNKNOWN, "what an address is: whatis $1"),
    ("0x100000", UNKNOWN, "what an address is: whatis 0x100000"),
    ("kmalloc kmalloc", USAGE, '"kmalloc" is not a number'),
    ("whatis kmalloc+x", USAGE, '"kmalloc+x" is not a number'),
    ("whatis no_such_symbol", USAGE, '"no_such_symbol" is not a number'),
    ("whatis +5", USAGE, '"+5" is not a number'),
    ("whatis put", USAGE, "symbols are called put: 0x"),
    ("kmalloc", USAGE, "SIZE is missing; usage: kmalloc SIZE [COUNT]"),
    ("kmalloc ten", USAGE, 'SIZE: "ten" is not a number'),
    ("kmalloc -5", USAGE, '"-5" is not a number'),
    ("kmalloc 5x", USAGE, '"5x" is not a number'),
    ("kmalloc 0x", USAGE, '"0x" is not a number'),
    ("kmalloc 5KK", USAGE, '"5KK" is not a number'),
    ("kmalloc 5G", USAGE, "5G is too large: 0xffffffff at most"),
    ("kmalloc 99999999999999999999", USAGE, "99999999999999999999"),
    ("kmalloc 100 x", USAGE, 'COUNT: "x" is not a number'),
    ("kmalloc 100 0", USAGE, "COUNT: 0 is not 1 or more"),
    ("kmalloc 100 1 2", USAGE, 'unexpected "2"'),
    ("kmalloc 100 5000", FAILED, "the shell can hold"),
    ("kmalloc $77", USAGE, 'the shell holds nothing as "$77"'),
    ("kfree", USAGE, "a pointer is missing; usage: kfree"),
    ("kfree x", USAGE, '"x" is not a number'),
    ("kfree $0", USAGE, 'nothing as "$0"'),
    ("kfree $77", USAGE, 'nothing as "$77"'),
    ("forget", USAGE, "which one?"),
    ("forget 5", USAGE, '"5" is no $N'),
    ("forget $77", USAGE, "nothing as $77"),
    ("forget $x", USAGE, "x"),
    ("pages x", USAGE, 'ORDER: "x" is not a number'),
    ("pages 1 2", USAGE, 'unexpected "2"'),
    ("pages free", USAGE, "a pointer is missing"),
    ("pages free $77", USAGE, 'nothing as "$77"'),
    ("pages free 0 1 2", USAGE, 'unexpected "2"'),
    ("whatis", USAGE, "ADDR is missing; usage: whatis ADDR"),
    ("whatis x", USAGE, '"x" is not a number'),
    ("whatis 1 2", USAGE, 'unexpected "2"'),
    ("dump", USAGE, "ADDR is missing"),
    ("dump 0", FAILED, "page 0, which is not mapped"),
    ("dump 0xf0000000", FAILED, "0xf0000000 is not RAM"),
    ("dump 0x100000 x", USAGE, 'BYTES: "x" is not a number'),
    ("meminfo 1", USAGE, 'unexpected "1"; usage: meminfo [-j]'),
    ("meminfo -x", USAGE, 'unexpected "-x"'),
    ("buddyinfo 1", USAGE, 'unexpected "1"'),
    ("slabinfo 1", USAGE, 'unexpected "1"'),
    ("allocinfo 1", USAGE, 'unexpected "1"'),
    ("leaks now", USAGE, '"now" is none of these words'),
    ("leaks since 5", USAGE, 'no mark is called "5"'),
    ("leaks all 5", USAGE, 'unexpected "5"'),
    ("refs", USAGE, "ADDR is missing"),
    ("check 1", USAGE, 'unexpected "1"'),
    ("stress x", USAGE, 'STEPS: "x" is not a number'),
    ("stress 10 0", USAGE, "SEED is 1 or more"),
    ("stress 1 2 3", USAGE, 'unexpected "3"'),
    ("drain x", USAGE, '"x" is not a number'),
    ("drain 0", USAGE, "0 is not from 1 to 2000 packets a tick"),
    ("drain 2001", USAGE, "2001 is not from 1 to 2000"),
    ("drain 1 2", USAGE, 'unexpected "2"'),
    ("crash x", USAGE, '"x" is no KIND; "crash" lists them; usage: crash [KIND|all]'),
    ("crash null 1", USAGE, 'unexpected "1"'),
    ("params x", USAGE, 'no parameter is called "x"'),
    ("params x y", USAGE, 'unexpected "y"'),
    ("params init_on_free=", USAGE, "init_on_free: VALUE is missing"),
    ("params mem=4M", FAILED, "mem is read at boot"),
    ("poke", USAGE, "ADDR is missing"),
    ("poke x", USAGE, 'ADDR: "x" is not a number'),
    ("poke 0x100000", FAILED, "is no memory of the heap"),
    ("poke $99+1", USAGE, 'nothing as "$99+1"'),
    ("poke 1 256", USAGE, "256 is more than 255"),
    ("poke 1 1 0", USAGE, "0 is not from 1 to 4096"),
    ("bench mixed x", USAGE, 'OF: "x" is not a number'),
    ("dmesg x", USAGE, 'unexpected "x"'),
    ("uptime x", USAGE, 'unexpected "x"'),
    ("backtrace x", USAGE, 'unexpected "x"'),
    ("exit x", USAGE, '"x" is not a number'),
    ("exit 64", USAGE, "64 is not a status from 0 to 63"),
    ("exit 1 2", USAGE, 'unexpected "2"'),
    ("reboot x", USAGE, 'unexpected "x"'),
    ("poweroff x", USAGE, 'unexpected "x"'),
    ("help nonsense", USAGE, 'there is no command "nonsense"'),
    ("heapmap nonsense", USAGE, '"nonsense" is none of these words'),
    ("heapmap zoom x", USAGE, "x"),
    ("heapmap slab 1M", FAILED, "1M is in no slab"),
    ("help watchdog", USAGE, '"watchdog" is a parameter: params watchdog'),
    ("help kfence.every", USAGE, '"kfence.every" is a parameter: params kfence.every'),
    ("params watchdog=2", FAILED, 'is read at boot: make run CMDLINE="watchdog=2"'),
    ("crash xyz", USAGE, '"xyz" is no KIND; "crash" lists them; usage: crash'),
    ("help a b", USAGE, 'unexpected "b"'),
    ('meminfo "', USAGE, "a quote is not closed"),
    ("meminfo " + "x " * 40, USAGE, "too many words: 32 at most"),
]


@pytest.mark.parametrize("line, status, words", BAD, ids=[line[:30] for line, *_ in BAD])
def test_bad_arguments_get_one_line_that_names_them(lab, line, status, words):
    before = lab.meminfo()
    said, got = status_of(lab, line)
    assert len(said) == 1 and words in said[0], said
    assert got == status
    assert lab.meminfo() == before, "a refused command changed something"


@pytest.mark.parametrize("line, status, bug", [
    ("pages 11", REPORTED, "size that no block has"),
    ("pages 0xffffffff", REPORTED, "size that no block has"),
    ("kmalloc 5M", REPORTED, "size that no block has"),
    ("kmalloc 0xffffffff", REPORTED, "size that no block has"),
    ("more kfree 0xdeadbeef", REPORTED, "not heap memory"),
    ("kfree 0xdeadbeef", REPORTED, "not heap memory")])
def test_a_reported_bug_gives_status_4(lab, line, status, bug):
    assert status_of(lab, line, bug)[1] == status


def test_the_first_failure_is_the_status_and_the_rest_still_runs(lab):
    said, status = status_of(lab, "kfree $77; nonsense; whatis 0")
    assert status == USAGE and len(said) == 3


def test_words_and_quotes(lab):
    assert status_of(lab, "whatis ' 5'")[0][0].startswith('whatis: ADDR: " 5" is not')
    assert status_of(lab, "whatis 5\\;")[0][0].startswith('whatis: ADDR: "5;" is not')


# ---- the ways out ---------------------------------------------------------------

@pytest.mark.parametrize("typed, status", [
    ("exit", 0), ("exit 7", 7), ("exit 63", 63), ("meminfo; exit", 0),
    ("nonsense; meminfo; exit", UNKNOWN), ("whatis; exit 0", 0)])
def test_exit_ends_qemu_with_the_status(boot, typed, status):
    machine = boot()
    machine.send(typed + "\r")
    machine.until_end()
    assert machine.exit_status == status


@pytest.mark.parametrize("command", ["poweroff", "reboot"])
def test_poweroff_and_reboot_end_the_machine(boot, command):
    machine = boot()                # -no-reboot: a reset ends QEMU as well
    machine.send(command + "\r")
    machine.until_end()
    assert machine.status == 0


def test_backtrace_names_the_calls_down_to_where_the_command_began(machine):
    names = re.findall(r"0x[0-9a-f]{8} (\w+)\+0x[0-9a-f]+/0x[0-9a-f]+",
                       "\n".join(machine.run("backtrace")))
    assert names[0] == "cmd_backtrace"
    assert names[1:] == ["command_body"]


def test_uptime_counts_ticks(machine):
    (a,) = machine.json("uptime -j")
    machine.run("stress 3000")
    (b,) = machine.json("uptime -j")
    assert b["ticks"] > a["ticks"] and a["lost_input"] == b["lost_input"] == 0
    assert abs(b["seconds"] - b["ticks"] / 100) < 0.011


def test_json_is_plain_ascii(machine):
    for command in LISTINGS:
        for line in machine.run(f"{command} -j"):
            assert line.isascii() and json.loads(line) is not None
