"""The lab tell: what each of its six pools does, and that nothing else tells them apart."""
import re

import pytest
from marbles import Machine, ROOT, make

from conftest import build_with

LAB = ROOT / "tests/labs/tell"
POOLS = range(1, 7)
FULL = ["take"] * 5

# Of each that is not right: commands, and what the last one gives, of it and of others.
TELLS = {
    "takes a pointer into a slot": (FULL + ["give 1+8"], "given/2", "refused/2"),
    "shares bytes of a slot": (FULL + ["fill 2", "fill 3", "look 2"], "changed/2", "same/2"),
    "takes a slot twice": (FULL + ["give 1", "give 2", "give 1"], "given/2", "refused/2"),
    "loses what is given backwards": (FULL + ["give 2", "give 1", "take"], "slot 2/2",
                                      "slot 1/2"),
    "forgets a slab": (FULL + ["give 0", "give 1", "give 2", "give 3"], "given/2", "given/1"),
}
# What none of them does wrong.
SAME = [["take"] * 13, FULL + ["give 4", "give 0", "give 1", "give 2", "give 3"],
        FULL + ["give 1", "give 1"], FULL + ["give 1", "give 2", "take", "take"],
        FULL + ["fill 0", "fill 1", "look 0", "look 1"], ["give 0", "take", "give 12"],
        FULL + ["give 4", "give 4", "give 9"]]


def session(folder, lines, name="ann"):
    lab = folder / "tell.c"
    words = ", ".join(f'"{word}"' for word in [name, *lines])
    lab.write_text(f'#include "tests/labs/tell/tell.h"\nTELL({words});\n')
    return [lab, LAB / "session.c", LAB / "pools.c"]


@pytest.fixture(scope="module")
def tell_elf(tmp_path_factory):
    return build_with(session(tmp_path_factory.mktemp("tell"), ["take"]))


@pytest.fixture(scope="module")
def shared_tell(tell_elf):
    with Machine(tell_elf) as machine:
        yield machine


def last(machine, lines):
    """What the last of these lines gives, by pool."""
    said = []
    for n in POOLS:
        rows = machine.run("; ".join([f"pool {n} reset", *(f"pool {n} {line}"
                                                            for line in lines)]))
        assert len(rows) == len(lines), rows
        said.append(rows[-1])
    return said


@pytest.mark.parametrize("way", TELLS)
def test_one_pool_does_it_and_five_do_not(shared_tell, way):
    lines, of_it, of_others = TELLS[way]
    assert sorted(last(shared_tell, lines)) == sorted([of_it] + [of_others] * 5)
    shared_tell.is_whole()


def test_each_way_is_another_pools_and_one_pool_has_none(shared_tell):
    found = [last(shared_tell, lines).index(of_it)
             for lines, of_it, _ in TELLS.values()]
    assert len(set(found)) == len(TELLS) == len(POOLS) - 1


@pytest.mark.parametrize("lines", SAME, ids=["-".join(lines[-2:]) for lines in SAME])
def test_else_all_do_the_same(shared_tell, lines):
    assert len(set(last(shared_tell, lines))) == 1


def test_what_is_not_given_back_is_what_leaks_calls_lost(tell_elf, boot):
    machine = boot(tell_elf)
    lines, of_it, _ = TELLS["forgets a slab"]
    forgets = last(machine, lines).index(of_it) + 1
    for n in POOLS:
        machine.run(f"pool {n} give 4; pool {n} reset")
    assert machine.kinds() == {"definite": 1}
    machine.run(f"pool {forgets} take; pool {forgets} give 0")
    assert machine.kinds() == {"definite": 1}


def test_numbers_are_by_name(tmp_path):
    orders = set()
    for name in ("ann", "bo", "cy"):
        with Machine(build_with(session(tmp_path, ["take"], name))) as machine:
            orders.add(tuple(last(machine, lines).index(of_it)
                             for lines, of_it, _ in TELLS.values()))
    assert len(orders) == 3


def test_a_table_shows_who_is_alike(tmp_path):
    lines, of_it, of_others = TELLS["takes a pointer into a slot"]
    with Machine(build_with(session(tmp_path, lines))) as machine:
        head, *rows = machine.run("tell")
        assert head.split() == [word for n in POOLS for word in ("pool", str(n))]
        table = [re.split(r"  +", row) for row in rows[:len(lines)]]
        assert [row[0] for row in table] == lines
        (odd,) = [n for n in POOLS if table[-1][n] == of_it]
        assert table[-1].count(of_others) == 5
        same = " ".join(str(n) for n in POOLS if n != odd)
        assert rows[len(lines):] == [head, f"tell: alike: {same}"]
        assert machine.run(f"tell apart {odd}") == []
        for n in set(POOLS) - {odd}:
            assert machine.run(f"tell apart {n}") == [f"tell: alike: {same}"]


def test_each_group_of_pools_that_are_alike_is_one_line(tmp_path):
    """Three groups: who loses what is given backwards, who takes any pointer, the rest."""
    lines = FULL + ["give 1+8", "give 2", "give 1", "take"]
    with Machine(build_with(session(tmp_path, lines))) as machine:
        head, *rows = machine.run("tell")
        columns = list(zip(*(re.split(r"  +", row)[1:] for row in rows[:len(lines)])))
        groups = {column: [n for n in POOLS if columns[n - 1] == column]
                  for column in columns}
        assert sorted(map(len, groups.values())) == [1, 1, 4]
        (four,) = [group for group in groups.values() if len(group) == 4]
        assert rows[len(lines):] == [head, "tell: alike: " + " ".join(map(str, four))]


def test_all_alike_are_one_group(tmp_path):
    with Machine(build_with(session(tmp_path, FULL))) as machine:
        assert machine.run("tell")[-1] == "tell: alike: 1 2 3 4 5 6"


@pytest.mark.parametrize("lines,said", [
    (["take", "pool 1 take"], 'tell: "pool 1 take" is none of take, give SLOT[+BYTES], '
                              "fill SLOT, look SLOT"),
    (["leaks"], 'tell: "leaks" is none of'), (["give"], 'tell: "give" is none of'),
    (["give 100"], 'tell: "give 100" is none of'), (["look 1+1"], 'tell: "look 1+1" is'),
    (["take 1"], 'tell: "take 1" is'), (["give 1 "], 'tell: "give 1 " is'),
    (["take"] * 41, "tell: from 1 to 40 lines, and there are 41"),
    (["take"] * 60, "tell: from 1 to 40 lines, and there are 60"),
    ([], "tell: from 1 to 40 lines, and there are 0")])
def test_a_line_that_is_no_command_is_told_and_nothing_is_judged(tmp_path, lines, said):
    with Machine(build_with(session(tmp_path, lines))) as machine:
        for ask in ("tell", "tell lines", "tell apart 1"):
            (line,) = machine.run(ask)
            assert line.startswith(said)


@pytest.mark.parametrize("lines", [["take"], ["leaks"]], ids=["alike", "no-command"])
def test_what_is_not_told_apart_is_a_status(tmp_path, lines):
    labs = " ".join(str(lab) for lab in session(tmp_path, lines))
    assert "Error 1" in make("exec", f"LAB={labs}", "CMDS=tell apart 1", check=False).stderr


def test_a_row_has_its_columns_when_a_pool_counts_past_9(tmp_path):
    """The one that forgets its slabs: the last row says refused/10 of it."""
    lines = ["take"] * 8 + [f"give {n}" for n in range(4)] + ["take", "give 0"] * 8
    lines.append("give 12")
    with Machine(build_with(session(tmp_path, lines))) as machine:
        rows = machine.run("tell")[:len(lines) + 1]
    assert sorted(rows[-1].split()[2:]) == ["refused/1"] * 5 + ["refused/10"]
    assert {len(row) for row in rows} == {len(rows[0])} and len(rows[0]) <= 80
