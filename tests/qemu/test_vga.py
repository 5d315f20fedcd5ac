"""The screen shows what the serial line says, where there is a screen with text."""
import re
import subprocess

import pytest
from marbles import BACKSPACE, CTRL_U, QEMU
from qmp import COLUMNS, ROWS, Monitor


class Terminal:
    """A terminal of 80 columns and 25 rows."""

    def __init__(self, text):
        self.lines = [""] * ROWS
        self.row = self.column = 0
        self.kept = (0, 0)
        for sequence, c in re.findall(r"\x1b(\[[0-?]*[ -/]*[@-~]|[^\[])|(.)", text, re.S):
            if sequence:
                self.obey(sequence)
            elif c >= " ":
                self.print(c)
            else:
                self.control(c)

    def move(self, row, column):
        self.row = min(max(row, 0), ROWS - 1)
        self.column = min(max(column, 0), COLUMNS - 1)

    def control(self, c):
        if c == "\n" and self.row == ROWS - 1:
            self.lines = self.lines[1:] + [""]
        elif c == "\n":
            self.row += 1
        elif c == "\r":
            self.column = 0
        elif c == "\b":
            self.move(self.row, min(self.column, COLUMNS - 1) - 1)
        elif c == "\t":
            self.move(self.row, self.column // 8 * 8 + 8)

    def print(self, c):
        if self.column == COLUMNS:
            self.control("\n")
            self.column = 0
        line = f"{self.lines[self.row]:{self.column}}"
        self.lines[self.row] = line[:self.column] + c + line[self.column + 1:]
        self.column += 1

    def obey(self, sequence):
        if sequence == "7":
            self.kept = (self.row, self.column)
        elif sequence == "8":
            self.move(*self.kept)
        found = re.fullmatch(r"\[(\d*)(?:;(\d*))?([ABCDHJK])", sequence)
        if not found:
            return
        first, second = (int(found[n] or 0) for n in (1, 2))
        n, last, column = max(first, 1), found[3], min(self.column, COLUMNS - 1)
        if last in "ABCD":
            down, right = {"A": (-n, 0), "B": (n, 0), "C": (0, n), "D": (0, -n)}[last]
            self.move(self.row + down, column + right)
        elif last == "H":
            self.move(n - 1, max(second, 1) - 1)
        elif last == "J" and first == 2:
            self.lines = [""] * ROWS
        elif first == 0:
            self.column = column
            self.lines[self.row] = self.lines[self.row][:column]
            if last == "J":
                self.lines[self.row + 1:] = [""] * (ROWS - self.row - 1)


ONLY_HERE = "Keys come from the serial line, not from this keyboard.\\r\\n"


def on_the_line(machine):
    """What a terminal there shows; and what is said on the screen alone."""
    text = re.sub(r"(for what there is to do\.[\r\n]+)", r"\1" + ONLY_HERE,
                  "".join(machine.read.parts), count=1)
    return [line.rstrip() for line in Terminal(text).lines]


@pytest.fixture
def screened(boot, tmp_path):
    """screened(...): a machine and its monitor."""
    def start(*kernel, arguments=(), **options):
        machine = boot(*kernel, arguments=[*Monitor.arguments(tmp_path), *arguments],
                       **options)
        return machine, Monitor(tmp_path)
    return start


def test_the_boot_shows_on_both(screened):
    machine, monitor = screened()
    screen = monitor.screen()
    assert screen == on_the_line(machine)
    assert screen[0].startswith("Marbles") and "marbles>" in screen


@pytest.mark.parametrize("machine_type", [["-M", "q35"], ["-M", "isapc", "-cpu", "486"],
                                          ["-vga", "cirrus"], ["-vga", "vmware"]],
                         ids=" ".join)
def test_the_screen_of_this_machine_is_used(screened, machine_type):
    machine, monitor = screened(arguments=machine_type, memory="16M")
    machine.run("meminfo")
    assert monitor.screen() == on_the_line(machine)


def test_it_scrolls(screened):
    machine, monitor = screened()
    for command in ("help", "meminfo", "params", "help", "dump 0x100000 512"):
        machine.run(command)
        assert monitor.screen() == on_the_line(machine)


def test_a_line_typed_and_edited_shows_as_on_the_line(screened):
    machine, monitor = screened()
    for keys in ("memimfo", BACKSPACE * 3, "nfo", "\x1b[D\x1b[D", "x", CTRL_U,
                 "x" * 200, BACKSPACE * 3, "\x1b[D" * 20 + "y"):
        machine.send(keys)
    machine.send("\x03")
    machine.until_prompt()
    assert monitor.screen() == on_the_line(machine)


@pytest.mark.parametrize("text", [
    "one%0atwo%0a%0afour", "a%09b%09c%0a%09d", "over%0dOVER", "back%08%08CK", "%08%08x",
    "a" * 79 + "%09b", "a" * 80, "a" * 81, "a" * 80 + "%08b", "a" * 80 + "%0db",
    "a" * 160, "a" * 300, "%07bell", "%1b[1;31mred%1b[0m", "%1b[?2004hplain",
    "%1b7saved%1b8", "%1b[12;40Hx" * 5, "x%0a" * 60, ("y" * 90 + "%0a") * 30,
    "%0a" * 30 + "%09z", "w%0a" * 24 + "%08v", "abcdef%1b[3DX", "abc%1b[99DX%1b[CY",
    "one%0atwo%0athree%1b[2A up%1b[1Bdown", "%1b[99B%1b[99Cx%1b[99A%1b[99Dy",
    "gone%0dkept%1b[K", "x" * 80 + "%1b[Ky", "x" * 80 + "%1b[2Dy", "%1b[Hfirst",
    "a%0ab%0ac%1b[2A%1b[Jd", "%1b[H%1b[2Jclean", "a%1b7b%1b[999;999Hc%1b[6n%1b8d",
    "%1b[3;5Hx%1b[;7Hy%1b[4Hz", "%1b[1Kx%1b[1Jy%1b[3Jz", "%1b[?2Jx%1b[1;2;3;4;5my",
    "%1b[99999999999999999999Hx"])
def test_what_is_printed_shows_as_on_a_terminal(lab_elf, screened, text):
    machine, monitor = screened(lab_elf)
    machine.send(f'say "{text}"\r')
    machine.until_prompt()
    assert monitor.screen() == on_the_line(machine)


# ---- console= -------------------------------------------------------------------

def test_console_ttyS0_leaves_the_screen_alone(screened):
    machine, monitor = screened(cmdline="console=ttyS0")
    machine.run("meminfo")
    assert monitor.screen() == [""] * ROWS


def test_console_tty0_is_the_screen_and_keys_come_by_the_line(screened):
    machine, monitor = screened(cmdline="console=tty0", prompt=False)
    monitor.until(lambda: "marbles>" in monitor.screen_now(), "a prompt on the screen")
    machine.send("check\r")
    monitor.until(lambda: "mm_check: all rules hold" in monitor.screen_now(), "check")
    machine.send("exit 5\r")
    assert machine.until_end() == []
    assert machine.exit_status == 5


@pytest.mark.parametrize("cmdline", ["console=ttyS0 console=tty0", "console=tty0 "
                                     "console=ttyS0,115200", "console=nonsense"])
def test_both_may_be_chosen_and_are_the_default(screened, cmdline):
    machine, monitor = screened(cmdline=cmdline)
    machine.run("check")
    assert monitor.screen() == on_the_line(machine)


def test_a_console_that_the_machine_has_not_is_named_and_the_kernel_not_mute(boot):
    machine = boot(cmdline="console=tty0", arguments=["-vga", "none"])
    assert machine.boot_lines[0] == ("console=tty0: this machine has no screen with VGA "
                                     "text")


def test_without_a_serial_port_all_is_on_the_screen(elf, tmp_path):
    qemu = subprocess.Popen([QEMU, "-accel", "tcg", "-display", "none", "-net", "none",
                             "-serial", "none", "-monitor", "none", "-kernel", str(elf),
                             "-append", 'console=ttyS0 run="check"',
                             *Monitor.arguments(tmp_path)])
    try:
        monitor = Monitor(tmp_path)
        monitor.until(lambda: "marbles>" in monitor.screen_now(), "a prompt")
        shown = monitor.screen_now()
    finally:
        qemu.kill()
        qemu.wait()
    assert shown[0] == "console=ttyS0: this machine has no serial port"
    assert "mm_check: all rules hold" in shown


# ---- where no screen may be written to ------------------------------------------

# At entry, ebx has the loader's information: flags, ... mmap_addr at 48.
GRAPHICS = ["set *(unsigned *)$ebx |= 0x1000", "set *(char *)($ebx + 109) = 1"]
TEXT = ["set *(unsigned *)$ebx |= 0x1000", "set *(char *)($ebx + 109) = 2"]
RAM_THERE = ["set $map = *(unsigned *)($ebx + 48)", "set *(unsigned *)($map + 12) = "
             "0xc0000"]


@pytest.mark.parametrize("loader_says, written", [
    (GRAPHICS, False), (RAM_THERE, False), (TEXT, True)],
    ids=["graphics", "RAM at 0xb8000", "text"])
def test_the_loader_is_asked_whether_there_is_a_screen(screened, loader_says, written):
    machine, monitor = screened(stopped=True, prompt=False)
    machine.gdb("break *entry", "continue", *loader_says, "delete")
    machine.boot()
    assert ("marbles>" in monitor.screen()) == written
