"""heap.py - a picture of the heap, read in bulk.

    struct heap, the caches, all page structs, all page records    one read each
    a slab's map and records                                       one or two each

What is read is believed as little as mm_check believes it: each walk is bounded,
and what is broken becomes a line in `broken` that says where.  The sentences are
mm_check's own, in its order, so that the first is what mm_check would answer.

    B1 .. B8    buddy.c     blocks and their lists
    S1 .. S7    slab.c      see check.py for these
    M1 .. M7    front/init.c
"""
from . import target
from .target import Unreadable

PAGE_SHIFT = 12                 # of the machine; the array says all else
MAX_PAGES = 1 << 22             # 16 GiB: more is garbage, not to be read at once
MAX_SLOTS = 1 << PAGE_SHIFT     # far more than any slab can have
SCANNING = "stopped in the middle of its own scan for leaks, while records are chained " \
           "to each other (mm/scan/scan_priv.h): let it come to the scan's end"


class Block:
    """A block of pages: its first page struct."""
    __slots__ = ("pfn", "kind", "order", "pages")

    def __init__(self, pfn, kind, order):
        self.pfn, self.kind, self.order, self.pages = pfn, kind, order, 1 << order


def unmarked(record):
    """As record_size() of mm/page.h: of a size that was marked only half is one."""
    serial, size, site, freed_by = record
    return serial, size & 0xffff if size >> 31 else size, site, freed_by


class Cache:
    """A kmem_cache; `fault` says why it cannot be used, if it cannot."""

    def __init__(self, heap, number):
        raw, base = heap.cache_bytes, number * heap.cache_layout.size
        self.number = number
        self.address = heap.caches_at + base
        self.__dict__.update(heap.cache_layout.all(raw, base))
        self.partial = heap.cache_layout.array(raw, "partial", base)
        self.label = target.read_string(self.name) if self.name else None
        self.bytes = 1 << PAGE_SHIFT + min(self.order, 15)
        self.words = (self.slots + 31) // 32
        self.pages = 1 << min(self.order, 15)
        self.live = (self.allocs - self.frees) & 0xffffffff
        self.fault = self._fault(heap)
        if self.label is None:
            self.label = f"cache {number}"

    def _fault(self, heap):
        if not self.name:
            return "is free"
        if self.label is None:
            return f"has its name at {self.name:#x}, where no string can be read"
        if self.order > heap.max_order:
            return f"has slabs of order {self.order}"
        if not 0 < self.slot_size <= self.bytes or \
                not 0 < self.slots * self.slot_size <= self.bytes:
            return f"has {self.slots} slots of {self.slot_size} bytes in a slab of " \
                   f"{self.bytes}"
        if self.record_offset and self.record_offset + \
                self.slots * heap.record_layout.size > self.bytes:
            return f"has its records at {self.record_offset}, past its slabs' end"
        if 4 * self.map_word > self.bytes:
            return f"has its maps at {4 * self.map_word}, past its slabs' end"
        return None


class Slab:
    """A slab with its map; bit i of `free` is 1 if slot i is free."""
    __slots__ = ("pfn", "cache", "map", "free", "nfree", "waiting", "past", "countdown",
                 "next", "prev", "records")


class Heap:
    def __init__(self):
        self.broken = []                # (sentence of mm_check, where)
        self._kinds()
        self._layouts()
        self._read_heap()
        self._read_pages()
        self._read_caches()
        self._read_records()
        self._blocks = self._slabs = None

    def say(self, rule, where):
        self.broken.append((rule, where))

    # ---- reading ------------------------------------------------------------------

    def _kinds(self):
        self.kinds, self.kind_names = target.enum("page_kind")
        for name, value in self.kinds.items():
            setattr(self, name, value)

    def _layouts(self):
        self.heap_layout = target.Layout("heap")
        self.buddy_layout = target.Layout("buddy")
        self.page_layout = target.Layout("page")
        self.record_layout = target.Layout("record")
        self.cache_layout = target.Layout("kmem_cache")
        self.max_order = self.buddy_layout.length("free") - 1
        self.no_page = self.page_layout.most("next")
        self.record_fields = self.record_layout.unpacker("serial", "size", "site",
                                                         "freed_by")

    def _read_heap(self):
        raw = target.read(target.place("heap")[0], self.heap_layout.size, "struct heap")
        self.__dict__.update(self.heap_layout.all(raw))
        base = self.heap_layout.fields["buddy"][0] // 8
        for name in ("page", "npages", "nfree", "nonempty", "kept", "nkept"):
            setattr(self, name, self.buddy_layout.get(raw, name, base))
        self.free = self.buddy_layout.array(raw, "free", base)
        self.record_at = self.record
        self.state = target.value("mm_state")
        self.is_scanning = target.value("mm_scan_dropped") != 0

    def _read_pages(self):
        if self.npages > MAX_PAGES:
            raise Unreadable(f"struct heap is garbage: it has {self.npages} pages")
        size = self.page_layout.size
        self.page_bytes = target.read(self.page, self.npages * size, "page structs")
        self.kind_of = self._column("kind")
        self.order_of = self._column("order")

    def _column(self, name):
        """A field of a few bits, of all pages, as bytes."""
        bit, bits, _ = self.page_layout.fields[name]
        pick = bytes(byte >> bit % 8 & (1 << bits) - 1 for byte in range(256))
        return self.page_bytes[bit // 8::self.page_layout.size].translate(pick)

    def _read_caches(self):
        self.caches_at, size = target.place("caches")
        count = size // self.cache_layout.size
        self.cache_bytes = target.read(self.caches_at, size, "caches")
        self.caches = {}
        for n in range(count):
            base = n * self.cache_layout.size
            if self.cache_layout.get(self.cache_bytes, "name", base):
                self.caches[n] = Cache(self, n)

    def _read_records(self):
        self.recorded = self.record_at != 0
        self.record_bytes = b""
        if self.recorded:
            self.record_bytes = target.read(
                self.record_at, self.npages * self.record_layout.size, "page records")

    @property
    def is_changing(self):
        """mm_is_changing() of mm/port.h: is a call at work, which does not only read?"""
        return self.state & ~31 != 0 and not self.state & 16

    # ---- pages --------------------------------------------------------------------

    def field(self, pfn, name):
        return self.page_layout.get(self.page_bytes, name, pfn * self.page_layout.size)

    def address(self, pfn):
        return self.base + (pfn << PAGE_SHIFT)

    def pfn(self, address):
        """Of any address; at least npages if it is outside, as pfn_of of mm."""
        bits = 8 * target.word_size()
        return (address - self.base & (1 << bits) - 1) >> PAGE_SHIFT

    def cache_at(self, pfn):
        """The cache that a page struct names, or None: cache_of() of mm."""
        return self.caches.get(target.cache_number(self.field(pfn, "cache")))

    def page_record(self, pfn):
        """(serial, size, site, freed_by), or None."""
        if not self.recorded:
            return None
        return unmarked(self.record_fields.unpack_from(self.record_bytes,
                                                       pfn * self.record_layout.size))

    def page_name(self, pfn):
        """For the places of `broken`."""
        if pfn == self.no_page:
            return "no page"
        if pfn >= self.npages:
            return f"page {pfn:#x}, beyond the last"
        kind = self.kind_names.get(self.kind_of[pfn], f"kind {self.kind_of[pfn]}")
        return f"page {pfn:#x} ({kind}, order {self.order_of[pfn]})"

    def is_free_block(self, pfn, order):
        return self.kind_of[pfn] == self.PG_FREE and self.order_of[pfn] == order

    def head(self, pfn):
        """First page of the block around pfn, as buddy_head."""
        if self.kind_of[pfn] == self.PG_SLAB:
            return pfn & -(1 << self.order_of[pfn])
        for order in range(self.max_order + 1):
            head = pfn & -(1 << order)
            if self.kind_of[head] != self.PG_TAIL:
                return head if pfn - head < 1 << self.order_of[head] else pfn
        return pfn

    # ---- blocks -------------------------------------------------------------------

    @property
    def blocks(self):
        if self._blocks is None:
            self._blocks = self._walk_blocks()
        return self._blocks

    def _walk_blocks(self):
        """Every block, by ascending page; B1, B2, B3, B4 and B7 on the way."""
        blocks, pfn = [], 0
        while pfn < self.npages:
            kind, order = self.kind_of[pfn], self.order_of[pfn]
            if kind in (self.PG_HOLE, self.PG_META):
                pfn += 1
                continue
            fault = self._block_fault(pfn, kind, order)
            if fault:
                self.say(*fault)
                pfn += 1
                if fault[0].startswith("B2"):       # what is behind it is as broken
                    while pfn < self.npages and self.kind_of[pfn] == self.PG_TAIL:
                        pfn += 1
                continue
            block = Block(pfn, kind, order)
            self._check_block(block)
            blocks.append(block)
            pfn += block.pages
        return blocks

    def _block_fault(self, pfn, kind, order):
        b1 = "B1: a block is not aligned to its size"
        b2 = "B2: a page is neither the first of a block nor inside one"
        name = self.page_name(pfn)
        if order > self.max_order or pfn & (1 << order) - 1:
            return b1, name
        if pfn + (1 << order) > self.npages:
            return b1, f"{name} ends behind the last page, {self.npages - 1:#x}"
        if kind == self.PG_TAIL:
            return b2, f"{name} is in no block"
        if kind not in self.kind_names:
            return b2, f"{name}: there is no such kind"
        inside = self.kind_of[pfn + 1:pfn + (1 << order)]
        wanted = kind if kind == self.PG_SLAB else self.PG_TAIL
        if inside.count(wanted) != len(inside):
            odd = next(i for i, k in enumerate(inside) if k != wanted)
            return b2, f"{self.page_name(pfn + 1 + odd)} is inside {name}"
        return None

    def _check_block(self, block):
        if block.kind == self.PG_FREE:
            self._check_free(block)
        elif block.kind == self.PG_USED and self.field(block.pfn, "run"):
            self._check_run(block)
        elif block.kind == self.PG_PART:
            self._check_part(block)
        elif block.kind == self.PG_KEPT and block.order:
            self.say("B8: a kept block is not a single page", self.page_name(block.pfn))

    def _check_free(self, block):
        """B3, from the block's side, and B4."""
        b3 = "B3: a free block is not on the list of its order"
        pfn, order = block.pfn, block.order
        following, before = self.field(pfn, "next"), self.field(pfn, "prev")
        where = f"{self.page_name(pfn)} on free[{order}]: "
        if following != self.no_page:
            if following >= self.npages:
                self.say(b3, f"{where}next is {self.page_name(following)}")
            elif self.field(following, "prev") != pfn:
                self.say(b3, f"{where}next is {self.page_name(following)}, whose prev "
                             f"is {self.page_name(self.field(following, 'prev'))}")
            elif not self.is_free_block(following, order):
                self.say(b3, f"{where}next is {self.page_name(following)}")
        if before == self.no_page:
            if self.free[order] != pfn:
                self.say(b3, f"{where}prev is none, but the list's first is "
                             f"{self.page_name(self.free[order])}")
        elif before >= self.npages:
            self.say(b3, f"{where}prev is {self.page_name(before)}")
        elif self.field(before, "next") != pfn:
            self.say(b3, f"{where}prev is {self.page_name(before)}, whose next is "
                         f"{self.page_name(self.field(before, 'next'))}")
        twin = pfn ^ 1 << order
        if order < self.max_order and twin < self.npages and \
                self.is_free_block(twin, order):
            self.say("B4: two free buddies were not joined",
                     f"{self.page_name(pfn)} and page {twin:#x}")

    def _check_run(self, block):
        end = block.pfn + self.field(block.pfn, "run")
        pfn = block.pfn + block.pages
        while pfn < min(end, self.npages) and self.kind_of[pfn] == self.PG_PART and \
                self.field(pfn, "run") == block.pfn:
            pfn += 1 << self.order_of[pfn]
        if pfn != end or pfn == block.pfn + block.pages:
            self.say("B7: a run of pages is not as long as it says",
                     f"{self.page_name(block.pfn)}: to page {end:#x} it says, but it "
                     f"is broken at {self.page_name(pfn)}")

    def _check_part(self, block):
        first = self.field(block.pfn, "run")
        if first >= block.pfn or self.kind_of[first] != self.PG_USED or \
                block.pfn - first >= self.field(first, "run"):
            self.say("B7: a part belongs to no run of pages",
                     f"{self.page_name(block.pfn)} names {self.page_name(first)}")

    def of_kind(self, *kinds):
        return [block for block in self.blocks if block.kind in kinds]

    def count_kind(self, kind):
        return self.kind_of.count(kind)

    def free_blocks(self, *kinds):
        """By order, recounted from the page structs; of these kinds only."""
        counts = [0] * (self.max_order + 1)
        for block in self.of_kind(*(kinds or (self.PG_FREE, self.PG_KEPT))):
            counts[block.order] += 1
        return counts

    def run_length(self, pfn):
        """Pages of the live block or run at pfn."""
        run = self.field(pfn, "run") if self.kind_of[pfn] == self.PG_USED else 0
        return run or 1 << self.order_of[pfn]

    # ---- guarded objects ------------------------------------------------------------

    def guarded(self, block):
        """(cache, offset) of what a PG_LARGE block holds, as guarded.c; or None."""
        guard = self.field(block.pfn, "guard") if block.kind == self.PG_LARGE else 0
        if guard <= 1:
            return None
        return self.caches.get(target.cache_number(guard & 0xff)), guard >> 8

    def guarded_fault(self, block):
        """M6: None, or what is wrong with it."""
        cache, offset = self.guarded(block)
        if cache is None or cache.fault or not self.recorded:
            return "is of no cache"
        own = -(-cache.object_size >> PAGE_SHIFT)
        if block.pages != 1 << own.bit_length() or offset % 8 or \
                (offset >> PAGE_SHIFT and offset != block.pages - own << PAGE_SHIFT):
            return f"is {block.pages} pages, of an object of {cache.label} at {offset}"
        return None

    @property
    def guarded_blocks(self):
        return [block for block in self.of_kind(self.PG_LARGE) if self.guarded(block)]

    @property
    def large_blocks(self):
        return [b for b in self.of_kind(self.PG_LARGE) if not self.guarded(b)]

    def is_waiting(self, block):
        """A guarded object that was freed."""
        return bool(self.guarded(block)) and self.is_freed(self.page_record(block.pfn))

    # ---- slabs --------------------------------------------------------------------

    @property
    def slabs(self):
        if self._slabs is None:
            self._slabs = list(filter(None, map(
                self._read_slab, self.of_kind(self.PG_SLAB))))
        return self._slabs

    def _read_slab(self, block):
        """A slab, S1 and S2 proved; None if one of them is broken."""
        s1 = "S1: a slab's pages do not name one cache of their order"
        s2 = "S2: a slab's map has a bit that stands for no slot"
        pfn = block.pfn
        name = self.page_name(pfn)
        cache = self.cache_at(pfn)
        if cache is None:
            return self.say(s1, f"{name} names cache {self.field(pfn, 'cache')}, which "
                                "is none")
        if cache.fault:
            return self.say(s1, f"{name}: cache {cache.label} {cache.fault}")
        for i in range(block.pages):
            if self.cache_at(pfn + i) is not cache or \
                    (self.order_of[pfn + i], self.kind_of[pfn + i]) != \
                    (cache.order, self.PG_SLAB):
                return self.say(s1, f"{self.page_name(pfn + i)} is not as a page of "
                                    f"{cache.label}")
        slab = Slab()
        slab.pfn, slab.cache = pfn, cache
        for field in ("map", "countdown", "next", "prev"):
            setattr(slab, field, self.field(pfn, field))
        try:
            bits = self._read_map(slab)
        except Unreadable as error:
            return self.say(s2, f"{name}: {error}")
        slab.past = bits >> cache.slots
        slab.free = bits & (1 << cache.slots) - 1
        slab.nfree = bin(slab.free).count("1")
        slab.waiting = 0
        if self.quarantined:
            slab.waiting = sum(not slab.free >> i & 1 and self.is_freed(record)
                               for i, record in enumerate(self.slab_records(slab)))
        if slab.past:
            self.say(s2, f"{name} of {cache.label}: bits past slot {cache.slots - 1}")
        elif cache.map_word and slab.map:
            self.say(s2, f"{name} of {cache.label}: {slab.map:#x} in the page struct")
        return slab

    def _read_map(self, slab):
        """The map as one number, and the records."""
        cache = slab.cache
        start = self.address(slab.pfn)
        size = self.record_layout.size
        first = cache.record_offset or 4 * cache.map_word
        end = cache.record_offset + cache.slots * size if cache.record_offset else first
        if cache.map_word:
            end = max(end, 4 * cache.map_word + 4 * cache.words)
        raw = target.read(start + first, end - first, f"slab of {cache.label}")
        if cache.record_offset:
            slab.records = raw[:cache.slots * size]
        elif self.recorded:
            slab.records = self.record_bytes[slab.pfn * size:
                                             (slab.pfn + cache.slots) * size]
        else:
            slab.records = b""
        if not cache.map_word:
            return slab.map
        at = 4 * cache.map_word - first
        return int.from_bytes(raw[at:at + 4 * cache.words], "little")

    def slab_records(self, slab):
        """(serial, size, site, freed_by) of each slot, or nothing."""
        return map(unmarked, self.record_fields.iter_unpack(slab.records))

    @staticmethod
    def is_freed(record):
        """Was it handed out, and freed since?"""
        return bool(record[2] and record[3])

    def is_newer(self, serial):
        """Newer than the newest?  They do not wrap (M3)."""
        return serial > self.serial

    def is_kept(self, slab):
        """Being served, or spare."""
        served = self.page + slab.pfn * self.page_layout.size
        return slab.cache.slab == served or slab.cache.spare == slab.pfn

    def live(self):
        """(record or None, size of the thing, is an object?) of all that is live."""
        for slab in self.slabs:
            size, free = slab.cache.object_size, slab.free
            if not slab.records:
                for _ in range(slab.cache.slots - slab.nfree):
                    yield None, size, True
                continue
            for i, record in enumerate(self.slab_records(slab)):
                if not free >> i & 1 and not self.is_freed(record):
                    yield record, size, True
        for block in self.of_kind(self.PG_USED, self.PG_LARGE):
            if self.is_waiting(block):
                continue
            yield (self.page_record(block.pfn),
                   self.run_length(block.pfn) << PAGE_SHIFT,
                   block.kind == self.PG_LARGE)
