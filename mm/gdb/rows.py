"""rows.py - what was found, by kind and line of code: the rows of a listing of leaks."""
from .mark import KINDS


def count_by_site(marks, kinds, after):
    """[(kind, number, [bytes, objects, oldest, newest])], in the order of a listing."""
    live, counts = marks.live, {}
    for kind, site, serial, size in zip(marks.kinds, live.sites, live.serials,
                                        live.asked):
        if serial <= after or kind not in kinds:
            continue
        count = counts.get((kind, site))
        if count is None:
            counts[kind, site] = [size, 1, serial, serial]
            continue
        count[0] += size
        count[1] += 1
        if serial < count[2]:
            count[2] = serial
        if serial > count[3]:
            count[3] = serial
    # Most bytes first, the oldest first among equals: kernel/memory/sites.c.
    return [(kind, site, count) for (kind, site), count in
            sorted(counts.items(), key=lambda row: (-row[0][0], -row[1][0], row[1][2],
                                                    row[0][1]))]


def as_json(rows, sites):
    """With the keys of the shell's `leaks -j`."""
    for kind, n, (size, objects, oldest, newest) in rows:
        yield {"kind": KINDS[kind], "site": sites.place(n), "func": sites.function(n),
               "objects": objects, "bytes": size, "oldest": oldest, "newest": newest}
