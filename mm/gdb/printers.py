"""printers.py - the structs of mm in words.  print/r shows the fields as they are."""
import gdb
import gdb.printing

from . import target
from .heap import PAGE_SHIFT, unmarked
from .sites import Sites


def enum_name(value, name):
    try:
        return target.enum(name)[1].get(int(value), f"kind {int(value)}")
    except gdb.error:
        return str(int(value))


def pfn_of(value):
    """Number of a page struct; None: it is a copy, or not of the heap."""
    heap = target.variable("heap")
    if value.address is None:
        return None
    offset = int(value.address) - int(heap["buddy"]["page"])
    pfn, rest = divmod(offset, value.type.sizeof)
    return pfn if rest == 0 and 0 <= pfn < int(heap["buddy"]["npages"]) else None


def cache_label(number):
    caches = target.variable("caches")
    if not 0 <= number <= caches.type.range()[1]:
        return f"cache {number}"
    name = target.read_string(int(caches[number]["name"]))
    return name if name is not None else f"cache {number}"


def page_cache(page):
    """The number of the cache that a page struct names; -1: none."""
    number = target.cache_number(int(page["cache"]))
    return -1 if number is None else number


def page_number(value):
    n = int(value)
    return "none" if n == (1 << 8 * value.type.sizeof) - 1 else f"{n:#x}"


class Printer:
    """Words from a struct; what cannot be read must not stop GDB's print."""
    wants = set()

    def __init__(self, value):
        self.value = value

    def to_string(self):
        try:
            return self.words(self.value)
        except (gdb.error, target.Unreadable, OverflowError) as error:
            return f"<{error}>"


class PagePrinter(Printer):
    wants = {"kind", "order", "cache", "next"}

    def words(self, page):
        pfn = pfn_of(page)
        kind = enum_name(page["kind"], "page_kind")
        text = "page struct" if pfn is None else f"page {pfn:#x}"
        text += f": {kind}, order {int(page['order'])}"
        if kind == "PG_SLAB":
            text += f", {cache_label(page_cache(page))}, " \
                    f"map {int(page['map']):#x}, countdown {int(page['countdown'])}"
        if kind == "PG_USED" and int(page["run"]):
            text += f", a run of {int(page['run'])} pages"
        if kind == "PG_PART":
            text += f" of the run at page {int(page['run']):#x}"
        if kind in ("PG_FREE", "PG_SLAB"):
            text += f", next {page_number(page['next'])}" \
                    f", prev {page_number(page['prev'])}"
        if kind == "PG_KEPT":
            text += f", next {page_number(page['next'])}"
        return text


class RecordPrinter(Printer):
    wants = {"serial", "size", "site", "freed_by"}

    def words(self, record):
        if not int(record["serial"]):
            return "record: never handed out"
        sites = Sites()
        serial, size, taken, freed = unmarked(
            [int(record[name]) for name in ("serial", "size", "site", "freed_by")])
        text = f"serial {serial}: {size} bytes for {sites.function(taken)} " \
               f"({sites.place(taken)})"
        if freed:
            return f"{text}, freed by {sites.function(freed)} ({sites.place(freed)})"
        return f"{text}, live"


class CachePrinter(Printer):
    wants = {"slot_size", "allocs", "partial", "spare"}

    def words(self, cache):
        if not int(cache["name"]):
            return "no cache"
        live = int(cache["allocs"]) - int(cache["frees"]) & 0xffffffff
        return f"{target.read_string(int(cache['name']))}: {live} live of " \
               f"{int(cache['slot_size'])} bytes, {int(cache['slabs'])} slabs of " \
               f"{int(cache['slots'])} slots in {1 << int(cache['order'])} pages, " \
               f"{int(cache['allocs'])} allocs, {int(cache['frees'])} frees"


class BuddyPrinter(Printer):
    wants = {"page", "npages", "nfree", "free"}

    def words(self, buddy):
        low, high = buddy["free"].type.range()
        firsts = ", ".join(f"{order}: {page_number(buddy['free'][order])}"
                           for order in range(low, high + 1)
                           if page_number(buddy["free"][order]) != "none")
        return f"buddy: {int(buddy['nfree'])} of {int(buddy['npages'])} pages free, " \
               f"first blocks by order {{{firsts}}}"


class SitePrinter(Printer):
    wants = {"file", "func", "line", "address"}

    def words(self, site):
        if int(site["file"]):
            text = f"{target.read_string(int(site['file']))}:{int(site['line'])} " \
                   f"({target.read_string(int(site['func']))})"
        elif int(site["address"]):
            text = Sites().symbols.format(int(site["address"]))
        else:
            return "no call site"
        if int(site["objects"]):
            text += f", {int(site['objects'])} objects of {int(site['bytes'])} bytes"
        return text


class SlotPrinter(Printer):
    wants = {"cache", "slab", "index"}

    def words(self, slot):
        text = f"slot {int(slot['index'])} of {cache_label_of(slot['cache'])}"
        pfn = pfn_of(slot["slab"].dereference()) if int(slot["slab"]) else None
        if pfn is None:
            return text
        address = int(target.variable("heap")["base"]) + (pfn << PAGE_SHIFT) + \
            int(slot["index"]) * int(slot["cache"]["slot_size"])
        return f"{text}, at {address:#x}"


def cache_label_of(pointer):
    return target.read_string(int(pointer["name"])) or "a cache without a name"


def names_in(struct):
    """Of all fields, those of unions and structs without a name too."""
    names = set()
    for field in struct.fields():
        names |= {field.name} if field.name else names_in(field.type)
    return names


class Collection(gdb.printing.PrettyPrinter):
    """By name of the struct, and only if it has mm's fields: programs have theirs."""
    printers = {"page": PagePrinter, "record": RecordPrinter,
                "kmem_cache": CachePrinter, "buddy": BuddyPrinter,
                "alloc_site": SitePrinter, "slot": SlotPrinter}

    def __init__(self):
        super().__init__("marbles")

    def __call__(self, value):
        kind = value.type.strip_typedefs()
        printer = self.printers.get(kind.tag) \
            if kind.code == gdb.TYPE_CODE_STRUCT else None
        if printer is None or not printer.wants <= names_in(kind):
            return None
        return printer(value)


gdb.printing.register_pretty_printer(None, Collection(), replace=True)
