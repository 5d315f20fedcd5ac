"""What is taken, given back, leaked or wrongly freed is accounted for to the object."""
import re

import pytest
from marbles import site, symbol

KMALLOC = site("kernel/memory/cmd_alloc.c", r"= kmalloc\(")
PAGES = site("kernel/memory/cmd_alloc.c", r"= alloc_pages\(")
KFREE = site("kernel/memory/cmd_alloc.c", r"^ +kfree\(\(void")
FREE_PAGES = site("kernel/memory/cmd_alloc.c", r"^ +free_pages\(address")


@pytest.fixture
def fresh(boot):
    return boot()


# ---- conservation ---------------------------------------------------------------

def test_total_is_free_plus_used_after_each_step(fresh):
    first = fresh.meminfo()         # meminfo() proves the sums each time
    total = first["total_kb"]
    for step in ("kmalloc 0", "kmalloc 1", "kmalloc 100 30", "pages 0", "kfree $2",
                 "kmalloc 8192", "kmalloc 8193", "kmalloc 1M", "pages 10", "pages 3",
                 "kfree $5", "pages free $33", "pages free $37", "kfree $35",
                 "forget $34", "stress 2000", "kfree $3; kfree $4; kfree $6"):
        fresh.run(step)
        assert fresh.meminfo()["total_kb"] == total, step
        fresh.is_whole()


def test_the_numbers_are_exact_to_the_object(fresh):
    before = fresh.meminfo()
    fresh.run("kmalloc 100 3; kmalloc 8193; pages 2; kfree $1")
    after = fresh.meminfo()
    change = {key: after[key] - before[key] for key in after if after[key] != before[key]}
    assert change == {
        "kmallocs": 4, "kfrees": 1, "live_objects": 3, "live_bytes": 200 + 8193,
        "pages_allocated": 4, "live_pages": 4, "pages_kb": 16, "large_kb": 16,
        "slab_kb": 4, "unreclaimable_kb": 4, "last_serial": 5,
        "used_kb": 36, "free_kb": -36, "available_kb": -36}


def test_freeing_all_brings_back_every_block(fresh):
    blocks = fresh.run("buddyinfo")
    slabs = fresh.json("slabinfo -j")
    fresh.run("kmalloc 100 200; kmalloc 2000 20; pages 0; pages 5; kmalloc 100000")
    assert fresh.run("buddyinfo") != blocks
    fresh.run("; ".join(f"kfree ${n}" for n in range(1, 9)))
    for first in range(9, 221, 24):
        fresh.run("kfree " + " ".join(f"${n}" for n in range(first, min(first + 24, 221))))
    fresh.run("pages free $221; pages free $222; kfree $223")
    assert fresh.run("buddyinfo") == blocks
    now = fresh.json("slabinfo -j")
    assert [c["num_slabs"] for c in now] == [c["num_slabs"] for c in slabs]
    m = fresh.meminfo()
    assert m["live_objects"] == m["live_bytes"] == m["live_pages"] == 0
    fresh.is_whole()


def test_slabinfo_counts_live_objects_as_meminfo_does(fresh):
    fresh.run("kmalloc 8 7; kmalloc 100 40; kmalloc 5000 3; kfree $9 $10")
    caches = fresh.json("slabinfo -j")
    assert sum(c["active_objs"] for c in caches) == \
        fresh.meminfo()["live_objects"] == 48
    assert sum(c["num_slabs"] * c["pagesperslab"] * 4 for c in caches) == \
        fresh.meminfo()["slab_kb"]
    for c in caches:
        assert c["active_objs"] == c["allocs"] - c["frees"]
        assert c["num_slabs"] == c["full"] + c["partial"] + c["empty"]
        assert c["num_objs"] == c["num_slabs"] * c["objperslab"]


def test_buddyinfo_counts_the_free_pages(fresh):
    fresh.run("kmalloc 100; pages 4; pages 0")
    (row,) = fresh.json("buddyinfo -j")
    assert len(row["free_blocks"]) == 11
    assert sum(n << order for order, n in enumerate(row["free_blocks"])) * 4 == \
        row["free_kb"] == fresh.meminfo()["free_kb"]


def test_running_out_is_NULL_counted_and_says_who_has_it(boot):
    machine = boot(memory="4M")
    lines = machine.run("kmalloc 64K 100", bug="out of memory")
    taken = int(re.search(r"= NULL, after (\d+) of 100$", lines[-1])[1])
    failure = lines.index("kmalloc: page allocation failure: order:4, mode:GFP_KERNEL")
    assert lines[failure + 1] == f"  kmalloc(65536 bytes) by cmd_kmalloc ({KMALLOC})"
    blocks = machine.json("buddyinfo -j")[0]["free_blocks"]
    m = machine.meminfo()
    assert lines[failure + 2] == "  free: " + " ".join(
        f"{n}*{4 << order}kB" for order, n in enumerate(blocks)) + f" = {m['free_kb']}kB"
    assert lines[failure + 3] == f"  {64 * taken} kB in {taken} live objects, " \
        f"taken by cmd_kmalloc ({KMALLOC})"
    assert (m["failed"], m["live_objects"]) == (1, taken)
    machine.is_whole()
    machine.run("kfree $1")
    machine.run("kmalloc 64K")              # and what came back can be had again
    machine.is_whole()


def test_who_has_most_is_told_with_its_growth_since_the_mark(boot):
    machine = boot(memory="4M")
    machine.run("kmalloc 100 3; pages 2; pages 1; leaks mark; kfree $1; kmalloc 200 2")
    lines = machine.run("kmalloc 64K 100", bug="out of memory")
    taken = int(re.search(r"= NULL, after (\d+) of 100$", lines[-1])[1])
    first = next(n for n, line in enumerate(lines) if line.startswith("  free: ")) + 1
    assert lines[first:first + 2] == [
        f"  {64 * taken} kB in {taken + 4} live objects, taken by cmd_kmalloc ({KMALLOC}), "
        f"{64 * taken} kB since the mark",
        f"  24 kB in 2 live objects, taken by take_pages ({PAGES}), 0 bytes since the mark"]


def test_what_is_free_but_not_side_by_side_is_told(boot):
    machine = boot(memory="8M")
    lines = machine.run("pages 10", bug="out of memory")
    assert any(re.fullmatch(r"  \d+ pages are free \(\d+ kB\), but not 1024 side by side",
                            line) for line in lines)


def test_oom_panic_stops_the_kernel(boot):
    machine = boot(memory="4M", cmdline="oom=panic")
    machine.run("kmalloc 64K; kfree $; params failslab=1,100,0,1; kmalloc 10",
                bug="on purpose")           # which is no want of memory
    machine.send("kmalloc 64K 100\r")
    lines = machine.until_stopped()
    assert "panic: out of memory, and oom=panic is set" in lines
    assert any(line.startswith("kmalloc: page allocation failure: ") for line in lines)


# ---- leaks ----------------------------------------------------------------------

def test_leaks_are_exact_by_site(fresh):
    fresh.run("kmalloc 100; kmalloc 100; pages 1; kmalloc 30; kfree $4")
    rows, summary = fresh.leaks()
    assert rows == {
        PAGES: {"kind": "reachable", "site": PAGES, "func": "take_pages", "objects": 1,
                "bytes": 8192, "oldest": 3, "newest": 3},
        KMALLOC: {"kind": "reachable", "site": KMALLOC, "func": "cmd_kmalloc", "objects": 2,
                  "bytes": 200, "oldest": 1, "newest": 2}}
    assert summary["summary"] is True
    assert (summary["sites"], summary["objects"], summary["bytes"]) == (2, 3, 8392)


def test_leaks_and_allocinfo_and_meminfo_agree(fresh):
    fresh.run("kmalloc 10 50; kmalloc 9000 2; pages 2; kfree $7 $51")
    rows, summary = fresh.leaks()
    tags = {row["site"]: row for row in fresh.json("allocinfo -j")}
    assert {name: (row["bytes"], row["objects"]) for name, row in rows.items()} == \
        {name: (tag["bytes"], tag["calls"]) for name, tag in tags.items()}
    m = fresh.meminfo()
    assert rows[KMALLOC]["objects"] == m["live_objects"] == 50
    assert rows[KMALLOC]["bytes"] == m["live_bytes"]
    assert rows[PAGES]["bytes"] == m["live_pages"] * 4096


@pytest.mark.parametrize("dials", ["slub_debug=U", "page_owner=on",
                                   "slub_debug=U page_owner=on"])
def test_allocinfo_adds_up_to_what_leaks_does_with_stacks_recorded_too(boot, dials):
    machine = boot(cmdline=dials)
    machine.run("kmalloc 10 50; kmalloc 9000 2; pages 2; kfree $7 $51")
    rows, summary = machine.leaks()
    tags = machine.json("allocinfo -j")
    assert sum(tag["bytes"] for tag in tags) == summary["bytes"] == 490 + 9000 + 16384
    assert sum(tag["calls"] for tag in tags) == summary["objects"] == 51


def test_meminfo_and_check_count_what_was_reported(boot):
    machine = boot()
    assert machine.meminfo()["reports"] == machine.json("check -j")[0]["reports"] == 0
    machine.run("kmalloc 100; kfree $1")
    machine.run("kfree $1", bug="double free")
    machine.run("params slub_debug=ZP; kmalloc 50; poke $2+50")
    machine.run("check", bug="Right Redzone overwritten")
    assert machine.meminfo()["reports"] == machine.json("check -j")[0]["reports"] == 2


def test_a_free_of_what_was_never_an_object_names_what_is_there(boot):
    machine = boot()
    _, address = machine.take("kmalloc 100")
    machine.run(f"kfree {address + 4090:#x}", bug="interior pointer")
    tables = symbol(machine.elf, "image_end") + 0x3fff & ~0xfff
    books = tables + (machine.meminfo()["page_tables_kb"] << 10)
    machine.run(f"kfree {books + 8:#x}", bug="book-keeping of mm, not an object")
    machine.run("kfree 0x6b6b6b6b", bug="not heap memory")


def test_nothing_is_live_where_nothing_was_taken(fresh):
    rows, summary = fresh.leaks()
    assert rows == {} and summary.items() >= {
        "summary": True, "sites": 0, "objects": 0, "bytes": 0, "since": 0, "lost_calls": 0,
        "definite": 0, "indirect": 0, "possible": 0, "reachable": 0}.items()
    assert fresh.run("leaks")[0] == "nothing is live"


def test_leaks_since_shows_only_what_came_after_the_mark_and_is_still_there(fresh):
    fresh.run("kmalloc 100 5")
    assert fresh.json("leaks mark -j") == [{"mark": 5}]
    fresh.run("kmalloc 100 3; kmalloc 20; kfree $7; kfree $1")
    rows, summary = fresh.leaks("leaks since -j")
    assert list(rows) == [KMALLOC] and summary["since"] == 5
    assert (rows[KMALLOC]["objects"], rows[KMALLOC]["bytes"]) == (3, 220)
    assert (rows[KMALLOC]["oldest"], rows[KMALLOC]["newest"]) == (6, 9)
    fresh.run("kfree $6 $8 $9")
    assert fresh.leaks("leaks since -j")[1]["objects"] == 0
    assert fresh.leaks()[1]["objects"] == 4
    fresh.run("leaks mark")
    assert fresh.leaks("leaks since -j")[1]["objects"] == 0


def test_what_is_forgotten_is_still_live(fresh):
    fresh.run("leaks mark")
    fresh.run("kmalloc 100; kmalloc 200")
    assert "still live" in fresh.run("forget $1")[0]
    assert fresh.run("kfree $1") == ['kfree: pointer: the shell holds nothing as "$1"']
    fresh.run("kfree $2")
    rows, _ = fresh.leaks("leaks since -j")
    assert (rows[KMALLOC]["objects"], rows[KMALLOC]["bytes"]) == (1, 100)
    fresh.run("kmalloc 64; forget all")
    assert fresh.leaks()[1]["objects"] == 2


def test_serials_are_one_for_each_allocation_of_any_kind(fresh):
    fresh.run("kmalloc 8; pages 0; kmalloc 9000; kmalloc 0; kmalloc 8; kfree $1")
    assert [fresh.json(f"whatis ${n} -j")[0].get("serial") for n in (1, 2, 3, 5)] == \
        [1, 2, 3, 4]


# ---- wrong frees ----------------------------------------------------------------

# Each: what goes before, the wrong free, its name, what the report must also say.
WRONG_FREES = {
    "double": ("kmalloc 100 2; kfree $1", "kfree $1", "double free",
               [f"by cmd_kfree ({KFREE})", "a free slot", "last taken for 100 bytes by "
                f"cmd_kmalloc ({KMALLOC}), serial 1", f"freed by cmd_kfree ({KFREE})"]),
    "double, after the slab went back": (
        "kmalloc 8192 4; kfree $1 $2 $3 $4", "kfree $1", "double free",
        ["a free block of pages"]),
    "double, large": ("kmalloc 1M; kfree $1", "kfree $1", "double free",
                      [f"cmd_kmalloc ({KMALLOC})", f"freed by cmd_kfree ({KFREE})"]),
    "double, pages": ("pages 2; pages free $1", "pages free $1 2", "double free",
                      [f"take_pages ({PAGES})", FREE_PAGES]),
    "interior": ("kmalloc 100", "kfree {1+8}", "interior pointer",
                 ["byte 8 of a live object", "cache kmalloc-128", "serial 1"]),
    "interior, large": ("kmalloc 1M", "kfree {1+4096}", "interior pointer",
                        ["byte 4096 of a live kmalloc"]),
    "interior, pages": ("pages 2", "pages free {1+4096} 0", "interior pointer",
                        ["byte 4096 of a live block"]),
    "one byte before": ("kmalloc 8 3", "kfree {2-1}", "interior pointer",
                        ["byte 7 of a live object"]),
    "never handed out, slot": ("kmalloc 100 2", "kfree {2+128}", "not allocated",
                               ["no record that it was ever handed out"]),
    "never handed out, page": ("kmalloc 100", "kfree 0x3000000", "not allocated",
                               ["a free block of pages"]),
    "code": ("", "kfree {kernel_main}", "not heap memory",
             ["kernel code", "kernel_main"]),
    "static data": ("", "kfree {caches}", "not heap memory", ["caches"]),
    "constants": ("", "kfree {rodata_start}", "not heap memory", ["constants"]),
    "stack": ("", "kfree {boot_stack+16000}", "not heap memory", ["stack"]),
    "page 0": ("", "kfree 0x40", "not heap memory", ["page 0"]),
    "first MiB": ("", "kfree 0x80000", "not heap memory", []),
    "wild": ("", "kfree 0xdeadbeef", "not heap memory", ["0xdeadbeef"]),
    "last byte of all": ("", "kfree 0xffffffff", "not heap memory", []),
    "page to kfree": ("pages 0", "kfree $1", "pages passed to kfree",
                      [f"take_pages ({PAGES})"]),
    "object to free_pages": ("kmalloc 4096", "pages free $1 0",
                             "object passed to free_pages", ["cache kmalloc-4k"]),
    "large to free_pages": ("kmalloc 16384", "pages free $1 2",
                            "object passed to free_pages", ["a live kmalloc"]),
    "order too small": ("pages 3", "pages free $1 2", "wrong order", ["order 2", "order 3"]),
    "order too large": ("pages 3", "pages free $1 4", "wrong order", ["order 4", "order 3"]),
    "order beyond all": ("pages 3", "pages free $1 11", "wrong order", ["order 11"]),
    "order 2^32 - 1": ("pages 3", "pages free $1 0xffffffff", "wrong order", []),
    "code to free_pages": ("", "pages free {text_start} 0", "not heap memory",
                           ["kernel code"]),
    "wild to free_pages": ("", "pages free 0xf0000000 0", "not heap memory",
                           ["0xf0000000"]),
    "unaligned to free_pages": ("pages 0", "pages free {1+12} 0", "interior pointer", []),
}


def resolve(machine, elf, command):
    """Put addresses for {1+8} ($1 plus 8) and {name+8} (of a symbol)."""
    def address(found):
        name, offset = found[1], int(found[2] or 0)
        if name.isdigit():
            base = int(machine.json(f"whatis ${name} -j")[0]["address"], 16)
        else:
            base = symbol(elf, name)
        return f"0x{base + offset:08x}"
    return re.sub(r"\{(\w+)([+-]\d+)?\}", address, command)


@pytest.mark.parametrize("case", WRONG_FREES)
def test_a_wrong_free_is_named_counted_and_refused(boot, elf, case):
    before, wrong, bug, also = WRONG_FREES[case]
    machine = boot()
    if before:
        machine.run(before)
    wrong = resolve(machine, elf, wrong)
    blocks, live, (_, sums) = machine.run("buddyinfo"), machine.meminfo(), machine.leaks()
    text = "\n".join(machine.run(wrong, bug=bug))
    for words in also:
        assert words in text, f"{wrong!r} does not say {words!r}:\n{text}"
    after = machine.meminfo()
    assert after.pop("bad_frees") == live.pop("bad_frees") + 1
    assert after.pop("reports") == live.pop("reports") + 1
    assert after == live, "a refused free changed something"
    assert machine.run("buddyinfo") == blocks and machine.leaks()[1] == sums
    machine.is_whole()
    machine.run("kmalloc 100")              # the kernel goes on
    machine.is_whole()


def test_after_a_wrong_free_the_right_one_still_works(fresh):
    fresh.run("kmalloc 100; pages 3")
    address = int(fresh.json("whatis $1 -j")[0]["address"], 16)
    fresh.run(f"kfree {address + 4}", bug="interior pointer")
    fresh.run("pages free $2 1", bug="wrong order")
    assert fresh.run("kfree $1") == [f"kfree(0x{address:08x}): given back"]
    assert fresh.run("pages free $2")[0].endswith(": given back")
    assert fresh.meminfo()["live_objects"] == fresh.meminfo()["live_pages"] == 0
    fresh.is_whole()


def test_each_wrong_free_is_reported_each_time(fresh):
    fresh.run("kmalloc 100; kfree $1")
    for _ in range(20):
        fresh.run("kfree $1", bug="double free")
    assert fresh.meminfo()["bad_frees"] == 20
    fresh.is_whole()


def test_freeing_nothing_is_no_wrong_free(fresh):
    fresh.run("kmalloc 0")
    assert fresh.run("kfree 0") == ["kfree(0x00000000): nothing to free"]
    assert fresh.run("kfree $1") == ["kfree(0x00000010): nothing to free"]
    fresh.run("pages free 0")
    assert fresh.meminfo()["bad_frees"] == 0


# ---- whatis ---------------------------------------------------------------------

def test_whatis_knows_every_kind_of_address(fresh, elf):
    fresh.run("kmalloc 100 2; kfree $2; kmalloc 20000; pages 2; kmalloc 5000; pages 0; "
              "pages free $6")
    at = {n: int(fresh.json(f"whatis ${n} -j")[0]["address"], 16) for n in (1, 2, 3, 4, 5)}

    def kind(address):
        (what,) = fresh.json(f"whatis 0x{address:x} -j")
        lines = fresh.run(f"whatis 0x{address:x}")
        assert 1 <= len(lines) <= 3 and lines[0].startswith(f"0x{address:08x}: ")
        return what["kind"], what, "\n".join(lines)

    name, what, _ = kind(at[1] + 5)
    assert name == "slab_live" and (what["cache"], what["offset"]) == ("kmalloc-128", 5)
    assert (what["taken_by"], what["serial"], what["asked"]) == (KMALLOC, 1, 100)
    name, what, _ = kind(at[2])
    assert name == "slab_free" and (what["taken_by"], what["freed_by"]) == (KMALLOC, KFREE)
    name, what, _ = kind(at[3] + 20000)
    assert name == "large" and (what["asked"], what["bytes"]) == (20000, 32768)
    name, what, _ = kind(at[4] + 16383)
    assert name == "used_pages" and (what["order"], what["offset"]) == (2, 16383)
    assert kind(at[1] | 0xfff)[0] == "slab_rest"
    assert kind(0x3000000)[0] == "free_pages"

    tables = symbol(elf, "image_end") + 0x3fff & ~0xfff
    assert kind(tables)[1]["region"] == "page tables"
    assert kind(tables + (fresh.meminfo()["page_tables_kb"] << 10))[0] == "meta"

    for address, words in {
            symbol(elf, "kernel_main") + 1: "kernel code: kernel_main+0x1/",
            symbol(elf, "caches"): "kernel data",
            symbol(elf, "mm_records"): "mm_records",
            symbol(elf, "boot_stack") + 100: "stack",
            symbol(elf, "boot_stack_guard"): "guard",
            symbol(elf, "rodata_start"): "constants",
            0: "page 0", 16: "page 0", 0xb8000: "", 0xf0000: "",
            0x3ffffff: "reserved", 0x10000000: "beyond RAM", 0xffffffff: ""}.items():
        name, _, text = kind(address)
        assert name in ("outside", "hole") and words in text, (hex(address), text)


def test_whatis_reads_nothing_and_changes_nothing(fresh):
    before = fresh.meminfo()
    for address in (0, 0xa0000, 0xfee00000, 0xffffffff):
        fresh.run(f"whatis {address}")
    assert fresh.meminfo() == before


def test_dump_stops_before_what_is_not_mapped(fresh):
    lines = fresh.run("dump 0x100000 2M")
    assert lines[-1].endswith("is not mapped (guard page below the stack of commands)")
    assert fresh.run("check") == ["mm_check: all rules hold"]


def test_dump_shows_what_is_there(fresh):
    (_, address) = fresh.take("kmalloc 32")
    lines = fresh.run("dump $1 32")
    assert [line.split()[0] for line in lines] == [f"0x{address:08x}",
                                                   f"0x{address + 16:08x}"]
    rows = fresh.json("dump 0x100000 12 -j")
    magic = (0x1badb002).to_bytes(4, "little").hex()
    assert len(rows) == 1 and rows[0]["hex"].startswith(magic)


def test_whatis_inside_what_was_freed_says_what_it_was(machine):
    name, p = machine.take("kmalloc 64")
    machine.run(f"kfree {name}")
    first, around, taken, freed = machine.run(f"whatis {name}+32")
    assert first.startswith(f"0x{p + 32:08x}: byte 32 of a free block of pages: ")
    assert around == f"  it was byte 32 of what lay at 0x{p:08x} before:"
    assert taken.startswith("  last taken for 64 bytes by cmd_kmalloc (")
    assert freed.startswith("  freed by cmd_kfree (")
