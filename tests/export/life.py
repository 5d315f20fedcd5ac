"""life.py - from events to objects: what is live, when, and who took it.

    life = Life(run)
    for change in life: ...         each event, with the object that it is about
    life.live                       those that are left, by address

An object is its address, from the event that takes it to the one that frees it.  Bytes are
those asked for, as in all listings of Marbles; room is what they take.  A block of pages
is an object, as for `leaks`.
"""
from typing import NamedTuple

from events import FREES, TAKES


class Thing:
    """An object, or a block of pages."""

    __slots__ = ("address", "serial", "bytes", "room", "stack", "task", "born")

    def __init__(self, event, number):
        self.address, self.serial = event.ptr, event.serial
        self.stack, self.task = event.stack, event.task
        self.bytes, self.room, self.born = event.bytes_req, event.bytes_alloc, number


class Change(NamedTuple):
    number: int                 # of the event, from 0
    event: object
    what: str                   # taken, freed, resized; failed or stray: no object
    thing: object               # as it is then; None: there is none
    bytes: int                  # more than before; of what is freed, less
    room: int


class Life:
    def __init__(self, run):
        self.run = run
        self.begin()

    def begin(self):
        self.live = {}
        self.strays = 0         # frees of what was never seen taken
        self.vanished = 0       # objects whose place was taken again, and no free was seen
        self.serials = 0        # objects that have a serial number

    def __iter__(self):
        self.begin()
        for number, event in enumerate(self.run):
            if event.kind in TAKES:
                yield from self.take(number, event)
            elif event.kind in FREES:
                yield self.free(number, event)
            elif event.kind == "krealloc":
                yield self.resize(number, event)
            else:
                yield Change(number, event, "failed", None, 0, 0)

    def take(self, number, event):
        if event.ptr in self.live:
            self.vanished += 1
            yield self.free(number, event)
        self.serials += event.serial != 0
        thing = self.live[event.ptr] = Thing(event, number)
        yield Change(number, event, "taken", thing, thing.bytes, thing.room)

    def free(self, number, event):
        thing = self.live.pop(event.ptr, None)
        if thing is None:
            self.strays += 1
            return Change(number, event, "stray", None, 0, 0)
        return Change(number, event, "freed", thing, -thing.bytes, -thing.room)

    def resize(self, number, event):
        thing = self.live.get(event.ptr)
        if thing is None:
            self.strays += 1
            return Change(number, event, "stray", None, 0, 0)
        more, room = event.bytes_req - thing.bytes, event.bytes_alloc - thing.room
        thing.bytes, thing.room = event.bytes_req, event.bytes_alloc
        return Change(number, event, "resized", thing, more, room)


def after(life):
    """The same, when all has happened."""
    for _ in life:
        pass
    return life


class Sum:
    """What one stack of calls has taken: now, and in all."""

    __slots__ = ("objects", "bytes", "room", "all_objects", "all_bytes")

    def __init__(self):
        self.objects = self.bytes = self.room = self.all_objects = self.all_bytes = 0

    def add(self, change):
        self.bytes += change.bytes
        self.room += change.room
        if change.what == "taken":
            self.objects += 1
            self.all_objects += 1
        elif change.what == "freed":
            self.objects -= 1
        if change.bytes > 0:
            self.all_bytes += change.bytes


def sums(life):
    """stack -> Sum, after all events."""
    found = {}
    for change in life:
        if change.thing:
            found.setdefault(change.thing.stack, Sum()).add(change)
    return found


def peak(life, of=lambda change: change.bytes):
    """Behind which event most was live, and how much; -1: never anything."""
    now = most = 0
    when = -1
    for change in life:
        now += of(change)
        if now > most:
            most, when = now, change.number
    return when, most
