"""replaying.py - in the GDB of `make replay gdb`: the way back, and the record's end.

QEMU goes back by loading a snapshot and running on from there, so one is taken before
the first instruction.  Past the end of the log QEMU ends, and nothing could be looked
at any more.  So GDB stops there: after as many instructions as make record has counted,
or, where the kernel ended by itself, in the function that does it.

    screen          what the session has printed so far, its last rows
"""
import os

import gdb

ROWS = 25
LAST = os.environ["MARBLES_LAST"]
ENDS = ("power_exit", "power_fail", "power_off")


class End(gdb.Breakpoint):
    def __init__(self, function):
        kind = getattr(gdb, "BP_HARDWARE_BREAKPOINT", gdb.BP_BREAKPOINT)
        super().__init__(function, type=kind, internal=True)
        self.silent = True


class Screen(gdb.Command):
    """What the session has printed so far, its last rows."""

    def __init__(self):
        super().__init__("screen", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        with open(os.environ["MARBLES_CONSOLE_LOG"], "rb") as log:
            rows = log.read().decode("latin-1").replace("\r", "").split("\n")
        gdb.write("\n".join(rows[-ROWS:]) + "\n")


def is_at_end(event):
    """Is this the end?  QEMU has one place to stop at, and forgets it whenever it goes
    back: so it is told again."""
    if any(isinstance(one, End) for one in getattr(event, "breakpoints", [])):
        return True
    if not LAST:
        return False
    count = gdb.execute("monitor info replay", to_string=True).rpartition("=")[2]
    if int(count) >= int(LAST):
        return True
    gdb.execute(f"monitor replay_break {LAST}", to_string=True)
    return False


def on_stop(event):
    if is_at_end(event):
        gdb.write("This is the end of the record.  reverse-continue goes back; past "
                  "it there is nothing.\n")


gdb.execute("monitor savevm start")
Screen()
for function in ENDS:
    End(function)
gdb.events.stop.connect(on_stop)
