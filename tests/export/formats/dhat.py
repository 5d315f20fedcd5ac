"""dhat - how long things live, by the calls that took them: DHAT's viewer, dh_view.html.

DHAT's JSON, version 2 (dhat/dh_main.c of Valgrind).  Its clock is the number of events:
who lives for 10 has seen 10 others taken or given back.

    tb tbk      bytes and blocks in all         tl   the sum of their lives
    mb mbk      where the stack had most        gb gbk   where all together had
    eb ebk      at the end
"""
import json

from life import Life, Sum, peak

FILE = "dhat.json"
OPENS = "/usr/libexec/valgrind/dh_view.html, Load {file}"


class Point(Sum):
    """A stack: what was where most was, and how long its objects lived."""

    __slots__ = ("lives", "most", "most_objects", "then", "then_objects")

    def __init__(self):
        super().__init__()
        self.lives = self.most = self.most_objects = self.then = self.then_objects = 0

    def follow(self, change):
        self.add(change)
        if self.bytes > self.most:
            self.most, self.most_objects = self.bytes, self.objects
        if change.what == "freed":
            self.lives += change.number - change.thing.born

    def row(self, frames):
        return {"tb": self.all_bytes, "tbk": self.all_objects, "tl": self.lives,
                "mb": self.most, "mbk": self.most_objects,
                "gb": self.then, "gbk": self.then_objects,
                "eb": self.bytes, "ebk": self.objects, "fs": frames}


def points(run, top):
    life, found = Life(run), {}
    for change in life:
        if change.thing:
            found.setdefault(change.thing.stack, Point()).follow(change)
        if change.number == top:
            for point in found.values():
                point.then, point.then_objects = point.bytes, point.objects
    for thing in life.live.values():
        found[thing.stack].lives += len(run) - thing.born
    return found


def write(run, places, out):
    top, _ = peak(Life(run))
    frames = {"[root]": 0}
    rows = [point.row([frames.setdefault(frame.text(), len(frames))
                       for frame in places.frames(stack)])
            for stack, point in points(run, top).items()]
    out.write(json.dumps({
        "dhatFileVersion": 2, "mode": "heap", "verb": "Allocated", "bklt": True,
        "bkacc": False, "tu": "events", "Mtu": "Mevent", "tuth": 10, "cmd": "make export",
        "pid": 1, "te": len(run), "tg": top + 1, "pps": rows, "ftbl": list(frames)},
        separators=(",", ":")).encode() + b"\n")
