"""heaptrack - each allocation and each free: heaptrack_print, heaptrack_gui.

What `heaptrack` itself writes when it has interpreted its raw data (file version 3;
numbers are hexadecimal, and what is numbered begins at 1, but allocations at 0):

    s LENGTH TEXT               a text
    i ADDRESS MODULE FUNCTION FILE LINE [FUNCTION FILE LINE ...]
                                a place, with the functions into which it was inlined
    t PLACE CALLER              a call, and the t of its caller; 0: there is none
    a SIZE CALL                 a size that is asked for there
    + A, - A                    one of these is taken, and given back
    c TIME                      milliseconds since boot

What changes its size in place is given back and taken again.
"""
from itertools import groupby

from events import TICK
from life import Life

FILE = "heaptrack.marbles"
OPENS = "heaptrack_print {file}; heaptrack_gui {file}"

VERSION, FORMAT = 0x10400, 3
PAGE, MILLISECOND = 4096, 10 ** 6


class Table:
    """What has numbers, and is written when it is named for the first time."""

    def __init__(self, out, letter, first=1):
        self.out, self.letter, self.next, self.numbers = out, letter, first, {}

    def number(self, key, text=None):
        if key not in self.numbers:
            self.numbers[key] = self.next
            self.next += 1
            self.out.write(f"{self.letter} {text or ' '.join(f'{n:x}' for n in key)}\n"
                           .encode())
        return self.numbers[key]


class Tables:
    def __init__(self, out, places):
        self.places = places
        self.texts, self.spots, self.calls = (Table(out, letter) for letter in "sit")
        self.sizes = Table(out, "a", 0)
        self.stacks, self.size_of = {}, {}      # to numbers

    def text(self, text):
        return self.texts.number(text, f"{len(text.encode()):x} {text}")

    def spot(self, frames):
        """One place: the function that was inlined last, and those around it."""
        key = [frames[0].address, self.text("marbles.elf")]
        for frame in frames:
            key += [self.text(frame.function), self.text(frame.file), frame.line]
        return self.spots.number(tuple(key))

    def stack(self, stack):
        if stack not in self.stacks:
            spots = [list(frames) for _, frames in
                     groupby(self.places.frames(stack), lambda frame: frame.address)]
            call = 0
            for frames in reversed(spots):
                call = self.calls.number((self.spot(frames), call))
            self.stacks[stack] = call
        return self.stacks[stack]

    def size(self, bytes_, stack):
        key = bytes_, stack
        if key not in self.size_of:
            self.size_of[key] = self.sizes.number((bytes_, self.stack(stack)))
        return self.size_of[key]


def before(change):
    """The size that it had."""
    return change.thing.bytes - (change.bytes if change.what == "resized" else 0)


def write(run, places, out):
    pages = run.word("pages")
    out.write(f"v {VERSION:x} {FORMAT:x}\nX make export\nI {PAGE:x} {pages:x}\n".encode())
    tables, ticks = Tables(out, places), None
    for change in Life(run):
        if change.event.ticks != ticks:
            ticks = change.event.ticks
            out.write(f"c {ticks * TICK // MILLISECOND:x}\n".encode())
        if change.what in ("freed", "resized"):
            size = tables.size(before(change), change.thing.stack)
            out.write(f"- {size:x}\n".encode())
        if change.what in ("taken", "resized"):
            size = tables.size(change.thing.bytes, change.thing.stack)
            out.write(f"+ {size:x}\n".encode())
