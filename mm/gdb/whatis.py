"""whatis.py - what an address is, and whose: marbles whatis ADDR.

The same steps as mm/look/what.c and the same sentences as kernel/memory/whatis.c, for whatever
mm knows.  ADDR is any expression: 0x523110, p, &list->head, $esp.
"""
import json

import gdb

from . import target
from .former import former_at, former_life
from .heap import PAGE_SHIFT, Block, Heap, Slab, unmarked
from .sites import Sites
from .target import Command, number, write

PAGE_SIZE = 1 << PAGE_SHIFT

WORDS = {
    "outside": "outside the heap",
    "hole": "not memory of the heap",
    "meta": "book-keeping of mm: page structs and records",
    "free_pages": "a free block of pages",
    "used_pages": "a live block of pages",
    "large": "a live kmalloc in pages of its own",
    "slab_live": "a live object",
    "slab_free": "a free slot",
    "slab_redzone": "the red zone of an object",    # told by beside()
    "slab_rest": "what is left of a slab behind its last slot",
    "guarded_live": "a live object, guarded",
    "guarded_free": "a freed object, guarded",
}
SLOTS = ("slab_live", "slab_free", "slab_redzone")
BLOCKS = ("free_pages", "used_pages", "large")
GUARDED = ("guarded_live", "guarded_free")


class What:
    """As struct mm_what, for one address."""

    def __init__(self, heap, address):
        self.heap, self.address = heap, address
        self.kind, self.start, self.bytes = "outside", address, 0
        self.serial = self.asked = self.taken_by = self.freed_by = self.order = 0
        self.exact = self.used_before = self.quarantined = False
        self.before = self.around = (0, 0, 0, 0)
        self.around_start = 0
        self.cache, self.slot = None, 0
        self.pfn = heap.pfn(address)
        if self.pfn < heap.npages:
            self._page()

    @property
    def offset(self):
        return self.address - self.start

    def _before(self):
        """What started at this address, where what is told above does not."""
        record = former_at(self.heap, self.address, None)
        if record and record[0] != self.serial:
            self.before = record

    def _record(self, record):
        if record and record[0] and record[2]:
            self.serial, self.asked, self.taken_by, self.freed_by = record

    def _page(self):
        heap = self.heap
        head = heap.head(self.pfn)
        if heap.kind_of[head] == heap.PG_PART and heap.field(head, "run") < head:
            head = heap.field(head, "run")
        kind = heap.kind_of[head]
        self.order = heap.order_of[head]
        if kind in (heap.PG_FREE, heap.PG_KEPT):
            self._free(head)
        elif kind == heap.PG_LARGE and heap.guarded(Block(head, kind, self.order)):
            self._guarded(Block(head, kind, self.order))
        elif kind in (heap.PG_USED, heap.PG_PART, heap.PG_LARGE):
            self._pages(head, kind)
        elif kind == heap.PG_SLAB:
            self._slab(head)
        else:
            self.kind = "meta" if kind == heap.PG_META else "hole"
        if self.offset and self.kind not in ("free_pages", "slab_rest"):
            self._before()

    def _free(self, head):
        self.kind = "free_pages"
        self.start, self.bytes = self.heap.address(head), PAGE_SIZE << self.order
        self._former(self.heap.page_record(self.pfn))

    def _former(self, record):
        """Of free memory: what once started at this very address."""
        self._record(former_at(self.heap, self.address, None))
        around = None
        if not self.serial and self.kind == "free_pages":
            around = former_life(self.heap, self.address)
        if around:
            self.around_start, self.around = around
        self.used_before = bool(self.serial or record and record[0])

    def _pages(self, head, kind):
        heap = self.heap
        self.kind = "large" if kind == heap.PG_LARGE else "used_pages"
        self.exact = kind == heap.PG_USED and heap.field(head, "run") != 0
        self.start = heap.address(head)
        self.bytes = self.asked = heap.run_length(head) << PAGE_SHIFT
        self._record(heap.page_record(head))

    def _guarded(self, block):
        heap = self.heap
        fault = heap.guarded_fault(block)
        if fault:
            raise target.Unreadable(f"{heap.page_name(block.pfn)}: a guarded object {fault} "
                                    "(M6)")
        self.cache, offset = heap.guarded(block)
        record = heap.page_record(block.pfn)
        self.kind = "guarded_free" if heap.is_freed(record) else "guarded_live"
        self.start, self.bytes = heap.address(block.pfn) + offset, record[1]
        self._record(record)

    def _slab(self, head):
        heap = self.heap
        cache = heap.cache_at(head)
        if cache is None or cache.fault:
            raise target.Unreadable(
                f"{heap.page_name(head)} is a slab of cache {heap.field(head, 'cache')}"
                f", which {cache.fault if cache else 'is none'}")
        self.cache = cache
        zone = cache.left // 2          # the first half is of the slot before
        self.slot = max(self.address - heap.address(head) - zone, 0) // cache.slot_size
        if self.slot >= cache.slots:
            self.kind = "slab_rest"
            self.start = heap.address(head) + cache.slots * cache.slot_size + zone
            self.bytes = heap.address(head) + cache.bytes - self.start
            self._former(None)
            return
        slab = Slab()
        slab.pfn, slab.cache, slab.map = head, cache, heap.field(head, "map")
        bits = heap._read_map(slab)
        if bits is None:
            raise target.Unreadable(f"{heap.page_name(head)}: its map is not where it "
                                    "must be (S2)")
        free = bits >> self.slot & 1
        self.start = heap.address(head) + self.slot * cache.slot_size + cache.left
        self.bytes, self.asked = cache.slot_size - cache.left, cache.object_size
        if slab.records:
            record = unmarked(heap.record_fields.unpack_from(
                slab.records, self.slot * heap.record_layout.size))
            is_former = self.offset == 0 and (free or heap.is_freed(record))
            self._record(former_at(heap, self.address, record) if is_former else record)
            waits = not free and heap.is_freed(record)
            self.quarantined = waits and heap.quarantined > 0
            free = free or waits
        self.kind = "slab_free" if free else "slab_live"
        self.used_before = bool(free and self.serial)
        if cache.left and not 0 <= self.address - self.start < cache.object_size:
            self.kind, self.quarantined = "slab_redzone", False


def as_json(what, sites):
    row = {"address": pointer(what.address), "kind": what.kind}
    if what.kind in ("outside", "hole"):
        found = sites.symbols.find(what.address)
        if found:
            row.update(symbol=found[0], offset=what.address - found[1])
    if what.kind in SLOTS + BLOCKS + GUARDED:
        row.update(start=f"{what.start:#010x}", bytes=what.bytes, offset=what.offset)
    if what.kind in BLOCKS:
        row.update(order=what.order)
    if what.kind in SLOTS:
        row.update(cache=what.cache.label, slot=what.slot)
    if what.kind in GUARDED:
        row.update(cache=what.cache.label)
    if what.quarantined:
        row.update(quarantined=True)
    if what.serial:
        row.update(serial=what.serial, asked=what.asked)
    for role in ("taken_by", "freed_by"):
        n = getattr(what, role)
        if n:
            row[role] = sites.place(n)
            row[role + "_func"] = sites.function(n)
    if what.before[0]:
        row.update(life_json("before_", what.before, sites))
    if what.around[0]:
        row.update(around_start=f"{what.around_start:#010x}",
                   **life_json("around_", what.around, sites))
    return row


def life_json(which, life, sites):
    serial, asked, taken_by, freed_by = life
    return {which + "serial": serial, which + "asked": asked,
            which + "taken_by": sites.place(taken_by),
            which + "taken_by_func": sites.function(taken_by),
            which + "freed_by": sites.place(freed_by),
            which + "freed_by_func": sites.function(freed_by)}


def pointer(address):
    """As %p of the kernel."""
    return f"0x{address:0{2 * gdb.lookup_type('long').sizeof}x}"


def sentences(what, sites):
    at = pointer(what.address)
    if what.kind in ("outside", "hole"):
        found = sites.symbols.find(what.address)
        name = f": {sites.symbols.format(what.address)}" if found else ""
        return [f"{at}: {WORDS[what.kind]}{name}"]
    within = f"byte {what.offset} of " if what.offset > 0 else \
        f"{-what.offset} bytes before, in " if what.offset else ""
    start = f" from {what.start:#010x}" if what.offset else ""
    words = "a freed object in quarantine" if what.quarantined else WORDS[what.kind]
    if what.kind == "slab_redzone":
        lines = [f"{at}: {beside(what)} an object, in its red zone: slot {what.slot} of "
                 f"cache {what.cache.label}, {what.bytes} bytes from {what.start:#010x}"]
    elif what.kind in SLOTS:
        lines = [f"{at}: {within}{words}: slot {what.slot} of cache "
                 f"{what.cache.label}, {what.bytes} bytes{start}"]
    elif what.kind in BLOCKS:
        order = "exact, first block of order" if what.exact else "order"
        lines = [f"{at}: {within}{words}: {what.bytes >> 10} kB ({order} "
                 f"{what.order}){start}"]
    elif what.kind in GUARDED:
        lines = [f"{at}: {within}{words}: cache {what.cache.label}, {what.bytes} "
                 f"bytes{start}"]
    elif what.kind == "slab_rest":
        lines = [f"{at}: {words} (cache {what.cache.label})"]
    else:
        lines = [f"{at}: {words}"]
    return lines + history(what, sites)


def beside(what):
    """Where it is from the object in whose red zone it lies."""
    n = what.offset - what.asked
    return f"{-what.offset} bytes before" if what.offset < 0 else \
        f"{n} bytes behind the end of" if n else "right behind"


def history(what, sites):
    free = what.kind in ("free_pages", "slab_free") or what.freed_by
    lines = []
    if what.serial:
        lines += life((what.serial, what.asked, what.taken_by, what.freed_by), free, sites)
    elif free and what.heap.recorded and not what.before[0] and not what.around[0]:
        lines.append("  it was handed out before, but no record of that is left"
                     if what.used_before else
                     "  there is no record that it was ever handed out")
    if what.before[0]:
        lines.append("  before that another one started at this very address:")
        lines += life(what.before, True, sites)
    if what.around[0]:
        lines.append(f"  it was byte {what.address - what.around_start} of what lay at "
                     f"{what.around_start:#010x} before:")
        lines += life(what.around, True, sites)
    return lines


def life(record, free, sites):
    serial, asked, taken_by, freed_by = record
    lines = [f"  {'last taken' if free else 'taken'} for {asked} bytes by "
             f"{sites.function(taken_by)} ({sites.place(taken_by)}), serial {serial}"]
    if free and freed_by:
        lines.append(f"  freed by {sites.function(freed_by)} ({sites.place(freed_by)})")
    return lines


class WhatIs(Command):
    """What an address is, and whose: marbles whatis ADDR [-j]."""
    name = "whatis"
    usage = "ADDR [-j]"
    most = 64                   # an expression may have blanks in it

    def run(self, words, as_json_row):
        if not words:
            raise gdb.GdbError("marbles whatis: ADDR is missing")
        address = number(" ".join(words), "ADDR")
        what, sites = What(Heap(), address), Sites()
        if as_json_row:
            write(json.dumps(as_json(what, sites)))
        else:
            write("\n".join(sentences(what, sites)))


WhatIs()
