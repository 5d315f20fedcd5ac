#!/usr/bin/env python3
"""coverage.py GCOV FOLDER PROGRAM... - what of mm/ do the tests run?

FOLDER has the objects of mm, compiled by GCC with --coverage, and the PROGRAMs, linked
with them.  All programs are run, then GCOV is asked.  Printed is how many lines and
branches of each file were run, and then every line that was not, or that always went
the same way.  A condition has two branches: `if (a && b)` has two conditions and four.

Of functions in headers, what any file runs of its own copy is counted.
"""
import collections
import concurrent.futures
import json
import pathlib
import subprocess
import sys


class File:
    """How often each line was run, and each of its branches taken."""

    def __init__(self):
        self.lines = collections.Counter()
        self.branches = collections.defaultdict(collections.Counter)

    def add(self, line):
        number = line["line_number"]
        self.lines[number] += line["count"]
        for i, branch in enumerate(line["branches"]):
            self.branches[number][line.get("function_name"), i] += branch["count"]

    def all_branches(self):
        return [count for line in self.branches.values() for count in line.values()]


def run(program):
    done = subprocess.run([program], stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return f"{done.stdout}{program} failed\n" if done.returncode else ""


def read(gcov, counts):
    """What gcov knows of the files in mm/, by name."""
    files = collections.defaultdict(File)
    out = subprocess.run([gcov, "--json-format", "--branch-probabilities", "--stdout",
                          *counts], check=True, stdout=subprocess.PIPE, text=True)
    for part in out.stdout.splitlines():
        for file in json.loads(part)["files"]:
            if file["file"].startswith("mm/"):
                for line in file["lines"]:
                    files[file["file"]].add(line)
    return sorted(files.items())


def share(counts):
    counts = list(counts)
    ran = sum(count > 0 for count in counts)
    percent = 100 * ran / len(counts) if counts else 100
    return f"{ran:5} of {len(counts):4} {percent:6.1f} %"


def print_table(files):
    print(f"{'':18}{'lines':>21}{'branches':>23}")
    lines, branches = [], []
    for name, file in files:
        print(f"{name:18}{share(file.lines.values())}  {share(file.all_branches())}")
        lines += file.lines.values()
        branches += file.all_branches()
    print(f"{'all':18}{share(lines)}  {share(branches)}\n")


def one_way(line, branches):
    """In words, which conditions of a line were not seen both true and false."""
    if line.startswith("switch"):
        return [f"case {i + 1} of {len(branches)} never comes"
                for i, count in enumerate(branches) if count == 0]
    pairs = list(zip(branches[::2], branches[1::2]))
    return [f"condition {i + 1} of {len(pairs)} is "
            + ("always the same" if any(pair) else "never reached")
            for i, pair in enumerate(pairs) if not all(pair)]


def print_what_is_missing(name, file):
    text = pathlib.Path(name).read_text().splitlines()
    for number, count in sorted(file.lines.items()):
        line = text[number - 1].strip()
        branches = list(file.branches[number].values())
        for words in one_way(line, branches) if count else ["never run"]:
            print(f"{name}:{number}: {words}: {line}")


def main():
    gcov, folder, *programs = sys.argv[1:]
    for old in pathlib.Path(folder).glob("mm/**/*.gcda"):
        old.unlink()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        failures = "".join(pool.map(run, programs))
    if failures:
        sys.exit(failures)
    files = read(gcov, map(str, pathlib.Path(folder).glob("mm/**/*.gcda")))
    print_table(files)
    for name, file in files:
        print_what_is_missing(name, file)


if __name__ == "__main__":
    main()
