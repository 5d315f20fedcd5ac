"""Fixtures: runs, as make export makes them; and what reads their files (readers.py)."""
import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "qemu")]
from marbles import GDB, QEMU, ROOT, environment, make, site  # noqa: E402

FORMATS = ["trace", "folded", "pprof", "massif", "dhat", "heaptrack", "chrome"]
ADDR2LINE = os.environ.get("ADDR2LINE", "addr2line")


# Objects that stay and that go, pages, krealloc in place and not, 1,500 events in all: half
# as many again as the ring keeps; and behind them what the kernel says.
WORK = "kmalloc 100; kmalloc 200; kfree $1; pages 1; guests 50; guests leave; " \
       "stress 1000; guests 7"
SAID = "; meminfo -j; leaks -j"
KMALLOC = site("kernel/memory/cmd_alloc.c", r"= kmalloc\(")


class Exported:
    """A run that has ended: what was said, and its file."""

    def __init__(self, done, path):
        self.status, self.stderr, self.path = done.returncode, done.stderr, path
        *self.lines, self.last = done.stdout.splitlines() or [""]
        self.rows = [json.loads(line) for line in self.lines if line.startswith("{")]

    def row(self, key):
        """The last with this key."""
        return [row for row in self.rows if key in row][-1]

    # What it says behind SAID.

    def live(self):
        """Objects and bytes."""
        return self.row("summary")["objects"], self.row("summary")["bytes"]

    def by_line(self):
        """site -> live bytes."""
        found = Counter()
        for row in self.rows:
            if "kind" in row:
                found[row["site"]] += row["bytes"]
        return found

    def events(self):
        """How many, as the last line has it."""
        return int(re.search(r": ([\d,]+) events?; ", self.last)[1].replace(",", ""))


@pytest.fixture(scope="session")
def elf():
    make("all")
    return ROOT / "build/marbles.elf"


def machine_of(elf, memory):
    return [QEMU, "-accel", "tcg", "-m", memory, "-display", "none", "-net", "none",
            "-device", "isa-debug-exit,iobase=0xf4,iosize=4", "-kernel", str(elf)]


@pytest.fixture
def export(elf, tmp_path):
    """export(FORMAT, COMMANDS): the script behind make export, which passes its status."""
    def run(form, commands, memory="64M", kernel=None, **variables):
        path = tmp_path / form
        done = subprocess.run(
            [sys.executable, HERE / "export.py", GDB, ADDR2LINE,
             *machine_of(kernel or elf, memory)],
            cwd=ROOT, capture_output=True, text=True, timeout=120,
            env={**environment(), "MARBLES_CMDS": commands, "MARBLES_FORMAT": form,
                 "MARBLES_OUT": str(path), "MARBLES_CMDLINE": "", **variables})
        return Exported(done, path)
    return run


@pytest.fixture
def of(export):
    """of(FORMAT): a run without any problem, with SAID behind it."""
    def run(form, work=WORK, **options):
        done = export(form, work + SAID, **options)
        assert (done.status, done.stderr) == (0, ""), done.stderr
        return done
    return run
