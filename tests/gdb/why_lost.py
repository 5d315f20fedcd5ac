"""why_lost.py - in the GDB of a replay: which instruction dropped the last pointer?

    why-lost SERIAL             to the object with that serial number
    why-lost FILE:LINE          to the oldest of that line that is lost at the end

A recorded run can be looked at after any number of instructions, and is the same each
time.  What is lost stays lost; so halving finds the first instruction after which
nothing points to the object any more: as `marbles leaks` sees it, from the variables,
what the shell holds, and the stack and registers of the command that runs.  Each step
runs on from a snapshot at the newest instruction at which it was held, so all steps
together run as many instructions as the record has, once or twice.

While the kernel's own scan runs, or mm is in the middle of something, nobody can tell:
then the next moment is looked at.

What it says is what the machine did.  Often the pointer goes from memory first, and a
register or the stack still has it for some instructions.  Then both are told: a second
search finds what took it from the variables and the heap.
"""
import os
import re

import gdb
from marbles_mm import breakalloc, mark, refs, roots, said, target

UNBORN, HELD, LOST, UNKNOWN = "not taken yet", "held", "lost", "not to be told"
CALLS = 12
NEXT = 64                       # instructions to the first moment that is tried instead


def monitor(line):
    return gdb.execute("monitor " + line, to_string=True)


def now():
    """Instructions so far."""
    return int(monitor("info replay").rpartition("=")[2])


def back_to(snapshot):
    monitor(f"loadvm {snapshot}")
    gdb.execute("maintenance flush register-cache", to_string=True)
    gdb.execute("maintenance flush dcache", to_string=True)


def on_to(count):
    if now() < count:
        monitor(f"replay_break {count}")
        gdb.execute("continue", to_string=True)


def newest():
    """The serial of what was taken last."""
    return int(gdb.parse_and_eval("heap.serial"))


class Look:
    """The heap now: what of this object?"""

    def __init__(self, serial):
        self.words, self.state = None, UNKNOWN
        try:
            if newest() < serial:
                self.state = UNBORN
                return
            self.words = refs.Words()
        except (target.Unreadable, gdb.error, gdb.GdbError, IndexError, LookupError):
            return
        live, marks = self.words.live, self.words.marks
        self.thing = next((i for i in range(len(live)) if live.serials[i] == serial),
                          None)
        if self.thing is None:
            self.state = UNBORN
        else:
            held = marks.kinds[self.thing] in (mark.REACHABLE, mark.POSSIBLE)
            self.state = HELD if held else LOST

    def is_passing(self):
        """Is it the stack or a register that leads to it?"""
        root = self.words.roots.around(self.words.marks.way(self.thing)[0])
        return root is not None and root.kind in (roots.STACK, roots.REGISTER)

    def forget_passing(self):
        """Look once more, without the stack and registers."""
        found, live = roots.Roots(), self.words.live
        found.all = [root for root in found.all
                     if root.kind not in (roots.STACK, roots.REGISTER)]
        found.ends = {root.start: root for root in found.all}
        self.words.roots = found
        self.words.marks = mark.Marks(live, found, said.Said(live))
        kind = self.words.marks.kinds[self.thing]
        self.state = HELD if kind in (mark.REACHABLE, mark.POSSIBLE) else LOST

    def holder(self):
        """Where it was held, in words."""
        word = self.words.marks.seen_in[self.thing]
        root = self.words.roots.around(word)
        if root and root.kind == roots.REGISTER:
            return f"the register {self.register((word - root.start) // 4)}"
        return self.words.holder(word)

    @staticmethod
    def register(number):
        names = gdb.newest_frame().architecture().registers("general")
        return [name.name for name in names][number]


class Search:
    """Between `low`, where it was not lost (a snapshot), and `high`, where it was."""

    def __init__(self, serial, low, high, in_memory=False):
        self.serial, self.low, self.high, self.in_memory = serial, low, high, in_memory
        self.memory = None              # the newest moment at which memory led to it
        self.seen_in_memory = False
        monitor("savevm low")

    def look(self):
        look = Look(self.serial)
        if look.state == HELD and (self.in_memory or look.is_passing()):
            passing = Look(self.serial)
            passing.forget_passing()
            if self.in_memory:
                return passing
            self.seen_in_memory = passing.state == HELD
        else:
            self.seen_in_memory = look.state == HELD
        return look

    def run(self):
        """Halve it, until one instruction is between them; what was there before it."""
        while self.high - self.low > 1:
            middle = (self.low + self.high) // 2
            on_to(middle)
            state = self.look_on(middle)
            if state in (LOST, UNKNOWN):
                self.high = middle
                back_to("low")
                continue
            self.low = now()
            monitor("savevm low")
            if self.seen_in_memory:
                self.memory = self.low
                monitor("savevm memory")
        return self.look()

    def look_on(self, at):
        """What is so there, or at the next moment at which it can be told."""
        step = NEXT
        while True:
            state = self.look().state
            if state != UNKNOWN or at + step >= self.high:
                return state
            at, step = at + step, 2 * step
            on_to(at)


def say(text):
    """For who asked, and not for GDB, which may be silent."""
    os.write(1, text.encode(errors="replace") + b"\n")


def line_of(frame):
    line = frame.find_sal()
    return f"{line.symtab.filename}:{line.line}" if line.symtab else f"{frame.pc():#x}"


def tell(search, look):
    """Of the instruction that is next, in words."""
    frame = gdb.newest_frame()
    by = breakalloc.caller(frame) or frame
    inside = f", in {frame.name()} ({line_of(frame)})" if by != frame else ""
    say(f"{look.words.thing(look.thing)}")
    say(f"lost by {by.name()} ({line_of(by)}){inside}")
    code = gdb.execute("x/i $pc", to_string=True).strip().removeprefix("=> ")
    say(f"  {' '.join(code.split())}   instruction {search.high} of the record")
    say(f"before, it was held by {look.holder()}\ncalled from:")
    for _ in range(CALLS):
        frame = frame.older()
        if frame is None:
            break
        say(f"  {frame.name()} ({line_of(frame)})")


def tell_memory(look):
    """Of what took it from memory."""
    frame = gdb.newest_frame()
    by = breakalloc.caller(frame) or frame
    say(f"last in memory, it was held by {look.holder()}\nuntil {by.name()} "
        f"({line_of(by)})")


def oldest_lost(site):
    """Of that line, its serial."""
    words = refs.Words()
    live = words.live
    lost = words.marks.of_kind(mark.DEFINITE, mark.INDIRECT)
    serials = [live.serials[i] for i in lost
               if words.sites.place(live.sites[i]) == site]
    if not serials:
        raise gdb.GdbError(f"why-lost: of what {site} has taken nothing is lost at the "
                           "end of the record")
    return min(serials)


def serial_of(argument):
    """What is asked for, at the end of the record; it must be lost there."""
    if ":" in argument:
        return oldest_lost(argument)
    serial, last = int(argument), newest()
    look = Look(serial)
    if look.state == LOST:
        return serial
    so = f"held by {look.holder()}" if look.state == HELD else \
        "given back" if serial <= last else f"not taken yet: the newest is {last}"
    raise gdb.GdbError(f"why-lost: at the end of the record serial {serial} is {so}")


class WhyLost(gdb.Command):
    """Which instruction dropped the last pointer: why-lost SERIAL|FILE:LINE."""

    def __init__(self):
        super().__init__("why-lost", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        if not re.fullmatch(r"[1-9]\d*|\S+:\d+", argument):
            raise gdb.GdbError(f'why-lost: "{argument}" is neither the number of an '
                               "object nor a FILE:LINE")
        low = now()
        monitor("savevm begin")
        gdb.execute("continue", to_string=True)         # to the end of the record
        serial, high = serial_of(argument), now()
        back_to("begin")
        search = Search(serial, low, high)
        look = search.run()
        if look.state != HELD:
            raise gdb.GdbError(f"why-lost: serial {serial} is lost from instruction "
                               f"{search.high} of the record on; before it, it is "
                               f"{look.state}")
        tell(search, look)
        if look.is_passing() and search.memory is not None:
            back_to("memory")
            search = Search(serial, search.memory, search.high, in_memory=True)
            tell_memory(search.run())


WhyLost()
