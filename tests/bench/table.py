#!/usr/bin/env python3
"""table.py - our bench beside those of others, in one table.

    table.py qemu-system-i386 -accel tcg ... -kernel marbles.elf

boots twice under -icount shift=0, with records and with kmemleak=off, runs `bench -j`,
and prints each row beside peers.txt; then once with each debugging dial, for what it
costs.  A ceiling that is not passed under is marked,
and counted in the last line; the status is 0 all the same, for figures are to be looked
at, and judged by whoever changed them.  1: a row failed or could not be had.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
EXEC = HERE.parent / "qemu/exec.py"
FREES = ("batch-free-fifo", "batch-free-lifo", "batch-free-random")

COLUMNS = ("workload", "of", "ours on", "99.9 %", "max", "off", "99.9 %", "max",
           "Linux A", "on/A", "off/A", "Linux B1", "MentOS", "lk", "ceiling")
WIDTHS = (22, 6, 8, 6, 6, 8, 6, 6, 8, 5, 5, 11, 9, 9, 0)

# Dial by dial, and what Linux takes with all of slub_debug's.
DIALS = ("", "slub_debug=F", "slub_debug=Z", "slub_debug=P", "slub_debug=U",
         "slub_debug=FZPU", "init_on_alloc=1", "init_on_free=1", "quarantine=64K",
         "debug_pagealloc=on", "page_owner=on")
DIAL_ROWS = (("kmalloc-pair", 64), ("kmalloc-pair", 1024), ("kmalloc-pair", 8192),
             ("page-pair", 0))
LINUX_FZPU = ("8100-9100", "19000", "80000", "")

NOTES = """
Mean of a workload's operations (99.9 % of them; the slowest), guest instructions, net of
the same loop without the calls; `memory`: pages.  `of`: bytes, or order of pages.  on, off:
records kept, and kmemleak=off.  on/A, off/A: ours by Linux A, below 1 is less than Linux.

What each does more, and less
  ours      each object has a serial number, its size, who took and who freed it (off: none
            of these); every pointer is proved before a free, in both.  One CPU, so no lock
            and no list for each CPU; mm says busy, so GFP_ATOMIC in a handler gets NULL
            while another call is under way.
  Linux A   lists of slabs and of pages for each CPU, zones, watermarks: safe in handlers
            and ready for many CPUs.  Records nothing; a double free corrupts in silence (so
            its documentation: not tried).  Touches each page of a large block, so order 10
            costs by the page; ours by the block.
  Linux B1  the same with kmemleak: a record of 93 bytes, call stacks and a tree for each
            object; page allocations are not recorded.
  MentOS    buddy and slab, one CPU; no records, no proof: a double free hands one address
            out again and again.  Powers of two come from the next class up.
  lk        dlmalloc over pages, so splits and joins for each object: the least waste, not
            the least work; no records.  A block of pages costs by the page.
"""


def measure(machine, parameters, names=("",)):
    """What bench NAME OF -j prints with these parameters: {(bench, of): row}."""
    commands = "; ".join(f"bench {name} -j" for name in names)
    done = subprocess.run(
        [sys.executable, EXEC, *machine, "-icount", "shift=0"], text=True,
        env={**os.environ, "MARBLES_CMDS": commands, "MARBLES_CMDLINE": parameters},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    if done.returncode != 0:
        sys.exit(f"bench: the kernel ended with {done.returncode}\n{done.stdout}")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    if any(row.get("counts", "instructions") != "instructions" for row in rows):
        sys.exit("bench: this QEMU does not count instructions")
    rows = [row for row in rows if "bench" in row]
    for row in rows:
        if "failed" in row:
            sys.exit(f"bench: {row['bench']} of {row['of']}: {row['failed']}; try MEM=64M")
    return {(row["bench"], row["of"]): row for row in rows}


def add_both(rows):
    """batch-both: kmalloc + kfree in the worst of the three orders of freeing."""
    for size in {of for name, of in rows if name == "batch-alloc"}:
        alloc = rows["batch-alloc", size]
        free = max((rows[name, size] for name in FREES), key=lambda row: row["mean"])
        rows["batch-both", size] = {"mean": alloc["mean"] + free["mean"],
                                    "p999": None, "max": None}


def read_peers():
    """(workload, of) -> linux-a, linux-b1, mentos, lk, ceiling-on, ceiling-off."""
    peers = {}
    for line in (HERE / "peers.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, of, *figures = line.split()
            peers[name, int(of)] = figures
    return peers


def peer(figure, objects_bytes):
    """A peer's figure as it is printed; pages from a ratio 1.64x."""
    if figure.endswith("x"):
        return f"~{float(figure[:-1]) * objects_bytes / 4096:.0f}"
    return figure.replace("..", "-")


def ours(row):
    """Mean, 99.9 percent, maximum; pages; nothing: without records there is no scan."""
    if row is None:
        return "", "", ""
    if "pages" in row:
        return str(row["pages"]), "", ""
    return (f"{row['mean']:.1f}",
            *("" if row[key] is None else str(row[key]) for key in ("p999", "max")))


def mean(row):
    return row.get("pages", row.get("mean")) if row else 0


class Verdict:
    """Ceilings that were met, and those that were not."""

    def __init__(self):
        self.passed = self.over = 0

    def of(self, ceiling, what, value):
        if ceiling == "-":
            return ""
        if value <= float(ceiling):
            self.passed += 1
            return f"{what} {ceiling} passed"
        self.over += 1
        return f"{what} {ceiling} OVER by {value - float(ceiling):.1f}"


def line(key, on, off, figures, verdict):
    linux_a, linux_b1, mentos, lk, ceiling_on, ceiling_off = figures
    bytes_asked = key[1] * 10000
    says = [verdict.of(ceiling_on, "on", mean(on)),
            verdict.of(ceiling_off, "off", mean(off))]
    ratios = ["" if linux_a == "-" else f"{mean(row) / float(linux_a):.2f}"
              for row in (on, off)]
    return (key[0], str(key[1]), *ours(on), *ours(off), linux_a, *ratios,
            *(peer(figure, bytes_asked) for figure in (linux_b1, mentos, lk)),
            ", ".join(filter(None, says)))


def show(cells):
    print("  ".join(cell.ljust(width) if number == 0 else cell.rjust(width)
                    for number, (cell, width) in enumerate(zip(cells, WIDTHS))).rstrip())


def show_dials(machine):
    print("What each dial costs: mean of a pair, records on")
    print("".join(f"{text:>20}" for text in ("",) + tuple(
        f"{name} {of}" for name, of in DIAL_ROWS)))
    for dial in DIALS:
        rows = measure(machine, dial, [f"{name} {of}" for name, of in DIAL_ROWS])
        print(f"{dial or 'none':20}" + "".join(f"{rows[key]['mean']:20.1f}"
                                              for key in DIAL_ROWS))
    print(f"{'Linux FZPU':20}" + "".join(f"{text:>20}" for text in LINUX_FZPU) + "\n")


def main():
    on, off = (measure(sys.argv[1:], p) for p in ("kmemleak=on", "kmemleak=off"))
    peers = read_peers()
    verdict = Verdict()
    add_both(on)
    add_both(off)
    show(COLUMNS)
    order = list(peers)
    for key in sorted(on, key=lambda key: order.index(to_peer(key))):
        show(line(key, on[key], off.get(key), peers[to_peer(key)], verdict))
    print(NOTES)
    show_dials(sys.argv[1:])
    print(f"ceilings: {verdict.passed} passed, {verdict.over} over (they are our own aims)")


def to_peer(key):
    """Where our key stands in peers.txt: there frees are one row for all orders."""
    name, of = key
    return ("batch-free", of) if name in FREES else key


if __name__ == "__main__":
    main()
