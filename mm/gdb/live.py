"""live.py - all that is live, by ascending address, and the words in it.

A thing is a live object or block of pages, as in mm/scan.  A hundred thousand of them
are too many for an object of Python each, so each field is a list of its own, and a
thing is a number in all of them:

    starts  rooms  asked  serials  sites        numbers, by thing
    runs                                        memory without a gap, read at once

Only records are believed, as mm/scan does: what has a site, and nobody who freed it.
"""
import contextlib
import gc
import sys
from array import array
from bisect import bisect_right

from . import target
from .heap import PAGE_SHIFT, SCANNING
from .target import Unreadable


@contextlib.contextmanager
def no_collecting():
    """Python's collector would look again and again at millions of numbers."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class Run:
    """Memory that lies in one piece: the things first .. end - 1 are in it."""
    __slots__ = ("start", "words", "first", "end")


class Live:
    def __init__(self, heap):
        refuse(heap)
        self.heap, self.word = heap, target.word_size()
        self.starts, self.rooms, self.asked = [], [], []
        self.serials, self.sites = [], []
        self.runs = []
        self._pieces = []               # [start, end, first thing, end of things]
        slabs = {slab.pfn: slab for slab in heap.slabs}
        for block in heap.of_kind(heap.PG_SLAB, heap.PG_USED, heap.PG_LARGE):
            if block.pfn in slabs:
                self._add_slab(slabs[block.pfn])
            elif block.kind != heap.PG_SLAB:
                self._add_block(block)
        self._read()
        self._firsts = [run.first for run in self.runs]
        self.numbers = {start: i for i, start in enumerate(self.starts)}

    def __len__(self):
        return len(self.starts)

    def _add(self, start, room, record):
        self.starts.append(start)
        self.rooms.append(room)
        self.serials.append(record[0])
        self.asked.append(record[1])
        self.sites.append(record[2])

    def _add_piece(self, start, end, first):
        """Where the last one ended, it goes on."""
        if self._pieces and self._pieces[-1][1] == start:
            self._pieces[-1][1], self._pieces[-1][3] = end, len(self)
        elif first < len(self):
            self._pieces.append([start, end, first, len(self)])

    def _add_slab(self, slab):
        cache, first = slab.cache, len(self)
        start, room = self.heap.address(slab.pfn), cache.slot_size - cache.left
        at = start + cache.left
        for serial, size, site, freed_by in \
                self.heap.record_fields.iter_unpack(slab.records):
            if site and not freed_by:
                self.starts.append(at)
                self.serials.append(serial)
                self.asked.append(size & 0xffff if size >> 31 else size)
                self.sites.append(site)
            at += cache.slot_size
        self.rooms += [room] * (len(self) - first)
        self._add_piece(start, start + cache.bytes, first)

    def _add_block(self, block):
        heap, first = self.heap, len(self)
        record = heap.page_record(block.pfn)
        start, room = heap.address(block.pfn), heap.run_length(block.pfn) << PAGE_SHIFT
        if not record[2] or record[3]:
            return
        if heap.guarded(block):
            if heap.guarded_fault(block):
                return
            cache, offset = heap.guarded(block)
            own = -(-cache.object_size >> PAGE_SHIFT) << PAGE_SHIFT
            start, room = start + offset, min(own - offset, record[1])
        self._add(start, room, record)
        self._add_piece(start, start + room // self.word * self.word, first)

    def _read(self):
        for start, end, first, end_of_things in self._pieces:
            run = Run()
            run.start, run.first, run.end = start, first, end_of_things
            run.words = words(target.read(start, end - start, "what is live"), self.word)
            self.runs.append(run)

    def each(self):
        """(thing, its first word's address, its words) of each."""
        for run in self.runs:
            for i in range(run.first, run.end):
                at = (self.starts[i] - run.start) // self.word
                yield (i, run.start + at * self.word,
                       run.words[at:at + self.rooms[i] // self.word])

    def around(self, address):
        """The thing around an address, or None."""
        i = bisect_right(self.starts, address) - 1
        return i if i >= 0 and address - self.starts[i] < self.rooms[i] else None

    def value_at(self, word):
        """A word of a thing."""
        i = self.around(word)
        run = self.runs[bisect_right(self._firsts, i) - 1]
        return run.words[(word - run.start) // self.word]

    def through_page_struct(self, address):
        """A page struct stands for its page: mm/scan/mark.c."""
        heap, size = self.heap, self.heap.page_layout.size
        pfn, offset = divmod(address - heap.page, size)
        return heap.address(pfn) + offset if 0 <= pfn < heap.npages else address

    def bytes_of(self, things):
        return sum(map(self.asked.__getitem__, things))


def words(raw, size):
    """Memory as numbers, in an array."""
    found = array("I" if size == 4 else "Q", raw)
    if sys.byteorder == "big":
        found.byteswap()
    return found


def refuse(heap):
    """Say why what is live cannot be told."""
    if not heap.recorded:
        raise Unreadable("nothing is recorded: " + (
            "the kernel runs with kmemleak=off" if heap.npages
            else "there is no heap yet"))
    if heap.is_scanning:
        raise Unreadable(f"mm was {SCANNING}")
