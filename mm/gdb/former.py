"""former.py - what was freed in slabs that are no more: the graves of mm/look/former.c."""
import struct

import gdb

from . import target
from .heap import unmarked

HEAD = 12                       # struct grave: as long as a record


def graves():
    """(first page, bytes of a slot, left of it, slots, their records) of each."""
    for half in (0, 1):
        used = target.static("mm/look/former.c", f"used[{half}]") or 0
        start = target.static("mm/look/former.c", f"places[{half}]", "(unsigned long)&")
        raw = target.read(start, used * HEAD, "graves") if used else b""
        at = 0
        while at < len(raw):
            pfn, size, left, slots = struct.unpack_from("<IIHH", raw, at)
            end = at + HEAD * (1 + slots)
            if end <= len(raw):         # else it was overwritten
                yield pfn, size, left, slots, raw[at + HEAD:end]
            at = end


def former_at(heap, address, found):
    """As former_at() of mm/look/former.c: a record, or `found`."""
    if not heap.recorded or heap.pfn(address) >= heap.npages:
        return found
    if address % (1 << 12) == 0:
        found = later(found, heap.page_record(heap.pfn(address)))
    for pfn, size, left, slots, raw in graves():
        offset = address - heap.address(pfn) - left
        if 0 <= offset < slots * size and offset % size == 0:
            record = unmarked(heap.record_fields.unpack_from(raw, offset // size * HEAD))
            found = later(found, record)
    return found


def former_life(heap, address):
    """As former_life() there: (start, record) of what last had this byte, or None."""
    if not heap.recorded or heap.pfn(address) >= heap.npages:
        return None
    start, found = None, None
    for pfn, size, left, slots, raw in graves():
        first = heap.address(pfn) + left
        index = (address - first) // size
        if 0 <= index < slots:
            record = unmarked(heap.record_fields.unpack_from(raw, index * HEAD))
            if later(found, record) is record:
                start, found = first + index * size, record
    for order in range(heap.max_order + 1):
        head = heap.pfn(address) >> order << order
        record = heap.page_record(head)
        if record[2] and record[3] and (not found or record[0] > found[0]) and \
                address - heap.address(head) < record[1]:
            start, found = heap.address(head), record
    return (start, found) if found else None


def later(a, b):
    if not (b[2] and b[3]) or (a and a[2] and a[0] >= b[0]):
        return a
    return b
