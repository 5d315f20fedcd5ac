"""listing.py - what is live behind some commands: a boot of its own, and leaks list -j.

    listing.objects("sure", machine, cmds, cmdline)     serial -> row

A listing is what stands behind the last mark, up to its summary: the commands may have
printed some of their own.
"""
import json
import os
import subprocess
import sys
from pathlib import Path

EXEC = Path(__file__).resolve().parent / "exec.py"
LAST_STATUS = 63                # of commands; above: exec.py's own


def end(who, why):
    """Of `make who`, which cannot be: one line, and status 1."""
    print(f"make {who}: {why}")
    sys.exit(1)


def row_of(line):
    """Of a listing, as JSON; else {}."""
    try:
        row = json.loads(line)
    except ValueError:
        return {}
    return row if isinstance(row, dict) else {}


def listed(who, output):
    """The rows of the listing behind the last mark."""
    rows = [row_of(line) for line in output.splitlines()]
    begin = max((n for n, row in enumerate(rows) if "mark" in row), default=0)
    found = []
    for row in rows[begin:]:
        if "error" in row:
            end(who, row["error"])
        elif "last_seen" in row:
            found.append(row)
        elif "summary" in row and row["objects"] == len(found):
            return found
    end(who, "the listing did not come to its end: it needs more time, SECONDS=180")


def objects(who, machine, cmds, cmdline):
    """serial -> row of leaks list -j, behind the commands, with these parameters."""
    done = subprocess.run(
        [sys.executable, EXEC, *machine], text=True, errors="replace",
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        env={**os.environ, "MARBLES_CMDS": f"{cmds}\nleaks mark -j\nleaks list -j",
             "MARBLES_CMDLINE": cmdline})
    if done.returncode > LAST_STATUS:
        sys.exit(done.returncode)
    return {row["serial"]: row for row in listed(who, done.stdout)}


def is_lost(row):
    return row["kind"] in ("definite", "indirect")
