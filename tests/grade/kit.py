#!/usr/bin/env python3
"""kit.py students | gradescope LESSON - Marbles as others get it: without solutions.

    students            build/marbles-students.tar.gz: all files of the last commit, but
                        solutions, and none of the history
    gradescope LESSON   build/gradescope-LESSON.zip: the same, and the two scripts that
                        Gradescope runs, once (setup.sh) and for each that is handed in
                        (run_autograder)

What was changed since the last commit is not in it, and that is said.
"""
import gzip
import io
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from grade import ROOT, Wrong, lessons

TOP = "marbles/"
LEFT_OUT = re.compile(r"tests/labs/\w+/solutions(/|$)")
TIME = (1980, 1, 1, 0, 0, 0)            # in a zip: two of one commit are the same

SETUP = """#!/bin/sh
# Once, when the image is made: what is missing, and the kernel without any lab.
set -eu
cd "$(dirname "$0")"
for tool in gcc make gdb qemu-system-i386 python3; do
    command -v $tool >/dev/null || missing=1
done
if [ "${missing:-}" ]; then
    apt-get update
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \\
        gcc libc6-dev make gdb qemu-system-x86 python3
fi
tar xzf marbles-students.tar.gz
make -j2 -C marbles
"""

RUN = """#!/bin/sh
# For each that is handed in: it is LESSON.c, and results.json says what it was worth.
home=${AUTOGRADER:-/autograder}
lab=$home/submission/LESSON.c
results=$home/results/results.json
mkdir -p "$home/results"

# give_up WHY: no points, and a sentence.
give_up() {
    printf '{"score": 0, "output": "%s"}\\n' "$1" >"$results"
    exit 0
}

[ -f "$lab" ] || give_up "There is no file LESSON.c: hand in one of that name."
cd "$home/source/marbles" || give_up "The grader was not set up: tell your teacher."
make --no-print-directory grade LAB="$lab" LESSON=LESSON FORMAT=gradescope >"$results"
[ -s "$results" ] || give_up "The grader itself has failed: tell your teacher."
"""


def git(*words):
    try:
        done = subprocess.run(["git", "-C", ROOT, *words], capture_output=True)
    except OSError as error:
        raise Wrong(f"git: {error.strerror}", 127) from None
    if done.returncode != 0:
        raise Wrong(f"git {words[0]}: {done.stderr.decode().strip()}", 127)
    return done.stdout


def kit():
    """The archive, and the names of what is in it and of what is not."""
    whole = tarfile.open(fileobj=io.BytesIO(git("archive", "--format=tar", "HEAD")))
    raw, taken, left = io.BytesIO(), [], []
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for member in whole:
            if LEFT_OUT.match(member.name):
                left += [member.name] * member.isfile()
                continue
            taken += [member.name] * member.isfile()
            content = whole.extractfile(member) if member.isfile() else None
            member.name = TOP + member.name
            member.pax_headers = {}             # git's has the commit in it
            archive.addfile(member, content)
    return gzip.compress(raw.getvalue(), mtime=0), taken, left


def tell(path, taken, left):
    labs = [lesson for lesson in lessons()
            if f"tests/labs/{lesson}/{lesson}.lab" in taken]
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1024} kB, "
          f"{len(taken)} files of the last commit\n  labs: {', '.join(labs)}\n"
          f"  left out: {len(left)} solutions, and the history")
    changed = git("status", "--porcelain").decode().splitlines()
    if changed:
        print(f"kit: not in it is what was changed since: {len(changed)} files, such as "
              f"{changed[0][3:]}", file=sys.stderr)


def students():
    path = ROOT / "build/marbles-students.tar.gz"
    path.parent.mkdir(exist_ok=True)
    data, taken, left = kit()
    path.write_bytes(data)
    tell(path, taken, left)


def add(archive, name, data, mode):
    info = zipfile.ZipInfo(name, TIME)
    info.external_attr = mode << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(info, data)


def gradescope(lesson):
    if lesson not in lessons():
        raise Wrong(f'LESSON: "{lesson}" is none of {", ".join(lessons())}')
    path = ROOT / f"build/gradescope-{lesson}.zip"
    path.parent.mkdir(exist_ok=True)
    data, taken, left = kit()
    if f"tests/labs/{lesson}/{lesson}.lab" not in taken:
        raise Wrong(f"tests/labs/{lesson} is in no commit yet")
    with zipfile.ZipFile(path, "w") as archive:
        add(archive, "setup.sh", SETUP, 0o755)
        add(archive, "run_autograder", RUN.replace("LESSON.c", f"{lesson}.c")
            .replace("LESSON=LESSON", f"LESSON={lesson}"), 0o755)
        add(archive, "marbles-students.tar.gz", data, 0o644)
    tell(path, taken, left)
    print(f"  Gradescope: Configure Autograder, this zip; handed in is {lesson}.c")


if __name__ == "__main__":
    os.chdir(ROOT)
    try:
        what, *rest = sys.argv[1:]
        {"students": students, "gradescope": gradescope}[what](*rest)
    except Wrong as wrong:
        print(f"kit: {wrong}", file=sys.stderr)
        sys.exit(wrong.status)
