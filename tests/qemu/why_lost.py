#!/usr/bin/env python3
"""why_lost.py - run commands, and say which line dropped the last pointer to an object.

    MARBLES_CMDS='work' MARBLES_SERIAL=7 why_lost.py qemu-system-i386 ... -kernel marbles.elf
    MARBLES_CMDS='work' MARBLES_SITE=my.c:20 why_lost.py ...

Of a line of code it is the oldest object that is lost behind the commands: a boot of its
own finds it, and as a run repeats exactly it has the same serial number in the next one.
That runs `why-lost -a SERIAL` with the commands, and prints what exec.py prints, whose
status it has.  If nothing of that line is lost the status is 1.
"""
import os
import sys

from listing import EXEC, end, is_lost, objects

WHO = "why-lost"


def commands():
    """Those of CMDS as one word of a line."""
    lines = [line for line in os.environ.get("MARBLES_CMDS", "").splitlines()
             if line.strip() and not line.lstrip().startswith("#")]
    if not lines:
        end(WHO, 'what is to be run is missing: CMDS="..."')
    line = "; ".join(lines)
    return '"' + line.replace("\\", "\\\\").replace('"', '\\"') + '"'


def is_of(row, site):
    """As leaks means it: the place, or its end from behind a "/" on."""
    return row["site"] == site or row["site"].endswith(f"/{site}")


def oldest_of(site, machine):
    found = objects(WHO, machine, os.environ.get("MARBLES_CMDS", ""),
                    os.environ.get("MARBLES_CMDLINE", ""))
    of_site = [row for row in found.values() if is_of(row, site)]
    lost = sorted((row["kind"] != "definite", row["serial"]) for row in of_site
                  if is_lost(row))
    if not lost:
        end(WHO, f"nothing that {site} took is lost"
                 + (f", of {len(of_site)} live" if of_site else ": none of it is live"))
    return lost[0][1]


def serial_of(machine):
    serial, site = (os.environ.get(name, "") for name in ("MARBLES_SERIAL", "MARBLES_SITE"))
    if bool(serial) == bool(site):
        end(WHO, "either SERIAL=N or SITE=file:line")
    if not serial:
        return oldest_of(site, machine)
    if not serial.isdecimal() or int(serial) == 0:
        end(WHO, f'SERIAL: "{serial}" is no number from 1 on')
    return int(serial)


def main():
    machine = sys.argv[1:]
    line = f"why-lost -a {serial_of(machine)} {commands()}"
    os.execve(sys.executable, [sys.executable, str(EXEC), *machine],
              {**os.environ, "MARBLES_CMDS": line})


if __name__ == "__main__":
    main()
