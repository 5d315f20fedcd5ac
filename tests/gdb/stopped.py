"""stopped.py - in the GDB of `make gdb`: GDB stops where the kernel does.

At a fault (panic_on_oops=1), a failed assertion or a panic the kernel calls panic_stopped()
(kernel/panic.c) when its report is out, and before it ends or waits for R.  There GDB stops,
shows the report, which is on the console of `make console` as well, and selects the frame
that it is about: `info locals`, `up` and `backtrace` begin there.
"""
import os

import gdb

MOST_ROWS = 30
MACHINERY = ("panic", "oops", "oops_above", "oops_of", "__stack_chk_fail")


class Stopped(gdb.Breakpoint):
    def __init__(self):
        kind = getattr(gdb, "BP_HARDWARE_BREAKPOINT", gdb.BP_BREAKPOINT)
        super().__init__("panic_stopped", type=kind, internal=True)
        self.silent = True


def report():
    """The end of what the kernel has printed, from the line that was typed on."""
    try:
        with open(os.environ["MARBLES_CONSOLE_LOG"], "rb") as log:
            text = log.read()[-8192:].decode("latin-1").replace("\r", "")
    except (KeyError, OSError):
        return ""
    return "\n".join(text.rpartition("marbles> ")[2].rstrip().split("\n")[-MOST_ROWS:])


def blamed():
    """The frame that a report is about: that of the fault, or that of who gave up."""
    frame, found = gdb.newest_frame(), None
    while frame is not None:
        older = frame.older()
        if frame.type() == gdb.SIGTRAMP_FRAME:
            return older
        if frame.name() in MACHINERY:
            found = older
        frame = older
    return found


def on_stop(event):
    if not any(isinstance(one, Stopped) for one in getattr(event, "breakpoints", [])):
        return
    gdb.write(report() + "\n\nThe kernel has stopped.  continue: it waits for R on the "
              "console, or, with run=, ends.\n")
    frame = blamed()
    if frame is not None:
        frame.select()
        gdb.execute("frame")


Stopped()
gdb.events.stop.connect(on_stop)
