"""mark.py - what is lost: the kinds of mm/scan, found anew.

From the raw memory, whatever notes the kernel's own scans have left.  Three rounds, each
breadth first, so that `seen_in`, the word in which each was found first, leads back to a
root by the shortest way:

    1. reachable   from the roots, by pointers to starts; those to middles leave a hint
    2. possible    from what has a hint; by all pointers
    3. lost        by ascending address, who was not met leads to all that it holds; then
                   by descending address among these leaders: who was not met by now is
                   held by nothing, definite, and what it leads to is indirect

Linear: a tenth of a second for a hundred thousand things.
"""
from .links import Links
from .live import Live, no_collecting
from .roots import Roots

KINDS = ("unseen", "reachable", "possible", "indirect", "definite")
UNSEEN, REACHABLE, POSSIBLE, INDIRECT, DEFINITE = range(5)
LED, LEADER = 5, 6                      # on the way to the last two
LISTED = (DEFINITE, INDIRECT, POSSIBLE, REACHABLE)      # in this order


class Marks:
    def __init__(self, live, roots):
        self.live, self.roots, self.links = live, roots, Links(live, roots)
        self.kinds = bytearray(len(live))
        self.seen_in = [0] * len(live)
        self._hints = {}
        if live:
            self._find_reachable()
            self._find_possible()
            self._find_lost()

    # ---- the rounds ---------------------------------------------------------------

    def _find_reachable(self):
        self._run([len(self.live)], REACHABLE, False)

    def _find_possible(self):
        queue = sorted(i for i in self._hints if not self.kinds[i])
        for i in queue:
            self.kinds[i], self.seen_in[i] = POSSIBLE, self._hints[i]
        self._run(queue, POSSIBLE, True)

    def _find_lost(self):
        kinds, leaders, holds = self.kinds, [], self.links.first
        while (i := kinds.find(UNSEEN, leaders[-1] + 1 if leaders else 0)) >= 0:
            leaders.append(i)
            kinds[i] = LEADER
            if holds[i] != holds[i + 1]:
                self._run([i], LED, True)
        self.kinds = kinds.translate(bytes(range(LED)) + bytes(256 - LED))
        for i in leaders:
            self.seen_in[i] = 0
        for i in reversed(leaders):
            if not self.kinds[i]:
                self.kinds[i] = DEFINITE
                self._run([i], INDIRECT, True)

    def _run(self, queue, kind, weak):
        """All that is in the queue, and what that adds to it."""
        kinds, seen_in, links = self.kinds, self.seen_in, self.links
        first, links_to, strong, word = links.first, links.to, links.strong, links.word
        for i in queue:
            for n in range(first[i], first[i + 1]):
                to = links_to[n]
                if kinds[to]:
                    continue
                if weak or strong[n]:
                    kinds[to], seen_in[to] = kind, word[n]
                    queue.append(to)
                else:
                    self._hints.setdefault(to, word[n])

    # ---- what was found -----------------------------------------------------------

    def of_kind(self, *kinds):
        return [i for i, kind in enumerate(self.kinds) if kind in kinds]

    def count(self, kind):
        return self.kinds.count(kind)

    def value_of(self, thing):
        """What is in the word in which it was found."""
        return self.value_at(self.seen_in[thing])

    def value_at(self, word):
        """Of a root, or of what is live."""
        root = self.roots.around(word)
        if root:
            return root.words[(word - root.start) // self.live.word]
        return self.live.value_at(word)

    def way(self, thing):
        """Things from the first that a root, or nobody, holds; this one is last."""
        way = [thing]
        while True:
            i = way[-1]
            word = self.seen_in[i] if self.kinds[i] != DEFINITE else 0
            before = self.live.around(word) if word else None
            if before is None:
                return word, way[::-1]
            way.append(before)


def look(heap):
    """Mark all that is live in that heap."""
    with no_collecting():
        return Marks(Live(heap), Roots())
