"""said.py - what a program has said of its objects, and what was cleared: mm/scan/said.c.

    kept        things that are no leak, whoever holds them: a mark begins with them
    looked      of a thing that is not looked into as a whole: the parts that are
    pieces      what an allocator of one's own has handed out (mm/scan/own.c): found if
                as many words point into one as it needs

Read from the kernel's own tables and, of what `kmemleak clear` has cleared, the marks.
What is said of a life that is over says nothing.
"""
from . import target
from .target import Unreadable

SAID, OWN = "mm/scan/said.c", "mm/scan/own.c"


class Piece:
    def __init__(self, host, start, size, need, no_scan):
        self.host, self.start, self.size = host, start, size
        self.need = -1 if need >> 31 else need
        self.no_scan = no_scan

    @property
    def end(self):
        return self.start + self.size


class Said:
    def __init__(self, live):
        self.live = live
        self.kept, self.looked = self._cleared(), {}
        self._read_said()
        self.pieces = list(self._read_pieces())
        for piece in self.pieces:           # what lies between them is the allocator's
            self.looked.setdefault(piece.host, [])
        self.kept = list(dict.fromkeys(self.kept))

    @staticmethod
    def _table(file, struct, count, *fields):
        """The first `count` entries."""
        place, layout = target.static_place(file, "table"), target.Layout(struct, file)
        if not place or not count:
            return iter(())
        if count * layout.size > place[1]:
            raise Unreadable(f"{file} is garbage: it has {count} entries")
        raw = target.read(place[0], count * layout.size, f"the table of {file}")
        return layout.unpacker(*fields).iter_unpack(raw)

    def _living(self, start, serial):
        """The thing that starts there, if it is of that life; or None."""
        i, live = self.live.around(start), self.live
        is_it = i is not None and live.starts[i] == start and live.serials[i] == serial
        return i if is_it else None

    def _read_said(self):
        """Of one thing what closes it comes first, then areas."""
        not_leak, ignore, no_scan, area = (
            target.constant(f"SAID_{name}", SAID)
            for name in ("NOT_LEAK", "IGNORE", "NO_SCAN", "AREA"))
        closed = set()
        for start, serial, what, first, size in self._table(
                SAID, "said", target.static(SAID, "count"),
                "start", "serial", "what", "from", "bytes"):
            i = self._living(start, serial)
            if i is None:
                continue
            if what & (not_leak | ignore):
                self.kept.append(i)
            if what & (ignore | no_scan):
                closed.add(i)
                self.looked[i] = []
            elif what == area and i not in closed:
                self.looked.setdefault(i, []).append((start + first, size))

    def _read_pieces(self):
        live = self.live
        for start, size, host, serial, need, no_scan in self._table(
                OWN, "own", target.value("own_count"),
                "start", "bytes", "host", "host_serial", "need", "no_scan"):
            i = self._living(host, serial)
            if i is not None and start + size <= host + live.rooms[i]:
                yield Piece(i, start, size, need, no_scan)

    def _cleared(self):
        """In the half of a size that no slot needs; of a block in its page struct."""
        live, heap = self.live, self.live.heap
        if not target.static(SAID, "told.cleared"):
            return []
        cleared = target.constant("CLEARED", SAID)
        marked = cleared << 16 | 1 << 31
        last = target.static("mm/scan/mark.c", "scan.serial")
        found = [i for i, size in enumerate(live.sizes) if size & marked == marked]
        found += [i for i, pfn in live.blocks.items()
                  if heap.field(pfn, "countdown") & cleared and live.serials[i] <= last]
        return sorted(found)
