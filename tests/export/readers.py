"""readers.py - the files of make export, read by their formats and not by who wrote them.

Each reader checks what the format demands, and returns what there is to compare.  They
know nothing of tests/export/formats.
"""
import json
import re
import struct
from collections import Counter


# ---- folded ------------------------------------------------------------------------------

def folded(path):
    """(frames, bytes), as flamegraph.pl splits a line."""
    rows = []
    for line in path.read_text().splitlines():
        stack, count = re.fullmatch(r"(.*)\s+(\d+)", line).groups()
        rows.append((stack.split(";"), int(count)))
    assert len({tuple(frames) for frames, _ in rows}) == len(rows)
    return rows


# ---- pprof -------------------------------------------------------------------------------

def pprof(path):
    """Of the head and of each stack: live objects and bytes, all of both; addresses."""
    numbers = r" *(\d+): +(\d+) \[ *(\d+): +(\d+)\] @"
    head, _, mapped = path.read_text().partition("\nMAPPED_LIBRARIES:\n")
    first, *lines = head.splitlines()
    total = re.fullmatch(f"heap profile:{numbers} heapprofile", first)
    stacks = []
    for line in lines:
        found = re.fullmatch(rf"{numbers}((?: 0x[0-9a-f]{{8}})+)", line)
        stacks.append((*map(int, found.groups()[:4]),
                       [int(at, 16) for at in found[5].split()]))
    (start, end), = re.findall(r"^(\w+)-(\w+) r-xp \w{8} 00:00 0 /\S+/marbles\.elf$",
                               mapped, re.M)
    for *_, addresses in stacks:
        assert all(int(start, 16) <= at < int(end, 16) for at in addresses)
    assert [sum(column) for column in zip(*(stack[:4] for stack in stacks))] == \
        ([int(n) for n in total.groups()] if stacks else [])
    return [int(n) for n in total.groups()], stacks


# ---- massif ------------------------------------------------------------------------------

def massif_tree(lines, depth=0):
    """One node, and its children below: (bytes, text, children)."""
    count, size, text = re.fullmatch(rf" {{{depth}}}n(\d+): (\d+) (.*)",
                                     lines.pop(0)).groups()
    children = [massif_tree(lines, depth + 1) for _ in range(int(count))]
    assert sum(child[0] for child in children) <= int(size)
    if depth > 0:
        assert re.fullmatch(r"0x[0-9A-F]+: \S+ \(\S+:\d+\)", text), text
    else:                       # who took it is always known
        assert sum(child[0] for child in children) == int(size)
    return int(size), text, children


def massif(path):
    """Snapshots: their time, bytes, extra, kind and tree."""
    head, *parts = re.split(r"#-----------\nsnapshot=(?=\d)", path.read_text())
    assert re.fullmatch(r"desc: .*\ncmd: .*\ntime_unit: B\n", head)
    found = []
    for number, part in enumerate(parts):
        first, rule, *lines = part.splitlines()
        assert (int(first), rule) == (number, "#-----------")
        values = dict(line.split("=") for line in lines[:5])
        assert list(values) == ["time", "mem_heap_B", "mem_heap_extra_B", "mem_stacks_B",
                                "heap_tree"]
        rest = lines[5:]
        tree = massif_tree(rest) if values["heap_tree"] != "empty" else None
        assert rest == [] and (tree is None or tree[0] == int(values["mem_heap_B"]))
        found.append((int(values["time"]), int(values["mem_heap_B"]),
                      int(values["mem_heap_extra_B"]), values["heap_tree"], tree))
    assert [one[0] for one in found] == sorted(one[0] for one in found)
    return found


# ---- DHAT --------------------------------------------------------------------------------

def dhat(path):
    """What dh_view.js asks for in buildTree and checkPP."""
    data = json.loads(path.read_text())
    assert data["dhatFileVersion"] == 2 and data["mode"] == "heap"
    assert {"verb", "bklt", "bkacc", "tu", "Mtu", "tuth", "cmd", "pid", "te", "tg", "pps",
            "ftbl"} <= data.keys()
    assert data["bklt"] and not data["bkacc"] and data["ftbl"][0] == "[root]"
    assert 0 <= data["tg"] <= data["te"]
    for row in data["pps"]:
        assert row.keys() == {"tb", "tbk", "tl", "mb", "mbk", "gb", "gbk", "eb", "ebk",
                              "fs"}
        assert all(0 < frame < len(data["ftbl"]) for frame in row["fs"])
        assert row["eb"] <= row["mb"] <= row["tb"] and row["gb"] <= row["mb"]
        assert row["ebk"] <= row["tbk"] and row["tl"] <= row["tbk"] * data["te"]
    return data


# ---- heaptrack ---------------------------------------------------------------------------

class Heaptrack:
    """Tables grow line by line, and a line may name only what is above it."""

    def __init__(self, path):
        self.texts, self.places, self.calls = [None], [None], [None]
        self.sizes, self.live = [], Counter()
        self.taken = 0
        self.times = []
        first, *lines = path.read_text().splitlines()
        assert first == "v 10400 3"
        for line in lines:
            letter, _, rest = line.partition(" ")
            getattr(self, {"+": "plus", "-": "minus"}.get(letter, letter))(rest)

    def X(self, rest):
        assert rest

    def I(self, rest):  # noqa: E743
        assert int(rest.split()[0], 16) == 4096

    def s(self, rest):
        length, _, text = rest.partition(" ")
        assert int(length, 16) == len(text)
        self.texts.append(text)

    def i(self, rest):
        _, module, *frames = (int(word, 16) for word in rest.split())
        assert self.texts[module] == "marbles.elf" and len(frames) % 3 == 0
        self.places.append([(self.texts[function], self.texts[file], line) for
                            function, file, line in zip(*[iter(frames)] * 3)])

    def t(self, rest):
        place, caller = (int(word, 16) for word in rest.split())
        assert 0 < place < len(self.places) and caller < len(self.calls)
        self.calls.append((self.places[place], caller))

    def a(self, rest):
        size, call = (int(word, 16) for word in rest.split())
        self.sizes.append((size, self.calls[call][0][0]))

    def plus(self, rest):
        self.live[self.sizes[int(rest, 16)]] += 1
        self.taken += 1

    def minus(self, rest):
        self.live[self.sizes[int(rest, 16)]] -= 1
        assert self.live[self.sizes[int(rest, 16)]] >= 0

    def c(self, rest):
        self.times.append(int(rest, 16))
        assert self.times == sorted(self.times)


# ---- Chrome ------------------------------------------------------------------------------

def chrome(path):
    """phase -> rows."""
    found = {}
    for row in json.loads(path.read_text())["traceEvents"]:
        assert {"name", "ph", "pid"} <= row.keys()
        found.setdefault(row["ph"], []).append(row)
    assert found.keys() <= set("MXiC")
    for before, slice_ in zip(found.get("X", []), found.get("X", [])[1:]):
        assert before["ts"] + before["dur"] <= slice_["ts"]
    return found


# ---- trace.dat ---------------------------------------------------------------------------

class TraceDat:
    """Version 6, as trace-cmd.dat.v6(5) tells it: formats, and then events by them."""

    def __init__(self, path):
        self.data, self.at = path.read_bytes(), 0
        assert self.take(10) == b"\x17\x08\x44tracing" and self.text() == "6"
        assert self.take(2) == b"\0\x04"        # little endian, long has 4 bytes
        self.page, = self.unpack("<I")
        assert self.text() == "header_page"
        self.take(*self.unpack("<Q"))
        assert self.text() == "header_event"
        self.take(*self.unpack("<Q"))
        assert self.unpack("<II") == (0, 1) and self.text() == "kmem"
        self.formats = {}
        for _ in range(*self.unpack("<I")):
            self.read_format(self.take(*self.unpack("<Q")).decode())
        self.symbols = self.take(*self.unpack("<I")).decode().splitlines()
        self.take(*self.unpack("<I"))
        self.tasks = dict(line.split(" ") for line in
                          self.take(*self.unpack("<Q")).decode().splitlines())
        assert self.unpack("<I") == (1,) and self.take(10) == b"options  \0"
        assert self.unpack("<H") == (0,) and self.take(10) == b"flyrecord\0"
        start, size = self.unpack("<QQ")
        assert start % self.page == 0 and start + size == len(self.data)
        self.events = [event for at in range(start, start + size, self.page)
                       for event in self.read_page(self.data[at:at + self.page])]

    def take(self, size):
        self.at += size
        return self.data[self.at - size:self.at]

    def text(self):
        end = self.data.index(b"\0", self.at)
        return self.take(end + 1 - self.at)[:-1].decode()

    def unpack(self, code):
        return struct.unpack(code, self.take(struct.calcsize(code)))

    def read_format(self, text):
        name, number = re.match(r"name: (\w+)\nID: (\d+)\nformat:\n", text).groups()
        fields = re.findall(r"field:.*?(\w+)(?:\[\d+\])?;\toffset:(\d+);\tsize:(\d+);\t"
                            r"signed:(\d);", text)
        assert text.count("field:") == len(fields)
        for used in re.findall(r"REC->(\w+)", text):
            assert used in [field[0] for field in fields]
        self.formats[int(number)] = name, [(field, int(offset), int(size)) for
                                           field, offset, size, _ in fields]

    def read_page(self, page):
        time, commit = struct.unpack_from("<QI", page)
        data, at = page[12:12 + commit], 0
        while at < len(data):
            word, = struct.unpack_from("<I", data, at)
            length, delta = word % 32, word >> 5
            at += 4
            if length == 30:
                time += delta + (struct.unpack_from("<I", data, at)[0] << 27)
                at += 4
                continue
            assert 0 < length <= 28
            time += delta
            yield self.read_event(time, data[at:at + 4 * length])
            at += 4 * length

    def read_event(self, time, body):
        name, fields = self.formats[struct.unpack_from("<H", body)[0]]
        event = {"event": name, "time": time}
        for field, offset, size in fields:
            part = body[offset:offset + size]
            event[field] = part.split(b"\0")[0].decode() if field == "name" else \
                int.from_bytes(part, "little")
        assert offset + size == len(body)
        return event
