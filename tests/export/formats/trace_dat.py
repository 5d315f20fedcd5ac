"""trace - the events themselves, as Linux has them: trace-cmd, KernelShark.

trace.dat, version 6 (trace-cmd.dat.v6.5), as if recorded on a machine of 32 bits with one
CPU: descriptions of the events, symbols, and the ring buffer in pages.

    | time stamp, 8 | bytes used, 4 | event | event | ...            | 4,096 in all
                                      length and time since the last; fields

Fields are those of include/trace/events/kmem.h, and behind them serial, which is ours;
krealloc and mm_alloc_failed are ours, too.  A process is a command, by its number.  Times
are ticks of the kernel, and within one a nanosecond for each event before (events.py).
"""
import struct
from pathlib import Path

FILE = "trace.dat"
OPENS = "trace-cmd report -i {file}; trace-cmd mem -i {file}; kernelshark {file}"

PAGE, HEAD = 4096, 12
DELTA_BITS, TIME_EXTEND = 27, 30
IRQS_OFF, HARD_IRQ = 0x01, 0x08         # trace_flag_type of Linux
CPUS = 1

HEADER_PAGE = """\
\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;
\tfield: local_t commit;\toffset:8;\tsize:4;\tsigned:1;
\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;
\tfield: char data;\toffset:12;\tsize:4084;\tsigned:1;
"""
HEADER_EVENT = """\
# compressed entry header
\ttype_len    :    5 bits
\ttime_delta  :   27 bits
\tarray       :   32 bits

\tpadding     : type == 29
\ttime_extend : type == 30
\ttime_stamp : type == 31
\tdata max type_len  == 28
"""
COMMON = [("unsigned short", "common_type", "H"), ("unsigned char", "common_flags", "B"),
          ("unsigned char", "common_preempt_count", "B"), ("int", "common_pid", "i")]

SITE = ("unsigned long", "call_site", "I")
PTR = ("const void *", "ptr", "I")
AMOUNTS = [("size_t", "bytes_req", "I"), ("size_t", "bytes_alloc", "I"),
           ("unsigned long", "gfp_flags", "I")]
NAME = ("char", "name[20]", "20s")
PAGES = [("unsigned long", "pfn", "I"), ("unsigned int", "order", "I")]
SERIAL = ("unsigned int", "serial", "I")

CALL = '"call_site=%pS ptr=%p{}", (void *)REC->call_site, REC->ptr{}'
ASKED = " bytes_req=%zu bytes_alloc=%zu gfp_flags=%s serial=%u"
ASKED_OF = ", REC->bytes_req, REC->bytes_alloc, {gfp}, REC->serial"
KMALLOC = ([SITE, PTR, *AMOUNTS, SERIAL], CALL.format(ASKED, ASKED_OF))
FORMATS = {
    "kmalloc": KMALLOC,
    "krealloc": KMALLOC,
    "kfree": ([SITE, PTR, SERIAL], CALL.format(" serial=%u", ", REC->serial")),
    "kmem_cache_alloc": ([SITE, PTR, *AMOUNTS, NAME, SERIAL],
                         CALL.format(" name=%s" + ASKED, ", REC->name" + ASKED_OF)),
    "kmem_cache_free": ([SITE, PTR, NAME, SERIAL],
                        CALL.format(" name=%s serial=%u", ", REC->name, REC->serial")),
    "mm_page_alloc": ([*PAGES, AMOUNTS[2], ("int", "migratetype", "i"), SERIAL],
                      '"pfn=0x%lx order=%d migratetype=%d gfp_flags=%s serial=%u", REC->pfn, '
                      'REC->order, REC->migratetype, {gfp}, REC->serial'),
    "mm_page_free": ([*PAGES, SERIAL], '"pfn=0x%lx order=%d serial=%u", REC->pfn, '
                                       'REC->order, REC->serial'),
    "mm_alloc_failed": ([SITE, AMOUNTS[0], AMOUNTS[2]],
                        '"call_site=%pS bytes_req=%zu gfp_flags=%s", '
                        '(void *)REC->call_site, REC->bytes_req, {gfp}'),
}


# ---- descriptions ----------------------------------------------------------------------

def gfp_text(flags):
    """How Linux prints flags by their names."""
    names = ", ".join(f'{{ {value:#x}, "{name}" }}' for value, name in flags)
    return f'(REC->gfp_flags) ? __print_flags(REC->gfp_flags, "|", {names}) : "GFP_NOWAIT"'


def field(offset, kind, name, code):
    size, signed = struct.calcsize("<" + code), int(code == "i" or code == "20s")
    return f"\tfield:{kind} {name};\toffset:{offset};\tsize:{size};\tsigned:{signed};\n"


def description(number, name, flags):
    fields, text = FORMATS[name]
    lines, offset = [], 0
    for one in COMMON + fields:
        lines.append(field(offset, *one))
        offset += struct.calcsize("<" + one[2])
    lines.insert(len(COMMON), "\n")
    return (f"name: {name}\nID: {number}\nformat:\n{''.join(lines)}\n"
            f"print fmt: {text.replace('{gfp}', gfp_text(flags))}\n")


# ---- the ring buffer -------------------------------------------------------------------

def order(event):
    pages = -(-(event.bytes_alloc or event.bytes_req) // PAGE)
    return max(pages - 1, 0).bit_length()


def values(event):
    """Field -> value."""
    calls, _ = event.stack
    return {"call_site": calls[0] if calls else 0, "ptr": event.ptr,
            "bytes_req": event.bytes_req, "bytes_alloc": event.bytes_alloc,
            "gfp_flags": event.gfp, "name[20]": event.cache.encode("latin-1"),
            "pfn": event.ptr // PAGE, "order": order(event), "migratetype": 0,
            "serial": event.serial}


class Packer:
    """Events as the bytes that FORMATS describes."""

    def __init__(self, kinds):
        self.numbers = {kind: number for number, kind in enumerate(kinds, 1)}
        self.packings = {kind: struct.Struct("<" + "".join(
            code for _, _, code in COMMON + FORMATS[kind][0])) for kind in kinds}

    def pack(self, event):
        value = values(event)
        flags = event.irqs_off * IRQS_OFF | event.in_interrupt * HARD_IRQ
        return self.packings[event.kind].pack(
            self.numbers[event.kind], flags, 0, event.command,
            *(value[name] for _, name, _ in FORMATS[event.kind][0]))


def entry(delta, body):
    """An event behind its head, and before it what of the time does not fit in there."""
    late = b""
    if delta >> DELTA_BITS:
        late = struct.pack("<II", TIME_EXTEND | delta % 2 ** DELTA_BITS << 5,
                           delta >> DELTA_BITS)
        delta = 0
    return late + struct.pack("<I", len(body) // 4 | delta << 5) + body


def page(first, data):
    return struct.pack("<QI", first, len(data)) + data.ljust(PAGE - HEAD, b"\0")


def pages(run, packer):
    data, first, last = b"", 0, 0
    for time, event in run.times():
        body = packer.pack(event)
        more = entry(time - last, body)
        if not data or len(data) + len(more) > PAGE - HEAD:
            if data:
                yield page(first, data)
            data, first, more = b"", time, entry(0, body)
        data += more
        last = time
    if data:
        yield page(first, data)


# ---- the file --------------------------------------------------------------------------

def counted(data, code="<Q"):
    return struct.pack(code, len(data)) + data


def symbols(places):
    """As /proc/kallsyms has them."""
    rows = (line.split() for line in
            Path(places.elf).with_name("symbols.list").read_text().splitlines())
    return "".join(f"{start:0>8} {kind} {name}\n" for start, _, kind, name in rows)


def head(run, places):
    kinds = run.layout["kinds"]
    tasks = sorted({(event.command, event.task) for event in run})
    return b"".join((
        b"\x17\x08\x44tracing6\0", bytes([0, 4]), struct.pack("<I", PAGE),
        b"header_page\0", counted(HEADER_PAGE.encode()),
        b"header_event\0", counted(HEADER_EVENT.encode()),
        struct.pack("<I", 0),                   # events of ftrace itself: none
        struct.pack("<I", 1), b"kmem\0", struct.pack("<I", len(kinds)),
        *(counted(description(number, kind, run.layout["gfp"]).encode())
          for number, kind in enumerate(kinds, 1)),
        counted(symbols(places).encode(), "<I"),
        struct.pack("<I", 0),                   # formats of trace_printk: none
        counted("".join(f"{number} {task}\n" for number, task in tasks).encode()),
        struct.pack("<I", CPUS), b"options  \0", struct.pack("<H", 0), b"flyrecord\0"))


def write(run, places, out):
    begin = head(run, places)
    at = -(-(len(begin) + 16 * CPUS) // PAGE) * PAGE
    out.write(b"\0" * at)
    size = sum(out.write(one) for one in pages(run, Packer(run.layout["kinds"])))
    out.seek(0)
    out.write(begin + struct.pack("<QQ", at, size))
