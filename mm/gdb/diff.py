"""diff.py - two states of one run, joined by serial numbers: marbles diff DUMP.

A serial number means the same allocation in both, since a run counts them up, and another
run of the same input counts the same.  So it is exact what was born and what died between:

    DUMP     1  2  3  4                 died: 2
    here     1     3  4  5  6           born: 5, 6

By line of code, that which grew most first; and what each variable alone keeps alive, then
and now: what would be lost with it (dominators.py).  Whichever state has fewer serial
numbers is the earlier one.
"""
import json
import os

import gdb

from . import target
from .core import Core
from .dominators import Dominators
from .heap import Heap
from .leaks import plural
from .mark import DEFINITE, INDIRECT, KINDS, look
from .sites import Sites
from .target import Command, write


SHOWN = 20                      # variables


class State:
    """What is compared: of memory nothing is needed any more."""

    def __init__(self, name):
        heap, sites = Heap(), Sites()
        marks = look(heap)
        live = marks.live
        self.name, self.serial = name, heap.serial
        self.lines = sites.lines()
        places = {n: (sites.place(n), sites.function(n)) for n in set(live.sites)}
        self.things = {serial: (places[site], asked, start, KINDS[kind])
                       for serial, site, asked, start, kind in
                       zip(live.serials, live.sites, live.asked, live.starts, marks.kinds)}
        self.roots = {name: (objects, bytes) for name, objects, bytes in
                      Dominators(marks).of_roots()}

    @property
    def bytes(self):
        return sum(thing[1] for thing in self.things.values())


def state_of(path):
    try:
        target.instead = Core(path)
        return State(os.path.basename(path))
    except (OSError, ValueError) as error:
        raise gdb.GdbError(f"marbles diff: {error}")
    finally:
        target.instead = None


def refuse(before, after):
    """Say why they cannot be joined."""
    if before.lines != after.lines:
        raise gdb.GdbError("marbles diff: they are not of one program: its lines of code "
                           "that allocate are not the same")
    for serial in before.things.keys() & after.things.keys():
        places = before.things[serial][0], after.things[serial][0]
        if places[0] != places[1]:
            raise gdb.GdbError(f"marbles diff: they are not of one run: serial {serial} "
                               f"was taken by {places[0][0]} and by {places[1][0]}")


class Difference:
    def __init__(self, before, after):
        self.before, self.after = before, after
        self.born = sorted(after.things.keys() - before.things.keys())
        self.died = sorted(before.things.keys() - after.things.keys())
        self.sites = {}
        for state, column in ((before, "before"), (after, "objects")):
            for place, asked, _, kind in state.things.values():
                self._count(place, column, asked)
                if state is after and kind in (KINDS[DEFINITE], KINDS[INDIRECT]):
                    self._count(place, "lost", asked)
        for serials, state, column in ((self.born, after, "born"),
                                       (self.died, before, "died")):
            for serial in serials:
                self._count(state.things[serial][0], column, state.things[serial][1])

    def _count(self, place, column, asked):
        count = self.sites.setdefault(place, {}).setdefault(column, [0, 0])
        count[0] += 1
        count[1] += asked

    def rows(self):
        """Most growth first; lines of which nothing was born or died are left out."""
        rows = []
        for (place, function), columns in self.sites.items():
            row = {"site": place, "func": function}
            for column in ("born", "died", "before", "objects", "lost"):
                objects, size = columns.get(column, (0, 0))
                name = "" if column == "objects" else column + "_"
                row.update({name + "objects": objects, name + "bytes": size})
            row["growth"] = row["bytes"] - row["before_bytes"]
            if row["growth"] or row["born_objects"] or row["died_objects"]:
                rows.append(row)
        return sorted(rows, key=lambda row: (-row["growth"], row["site"]))

    def roots(self):
        """What each keeps alive: most now first."""
        rows = []
        for name in self.after.roots.keys() | self.before.roots.keys():
            objects, size = self.after.roots.get(name, (0, 0))
            was_objects, was = self.before.roots.get(name, (0, 0))
            rows.append({"root": name, "objects": objects, "bytes": size,
                         "before_objects": was_objects, "before_bytes": was})
        return sorted(rows, key=lambda row: (-row["bytes"], -row["before_bytes"],
                                             row["root"]))

    def summary(self):
        before, after = self.before, self.after
        return {"summary": True, "from": before.serial, "to": after.serial,
                "born_objects": len(self.born),
                "born_bytes": sum(after.things[n][1] for n in self.born),
                "died_objects": len(self.died),
                "died_bytes": sum(before.things[n][1] for n in self.died),
                "before_objects": len(before.things), "before_bytes": before.bytes,
                "objects": len(after.things), "bytes": after.bytes}


def print_text(difference):
    said = difference.summary()
    write(f"from serial {said['from']} ({difference.before.name}) to {said['to']} "
          f"({difference.after.name})")
    rows, roots = difference.rows(), difference.roots()
    if rows:
        write("   growth    born    died objects    bytes     lost  taken by")
    for row in rows:
        write(f"{row['growth']:+9} {row['born_objects']:7} {row['died_objects']:7} "
              f"{row['objects']:7} {row['bytes']:8} {row['lost_bytes']:8}  {row['site']} "
              f"func:{row['func']}")
    write(f"born: {said['born_bytes']} bytes in {plural(said['born_objects'])}; died: "
          f"{said['died_bytes']} bytes in {plural(said['died_objects'])}; now "
          f"{said['bytes']} bytes in {plural(said['objects'])}")
    if roots:
        write("    bytes objects      was  kept alive by this alone")
    for row in roots[:SHOWN]:
        write(f"{row['bytes']:9} {row['objects']:7} {row['before_bytes']:8}  {row['root']}")
    if len(roots) > SHOWN:
        write(f"{len(roots) - SHOWN} more: marbles diff -j")


def print_things(difference, place):
    """Each that was born or has died of one line."""
    for sign, serials, state in (("+", difference.born, difference.after),
                                 ("-", difference.died, difference.before)):
        for serial in serials:
            (site, _), asked, start, kind = state.things[serial]
            if site == place:
                write(f"{sign} {start:#010x} {serial:7} {asked:8}  {kind}")


class Diff(Command):
    """What was born and died since another dump: marbles diff DUMP [FILE:LINE] [-j]."""
    name = "diff"
    usage = "DUMP [FILE:LINE] [-j]"
    most = 2

    def run(self, words, as_json):
        if not words:
            raise gdb.GdbError("marbles diff: DUMP is missing")
        states = [state_of(os.path.expanduser(words[0])), State("here")]
        states.sort(key=lambda state: state.serial)
        refuse(*states)
        difference = Difference(*states)
        if as_json:
            for row in (*difference.rows(), *difference.roots(), difference.summary()):
                write(json.dumps(row))
        elif len(words) == 2:
            print_things(difference, words[1])
        else:
            print_text(difference)


Diff()
