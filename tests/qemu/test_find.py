"""The lab find: each of its twelve mistakes is what the tools of a student say it is.

The answer is put together from what they print, of one boot or of two; the lab, which has
seen it happen, must call it right.
"""
import re

import pytest
from marbles import Machine, ROOT, make

from conftest import build_with

LAB = ROOT / "tests/labs/find"
FILES = sorted(LAB.glob("*.c"))
WITH = ("planted.c", "server.c", "post.c")

# Of each kind, somebody whose server makes that mistake.
LOST = {"error-path": "yan", "list-head": "una", "owner-first": "gil", "krealloc": "liv",
        "interrupt": "ned", "pages": "ann", "cache": "ria"}
REFUSED = {"double-free": "dan", "interior": "cy"}
HURT = {"use-after-free": ("fay", "use-after-free write", "Poison overwritten"),
        "overflow": ("bo", "out-of-bounds write", "Right Redzone overwritten")}
KEPT = {"count": "vic"}
CACHE_IN_USE = {"cache": "cache cannot be destroyed"}


@pytest.fixture(scope="module")
def find_elf():
    return build_with(FILES)


@pytest.fixture
def find(find_elf, boot):
    """find(CMDLINE): a machine with the lab in it."""
    return lambda cmdline="": boot(find_elf, cmdline=cmdline)


def answer(machine, kind, place, serial):
    file, line = place.rsplit(":", 1)
    return machine.run(f"find answer {kind} {file} {line} {serial}")


def line_that_asks(kind):
    """FILE:LINE of the one line that may make this mistake."""
    asks = f"SLIPS({kind.upper().replace('-', '_')},"
    (place,) = [f"{file.name}:{number}" for file in FILES
                for number, line in enumerate(file.read_text().splitlines(), 1)
                if asks in line]
    return place


def by_leaks(machine, kind, name):
    """The row of `leaks` that is not held by another one: what a day has left."""
    machine.run(f"find run {name}", bug=REFUSED.get(kind) and kind)
    machine.run("find stop", bug=CACHE_IN_USE.get(kind))
    return [row for row in machine.json("leaks -j")[:-1] if row["kind"] != "indirect"]


def test_a_kind_has_somebody_to_each_word_of_its_list(find):
    said = " ".join(find().run("help find"))
    listed = re.search(r"Kinds: (.*?)\.", said)[1].split()
    assert sorted(listed) == sorted([*LOST, *REFUSED, *HURT, *KEPT]) and len(listed) == 12


@pytest.mark.parametrize("kind", LOST)
def test_what_is_lost_is_named_by_leaks_and_why_lost(find, kind):
    machine = find()
    lost = [row for row in by_leaks(machine, kind, LOST[kind]) if row["kind"] == "definite"]
    (serial,) = {row[end] for row in lost for end in ("oldest", "newest")}
    again = find()
    told = " ".join(again.run(f'why-lost {serial} "find run {LOST[kind]}"'))
    place = re.search(r"lost in (\S+:\d+) ", told)[1]
    assert (", in an interrupt:" in told) == (kind == "interrupt")
    for one in machine, again:
        assert answer(one, kind, place, serial) == ["find: right"]
        one.is_whole()


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_refused_is_named_by_the_report(find, kind):
    machine = find()
    bug = {"double-free": "double free", "interior": "interior pointer"}[kind]
    told = " ".join(machine.run(f"find run {REFUSED[kind]}", bug=bug))
    place = re.search(r"kfree\(0x\w+\) by \w+ +\((\S+:\d+)\)", told)[1]
    serial = re.search(r"serial (\d+)", told)[1]
    assert answer(machine, kind, place, serial) == ["find: right"]
    machine.is_whole()


@pytest.mark.parametrize("kind", HURT)
def test_a_wrong_write_faults_with_kfence(find, kind):
    name, bug, _ = HURT[kind]
    machine = find("kfence.every=1")
    told = " ".join(machine.run(f"find run {name}", bug=bug))
    place = re.search(r"page fault: write to .*? in \S+ \((\S+:\d+)\)", told)[1]
    serial = re.search(r"serial (\d+)", told)[1]
    assert answer(machine, kind, place, serial) == ["find: right"]


@pytest.mark.parametrize("kind", HURT)
def test_a_wrong_write_is_seen_later_by_slub_debug_and_else_by_nobody(find, kind):
    name, _, bug = HURT[kind]
    told = " ".join(find("slub_debug=FZPU").run(f"find run {name}", bug=bug))
    serial = re.search(r"serial (\d+)", told)[1]
    machine = find()
    assert by_leaks(machine, kind, name) == []
    machine.is_whole()
    assert answer(machine, kind, line_that_asks(kind), serial) == ["find: right"]


@pytest.mark.parametrize("kind", KEPT)
def test_what_is_kept_is_live_and_catch_tells_who_counts(find, kind):
    (row,) = by_leaks(find(), kind, KEPT[kind])
    assert row["kind"] == "reachable" and row["objects"] == 1
    machine = find()
    machine.run(f"catch {row['oldest']}+0")
    told = " ".join(machine.run(f"find run {KEPT[kind]}"))
    stores = re.findall(r"0x(\w+) -> 0x(\w+) +by \S+ \((\S+:\d+)\)", told)
    (place,) = {place for before, after, place in stores
                if int(after, 16) - int(before, 16) == 2}
    assert answer(machine, kind, place, row["oldest"]) == ["find: right"]


def test_of_several_days_the_first_counts(find):
    machine = find()
    for _ in range(3):
        by_leaks(machine, "pages", LOST["pages"])
    (row,) = machine.json("leaks -j")[:-1]
    assert row["objects"] == 3
    place = line_that_asks("pages")
    assert answer(machine, "pages", place, row["oldest"]) == ["find: right"]
    newest = row["newest"]
    assert answer(machine, "pages", place, newest)[0].startswith(
        "find: not yet; right so far: kind, file, line; serial numbers count")


def said_of(machine, *wrong):
    return " ".join(" ".join(answer(machine, *wrong)).split())


def test_an_answer_that_is_not_right_is_told_what_of_it_is(find):
    machine = find()
    (row,) = by_leaks(machine, "pages", LOST["pages"])
    serial, place = row["oldest"], line_that_asks("pages")
    line = place.rsplit(":", 1)[1]
    for wrong, right, hint in (
            (("cache", place, serial), "right so far: file, line, serial; ", "behind a fresh"),
            (("cache", "post.c:1", 1), "", "behind a fresh"),
            (("pages", f"post.c:{line}", serial), "right so far: kind, serial; ", "find stop"),
            (("pages", place + "0", 1), "right so far: kind, file; ", "find stop"),
            (("pages", place, 1), "right so far: kind, file, line; ", "serial numbers")):
        assert said_of(machine, *wrong).startswith(f"find: not yet; {right}{hint}")


def test_who_has_not_found_the_kind_is_not_told_it(find):
    said = set()
    for kind, name in {**LOST, **KEPT}.items():
        machine = find()
        by_leaks(machine, kind, name)
        said.add(said_of(machine, "overflow", "post.c:1", 0).replace("file; ", ""))
    assert len({text.replace("right so far: ", "") for text in said}) == 1


@pytest.mark.parametrize("wrong,said", [
    (("bla", "post.c:1", 1), '"bla" is no kind; `help find` lists them'),
    (("page", "post.c:1", 1), '"page" is no kind, but "pages" is'),
    (("pages", "pots.c:1", 1), '"pots.c" is no file, but "post.c" is'),
    (("pages", "ver.c:1", 1), '"ver.c" is no file; `help find` lists them'),
    (("pages", "planted.c:1", 1), '"planted.c" is no file; `help find` lists them')])
def test_a_word_that_cannot_be_right_is_told(find, wrong, said):
    machine = find()
    machine.run("find run ann")
    assert answer(machine, *wrong) == [f"find: {said}"]


def test_what_is_right_cannot_be_read_in_memory(find):
    machine = find()
    (row,) = by_leaks(machine, "pages", LOST["pages"])
    place = line_that_asks("pages")
    order = re.search(r"Kinds: (.*?)\.", " ".join(machine.run("help find")))[1].split()
    size = re.search(r"planted\+0x0/0x(\w+)", machine.run("whatis planted")[0])[1]
    rows = machine.run(f"dump planted {int(size, 16)}")
    raw = bytes.fromhex("".join(row[10:].split("|")[0] for row in rows))
    numbers = {int.from_bytes(raw[at:at + 4], "little") for at in range(0, len(raw), 4)}
    assert raw.startswith(b"ann\0")
    assert not numbers & {order.index("pages"), int(place.rsplit(":", 1)[1]), row["oldest"]}
    assert answer(machine, "pages", place, row["oldest"]) == ["find: right"]


def test_a_server_that_is_not_the_first_to_take_memory_does_not_run(find):
    machine = find()
    machine.run("kmalloc 100; kfree $")
    assert machine.run("find run ann") == \
        ["find: memory was taken before: reboot, and run this first"]
    assert answer(machine, "pages", "server.c:1", 1) == \
        ["find: run your server first: find run NAME"]


def test_a_server_is_somebodys(find):
    machine = find()
    machine.run("find run ann")
    assert machine.run("find run bo")[0].startswith("find: memory was taken before")


@pytest.mark.parametrize("name", ["", "a" * 32])
def test_a_name_that_is_none_is_told_its_limit(find, tmp_path, name):
    said = f'find: a name has from 1 to 31 characters, and "{name}" has {len(name)}'
    assert " ".join(" ".join(find().run(f'find run "{name}"')).split()) == said
    lab = tmp_path / "find.c"
    lab.write_text('#include "tests/labs/find/find.h"\n'
                   f'FIND_ANSWER("{name}", "?", "?", 0, 0);\n')
    with Machine(build_with([lab, *(LAB / file for file in WITH)])) as machine:
        _, *rows = machine.run("find judge")
        assert " ".join(" ".join(rows).split()) == said


def test_a_name_of_31_characters_is_one(find):
    machine = find()
    machine.run("find run " + "a" * 31)
    assert answer(machine, "bla", "post.c:1", 1)[0].startswith('find: "bla" is no kind')


def test_nobodys_server_runs_and_no_part_of_its_answer_is_right(find):
    nobody = 'find: "yourname" is nobody: your own name makes your server'
    assert find().run("find run yourname") == [nobody]
    for part in ("kind", "file", "line", "serial"):
        assert find().run(f"find judge {part}") == ["find: the answer of yourname", nobody]
    assert find().run("find judge") == ["find: the answer of yourname"]
    assert "Error 1" in make("exec", f"LAB={' '.join(map(str, FILES))}",
                             "CMDS=find judge line", check=False).stderr


def test_what_is_handed_in_is_judged_part_by_part(tmp_path):
    lab = tmp_path / "find.c"
    file, line = line_that_asks("pages").rsplit(":", 1)
    lab.write_text('#include "tests/labs/find/find.h"\n'
                   f'FIND_ANSWER("{LOST["pages"]}", "pages", "{file}", {line}, 0);\n')
    elf = build_with([lab, *(LAB / file for file in WITH)])
    for part in ("kind", "file", "line"):
        with Machine(elf) as machine:
            assert machine.run(f"find judge {part}") == ["find: the answer of ann",
                                                         "find: right"]
    with Machine(elf) as machine:
        assert machine.run("find judge serial")[1].startswith(
            "find: not yet; right so far: kind, file, line; serial numbers count")


@pytest.mark.parametrize("name,bug", [("lph", "out-of-bounds write"),
                                      ("fyzcet", "use-after-free write")])
def test_a_day_that_faulted_leaves_nothing_behind(find, name, bug):
    machine = find("kfence.every=1")
    for _ in range(2):
        machine.run(f"find run {name}", bug=bug)
    assert machine.run("find stop") == []
    assert machine.kinds() == {}
    machine.is_whole()
