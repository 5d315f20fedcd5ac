#!/usr/bin/env python3
"""sure.py - run commands twice, with memory as it comes and cleared; what hid a leak?

    MARBLES_CMDS='work' sure.py qemu-system-i386 ... -kernel marbles.elf

A pointer that a former owner left in memory that was not cleared is as good as any other,
so it can hide a leak.  With init_on_alloc=1 there are none.  All else is the same in both
boots, serial numbers too: so what is of another kind there has been hidden here.

Status 0: nothing was hidden.  7: something was, and is named.  Else that of exec.py, if a
boot did not come to its end, or 1, if a listing did not, or the two boots are not of the
same objects.
"""
import os
import sys

from listing import end, is_lost, objects
from qemu import NO_COMMANDS

HIDDEN = 7


def plural(count, word):
    return f"{count} {word}" + ("" if count == 1 else "s")


def main():
    cmds, cmdline = (os.environ.get(name, "") for name in ("MARBLES_CMDS", "MARBLES_CMDLINE"))
    if not cmds.strip():
        end("sure", NO_COMMANDS)
    as_it_comes, cleared = (
        objects("sure", sys.argv[1:], cmds, f"{cmdline} init_on_alloc={value}")
        for value in (0, 1))
    if as_it_comes.keys() != cleared.keys():
        end("sure", f"the two boots are not of the same objects: "
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
