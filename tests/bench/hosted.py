#!/usr/bin/env python3
"""hosted.py - mm as a 64-bit library beside what people would pick for a program.

    hosted.py build/hosted/bench [--quick]

runs the programs of that folder (hosted_work.h), each several times in turn so that no
allocator has a bad minute of the machine for itself, and keeps the least of each time.
Printed are ratios of time and memory, the curve over the number of live objects, and
where ours takes more.  --quick: the same from so few rounds that the figures mean
nothing.  Status 1: a program failed, or is not the allocator that its column says.
"""

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import NamedTuple


class Allocator(NamedTuple):
    name: str
    program: str
    who: str            # what the program must prove to be


OURS = [Allocator("mm", "mm", "on"), Allocator("mm-off", "mm", "off")]
THEIRS = [Allocator("glibc", "glibc", "libc.so"),
          Allocator("mimalloc", "mimalloc", "libmimalloc.so"),
          Allocator("jemalloc", "jemalloc", "libjemalloc.so"),
          Allocator("tcmalloc", "tcmalloc", "libtcmalloc_minimal.so")]
LOOP = Allocator("loop", "loop", "nobody")
ALL = [*OURS, *THEIRS, LOOP]

SIZES = (8, 24, 40, 64, 100, 200, 500, 1000, 3000)
CURVES = {"hot": "one more, taken and given back",
          "one": "one of them at random given back, another taken",
          "many": "1,000 of them (at most a tenth) given back, as many taken"}
SLOWER = 1.05           # less than this is noise


class Effort(NamedTuple):
    turns: int          # how often each program runs
    budget: int         # ms for each loop in it
    objects: int        # live, for the bytes each takes
    live: tuple         # the curve's rows


FULL = Effort(5, 10, 100_000, (10**3, 10**4, 10**5, 10**6, 10**7))
QUICK = Effort(1, 0, 20_000, (10**3, 10**4))

NOTES = """
Times: ns, one thread, the fastest of {turns} runs.  loop: the same loop around calls
that do nothing; it is not subtracted from the others.  of: bytes, or order of pages.
pair: take one, give it back.  batch: 1,000 taken, then given back in that order; time
for each.  mixed: a step among 512 slots, 8 to 4,095 bytes.  page-pair of theirs:
aligned_alloc and free of 4096 << order.  What is taken is not written to, but the first
byte in the curve.

Memory: bytes for each of {objects:,} objects (the curve: of those live), every page of
them written to.  Ours: growth of the pages used, by mm_get_stats, with their share of
page structs.  Theirs: growth of Anonymous in /proc/self/smaps_rollup; ours by that is
at most {apart:.1f} % away from its own count.  What an allocator has taken before is in
nobody's figure.  Huge pages are off for all.

What ours does more, and less
  more   Each object has a serial number, the size asked for and the line of code that
         took it, in 12 bytes beside it (mm-off: none of these).  Every pointer is
         proved before a free, in both: what is not a live object's start is refused
         and reported.  No byte of an object is ever used for a list.
  less   One CPU: no threads, no lock, no lists of each thread.  Its memory is one range
         that it was given: it asks the system for no more, and gives nothing back.
"""


# ---- measuring --------------------------------------------------------------------

def rows_of(folder, allocator, *arguments):
    """What a program prints; apart from that its first line, which says who it is."""
    command = [str(Path(folder) / allocator.program), allocator.who,
               *map(str, arguments)]
    done = subprocess.run(command, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE)
    if done.returncode != 0:
        sys.exit(f"bench-hosted: {' '.join(command)} ended with {done.returncode}")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    if "allocator" not in rows[0]:
        sys.exit(f"bench-hosted: {command[0]} does not say whose malloc it has")
    return rows[1:], rows[0]["allocator"]


def taken(row):
    """Bytes an object takes: counted by the heap itself, if it can."""
    return row["counted"] or row["resident"]


class Figures:
    """{allocator's name: figure} of each workload, size and curve."""

    def __init__(self):
        self.time, self.memory, self.curve, self.bytes_beside = {}, {}, {}, {}
        self.library = {}
        self.apart = 0.0    # our memory counted in both ways: the largest difference

    def least(self, table, key, name, figure):
        row = table.setdefault(key, {})
        row[name] = min(figure, row.get(name, figure))

    def add_times(self, folder, allocator, budget):
        rows, self.library[allocator.name] = rows_of(folder, allocator, "times", budget)
        for row in rows:
            self.least(self.time, (row["work"], row["of"]), allocator.name, row["ns"])

    def add_memory(self, folder, allocator, objects):
        for size in SIZES:
            (row,), _ = rows_of(folder, allocator, "memory", size, objects)
            self.least(self.memory, ("memory", size), allocator.name, taken(row))
            if row["counted"]:
                self.apart = max(self.apart, abs(row["resident"] / row["counted"] - 1))

    def add_curve(self, folder, allocator, live, budget):
        (memory, *rows), _ = rows_of(folder, allocator, "live", live, budget)
        self.least(self.bytes_beside, live, allocator.name, taken(memory))
        for row in rows:
            self.least(self.curve.setdefault(row["work"], {}), live, allocator.name,
                       row["ns"])


def measure(folder, effort):
    figures = Figures()
    for _ in range(effort.turns):
        for allocator in ALL:
            figures.add_times(folder, allocator, effort.budget)
            for live in effort.live:
                figures.add_curve(folder, allocator, live, effort.budget)
    for allocator in [*OURS, *THEIRS]:
        figures.add_memory(folder, allocator, effort.objects)
    return figures


# ---- printing ---------------------------------------------------------------------

def show(cells, widths):
    first, *others = map(str, cells)
    print(first.ljust(widths[0]),
          *(cell.rjust(width) for cell, width in zip(others, widths[1:])), sep="  ")


def as_ratio(value):
    return f"{value:.2f}" if value >= 0.1 else f"{value:.3f}" if value >= 0.001 else f"{value:.4f}"


def show_ratios(figures):
    """One row a workload: ours, and ours by each of theirs."""
    widths = (13, 6, 6, 7, 7) + 2 * (6, 8, 8, 8)
    their_names = [allocator.name for allocator in THEIRS]
    print("mm: records on; mm-off: records off.  Ratios are ours / theirs: below 1.00\n"
          "ours takes less time, or less memory.\n")
    print(f"{'ns (memory: bytes)':>47}{'mm / theirs':>38}{'mm-off / theirs':>38}")
    show(("workload", "of", "loop", "mm", "mm-off", *their_names, *their_names), widths)
    for key, row in [*figures.time.items(), *figures.memory.items()]:
        loop = f"{row['loop']:.1f}" if "loop" in row else ""
        ratios = [as_ratio(row[ours.name] / row[name])
                  for ours in OURS for name in their_names]
        own = [f"{row[ours.name]:.1f}" for ours in OURS]
        show((*key, loop, *own, *ratios), widths)


def show_curve(title, rows, names):
    """One row for each number of live objects; how much the last is of the first."""
    widths = (13,) + len(names) * (8,)
    print(f"\n{title}")
    show(("live", *names), widths)
    for live, row in rows.items():
        show((f"{live:,}", *(f"{row[name]:.1f}" for name in names)), widths)
    first, *_, last = rows.values()
    growth = [f"{last[name] / first[name]:.2f}" for name in names]
    show(("last / first", *growth), widths)


def show_curves(figures):
    print("\nThe curve: 64-byte objects, beside so many that are live")
    for work, words in CURVES.items():
        show_curve(f"{work}: {words}: ns a pair", figures.curve[work],
                   [allocator.name for allocator in ALL])
    show_curve("bytes of memory for each object", figures.bytes_beside,
               [allocator.name for allocator in [*OURS, *THEIRS]])


def rows_by_work(figures):
    """Each workload in a word, and its rows: {size or number of live objects: row}."""
    works = {}
    for (work, of), row in [*figures.time.items(), *figures.memory.items()]:
        works.setdefault(work, {})[str(of)] = row
    for work, rows in [*figures.curve.items(), ("bytes", figures.bytes_beside)]:
        works[f"{work} beside"] = {f"{live:,}": row for live, row in rows.items()}
    return works


def worse_than(figures, ours, other):
    """Where ours takes more than the other: (ratio, where), a workload each."""
    found = []
    for work, rows in rows_by_work(figures).items():
        worse = {of: row[ours] / row[other] for of, row in rows.items()
                 if row[ours] / row[other] >= SLOWER}
        if worse:
            where = "all" if len(worse) == len(rows) > 1 else " ".join(worse)
            found.append((max(worse.values()), f"{work} {where}"))
    return sorted(found, reverse=True)


def show_worse(figures):
    print(f"\nWhere ours takes {SLOWER} times as much or more, and (the worst of it):")
    for ours in OURS:
        for other in THEIRS:
            worse = worse_than(figures, ours.name, other.name)
            says = "; ".join(f"{where} ({ratio:.1f})" for ratio, where in worse)
            head = f"{ours.name} slower or larger than {other.name} at: "
            print(textwrap.fill(head + (says or "nothing"), 88, break_on_hyphens=False,
                                subsequent_indent="    "))


def main():
    effort = QUICK if "--quick" in sys.argv else FULL
    figures = measure(sys.argv[1], effort)
    show_ratios(figures)
    show_curves(figures)
    print(NOTES.format(turns=effort.turns, objects=effort.objects,
                       apart=100 * figures.apart).rstrip())
    print("\nWho they are")
    for allocator in [*OURS, *THEIRS]:
        print(f"  {allocator.name:<9}{figures.library[allocator.name]}")
    show_worse(figures)


if __name__ == "__main__":
    main()
