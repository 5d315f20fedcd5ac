"""debugger.py - GDB with the heap's commands, for the tests of this folder."""
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/qemu"))
import marbles  # noqa: E402

SCRIPT = ROOT / "mm/gdb/marbles.py"


def gdb(*commands, program, core=None, script=SCRIPT):
    """GDB's output; its stderr, which has what commands refused, comes first."""
    assert shutil.which(marbles.GDB), f"{marbles.GDB} is missing: install gdb"
    arguments = [marbles.GDB, "-nx", "-batch", "-iex", "set debuginfod enabled off",
                 "-ex", "set confirm off", "-ex", "set width 0", "-x", str(script)]
    for command in commands:
        arguments += ["-ex", command]
    arguments += [str(program)] + ([str(core)] if core else [])
    done = subprocess.run(arguments, capture_output=True, text=True, cwd=ROOT,
                          errors="replace", stdin=subprocess.DEVNULL, timeout=300)
    text = done.stderr + done.stdout
    assert "Traceback" not in text and "Python Exception" not in text, text
    return text
