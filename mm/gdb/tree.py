"""tree.py - what each leak takes with it: marbles tree.

For each definite leak the bytes that come back if it is freed with all that hangs on it,
most bytes first; below it who was found in whom, as leaks tree of the shell has it.  If
it is held by what it holds, all of that is a ring.
"""
import json

from .drawn import beside
from .leaks import plural
from .mark import DEFINITE, INDIRECT, KINDS
from .refs import Words
from .target import Command, write

ROWS, ROWS_OF_ALL, COLUMN, BRANCH = 7, 16, 19, 2


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


class Row:
    """Of a picture: one of a tree, with what hangs on it; thing None: what is left out."""

    def __init__(self, thing, depth):
        self.thing, self.depth, self.objects, self.bytes = thing, depth, 0, 0

    def add(self, bytes):
        self.objects += 1
        self.bytes += bytes


def rows_of(trees, top):
    """As they are drawn: the first, and a row for all below these."""
    members, rows, path = trees.members[top], [], []
    shown = ROWS + 1 if len(members) == ROWS + 1 else ROWS
    left = Row(None, min((depth for _, depth in members[shown:]), default=0))
    for n, (i, depth) in enumerate(members):
        del path[depth:]
        if n < shown:
            rows.append(Row(i, depth))
            path.append(rows[-1])
        for row in path if n < shown else path + [left]:
            row.add(trees.words.live.asked[i])
    return rows + [left] if left.objects else rows


def is_followed(rows, n, depth):
    """Does one that hangs on the same, at that depth, come below the n-th row?"""
    return next((row.depth for row in rows[n + 1:] if row.depth <= depth), 0) == depth


def draw(trees, top, rows, n):
    words, row = trees.words, rows[n]
    if row.thing is None:
        text = f"{row.objects} more"
    else:
        text = f"{words.live.starts[row.thing]:#010x}, {words.live.asked[row.thing]} bytes, " \
               f"serial {words.live.serials[row.thing]}"
        place = words.sites.place(words.live.sites[row.thing])
        text = f"at {trees.offset(row.thing)}: {text}, {place.rpartition('/')[2]}" \
            if row.depth else f"{text}{', a ring' if trees.is_ring(top) else ''}, by {place}"

    def branches(text_row, _):
        goes_on = [is_followed(rows, n, depth) for depth in range(1, row.depth + 1)]
        rails = "".join(" |" if on else "  " for on in goes_on)
        if text_row:
            return f"{'':{COLUMN - 1}}{rails}"
        if row.depth:
            rails = rails[:-2] + (" |-" if goes_on[-1] else " `-")
        return f"{row.bytes:9} {row.objects:7} {rails}"
    beside(COLUMN + (BRANCH * row.depth + 1 if row.depth else 0), 1, text, branches)


def draw_first(trees):
    """Those for which there is room; their number."""
    room = ROWS_OF_ALL
    for shown, top in enumerate(trees.tops):
        rows = rows_of(trees, top)
        room -= len(rows)
        if room < 0:
            return shown
        for n in range(len(rows)):
            draw(trees, top, rows, n)
    return len(trees.tops)


def write_of_pieces(trees, objects, bytes):
    """What goes with pieces that a program has told of by kmemleak_alloc is in no tree."""
    marks = trees.words.marks
    more = marks.count(DEFINITE) + marks.count(INDIRECT) - objects
    if more:
        lost = marks.live.bytes_of(marks.of_kind(DEFINITE, INDIRECT))
        write(f"{lost - bytes:9} bytes in {plural(more, 'object')} go with lost pieces of "
              "kmemleak_alloc: see kmemleak")


def write_json(trees):
    marks = trees.words.marks
    for top in trees.tops:
        print_json(trees, top)
    write(json.dumps({"summary": True, "definite": len(trees.tops),
                      "indirect": marks.count(INDIRECT),    # those of lost pieces, too
                      "bytes": marks.live.bytes_of(marks.of_kind(DEFINITE, INDIRECT))}))


def write_text(trees):
    tops = trees.tops
    objects, bytes = sum(map(len, trees.members.values())), sum(trees.total.values())
    if tops:
        write("    bytes objects  what is lost, taken by whom; and what goes with it")
        left = tops[draw_first(trees):]
        if left:
            write(f"{sum(map(trees.total.get, left)):9} "
                  f"{sum(len(trees.members[top]) for top in left):7}  in {len(left)} more, "
                  "each with no more: marbles tree -j")
        write(f"{bytes:9} bytes come back: {plural(len(tops), 'lost object')}, and "
              f"{objects - len(tops)} that go with {'it' if len(tops) == 1 else 'them'}")
    elif not trees.words.marks.count(INDIRECT):
        write("nothing is lost")
    write_of_pieces(trees, objects, bytes)


class Tree(Command):
    """What each leak takes with it, and what comes back if it is freed: marbles tree."""
    name = "tree"

    def run(self, words, as_json):
        trees = Trees(Words())
        write_json(trees) if as_json else write_text(trees)


Tree()
