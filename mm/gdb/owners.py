"""owners.py - where the objects of a line of code usually hang: marbles owners [SITE].

Of each thing the word counts in which the mark found it first.  So the siblings of a lost
one tell where its own link belonged, and if all pointers to a line's objects go to the
same place in them, they are links through a member, and no chance:

    1000 of list.c:20
          899  at offset 0 of what list.c:20 took
          100  from nothing: lost
            1  from the variable head

A row is: whose, held by what, at which offset, to their start or not.  Of more than
SPREAD offsets (an array) one row is made.
"""
import json

import gdb

from .mark import DEFINITE
from .refs import Words
from .roots import HELD, VARIABLES
from .target import Command, write

SPREAD = 8
BY = ("nothing", "word", "shell", "stack", "variable", "object")
NOTHING, WORD, SHELL, STACK, VARIABLE, OBJECT = range(6)


class Row:
    def __init__(self, site, by, holder, interior):
        self.site, self.by, self.holder, self.interior = site, by, holder, interior
        self.counts, self.members = {}, set()       # by offset; where they point to

    def add(self, offset, member):
        self.counts[offset] = self.counts.get(offset, 0) + 1
        self.members.add(member)

    @property
    def count(self):
        return sum(self.counts.values())

    def split(self):
        """A row for each offset, if they are few."""
        if len(self.counts) > SPREAD or len(self.counts) == 1:
            return [self]
        rows = []
        for offset, count in self.counts.items():
            rows.append(Row(self.site, self.by, self.holder, self.interior))
            rows[-1].counts, rows[-1].members = {offset: count}, self.members
        return rows

    @property
    def offsets(self):
        return min(self.counts), max(self.counts)

    @property
    def member(self):
        return next(iter(self.members)) if len(self.members) == 1 else None


def holder_of(words, thing):
    """(by, holder, offset) of the word in which a thing was found."""
    marks, live, roots = words.marks, words.live, words.roots
    word = marks.seen_in[thing]
    if marks.kinds[thing] == DEFINITE:
        return NOTHING, None, 0
    if not word:
        return WORD, None, 0
    root = roots.around(word)
    if root is None:
        i = live.around(word)
        return OBJECT, live.sites[i], word - live.starts[i]
    if root.kind != VARIABLES:
        return SHELL if root.kind == HELD else STACK, None, 0
    name, _, offset = roots.name(word).partition("+")
    return VARIABLE, name, int(offset or "0", 16)


def count_owners(words):
    """[Row], the lines with most objects first, and of each its largest row."""
    live, pairs, of_site = words.live, {}, {}
    for thing, site in enumerate(live.sites):
        by, holder, offset = holder_of(words, thing)
        into = 0
        if by > WORD:
            into = words.marks.value_of(thing) - live.starts[thing]
        into = into if 0 <= into < live.rooms[thing] else 0     # to its page struct
        key = site, by, holder, into > 0
        pairs.setdefault(key, Row(*key)).add(offset, into)
        of_site[site] = of_site.get(site, 0) + 1
    rows = [row for pair in pairs.values() for row in pair.split()]
    return sorted(rows, key=lambda row: (-of_site[row.site], row.site, -row.count,
                                         -row.by, row.offsets))


def range_text(first, last):
    return f"{first}" if first == last else f"{first} to {last}"


def sentence(words, row):
    where = range_text(*row.offsets)
    if row.by == OBJECT:
        text = f"at offset{'s' if len(row.counts) > 1 else ''} {where} of what " \
               f"{words.sites.place(row.holder)} took"
    elif row.by == VARIABLE:
        text = f"from the variable {row.holder}" + \
            (f", at {where}" if row.offsets[1] else "")
    else:
        text = ("from nothing: lost", "by what was said of them: kmemleak",
                "from the shell", "from the stack")[row.by]
    if not row.interior:
        return text
    if row.member is not None:
        return f"{text}, through the member at {row.member}"
    where = range_text(min(row.members), max(row.members))
    return f"{text}, into their middle, at {where}"


def as_json(words, row):
    holder = words.sites.place(row.holder) if row.by == OBJECT else row.holder
    first, last = row.offsets
    return {"site": words.sites.place(row.site), "count": row.count, "by": BY[row.by],
            "holder": holder, "offset": first, "last_offset": last,
            "interior": row.interior, "member": row.member}


class Owners(Command):
    """Where objects usually hang: marbles owners [FILE:LINE] [-j]."""
    name = "owners"
    usage = "[FILE:LINE] [-j]"
    most = 1

    def run(self, arguments, as_json_rows):
        words = Words()
        rows = count_owners(words)
        if arguments:
            rows = [row for row in rows if words.sites.place(row.site) == arguments[0]]
            if not rows:
                raise gdb.GdbError(f"marbles owners: nothing that {arguments[0]} took is "
                                   "live")
        if as_json_rows:
            for row in rows:
                write(json.dumps(as_json(words, row)))
            return
        of_site = {}
        for row in rows:
            of_site.setdefault(row.site, []).append(row)
        for site, rows in of_site.items():
            write(f"{sum(row.count for row in rows)} of {words.sites.place(site)}")
            for row in rows:
                write(f"{row.count:9}  {sentence(words, row)}")
        if not of_site:
            write("nothing is live")


Owners()
