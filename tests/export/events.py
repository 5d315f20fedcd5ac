"""events.py - what gather.py has read, as events in Python.

    run = Run(gathered)
    for event in run: ...           from the first to the last, as often as one likes

An event keeps 84 bytes until it is looked at: 10^6 of them are 90 MB, and a loop over them
takes seconds.
"""
import struct
from typing import NamedTuple

CODES = {1: "B", 2: "H", 4: "I"}
FIELDS = ("kind", "ticks", "task", "command", "in_interrupt", "irqs_off", "site", "ptr",
          "serial", "bytes_req", "bytes_alloc", "gfp", "cache", "calls")

TAKES = {"kmalloc", "kmem_cache_alloc", "mm_page_alloc"}
FREES = {"kfree", "kmem_cache_free", "mm_page_free"}
TICK = 10 ** 7                  # nanoseconds: TIMER_HZ of kernel/cpu/timer.h


class Event(NamedTuple):
    """struct trace_event of kernel/trace/ring.h."""

    kind: str                   # as Linux calls it: "kmalloc"
    ticks: int
    task: str
    command: int
    in_interrupt: int
    irqs_off: int
    site: int                   # the address of its struct alloc_site; 0: not known
    ptr: int
    serial: int
    bytes_req: int
    bytes_alloc: int
    gfp: int
    cache: str
    stack: tuple                # return addresses, from who called mm outwards; and site


class Site(NamedTuple):
    file: str
    line: int
    func: str


def packing(shape, wanted):
    """For struct: the wanted fields of a struct, in the order in which they lie."""
    text, at = "<", 0
    for name, (offset, size, elements) in sorted(shape["fields"].items(),
                                                 key=lambda item: item[1]):
        if name not in wanted:
            continue
        text += f"{offset - at}x" if offset > at else ""
        each = size // elements if elements else size
        text += f"{size}s" if elements and each == 1 else (elements or 1) * CODES[each]
        at = offset + size
    return struct.Struct(text + f"{shape['size'] - at}x")


class Run:
    def __init__(self, gathered):
        self.gathered, self.layout = gathered, gathered.layout
        self.packing = packing(self.layout["event"], FIELDS)
        self.texts, self.stacks, self.caches = {}, {}, {}

    def __len__(self):
        return len(self.gathered.events) // self.layout["event"]["size"]

    def word(self, name):
        """A variable of layout.py, as it was at the end."""
        return int.from_bytes(self.gathered.memory(self.layout[name], 4), "little")

    def text(self, address):
        """What stands there in the image, up to its 0."""
        if address not in self.texts:
            data = self.gathered.memory(address, 256).partition(b"\0")[0]
            self.texts[address] = data.decode("latin-1") or "?"
        return self.texts[address]

    def stack(self, key):
        """One tuple for all that are equal."""
        return self.stacks.setdefault(key, (tuple(filter(None, key[1:])), key[0]))

    def cache(self, name):
        if name not in self.caches:
            self.caches[name] = name.partition(b"\0")[0].decode("latin-1")
        return self.caches[name]

    def __iter__(self):
        kinds = self.layout["kinds"]
        for (kind, ticks, task, command, in_interrupt, irqs_off, site, ptr, serial, asked,
             room, gfp, cache, *calls) in self.packing.iter_unpack(self.gathered.events):
            yield Event(kinds[kind], ticks, self.text(task), command, in_interrupt, irqs_off,
                        site, ptr, serial, asked, room, gfp, self.cache(cache),
                        self.stack((site, *calls)))

    def site(self, address):
        """The line of code that it is; None: it is not known."""
        data = self.gathered.memory(address, self.layout["site"]["size"]) if address else b""
        if not data:
            return None
        file, func, line = packing(self.layout["site"], ("file", "func", "line")).unpack(data)
        return Site(self.text(file), line, self.text(func)) if file else None

    def times(self):
        """Of each event, nanoseconds since boot: its tick, and in it one for each before
        it, so that all differ and none is out of order."""
        tick = before = 0
        for event in self:
            before = before + 1 if event.ticks == tick else 0
            tick = event.ticks
            yield tick * TICK + before, event
