"""tree.py - what each leak takes with it: marbles tree.

For each definite leak the bytes that come back if it is freed with all that hangs on it,
most bytes first; below it who was found in whom, as leaks tree of the shell has it.  If
it is held by what it holds, all of that is a ring.
"""
import json

from .leaks import plural
from .mark import DEFINITE, INDIRECT, KINDS
from .refs import Words
from .target import Command, write

SHOWN, ROWS, DEEPEST, COLUMN = 10, 7, 6, 19


class Trees:
    """Of each definite leak all that it was first to lead to."""

    def __init__(self, words):
        self.words, marks = words, words.marks
        self.below = {}                 # things found in a thing, in its words' order
        self.tops = marks.of_kind(DEFINITE)
        for i in sorted(marks.of_kind(INDIRECT), key=marks.seen_in.__getitem__):
            holder = words.live.around(marks.seen_in[i])
            self.below.setdefault(holder, []).append(i)
        self.members = {top: list(self.walk(top)) for top in self.tops}
        self.total = {top: words.live.bytes_of(i for i, _ in members)
                      for top, members in self.members.items()}
        self.tops.sort(key=lambda top: (-self.total[top], words.live.starts[top]))

    def walk(self, top):
        """(thing, depth) of all in it, each before what hangs on it."""
        waiting = [(top, 0)]
        while waiting:
            thing, depth = waiting.pop()
            yield thing, depth
            waiting += [(i, depth + 1) for i in reversed(self.below.get(thing, ()))]

    def is_ring(self, top):
        """By all words, whatever was said of them: as mm/scan/tree.c."""
        live = self.words.live
        start, end, structs, structs_end = live.names_of(top)
        return any(start <= value < end or structs <= value < structs_end
                   for i, depth in self.members[top] if depth
                   for value in live.words_in(live.starts[i], live.asked[i])[1])

    def offset(self, thing):
        """Of the word that holds it, in its holder."""
        word = self.words.marks.seen_in[thing]
        return word - self.words.live.starts[self.words.live.around(word)]


def print_json(trees, top):
    words, live = trees.words, trees.words.live
    for i, depth in trees.members[top]:
        row = {"depth": depth, "kind": KINDS[words.marks.kinds[i]],
               "address": f"{live.starts[i]:#010x}", **words.owner(i),
               "bytes": live.asked[i]}
        if depth:
            row.update(offset=trees.offset(i))
        else:
            row.update(objects=len(trees.members[top]), total=trees.total[top],
                       ring=trees.is_ring(top))
        write(json.dumps(row))


def print_text(trees, top):
    words, members = trees.words, trees.members[top]
    shown = ROWS + 1 if len(members) == ROWS + 1 else ROWS
    for i, depth in members[:shown]:
        what = f"{words.live.starts[i]:#010x}, {words.thing(i)}"
        if depth:
            indent = " " * (COLUMN + 2 * min(depth, DEEPEST))
            write(f"{indent}at {trees.offset(i)}: {what}")
        else:
            write(f"{trees.total[top]:9} {len(members):7}  {what}"
                  f"{', a ring' if trees.is_ring(top) else ''}")
    if len(members) > shown:
        write(f"{'':{COLUMN + 2}}... {len(members) - shown} more")


class Tree(Command):
    """What each leak takes with it, and what comes back if it is freed: marbles tree."""
    name = "tree"

    def run(self, words, as_json):
        trees = Trees(Words())
        marks, tops = trees.words.marks, trees.tops
        indirect = marks.count(INDIRECT)        # one that a lost piece has is in no tree
        bytes = marks.live.bytes_of(marks.of_kind(DEFINITE, INDIRECT))
        if as_json:
            for top in tops:
                print_json(trees, top)
            write(json.dumps({"summary": True, "definite": len(tops),
                              "indirect": indirect, "bytes": bytes}))
            return
        if not tops:
            return write("nothing is lost")
        write("    bytes objects  what is lost, taken by which line; and what goes "
              "with it")
        for top in tops[:SHOWN]:
            print_text(trees, top)
        if len(tops) > SHOWN:
            left = bytes - sum(trees.total[top] for top in tops[:SHOWN])
            write(f"{left:9}          in {len(tops) - SHOWN} more, each with no more: "
                  "marbles tree -j")
        write(f"{bytes:9} bytes come back if {plural(len(tops), 'lost object')} "
              f"{'is' if len(tops) == 1 else 'are'} freed, with {indirect} that "
              f"{'goes' if indirect == 1 else 'go'} with "
              f"{'it' if len(tops) == 1 else 'them'}")


Tree()
