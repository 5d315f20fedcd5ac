"""damage.py - what was written where one must not, as mm_find_damage() of mm/watch.

The dials fill what nobody may write to (mm/watch/watch.c has the picture).  Here it is
read, and nothing is restored: a dump, or a machine that stands, stays as it is.
"""
from . import target
from .heap import PAGE_SHIFT

DIAL_Z, DIAL_P = 2, 4                   # mm/slot_priv.h
RED_FREE, RED_LIVE = 0xbb, 0xcc         # mm/watch/zone_priv.h
POISON, POISON_END, PAGE_POISON = 0x6b, 0xa5, 0xaa


def find(heap):
    """(what, address of the first wrong byte, what is there) of each place."""
    for slab in heap.slabs:
        if slab.cache.dials & (DIAL_Z | DIAL_P):
            yield from of_slab(heap, slab)
    for block in heap.guarded_blocks:
        yield from of_guarded(heap, block)
    for block in heap.large_blocks:
        if heap.recorded and heap.field(block.pfn, "redzone"):
            start, asked = heap.address(block.pfn), heap.page_record(block.pfn)[1]
            yield from wrong("Right Redzone overwritten", start + asked,
                             (block.pages << PAGE_SHIFT) - asked, RED_LIVE)
    if target.static("mm/watch/settings.c", "settings.debug_pagealloc") and \
            not heap.unmaps:            # else they are not there, and nobody wrote to them
        for block in heap.of_kind(heap.PG_FREE, heap.PG_KEPT):
            yield from wrong("page poison overwritten", heap.address(block.pfn),
                             block.pages << PAGE_SHIFT, PAGE_POISON)


def of_guarded(heap, block):
    """The slack of a live guarded object, in the pages of it that are there."""
    if heap.is_waiting(block) or heap.guarded_fault(block):
        return
    cache, offset = heap.guarded(block)
    first = heap.address(block.pfn) + (offset if offset >> PAGE_SHIFT else 0)
    end = first + (-(-cache.object_size >> PAGE_SHIFT) << PAGE_SHIFT)
    start, asked = heap.address(block.pfn) + offset, heap.page_record(block.pfn)[1]
    yield from wrong("memory corruption", first, start - first, RED_LIVE)
    yield from wrong("memory corruption", start + asked, end - start - asked, RED_LIVE)


def wrong(what, start, size, byte, last=None):
    """The first of these bytes that is not `byte` (the last one: `last`)."""
    if size <= 0:
        return
    found = target.read(start, size, "what is watched")
    wanted = bytes([byte]) * (size - 1) + bytes([byte if last is None else last])
    if found != wanted:
        at = next(i for i in range(size) if found[i] != wanted[i])
        yield what, start + at, found[at]


def of_slab(heap, slab):
    cache = slab.cache
    records = list(heap.slab_records(slab))
    zone = cache.left // 2
    for i in range(cache.slots):
        record = records[i] if records else None
        free = bool(slab.free >> i & 1 or record and heap.is_freed(record))
        start = heap.address(slab.pfn) + i * cache.slot_size + cache.left
        asked = cache.object_size
        if record and not free:
            asked = min(record[1], asked)
        if cache.dials & DIAL_Z:
            red = RED_FREE if free else RED_LIVE
            yield from wrong("Left Redzone overwritten", start - zone, zone, red)
            yield from wrong("Right Redzone overwritten", start + asked,
                             cache.slot_size - cache.left + zone - asked, red)
        if cache.dials & DIAL_P and free:
            yield from wrong("Poison overwritten", start, cache.object_size, POISON,
                             POISON_END)
