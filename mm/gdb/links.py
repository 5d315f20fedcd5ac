"""links.py - every word that points to something live, as a graph.

From where, to what, and whether to its start; of thing i those with these numbers:

    first[i] .. first[i + 1] - 1            word, to, strong

The roots together are one thing more, behind all others.  A word points if its value is
an address of something live, or of the page struct of one of its pages; strong is a
pointer to a start.

Cost: a million words in a tenth of a second, since few are in question.
"""


class Links:
    def __init__(self, live, roots):
        self.live = live
        self.word, self.to, self.strong, self.first = [], [], [], []
        heap = live.heap
        self.structs = heap.page, heap.page + heap.npages * heap.page_layout.size
        self.least, self.high = 0, 0
        if len(live):
            self.least = min(live.starts[0], self.structs[0])
            self.high = max(live.starts[-1] + live.rooms[-1], self.structs[1])
        for run in live.runs:
            self._add_run(run)
        self.first += [len(self.to)] * (len(live) + 1 - len(self.first))
        for root in roots.all:
            for k, value in self._found_in(root.words):
                self._add(root.start + k * live.word, value)
        self.first.append(len(self.to))

    def of(self, thing):
        return range(self.first[thing], self.first[thing + 1])

    @property
    def of_roots(self):
        return self.of(len(self.live))

    def _found_in(self, words):
        """(number, value) of those that may be pointers: few, and found in one go."""
        least, high = self.least, self.high
        return [(k, value) for k, value in enumerate(words) if least <= value < high]

    def _add_run(self, run):
        """Words between things, or in what is free, are nobody's."""
        live, size, first, to = self.live, self.live.word, self.first, self.to
        starts, rooms, i, end = live.starts, live.rooms, len(first) - 1, 0
        for k, value in self._found_in(run.words):
            at = run.start + k * size
            while i + 1 < run.end and starts[i + 1] <= at:
                first.append(len(to))
                i += 1
                end = starts[i] + rooms[i] - size
            if at <= end:
                self._add(at, value)

    def _add(self, at, value):
        to = self.live.numbers.get(value)
        strong = to is not None
        if not strong:
            to, strong = self._find(value)
            if to is None:
                return
        self.word.append(at)
        self.to.append(to)
        self.strong.append(strong)

    def _find(self, value):
        """A pointer to no start, or to a page struct."""
        live = self.live
        if self.structs[0] <= value < self.structs[1]:
            value = live.through_page_struct(value)
        to = live.around(value)
        return to, to is not None and value == live.starts[to]
