"""Fixtures: what GDB looks at."""
import platform
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from debugger import ROOT, marbles  # noqa: E402

# 32-bit programs run on x86 only, as in the Makefile.
BITS = ["64", "32"] if platform.machine() in ("x86_64", "i686") else ["64"]


def made(name, bits):
    program = f"build/hosted/gdb/{name}{bits}"
    marbles.make(program)
    return ROOT / program


@pytest.fixture(scope="session", params=BITS)
def heaps(request):
    """The program that makes random heaps, of both sizes."""
    return made("heaps", request.param)


@pytest.fixture(scope="session", params=BITS)
def graphs(request):
    """The same of random graphs."""
    return made("graphs", request.param)


@pytest.fixture(scope="session")
def elf():
    marbles.make("all")
    return ROOT / "build/marbles.elf"
