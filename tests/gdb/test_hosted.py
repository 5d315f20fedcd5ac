"""mm/gdb over hosted programs of 64 and 32 bits: what it says is what mm says."""
import json
import re

import pytest
from debugger import ROOT, gdb

COMPARE, GRAPH = ROOT / "tests/gdb/compare.py", ROOT / "tests/gdb/graph.py"
STOP = ("break heap_is_made", "run 1 1 >/dev/null")
COMMANDS = ("meminfo", "buddyinfo", "slabinfo", "heapmap", "heapmap leaks", "leaks",
            "owners", "tree", "check", "whatis heap.base", "refs heap.base", "why heap.base")


def test_80_random_heaps_are_what_the_program_says(heaps, tmp_path):
    said = gdb(f"python ARGUMENTS, SAID = '1 80', '{tmp_path}/said'",
               f"source {COMPARE}", program=heaps)
    assert "80 heaps are alike" in said, said


def test_300_random_graphs_are_sorted_as_a_model_sorts_them(graphs, tmp_path):
    said = gdb(f"python ARGUMENTS, SAID = '1 300', '{tmp_path}/said'",
               f"source {GRAPH}", program=graphs)
    assert "300 graphs are alike" in said, said


def test_300_graphs_of_which_things_were_said_are_sorted_as_mm_sorts_them(graphs, tmp_path):
    said = gdb(f"python ARGUMENTS, SAID = '1 300 said', '{tmp_path}/said'",
               f"source {GRAPH}", program=graphs)
    assert "300 graphs are alike" in said, said
    lines = (tmp_path / "said").read_text()
    for what in ("lost", '"seen_in": 0'):
        assert lines.count(what) > 300, what


def test_a_hundred_thousand_objects_take_no_patience(graphs):
    """CPU time, of one that may share it: 1 and 3 s are what is promised."""
    for edges in (1, 4):
        said = gdb("break heap_is_made", f"run large 100000 {edges}",
                   "python import time, marbles_mm.mark, marbles_mm.heap",
                   "python from marbles_mm.dominators import Dominators",
                   "marbles leaks -j", "python began = time.process_time()",
                   "python marks = marbles_mm.mark.look(marbles_mm.heap.Heap())",
                   "python marked = time.process_time()",
                   "python tree = Dominators(marks)",
                   "python print('took', marked - began, time.process_time() - marked)",
                   "python print('keeps', tree.of_roots())", program=graphs)
        assert "keeps [('roots', 100000, 6400000)]" in said, said
        mark, dominators = map(float, re.search(r"took (\S+) (\S+)", said).groups())
        assert mark < 2 and dominators < 6, said


def test_in_the_middle_of_a_scan_it_says_so(graphs):
    said = gdb("break mm_scan_end", "run 1 1 >/dev/null", "marbles leaks",
               "marbles tree -j", "marbles refs roots[0]", "marbles check", program=graphs)
    assert said.count("in the middle of its own scan for leaks") == 4, said


def test_there_is_an_answer_before_there_is_a_heap(heaps):
    said = gdb("break main", "run 1 1", "marbles meminfo -j", "marbles check -j",
               "marbles whatis 4096", "marbles leaks", program=heaps)
    assert '"total_kb": 0, ' in said and "mm_init has not run" in said, said
    assert "outside the heap" in said and "there is no heap yet" in said, said


# ---- what is broken is named, by the rule that mm_check names ---------------------

PAGE = "heap.buddy.page"
BREAKS = {
    "B1": f"set var {PAGE}[$free].order = 15",
    "B2": f"set var {PAGE}[$free].kind = 14",
    "B3 next to nowhere": f"set var {PAGE}[$free].next = 0x7fffffff",
    "B3 prev to nowhere": f"set var {PAGE}[$free].prev = 0x7fffffff",
    "B3 a circle": f"set var {PAGE}[$free].next = $free",
    "B3 a list's head": "set var heap.buddy.free[$order] = 0xffffffff",
    "B5": "set var heap.buddy.nfree = heap.buddy.nfree + 1",
    "B6": "set var heap.buddy.nonempty = heap.buddy.nonempty ^ 0x400",
    "B8 used": f"set var {PAGE}[$used].kind = PG_KEPT",
    "B8 nkept": "set var heap.buddy.nkept = heap.buddy.nkept + 1",
    "B8 head": "set var heap.buddy.kept = $free",
    "S1 cache": f"set var {PAGE}[$full].cache = 200",
    "S2 map": "set var {0}[$slab].map = {0}[$slab].map + 1".format(PAGE),
    "S3 levels": "set var caches[1].levels = caches[1].levels ^ 0x10",
    "S3 head": "set var caches[1].partial[3] = 1",
    "S3 countdown": f"set var {PAGE}[$full].countdown = 77",
    "S4 spare": "set var caches[1].spare = $free",
    "S5 group": "set var caches[1].group = caches[1].group + 8",
    "S5 slab": "set var caches[1].slab = 5",
    "S6 slabs": "set var caches[1].slabs = 99",
    "S6 frees": "set var caches[1].frees = caches[1].frees + 1",
    "S7": "set var caches[1].group_record[0].site = 0",
    "M1": "set var heap.total_pages = 5",
    "M2": "set var heap.pages_freed = heap.pages_freed + 1",
    "M3": "set var heap.serial = 3",
    "M5": "set var heap.record[$used].freed_by = 1",
}

# The page numbers that the breaks use: of the first of each kind.
FIND = """python
def find(name, test):
    page = gdb.parse_and_eval("heap.buddy.page")
    for pfn in range(int(gdb.parse_and_eval("heap.buddy.npages"))):
        if test(page[pfn], pfn):
            return gdb.execute("set $%s = %d" % (name, pfn))
    raise gdb.GdbError("no " + name)
is_a = lambda page, kind: int(page["kind"]) == int(gdb.parse_and_eval("PG_" + kind))
cache = lambda page: gdb.parse_and_eval("caches")[int(page["cache"]) >> 1]
find("free", lambda p, n: is_a(p, "FREE") and int(p["next"]) != 0xffffffff)
gdb.execute("set $order = heap.buddy.page[$free].order")
find("used", lambda p, n: is_a(p, "USED"))
find("slab", lambda p, n: is_a(p, "SLAB") and int(cache(p)["map_word"]) != 0)
find("full", lambda p, n: is_a(p, "SLAB") and int(p["countdown"]) == 1 and
     int(cache(p)["slab"]) != int(p.address) and int(cache(p)["slots"]) > 40)
end
"""


@pytest.fixture(scope="module")
def find(tmp_path_factory):
    path = tmp_path_factory.mktemp("gdb") / "find.gdb"
    path.write_text(FIND)
    return path


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_rule_is_named_as_mm_check_names_it(heaps, find, name):
    said = gdb(*STOP, f"source {find}", BREAKS[name], "marbles check -j",
               "printf \"mm_check: %s\\n\", what_mm_check_says()",
               *(f"marbles {command}" for command in COMMANDS), program=heaps)
    row = json.loads(re.search(r'^\{"ok".*', said, re.M)[0])
    assert row["ok"] is False, said
    kernel = re.search(r"^mm_check: (.*)", said, re.M)[1]
    assert row["broken"] == kernel, said
    assert kernel.startswith(name[:2]), said
    assert len(row["where"][0]) > len(kernel) + 5, said


def test_a_broken_list_is_named_with_its_list_and_page(heaps, find):
    said = gdb(*STOP, f"source {find}", BREAKS["B3 next to nowhere"],
               "printf \"page %#x free[%d]\\n\", $free, $order", "marbles check",
               program=heaps)
    page, order = re.search(r"^page (0x\w+) free\[(\d+)\]", said, re.M).groups()
    assert f"page {page} (PG_FREE, order {order}) on free[{order}]: next is page " \
        "0x7fffffff, beyond the last" in said, said


def test_a_wrong_counter_is_named_with_both_values(heaps):
    said = gdb(*STOP, "set var heap.buddy.nfree = 12345", "marbles meminfo",
               "marbles buddyinfo -j", program=heaps)
    assert "DIFFERS: heap.buddy.nfree says 12345, recounted it is " in said, said
    assert '{"counter": "heap.buddy.nfree", "says": 12345, "recounted": ' in said


GARBAGE = [
    "set var heap.buddy.npages = 0xfffffff0", "set var heap.buddy.page = 16",
    "set var heap.record = 16", "set var heap.base = 1",
    "call (void)memset(heap.buddy.page, 0xff, 40000)",
    "call (void)memset(heap.buddy.page, 0xa7, 40000)",
    "call (void)memset(caches, 0x5a, 4000)", "call (void)memset(caches, 0xff, 30000)",
    "call (void)memset(&heap, 0xff, sizeof(heap))",
    "call (void)memset(&heap, 0x41, sizeof(heap))",
]


@pytest.mark.parametrize("garbage", GARBAGE)
def test_garbage_ends_in_words(heaps, garbage):
    said = gdb(*STOP, garbage, *(f"marbles {command} -j" for command in COMMANDS),
               *(f"marbles {command}" for command in COMMANDS),
               "print heap.buddy", "print caches[4]", "echo the end\\n", program=heaps)
    assert "the end" in said, said


@pytest.mark.parametrize("state, busy", [
    (0, False), (1, False), (2, False), (4 + 8, False), (16 + 32 * 1000, False),
    (32, True), (32 * 1000 + 2, True), (32 * 1000 + 1, True)])
def test_check_says_when_mm_is_half_way(heaps, state, busy):
    said = gdb(*STOP, f"set var mm_state = {state}", "marbles check", program=heaps)
    assert ("mm is busy: it was stopped inside a call" in said) == busy, said
    assert "mm_check: all rules hold" in said, said


# ---- stopping at an allocation ----------------------------------------------------

def test_break_alloc_stops_in_the_call_that_takes_the_serial(heaps):
    said = gdb("break main", "run 3 1 >/dev/null", "marbles break-alloc 77", "continue",
               "printf \"serial %u\\n\", heap.serial", "frame", "bt",
               "marbles break-alloc 76", "marbles break-alloc x",
               "marbles break-alloc 78", "continue",
               "printf \"serial %u\\n\", heap.serial", program=heaps)
    assert re.findall(r"^serial (\d+)", said, re.M) == ["77", "78"], said
    assert re.search(r"Allocation with serial 77, by take \(tests/gdb/heaps.c:\d+\)",
                     said), said
    assert re.search(r"^serial 77\n#\d+ .*\btake \(", said, re.M), said
    assert "serial 76 was taken already, the newest is 77" in said, said
    assert 'N: No symbol "x" in current context.' in said, said


# ---- words ------------------------------------------------------------------------

def test_structs_are_printed_in_words(heaps):
    said = gdb(*STOP, "print heap.buddy", "print caches[1]", "print *caches[1].slab",
               "print *caches[1].group_record", "print heap.buddy.page[0]",
               "print/r heap.buddy.nfree", "print __start_alloc_sites[0]@1",
               program=heaps)
    assert re.search(r"= buddy: \d+ of \d+ pages free, first blocks by order", said)
    assert re.search(r"= kmalloc-8: \d+ live of 8 bytes, \d+ slabs", said), said
    assert re.search(r"= page 0x\w+: PG_SLAB, order 0, kmalloc-8, map 0x", said), said
    assert re.search(r"= serial \d+: 8 bytes for \w+ \(tests/gdb/heaps.c:\d+\)", said)
    assert "heaps.c:" in said


@pytest.mark.parametrize("words", ["meminfo x", "leaks since", "leaks x y z",
                                   "slabinfo -k", "whatis", "break-alloc", "refs",
                                   "why", "why -x", "tree x", "owners a b", "diff",
                                   "diff a b c", "leaks lost"])
def test_wrong_arguments_are_said(heaps, words):
    said = gdb(f"marbles {words}", program=heaps)
    assert "marbles " + words.split()[0] in said, said
