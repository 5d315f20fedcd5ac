"""ending.py - in the GDB of `make gdb`: the machine ends first.

At its own end GDB closes the pipe to QEMU and waits for QEMU's end: for 5 s in
version 13, for ever in later ones.  Killed before, QEMU ends at once.
"""
import contextlib

import gdb


def kill(_event):
    with contextlib.suppress(gdb.error):        # it may have ended already
        gdb.execute("kill", to_string=True)


if hasattr(gdb.events, "gdb_exiting"):          # from version 12
    gdb.events.gdb_exiting.connect(kill)
