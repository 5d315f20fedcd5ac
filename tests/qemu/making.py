"""make, as tests run it: apart from a make around them, and one build at a time."""
import contextlib
import fcntl
import os
import shlex
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class MarblesError(AssertionError):
    """A step went wrong; the text has the transcript."""


def environment():
    """Of a make apart from the one that may be running us."""
    return {name: value for name, value in os.environ.items()
            if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "LAB",
                            "CMDLINE", "CMDS", "SECONDS", "MEM", "QEMUFLAGS",
                            "GDBFLAGS")}


@contextlib.contextmanager
def one_at_a_time():
    """Files of tests run beside each other (tests/run.py), and may want one kernel."""
    (ROOT / "build").mkdir(exist_ok=True)
    with open(ROOT / "build/making", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def run_make(*arguments, check=True, **options):
    options.setdefault("timeout", 300)
    done = subprocess.run(["make", "--no-print-directory", *arguments], cwd=ROOT,
                          env=environment(), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, errors="replace", **options)
    if check and done.returncode != 0:
        raise MarblesError(f"make {shlex.join(arguments)}: status {done.returncode}\n"
                           f"{done.stdout}{done.stderr}")
    return done


def make(*arguments, **options):
    """Run make in the project.  What boots a kernel with a lab, such as exec, finds it
    built: while it builds nobody else does.
    """
    with one_at_a_time():
        if arguments[0] == "all" or arguments[0].startswith("build/"):
            return run_make(*arguments, **options)
        labs = [word for word in arguments if word.startswith("LAB=")]
        if labs:
            run_make("all", *labs, check=False)
    return run_make(*arguments, **options)
