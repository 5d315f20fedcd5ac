"""breakalloc.py - stop at the allocation with a given serial: marbles break-alloc N;
and at reports: marbles break-report.

Serials are the same in every run of the same input, so N can be read off `leaks`
after one run and stopped at in the next.  The serial is counted where record_taken
is inlined, so there is no function to break in: a watchpoint on heap.serial stops
after the store itself, inside the call that takes it, and the frame of the caller is
selected.

GDB looks at each allocation before N, two thousand a second in QEMU; the machine is
not slowed otherwise.  Without records (kmemleak=off) nothing has a serial.

A report stops in mm_report, before it is told, with the frame selected of who has
called mm.  What is no bug, such as that there was no memory, is none.
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
        if isinstance(breakpoint, ReportBreakpoint):
            announce_report()


def select_caller():
    """The frame of who has called mm; in words, who that is."""
    frame = caller(gdb.newest_frame())
    if frame is None:
        return ""
    frame.select()
    line = frame.find_sal()
    file = line.symtab.filename if line.symtab else "?"
    return f", by {frame.name()} ({file}:{line.line})"


def announce(breakpoint):
    write(f"Allocation with serial {breakpoint.serial}{select_caller()}: "
          "bt shows the way")


def announce_report():
    call = gdb.parse_and_eval("report->call")
    call = f" in {call.string()}" if int(call) else ""
    write(f"A report{call}{select_caller()}: continue prints it, bt shows the way")


class ReportBreakpoint(gdb.Breakpoint):
    def __init__(self):
        kind = getattr(gdb, "BP_HARDWARE_BREAKPOINT", gdb.BP_BREAKPOINT)
        super().__init__("mm_report", type=kind)
        self.silent = True
        self.condition = "report->bug < MM_OUT_OF_MEMORY"


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


class BreakReport(Command):
    """Stop at each report of a bug, in who has called: marbles break-report."""
    name = "break-report"
    usage = ""

    def run(self, words, as_json):
        ReportBreakpoint()
        write("Will stop at each report of a bug.")


gdb.events.stop.connect(on_stop)
BreakAlloc()
BreakReport()
