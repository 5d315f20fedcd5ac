"""massif - live bytes by line, over time: ms_print, massif-visualizer.

Time is bytes, those taken and those given back, as in valgrind --time-unit=B: a run has
the same time each time.  Snapshots are some hundred, evenly spaced; the peak, the last and
each tenth are detailed: a tree from the line that took the memory to its callers.

    mem_heap_B          bytes asked for
    mem_heap_extra_B    what else they take, for they are rounded up
    peak                of both
"""
from life import Life, Sum, peak

FILE = "massif.out"
OPENS = "ms_print {file}; massif-visualizer {file}"

SNAPSHOTS, DETAILED = 100, 10


def room(change):
    return change.room


def chosen(run):
    """Numbers of the events behind which a snapshot is taken, and that of the peak."""
    end = sum(abs(change.bytes) for change in Life(run))
    time, numbers = 0, set()
    for change in Life(run):
        before, time = time, time + abs(change.bytes)
        if end and before * SNAPSHOTS // end != time * SNAPSHOTS // end:
            numbers.add(change.number)
    top, _ = peak(Life(run), room)
    return numbers | {top, len(run) - 1} - {-1}, top


class Node:
    """A function, called by those that are its children."""

    def __init__(self):
        self.bytes, self.callers = 0, {}

    def lines(self, name, depth=0):
        callers = sorted(self.callers.items(), key=lambda item: -item[1].bytes)
        yield f"{' ' * depth}n{len(callers)}: {self.bytes} {name}\n"
        for text, caller in callers:
            yield from caller.lines(text, depth + 1)


def tree(found, places):
    root = Node()
    for stack, one in found.items():
        if one.bytes == 0:
            continue
        root.bytes += one.bytes
        node = root
        for frame in places.frames(stack):
            node = node.callers.setdefault(frame.text(), Node())
            node.bytes += one.bytes
    return "".join(root.lines("(heap allocation functions) kmalloc and its kin"))


def snapshot(number, time, found, kind, places):
    live = sum(one.bytes for one in found.values())
    extra = sum(one.room for one in found.values()) - live
    text = (f"#-----------\nsnapshot={number}\n#-----------\ntime={time}\n"
            f"mem_heap_B={live}\nmem_heap_extra_B={extra}\nmem_stacks_B=0\n"
            f"heap_tree={kind}\n")
    return text + ("" if kind == "empty" else tree(found, places))


def write(run, places, out):
    numbers, top = chosen(run)
    out.write(b"desc: Marbles\ncmd: make export\ntime_unit: B\n")
    out.write(snapshot(0, 0, {}, "empty", places).encode())
    time, taken, found = 0, 0, {}
    for change in Life(run):
        time += abs(change.bytes)
        if change.thing:
            found.setdefault(change.thing.stack, Sum()).add(change)
        if change.number not in numbers:
            continue
        taken += 1
        detailed = taken % DETAILED == 0 or change.number == len(run) - 1
        kind = "peak" if change.number == top else "detailed" if detailed else "empty"
        out.write(snapshot(taken, time, found, kind, places).encode())
