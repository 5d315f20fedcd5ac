"""sites.py - call sites in words, and what is live by site: marbles leaks.

A record names its site by number: entry number - 1 of the section alloc_sites.  A
call without a line is known by its return address, and that by the symbol around
it: from the table inside the kernel's image, else from GDB's own.
"""
import bisect
import json

import gdb

from . import target
from .heap import Heap
from .memory import say_what_is_wrong
from .target import Command, number, write


class Symbols:
    """Names for addresses, as kernel/symbols.c gives them."""

    def __init__(self):
        self.entries = None

    def _read(self):
        """Only when a name is needed: GDB searches long for what is not there."""
        self.starts, self.entries = [], []
        start = target.address_of_label("symbol_table")
        end = target.address_of_label("symbol_table_end")
        if start is None or end is None or not 0 <= end - start < 1 << 24:
            return
        layout = target.Layout("table_entry")
        fields = layout.unpacker("start", "size", "name")
        raw = target.read(start, (end - start) // layout.size * layout.size, "symbols")
        self.entries = list(fields.iter_unpack(raw))
        self.starts = [entry[0] for entry in self.entries]

    def find(self, address):
        """(name, start, size), or None."""
        if self.entries is None:
            self._read()
        at = bisect.bisect(self.starts, address) - 1
        if at >= 0 and address - self.entries[at][0] < self.entries[at][1]:
            start, size, name = self.entries[at]
            return target.read_string(name), start, size
        return None if self.entries else self._find_in_gdb(address)

    def _find_in_gdb(self, address):
        try:
            block = gdb.block_for_pc(address)
        except RuntimeError:
            return None
        while block is not None and block.function is None:
            block = block.superblock
        if block is None:
            return None
        return block.function.linkage_name, block.start, block.end - block.start

    def format(self, address):
        found = self.find(address)
        if found is None:
            return f"{address:#010x}"
        return f"{found[0]}+{address - found[1]:#x}/{found[2]:#x}"


MANY = 0xffff                   # mm/site.c


class Site:
    def __init__(self, sites, raw, base):
        self.symbols = sites.symbols
        fields = sites.layout.all(raw, base)
        self.line, self.return_address = fields["line"], fields["address"]
        self.file = target.read_string(fields["file"]) if fields["file"] else None
        self.func = target.read_string(fields["func"]) if fields["func"] else None

    def place(self):
        """As site_place of kernel/memory/sites.c."""
        if self.file is None:
            return self.symbols.format(self.return_address)
        return f"{self.file}:{self.line}"

    def function(self):
        if self.func is not None:
            return self.func
        found = self.symbols.find(self.return_address)
        return found[0] if found else "unknown"


class Sites:
    def __init__(self):
        self.layout = target.Layout("alloc_site")
        self.start = target.address_of_label("__start_alloc_sites") or 0
        end = target.address_of_label("__stop_alloc_sites") or 0
        self.count = max(0, end - self.start) // self.layout.size
        self.symbols = Symbols()
        self.raw = target.read(self.start, self.count * self.layout.size, "call sites")
        self.known = {}

    def get(self, number):
        """Site number 1, 2 ...; None: nobody, or there is no such site."""
        if number >= MANY and self.count >= MANY:
            return self._many() if number == MANY else None
        if number > self.count:
            return self._stack(number - self.count)
        if number <= 0:
            return None
        if number not in self.known:
            self.known[number] = Site(self, self.raw, (number - 1) * self.layout.size)
        return self.known[number]

    def _many(self):
        """The one site of all those that have no number of their own: mm/site.c."""
        many = gdb.parse_and_eval("&'mm/site.c'::many")
        return Site(self, target.read(int(many), self.layout.size, "site"), 0)

    def _stack(self, number):
        """A site with the calls that led to it: an entry of mm/watch/stack.c."""
        try:
            entry = gdb.parse_and_eval(f"&'mm/watch/stack.c'::stacks[{number - 1}].site")
        except gdb.error:
            return None
        if not 0 < number <= entry.dereference().type.sizeof << 20:
            return None
        raw = target.read(int(entry), self.layout.size, "stack")
        return Site(self, raw, 0) if self.layout.get(raw, "number") else None

    def place(self, number):
        site = self.get(number)
        return site.place() if site else "unknown"

    def function(self, number):
        site = self.get(number)
        return site.function() if site else "unknown"


def count_by_site(heap, after):
    """number: [bytes, objects, oldest, newest], as mm_count_sites."""
    counts = {}
    for record, _, _ in heap.live():
        serial, size, site, _ = record or (0, 0, 0, 0)
        if not site or not serial or serial <= after:
            continue
        count = counts.get(site)
        if count is None:
            counts[site] = [size, 1, serial, serial]
            continue
        count[0] += size
        count[1] += 1
        if serial < count[2]:
            count[2] = serial
        if serial > count[3]:
            count[3] = serial
    return counts


class Leaks(Command):
    """What is live, by the line that took it: marbles leaks [since SERIAL] [-j]."""
    name = "leaks"
    usage = "[since SERIAL] [-j]"
    most = 2

    def run(self, words, as_json):
        since = 0
        if words:
            if len(words) != 2 or words[0] != "since":
                raise gdb.GdbError(f"usage: marbles leaks {self.usage}")
            since = number(words[1], "SERIAL")
        heap = Heap()
        if not heap.recorded:
            raise gdb.GdbError("nothing is recorded: " + (
                "the kernel runs with kmemleak=off" if heap.npages
                else "there is no heap yet"))
        sites = Sites()
        counts = count_by_site(heap, since)
        # Most bytes first, the oldest first among equals: kernel/memory/sites.c.
        ranked = sorted(counts.items(), key=lambda row: (-row[1][0], row[1][2], row[0]))
        lost = target.static("mm/site.c", "lost") or 0
        if as_json:
            print_json(sites, ranked, since, lost)
        else:
            print_text(sites, ranked, since, lost)
        for n in counts:
            if sites.get(n) is None:
                heap.say("M4: a record names a call site that does not exist",
                         f"records name site {n} of {sites.count} and the stacks")
        say_what_is_wrong(heap, None, as_json)


def print_json(sites, ranked, since, lost):
    for n, (size, objects, oldest, newest) in ranked:
        write(json.dumps({"kind": "live", "site": sites.place(n),
                          "func": sites.function(n), "objects": objects, "bytes": size,
                          "oldest": oldest, "newest": newest}))
    write(json.dumps({"summary": True, "sites": len(ranked),
                      "objects": sum(row[1][1] for row in ranked),
                      "bytes": sum(row[1][0] for row in ranked),
                      "since": since, "lost_calls": lost}))


def print_text(sites, ranked, since, lost):
    if ranked:
        write("    bytes objects  oldest  newest  taken by")
    for n, (size, objects, oldest, newest) in ranked:
        write(f"{size:9} {objects:7} {oldest:7} {newest:7}  {sites.place(n)} "
              f"func:{sites.function(n)}")
    after = f", of what was taken after serial {since}" if since else ""
    if ranked:
        write(f"{sum(row[1][0] for row in ranked):9} "
              f"{sum(row[1][1] for row in ranked):7} in all, from {len(ranked)} "
              f"site{'' if len(ranked) == 1 else 's'}{after}")
    else:
        write(f"nothing is live{after}")
    if lost:
        write(f"{lost} call{'' if lost == 1 else 's'} found the table of sites full: "
              "they share one")


Leaks()
