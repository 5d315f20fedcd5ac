"""memory.py - how much memory: marbles meminfo, buddyinfo, slabinfo.

All that can be is recounted: pages and blocks from the page structs, objects and
slabs from the maps.  What only a counter knows (frees since boot) is taken from it,
and every counter that a recount can prove wrong is named below the listing:

    DIFFERS: heap.buddy.nfree says 1200, the page structs 1201

A kernel stopped inside the allocator is between two truths; that is said as well.
"""
import json

from . import target
from .heap import PAGE_SHIFT, SCANNING, Heap
from .target import Command, write

WORD = 0xffffffff
BUSY = ~31                      # MM_BUSY of mm/port.h


def kilobytes(pages):
    return pages << PAGE_SHIFT - 10


class CacheInfo:
    """As struct mm_cache_info, with slabs and slots recounted."""

    def __init__(self, cache):
        self.cache = cache
        self.slabs = self.full = self.partial = self.empty = self.live = 0

    def add(self, slab):
        self.slabs += 1
        self.live += slab.cache.slots - slab.nfree - slab.waiting
        if slab.nfree == 0:
            self.full += 1
        elif slab.nfree == slab.cache.slots:
            self.empty += 1
        else:
            self.partial += 1


class Totals:
    """As struct mm_stats."""

    def __init__(self, heap):
        self.heap = heap
        self.caches = [CacheInfo(cache) for cache in heap.caches.values()]
        by_number = {info.cache.number: info for info in self.caches}
        for slab in heap.slabs:
            by_number[slab.cache.number].add(slab)
        for block in heap.guarded_blocks:
            cache, _ = heap.guarded(block)
            if cache and not heap.is_waiting(block):
                by_number[cache.number].live += 1
        self.free_blocks = heap.free_blocks()
        self.free_pages = sum(n << k for k, n in enumerate(self.free_blocks))
        self.total_pages = heap.npages - heap.count_kind(heap.PG_HOLE)
        self.meta_pages = heap.count_kind(heap.PG_META)
        self.slab_pages = heap.count_kind(heap.PG_SLAB)
        self.empty_slab_pages = sum(info.empty * info.cache.pages
                                    for info in self.caches)
        self._count_blocks(heap)
        self._count_objects(heap)

    def _count_blocks(self, heap):
        self.live_pages = sum(b.pages for b in heap.of_kind(heap.PG_USED, heap.PG_PART))
        large = heap.large_blocks
        self.guarded_pages = sum(block.pages for block in heap.guarded_blocks)
        self.large, self.large_pages = len(large), sum(block.pages for block in large)

    def _count_objects(self, heap):
        self.live_objects = self.large + sum(info.live for info in self.caches)
        self.kmallocs = heap.large_allocs + sum(i.cache.allocs for i in self.caches) & WORD
        self.kfrees = heap.large_frees + sum(i.cache.frees for i in self.caches) & WORD
        self.live_bytes = self.newest = 0
        for record, size, is_object in heap.live():
            if record and record[0]:
                size = record[1]
                self.newest = max(self.newest, record[0])
            if is_object:
                self.live_bytes += size

    def differences(self):
        """(counter, what it says, what it should say) of all that are wrong."""
        heap = self.heap
        pairs = [
            ("heap.total_pages", heap.total_pages, self.total_pages),
            ("heap.buddy.nfree", heap.nfree, self.free_pages),
            ("heap.meta_pages", heap.meta_pages, self.meta_pages),
            ("heap.pages_allocated - heap.pages_freed",
             heap.pages_allocated - heap.pages_freed & WORD, self.live_pages),
            ("heap.large_allocs - heap.large_frees",
             heap.large_allocs - heap.large_frees & WORD, self.large),
            ("heap.guarded_pages", heap.guarded_pages, self.guarded_pages),
            ("heap.buddy.nonempty", heap.nonempty,
             sum(1 << k for k, n in enumerate(heap.free_blocks(heap.PG_FREE)) if n))]
        for info in self.caches:
            cache = info.cache
            pairs += [(f"{cache.label}: slabs", cache.slabs, info.slabs),
                      (f"{cache.label}: allocs - frees", cache.live, info.live)]
        if self.newest > heap.serial:
            pairs.append(("heap.serial", heap.serial, self.newest))
        return [pair for pair in pairs if pair[1] != pair[2]]


def say_what_is_wrong(heap, totals, as_json):
    """Below a listing: what it cannot be trusted in, and why."""
    differences = totals.differences() if totals else []
    busy = bool(heap.state & BUSY)
    if as_json:
        wrong = {}
        if differences:
            wrong["differs"] = [dict(zip(("counter", "says", "recounted"), pair))
                                for pair in differences]
        if heap.broken:
            wrong["broken"] = [f"{rule}: {where}" for rule, where in heap.broken[:16]]
        if wrong:
            write(json.dumps({"wrong": True, "busy": busy, **wrong}))
        return
    if heap.is_scanning:
        write(f"mm was {SCANNING}")
    elif busy:
        write("mm is busy: it was stopped inside a call, and counters may be one apart")
    for name, says, is_so in differences:
        write(f"DIFFERS: {name} says {says}, recounted it is {is_so}")
    for rule, where in heap.broken[:4]:
        write(f"BROKEN: {rule}: {where}")
    if len(heap.broken) > 4:
        write(f"BROKEN: and {len(heap.broken) - 4} more: marbles check")


class MemInfo(Command):
    """How much memory is free and used: marbles meminfo [-j]."""
    name = "meminfo"

    def run(self, words, as_json):
        heap = Heap()
        totals = Totals(heap)
        if as_json:
            write(json.dumps({key: value for _, key, value, _ in rows(heap, totals)}))
        else:
            for label, _, value, is_kb in rows(heap, totals):
                write(f"{label + ':':16}{value:8}{' kB' if is_kb else ''}")
        say_what_is_wrong(heap, totals, as_json)


def rows(heap, t):
    available = t.free_pages + t.empty_slab_pages
    return [
        ("MemTotal", "total_kb", kilobytes(t.total_pages), True),
        ("MemFree", "free_kb", kilobytes(t.free_pages), True),
        ("MemAvailable", "available_kb", kilobytes(available), True),
        ("Slab", "slab_kb", kilobytes(t.slab_pages), True),
        ("SReclaimable", "reclaimable_kb", kilobytes(t.empty_slab_pages), True),
        ("SUnreclaim", "unreclaimable_kb",
         kilobytes(t.slab_pages - t.empty_slab_pages), True),
        ("MemUsed", "used_kb", kilobytes(t.total_pages - t.free_pages), True),
        ("LargeKmallocs", "large_kb", kilobytes(t.large_pages), True),
        ("Pages", "pages_kb", kilobytes(t.live_pages), True),
        ("Guarded", "guarded_kb", kilobytes(t.guarded_pages), True),
        ("Metadata", "meta_kb", kilobytes(t.meta_pages), True),
        ("Kmallocs", "kmallocs", t.kmallocs, False),
        ("Kfrees", "kfrees", t.kfrees, False),
        ("LiveObjects", "live_objects", t.live_objects, False),
        ("LiveBytes", "live_bytes", t.live_bytes, False),
        ("PagesAllocated", "pages_allocated", heap.pages_allocated, False),
        ("PagesFreed", "pages_freed", heap.pages_freed, False),
        ("LivePages", "live_pages", t.live_pages, False),
        ("Failed", "failed", heap.failed, False),
        ("BadFrees", "bad_frees", heap.bad_frees, False),
        ("Reports", "reports", heap.reports, False),
        ("LastSerial", "last_serial", heap.serial, False),
        ("SkippedRanges", "skipped_ranges", heap.skipped, False),
        ("Unguarded", "unguarded", heap.unguarded, False),
        *page_tables()]


def page_tables():
    """Of the kernel, which has some; a program with mm in it has none of its own."""
    pages = target.static("kernel/cpu/paging.c", "page_tables")
    return [] if pages is None else [
        ("PageTables", "page_tables_kb", kilobytes(pages), True)]


class BuddyInfo(Command):
    """Free blocks of pages, by order: marbles buddyinfo [-j]."""
    name = "buddyinfo"

    def run(self, words, as_json):
        heap = Heap()
        blocks = heap.free_blocks()
        pages = sum(n << order for order, n in enumerate(blocks))
        if as_json:
            write(json.dumps({"node": 0, "zone": "Normal", "free_blocks": blocks,
                              "free_kb": kilobytes(pages)}))
        else:
            self.print(blocks, pages)
        say_what_is_wrong(heap, Totals(heap), as_json)

    def print(self, blocks, pages):
        sizes = "".join(f" {kilobytes(1 << order):6}" for order in range(len(blocks)))
        largest = [order for order, n in enumerate(blocks) if n]
        write("Node 0, zone   Normal " + "".join(f"{n:6} " for n in blocks))
        write(f"block size, kB        {sizes}")
        write(f"{kilobytes(pages)} kB free in {sum(blocks)} blocks" +
              (f", the largest of {kilobytes(1 << largest[-1])} kB" if largest else ""))


class SlabInfo(Command):
    """Object caches and their slabs: marbles slabinfo [-j]."""
    name = "slabinfo"

    def run(self, words, as_json):
        heap = Heap()
        totals = Totals(heap)
        if as_json:
            for info in totals.caches:
                write(json.dumps(cache_row(info)))
        else:
            self.print(totals.caches)
        say_what_is_wrong(heap, totals, as_json)

    def print(self, caches):
        write("slabinfo - version: 2.1\n"
              "# name            <active_objs> <num_objs> <objsize> <objperslab> "
              "<pagesperslab> : tunables <limit> <batchcount> <sharedfactor> : "
              "slabdata <active_slabs> <num_slabs> <sharedavail>")
        for info in caches:
            c = info.cache
            write(f"{c.label:17} {info.live:6} {info.slabs * c.slots:6} "
                  f"{c.slot_size:6} {c.slots:4} {c.pages:4} : tunables    0    0    0 "
                  f": slabdata {info.slabs - info.empty:6} {info.slabs:6} {0:6}")
        write("# slabs of caches used so far\n"
              "# name              full  partial  empty   peak  objsize   allocs"
              "    frees")
        for info in caches:
            c = info.cache
            if c.allocs:
                write(f"{c.label:17} {info.full:6} {info.partial:8} {info.empty:6} "
                      f"{c.peak_slabs:6} {c.object_size:8} {c.allocs:8} {c.frees:8}")


def cache_row(info):
    c = info.cache
    return {"name": c.label, "active_objs": info.live, "num_objs": info.slabs * c.slots,
            "objsize": c.slot_size, "objperslab": c.slots, "pagesperslab": c.pages,
            "active_slabs": info.slabs - info.empty, "num_slabs": info.slabs,
            "full": info.full, "partial": info.partial, "empty": info.empty,
            "peak_slabs": c.peak_slabs, "asked_size": c.object_size,
            "allocs": c.allocs, "frees": c.frees}


MemInfo()
BuddyInfo()
SlabInfo()
