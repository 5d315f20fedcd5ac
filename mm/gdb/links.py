"""links.py - every word that points to something live, as a graph.

From where, to what, and whether to its start; of node i those with these numbers:

    first[i] .. first[i + 1] - 1            word, to, strong

Nodes are the things, then the roots together, then the pieces of said.py.  A word points
if its value is an address of something live, or of the page struct of one of its pages;
strong is a pointer to a start.  Only words that a scan looks at are here.  Into which
pieces the words of a node point is told by node, in `refers`.

Cost: a million words in a tenth of a second, since few are in question; and as much for
each 300,000 that point to something.
"""
from array import array
from bisect import bisect_right

from .heap import PAGE_SHIFT
from .live import NOTHING


class Links:
    def __init__(self, live, roots, said):
        self.live, self.said = live, said
        self.word, self.to, self.strong = array("q"), array("I"), bytearray()
        self.first = array("I")         # in arrays: numbers of their own lie far apart
        self.refers = {}
        heap = live.heap
        self.structs = heap.page, heap.page + heap.npages * heap.page_layout.size
        self.least, self.high = 0, 0
        if len(live):
            self.least = min(live.starts[0], self.structs[0])
            self.high = max(live.starts[-1] + live.rooms[-1], self.structs[1])
        self._hosts = {piece.host for piece in said.pieces}
        self._piece_starts = [piece.start for piece in said.pieces]
        for run in live.runs:
            self._add_words(run.start, run.words, run.end)
        while len(self.first) < len(live):
            self._begin_thing()
        self._begin()
        for root in roots.all:
            self._add_words(root.start, root.words)
        for piece in said.pieces:
            self._begin()
            if not piece.no_scan:
                self._add_words(*live.words_in(piece.start, piece.size))
        self.first.append(len(self.to))

    def of(self, node):
        return range(self.first[node], self.first[node + 1])

    @property
    def of_roots(self):
        return self.of(len(self.live))

    # ---- finding them -------------------------------------------------------------

    def _begin(self):
        """What is added now is of the next node."""
        self.first.append(len(self.to))

    def _begin_thing(self):
        """The same; where its last word is, if all of its words are wanted."""
        live, i = self.live, len(self.first)
        self._begin()
        if i not in self.said.looked:
            return live.starts[i] + live.asked[i] // live.word * live.word - live.word
        for part in self.said.looked[i]:
            self._add_words(*live.words_in(*part))
        return -1

    def _add_words(self, start, words, things=0):
        """Of the node that was begun; or of things below that number, which begin here.

        Words between things, or in what is free, are nobody's.
        """
        live, hosts, least, high = self.live, self._hosts, self.least, self.high
        starts, places, slots = live.starts, live.places, live.slots
        structs, structs_end = self.structs
        add_word, add_to, add_strong = self.word.append, self.to.append, self.strong.append
        following, last = len(self.first), -1 if things else 1 << 64
        addresses = range(start, start + len(words) * live.word, live.word)
        for at, value in zip(addresses, words):
            if value < least or value >= high:
                continue
            while following < things and starts[following] <= at:
                last = self._begin_thing()
                following += 1
            if at > last:
                continue
            if structs <= value < structs_end:
                value = live.through_page_struct(value)
            place = places.get(value >> PAGE_SHIFT)         # as live.around
            if place is None:
                continue
            first_start, stride, slot, room = place
            number, offset = divmod(value - first_start, stride)
            to = slots[slot + number]
            if to == NOTHING or offset >= room:
                continue
            add_word(at)
            add_to(to)
            add_strong(offset == 0)
            if to in hosts:
                self._refer(value)

    def _refer(self, value):
        """It may point into a piece."""
        k = bisect_right(self._piece_starts, value) - 1
        if k >= 0 and value < self.said.pieces[k].end:
            self.refers.setdefault(len(self.first) - 1, []).append(k)
