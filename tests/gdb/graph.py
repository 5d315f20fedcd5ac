"""In GDB, at each graph that graphs.c shows: what is found is what a model says.

The model knows nodes and edges, as they were laid, and no memory: it has a set of all
that each node reaches, and from these the kinds by what they mean (mm/scan/scan.h).

Of graphs of which something was said (kmemleak.h) it knows nothing: there all is as
mm/scan has it, to the word in which each node was found first, and to the piece.
"""
import os
import sys

from marbles_mm import dominators, heap, mark

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from stops import at_each, expect  # noqa: E402


class Model:
    def __init__(self, said):
        self.nodes, edges = said["node"], said.get("edge", [])
        self.at = [node["address"] for node in self.nodes]
        self.all, self.strong = {}, {}
        for edge in edges:
            self.all.setdefault(edge["from"], set()).add(edge["to"])
            if edge["strong"]:
                self.strong.setdefault(edge["from"], set()).add(edge["to"])
        self.reaches = {n: self.closure(self.all, [n]) for n in range(len(self.nodes))}
        self.reachable = self.closure(self.strong, self.strong.get(-1, ()))
        self.found = self.closure(self.all, self.all.get(-1, ()))

    @staticmethod
    def closure(edges, of):
        seen, waiting = set(), list(of)
        while waiting:
            n = waiting.pop()
            if n not in seen:
                seen.add(n)
                waiting += edges.get(n, ())
        return seen

    def kind(self, n):
        if n in self.reachable:
            return "reachable"
        if n in self.found:
            return "possible"
        holders = [a for a in self.reaches if n in self.reaches[a] and
                   (a not in self.reaches[n] or self.at[a] < self.at[n])]
        return "indirect" if holders else "definite"

    def distance(self, n):
        """Steps from a root by pointers to starts."""
        level, steps, seen = set(self.strong.get(-1, ())), 1, set()
        while n not in level:
            seen |= level
            level = set().union(*(self.strong.get(a, ()) for a in level)) - seen
            steps += 1
        return steps

    def kept(self, n):
        """Nodes that nothing would hold if n were gone."""
        edges = {a: to - {n} for a, to in self.all.items() if a != n}
        return self.found - self.closure(edges, edges.get(-1, ()))


def compare_with_model(said, marks):
    model, live = Model(said), marks.live
    expect("starts", sorted(model.at), live.starts)
    tree = dominators.Dominators(marks)
    for n, node in enumerate(model.nodes):
        i = live.around(node["address"])
        expect(f"kind of {i}", model.kind(n), mark.KINDS[marks.kinds[i]])
        if n in model.reachable:
            word, way = marks.way(i)
            expect(f"root of {i}", True, marks.roots.around(word) is not None)
            expect(f"way to {i}", model.distance(n), len(way))
        if n in model.found:
            kept = model.kept(n)
            expect(f"kept by {i}", (len(kept), sum(model.nodes[k]["bytes"] for k in kept)),
                   (tree.objects[i], tree.bytes[i]))


def compare_with_scan(said, marks):
    for node in said["node"]:
        i = marks.live.around(node["address"])
        expect(f"asked of {i}", node["bytes"], marks.live.asked[i])
        expect(f"kind of {i}", node["kind"], mark.KINDS[marks.kinds[i]])
        if node["kind"] != "definite" and marks.roots.around(marks.seen_in[i]) is None:
            expect(f"word of {i}", node["seen_in"], marks.seen_in[i])
    expect("lost pieces", [row["address"] for row in said.get("lost", [])],
           [marks.said.pieces[k].start for k in marks.lost_pieces])


def compare_keeping(marks):
    """What the roots keep, one way or the other, is all that is not lost."""
    tree, found = dominators.Dominators(marks), marks.of_kind(mark.REACHABLE, mark.POSSIBLE)
    expect("kept by the roots", (len(found), marks.live.bytes_of(found)),
           (tree.objects[tree.top], tree.bytes[tree.top]))


def compare(said):
    marks = mark.look(heap.Heap())
    compare_with_scan(said, marks)
    compare_keeping(marks)
    if "laid" not in said:
        compare_with_model(said, marks)


at_each(compare, ARGUMENTS, SAID, "graphs")
