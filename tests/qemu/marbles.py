"""A machine with Marbles in it, typed at over its serial line.

    with Machine(elf, memory="16M") as machine:
        machine.run("kmalloc 100")              the lines it prints, up to the prompt
        machine.json("leaks -j")                the same, each line a JSON object
        machine.run("kfree 64", bug="not heap memory")

Nothing here sleeps: each step waits for the prompt.  A report of a bug that was
not asked for fails the step in which it appears.  Every failure carries the
transcript and the command line that boots the same machine.
"""
import json
import os
import re
import select
import shlex
import signal
import subprocess
import tempfile
from pathlib import Path

import pexpect

from making import ROOT, MarblesError, environment, make  # noqa: F401

# A job in the background ignores Ctrl-C, one of nohup a line that hangs up, and so would
# all that is started and then ended by these.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

SAN = os.environ.get("SAN") == "1"      # the kernel has sanitizers
OUT = ROOT / ("build/san" if SAN else "build")
QEMU = os.environ.get("QEMU", "qemu-system-i386")
GDB = os.environ.get("GDB", "gdb")
PROMPT = re.compile(r"(?:\A|[\r\n])marbles> \Z")
REPORT = re.compile(r"BUG\b|UBSAN: |panic: |(\S+: )?page allocation failure|"
                    r"FAULT_INJECTION: ")
STOPPED = re.compile(r"The kernel has stopped")
SHORT = "/tmp"                  # for sockets: a path of theirs has 107 bytes at most
TIMEOUT = 60                    # seconds; a step takes far less on any machine
# Arguments of a machine in which time is counted in instructions, 128 ns each, and passes
# at once where it idles: so nobody waits for the seconds of its watchdog.
GUEST_TIME = ("-icount", "shift=7,sleep=off")
EXIT_STATUS = 32                # what the kernel adds to its status

QUESTION = "\x1b7\x1b[999;999H\x1b[6n\x1b8"     # asks a terminal for its size
CTRL_C, CTRL_U, BACKSPACE, UP, DOWN = "\x03", "\x15", "\x7f", "\x1b[A", "\x1b[B"


def rows(text):
    """Console text as the rows on the screen, without what ends them."""
    text = text.replace("\r", "").removesuffix("\n")
    return text.split("\n") if text else []


def margin(row):
    return len(row) - len(row.lstrip(" "))


def unwrapped(rows):
    """Lines: what kernel/wrap.c made of one, to fit 80 columns, is one again."""
    lines, last = [], ""
    for row in rows:
        word = row.lstrip(" ").split(" ")[0]
        if lines and margin(row) == margin(lines[-1]) + 6 and \
                len(last) + 1 + len(word) > 80:
            lines[-1] += " " + row.lstrip(" ")
        else:
            lines.append(row)
        last = row
    return lines


def plain(text):
    """Console text as lines, without what ends them."""
    return unwrapped(rows(text))


def children_with(mark):
    """Of all processes with that in their environment: handles that tell their end."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes():
                yield os.pidfd_open(int(folder.name))
        except OSError:
            pass                # it is somebody else's, or has ended


def all_end(handles):
    """Wait for it."""
    for handle in handles:
        assert select.select([handle], [], [], TIMEOUT)[0], "a process was left"
        os.close(handle)


class Machine:
    """One boot.  prompt=False: the boot does not end at the prompt.

    stopped=True: the machine waits for GDB before its first instruction: boot()
    lets it go.  loader: what QEMU boots from, if not the kernel itself.
    monitor=True: the line is QEMU's own, too, as in make run: Ctrl-A X leaves.
    restarts=True: a reset does not end QEMU.
    """
    booted = []                 # by the running test, for its report

    def __init__(self, elf, memory="64M", cmdline="", arguments=(), prompt=True,
                 stopped=False, loader=None, monitor=False, restarts=False, qemu=QEMU):
        self.folder = tempfile.TemporaryDirectory(prefix="marbles-", dir=SHORT)
        self.socket = f"{self.folder.name}/gdb"
        self.elf = str(elf)
        self.command = [
            qemu, "-accel", "tcg", *(loader or ["-kernel", self.elf]), "-m", memory,
            "-display", "none", "-net", "none",
            *([] if restarts else ["-no-reboot"]),
            "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
            "-device", "ib700", "-action", "watchdog=inject-nmi",
            *(["-serial", "mon:stdio"] if monitor else
              ["-monitor", "none", "-chardev", "stdio,id=line,signal=off",
               "-serial", "chardev:line"]),
            *arguments]
        if cmdline:
            self.command += ["-append", cmdline]
        self.typed = []
        self.read = _Transcript()
        self.boot_lines = []
        self.status = None
        extra = []
        if stopped:
            extra = ["-S", "-chardev", f"socket,id=gdb,path={self.socket},server=on,"
                     "wait=off", "-gdb", "chardev:gdb"]
        self.qemu = pexpect.spawn(self.command[0], self.command[1:] + extra,
                                  encoding="latin-1", echo=False, timeout=TIMEOUT,
                                  maxread=65536, dimensions=(25, 400))
        self.qemu.delaybeforesend = None
        self.qemu.logfile_read = self.read
        Machine.booted.append(self)
        if prompt and not stopped:
            self.boot()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        if self.qemu.isalive():
            self.qemu.terminate(force=True)
        self.qemu.close(force=True)
        self.folder.cleanup()

    # ---- what went before, for whoever must find out --------------------------

    def transcript(self):
        typed = "\n".join(f"  {line!r}" for line in self.typed) or "  nothing"
        return (f"---- boot it again with\n  {shlex.join(self.command)}\n"
                f"---- and type\n{typed}\n"
                f"---- transcript\n{self.read.text()}\n----")

    def fail(self, why):
        raise MarblesError(f"{why}\n{self.transcript()}")

    # ---- waiting --------------------------------------------------------------

    def boot(self):
        """Wait for the first prompt; boot_lines is what came before it."""
        self.boot_lines = self.until_prompt()
        self.no_reports(self.boot_lines)

    def wait_for(self, pattern, timeout=TIMEOUT):
        """The text before a pattern (compiled, or a plain string)."""
        if isinstance(pattern, str):
            pattern = re.compile(re.escape(pattern))
        try:
            found = self.qemu.expect([pattern, STOPPED], timeout=timeout)
        except pexpect.TIMEOUT:
            self.fail(f"{timeout} s without {pattern.pattern!r}")
        except pexpect.EOF:
            self.fail(f"the machine ended without {pattern.pattern!r}")
        if found != 0:
            self.fail(f"the kernel stopped without {pattern.pattern!r}")
        return self.qemu.before

    def wait_for_prompt(self, timeout=TIMEOUT):
        return self.wait_for(PROMPT, timeout)

    def until_prompt(self, timeout=TIMEOUT):
        return plain(self.wait_for_prompt(timeout))

    def until_stopped(self, timeout=TIMEOUT):
        """The lines of a fault report: what the kernel says before it stops."""
        try:
            self.qemu.expect([STOPPED], timeout=timeout)
        except (pexpect.TIMEOUT, pexpect.EOF):
            self.fail("there is no report of a kernel that has stopped")
        return plain(self.qemu.before)

    def until_end(self, timeout=TIMEOUT):
        """The lines up to the end of QEMU; `status` is then QEMU's own."""
        try:
            self.qemu.expect([pexpect.EOF], timeout=timeout)
        except pexpect.TIMEOUT:
            self.fail(f"the machine did not end within {timeout} s")
        self.qemu.wait()
        self.status = self.qemu.exitstatus
        return plain(self.qemu.before)

    @property
    def exit_status(self):
        """What the kernel ended with by its test exit, or None."""
        value = (self.status - 1) // 2 - EXIT_STATUS
        return value if self.status % 2 == 1 and value >= 0 else None

    # ---- typing ---------------------------------------------------------------

    def send(self, text):
        """Type, and keep reading meanwhile: neither side ever waits for the other."""
        self.typed.append(text)
        line, data = self.qemu.child_fd, text.encode("latin-1")
        os.set_blocking(line, False)
        while data:
            _, writable, _ = select.select([line], [line], [], TIMEOUT)
            if writable:
                try:
                    data = data[os.write(line, data[:256]):]
                except BlockingIOError:
                    pass
            self.qemu.expect([pexpect.TIMEOUT], timeout=0)      # into its buffer

    def run(self, command, bug=None, timeout=TIMEOUT):
        """Type a line; the lines it prints.

        bug: the one report that it must cause, such as "double free"; running out
        of memory is none, and is asked for as "out of memory", and failing on purpose as
        "on purpose".
        """
        self.send(command + "\r")
        lines = self.until_prompt(timeout)
        if not lines or lines[0] != command:
            self.fail(f"typed {command!r}, the echo is {lines[:1]}")
        lines = lines[1:]
        if bug is None:
            self.no_reports(lines)
        else:
            self.one_report(command, lines, bug)
        return lines

    def one_report(self, command, lines, bug):
        found = [line for line in lines if REPORT.match(line)]
        if bug == "out of memory":
            good = found and all(re.match(r"(\S+: )?page alloc", line) for line in found)
        elif bug == "on purpose":
            good = found and all(line.startswith("FAULT_INJ") for line in found)
        else:
            good = len(found) == 1 and \
                re.match(rf"BUG (mm|\S+ \(0x[0-9a-f]{{8}}\)): {bug}: |"
                         rf"BUG: KFENCE: {bug} in ", found[0])
        if not good:
            self.fail(f"{command!r} must report {bug!r}, and reports {found}")

    def no_reports(self, lines):
        for line in lines:
            if REPORT.match(line):
                self.fail(f"a report that nobody expected: {line}")

    def json(self, command, bug=None):
        """Type a line; each line that it prints, as the JSON object it must be."""
        objects = []
        for line in self.run(command, bug):
            try:
                objects.append(json.loads(line))
            except ValueError as error:
                self.fail(f"{command!r}: {line!r} is no JSON: {error}")
        return objects

    # ---- a terminal with colours ----------------------------------------------

    def tell_size(self, rows=24, columns=80):
        """The terminal is asked for its size, at the first key of a hand, and tells."""
        self.send("c")
        self.wait_for(QUESTION)
        self.send(f"\x1b[{rows};{columns}R")
        self.wait_for("\x1b[?2004h")
        self.send("heck\r")
        self.wait_for("rules hold")
        self.wait_for("marbles> \x1b[m")
        return self

    def drawn(self, command):
        """What a command prints there, with its colours."""
        self.send(command + "\r")
        self.wait_for("\x1b[?2004l")
        return self.wait_for(re.compile("(?=\x1b\\[1mmarbles> |marbles> )"))

    # ---- what tests often ask -------------------------------------------------

    def meminfo(self):
        """meminfo -j, in which every sum must come out."""
        (m,) = self.json("meminfo -j")
        sums = {
            "total = free + used": m["total_kb"] == m["free_kb"] + m["used_kb"],
            "used = slab + large + pages + guarded + meta": m["used_kb"] == m["slab_kb"]
                + m["large_kb"] + m["pages_kb"] + m["guarded_kb"] + m["meta_kb"],
            "live_objects = kmallocs - kfrees":
                m["live_objects"] == m["kmallocs"] - m["kfrees"],
            "live_pages = pages_allocated - pages_freed":
                m["live_pages"] == m["pages_allocated"] - m["pages_freed"],
            "pages_kb = 4 live_pages": m["pages_kb"] == 4 * m["live_pages"],
        }
        for rule, holds in sums.items():
            if not holds:
                self.fail(f"{rule} does not hold: {m}")
        return m

    def take(self, command):
        """kmalloc or pages: the number and the address of what was taken."""
        lines = self.run(command)
        found = re.match(r"\$(\d+) = 0x([0-9a-f]{8})  ", lines[0])
        if not found:
            self.fail(f"{command!r} gave {lines}")
        return f"${found[1]}", int(found[2], 16)

    def leaks(self, command="leaks -j"):
        """The rows of leaks -j by site, and its summary; the sums must come out.

        Of a site with rows of several kinds: the sum, and a list of its kinds.
        """
        *rows, summary = self.json(command)
        for key in ("objects", "bytes"):
            if sum(row[key] for row in rows) != summary[key]:
                self.fail(f"{command}: {key} do not add up: {rows}, {summary}")
        by_site = {row["site"]: row for row in rows}
        for site, row in by_site.items():
            same = [one for one in rows if one["site"] == site]
            if len(same) > 1:
                by_site[site] = {**row, "kind": [one["kind"] for one in same],
                                 "objects": sum(one["objects"] for one in same),
                                 "bytes": sum(one["bytes"] for one in same),
                                 "oldest": min(one["oldest"] for one in same),
                                 "newest": max(one["newest"] for one in same)}
        return by_site, summary

    def kinds(self, command="leaks -j"):
        """Of leaks -j: how many objects of each kind; the summary must say the same."""
        *rows, summary = self.json(command)
        kinds = {kind: sum(row["objects"] for row in rows if row["kind"] == kind)
                 for kind in ("definite", "indirect", "possible", "reachable")}
        if any(summary[kind] != kinds[kind] for kind in kinds):
            self.fail(f"{command}: kinds do not add up: {rows}, {summary}")
        return {kind: n for kind, n in kinds.items() if n}

    def listed(self, what=""):
        """The rows of leaks list -j; the last one must say how many they are."""
        *rows, summary = self.json(f"leaks list {what} -j")
        if summary != {"summary": True, "objects": len(rows),
                       "bytes": sum(row["bytes"] for row in rows)}:
            self.fail(f"leaks list {what}: the rows are not those of {summary}: {rows}")
        return rows

    def is_whole(self):
        lines = self.run("check")
        if lines != ["mm_check: all rules hold"]:
            self.fail(f"check: {lines}")

    # ---- GDB ------------------------------------------------------------------

    def gdb(self, *commands):
        """Attach GDB, run commands, and let the machine go on.  Their output."""
        arguments = [GDB, "-nx", "-batch", "-ex", "set confirm off",
                     "-ex", f"target remote {self.socket}"]
        for command in commands:
            arguments += ["-ex", command]
        done = subprocess.run(arguments + ["-ex", "detach", self.elf],
                              capture_output=True, text=True, timeout=TIMEOUT)
        if done.returncode != 0:
            self.fail(f"{shlex.join(arguments)}:\n{done.stdout}{done.stderr}")
        return done.stdout


class _Transcript:
    """What pexpect reads, for the reports."""

    def __init__(self):
        self.parts = []

    def write(self, text):
        self.parts.append(text)

    def flush(self):
        pass

    def text(self):
        text = "".join(self.parts).replace("\r", "")
        return text if len(text) < 20000 else "[...]\n" + text[-20000:]


def symbol(elf, name):
    """The address of a symbol of the image."""
    nm = subprocess.run(["nm", str(elf)], capture_output=True, text=True, check=True)
    for line in nm.stdout.splitlines():
        if line.split()[-1] == name:
            return int(line.split()[0], 16)
    raise MarblesError(f"{elf} has no symbol {name}")


def line_of(path, pattern, nth=1):
    """The number of the nth line of a source file in which a pattern occurs."""
    found = [number for number, line in
             enumerate((ROOT / path).read_text().splitlines(), 1)
             if re.search(pattern, line)]
    assert len(found) >= nth, f"{path} has no line {nth} with {pattern!r}"
    return found[nth - 1]


def site(path, pattern, nth=1):
    """The call site "file:line" of such a line."""
    return f"{path}:{line_of(path, pattern, nth)}"
