"""dominators.py - what keeps how much alive: the dominator tree of all that is live.

A thing is dominated by another if every way from the roots leads through that; so what
would be lost with a thing is what it dominates.  From all roots together:

    the roots --> each variable (root words of one name) --> things
    the roots --> what was said to be no leak (said.py)

What is in a piece of a program's own allocator hangs on the block of that.

Cooper, Harvey, Kennedy: A Simple, Fast Dominance Algorithm (2001): in reverse postorder
each one's dominator is where the ways up from its predecessors meet, until none changes.

Numbers: things first, then a node for each variable, then the top.
"""
from .live import no_collecting


class Dominators:
    def __init__(self, marks):
        self.marks = marks
        with no_collecting():
            self._name_roots()
            self._order_all()
            self._find()
            self._sum()

    def _name_roots(self):
        """[name], and from each the things that its words point to."""
        marks, links = self.marks, self.marks.links
        found = {}
        for n in links.of_roots:
            name = marks.roots.name(links.word[n]).partition("+")[0]
            found.setdefault(name, []).append(links.to[n])
        self.names, self._held = list(found), list(found.values())
        self.top = len(marks.live) + len(self.names)
        self._in_pieces = marks.held_by_pieces()
        self._of_top = [*range(len(marks.live), self.top), *marks.said.kept,
                        *self._in_pieces.pop(None, ())]

    def following(self, node):
        things, links = len(self.marks.live), self.marks.links
        if node < things:
            to = links.to[links.first[node]:links.first[node + 1]]
            to.extend(self._in_pieces.get(node, ()))
            return to
        return self._held[node - things] if node < self.top else self._of_top

    def _order_all(self):
        """Depth first, without recursion: nodes in postorder, and who leads to each."""
        order, place = [], [-1] * (self.top + 1)
        before = [[] for _ in place]
        waiting = [(self.top, iter(self.following(self.top)))]
        place[self.top] = 0
        while waiting:
            node, rest = waiting[-1]
            for to in rest:
                before[to].append(node)
                if place[to] < 0:
                    place[to] = 0
                    waiting.append((to, iter(self.following(to))))
                    break
            else:
                waiting.pop()
                place[node] = len(order)
                order.append(node)
        self.order, self._place, self._before = order, place, before

    def _find(self):
        """By places in the order, in which the top is last."""
        place, last = self._place, len(self.order) - 1
        before = [[place[node] for node in self._before[node]] for node in self.order]
        above = [-1] * last + [last]
        changed = True
        while changed:
            changed = False
            for at in range(last - 1, -1, -1):
                new = -1
                for other in before[at]:
                    if above[other] < 0:
                        continue
                    if new < 0:
                        new = other
                        continue
                    while other != new:
                        while other < new:
                            other = above[other]
                        while new < other:
                            new = above[new]
                if above[at] != new:
                    above[at], changed = new, True
        self.above = above

    def _sum(self):
        """Objects and bytes that each node keeps alive, its own included."""
        things, asked = len(self.marks.live), self.marks.live.asked
        self.objects, self.bytes = [0] * (self.top + 1), [0] * (self.top + 1)
        for at, node in enumerate(self.order):
            if node < things:
                self.objects[node] += 1
                self.bytes[node] += asked[node]
            if node != self.top:
                holder = self.order[self.above[at]]
                self.objects[holder] += self.objects[node]
                self.bytes[holder] += self.bytes[node]

    def of_roots(self):
        """[(name, objects, bytes)] of what each variable alone keeps alive."""
        things = len(self.marks.live)
        return [(name, self.objects[things + k], self.bytes[things + k])
                for k, name in enumerate(self.names)]
