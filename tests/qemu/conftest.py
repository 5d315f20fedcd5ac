"""Fixtures: kernels are built once, machines that no test harms are shared."""
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from marbles import OUT, ROOT, SAN, Machine, make  # noqa: E402
from sanitized import is_left_out  # noqa: E402

LABS = sorted((ROOT / "tests/labs").glob("*.c"))


@pytest.fixture(scope="session")
def elf():
    """The kernel as students have it."""
    make("all")
    return OUT / "marbles.elf"


@pytest.fixture(scope="session")
def lab_elf():
    """The kernel with all of tests/labs in it."""
    return build_with(LABS)


def build_with(labs, *options):
    """Build a kernel with these labs; its path, as make says it."""
    said = make("all", f"LAB={' '.join(str(lab) for lab in labs)}", *options).stdout
    return ROOT / said.split()[-1]


@pytest.fixture(scope="session")
def lists_elf():
    """The kernel with lists.c alone in it."""
    return build_with([ROOT / "tests/labs/lists.c"])


@pytest.fixture
def lists(lists_elf):
    with Machine(lists_elf) as machine:
        yield machine


@pytest.fixture
def boot(elf):
    """boot(memory=..., cmdline=...): a machine of one's own."""
    machines = []

    def start(kernel=None, **options):
        machine = Machine(kernel or elf, **options)
        machines.append(machine)
        return machine

    yield start
    for machine in machines:
        machine.close()


@pytest.fixture(scope="module")
def shared(elf):
    """One machine for all tests of a module that ask for it."""
    with Machine(elf) as machine:
        yield machine


@pytest.fixture
def machine(shared):
    """The shared machine; each test must leave the heap as it found it."""
    Machine.booted.append(shared)
    if not shared.qemu.isalive():
        pytest.fail("an earlier test of this module ended the shared machine")
    return shared


@pytest.fixture(scope="module")
def shared_lab(lab_elf):
    with Machine(lab_elf) as machine:
        yield machine


@pytest.fixture
def lab(shared_lab):
    """The shared machine with the labs in it."""
    Machine.booted.append(shared_lab)
    return shared_lab


def pytest_collection_modifyitems(config, items):
    """With SAN=1 some tests are not for such a kernel: sanitized.py."""
    left_out = [item for item in items if SAN and is_left_out(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


# ---- what a failure says --------------------------------------------------------

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    Machine.booted.clear()



@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.when != "call" or not report.failed:
        return
    report.sections.append(("repeat with",
        f"/usr/bin/python3 -m pytest '{item.nodeid}'"))
    if "---- transcript" not in str(call.excinfo.value):
        for number, machine in enumerate(dict.fromkeys(Machine.booted)):
            report.sections.append((f"machine {number}", machine.transcript()))
