"""refs.py - who points there: marbles refs ADDR, and the shortest way: marbles why ADDR.

As the shell's `refs` and `leaks why`.  A word points to a thing if its value lies in it,
or in the page struct of one of its pages.  ADDR is any expression.  Who had what is lost
is not told: that the scans of the program have noted, and here none has been.
"""
import json

import gdb

from .doubt import doubt_of, doubt_text
from .drawn import Box
from .heap import Heap
from .leaks import plural
from .mark import KINDS, REACHABLE, look
from .sites import Sites
from .target import Command, number, write

SHOWN = 4                       # steps at both ends of a long way


class Words:
    """Things and words of a mark, in words."""

    def __init__(self):
        self.heap = Heap()
        self.marks, self.sites = look(self.heap), Sites()
        self.live, self.roots = self.marks.live, self.marks.roots

    def thing(self, i):
        live = self.live
        return f"{live.asked[i]} bytes, serial {live.serials[i]}, " \
               f"taken by {self.sites.place(live.sites[i])}"

    def holder(self, word):
        """As holder_text() of kernel/leaks/holder.c."""
        if self.roots.around(word):
            return self.roots.text(word)
        i = self.live.around(word)
        if i is None:
            return f"{word:#010x}, where nothing is live now"
        start = self.live.starts[i]
        return f"offset {word - start} of {start:#010x} ({self.thing(i)})"

    def holder_json(self, word):
        """As holder_json(), the same."""
        i = None if self.roots.around(word) else self.live.around(word)
        row = {"symbol": self.roots.name(word), "address": f"{word:#010x}",
               "serial": None, "site": None, "offset": 0}
        if i is not None:
            row.update(address=f"{self.live.starts[i]:#010x}", **self.owner(i),
                       offset=word - self.live.starts[i])
        return row

    def owner(self, i):
        return {"serial": self.live.serials[i],
                "site": self.sites.place(self.live.sites[i])}


def referrers(words, thing):
    """(address, value) of every word that points to it: roots first, then by address."""
    live = words.live
    start, end, structs, structs_end = live.names_of(thing)
    for at, value in words.roots.each():
        if start <= value < end or structs <= value < structs_end:
            yield at, value
    for _, at, numbers in live.each():
        for k, value in enumerate(numbers):
            if start <= value < end or structs <= value < structs_end:
                yield at + k * live.word, value


def leads(words, value, thing):
    """As holder_leads(): the offset of its middle or 0; and is it its page struct?"""
    start, end, structs, structs_end = words.live.names_of(thing)
    return (value - start if start <= value < end else 0,
            structs <= value < structs_end)


class AddressCommand(Command):
    """A command about one thing that is live."""
    usage = "ADDR [-j]"
    most = 64                   # an expression may have blanks in it

    def run(self, words, as_json):
        if not words:
            raise gdb.GdbError(f"marbles {self.name}: ADDR is missing")
        address, said = number(" ".join(words), "ADDR"), Words()
        thing = said.live.around(address)
        if thing is not None:
            return self.tell(said, thing, address, as_json)
        nothing = f"{address:#010x}: nothing is live there"
        if not as_json:
            raise gdb.GdbError(f"marbles {self.name}: {nothing}: see marbles whatis")


class Refs(AddressCommand):
    """What points to an object or block: marbles refs ADDR [-j]."""
    name = "refs"

    def tell(self, words, thing, address, as_json):
        live, count = words.live, 0
        for at, value in referrers(words, thing):
            (offset, is_struct), count = leads(words, value, thing), count + 1
            if as_json:
                self._row(words, at, offset > 0)
                continue
            to = ": into its middle" if offset else \
                ": to its page struct" if is_struct else ""
            write(f"{at:#010x}  {words.holder(at)}{to}{doubt_text(words, at)}")
        if not as_json:
            write(f"{plural(count, 'word')} point{'s' if count == 1 else ''} to "
                  f"{live.starts[thing]:#010x} ({live.asked[thing]} bytes, serial "
                  f"{live.serials[thing]})")

    @staticmethod
    def _row(words, at, interior):
        root = words.roots.around(at)
        holder = words.holder_json(at)
        write(json.dumps({"from": words.roots.name(at) if root else words.holder(at),
                          "address": f"{at:#010x}", "serial": holder["serial"],
                          "site": holder["site"], "offset": holder["offset"],
                          "interior": interior, "doubt": doubt_of(words, at)[0]}))


class Why(AddressCommand):
    """The shortest way from a root to an object or block: marbles why ADDR [-j]."""
    name = "why"

    def tell(self, words, thing, address, as_json):
        root, way = words.marks.way(thing)
        links = [words.marks.seen_in[i] for i in way[1:]] + [address]
        if as_json:
            if root:
                write(json.dumps({"step": 0, "kind": "root", **words.holder_json(root),
                                  "doubt": doubt_of(words, root)[0]}))
            for n, (i, word) in enumerate(zip(way, links), 1):
                write(json.dumps({"step": n, "kind": KINDS[words.marks.kinds[i]],
                                  **words.holder_json(word), "doubt":
                                  doubt_of(words, word)[0] if n < len(way) else None}))
            return
        self._draw_root(words, root, way[0])
        for n, (i, word) in enumerate(zip(way, links), 1):
            if n <= SHOWN or n + SHOWN > len(way):
                self._draw_step(words, i, word, way[n] if n < len(way) else None)
            elif n == SHOWN + 1:
                self._draw_nobody(words, ":", f"... {len(way) - 2 * SHOWN} more ...")

    def _draw_root(self, words, root, first):
        if not root:
            self._draw_nobody(words, "?", "of the first of these was said that it is no leak "
                              "(kmemleak)" if words.marks.kinds[first] == REACHABLE else
                              "nothing points to the first of these: it is lost")
            return
        start, size = words.roots.extent(root)
        box = Box(words.live.word, size, root - start)
        box.write(words.holder(root) + self._lead_to(words, box, root, first))

    @staticmethod
    def _draw_nobody(words, head, text):
        box = Box(words.live.word)
        box.head = head
        box.write(text)

    def _draw_step(self, words, i, word, following):
        live = words.live
        at = word - live.starts[i]
        box = Box(live.word, max(live.asked[i], 1), at, "o" if following is None else "*")
        what = f"{live.starts[i]:#010x}, {live.asked[i]} bytes, serial {live.serials[i]}, " \
               f"by {words.sites.place(live.sites[i])}"
        box.write(f"{what}: this is it, offset {at}" if following is None else
                  f"{what}: next at offset {at}" + self._lead_to(words, box, word, following))

    @staticmethod
    def _lead_to(words, box, word, following):
        """What is to be said of that."""
        live = words.live
        at, is_struct = leads(words, words.marks.value_at(word), following)
        box.lead_to(live.asked[following], at)
        return (f", into its middle, offset {at}" if at else
                ", to its page struct" if is_struct else "") + doubt_text(words, word)


Refs()
Why()
