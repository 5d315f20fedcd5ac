"""heapmap.py - all memory as a picture: marbles heapmap, as the shell's (kernel/map).

    heapmap [kind|sites|age|leaks] [zoom ADDR] [-j]

By kind from the page structs and the slabs' maps alone, so in any state of mm; the other
views go by the records, and `leaks` marks anew (mark.py).  There are no colours: it goes
where GDB's output goes.
"""
import json

import gdb

from .cells import CELLS, Cells, Class
from .heap import PAGE_SHIFT, Heap
from .live import Live
from .mark import look
from .memory import kilobytes, say_what_is_wrong
from .sites import Sites
from .target import Command, number, write

SITE_LETTERS, AGES, NAME_COLUMNS, LEGEND_COLUMN = "abcdefg", 3, 17, 40
HOLE, FREE, META, GUARDED, SLACK, OWN = range(6)        # in all views; then their own
FULL, PART, EMPTY, LARGE, PAGES = SLACK, OWN, OWN + 1, OWN + 2, OWN + 3     # by kind
COMMON = [("-", 0, "not given to mm"), (".", 0, "free"), ("M", 1, "mm's books"),
          ("G", 2, "guarded")]
REST = [("s", 2, "rest of slabs")]


class Piece:
    """A block, or pages of holes or books side by side; of its kind in the shell's words."""

    def __init__(self, kind, pfn, pages, order=None, cache=None, objects=0, slots=0):
        self.kind, self.pfn, self.pages, self.order = kind, pfn, pages, order
        self.cache, self.objects, self.slots = cache, objects, slots

    def row(self, heap):
        return {"start": f"0x{heap.address(self.pfn):08x}",
                "bytes": self.pages << PAGE_SHIFT, "order": self.order,
                "kind": self.kind, "cache": self.cache, "objects": self.objects}


def pieces(heap):
    """All pages of the span, once: as blocks_walk of kernel/map/blocks.c."""
    slabs, at = {slab.pfn: slab for slab in heap.slabs}, 0
    for block in heap.blocks:
        if block.kind == heap.PG_PART:
            continue                    # of a run, whose first block says how long it is
        yield from between(heap, at, block.pfn)
        piece = piece_of(heap, block, slabs.get(block.pfn))
        at = piece.pfn + piece.pages
        yield piece
    yield from between(heap, at, heap.npages)


def between(heap, at, end):
    """Holes and books; what is in no block is just being taken, and nobody's yet."""
    kinds = {heap.PG_HOLE: "hole", heap.PG_META: "meta"}
    while at < end:
        kind, first = kinds.get(heap.kind_of[at], "free"), at
        while at < end and kinds.get(heap.kind_of[at], "free") == kind:
            at += 1
        yield Piece(kind, first, at - first)


def piece_of(heap, block, slab):
    pfn, pages, order = block.pfn, block.pages, block.order
    if slab:
        return Piece("slab", pfn, pages, order, slab.cache.label,
                     slab.cache.slots - slab.nfree - slab.waiting, slab.cache.slots)
    if heap.guarded(block):
        cache, _ = heap.guarded(block)
        return Piece("guarded", pfn, pages, order, cache and cache.label,
                     int(not heap.is_waiting(block)))
    if block.kind == heap.PG_USED:
        is_run = bool(heap.field(pfn, "run"))
        return Piece("pages", pfn, heap.run_length(pfn), None if is_run else order,
                     objects=1)
    if block.kind == heap.PG_LARGE:
        return Piece("large", pfn, pages, order, objects=1)
    return Piece("slab" if block.kind == heap.PG_SLAB else "free", pfn, pages, order)


# ---- by what memory is told apart ---------------------------------------------------

class Kinds:
    by_objects = False
    classes = COMMON + [("S", 2, "full slabs"), ("s", 2, "part slabs"),
                        ("e", 2, "empty slabs"), ("L", 2, "large"), ("P", 2, "pages")]

    def __init__(self, heap):
        pass

    @staticmethod
    def class_of(piece):
        if piece.kind == "slab":
            return EMPTY if piece.objects == 0 else \
                FULL if piece.objects == piece.slots else PART
        return {"hole": HOLE, "free": FREE, "meta": META, "guarded": GUARDED,
                "large": LARGE, "pages": PAGES}[piece.kind]


class ByObjects:
    """class_of_thing says of which class a live one is."""
    by_objects = True

    def __init__(self, heap):
        self.heap = heap
        self.live = self.look()

    def look(self):
        return Live(self.heap)

    @staticmethod
    def class_of(piece):
        """None: it is live itself."""
        return {"hole": HOLE, "free": FREE, "meta": META, "guarded": GUARDED,
                "slab": SLACK}.get(piece.kind)


class BySite(ByObjects):
    def __init__(self, heap):
        super().__init__(heap)
        sums = {}
        for site, serial, size in zip(self.live.sites, self.live.serials, self.live.asked):
            so_far, oldest = sums.get(site, (0, serial))
            sums[site] = so_far + size, min(oldest, serial)
        top = sorted(sums, key=lambda site: (-sums[site][0], sums[site][1], site))
        self.top, sites = top[:len(SITE_LETTERS)], Sites()
        self.classes = COMMON + REST + [
            (letter, 3, sites.place(site)) for letter, site in
            zip(SITE_LETTERS, self.top)] + [("+", 3, "other lines")]

    def class_of_thing(self, i):
        site = self.live.sites[i]
        return OWN + (self.top.index(site) if site in self.top else len(self.top))


class ByAge(ByObjects):
    def __init__(self, heap):
        super().__init__(heap)
        last = heap.serial
        self.ends = [last // AGES * (age + 1) for age in range(AGES - 1)] + [last]
        self.classes = COMMON + REST + [
            (name[0], 3, f"{name} {first}-{end}") for name, first, end in
            zip(("old", "middle", "young"), [1] + [end + 1 for end in self.ends], self.ends)]

    def class_of_thing(self, i):
        serial = self.live.serials[i]
        return OWN + next(age for age in range(AGES)
                          if age == AGES - 1 or serial <= self.ends[age])


class ByLoss(ByObjects):
    classes = COMMON + REST + [("n", 3, "unseen"), ("r", 3, "reachable"),
                               ("p", 4, "possible"), ("i", 5, "indirect"),
                               ("d", 6, "definite")]

    def look(self):
        self.marks = look(self.heap)
        return self.marks.live

    def class_of_thing(self, i):
        return OWN + self.marks.kinds[i]


VIEWS = {"kind": Kinds, "sites": BySite, "age": ByAge, "leaks": ByLoss}


# ---- the picture --------------------------------------------------------------------

class Sum:
    """How much there is of a class: blocks and pages, or objects and bytes."""

    def __init__(self):
        self.count = self.bytes = self.pages = 0


class Picture:
    def __init__(self, heap, view, zoom):
        self.heap, self.view, self.is_zoomed = heap, view, zoom is not None
        self.classes = [Class(*given) for given in view.classes]
        self.pieces = list(pieces(heap))
        self.cells = Cells(self.classes, *self.range(zoom))
        self.sums = [Sum() for _ in self.classes]
        self.total_pages = self.slack = 0
        self.free_blocks = [0] * (heap.max_order + 1)
        for piece in self.pieces:
            self.add_piece(piece)
        if view.by_objects:
            for i in range(len(view.live)):
                self.add_thing(i)

    def range(self, zoom):
        """First page and pages: aligned to their number, a power of two."""
        end, size = self.heap.npages, CELLS
        first = next((p.pfn for p in self.pieces if p.kind != "hole"), 0) \
            if zoom is None else zoom
        while zoom is None and first // size * size + size < end:
            size *= 2
        return first // size * size, min(size, end - first // size * size)

    def add_piece(self, piece):
        pages, which = self.cells.shown(piece.pfn, piece.pages), self.view.class_of(piece)
        self.cells.begin_block(piece.pfn, piece.order)
        if piece.kind != "hole":
            self.total_pages += pages
        if which is None or not pages:
            return
        self.sums[which].count += 1
        self.sums[which].pages += pages
        if piece.kind == "free" and piece.order is not None:
            self.free_blocks[piece.order] += 1
        if piece.kind == "slab":
            self.slack += pages << PAGE_SHIFT
        self.cells.add(which, piece.pfn << PAGE_SHIFT, piece.pages << PAGE_SHIFT)

    def add_thing(self, i):
        live, heap = self.view.live, self.heap
        start, room, which = live.starts[i] - heap.base, live.rooms[i], \
            self.view.class_of_thing(i)
        pfn, is_slot = start >> PAGE_SHIFT, i not in live.blocks
        if is_slot:
            self.cells.move(SLACK, which, start, room)
        elif heap.kind_of[live.blocks[i]] == heap.PG_LARGE and \
                heap.field(live.blocks[i], "guard") > 1:
            self.cells.move(GUARDED, which, start, room)
        else:
            self.cells.add(which, start, room)
        if not self.cells.show(pfn):
            return
        self.sums[which].count += 1
        self.sums[which].bytes += live.asked[i]
        if is_slot:
            self.slack -= room

    # ---- as text ------------------------------------------------------------------

    def lines(self, *draw):
        yield self.header()
        yield from (row.rstrip() for row in self.cells.rows(*draw))
        entries = [self.entry(which) for which in self.legend()]
        for left, right in zip(entries[::2], entries[1::2] + [""]):
            yield f"{left:{LEGEND_COLUMN}}{right}".rstrip()
        yield self.rest() if self.view.by_objects else "free blocks of order 0 to 10: " + \
            " ".join(map(str, self.free_blocks))

    def header(self):
        cells, pages = self.cells, 1 << self.cells.shift
        what = f"MemTotal: {kilobytes(self.total_pages)} kB"
        if self.is_zoomed:
            what = f"0x{self.heap.address(cells.first):08x} to " \
                   f"0x{self.heap.address(cells.first + cells.pages) - 1:08x}"
        return f"{what}; a cell: {pages} page{'s' if pages > 1 else ''}, " \
               f"{kilobytes(pages)} kB; 0-9, X (10): a block's order"

    def legend(self):
        return range(OWN if self.view.by_objects else FREE, len(self.classes))

    def entry(self, which):
        sum_, class_ = self.sums[which], self.classes[which]
        name = class_.name.rpartition("/")[2][-NAME_COLUMNS:]
        amount = f"{sum_.bytes:8} B" if self.view.by_objects else \
            f"{kilobytes(sum_.pages):8} kB"
        return f"{class_.letter} {name:{NAME_COLUMNS}} {amount} in {sum_.count}"

    def rest(self):
        kb = {which: kilobytes(self.sums[which].pages) for which in (FREE, META, GUARDED)}
        return f". {kb[FREE]} kB free, M {kb[META]} kB books, G {kb[GUARDED]} kB guarded, " \
               f"s {self.slack} B rest of slabs"

    # ---- JSON ---------------------------------------------------------------------

    def print_json(self):
        if not self.view.by_objects:
            self.print_pieces()
            return
        for which in self.legend():
            write(json.dumps({"class": self.classes[which].name,
                              "letter": self.classes[which].letter,
                              "objects": self.sums[which].count,
                              "bytes": self.sums[which].bytes}))
        kb = [kilobytes(self.sums[which].pages) for which in (FREE, META, GUARDED)]
        write(json.dumps({"summary": True, "total_kb": kilobytes(self.total_pages),
                          "free_kb": kb[0], "meta_kb": kb[1], "guarded_kb": kb[2],
                          "slack_bytes": self.slack}))

    def print_pieces(self):
        """Those that begin in the map."""
        shown = [piece for piece in self.pieces
                 if not self.is_zoomed or self.cells.show(piece.pfn)]
        for piece in shown:
            write(json.dumps(piece.row(self.heap)))
        told = [piece for piece in shown if piece.kind != "hole"]
        write(json.dumps({
            "summary": True, "blocks": len(told),
            "total_kb": kilobytes(sum(piece.pages for piece in told)),
            "free_kb": kilobytes(sum(p.pages for p in told if p.kind == "free")),
            "objects": sum(piece.objects for piece in told), "moments": 1}))


class HeapMap(Command):
    """All memory as a picture: marbles heapmap [kind|sites|age|leaks] [zoom ADDR] [-j]."""
    name = "heapmap"
    usage = "[kind|sites|age|leaks] [zoom ADDR] [-j]"
    most = 64                           # an expression may have blanks in it
    shown = Kinds, None                 # what was asked for last: window.py shows it

    def run(self, words, in_json):
        view = VIEWS[words.pop(0)] if words and words[0] in VIEWS else Kinds
        if words and (words[0] != "zoom" or len(words) == 1):
            raise gdb.GdbError(f"usage: marbles heapmap {self.usage}")
        heap, zoom = Heap(), None
        if words:
            text = " ".join(words[1:])
            zoom = heap.pfn(number(text, "ADDR"))
            if zoom >= heap.npages:
                raise gdb.GdbError(f"marbles heapmap: {text} lies outside of the heap")
        picture = Picture(heap, view(heap), zoom)
        HeapMap.shown = view, zoom
        if in_json:
            picture.print_json()
        else:
            for line in picture.lines():
                write(line)
        say_what_is_wrong(heap, None, in_json)


HeapMap()
