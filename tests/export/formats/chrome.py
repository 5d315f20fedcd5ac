"""chrome - commands, and what is live while they run: Perfetto, about:tracing, speedscope.

Chrome's trace events, as JSON.  A microsecond is an event: in one tick of the kernel's
clock there are thousands, which would lie on one another.  The tick stands among the
arguments.

    X   a command, from its first event to its last
    i   an event
    C   live bytes and objects, behind each event that changes them
"""
import json

from life import Life

FILE = "chrome.json"
OPENS = "https://ui.perfetto.dev or speedscope {file}"

PROCESS, SHELL = 1, 1
OBJECTS = {"taken": 1, "freed": -1}


def named(what, name):
    return {"name": what, "ph": "M", "pid": PROCESS, "tid": SHELL, "args": {"name": name}}


def commands(run):
    """Those that follow one another, each from its first event to its last."""
    found = []
    for number, event in enumerate(run):
        name = f"{event.task}-{event.command}"
        if not found or found[-1]["name"] != name:
            found.append({"name": name, "ph": "X", "pid": PROCESS, "tid": SHELL,
                          "ts": number, "dur": 1})
        found[-1]["dur"] = number + 1 - found[-1]["ts"]
    return found


def instant(change, places):
    event = change.event
    return {"name": event.kind, "ph": "i", "s": "t", "pid": PROCESS, "tid": SHELL,
            "ts": change.number,
            "args": {"tick": event.ticks, "ptr": f"{event.ptr:#010x}",
                     "serial": event.serial, "bytes_req": event.bytes_req,
                     "bytes_alloc": event.bytes_alloc, "irq": bool(event.in_interrupt),
                     "site": places.frames(event.stack)[0].place()}}


def counter(number, live, objects):
    return {"name": "live", "ph": "C", "pid": PROCESS, "ts": number,
            "args": {"bytes": live, "objects": objects}}


def rows(run, places):
    yield named("process_name", "Marbles")
    yield named("thread_name", "commands")
    yield from commands(run)
    live = objects = 0
    for change in Life(run):
        yield instant(change, places)
        live += change.bytes
        objects += OBJECTS.get(change.what, 0)
        if change.thing:
            yield counter(change.number, live, objects)


def write(run, places, out):
    out.write(b'{"displayTimeUnit": "ms", "traceEvents": [')
    for number, row in enumerate(rows(run, places)):
        out.write(b",\n" if number else b"\n")
        out.write(json.dumps(row, separators=(",", ":")).encode())
    out.write(b"\n]}\n")
