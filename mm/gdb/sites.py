"""sites.py - call sites in words.

A record names its site by number: entry number - 1 of the section alloc_sites.  A
call without a line is known by its return address, and that by the symbol around
it: from the table inside the kernel's image, else from GDB's own.
"""
import bisect

from . import target


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
        layout = target.Layout("table_entry", "kernel/symbols.c")
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
        return None if self.entries else target.function_around(address)

    def find_variable(self, address):
        """The same of a variable, for programs that have no table of their own."""
        found = self.find(address)
        return found if found or self.entries else target.variable_around(address)

    def format(self, address):
        found = self.find(address)
        if found is None:
            return f"{address:#010x}"
        return f"{found[0]}+{address - found[1]:#x}/{found[2]:#x}"


MANY = 0xffff                   # mm/site.c


# Calls that write to all that they hand out.
CLEARING = {"kzalloc", "kcalloc", "kmem_cache_zalloc", "get_zeroed_page", "kstrdup",
            "kstrndup", "kmemdup"}


class Site:
    def __init__(self, sites, raw, base):
        self.symbols = sites.symbols
        fields = sites.layout.all(raw, base)
        self.line, self.return_address = fields["line"], fields["address"]
        self.file = target.read_string(fields["file"]) if fields["file"] else None
        self.func = target.read_string(fields["func"]) if fields["func"] else None
        self.call = target.read_string(self.return_address) \
            if self.file and self.return_address else None

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

    def lines(self):
        """(file, line) of all in the code, as numbers: another program has others."""
        return list(self.layout.unpacker("file", "line").iter_unpack(self.raw))

    def _many(self):
        """The one site of all those that have no number of their own: mm/site.c."""
        many, size = target.static_place("mm/site.c", "many")
        return Site(self, target.read(many, size, "site"), 0)

    def _stack(self, number):
        """A site with the calls that led to it: an entry of mm/watch/stack.c."""
        file = "mm/watch/stack.c"
        table = target.static_place(file, "stacks")
        entry = target.static_place(file, f"stacks[{number - 1}].site")
        if not entry or not table[0] <= entry[0] < table[0] + table[1]:
            return None
        raw = target.read(entry[0], self.layout.size, "stack")
        return Site(self, raw, 0) if self.layout.get(raw, "number") else None

    def place(self, number):
        site = self.get(number)
        return site.place() if site else "unknown"

    def clears(self, number):
        """As clears() of kernel/leaks/doubt.c."""
        site = self.get(number)
        return site is not None and site.call in CLEARING

    def function(self, number):
        site = self.get(number)
        return site.function() if site else "unknown"
