"""leaks.py - what is lost, by the line of code that took it: marbles leaks.

The shell's `leaks`, by a mark of its own (mark.py).  A row is a line of code and a kind;
most bytes first.
"""
import json
import time
from collections import Counter

import gdb

from . import target
from .heap import Heap
from .mark import DEFINITE, KINDS, LISTED, POSSIBLE, REACHABLE, look
from .memory import say_what_is_wrong
from .roots import HELD, REGISTER, STACK, VARIABLES
from .rows import as_json, count_by_site
from .sites import Sites
from .target import Command, number, write


OTHERS, SAID = -1, -2                   # hold things, beside the kinds of roots


def plural(n, word="object"):
    return f"{n} {word}{'' if n == 1 else 's'}"


class Report:
    """All that is said of a mark."""

    def __init__(self, kinds, after):
        started = time.perf_counter()
        self.heap = Heap()
        self.marks = look(self.heap)
        self.microseconds = int((time.perf_counter() - started) * 1e6)
        self.sites, self.after = Sites(), after
        self.rows = count_by_site(self.marks, kinds, after)
        self.lost_calls = target.static("mm/site.c", "lost") or 0

    def sum(self, column):
        return sum(count[column] for _, _, count in self.rows)

    # ---- JSON ---------------------------------------------------------------------

    def print_json(self):
        for row in as_json(self.rows, self.sites):
            write(json.dumps(row))
        write(json.dumps({"summary": True, "sites": len(self.rows),
                          "objects": self.sum(1), "bytes": self.sum(0),
                          "since": self.after, "lost_calls": self.lost_calls,
                          **{KINDS[kind]: self.marks.count(kind) for kind in LISTED},
                          "root_bytes": self.marks.roots.bytes,
                          "microseconds": self.microseconds}))

    # ---- text ---------------------------------------------------------------------

    def print_text(self, is_all, is_since):
        if self.rows:
            write("    bytes objects  oldest  newest  kind       taken by")
        for kind, n, (size, objects, oldest, newest) in self.rows:
            write(f"{size:9} {objects:7} {oldest:7} {newest:7}  {KINDS[kind]:9}  "
                  f"{self.sites.place(n)} func:{self.sites.function(n)}")
        if is_since:
            self._print_since()
        else:
            self._print_sums(is_all)
        if self.lost_calls:
            write(f"{plural(self.lost_calls, 'call')} found the table of sites full: "
                  "they share one")
        if not is_since:
            self._print_doubts()
            roots, live = self.marks.roots, self.marks.live
            write(f"scanned: {roots.bytes} bytes in {plural(len(roots.all), 'root')}, "
                  f"{live.bytes_of(range(len(live)))} in {plural(len(live))}, "
                  f"in {self.microseconds} us")

    def _print_since(self):
        after = f", of what was taken after serial {self.after}"
        if self.rows:
            write(f"{self.sum(0):9} {self.sum(1):7} in all, from "
                  f"{plural(len(self.rows), 'row')}{after}")
        else:
            write(f"nothing is live{after}")

    def _print_sums(self, is_all):
        marks = self.marks
        if not len(marks.live):
            write("nothing is live")
        elif marks.count(REACHABLE) == len(marks.live):
            write("nothing is lost")
        for kind in LISTED:
            things = marks.of_kind(kind)
            if things and kind != REACHABLE:
                write(f"{KINDS[kind]}: {marks.live.bytes_of(things)} bytes in "
                      f"{plural(len(things))}")
            elif things:
                write(self._holders(things))
        if is_all and len(self.rows) > 1:
            write(f"{self.sum(0):9} {self.sum(1):7} in all, from {len(self.rows)} rows")

    def _holders(self, things):
        """Who holds most of what is reachable, at first hand: it adds up to all of them."""
        marks, by, variables = self.marks, Counter(), Counter()
        for i in things:
            root = marks.roots.around(marks.seen_in[i]) if marks.seen_in[i] else None
            if root is not None and root.kind == VARIABLES:
                variables[marks.roots.name(marks.seen_in[i]).partition("+")[0]] += 1
            else:
                by[root.kind if root else OTHERS if marks.seen_in[i] else SAID] += 1
        most = variables.most_common(1)
        others = sum(variables.values()) - sum(n for _, n in most)
        told = [(by[HELD], "held by the shell"), *((n, f"by {name}") for name, n in most),
                (others, "by other variables"), (by[STACK], "by the stack"),
                (by[REGISTER], "by registers"),
                (by[SAID], "of which kmemleak was told that it is no leak"),
                (by[OTHERS], "by other objects")]
        return f"reachable: {marks.live.bytes_of(things)} bytes in {plural(len(things))}" + \
            "".join(f", {n} {who}" for n, who in told if n)

    def _print_doubts(self):
        """What could hide a leak: a pointer that was there before."""
        until, live = self._uncleared_until(), self.marks.live
        objects = sum(serial <= until and not self.sites.clears(site)
                      for serial, site in zip(live.serials, live.sites))
        if len(live) > 1 and objects:
            write(f"{plural(objects)} {'was' if objects == 1 else 'were'} not cleared when "
                  "taken: an old pointer there may hide a leak.  To be sure: params "
                  "init_on_alloc=1, and once more from the start")

    @staticmethod
    def _uncleared_until():
        """As mm_uncleared_until() of mm/watch/dials.c."""
        settings = "mm/watch/settings.c"
        if target.static(settings, "settings.frees_clear_all"):
            return 0
        if target.static(settings, "settings.init_on_alloc"):
            return target.static(settings, "settings.cleared_after")
        return 2 ** 32 - 1

    def say_what_is_wrong(self, in_json):
        for n in {n for _, n, _ in self.rows}:
            if self.sites.get(n) is None:
                self.heap.say("M4: a record names a call site that does not exist",
                              f"records name site {n} of {self.sites.count} and the "
                              "stacks")
        say_what_is_wrong(self.heap, None, in_json)


class Leaks(Command):
    """What is lost, by the line that took it: marbles leaks [all|since SERIAL] [-j]."""
    name = "leaks"
    usage = "[all|since SERIAL|why ADDR|owners [FILE:LINE]|tree] [-j]"
    most = 64                   # an expression may have blanks in it

    def run(self, words, in_json):
        if words and words[0] in ("why", "owners", "tree"):     # as the shell has it
            gdb.execute(" ".join(["marbles", *words, *["-j"] * in_json]))
            return
        is_all, is_since = words == ["all"], words[:1] == ["since"]
        if words and not is_all and (not is_since or len(words) != 2):
            raise gdb.GdbError(f"usage: marbles leaks {self.usage}")
        after = number(words[1], "SERIAL") if is_since else 0
        lost = [kind for kind in LISTED if POSSIBLE <= kind <= DEFINITE]
        report = Report(LISTED if in_json or is_all or is_since else lost, after)
        if in_json:
            report.print_json()
        else:
            report.print_text(is_all, is_since)
        report.say_what_is_wrong(in_json)


Leaks()
