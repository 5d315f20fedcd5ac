#!/usr/bin/env python3
"""run.py MAKE SUITE... - run all suites, and add up.

A SUITE is

    check            `make check`, which prints TAP
    tests/qemu       a folder, or a file: pytest; of a folder each test_*.py is a suite
    build/hosted/... a program made by make, which prints TAP

Two suites run at a time, the longest first; no more, for a test waits for a machine's
own seconds, and wants a processor for it.  One line a suite, as it ends;
of a suite that fails, all it has printed.  The last line is
"N passed, N failed", and the status is 1 if anything failed.  A suite that cannot be
built or run, that dies on the way, or that has no test in it is a failure as well.
"""

import os
import re
import subprocess
import sys
import threading
import xml.etree.ElementTree
from pathlib import Path

# What a make around us has set is not meant for the suites.
INHERITED = re.compile(r"MAKE|MFLAGS|GNUMAKEFLAGS|MARBLES_|LAB$|CMDLINE$|CMDS$|MEM$|"
                       r"QEMUFLAGS$|GDBFLAGS$|SECONDS$")
ENVIRONMENT = {name: value for name, value in os.environ.items()
               if not INHERITED.match(name)}
AT_ONCE = min(os.cpu_count() or 1, 2)
JOBS = f"-j{os.cpu_count() or 1}"
# These take a minute or more, in this order; the others come behind them as they stand.
LONG = """
tests/grade/test_grade.py tests/qemu/test_noise.py tests/qemu/test_hurt.py
tests/qemu/test_leaks.py tests/qemu/test_tell.py
tests/qemu/test_crash.py tests/gdb/test_qemu.py build/hosted/64/test_model
tests/qemu/test_exec.py tests/qemu/test_labs.py build/hosted/64/test_abandoned
build/hosted/32/test_model build/hosted/64/test_scan tests/qemu/test_iso.py
tests/gdb/test_gdb.py tests/qemu/test_protect.py
tests/qemu/test_memory.py build/hosted/32/test_abandoned tests/qemu/test_faults.py
""".split()
# Sessions of `make gdb` and `make dump` leave their console and their dump where the next
# one does: one of these files at a time.
SESSIONS = {"tests/gdb/test_gdb.py", "tests/gdb/test_qemu.py", "tests/qemu/test_exec.py",
            "tests/qemu/test_labs.py"}


def run(command, **options):
    """Run a command; its status (negative: killed by a signal) and its output."""
    done = subprocess.run(command, env={**ENVIRONMENT, **options}, text=True,
                          errors="replace", stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def count_tap(status, output):
    """Passed and failed: every test that was announced and is not ok has failed."""
    announced = sum(int(n) for n in re.findall(r"^1\.\.(\d+)", output, re.M))
    passed = len(re.findall(r"^ok\b", output, re.M))
    failed = max(announced - passed, len(re.findall(r"^not ok\b", output, re.M)))
    if failed == 0 and (status != 0 or passed == 0):
        failed = 1
    return passed, failed


def run_check(make):
    status, output = run([make, "--no-print-directory", "check"])
    return *count_tap(status, output), output


def run_program(make, program):
    status, output = run([make, "--no-print-directory", program])
    if status != 0:
        return 0, 1, output
    status, output = run([program], CMOCKA_MESSAGE_OUTPUT="TAP")
    if status < 0:
        output += f"killed by signal {-status}\n"
    return *count_tap(status, output), f"{output}to repeat: {program}\n"


def run_pytest(path):
    report = f"build/pytest-{re.sub('[/.]', '-', path)}.xml"
    if os.path.exists(report):
        os.remove(report)
    status, output = run([sys.executable, "-m", "pytest", "-q", "--no-header", "-p",
                          "no:cacheprovider", f"--junitxml={report}", path],
                         PYTHONDONTWRITEBYTECODE="1")
    try:
        suite = xml.etree.ElementTree.parse(report).getroot().find("testsuite")
    except (OSError, xml.etree.ElementTree.ParseError):
        return 0, 1, f"{output}pytest ended with {status} and left no report\n"
    tests, skipped, bad = (int(suite.get(key)) for key in
                           ("tests", "skipped", "failures"))
    bad += int(suite.get("errors"))
    passed = max(tests - skipped - bad, 0)
    if bad == 0 and (status != 0 or passed == 0):
        bad = 1
    return passed, bad, f"{output}pytest {path} ended with {status}\n"


def run_suite(make, suite):
    if suite == "check":
        return run_check(make)
    if suite.startswith("build/"):
        return run_program(make, suite)
    return run_pytest(suite)


class Queue:
    """Suites that are to run: the longest first, of SESSIONS one at a time."""

    def __init__(self, suites):
        self.waiting = sorted(suites, key=lambda suite: LONG.index(suite)
                              if suite in LONG else len(LONG))
        self.session = threading.Lock()     # held while one of SESSIONS runs
        self.changes = threading.Lock()

    def take(self):
        """The next one, or None: what is left is for whoever runs a session."""
        with self.changes:
            for suite in self.waiting:
                if suite not in SESSIONS or self.session.acquire(blocking=False):
                    self.waiting.remove(suite)
                    return suite
        return None

    def ended(self, suite):
        if suite in SESSIONS:
            self.session.release()


class Sum:
    """What has passed and failed, told suite by suite."""

    def __init__(self):
        self.passed = self.failed = 0
        self.telling = threading.Lock()

    def tell(self, suite, passed, failed, output):
        with self.telling:
            self.passed += passed
            self.failed += failed
            print(f"{suite}: {passed} passed" + (f", {failed} failed" if failed else ""))
            if failed:
                print(output, end="")
            sys.stdout.flush()


def work(make, queue, total):
    """Suite after suite.  An error of this program is a failure of the suite."""
    while suite := queue.take():
        try:
            total.tell(suite, *run_suite(make, suite))
        except Exception as error:
            total.tell(suite, 0, 1, f"{error!r}\n")
        queue.ended(suite)


def files(suite):
    """Of a folder its test_*.py."""
    if not os.path.isdir(suite):
        return [suite]
    return sorted(str(path) for path in Path(suite).glob("test_*.py")) or [suite]


def main():
    make, suites = sys.argv[1], sum(map(files, sys.argv[2:]), [])
    programs = [suite for suite in suites if suite.startswith("build/")]
    if programs:                            # all at once; failures show below
        run([make, "-k", JOBS, *programs, "build/gdb/marbles.elf"])
    queue, total = Queue(suites), Sum()
    workers = [threading.Thread(target=work, args=(make, queue, total), daemon=True)
               for _ in range(AT_ONCE)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print(f"{total.passed} passed, {total.failed} failed")
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
