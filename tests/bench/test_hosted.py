"""make bench-hosted: its tables are whole, and each column is the allocator it names.

No figure is held against a number: whoever runs it on a quiet machine judges.
"""
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/qemu"), str(ROOT / "tests/bench")]
import hosted  # noqa: E402
from marbles import make  # noqa: E402

PROGRAMS = ROOT / "build/hosted/bench"
OURS = [allocator.name for allocator in hosted.OURS]
THEIRS = [allocator.name for allocator in hosted.THEIRS]
ROWS = {"pair": 7, "cache-pair": 1, "batch-fifo": 4, "batch-lifo": 4, "batch-random": 4,
        "mixed": 1, "page-pair": 2, "memory": 9}


@pytest.fixture(scope="module")
def lines():
    """What the target prints, from few rounds; it builds the programs as well."""
    return make("bench-hosted", "QUICK=1").stdout.splitlines()


def run(name, *arguments, **environment):
    return subprocess.run([PROGRAMS / name, *arguments], text=True, timeout=60,
                          capture_output=True, stdin=subprocess.DEVNULL,
                          env={**os.environ, **environment})


# ---- tables ------------------------------------------------------------------------

def test_each_workload_has_its_rows_and_each_ratio_its_column(lines):
    head = next(n for n, line in enumerate(lines) if line.startswith("workload"))
    assert lines[head].split() == ["workload", "of", "loop", *OURS, *THEIRS, *THEIRS]
    for name, count in ROWS.items():
        rows = [line.split() for line in lines if line.startswith(name + " ")]
        assert len(rows) == count, name
        for row in rows:
            figures = [float(cell) for cell in row[1:]]
            assert len(figures) == len(OURS) + 2 * len(THEIRS) + 2 - (name == "memory")
            assert all(figure >= 0 for figure in figures[1:]), row


def test_a_curve_has_a_row_for_each_number_of_live_objects(lines):
    heads = [n for n, line in enumerate(lines) if line.startswith("live ")]
    assert len(heads) == len(hosted.CURVES) + 1
    for head in heads:
        names = lines[head].split()[1:]
        assert names in ([*OURS, *THEIRS, "loop"], [*OURS, *THEIRS])
        for line, first in zip(lines[head + 1:], ("1,000", "10,000", "last / first")):
            assert line.startswith(first + " ")
            figures = [float(cell) for cell in line.removeprefix(first).split()]
            assert len(figures) == len(names) and min(figures) > 0, line


def test_it_ends_with_where_ours_takes_more(lines):
    start = next(n for n, line in enumerate(lines) if line.startswith("Where ours"))
    said = [re.match(r"(\S+) slower or larger than (\S+) at: ", line)
            for line in lines[start + 1:] if not line.startswith(" ")]
    assert [match.groups() for match in said] == [(ours, other) for ours in OURS
                                                  for other in THEIRS]


def test_slower_and_larger_are_found_and_faster_is_not():
    figures = hosted.Figures()
    figures.time = {("pair", 8): {"mm": 3.0, "glibc": 2.0},
                    ("pair", 64): {"mm": 2.0, "glibc": 2.0},
                    ("mixed", 0): {"mm": 1.0, "glibc": 2.0}}
    figures.memory = {("memory", 8): {"mm": 20.0, "glibc": 10.0}}
    figures.curve = {"hot": {1000: {"mm": 2.04, "glibc": 2.0}}}
    figures.bytes_beside = {1000: {"mm": 9.0, "glibc": 6.0},
                            10000: {"mm": 9.0, "glibc": 3.0}}
    assert hosted.worse_than(figures, "mm", "glibc") == [
        (3.0, "bytes beside all"), (2.0, "memory 8"), (1.5, "pair 8")]


# ---- who is who --------------------------------------------------------------------

@pytest.mark.parametrize("allocator", hosted.THEIRS, ids=THEIRS)
def test_the_linker_binds_a_program_to_the_library_that_its_column_names(lines,
                                                                         allocator):
    done = run(allocator.program, allocator.who, "memory", "64", "10",
               LD_DEBUG="bindings", LD_BIND_NOW="1")
    said = json.loads(done.stdout.splitlines()[0])["allocator"]
    assert Path(said).name.startswith(allocator.who)
    for call in ("malloc", "free", "aligned_alloc"):
        bound = re.findall(rf"bench/{allocator.program} \[0\] to (\S+) \[0\]: "
                           rf"normal symbol `{call}'", done.stderr)
        assert set(bound) == {said}, call
    assert f"  {allocator.name:<9}{said}" in lines


@pytest.mark.parametrize("who", ["on", "off"])
def test_mm_counts_what_its_program_takes(lines, who):
    done = run("mm", who, "memory", "64", "20000")
    head, row = map(json.loads, done.stdout.splitlines())
    assert head["allocator"] == f"mm, records {who}"
    assert row["counted"] > (76 if who == "on" else 64)
    assert abs(row["resident"] / row["counted"] - 1) < 0.05


# ---- what is refused ---------------------------------------------------------------

@pytest.mark.parametrize("allocator", hosted.THEIRS, ids=THEIRS)
def test_a_program_refuses_to_be_another_allocator(lines, allocator):
    for other in hosted.THEIRS:
        done = run(allocator.program, other.who, "memory", "64", "10")
        assert done.returncode == (0 if other == allocator else 1)
        assert ("was asked for" in done.stderr) == (other != allocator)


def test_a_preloaded_allocator_is_found_out(lines):
    library = json.loads(run("jemalloc", "libjemalloc.so", "memory", "64", "10")
                         .stdout.splitlines()[0])["allocator"]
    done = run("glibc", "libc.so", "memory", "64", "10", LD_PRELOAD=library)
    assert done.returncode == 1
    assert f"libc.so was asked for, but malloc and its kin are those of {library}" \
        in done.stderr


def test_a_column_with_the_wrong_program_ends_it(lines, tmp_path):
    for program in {allocator.program for allocator in hosted.ALL}:
        shutil.copy(PROGRAMS / program, tmp_path)
    shutil.copy(PROGRAMS / "glibc", tmp_path / "tcmalloc")
    done = subprocess.run([sys.executable, hosted.__file__, tmp_path, "--quick"],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and not done.stdout
    assert "libtcmalloc_minimal.so was asked for" in done.stderr
    assert "tcmalloc libtcmalloc_minimal.so times 0 ended with 1" in done.stderr


@pytest.mark.parametrize("command", [
    f"{PROGRAMS}/mm on memory 5000000 10",
    f"ulimit -v 300000; {PROGRAMS}/glibc libc.so memory 4000000 1000"])
def test_a_program_that_gets_no_memory_says_so(lines, command):
    done = subprocess.run(command, shell=True, capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 1 and "out of memory" in done.stderr


def test_a_missing_library_is_named_with_its_package(lines):
    done = make("HOSTED=build/hosted/missing", "build/hosted/missing/bench/mimalloc",
                "LIBRARY_mimalloc=not_there", check=False)
    assert done.returncode != 0
    assert "libnot_there is missing: install libmimalloc-dev, or run make deps" \
        in done.stderr
