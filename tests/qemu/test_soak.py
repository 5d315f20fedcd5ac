"""make soak-qemu: the robot's steps leave all whole, a seed repeats exactly, and what is
wrong is said."""
import os
import subprocess
import sys

import pytest
from conftest import build_with
from marbles import QEMU, ROOT

LABS = [ROOT / "tests/labs" / name for name in
        ("soak.c", "bag.c", "inject.c", "faults.c", "hang.c")]


@pytest.fixture(scope="module")
def soak_elf():
    return build_with(LABS)


def soak(elf, log, seed=1, steps=40, parameters="", commands=""):
    """Its status, and what it says."""
    machine = [QEMU, "-accel", "tcg", "-m", "64M", "-display", "none", "-net", "none",
               "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
               "-device", "ib700", "-action", "watchdog=inject-nmi", "-kernel", str(elf)]
    done = subprocess.run(
        [sys.executable, ROOT / "tests/qemu/soak.py", log, *machine], text=True,
        env={**os.environ, "MARBLES_SEED": str(seed), "MARBLES_STEPS": str(steps),
             "MARBLES_CMDLINE": parameters, "MARBLES_CMDS": commands},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def test_a_seed_repeats_exactly_and_all_is_whole(soak_elf, tmp_path):
    logs = []
    for name in "first", "again":
        status, said = soak(soak_elf, tmp_path / name)
        assert status == 0, said
        assert said.startswith("soak: 40 steps in "), said
        logs.append((tmp_path / name).read_bytes())
    assert logs[0] == logs[1]
    assert b"soak: 40 steps, and all is whole" in logs[0]
    assert b" has ended by this fault, status 5" in logs[0]


def test_another_seed_types_something_else(soak_elf, tmp_path):
    for seed in 1, 2:
        assert soak(soak_elf, tmp_path / str(seed), seed, steps=3)[0] == 0
    assert (tmp_path / "1").read_bytes() != (tmp_path / "2").read_bytes()


def test_a_kernel_that_stops_is_a_failure_that_can_be_repeated(soak_elf, tmp_path):
    """At the first fault, here."""
    status, said = soak(soak_elf, tmp_path / "log", parameters="panic_on_oops=1")
    assert status == 1
    assert ": the kernel stopped; in " in said
    assert "The kernel has stopped" in said or "called from:" in said
    assert "again: make soak-qemu SEED=1 STEPS=" in said


def test_what_is_not_given_back_is_a_failure(soak_elf, tmp_path):
    """Something that was live before, and is missed when all is given back."""
    log = tmp_path / "log"
    status, said = soak(soak_elf, log, commands="kmalloc 100")
    assert status == 1, said
    assert b"FAILED: not as much is live as at first" in log.read_bytes()


@pytest.mark.parametrize("seed", ["0", "x"])
def test_a_seed_that_cannot_be_is_refused(soak_elf, tmp_path, seed):
    status, said = soak(soak_elf, tmp_path / "log", seed)
    assert status == 2 and said.startswith("soak: SEED: "), said
