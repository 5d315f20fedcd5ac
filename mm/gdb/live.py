"""live.py - all that is live, by ascending address, and the words in it.

A thing is a live object or block of pages, as in mm/scan.  A hundred thousand of them
are too many for an object of Python each, so each field is a list of its own, and a
thing is a number in all of them:

    starts  rooms  asked  serials  sites        numbers, by thing
    sizes                                       asked, or asked and a scan's mark
    blocks                                      of what is no slot: its first page
    runs                                        memory without a gap, read at once

From an address to the thing around it one comes as mm does: by its page, and in a slab
by the slot.  (A dict of all starts is slower: where 100,000 numbers lie, each an object
of Python, is where the processor did not look before.)

    places      by page: start of the first slot, bytes from slot to slot, its number in
                `slots`, bytes of a slot that are its object's; a block is one slot
    slots       things; NOTHING where none is, and around the slots of each slab

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


NOTHING = -1


class Run:
    """Memory that lies in one piece: the things first .. end - 1 are in it."""
    __slots__ = ("start", "words", "first", "end")


class Live:
    def __init__(self, heap):
        refuse(heap)
        self.heap, self.word = heap, target.word_size()
        self.starts, self.rooms, self.sizes = [], [], []
        self.serials, self.sites = [], []
        self.runs, self.blocks = [], {}
        self.places, self.slots = {}, array("i")
        self._pieces = []               # [start, end, first thing, end of things]
        slabs = {slab.pfn: slab for slab in heap.slabs}
        for block in heap.of_kind(heap.PG_SLAB, heap.PG_USED, heap.PG_LARGE):
            if block.pfn in slabs:
                self._add_slab(slabs[block.pfn])
            elif block.kind != heap.PG_SLAB:
                self._add_block(block)
        self.asked = [size & 0xffff if size >> 31 else size for size in self.sizes]
        self._read()
        self._firsts = [run.first for run in self.runs]

    def __len__(self):
        return len(self.starts)

    def _add(self, start, room, record):
        self.starts.append(start)
        self.rooms.append(room)
        self.serials.append(record[0])
        self.sizes.append(record[1])
        self.sites.append(record[2])

    def _add_piece(self, start, end, first):
        """Where the last one ended, it goes on."""
        if self._pieces and self._pieces[-1][1] == start:
            self._pieces[-1][1], self._pieces[-1][3] = end, len(self)
        elif first < len(self):
            self._pieces.append([start, end, first, len(self)])

    def _add_place(self, page, pages, start, size, room):
        """These pages' things are in slots from `start` on, which come next."""
        self.slots.append(NOTHING)      # of the bytes before `start`
        place = start, size, len(self.slots), room
        first = page >> PAGE_SHIFT
        self.places.update(dict.fromkeys(range(first, first + pages), place))

    def _add_slab(self, slab):
        cache, first = slab.cache, len(self)
        start, room = self.heap.address(slab.pfn), cache.slot_size - cache.left
        at = start + cache.left
        self._add_place(start, cache.pages, at, cache.slot_size, room)
        end = len(self.slots) + cache.bytes // cache.slot_size + 1
        for serial, size, site, freed_by in \
                self.heap.record_fields.iter_unpack(slab.records):
            if site and not freed_by:
                self.slots.append(len(self.starts))
                self.starts.append(at)
                self.serials.append(serial)
                self.sizes.append(size)
                self.sites.append(site)
            else:
                self.slots.append(NOTHING)
            at += cache.slot_size
        self.slots.extend([NOTHING] * (end - len(self.slots)))
        self.rooms += [room] * (len(self) - first)
        self._add_piece(start, start + cache.bytes, first)

    def _add_block(self, block):
        heap, first = self.heap, len(self)
        record, pages = heap.page_record(block.pfn), heap.run_length(block.pfn)
        page, room = heap.address(block.pfn), pages << PAGE_SHIFT
        start = page
        if not record[2] or record[3]:
            return
        if heap.guarded(block):
            if heap.guarded_fault(block):
                return
            cache, offset = heap.guarded(block)
            own = -(-cache.object_size >> PAGE_SHIFT) << PAGE_SHIFT
            start, room = start + offset, min(own - offset, record[1])
        if block.pfn + pages > heap.npages:
            raise Unreadable(f"{heap.page_name(block.pfn)} ends behind the last page (B7)")
        self.blocks[first] = block.pfn
        self._add_place(page, pages, start, pages << PAGE_SHIFT, room)
        self.slots.append(first)
        self._add(start, room, record)
        self._add_piece(start, start + room // self.word * self.word, first)

    def _read(self):
        for start, end, first, end_of_things in self._pieces:
            run = Run()
            run.start, run.first, run.end = start, first, end_of_things
            run.words = words(target.read(start, end - start, "what is live"), self.word)
            self.runs.append(run)

    def each(self):
        """(thing, its first word's address, the words that were asked for) of each."""
        for run in self.runs:
            for i in range(run.first, run.end):
                at = (self.starts[i] - run.start) // self.word
                yield (i, run.start + at * self.word,
                       run.words[at:at + self.asked[i] // self.word])

    def around(self, address):
        """The thing around an address, or None."""
        place = self.places.get(address >> PAGE_SHIFT)
        if place is None:
            return None
        start, size, first, room = place
        slot, offset = divmod(address - start, size)
        i = self.slots[first + slot]
        return i if i != NOTHING and offset < room else None

    def words_in(self, start, size):
        """(address of the first, words) of the whole words of a part of a thing."""
        run = self.runs[bisect_right(self._firsts, self.around(start)) - 1]
        first = -(-(start - run.start) // self.word)
        end = max(first, (start + size - run.start) // self.word)
        return run.start + first * self.word, run.words[first:end]

    def value_at(self, word):
        """A word of a thing."""
        return self.words_in(word, self.word)[1][0]

    def through_page_struct(self, address):
        """A page struct stands for its page: mm/scan/mark.c."""
        heap, size = self.heap, self.heap.page_layout.size
        pfn, offset = divmod(address - heap.page, size)
        return heap.address(pfn) + offset if 0 <= pfn < heap.npages else address

    def names_of(self, thing):
        """Which values point to it: start, end; and those of its pages' structs."""
        heap, size = self.heap, self.heap.page_layout.size
        start = self.starts[thing]
        end = start + max(self.rooms[thing], 1)
        return (start, end, heap.page + heap.pfn(start) * size,
                heap.page + (heap.pfn(end - 1) + 1) * size)

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
