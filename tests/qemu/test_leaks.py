"""The leak detective: what is lost, why something is not, where it was last seen."""
import re

import pytest
from conftest import build_with
from marbles import ROOT, make, site

GRAPH = ROOT / "tests/labs/graph.c"
LISTS = ROOT / "tests/labs/lists.c"
NODE = site("tests/labs/graph.c", r"= kzalloc\(sizeof\(\*node\)")


@pytest.fixture(scope="module")
def graph_elf():
    return build_with([GRAPH])


@pytest.fixture
def graph(boot, graph_elf):
    return lambda **options: boot(graph_elf, **options)


def serials(machine, kind):
    return [row["serial"] for row in machine.listed(kind)]


# ---- kinds ----------------------------------------------------------------------

def test_what_the_shell_holds_is_reachable_and_lost_once_it_is_forgotten(boot):
    machine = boot()
    machine.run("kmalloc 100; kmalloc 200; pages 1")
    assert machine.kinds() == {"reachable": 3}
    machine.run("forget $1; forget $3")
    assert machine.kinds() == {"definite": 2, "reachable": 1}
    assert serials(machine, "definite") == [1, 3]
    machine.is_whole()


def test_a_list_is_reachable_and_what_is_cut_out_of_it_is_lost(graph):
    machine = graph()
    machine.run("graph list 1000")
    assert machine.kinds() == {"reachable": 1000}
    machine.run("graph cut")
    assert machine.kinds() == {"definite": 1, "reachable": 999}
    assert serials(machine, "definite") == [999]
    machine.run("graph drop")
    assert machine.kinds() == {"definite": 2, "indirect": 998}


@pytest.mark.parametrize("shape, kinds", [
    ("members", {"possible": 10}), ("ring", {"definite": 1, "indirect": 2}),
    ("tree", {"definite": 1, "indirect": 2}), ("pages", {"reachable": 1}),
    ("stack", {"definite": 1})])
def test_each_shape_is_of_its_kinds(graph, shape, kinds):
    machine = graph()
    machine.run(f"graph {shape}")
    assert machine.kinds() == kinds
    machine.run("kmalloc 10; kmalloc 10")       # what came later does not change it
    assert machine.kinds() == {**kinds, "reachable": kinds.get("reachable", 0) + 2}
    machine.is_whole()


def test_the_locals_of_a_lab_that_looks_itself_are_roots(graph):
    machine = graph()
    assert machine.kinds("graph inside") == {"reachable": 1}
    assert machine.kinds() == {"definite": 1}


@pytest.mark.parametrize("clears", ["init_on_alloc=1", "init_on_free=1", "slub_debug=P"])
def test_old_pointers_in_memory_that_was_not_cleared_hide_leaks_and_that_is_said(
        graph, clears):
    machine = graph()
    machine.run("graph stale")
    assert machine.kinds() == {"reachable": 40}         # 39, and one that is hidden
    said = " ".join(machine.run("leaks"))
    assert "40 objects were not cleared when taken: an old pointer there may hide" in said
    machine.run("params init_on_alloc=1")       # for what is taken from now on
    assert "40 objects were not cleared" in " ".join(machine.run("kmalloc 10; leaks"))
    cleared = graph(cmdline=clears)
    cleared.run("graph stale")
    assert cleared.kinds() == {"definite": 1, "reachable": 39}
    if clears != "slub_debug=P":
        assert "not cleared" not in " ".join(cleared.run("leaks"))


def test_of_nodes_that_were_written_in_part_each_that_is_lost_is_found_and_no_other(graph):
    machine = graph()
    unlinked = [line.split()[1] for line in machine.run("graph partly")]
    assert len(set(unlinked)) == 100
    rows = machine.listed("definite") + machine.listed("indirect")
    assert sorted(row["address"] for row in rows) == sorted(unlinked)
    assert sum(machine.kinds().values()) == 1000


# ---- words that are no pointers ---------------------------------------------------

def told(machine, command):
    """In one line; of leaks why what stands beside the picture."""
    lines = machine.run(command)
    return " ".join(" ".join(line[20 if "why" in command else 0:] for line in lines).split())


def test_the_end_of_a_buffer_hides_its_neighbour_and_who_asks_is_told(graph):
    machine = graph()
    machine.run("graph end")
    assert machine.kinds() == {"reachable": 2}
    buffer, lost = machine.listed()
    assert int(lost["address"], 16) == int(buffer["address"], 16) + 64
    doubt = f"or is it the end of {buffer['address']} (64 bytes, serial 1)?"
    for command in "leaks why", "refs":
        assert told(machine, f"{command} {lost['address']}").count(doubt) == 1
        assert [row["doubt"] for row in machine.json(f"{command} {lost['address']} -j")
                if row["doubt"]] == ["end"]
        assert "or is it" not in told(machine, f"{command} {buffer['address']}")


def test_a_neighbour_that_is_really_held_is_not_doubted(graph):
    machine = graph()
    machine.run("graph list 20; graph members")
    for row in machine.listed():
        for command in "leaks why", "refs":
            assert "or is it" not in told(machine, f"{command} {row['address']}")


def test_a_text_that_is_an_address_is_told(graph):
    machine = graph(memory="700M")
    machine.run("graph text")
    assert machine.kinds()["possible"] == 1
    address = machine.listed("possible")[0]["address"]
    for command in "leaks why", "refs":
        assert 'or is it the text "$$$$"?' in told(machine, f"{command} {address}")
    assert {row["doubt"] for row in machine.json(f"refs {address} -j")} == {"text"}


def test_what_an_interrupt_gives_back_while_it_scans_is_done_behind_it(graph):
    machine = graph()
    freed = int(re.fullmatch(r"freed (\d+), \d+ left",
                             machine.run("graph ticking")[-1])[1])
    assert freed >= 1
    assert machine.kinds() == {"reachable": 50000 - freed}
    machine.is_whole()


def test_make_sure_names_what_stale_memory_hides():
    done = make("sure", f"LAB={GRAPH}", "CMDS=graph stale; kmalloc 10; forget $", check=False)
    assert done.returncode == 2 and "Error 7" in done.stderr
    *hidden, summary = done.stdout.splitlines()[-2:]
    assert re.fullmatch(r"serial 61, 64 bytes, taken by tests/labs/graph\.c:\d+ \(make_stale\): "
                        r"reachable, but definite if memory is cleared", hidden[0])
    assert summary == "41 objects live, 1 lost, and 1 more that old pointers hide"


def test_make_sure_is_silent_where_nothing_is_hidden():
    done = make("sure", f"LAB={GRAPH}", "CMDS=graph ring; kmalloc 10")
    assert done.stdout.splitlines()[-1] == \
        "4 objects live, 3 lost, and 0 more that old pointers hide"


def test_make_sure_looks_at_what_is_live_at_the_end_and_at_no_listing_before():
    done = make("sure", "CMDS=kmalloc 10; leaks list -j; kfree $1")
    assert done.stdout.splitlines()[-1] == \
        "0 objects live, 0 lost, and 0 more that old pointers hide"
    done = make("sure", "CMDS=kmalloc 10; leaks list -j")
    assert done.stdout.splitlines()[-1].startswith("1 object live, 0 lost, ")


def test_make_sure_refuses_a_listing_that_was_cut_off():
    done = make("sure", f"LAB={LISTS}", "CMDS=lists keep 200000", "SECONDS=7", check=False)
    assert done.returncode == 2 and "Error 1" in done.stderr
    assert done.stdout.splitlines()[-1] == "make sure: the listing did not come to its " \
        "end: it needs more time, SECONDS=180"


def test_make_sure_of_a_kernel_without_records_says_why_not():
    done = make("sure", "CMDS=kmalloc 10", "CMDLINE=kmemleak=off", check=False)
    assert done.returncode == 2 and "kmemleak=off" in done.stdout.splitlines()[-1]


@pytest.mark.parametrize("dials", ["kfence.every=1", "slub_debug=FZPU quarantine=64K",
                                   "debug_pagealloc=on page_owner=on"])
def test_dials_change_no_kind(graph, dials):
    machine = graph(cmdline=dials)
    machine.run("graph list 20; graph cut; graph members; graph ring; graph pages")
    assert machine.kinds() == {"definite": 2, "indirect": 2, "possible": 10,
                               "reachable": 20}
    machine.is_whole()


@pytest.mark.parametrize("command", ["leaks", "leaks -j", "leaks list", "leaks lost",
                                     "leaks why 0x100000", "refs 0x100000", "leaks mark"])
def test_without_records_leaks_refuses_and_says_why(boot, command):
    assert "kmemleak=off" in boot(cmdline="kmemleak=off").run(command)[0]


# ---- in words -------------------------------------------------------------------

def test_leaks_names_what_is_lost_first_and_then_who_has_the_rest(graph):
    machine = graph()
    machine.run("graph list 10; graph cut; kmalloc 100")
    head, lost, *rest = machine.run("leaks")
    assert head.split() == "bytes objects oldest newest kind taken by".split()
    assert re.match(r" +64 +1 +9 +9  definite  +tests/labs/graph\.c:\d+", lost)
    text = " ".join(" ".join(rest).split())
    assert "definite: 64 bytes in 1 object" in text
    assert re.search(r"reachable: 676 bytes in 10 objects, 1 held by the shell, 1 by head, "
                     r"8 by other objects", text)
    assert re.search(r"scanned: \d+ bytes in \d+ roots, 740 in 11 objects, in (less than 0\.1 s|\d+ us)", text)


def test_all_lists_what_is_reachable_too(graph):
    machine = graph()
    machine.run("graph list 10")
    assert not any(" reachable " in line for line in machine.run("leaks"))
    assert any(re.match(r" +640 +10 +1 +10  reachable ", line)
               for line in machine.run("leaks all"))


def test_marks_have_names(boot):
    machine = boot()
    machine.run("kmalloc 10; leaks mark a; kmalloc 10; leaks mark b; kmalloc 10; forget $3")
    assert machine.kinds("leaks since a -j") == {"definite": 1, "reachable": 1}
    assert machine.json("leaks since b -j")[-1]["objects"] == 1
    assert machine.run("leaks since c")[0].startswith('leaks: no mark is called "c"')
    for n in range(20):
        said = machine.run(f"leaks mark m{n}")
    assert said == ["leaks mark: there are 15 marks with a name, and no more can be"]


# ---- why ------------------------------------------------------------------------

def test_why_tells_the_shortest_way_from_a_root(graph):
    machine = graph()
    machine.run("graph list 5")
    first = machine.listed()[0]            # serial 1: the end of the list
    rows = machine.json(f"leaks why {first['address']} -j")
    assert [row["step"] for row in rows] == list(range(6))
    assert (rows[0]["kind"], rows[0]["symbol"]) == ("root", "head")
    assert [row["serial"] for row in rows[1:]] == [5, 4, 3, 2, 1]
    assert all(row["kind"] == "reachable" and row["offset"] == 0 for row in rows[1:])
    assert rows[-1]["address"] == first["address"]


def test_why_of_what_is_lost_says_so_and_of_a_long_list_shows_both_ends(graph):
    machine = graph()
    machine.run("graph list 3000")
    end = machine.listed("reachable")[0]["address"]
    said = told(machine, f"leaks why {end}")
    assert said.startswith("the variable head 0x") and " ... 2992 more ... " in said
    assert said.rpartition("0x")[2].split(", ")[2] == "serial 1"
    assert len(machine.json(f"leaks why {end} -j")) == 3001
    machine.run("graph drop")
    assert "nothing points to the next one, it is lost" in told(machine, f"leaks why {end}")


def test_refs_finds_every_word_that_points_there(graph):
    machine = graph()
    _, address = machine.take("kmalloc 64")
    machine.run("graph list 2; graph members")
    (row,) = machine.json("refs $1 -j")
    assert (row["from"], row["interior"], row["offset"]) == ("$1", False, 0)
    listed = machine.listed("reachable")
    (row,) = machine.json(f"refs {listed[1]['address']} -j")
    assert (row["serial"], row["offset"], row["interior"]) == (3, 0, False)
    linked = machine.listed("possible")
    (row,) = machine.json(f"refs {linked[-1]['address']} -j")
    assert (row["from"], row["interior"]) == ("chain", True)
    assert machine.run("refs $1")[-1].startswith("1 word points to")


def words_at(machine, row):
    words = [found["address"] for found in machine.json(f"refs {row['address']} -j")]
    assert words == sorted(set(words), key=lambda word: int(word, 16))
    return words


def test_a_listing_counts_the_words_that_refs_finds(graph):
    machine = graph()
    machine.run("kmalloc 64; graph list 9; graph members; graph ring; graph tree; "
                "graph pages; graph stale; kmalloc 9000; pages 2")
    rows = machine.listed()
    assert len(rows) > 60 and {row["refs"] for row in rows} > {0, 1, 2}
    for row in rows:
        assert row["refs"] == len(words_at(machine, row)), row


def test_of_more_objects_and_words_than_one_pass_takes_none_is_left_out(lists):
    lists.run("lists keep 1100; lists point 1300; lists members 1100")
    rows = lists.listed()
    assert len(rows) == 3501
    assert sorted(row["refs"] for row in rows) == [1] * 3500 + [1301]
    (row,) = [row for row in rows if row["refs"] > 1]
    assert len(words_at(lists, row)) == 1301


# ---- lost -----------------------------------------------------------------------

def test_lost_tells_where_a_leak_was_last_seen(graph):
    machine = graph()
    machine.run("graph list 5; kmalloc 32; leaks; graph cut; forget $1")
    *lost, _ = machine.json("leaks lost -j")
    rows = {row["serial"]: row for row in lost}
    assert sorted(rows) == [4, 6]
    assert re.match(r"offset 0 of 0x[0-9a-f]{8} \(64 bytes, serial 5", rows[4]["slot"])
    assert rows[4]["became"] == "overwritten"
    assert (rows[6]["slot"], rows[6]["became"]) == ("$1", "forgotten")


def test_a_ring_that_is_lost_was_last_seen_in_what_held_it(lists):
    """Its lowest node, which is its leader, was never held by the variable itself."""
    lists.run("lists circle 5; leaks; lists cut")
    row, summary = lists.json("leaks lost -j")
    assert (row["slot"], row["became"]) == ("the variable circle", "overwritten")
    assert lists.kinds() == {"definite": 1, "indirect": 4}
    assert summary == {"summary": True, "objects": 1, "bytes": row["bytes"], "never_seen": 0}


def test_what_no_scan_has_seen_is_a_row_without_a_slot(boot):
    machine = boot()
    machine.run("kmalloc 100; forget $")
    row, summary = machine.json("leaks lost -j")
    assert (row["serial"], row["slot"], row["became"]) == (1, None, None)
    assert (summary["objects"], summary["bytes"], summary["never_seen"]) == (1, 100, 1)


def test_each_holder_is_counted(graph):
    machine = graph()
    machine.run("graph list 5; graph pages; kmalloc 10 3; graph inside")
    said = re.search(r"reachable: \d+ bytes in (\d+) objects((?:, \d+ .*?)*) (?=scanned|\d+ obj)",
                     " ".join(" ".join(machine.run("graph looks")).split()))
    assert sum(map(int, re.findall(r", (\d+) ", said[2]))) == int(said[1])
    for who in "held by the shell", "by other variables", "by the stack", "by other objects":
        assert who in said[2]


def test_a_lost_one_whose_owner_was_freed_names_who_freed_it(boot):
    machine = boot()
    machine.run("kmalloc 16; kmalloc 64")
    owner = machine.listed("reachable")[0]["address"]
    held = machine.listed("reachable")[1]["address"]
    for i in range(4):                                  # a pointer, byte by byte
        machine.run(f"poke {int(owner, 16) + i:#x} {int(held, 16) >> 8 * i & 255:#x}")
    machine.run("forget $2")
    assert machine.kinds() == {"reachable": 2}
    machine.run("kfree $1")
    row, _ = machine.json("leaks lost -j")
    assert row["became"] == "freed"
    assert row["by"] == site("kernel/memory/cmd_alloc.c", r"^ +kfree\(\(void")


# ---- drivers go on --------------------------------------------------------------

LISTINGS = ("leaks", "leaks all", "leaks list -j", "leaks list reachable", "leaks tree -j",
            "leaks lost", "leaks owners", "kmemleak", "kmemleak -j", "leaks since",
            "leaks grow", "allocinfo", "meminfo", "slabinfo", "buddyinfo")


# With a dial on the reserve is not given back behind each command: mm is busy with that.
@pytest.mark.parametrize("left", [False, True])
def test_a_handler_that_allocates_at_each_tick_is_served_whatever_is_listed(
        boot, lists_elf, left):
    machine = boot(lists_elf, cmdline="kfence.every=1000000")
    if left:                            # of a command that was ended: counted as well
        machine.run("lists fault")
    machine.run("lists keep 600; leaks; lists unlink 7; lists ticking 1500")
    address = machine.listed()[0]["address"]
    for command in LISTINGS + (f"refs {address}", f"leaks why {address}"):
        machine.run(command)
    said = machine.run("lists ticking 0")[-1]
    assert int(re.fullmatch(r"served (\d+), failed 0", said)[1]) > 20
    machine.is_whole()


@pytest.mark.parametrize("dials", ["", "debug_pagealloc=on"])
def test_what_a_handler_gives_back_while_it_is_listed_hurts_nobody(boot, lists_elf, dials):
    machine = boot(lists_elf, cmdline=dials)
    for command in LISTINGS:
        machine.run("lists keep 200; leaks; lists unlink 3; lists shrinking 1")
        machine.run(command)
        machine.run("lists shrinking 0")
    machine.is_whole()


# ---- by line --------------------------------------------------------------------

def test_a_line_is_meant_by_its_end_and_one_that_took_nothing_is_named(graph):
    machine = graph()
    machine.run("graph list 2; kmalloc 10")
    end = NODE.partition("/")[2].partition("/")[2]
    for line in NODE, end, "labs/" + end:
        assert len(machine.listed(line)) == 2
        assert machine.run(f"leaks list {line}")[-2] == "2 objects, 128 bytes"
        assert {row["site"] for row in machine.json(f"leaks owners {line} -j")} == {NODE}
    for line in "graph.c:1", end[1:], end + "0", "other/" + end:
        for word in "list", "owners":
            said = f"nothing that {line} took is live"
            assert machine.json(f"leaks {word} {line} -j") == [{"error": said}]
            assert machine.run(f"leaks {word} {line}") == [f"leaks {word}: {said}"]


@pytest.mark.parametrize("word", ["list", "owners"])
def test_a_line_that_took_nothing_is_a_failure(word):
    done = make("exec", f"CMDS=leaks {word} graph.c:1", check=False)
    assert "Error 1" in done.stderr


# ---- errors ---------------------------------------------------------------------

@pytest.mark.parametrize("command, said", [
    ("leaks now", '"now" is none of these words'),
    ("leaks list lots", '"lots" is neither a kind'),
    ("leaks why", "ADDR is missing"), ("refs", "ADDR is missing"),
    ("leaks lost 5", 'unexpected "5"'), ("leaks mark " + "x" * 30, "more than 23"),
    ("leaks why 0x100000", "nothing is live there"), ("refs 0x100000", "nothing is live")])
def test_errors_name_what_was_wrong(boot, command, said):
    assert said in " ".join(boot().run(command))
