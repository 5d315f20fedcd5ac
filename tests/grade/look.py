"""look.py - what a dump says of a lab: in GDB, behind mm/gdb/marbles.py.

    MARBLES_CORES='[["drop.core", ["cmd_names"]], ...]'
    gdb -nx -batch marbles.elf -x mm/gdb/marbles.py -x tests/grade/look.py

The last line of stdout is a JSON list, an item for each core: the facts of labfile.py;
`rows`, what is live by line of code; `broken`, a rule of mm that does
not hold; `instructions`, of the functions that were asked for, when they ran last.
"""
import json
import os

import gdb

from marbles_mm import target
from marbles_mm.check import check, damage_of
from marbles_mm.leaks import Report
from marbles_mm.mark import DEFINITE, INDIRECT, LISTED
from marbles_mm.memory import Totals
from marbles_mm.rows import as_json

CALLS = "kernel/trace/calls.c"


class Calls:
    """The ring of the function tracer."""

    def __init__(self):
        address, size = target.static_place(CALLS, "ring")
        layout = target.Layout("traced_call", CALLS)
        raw = target.read(address, size, "the ring of calls")
        room, written = size // layout.size, target.static(CALLS, "written")
        self.newest_first = [layout.all(raw[n % room * layout.size:][:layout.size])
                             for n in range(written - 1, max(written - room, 0) - 1, -1)]

    def last(self, name):
        """Instructions, from its beginning to its end; None: it has never ended."""
        address = target.address_of_label(name)
        return next((call["value"] for call in self.newest_first
                     if call["is_left"] and call["function"] == address), None)


def facts(functions):
    report = Report(LISTED, 0)
    heap, marks = report.heap, report.marks
    broken = list(check(heap))
    calls = Calls() if functions else None
    return {
        "status": target.static("kernel/shell/shell.c", "first_failure"),
        "reports": heap.reports,
        "damage": 0 if broken else sum(1 for _ in damage_of(heap)),
        "lost": marks.count(DEFINITE) + marks.count(INDIRECT),
        "live": len(marks.live),
        "refused": heap.bad_frees,
        "kmallocs": Totals(heap).kmallocs,
        "pages": heap.pages_allocated,
        "rows": list(as_json(report.rows, report.sites)),
        "broken": ": ".join(broken[0]) if broken else None,
        "instructions": {name: calls.last(name) for name in functions},
    }


def main():
    found = []
    for core, functions in json.loads(os.environ["MARBLES_CORES"]):
        gdb.execute(f"core-file {core}", to_string=True)
        try:
            found.append(facts(functions))
        except (target.Unreadable, gdb.error, gdb.GdbError) as error:
            found.append({"unreadable": str(error)})
    print(json.dumps(found))


main()
