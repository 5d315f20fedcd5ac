"""breakalloc.py - stop at the allocation with a given serial: marbles break-alloc N.

Serials are the same in every run of the same input, so N can be read off `leaks`
after one run and stopped at in the next.  The serial is counted where record_taken
is inlined, so there is no function to break in: a watchpoint on heap.serial stops
after the store itself, inside the call that takes it, and the frame of the caller is
selected.

GDB looks at each allocation before N, two thousand a second in QEMU; the machine is
not slowed otherwise.  Without records (kmemleak=off) nothing has a serial.
"""
import gdb

from .heap import Heap
from .target import Command, number, write


class AllocBreakpoint(gdb.Breakpoint):
    def __init__(self, serial):
        address = int(gdb.parse_and_eval("(unsigned long)&heap.serial"))
        self.serial = serial
        super().__init__("heap.serial", type=gdb.BP_WATCHPOINT,
                         wp_class=gdb.WP_WRITE)
        self.silent = True
        self.condition = f"*(unsigned int *){address:#x} == {serial}"
        gdb.execute(f"enable delete {self.number}")     # once it has stopped


def caller(frame):
    """The first frame outwards that is not of mm."""
    while frame is not None:
        line = frame.find_sal()
        name = line.symtab.filename if line.symtab else ""
        if "mm/" not in name.replace("\\", "/") or "/tests/" in name:
            return frame
        frame = frame.older()
    return None


def on_stop(event):
    for breakpoint in getattr(event, "breakpoints", []):
        if isinstance(breakpoint, AllocBreakpoint):
            announce(breakpoint)


def announce(breakpoint):
    frame = caller(gdb.newest_frame())
    where = ""
    if frame is not None:
        frame.select()
        line = frame.find_sal()
        file = line.symtab.filename if line.symtab else "?"
        where = f", by {frame.name()} ({file}:{line.line})"
    write(f"Allocation with serial {breakpoint.serial}{where}: bt shows the way")


class BreakAlloc(Command):
    """Stop at the allocation with serial N: marbles break-alloc N."""
    name = "break-alloc"
    usage = "N"
    most = 1

    def run(self, words, as_json):
        if not words:
            raise gdb.GdbError("marbles break-alloc: N is missing")
        serial = number(words[0], "N")
        if not 0 < serial < 1 << 32:
            raise gdb.GdbError("marbles break-alloc: serials are 1, 2, 3 ...")
        self.refuse_the_past(serial)
        AllocBreakpoint(serial)
        write(f"Will stop at the allocation with serial {serial}.")

    def refuse_the_past(self, serial):
        """Can it still come?"""
        try:
            heap = Heap()
        except Exception:
            return              # not started yet, or before mm_init
        if heap.npages and not heap.recorded:
            raise gdb.GdbError("marbles break-alloc: nothing is recorded: the kernel "
                               "runs with kmemleak=off")
        if heap.npages and serial <= heap.serial:
            raise gdb.GdbError(f"marbles break-alloc: serial {serial} was taken "
                               f"already, the newest is {heap.serial}; start again, "
                               "and set it before")


gdb.events.stop.connect(on_stop)
BreakAlloc()
