"""leaks.py - what is lost, by the line of code that took it: marbles leaks.

The shell's `leaks`, by a mark of its own (mark.py).  A row is a line of code and a kind;
most bytes first.
"""
import json
import time

import gdb

from . import target
from .heap import Heap
from .mark import DEFINITE, KINDS, LISTED, POSSIBLE, REACHABLE, look
from .memory import say_what_is_wrong
from .roots import HELD, VARIABLES
from .rows import as_json, count_by_site
from .sites import Sites
from .target import Command, number, write


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
        """Who holds most of what is reachable, at first hand."""
        marks, variables = self.marks, {}
        by_shell = by_others = 0
        for i in filter(marks.seen_in.__getitem__, things):     # else it was said so
            root = marks.roots.around(marks.seen_in[i])
            if root is None:
                by_others += 1
            elif root.kind == HELD:
                by_shell += 1
            elif root.kind == VARIABLES:
                name = marks.roots.name(marks.seen_in[i]).partition("+")[0]
                variables[name] = variables.get(name, 0) + 1
        text = f"reachable: {marks.live.bytes_of(things)} bytes in {plural(len(things))}"
        if by_shell:
            text += f", {by_shell} held by the shell"
        if variables:
            most = max(variables, key=variables.get)
            text += f", {variables[most]} by {most}"
        return text + (f", {by_others} by other objects" if by_others else "")

    def _print_doubts(self):
        """In what was not cleared may be pointers of who had it before."""
        dials = "mm/watch/settings.c"
        held = self.marks.count(REACHABLE) + self.marks.count(POSSIBLE)
        if held and (self.heap.pages_freed or self._kfrees()) and \
                not target.static(dials, "settings.init_on_alloc") and \
                not target.static(dials, "settings.init_on_free"):
            write(f"{plural(held)} may hold pointers of who had the "
                  "memory before, which hide leaks: init_on_alloc=1 clears it")

    def _kfrees(self):
        return self.heap.large_frees + sum(c.frees for c in self.heap.caches.values())

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
