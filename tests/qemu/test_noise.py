"""What no hand types and no line should say: nothing crashes, what is lost is counted,
and the prompt works afterwards.

MARBLES_NOISE=10000000 has the random bytes be so many, at each of two terminals.
"""
import os
import random
import re
import select
import subprocess
import time

import pexpect
import pytest
from marbles import CTRL_C, EXIT_STATUS, QEMU, TIMEOUT
from test_input import is_well, terminal  # noqa: F401

NOISE = int(os.environ.get("MARBLES_NOISE", "100000"))
PAUSE = 0.3                     # seconds
QUEUE = 16384                   # of kernel/console.c

ESCAPES = "\x1b[2J\x1b]0;x\x07\x08\x0e\x7f\x9b5n"


def must_be_harmless(text):
    """Of what a terminal would obey, nothing but the ends of lines."""
    text = text.encode("latin-1").decode()              # it is UTF-8, all of it
    found = re.findall(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|\r(?!\n)", text)
    assert found == [], found


# ---- what comes out of memory ------------------------------------------------------

def test_what_memory_holds_is_shown_and_not_obeyed(lab_elf, boot):
    """In names, objects, words, parameters, reports, listings and the log."""
    machine = boot(lab_elf, cmdline=f'{ESCAPES}=1 odd="{ESCAPES}" loglevel={ESCAPES} '
                   f'console={ESCAPES} mem={ESCAPES} slub_debug={ESCAPES}')
    machine.send("escapes\r")
    lines = machine.until_prompt()
    address, text = next(line.split() for line in lines if re.match("0x.* 0x", line))
    assert any(line.startswith(r"\x1b[2J\x1b]0;x\x07\x08\x0b\x0e\x7f\x9b5n\xc2\x9b5n|\x1b|")
               for line in lines), lines
    assert any(r"usage" in line for line in lines)
    for command in ("slabinfo", "slabinfo -l", "slabinfo -j", "leaks", "leaks -j",
                    "allocinfo", "meminfo", "params", "params -j", "dmesg", "help",
                    "buddyinfo", "check"):
        machine.run(command)
    for where in (address, text):
        machine.run(f"dump {where} 64")
        for command in ("whatis", "whatis -j", "leaks"):
            machine.run(f"{command} {where}")
    assert any(row.get("name", "").startswith("\x1b[2J") for row in machine.json("slabinfo -j"))
    machine.send("evil_words\r")
    machine.until_prompt()
    must_be_harmless(machine.read.text())


def test_what_a_lab_says_itself_is_obeyed(lab_elf, boot):
    machine = boot(lab_elf)
    assert machine.run("bold it") == ["\x1b[1mit\x1b[m"]


# ---- what goes in ------------------------------------------------------------------

def flood(machine, data):
    """Send bytes as fast as they are taken; what comes back until there is a pause."""
    line, came = machine.qemu.child_fd, []
    os.set_blocking(line, False)
    while True:
        readable, writable, _ = select.select([line], [line] if data else [], [],
                                              TIMEOUT if data else PAUSE)
        if readable:
            try:
                came.append(os.read(line, 65536))
            except OSError:
                machine.fail("the machine ended")
            machine.read.write(came[-1].decode("latin-1"))
        elif writable:
            try:
                data = data[os.write(line, data[:4096]):]
            except BlockingIOError:
                time.sleep(0.001)       # a pty may say that it can be written to
        elif data:
            machine.fail(f"{TIMEOUT} s in which the machine takes nothing")
        else:
            return b"".join(came)


def asked(machine, command, pattern):
    """What a command says that stands in the pattern's group; at any terminal."""
    machine.send(command + "\r")
    machine.wait_for(re.compile(pattern))
    return machine.qemu.match[1]


def lost_input(machine):
    return int(asked(machine, "uptime -j", r'"lost_input": (\d+),'))


def is_well_again(machine):
    """Out of whatever it was in the middle of, the shell works."""
    for number in range(60):
        machine.send(f"{CTRL_C}mark{number}\r")
        mark = re.compile(f"mark{number}: unknown command")
        if machine.qemu.expect([mark, pexpect.TIMEOUT], timeout=1) == 0:
            break
    else:
        machine.fail("the shell does not come back")
    asked(machine, "check", "(mm_check: all rules hold)")


def must_be_ascii(came):
    assert not re.search(rb"[\x00-\x06\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\xff]", came)


@pytest.fixture(params=["no terminal", "a terminal"])
def typist(request, boot):
    """Someone who never said how large the window is, and someone who did."""
    return request.getfixturevalue("terminal") if request.param == "a terminal" else boot()


def test_random_bytes_do_no_harm(typist):
    begin = time.monotonic()
    noise = random.Random(20261129).randbytes(NOISE)
    came = flood(typist, noise.replace(b"\t", b"\v"))   # Tab makes exit of one letter
    must_be_ascii(came)
    is_well_again(typist)
    print(f"{NOISE} bytes: {time.monotonic() - begin:.0f} s, {lost_input(typist)} lost")


C0 = [bytes([c]) for c in range(0x20)] + [b"\x7f"]
C1 = [bytes([c]) for c in range(0x80, 0xa0)] + [chr(c).encode() for c in range(0x80, 0xa0)]
ESCAPES_OF_TWO = [b"\x1b" + bytes([c]) for c in range(0x20, 0x7f)]
PARAMETERS = [b"", b"0", b"1;5", b"?25", b"999;999", b"4294967297", b";" * 40, b"1;" * 40,
              b"<0;1;1", b">", b"=", b" ", b"!", b"$", b"?1 ", b"200", b"201", b"9" * 300]
CSI = [lead + parameters + bytes([final]) for lead in (b"\x1b[", b"\x9b")
       for parameters in PARAMETERS for final in (*range(0x40, 0x7f), 0x18, 0x1b)]
STRINGS = [b"\x1b" + kind + b"0;never ended" + end for kind in (b"]", b"P", b"X", b"^", b"_")
           for end in (b"", b"\x18", b"\x1a", b"\x07", b"\x1b\\", b"\x1b", b"\x9c", b"\r")]
MICE = [b"\x1b[M" + bytes([a, b, c]) for a in (0x20, 0x60, 0xff) for b in (0, 0x21, 0xff)
        for c in (3, 0x7f, 0xc2)] + [b"\x1b[M", b"\x1b[M\x20", b"\x1b[<65;1;1m"]
BROKEN_UTF8 = [b"\xc0\x80", b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xf8\x88",
               b"\xff", b"\xfe", b"\xc3", b"\xe2\x82", b"\xf0\x9f\x99", b"\x80" * 20,
               "\u202e\u200b\ufeff\u0301".encode() * 30]


@pytest.mark.parametrize("sequences", [C0, C1, ESCAPES_OF_TWO, CSI, STRINGS, MICE, BROKEN_UTF8],
                         ids=["C0", "C1", "ESC", "CSI", "strings", "mice", "UTF-8"])
def test_every_control_sequence_does_no_harm(typist, sequences):
    """In the middle of a line and at its end, one behind the other."""
    came = flood(typist, b"".join(b"#ab\x1b[D" + each + b"c\r" for each in sequences))
    must_be_ascii(came)
    is_well_again(typist)


def test_lines_of_30000_characters_do_no_harm(typist):
    for line in (b"x", b"'", b"check;", b"\x1b[D"):
        flood(typist, (line * 30000)[:30000] + b"\r")
        is_well_again(typist)


# ---- at full speed ------------------------------------------------------------------

def test_what_comes_in_while_a_command_prints_is_taken_or_counted(boot):
    """Each Enter that is taken gives one prompt, the others are counted: none is gone."""
    machine, enters = boot(), 40000
    came = flood(machine, b"dump 0x400000 64K\r" + b"\r" * enters)
    machine.send("#end\r")
    text = (came.decode() + machine.wait_for("#end")).replace("\r", "")
    machine.until_prompt()
    prompts = text.count("\nmarbles> ") - 1      # that of dump itself
    rows = re.findall(r"^0x([0-9a-f]{8})  ", text, re.M)
    assert [int(row, 16) for row in rows] == list(range(0x400000, 0x410000, 16))
    assert prompts + lost_input(machine) == enters
    is_well(machine)


def test_what_comes_in_while_a_command_loops_is_counted(boot):
    machine, count = boot(), 40000
    machine.send("stress 1000000000\r")
    machine.wait_for("\n")
    flood(machine, b"x" * count)
    machine.send(CTRL_C)
    machine.wait_for("interrupted")
    machine.until_prompt()
    assert lost_input(machine) == count + 1 - QUEUE     # Ctrl-C took the place of one
    is_well(machine)


@pytest.mark.parametrize("command", ["help", "slabinfo -l", "drain 200", "more help",
                                     "watch meminfo"])
def test_noise_at_full_speed_while_a_command_runs_does_no_harm(typist, command):
    typist.send(command + "\r")
    flood(typist, random.Random(command).randbytes(QUEUE + 1000))
    is_well_again(typist)


# ---- the line itself ----------------------------------------------------------------

def test_breaks_on_the_line_are_counted_and_not_typed(boot):
    machine = boot(monitor=True)
    for number in range(1, 6):
        machine.send("che\x01bck\r")                    # Ctrl-A b: QEMU sends a break
        assert machine.until_prompt() == ["check", "mm_check: all rules hold"]
        up = machine.json("uptime -j")[0]
        assert (up["noisy_input"], up["lost_input"]) == (number, 0)


def test_a_terminal_that_pauses_does_not_stop_the_clock(boot):
    machine = boot()
    before, begin = machine.json("uptime -j")[0]["seconds"], time.monotonic()
    machine.send("dump 0x100000 64K\r")
    time.sleep(4)                               # nobody reads: the claim is about time
    machine.until_prompt()
    after = machine.json("uptime -j")[0]["seconds"]
    assert after - before > (time.monotonic() - begin) / 2


def test_a_line_that_nobody_reads_stops_nobody(boot):
    """The kernel gives up, goes on, and says what is missing when the line is read."""
    machine = boot(stopped=True)
    machine.gdb("break kernel_main", "continue", "set var serial_patience = 10000", "delete")
    machine.until_prompt()
    size = 4096 * len("0x00100000  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|\r\n")
    os.write(machine.qemu.child_fd, b"dump 0x100000 64K\rkmalloc 77\r")
    deadline = time.monotonic() + TIMEOUT       # nobody reads
    before, lost = 0, 0
    while lost == 0 or lost != before:          # until it has nothing more to say
        assert time.monotonic() < deadline
        time.sleep(1)                           # GDB stops the machine meanwhile
        before, lost = lost, int(re.search(r"= (\d+)", machine.gdb("print missing"))[1])
    machine.wait_for("bytes lost here: the serial line was not ready]")
    machine.wait_for_prompt()
    up = machine.json("uptime -j")[0]
    assert 0 < up["lost_output"] < size + 200 and up["lost_input"] == 0
    assert machine.meminfo()["live_bytes"] == 77        # it ran meanwhile
    machine.is_whole()


def end_of(elf, *arguments, append):
    done = subprocess.run([QEMU, "-accel", "tcg", "-m", "64M", "-display", "none", "-net", "none",
                           "-monitor", "none", "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
                           *arguments, "-kernel", str(elf), "-append", append],
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT)
    return (done.returncode - 1) // 2 - EXIT_STATUS


@pytest.mark.parametrize("arguments", [
    ["-serial", "none"], ["-serial", "null"], ["-serial", "none", "-M", "isapc"],
    ["-serial", "none", "-serial", "null"], ["-serial", "null", "-serial", "null"],
    ["-serial", "none", "-vga", "none"]], ids=" ".join)
def test_without_a_line_commands_run(elf, arguments):
    assert end_of(elf, *arguments, append='run="help; check; kmalloc 100; nonsense; exit 9"') == 9
