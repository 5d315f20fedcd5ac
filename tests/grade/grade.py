#!/usr/bin/env python3
"""grade.py LESSON LAB... -- MAKE GDB QEMU AND ITS OPTIONS - build, boot, judge, tell.

    lab file --> build --> for each test: boot, run, dump --> one GDB, all dumps
    labfile.py             boot.py, two at a time             look.py
                                                    --> verdicts --> text
                                                        judge.py     formats.py

A test has a machine of its own, so that none suffers from what another has left.  The
form comes from MARBLES_FORMAT.  The status is 0 with all points, 1 if some are missing,
2 for what cannot be: no such lesson, a lab file that is wrong; 127 if a tool is not to
be had.
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import formats
import judge
import labfile

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LABS = ROOT / "tests/labs"
AT_ONCE = 2
NO_SCREEN = ["-vga", "none"]    # whose 16 MB would be in each dump
NO_COMPILE, NO_TOOL, USAGE = 126, 127, 2
COMPILER_SAYS = re.compile(r"^(.+?):(\d+):(?:\d+:)? (?:fatal )?error: (.*)$", re.M)
COMMAND_TWICE = re.compile(r"multiple definition of .shell_command_(\w+)'.*")
LINKER_SAYS = re.compile(r"^.*?([^\s:()]+\.c):(\d+): (undefined reference.*|multiple "
                         r"definition.*|there is a command .*)$", re.M)


def complaint(parameters, printed):
    """What the kernel says of a parameter that it does not take, before all else."""
    names = [word.partition("=")[0] for word in parameters.split()]
    first = printed.partition("\n")[0]
    return first if first.startswith(tuple(name + end for name in names
                                           for end in ":=")) else ""


class Wrong(Exception):
    """One line, and the status to end with."""

    def __init__(self, why, status=USAGE):
        super().__init__(why)
        self.status = status


class Grading:
    """One lab, by one lesson."""

    def __init__(self, lab, files, make, gdb, machine):
        self.lab, self.files = lab, files
        self.make, self.gdb, self.machine = make, gdb, machine
        self.started, self.verdicts = time.monotonic(), []
        self.problem = ""           # it does not compile: what was said
        self.problem_at = None      # and where
        self.seconds = 0.0

    @property
    def score(self):
        return sum(verdict.score for verdict in self.verdicts)

    @property
    def first_failure(self):
        return next((v for v in self.verdicts if not v.passed), None)

    # ---- building --------------------------------------------------------------------

    def build(self):
        """The kernel, or None: the lab is no C, and `problem` says why."""
        done = subprocess.run([*self.make.split(), "--no-print-directory", "all",
                               "LAB=" + " ".join(self.files + self.lab.files)],
                              cwd=ROOT, capture_output=True, text=True,
                              errors="replace")
        if done.returncode == 0:
            return done.stdout.split()[-1]
        if f"Error {NO_COMPILE}" not in done.stderr:
            raise Wrong(f"the kernel cannot be built:\n{done.stderr.strip()}", NO_TOOL)
        said = [line for line in done.stderr.splitlines()
                if not line.startswith("make")]
        self.problem = COMMAND_TWICE.sub(r"there is a command \1 already", "\n".join(said))
        found = COMPILER_SAYS.search(self.problem) or LINKER_SAYS.search(self.problem)
        self.problem_at = (self.files[0], 1, "it does not link")
        if found:
            at = judge.place_in(f"{found[1]}:{found[2]}", self.files) or (found[1], 0)
            self.problem_at = (at[0], int(found[2]), found[3])
        return None

    # ---- running ---------------------------------------------------------------------

    def command(self, test, elf, core):
        counting = ["-icount", "shift=0"] if test.functions else []
        return [sys.executable, HERE / "boot.py", str(self.lab.seconds), core,
                *self.machine, "-m", self.lab.memory, *NO_SCREEN, *counting,
                "-kernel", elf]

    def boot(self, test, elf, core):
        """An Outcome without facts."""
        parameters = test.parameters
        if test.functions:
            parameters += (" ftrace=function_graph "
                           f"ftrace_filter={','.join(test.functions)}")
        started = time.monotonic()
        done = subprocess.run(
            self.command(test, elf, core), cwd=ROOT, capture_output=True,
            env={**os.environ, "MARBLES_CMDS": "\n".join(test.commands),
                 "MARBLES_CMDLINE": parameters.strip(), "MARBLES_QEMUFLAGS": ""})
        why = done.stderr.decode(errors="replace").strip().removeprefix("boot: ")
        if done.returncode == USAGE:
            raise Wrong(f"{self.lab.path}:{test.line}: {why}")
        if done.returncode not in (0, *judge.WHAT_IT_WAS):
            raise Wrong(f"boot: {why or f'status {done.returncode}'}", NO_TOOL)
        printed = done.stdout.decode(errors="replace")
        if complaint(test.parameters, printed):
            raise Wrong(f"{self.lab.path}:{test.line}: test {test.name}: "
                        + complaint(test.parameters, printed))
        return judge.Outcome(done.returncode, why, printed, time.monotonic() - started)

    def look(self, elf, looked_at):
        """Have GDB read the dumps: [(outcome, core, test)]."""
        cores = json.dumps([(core, test.functions) for _, core, test in looked_at])
        done = subprocess.run(
            [*self.gdb.split(), "-nx", "-batch", elf, "-x", "mm/gdb/marbles.py", "-x",
             HERE / "look.py"], cwd=ROOT, capture_output=True, text=True,
            errors="replace", env={**os.environ, "MARBLES_CORES": cores})
        try:
            found = json.loads(done.stdout.splitlines()[-1])
        except (ValueError, IndexError):
            raise Wrong(f"{self.gdb}: {done.stderr.strip()}", NO_TOOL) from None
        for (outcome, _, _), facts in zip(looked_at, found):
            outcome.facts = facts

    def run(self):
        elf = self.build()
        if elf is None:
            self.verdicts = [judge.Verdict(test, None, ["it does not compile"])
                             for test in self.lab.tests]
        else:
            with tempfile.TemporaryDirectory(prefix="marbles-grade-") as folder:
                self.run_tests(elf, folder)
        self.seconds = time.monotonic() - self.started

    def run_tests(self, elf, folder):
        tests = self.lab.tests
        cores = [f"{folder}/{test.name}.core" for test in tests]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            outcomes = list(pool.map(self.boot, tests, [elf] * len(tests), cores))
        looked_at = [one for one in zip(outcomes, cores, tests) if one[0].status == 0]
        if looked_at:
            self.look(elf, looked_at)
        self.verdicts = [judge.judge(test, outcome, self.files)
                         for test, outcome in zip(tests, outcomes)]


# ---- what was asked for --------------------------------------------------------------

def lessons():
    return sorted(path.stem for path in LABS.glob("*/*.lab")
                  if path.stem == path.parent.name)


def lab_of(name):
    if not name:
        raise Wrong(f"LESSON: which lesson? one of {', '.join(lessons())}")
    if name not in lessons():
        raise Wrong(f'LESSON: "{name}" is none of {", ".join(lessons())}')
    path = (LABS / name / f"{name}.lab").relative_to(ROOT)
    try:
        return labfile.read(path, name)
    except labfile.LabError as error:
        raise Wrong(str(error)) from None


def form_of(name):
    if name not in formats.ALL:
        raise Wrong(f'FORMAT: "{name}" is none of {", ".join(formats.ALL)}')
    return formats.ALL[name]


def main():
    ours, rest = sys.argv[1:sys.argv.index("--")], sys.argv[sys.argv.index("--") + 1:]
    lesson, *files = ours or [""]
    write = form_of(os.environ.get("MARBLES_FORMAT") or "text")
    lab = lab_of(lesson)
    if not files:
        raise Wrong("LAB: which file? make grade LAB=mine.c LESSON=" + lesson)
    make, gdb, *machine = rest
    grading = Grading(lab, files, make, gdb, machine)
    grading.run()
    told = write(grading)
    if told:
        print(told)
    return 1 if grading.first_failure else 0


if __name__ == "__main__":
    os.chdir(ROOT)
    try:
        sys.exit(main())
    except Wrong as wrong:
        print(f"grade: {wrong}", file=sys.stderr)
        sys.exit(wrong.status)
