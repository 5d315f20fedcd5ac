"""The files of make export, opened by the tools that they are for: make test-export.

Each is asked for numbers that the kernel itself has said of the same commands.  A tool
that is missing is a failure.
"""
import os
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from conftest import HERE, KMALLOC, ROOT
from marbles import site

VIEWERS = ROOT / "build/viewers"
VALGRIND = ["/usr/libexec/valgrind", "/usr/lib/valgrind"]
PAGES = site("kernel/memory/cmd_alloc.c", r"= alloc_pages\(")
MILLION = 10 ** 6


def tool(*command, **options):
    """What it says, on both."""
    assert shutil.which(command[0]), f"{command[0]} is missing: sh tests/deps.sh viewers"
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          timeout=600, errors="replace", **options)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def page(viewer, folder, path):
    """The texts of a page that shows it."""
    return tool("node", HERE / "open_page.js", viewer, folder, path,
                env={**os.environ, "NODE_PATH": str(VIEWERS / "node_modules")}).splitlines()


def number(text):
    return int(text.replace(",", ""))


# ---- events ------------------------------------------------------------------------------

def report(path):
    """(process, event, text) of each, by trace-cmd."""
    return re.findall(r"^ *(\S+-\d+) +\[000\] +[\d.]+: +(\w+): +(.*)$",
                      tool("trace-cmd", "report", "-i", path), re.M)


def test_trace_cmd_reports_each_event_in_linuxs_words(of):
    done = of("trace")
    found = report(done.path)
    assert len(found) == done.events()
    meminfo = done.row("kmallocs")
    kinds = Counter(event for _, event, _ in found)
    assert kinds["kmalloc"] + kinds["kmem_cache_alloc"] == meminfo["kmallocs"]
    assert kinds["kfree"] + kinds["kmem_cache_free"] == meminfo["kfrees"]
    process, event, text = found[0]
    assert (process, event) == ("kmalloc-1", "kmalloc")
    assert re.search(r"call_site=cmd_kmalloc\+0x\w+ ptr=0x\w+ bytes_req=100 "
                     r"bytes_alloc=128 gfp_flags=GFP_KERNEL serial=1$", text)


def test_trace_cmd_mem_sums_by_function_what_is_wasted(of):
    done = of("trace", "kmalloc 100; kmalloc 33; kmalloc 200; kfree $3")
    rows = dict(re.findall(r"^ *(\w+)((?:\s+\d+){8})$", tool("trace-cmd", "mem", "-i",
                                                            done.path), re.M))
    waste, alloc, asked, *_ = map(int, rows["cmd_kmalloc"].split())
    assert (waste, alloc, asked) == (28 + 31, 128 + 64, 133)


def test_kernelshark_reads_the_same_events(of, tmp_path):
    done = of("trace")
    reader = tmp_path / "kshark"
    tool("cc", "-I/usr/include/kernelshark", "-I/usr/include/traceevent",
         "-I/usr/include/tracefs", "-I/usr/include/trace-cmd", "-o", reader,
         HERE / "kshark.c", "-lkshark")
    path = done.path.rename(tmp_path / "trace.dat")     # it looks at the name as well
    lines = [line for line in tool(reader, path).splitlines() if "kmem/" in line]
    assert len(lines) == done.events()
    assert re.match(r"\d+ kmalloc-1 kmem/kmalloc .*bytes_req=100 bytes_alloc=128", lines[0])
    times = [int(line.split()[0]) for line in lines]
    assert times == sorted(set(times))


def test_a_million_events_are_read_by_trace_cmd_and_none_is_missing(export):
    done = export("trace", "stress 1000000; trace off; trace; leaks mark -j",
                  MARBLES_SECONDS="400")
    assert (done.status, done.stderr) == (0, "")
    (written,) = (int(n) for line in done.lines
                  for n in re.findall(r"tracing is off: (\d+) events written", line))
    assert written > MILLION
    serials, lines = [], 0
    with subprocess.Popen(["trace-cmd", "report", "-i", done.path], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as reader:
        for line in reader.stdout:
            lines += " serial=" in line or "mm_alloc_failed" in line
            if re.search(r"\[000\] +\S+ (kmalloc|kmem_cache_alloc|mm_page_alloc): ", line):
                serials.append(int(line.rpartition("=")[2]))
    assert lines == written
    assert serials == list(range(1, done.row("mark")["mark"] + 1))


# ---- by stack ----------------------------------------------------------------------------

def speedscope(path):
    """Of its list of functions: name -> (total, self)."""
    texts = page("speedscope", VIEWERS / "node_modules/speedscope/dist/release", path)
    rows = texts[texts.index("Symbol Name") + 1:]
    amount = re.compile(r"^([\d.,]+)\D*(?:\(|$)")
    found = {}
    values = []
    for text in rows:
        if (is_amount := amount.match(text)) and len(values) < 2:
            values.append(is_amount[1])
        elif len(values) == 2:
            found[text] = tuple(values)
            values = []
    return found


def test_speedscope_has_live_bytes_by_function(of):
    done = of("folded", "kmalloc 100; kmalloc 200; kfree $1; pages 1; guests 5")
    found = speedscope(done.path)
    totals = {frame: number(own) for frame, (_, own) in found.items()
              if number(own) > 0}
    lines = Counter()
    for frame, own in totals.items():
        lines[frame.rpartition(" ")[2]] += own
    assert lines == done.by_line()
    assert number(found["guests"][0]) == done.live()[1] - 200 - 8192


def test_speedscope_has_commands_one_behind_the_other(of):
    done = of("chrome", "kmalloc 100; guests 5; guests leave; kfree $1")
    found = speedscope(done.path)
    assert {name: float(total) for name, (total, _) in found.items()} == {
        "kmalloc-1": 1.0, "guests-2": 10.0, "guests-3": 10.0, "kfree-4": 1.0}


def pprof(*arguments):
    """Lines of google-pprof --text: name -> number; and their total."""
    head, *lines = [line for line in tool("google-pprof", "--text", *arguments).splitlines()
                    if not line.startswith("Using ")]
    rows = (line.split(maxsplit=5) for line in lines)
    total, = re.fullmatch(r"Total: (-?\d+) objects", head).groups()
    return {name: int(own) for own, *_, name in rows}, int(total)


def test_pprof_counts_objects_by_line_with_what_was_inlined(of, elf):
    done = of("pprof", "kmalloc 100; kmalloc 200; guests 5")
    rows, total = pprof("--inuse_objects", "--lines", elf, done.path)
    assert total == done.live()[0] == 12
    assert rows[f"cmd_kmalloc ./{KMALLOC}"] == 2


def test_pprof_takes_one_run_from_another(export, of, elf, tmp_path):
    before = of("pprof", "kmalloc 100; kmalloc 200; guests 5").path.rename(tmp_path / "base")
    after = of("pprof", "kmalloc 100; kmalloc 200; kmalloc 300; guests 5; pages 1").path
    rows, total = pprof("--inuse_objects", "--lines", f"--base={before}", elf, after)
    assert total == 2
    assert {name: count for name, count in rows.items() if count} == {
        f"cmd_kmalloc ./{KMALLOC}": 1, f"take_pages ./{PAGES}": 1}


# ---- over time ---------------------------------------------------------------------------

def test_ms_print_draws_it_and_names_the_lines(of):
    done = of("massif")
    text = tool("ms_print", done.path)
    rows = [list(map(number, row.split())) for row in
            re.findall(r"^ *(\d+(?: +[\d,]+){5})$", text, re.M)]
    assert rows[-1][3] == done.live()[1]
    assert max(row[2] for row in rows) in [row[2] for row in rows if
                                           f"{row[0]} (peak)" in text]
    last = text.rpartition("-" * 80)[2]
    for place, count in done.by_line().items():
        if count > done.live()[1] // 100:
            assert re.search(rf"\({count:,}B\) 0x\w+: \w+ \({place}\)", last), place


def test_dh_view_takes_it_and_has_lifetimes(of):
    done = of("dhat", "kmalloc 100; kmalloc 200; kmalloc 300; kfree $1; kfree $3")
    folder = next(folder for folder in VALGRIND if (Path(folder) / "dh_view.html").exists())
    text = " ".join(page("dhat", folder, done.path))
    assert re.search(r" 600 bytes \(100%, .* avg size 200 bytes, avg lifetime 3 events ",
                     text)
    assert re.search(r"At t-gmax: +600 bytes \(100%\) in 3 blocks", text)
    assert re.search(r"At t-end: +200 bytes \(100%\) in 1 blocks", text)
    assert f": cmd_kmalloc ({KMALLOC})" in text


def test_heaptrack_print_counts_calls_and_what_leaked(of):
    done = of("heaptrack")
    text = tool("heaptrack_print", "--print-leaks", "1", done.path)
    meminfo = done.row("kmallocs")
    calls = int(re.search(r"^calls to allocation functions: (\d+)", text, re.M)[1])
    assert calls >= meminfo["kmallocs"]
    bytes_ = done.live()[1]
    assert f"total memory leaked: {bytes_ / 1000:.2f}K" in text
    assert re.search(rf"8\.19K leaked over 1 calls from\n\w+\n +at {PAGES}", text)


@pytest.mark.parametrize("form, command", [
    ("trace", ["trace-cmd", "report", "-i"]), ("massif", ["ms_print"]),
    ("heaptrack", ["heaptrack_print"])])
def test_a_run_without_allocations_is_no_error(of, form, command):
    tool(*command, of(form, "uptime").path)
