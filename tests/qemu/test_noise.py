"""What no hand types and no loader should say: nothing crashes, what is lost is counted,
and the prompt works afterwards."""
import re

import pytest
from marbles import Machine

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
