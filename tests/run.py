#!/usr/bin/env python3
"""run.py MAKE SUITE... - run all suites, and add up.

A SUITE is

    check            `make check`, which prints TAP
    tests/qemu       a folder: pytest
    build/hosted/... a program made by make, which prints TAP

Programs and then GDB run beside the others, and are told last.  One line a suite;
of a suite that fails, all it has printed.  The last line is
"N passed, N failed", and the status is 1 if anything failed.  A suite that cannot be
built or run, that dies on the way, or that has no test in it is a failure as well.
"""

import os
import re
import subprocess
import sys
import xml.etree.ElementTree
from concurrent.futures import ThreadPoolExecutor

# What a make around us has set is not meant for the suites.
INHERITED = re.compile(r"MAKE|MFLAGS|GNUMAKEFLAGS|MARBLES_|LAB$|CMDLINE$|CMDS$|MEM$|"
                       r"QEMUFLAGS$|GDBFLAGS$|SECONDS$")
ENVIRONMENT = {name: value for name, value in os.environ.items()
               if not INHERITED.match(name)}
# Runs beside the others, behind the programs: two lanes of about the same length.
BESIDE = "tests/gdb"
JOBS = f"-j{os.cpu_count() or 1}"


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


def run_pytest(folder):
    """Its output is shown as it comes: these tests take longest."""
    report = f"build/pytest-{folder.replace('/', '-')}.xml"
    if os.path.exists(report):
        os.remove(report)
    status = subprocess.run([sys.executable, "-m", "pytest", "-q", "--no-header",
                             "-p", "no:cacheprovider", f"--junitxml={report}", folder],
                            env={**ENVIRONMENT, "PYTHONDONTWRITEBYTECODE": "1"},
                            stdin=subprocess.DEVNULL).returncode
    try:
        suite = xml.etree.ElementTree.parse(report).getroot().find("testsuite")
    except (OSError, xml.etree.ElementTree.ParseError):
        return 0, 1, f"pytest ended with {status} and left no report\n"
    tests, skipped, bad = (int(suite.get(key)) for key in
                           ("tests", "skipped", "failures"))
    bad += int(suite.get("errors"))
    passed = max(tests - skipped - bad, 0)
    if bad == 0 and (status != 0 or passed == 0):
        bad = 1
    return passed, bad, f"pytest {folder} ended with {status}\n"


def run_suite(make, suite):
    if suite == "check":
        return run_check(make)
    if suite.startswith("build/"):
        return run_program(make, suite)
    return run_pytest(suite)


def main():
    make, suites = sys.argv[1], sys.argv[2:]
    programs = [suite for suite in suites if suite.startswith("build/")]
    if programs:
        run([make, "-k", JOBS, *programs])      # all at once; failures show below
    total = [0, 0]

    def tell(suite, passed, failed, output):
        total[0] += passed
        total[1] += failed
        print(f"{suite}: {passed} passed" + (f", {failed} failed" if failed else ""))
        if failed:
            print(output, end="")
        sys.stdout.flush()

    with ThreadPoolExecutor(1) as lane:
        beside = [(suite, lane.submit(run_suite, make, suite)) for suite in suites
                  if suite in programs or suite == BESIDE]
        for suite in suites:
            if suite not in programs and suite != BESIDE:
                tell(suite, *run_suite(make, suite))
        for suite, result in beside:
            tell(suite, *result.result())
    print(f"{total[0]} passed, {total[1]} failed")
    return 1 if total[1] else 0


if __name__ == "__main__":
    sys.exit(main())
