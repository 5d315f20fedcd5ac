"""folded - live bytes by the calls that took them: flame graphs.

    kmalloc;cmd_kmalloc kernel/memory/cmd_alloc.c:77 100
    |       |                                        bytes asked for, and still live
    |       from the outermost call inwards, with the line of each
    the command that ran

One stack a line (Brendan Gregg's flamegraph.pl, and speedscope's importer of it).  Blanks
are part of a name, but the last; a semicolon in one would divide it.
"""
from life import Life, after

FILE = "live.folded"
OPENS = "speedscope {file}; flamegraph.pl --countname bytes {file} >live.svg"


def label(frame):
    return f"{frame.function} {frame.place()}".replace(";", ",")


def write(run, places, out):
    found = {}
    for thing in after(Life(run)).live.values():
        key = thing.task, thing.stack
        found[key] = found.get(key, 0) + thing.bytes
    rows = {}
    for (task, stack), count in found.items():
        row = ";".join([task, *map(label, reversed(places.frames(stack)))])
        rows[row] = rows.get(row, 0) + count
    out.write("".join(f"{row} {count}\n" for row, count in sorted(rows.items())).encode())
