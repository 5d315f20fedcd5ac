"""mark.py - what is lost: the kinds of mm/scan, found anew.

From the raw memory, whatever notes the kernel's own scans have left.  Three rounds, each
breadth first, so that `seen_in`, the word in which each was found first, leads back to a
root by the shortest way:

    1. reachable   from what was said to be no leak (said.py), and from the roots, by
                   pointers to starts; those to middles leave a hint
    2. possible    from what has a hint; by all pointers
    3. lost        by ascending address, who was not met leads to all that it holds; then
                   by descending address among these leaders: who was not met by now is
                   held by nothing, definite, and what it leads to is indirect

Pieces of a program's own allocators are found, or lost, as mm/scan/own.c has it: looked
into when nothing else is left of a round, those that are lost before any other leader.

Linear: a tenth of a second for a hundred thousand things.
"""
from array import array

from .links import Links
from .live import Live, no_collecting
from .roots import Roots
from .said import Said

KINDS = ("unseen", "reachable", "possible", "indirect", "definite")
UNSEEN, REACHABLE, POSSIBLE, INDIRECT, DEFINITE = range(5)
LED, LEADER = 5, 6                      # on the way to the last two
LISTED = (DEFINITE, INDIRECT, POSSIBLE, REACHABLE)      # in this order


class Marks:
    def __init__(self, live, roots, said):
        self.live, self.roots, self.said = live, roots, said
        self.links = Links(live, roots, said)
        self.kinds = bytearray(len(live))
        self.seen_in = array("q", [0]) * len(live)
        self._hints = {}
        self._needs = [piece.need for piece in said.pieces]     # words, yet
        self._looked_into = set()       # pieces
        self._refers = self.links.refers
        if live:
            self._keep()
            self._find_reachable()
            self._find_possible()
            self._find_lost()

    # ---- the rounds ---------------------------------------------------------------

    def _keep(self):
        for i in self.said.kept:
            self.kinds[i] = REACHABLE
        for i in self.said.kept:
            self._run([i], REACHABLE, False)

    def _find_reachable(self):
        self._run_all([len(self.live)], REACHABLE, False)

    def _find_possible(self):
        queue = sorted(i for i in self._hints if not self.kinds[i])
        for i in queue:
            self.kinds[i], self.seen_in[i] = POSSIBLE, self._hints[i]
        self._run_all(queue, POSSIBLE, True)

    def _find_lost(self):
        kinds, leaders, holds = self.kinds, [], self.links.first
        self._refers = {}               # what is lost finds no piece
        while (i := kinds.find(UNSEEN, leaders[-1] + 1 if leaders else 0)) >= 0:
            leaders.append(i)
            kinds[i] = LEADER
            if holds[i] != holds[i + 1]:
                self._run([i], LED, True)
        self.kinds = kinds.translate(bytes(range(LED)) + bytes(256 - LED))
        for i in leaders:
            self.seen_in[i] = 0
        for k in self.lost_pieces:
            self._run([self._node_of(k)], INDIRECT, True)
        for i in reversed(leaders):
            if not self.kinds[i]:
                self.kinds[i] = DEFINITE
                self._run([i], INDIRECT, True)

    def _run(self, queue, kind, weak):
        """All that is in the queue, and what that adds to it."""
        kinds, seen_in, links, refers = self.kinds, self.seen_in, self.links, self._refers
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
            if i in refers:
                for k in refers[i]:
                    self._needs[k] -= 1

    # ---- pieces -------------------------------------------------------------------

    def _node_of(self, k):
        return len(self.live) + 1 + k

    def _run_all(self, queue, kind, weak):
        """And what pieces that were found add to it."""
        self._run(queue, kind, weak)
        while (k := self._next_piece()) is not None:
            self._looked_into.add(k)
            self._run([self._node_of(k)], kind, weak)

    def _next_piece(self):
        return next((k for k, need in enumerate(self._needs)
                     if need <= 0 and k not in self._looked_into), None)

    @property
    def lost_pieces(self):
        """By their numbers: fewer words than they need point into them."""
        return [k for k, need in enumerate(self._needs) if need > 0]

    def held_by_pieces(self):
        """{thing, or None: things}: what is in pieces that were found, by their blocks.

        None is of those that are there whoever holds the block.
        """
        held = {}
        for k, piece in enumerate(self.said.pieces):
            if self._needs[k] <= 0:
                links = self.links.of(self._node_of(k))
                held.setdefault(piece.host if piece.need > 0 else None, []).extend(
                    map(self.links.to.__getitem__, links))
        return held

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
        live = Live(heap)
        return Marks(live, Roots(), Said(live))
