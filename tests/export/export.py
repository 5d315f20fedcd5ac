#!/usr/bin/env python3
"""export.py FORMAT OUT GDB ADDR2LINE QEMU AND ITS OPTIONS - a run, for other tools.

    MARBLES_CMDS='guests' export.py massif build/export/massif.out gdb addr2line \\
        qemu-system-i386 ... -kernel marbles.elf

Boots and runs the commands as exec.py does, with the parameter trace_event=kmem, gathers
each event (gather.py) and writes MARBLES_OUT, or a file in build/export.  What the commands
print is on stdout; behind it a line says what was written, and what opens it.

The status is that of exec.py.  A file is written whenever the kernel has run, also where a
command failed or the kernel stopped: of what was before.  What is not in it is said on
stderr: events that were not traced, for a filter or trace off left them out.
"""
import errno
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "formats"), str(HERE.parent / "qemu")]
import exec as runner  # noqa: E402
import gather  # noqa: E402
import qemu  # noqa: E402
import stub  # noqa: E402
from events import Run  # noqa: E402
from life import Life, after  # noqa: E402
from places import NoPlaces, Places  # noqa: E402

# FORMAT and its module, in the order in which they are listed.
FORMATS = {"trace": "trace_dat", "folded": "folded", "pprof": "pprof", "massif": "massif",
           "dhat": "dhat", "heaptrack": "heaptrack", "chrome": "chrome"}
TRACE = "trace_event=kmem"


def plural(count, word):
    return f"{count:,} {word}" + ("" if count == 1 else "s")


# ---- the run ---------------------------------------------------------------------------

def run(command, elf, layout):
    """The status, and what was gathered."""
    limit = qemu.seconds()
    theirs, connection = stub.pair()
    machine = qemu.Qemu(
        command + runner.arguments(limit, TRACE)
        + ["-S", "-chardev", f"socket,id=gdb,fd={theirs.fileno()}", "-gdb", "chardev:gdb",
           "-action", "shutdown=pause"],
        pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    theirs.close()
    gatherer = gather.Gatherer(connection, layout, machine)
    gatherer.start()
    status, why, log = runner.follow(machine, elf, limit, gatherer.finish)
    gatherer.join()
    if gatherer.problem:
        raise qemu.Refused(gatherer.problem, qemu.FAILED)
    runner.tell("export", status, why, log)
    return status, gatherer.gathered


# ---- what is said of it ------------------------------------------------------------------

def missing(events, life):
    """What is not in the file, in words."""
    untold = events.word("serial") - life.serials if life.serials else 0
    if events.gathered.lost:
        yield plural(events.gathered.lost, "event") + " overwritten before they were read"
    if untold > 0:
        yield plural(untold, "allocation") + " not traced (trace off, a filter, or " \
              "trace_event= of some events)"
    if life.strays:
        yield plural(life.strays, "free") + " of what was not seen taken"
    if life.vanished:
        yield plural(life.vanished, "object") + " gone, and no free was seen"


def say(line):
    runner.say(f"export: {line}\n".encode())


def tell(events, life, out, form, elf):
    for what in missing(events, life):
        say(f"not in {out}: {what}")
    live = sum(thing.bytes for thing in life.live.values())
    what = f"{plural(len(events), 'event')}; live: {plural(live, 'byte')} in " \
           f"{plural(len(life.live), 'object')}" if len(events) else "nothing was allocated"
    if len(events) and os.path.getsize(out) == 0:
        say(f"{out} is empty: it has what is live at the end, and nothing is")
    opens = form.OPENS.format(file=out, elf=elf)
    qemu.show(f"{out}: {what}.  To open: {opens}\n".encode())


# ---- the file ----------------------------------------------------------------------------

def save(form, events, places, out):
    """Another file of that name stays as it is until this one is whole."""
    part = f"{out}.part"
    try:
        if os.path.isdir(out):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), out)
        Path(out).parent.mkdir(parents=True, exist_ok=True)
        with open(part, "wb") as file:
            form.write(events, places, file)
        os.replace(part, out)
    except OSError as error:
        raise qemu.Refused(f"{error.filename or out}: {error.strerror}", 1) from None


def form_of(name):
    if name not in FORMATS:
        raise qemu.Refused(f'FORMAT: "{name}" is none of {" ".join(FORMATS)}')
    return import_module(FORMATS[name])


def main():
    gdb, addr2line, *command = sys.argv[1:]
    form = form_of(os.environ.get("MARBLES_FORMAT", ""))
    elf = runner.kernel_of(command)
    out = os.environ.get("MARBLES_OUT") or f"build/export/{form.FILE}"
    try:
        layout = gather.layout_of(gdb, elf)
        status, gathered = run(command, elf, layout)
        if not gathered.image:
            raise qemu.Refused("there is nothing to write", status or qemu.FAILED)
        events = Run(gathered)
        life = after(Life(events))
        save(form, events, Places(elf, addr2line, events), out)
    except (gather.NoLayout, NoPlaces) as error:
        raise qemu.Refused(error, qemu.FAILED) from None
    tell(events, life, out, form, elf)
    return status


if __name__ == "__main__":
    qemu.program("export", main)
