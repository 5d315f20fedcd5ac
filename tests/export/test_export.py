"""make export: each format, read by a reader of its own, against what the kernel itself
says of the same commands."""
import json
import re
import subprocess
from collections import Counter

import pytest
import readers
from conftest import FORMATS, KMALLOC, ROOT, WORK, machine_of
from marbles import environment, make

# ---- the formats -------------------------------------------------------------------------

def test_folded_has_the_live_bytes_of_each_line_under_the_command_that_took_them(of):
    done = of("folded")
    rows = readers.folded(done.path)
    assert sum(count for _, count in rows) == done.live()[1]
    found = Counter()
    for frames, count in rows:
        found[frames[-1].rpartition(" ")[2]] += count
    assert found == done.by_line()
    assert {frames[0] for frames, _ in rows} == {"kmalloc", "pages", "guests"}
    assert [count for frames, count in rows if frames[-1] == f"cmd_kmalloc {KMALLOC}"] == \
        [200]


def test_pprof_has_what_is_live_and_what_ever_was_by_addresses_of_calls(of, elf):
    done = of("pprof")
    (objects, bytes_, all_objects, all_bytes), stacks = readers.pprof(done.path)
    assert (objects, bytes_) == done.live()
    meminfo = done.row("kmallocs")
    assert all_objects >= meminfo["kmallocs"] > objects
    assert all_bytes > bytes_
    # The innermost address of what one kmalloc took, and is live, is in cmd_kmalloc.
    (at,) = {stack[-1][0] for stack in stacks if stack[:2] == (1, 200)}
    said = subprocess.run(["addr2line", "-f", "-e", elf, hex(at)], text=True,
                          capture_output=True, check=True).stdout.splitlines()
    assert said == ["cmd_kmalloc", f"./{KMALLOC}"]


def test_massif_ends_with_what_is_live_and_its_peak_is_its_largest(of):
    done = of("massif")
    snapshots = readers.massif(done.path)
    assert 20 < len(snapshots) < 130
    assert snapshots[-1][1] == done.live()[1]
    _, _, _, kind, (_, _, lines) = snapshots[-1]
    assert kind == "detailed"
    found = Counter()
    for size, text, _ in lines:
        found[re.search(r"\((.*)\)$", text)[1]] += size
    assert found == done.by_line()
    (peak,) = (one for one in snapshots if one[3] == "peak")
    assert peak[1] + peak[2] == max(one[1] + one[2] for one in snapshots)
    assert sum(one[3] == "detailed" for one in snapshots) > 2


def test_massif_counts_what_rounding_up_costs(of):
    snapshots = readers.massif(of("massif", "kmalloc 100; kmalloc 33").path)
    assert [one[:3] for one in snapshots[1:]] == [(100, 100, 28), (133, 133, 28 + 31)]


def test_dhat_has_lifetimes_in_events(of):
    done = of("dhat", "kmalloc 100; kmalloc 200; kmalloc 300; kfree $1; kfree $3")
    data = readers.dhat(done.path)
    (row,) = data["pps"]
    assert (row["tb"], row["tbk"], row["eb"], row["ebk"]) == (600, 3, 200, 1)
    assert (row["mb"], row["gb"], row["gbk"], data["tg"], data["te"]) == (600, 600, 3, 3, 5)
    # Events 0 to 4: the first object lives from 0 to 3, the third from 2 to 4, and the
    # second from 1 to the end.
    assert row["tl"] == 3 + 2 + 4
    assert data["ftbl"][row["fs"][0]].endswith(f": cmd_kmalloc ({KMALLOC})")


def test_dhat_has_what_is_left_at_the_end(of):
    done = of("dhat")
    data = readers.dhat(done.path)
    assert (sum(row["ebk"] for row in data["pps"]),
            sum(row["eb"] for row in data["pps"])) == done.live()
    assert sum(row["gb"] for row in data["pps"]) >= max(row["mb"] for row in data["pps"])
    assert data["te"] == done.events()


def test_heaptrack_leaves_what_is_live(of):
    done = of("heaptrack")
    found = readers.Heaptrack(done.path)
    left = +found.live
    assert (left.total(), sum(size * n for (size, _), n in left.items())) == done.live()
    lines = Counter()
    for (size, (_, file, line)), count in left.items():
        lines[f"{file}:{line}"] += size * count
    assert lines == done.by_line()
    assert any(len(frames) > 1 for frames in found.places[1:])      # something was inlined


def test_chrome_has_commands_events_and_what_is_live(of):
    done = of("chrome")
    found = readers.chrome(done.path)
    last = found["C"][-1]["args"]
    assert (last["objects"], last["bytes"]) == done.live()
    assert [slice_["name"] for slice_ in found["X"]] == [
        "kmalloc-1", "kmalloc-2", "kfree-3", "pages-4", "guests-5", "guests-6", "stress-7",
        "guests-8"]
    assert len(found["i"]) == done.events() == sum(slice_["dur"] for slice_ in found["X"])
    assert [one["ts"] for one in found["i"]] == list(range(len(found["i"])))


def test_trace_has_each_event_as_trace_show_has_it(export):
    """Fewer than the ring keeps: so both have all."""
    done = export("trace", "kmalloc 100; guests 9; pages 2; stress 150; kmalloc 9M; "
                           "trace -j show")
    shown = [row for row in done.rows if "event" in row]
    found = readers.TraceDat(done.path)
    assert len(found.events) == len(shown) == done.row("summary")["written"] > 150
    kinds = {row["event"] for row in shown}
    assert kinds > {"kmalloc", "kfree", "kmem_cache_alloc", "kmem_cache_free", "krealloc",
                    "mm_page_alloc", "mm_page_free"}
    for event, row in zip(found.events, shown):
        assert event["event"] == row["event"]
        assert event["time"] // 10 ** 7 == row["tick"]
        assert event["common_pid"] == row["command"]
        assert found.tasks[str(event["common_pid"])] == row["task"]
        assert event.get("serial", 0) == row["serial"]
        if "call_site" in event:
            assert event["call_site"] == int(row["pcs"][0], 16)
        if "ptr" in event:
            assert event["ptr"] == int(row["ptr"], 16)
        if "pfn" in event:
            assert event["pfn"] == int(row["ptr"], 16) // 4096
            assert row["bytes_alloc"] <= 4096 << event["order"] < 2 * row["bytes_alloc"] + 1
        for field in ("bytes_req", "bytes_alloc"):
            assert event.get(field, row[field]) == row[field]
        assert event.get("name", row["cache"]) == row["cache"]
    times = [event["time"] for event in found.events]
    assert all(a < b for a, b in zip(times, times[1:]))


# ---- all events, and nothing else ----------------------------------------------------------

def test_all_events_are_there_though_the_ring_keeps_1024(export):
    done = export("trace", "stress 20000; trace off; trace; leaks mark -j")
    (written,) = (int(n) for line in done.lines
                  for n in re.findall(r"tracing is off: (\d+) events written", line))
    events = readers.TraceDat(done.path).events
    assert (done.status, done.stderr) == (0, "")
    assert written > 20 * 1024 and len(events) == written
    serials = [event["serial"] for event in events if event["event"] in
               ("kmalloc", "kmem_cache_alloc", "mm_page_alloc")]
    assert serials == list(range(1, done.row("mark")["mark"] + 1))


def test_a_ring_that_is_cleared_has_told_them_before(export):
    done = export("trace", "stress 2000; trace clear; kmalloc 10; trace clear; stress 700; "
                           "trace clear; leaks mark -j")
    serials = [event["serial"] for event in readers.TraceDat(done.path).events if
               event["event"] in ("kmalloc", "kmem_cache_alloc", "mm_page_alloc")]
    assert done.stderr == "" and serials == list(range(1, done.row("mark")["mark"] + 1))


def test_what_interrupts_take_is_there_to_the_last(of):
    done = of("heaptrack", "drain", memory="4M")
    left = +readers.Heaptrack(done.path).live
    assert left.total() > 500
    assert (left.total(), sum(size * n for (size, _), n in left.items())) == done.live()


def test_the_machine_does_what_it_does_in_make_exec_with_its_parameter(export, elf):
    work = WORK + "; leaks list -j; meminfo -j; leaks -j"
    done = export("folded", work)
    alone = subprocess.run(
        ["python3", ROOT / "tests/qemu/exec.py", *machine_of(elf, "64M")], cwd=ROOT,
        env={**environment(), "MARBLES_CMDS": work, "MARBLES_CMDLINE": "trace_event=kmem"},
        capture_output=True, text=True, timeout=120)
    assert done.lines == alone.stdout.splitlines()


def test_without_records_all_is_the_same_but_for_the_serial_numbers(export):
    runs = [export("pprof", WORK, MARBLES_CMDLINE=parameter)
            for parameter in ("", "kmemleak=off")]
    assert all((done.status, done.stderr) == (0, "") for done in runs)
    known, unknown = (readers.pprof(done.path)[0] for done in runs)
    assert known == unknown and known[0] > 0


def test_what_was_not_traced_is_said(export):
    done = export("folded", "kmalloc 10; kmalloc 20; trace off; kmalloc 30; kfree $1; "
                            "trace on; kfree $3")
    assert done.status == 0
    assert done.stderr.splitlines() == [
        f"export: not in {done.path}: 1 allocation not traced (trace off, a filter, or "
        "trace_event= of some events)",
        f"export: not in {done.path}: 1 free of what was not seen taken"]


def test_that_a_file_of_what_is_live_is_empty_is_said(export):
    gone = export("folded", "kmalloc 10; kfree $1")
    assert readers.folded(gone.path) == []
    assert gone.stderr == (f"export: {gone.path} is empty: it has what is live at the end, "
                           "and nothing is\n")
    assert export("folded", "kmalloc 10; kmalloc 20; kfree $1").stderr == ""
    assert export("trace", "kmalloc 10; kfree $1").stderr == ""


@pytest.mark.parametrize("form", FORMATS)
def test_where_nothing_was_allocated_the_file_is_valid_and_it_is_said(export, form):
    done = export(form, "uptime")
    assert done.status == 0 and ": nothing was allocated." in done.last
    read = {"folded": readers.folded, "pprof": readers.pprof, "massif": readers.massif,
            "dhat": readers.dhat, "heaptrack": readers.Heaptrack,
            "chrome": readers.chrome, "trace": readers.TraceDat}[form](done.path)
    assert {"folded": lambda: read == [], "pprof": lambda: read == ([0, 0, 0, 0], []),
            "massif": lambda: [one[:3] for one in read] == [(0, 0, 0)],
            "dhat": lambda: read["pps"] == [], "heaptrack": lambda: read.taken == 0,
            "chrome": lambda: read.keys() == {"M"},
            "trace": lambda: read.events == []}[form]()


# ---- labs --------------------------------------------------------------------------------

LAB = """
#include "kernel/shell.h"
#include "mm/slab.h"

static void *kept;

static inline __attribute__((always_inline)) void *take(void)
{
    return kmalloc(33, GFP_KERNEL);
}

static int cmd_mine(int argc, char **argv)
{
    kept = take();
    return kept == NULL;
}

SHELL_COMMAND(mine, "", "take", cmd_mine);
"""


def test_lines_of_a_lab_are_found_and_what_was_inlined(export, tmp_path):
    lab = tmp_path / "mine.c"
    lab.write_text(LAB)
    kernel = ROOT / make("all", f"LAB={lab}").stdout.split()[-1]
    ((frames, count),) = readers.folded(export("folded", "mine", kernel=kernel).path)
    assert count == 33
    functions, places = zip(*(frame.split(" ") for frame in frames[-2:]))
    assert functions == ("cmd_mine", "take")
    assert [place.rpartition("/")[2] for place in places] == ["mine.c:14", "mine.c:9"]


# ---- ends --------------------------------------------------------------------------------

@pytest.mark.parametrize("commands, parameter, status", [
    ("kmalloc 10; nonsense", "", 3),
    ("kmalloc 10; kfree 64", "", 4),
    ("kmalloc 10; crash null", "", 5),
    ("kmalloc 10; crash null", "panic_on_oops=1", 125),
    ("kmalloc 10; reboot", "", 125),
    ("kmalloc 10; poweroff", "", 125),
])
def test_a_command_that_fails_ends_it_with_its_status_and_the_file_is_there(
        export, commands, parameter, status):
    done = export("folded", commands, MARBLES_CMDLINE=parameter)
    assert done.status == status
    ((_, count),) = readers.folded(done.path)
    assert count == 10


def test_a_run_that_does_not_end_is_written_as_far_as_it_came(export):
    done = export("folded", "kmalloc 10; stress 900000000", MARBLES_SECONDS="3")
    assert done.status == 124 and "no end within 3 s" in done.stderr
    rows = readers.folded(done.path)
    assert [count for frames, count in rows if frames[0] == "kmalloc"] == [10]
    assert any(frames[0] == "stress" for frames, _ in rows)


def test_a_format_that_there_is_not_is_told_with_those_that_there_are():
    done = make("export", "FORMAT=svg", "CMDS=uptime", check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == \
        f'export: FORMAT: "svg" is none of {" ".join(FORMATS)}'


def test_a_file_that_cannot_be_written_is_told_and_nothing_is_left(export, tmp_path):
    (tmp_path / "folded").mkdir()
    done = export("folded", "kmalloc 10")
    assert done.status == 1
    assert done.stderr == f"export: {tmp_path / 'folded'}: Is a directory\n"
    assert [path.name for path in tmp_path.iterdir()] == ["folded"]


def test_make_writes_where_it_is_told_and_says_what_opens_it(tmp_path):
    to = tmp_path / "here.json"
    said = make("export", "FORMAT=chrome", f"OUT={to}", "CMDS=kmalloc 100").stdout
    assert said.splitlines()[-1].startswith(
        f"{to}: 1 event; live: 100 bytes in 1 object.  To open: https://ui.perfetto.dev")
    assert readers.chrome(to)["C"][-1]["args"] == {"bytes": 100, "objects": 1}
    json.loads(to.read_text())
