"""check.py - mm_check's rules, and where each is broken: marbles check.

mm_check stops at the first rule that is broken and names it.  Here all of them are
walked, in its order, and each is named with its place: the page, the list, the link.

    S1  every page of a slab names its cache      S5  the word being served is in
    S2  its map is where it must be                   the served slab
    S3  partial lists and countdowns are right    S6  counters are what slabs hold
    S4  what is empty is spare or served          S7  records agree with the map

B1 to B8, S1 and S2 are proved while the heap is read: heap.py.
"""
import json

import gdb

from .damage import find as damage_of
from .heap import SCANNING, Heap
from .memory import WORD, Totals
from .target import Command, write

SHOWN = 32                      # a broken list breaks thousands of links


def check_lists(heap):
    """B3 and B8 from the lists' side, B5, B6."""
    b3 = "B3: a list of free blocks is broken"
    counts = heap.free_blocks(heap.PG_FREE)
    for order, first in enumerate(heap.free):
        pfn, found, seen = first, 0, set()
        while pfn != heap.no_page:
            where = f"free[{order}], block {found + 1}: {heap.page_name(pfn)}"
            if pfn >= heap.npages:
                heap.say(b3, where)
                break
            if pfn in seen:
                heap.say(b3, f"{where} was on it before: the list is a circle")
                break
            if not heap.is_free_block(pfn, order):
                heap.say(b3, f"{where} is no free block of this order")
                break
            seen.add(pfn)
            found += 1
            pfn = heap.field(pfn, "next")
        else:
            if found != counts[order]:
                heap.say(b3, f"free[{order}] has {found} blocks, but there are "
                             f"{counts[order]}")
        if (first != heap.no_page) != bool(heap.nonempty >> order & 1):
            heap.say("B6: nonempty does not tell which lists have blocks",
                     f"bit {order} of {heap.nonempty:#x}")
    check_kept(heap)
    pages = sum(n << order for order, n in enumerate(heap.free_blocks()))
    if pages != heap.nfree:
        heap.say("B5: nfree is not the sum of the free blocks",
                 f"nfree is {heap.nfree}, free blocks have {pages} pages")


def check_kept(heap):
    """B8, from the stack's side."""
    b8 = "B8: the stack of kept pages is broken"
    pfn, seen = heap.kept, set()
    while pfn != heap.no_page:
        where = f"page {len(seen) + 1} on it: {heap.page_name(pfn)}"
        if pfn >= heap.npages or heap.kind_of[pfn] != heap.PG_KEPT or pfn in seen:
            heap.say(b8, where)
            return
        seen.add(pfn)
        pfn = heap.field(pfn, "next")
    if not len(seen) == heap.nkept == heap.count_kind(heap.PG_KEPT):
        heap.say(b8, f"nkept is {heap.nkept}, it has {len(seen)} pages, and "
                     f"{heap.count_kind(heap.PG_KEPT)} say that they are kept")


def slab_at(heap, by_pfn, cache, pfn):
    slab = by_pfn.get(pfn)
    return slab if slab is not None and slab.cache is cache else None


def check_served(heap, by_pfn):
    """S5, of all caches."""
    for cache in heap.caches.values():
        fault = served_fault(heap, by_pfn, cache) if not cache.fault else None
        if fault:
            heap.say("S5: the word being served is not one of the served slab's",
                     f"{cache.label}: {fault}")


def served_fault(heap, by_pfn, cache):
    if not cache.slab:
        word = int(gdb.parse_and_eval(f"*(unsigned int *){cache.word}"))
        return "none is served, but there is a word with free slots" if word else None
    pfn, rest = divmod(cache.slab - heap.page, heap.page_layout.size)
    name = heap.page_name(pfn) if 0 <= pfn < heap.npages else f"{cache.slab:#x}"
    if rest or not 0 <= pfn < heap.npages or heap.cache_at(pfn) is not cache:
        return f"the served slab is {name}"
    slab = slab_at(heap, by_pfn, cache, pfn)
    if slab is None:
        return None             # S1 or S2 has more to say
    maps = heap.address(pfn) + 4 * cache.map_word
    if not cache.map_word:
        maps = cache.slab + heap.page_layout.fields["map"][0] // 8
    index = (cache.word - maps) // 4 * 32
    if not 0 <= index < cache.slots or (cache.word - maps) % 4:
        return f"word {cache.word:#x} is not in the map of {name}, at {maps:#x}"
    if cache.group != heap.address(pfn) + index * cache.slot_size + cache.left:
        return f"group {cache.group:#x} is not slot {index} of {name}"
    if cache.group_record != record_address(heap, slab, index):
        return f"group_record {cache.group_record:#x} is not of slot {index} of {name}"
    return None


def record_address(heap, slab, index):
    size = heap.record_layout.size
    if slab.cache.record_offset:
        return heap.address(slab.pfn) + slab.cache.record_offset + index * size
    if not heap.recorded:
        return 0
    return heap.record_at + (slab.pfn + index) * size


def level_of(nfree):
    """As slab_level(): log4."""
    return (nfree.bit_length() - 1) // 2


def countdown(cache, nfree):
    following = 4 << 2 * level_of(nfree) if nfree else 1
    return min(following, cache.slots) - nfree


def check_slab(heap, slab):
    """S4, S3, S7 and M3 of one slab."""
    cache, name = slab.cache, f"{heap.page_name(slab.pfn)} of {slab.cache.label}"
    kept = heap.is_kept(slab)
    if not kept and slab.nfree == cache.slots:
        heap.say("S4: an empty slab is neither spare nor served", name)
    elif not kept and slab.countdown != countdown(cache, slab.nfree):
        heap.say("S3: a slab's countdown does not end where the next level begins",
                 f"{name}: it is {slab.countdown}, with {slab.nfree} free slots it "
                 f"should be {countdown(cache, slab.nfree)}")
    for i, (serial, _, site, freed_by) in enumerate(heap.slab_records(slab)):
        free = slab.free >> i & 1
        if (site != 0 and freed_by == 0) == bool(free) and \
                not (heap.quarantined and not free):
            heap.say("S7: a slot's record does not agree with the map",
                     f"{name}, slot {i}: {'free' if free else 'live'} in the map, "
                     f"site {site}, freed_by {freed_by} in the record")
        if heap.is_newer(serial):
            heap.say("M3: a serial number is newer than the newest",
                     f"{name}, slot {i}: {serial}, the newest is {heap.serial}")


def check_cache(heap, by_pfn, info):
    """S4, S3, S6 of one cache."""
    cache = info.cache
    if cache.spare != heap.no_page:
        slab = slab_at(heap, by_pfn, cache, cache.spare)
        if slab is None or slab.nfree != cache.slots:
            heap.say("S4: the spare slab is not an empty slab of its cache",
                     f"{cache.label}: {heap.page_name(cache.spare)}")
    wanted = [0] * len(cache.partial)
    for slab in by_pfn.values():
        if slab.cache is cache and slab.nfree and not heap.is_kept(slab):
            wanted[min(level_of(slab.nfree), len(wanted) - 1)] += 1
    for level in range(len(wanted)):
        fault = partial_fault(heap, by_pfn, cache, level, wanted[level])
        if fault:
            heap.say("S3: a list of partial slabs is broken",
                     f"{cache.label}, partial[{level}]{fault}")
    if (cache.slabs, cache.live) != (info.slabs, info.live & WORD):
        heap.say("S6: a cache's counters are not what its slabs hold",
                 f"{cache.label}: slabs {cache.slabs}, allocs - frees {cache.live}; "
                 f"recounted {info.slabs} and {info.live}")


def partial_fault(heap, by_pfn, cache, level, wanted):
    pfn, before = cache.partial[level], heap.no_page
    if (pfn != heap.no_page) != bool(cache.levels >> level & 1):
        return f": bit {level} of levels, {cache.levels:#x}, does not tell of it"
    for n in range(1, wanted + 1):
        where = f", slab {n} of {wanted}: {heap.page_name(pfn)}"
        slab = slab_at(heap, by_pfn, cache, pfn)
        if slab is None:
            return f"{where}; it comes after {heap.page_name(before)}"
        if slab.prev != before:
            return f"{where}: prev is {heap.page_name(slab.prev)}, should be " \
                   f"{heap.page_name(before)}"
        if not slab.nfree or level_of(slab.nfree) != level:
            return f"{where} has {slab.nfree} free slots"
        before, pfn = pfn, slab.next
    if pfn != heap.no_page:
        return f" has {wanted} slabs, but goes on with {heap.page_name(pfn)}"
    return None


def check_slabs(heap):
    by_pfn = {slab.pfn: slab for slab in heap.slabs}
    found, heap.broken = heap.broken, []
    early = [pair for pair in found if not pair[0].startswith("S")]
    late = [pair for pair in found if pair[0].startswith("S")]
    check_served(heap, by_pfn)
    heap.broken = early + heap.broken + late        # in mm_check's order
    for slab in heap.slabs:
        check_slab(heap, slab)
    for info in Totals(heap).caches:
        if not info.cache.fault:
            check_cache(heap, by_pfn, info)


def check_sums(heap):
    """M1, M2, M3, M5, M7."""
    totals = Totals(heap)
    if heap.meta_pages != totals.meta_pages or heap.total_pages != totals.total_pages:
        heap.say("M1: total is not free + used",
                 f"total_pages {heap.total_pages}, meta_pages {heap.meta_pages}; "
                 f"recounted {totals.total_pages} and {totals.meta_pages}")
    if heap.pages_allocated - heap.pages_freed & WORD != totals.live_pages:
        heap.say("M2: pages allocated and freed do not give the live pages",
                 f"{heap.pages_allocated} - {heap.pages_freed}, but "
                 f"{totals.live_pages} are live")
    for block in heap.of_kind(heap.PG_USED, heap.PG_LARGE) if heap.recorded else ():
        serial, _, _, freed_by = heap.page_record(block.pfn)
        if heap.is_newer(serial):
            heap.say("M3: a serial number is newer than the newest",
                     f"{heap.page_name(block.pfn)}: {serial}, the newest is "
                     f"{heap.serial}")
        if (not serial or freed_by) and not heap.guarded(block):
            heap.say("M5: the record of a live block of pages says that it is free",
                     heap.page_name(block.pfn))


    counted = heap.guarded_pages, heap.guarded_freed
    found = totals.guarded_pages, sum(map(heap.is_waiting, heap.guarded_blocks))
    if counted != found:
        heap.say("M7: guarded objects are not as many as counted",
                 f"pages and freed ones: {counted}; recounted {found}")


def check_guarded(heap):
    for block in heap.guarded_blocks:
        fault = heap.guarded_fault(block)
        if fault:
            heap.say("M6: a guarded object does not lie as one of its cache",
                     f"{heap.page_name(block.pfn)} {fault}")


def check(heap):
    """All that is broken, as (sentence, where)."""
    check_lists(heap)
    check_guarded(heap)
    check_slabs(heap)
    check_sums(heap)
    return heap.broken


class Check(Command):
    """Every rule of mm, and where it is broken: marbles check [-j]."""
    name = "check"

    def run(self, words, as_json):
        heap = Heap()
        if not heap.npages and not any(heap.free):
            raise gdb.GdbError("there is no heap yet: mm_init has not run")
        broken = check(heap)
        # What is half changed is not as it must be, and neither is what is broken.
        damage = [] if broken or heap.is_changing else list(damage_of(heap))
        if as_json:
            row = {"ok": not broken, "broken": broken[0][0] if broken else None,
                   "damage": len(damage), "reports": heap.reports}
            if broken:
                row["where"] = [f"{rule}: {where}" for rule, where in broken[:SHOWN]]
            write(json.dumps(row))
            return
        if heap.is_changing:
            write(f"mm was {SCANNING}" if heap.is_scanning else
                  "mm is busy: it was stopped inside a call; what is broken below may "
                  "be half-done work")
        for rule, where in broken[:SHOWN]:
            write(f"{rule}\n    {where}")
        if len(broken) > SHOWN:
            write(f"and {len(broken) - SHOWN} more")
        for what, address, byte in damage[:SHOWN]:
            write(f"{what}: {byte:#04x} at {address:#010x}: marbles whatis "
                  f"{address:#x}")
        if len(damage) > SHOWN:
            write(f"and {len(damage) - SHOWN} more")
        if not broken:
            write("mm_check: all rules hold"
                  + (", but memory was overwritten" if damage else ""))


Check()
