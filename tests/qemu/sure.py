#!/usr/bin/env python3
"""sure.py - run commands twice, with memory as it comes and cleared; what hid a leak?

    MARBLES_CMDS='work' sure.py qemu-system-i386 ... -kernel marbles.elf

A pointer that a former owner left in memory that was not cleared is as good as any other,
so it can hide a leak.  With init_on_alloc=1 there are none.  All else is the same in both
boots, serial numbers too: so what is of another kind there has been hidden here.

Status 0: nothing was hidden.  7: something was, and is named.  Else that of exec.py, if a
boot did not come to its end, or 1, if a listing did not, or the two boots are not of the
same objects.

A listing is what stands behind the last mark, up to its summary: the commands may have
printed some of their own.
"""
import json
import os
import subprocess
import sys
from pathlib import Path

EXEC = Path(__file__).resolve().parent / "exec.py"
LAST_STATUS = 63                # of commands; above: exec.py's own
HIDDEN = 7


def end(why):
    print(f"make sure: {why}")
    sys.exit(1)


def row_of(line):
    """Of a listing, as JSON; else {}."""
    try:
        row = json.loads(line)
    except ValueError:
        return {}
    return row if isinstance(row, dict) else {}


def listed(output):
    """The rows of the listing behind the last mark."""
    rows = [row_of(line) for line in output.splitlines()]
    begin = max((n for n, row in enumerate(rows) if "mark" in row), default=0)
    found = []
    for row in rows[begin:]:
        if "error" in row:
            end(row["error"])
        elif "last_seen" in row:
            found.append(row)
        elif "summary" in row and row["objects"] == len(found):
            return found
    end("the listing did not come to its end: it needs more time, SECONDS=180")


def objects(machine, parameter):
    """serial -> row of leaks list -j, behind the commands, with that parameter."""
    cmds, cmdline = (os.environ.get(name, "") for name in ("MARBLES_CMDS", "MARBLES_CMDLINE"))
    done = subprocess.run(
        [sys.executable, EXEC, *machine], text=True, errors="replace",
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        env={**os.environ, "MARBLES_CMDS": f"{cmds}\nleaks mark -j\nleaks list -j",
             "MARBLES_CMDLINE": f"{cmdline} {parameter}"})
    if done.returncode > LAST_STATUS:
        sys.exit(done.returncode)
    return {row["serial"]: row for row in listed(done.stdout)}


def is_lost(row):
    return row["kind"] in ("definite", "indirect")


def plural(count, word):
    return f"{count} {word}" + ("" if count == 1 else "s")


def main():
    as_it_comes = objects(sys.argv[1:], "init_on_alloc=0")
    cleared = objects(sys.argv[1:], "init_on_alloc=1")
    if as_it_comes.keys() != cleared.keys():
        end(f"the two boots are not of the same objects: "
            f"{plural(len(as_it_comes), 'object')}, and with memory cleared "
            f"{len(cleared)}; what reads memory that it did not write?")
    hidden = [(row, cleared[serial]) for serial, row in sorted(as_it_comes.items())
              if is_lost(cleared[serial]) and not is_lost(row)]
    for row, sure in hidden:
        print(f"serial {row['serial']}, {plural(row['bytes'], 'byte')}, taken by "
              f"{row['site']} ({row['func']}): {row['kind']}, but {sure['kind']} if memory "
              f"is cleared")
    lost = sum(map(is_lost, as_it_comes.values()))
    print(f"{plural(len(cleared), 'object')} live, {lost} lost, and {len(hidden)} more that "
          f"old pointers hide")
    return HIDDEN if hidden else 0


if __name__ == "__main__":
    sys.exit(main())
