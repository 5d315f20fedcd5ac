"""gather.py - all events of a run, though the kernel keeps the newest 1,024 only.

    ring      [ .. 255 | 256 .. 767 | 768 .. 1023 ]         kernel/trace/ring.c
                         ^ stop       ^ stop

QEMU stops the machine when either of two slots is written to; then all before it is
whole, is read, and the machine goes on, which knows nothing of it.  Two stops and two
reads, of 43 KB each, for 1,024 events.  It stops as well where the kernel ends, and what
was not read yet is read there.  The numbers of events prove that none is missing; `lost`
says how many are.
"""
import json
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

import stub


class NoLayout(Exception):
    """GDB cannot say how events lie."""


def layout_of(gdb, elf):
    done = subprocess.run([gdb, "-nx", "-batch", elf, "-x", Path(__file__).with_name(
                               "layout.py")], capture_output=True, text=True)
    try:
        return json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        raise NoLayout(done.stderr.strip() or
                       f"{gdb} ended with {done.returncode}") from None


@dataclass
class Gathered:
    """What a run has left: events as bytes, one behind the other, and the image of the
    kernel, to which they point."""

    layout: dict
    events: bytearray
    image: bytes = b""
    stops: int = 0
    lost: int = 0               # overwritten before they were read

    def memory(self, address, size):
        start = self.layout["image"][0]
        return self.image[address - start:address - start + size]


class Gatherer(threading.Thread):
    """Has the machine run, and reads the ring, until it ends."""

    def __init__(self, connection, layout, machine):
        super().__init__(daemon=True)
        self.stub, self.layout, self.machine = connection, layout, machine
        self.half = layout["room"] // 2
        self.gathered = Gathered(layout, bytearray())
        self.next = 0           # the number of the event that is read next
        self.problem = None     # what kept it from going on

    def run(self):
        try:
            self.prepare()
            while self.stub.go() and self.look(self.stub.stopped()):
                pass
        except stub.Gone:
            pass                # QEMU was ended before the kernel was
        except ValueError as problem:
            self.problem = problem
            self.machine.process.kill()

    def prepare(self):
        self.stub.physical()
        for slot in (self.half // 2, self.half // 2 + self.half):
            self.stub.watch(self.slot(slot))
        for address in self.layout["ends"]:
            self.stub.stop_at(address)

    def finish(self):
        """Whatever it does: stop, read what there is."""
        self.stub.interrupt()
        self.join()

    def look(self, why):
        """It has stopped.  Is it to go on?"""
        self.gathered.stops += 1
        at = self.stub.instruction()
        if why == "watch":
            written = self.written()
            self.take(written, written - (written - self.half // 2) % self.half)
        else:
            self.end()
        if at in self.layout["ends"]:
            self.stub.pass_by(at)
        if why == "off":
            self.machine.ask("quit")
        return why == "watch" or at in self.layout["ends"]

    def end(self):
        """Nothing more may come, or this is called again."""
        written = self.written()
        self.take(written, written)
        start, behind = self.layout["image"]
        self.gathered.image = self.stub.read(start, behind - start)

    # ---- the ring ------------------------------------------------------------------

    def written(self):
        """Since boot; the kernel counts them in 32 bits."""
        counter = int.from_bytes(self.stub.read(self.layout["written"], 4), "little")
        return self.next + (counter - self.next) % 2 ** 32

    def slot(self, number):
        return self.layout["ring"] + number * self.layout["event"]["size"]

    def take(self, written, end):
        """Events up to that number, of which so many were written."""
        room, size = self.layout["room"], self.layout["event"]["size"]
        oldest = max(written - room, 0)
        self.gathered.lost += max(oldest - self.next, 0)
        self.next = max(self.next, oldest)
        while self.next < end:
            first = self.next % room
            count = min(end - self.next, room - first)
            self.gathered.events += self.stub.read(self.slot(first), count * size)
            self.next += count
