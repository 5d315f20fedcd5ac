"""leaks tree: what each leak takes with it, and how much comes back."""
import re

from marbles import CTRL_C, site

NODE = 56


def trees(rows):
    """The rows of leaks tree -j, tree by tree; and the summary."""
    found = []
    for row in rows[:-1]:
        if row["depth"] == 0:
            found.append([])
        found[-1].append(row)
    return found, rows[-1]


def test_what_is_held_is_no_leak_and_has_no_tree(lists):
    lists.run("lists keep 30; lists members 30; lists grow 30; kmalloc 100")
    lines = lists.run("leaks tree")
    assert lines[0] == "nothing is lost" and lines[1].startswith("scanned: ")
    assert lists.json("leaks tree -j") == [
        {"summary": True, "definite": 0, "indirect": 0, "bytes": 0}]


def test_a_tree_is_shown_as_one_holders_first(lists):
    lists.run("lists tree 3")
    (tree,), summary = trees(lists.json("leaks tree -j"))
    assert [row["depth"] for row in tree] == [0, 1, 2, 1, 2, 1, 2]
    assert [row["offset"] for row in tree[1:]] == [0, 0, 4, 0, 8, 0]
    top = tree[0]
    assert top["kind"] == "definite" and not top["ring"]
    assert top["objects"] == 7 and top["total"] == 6 * NODE + 12
    assert top["site"] == site("tests/labs/lists.c", r"= kcalloc\(")
    assert {row["kind"] for row in tree[1:]} == {"indirect"}
    assert summary == {"summary": True, "definite": 1, "indirect": 6,
                       "bytes": 6 * NODE + 12}
    lines = lists.run("leaks tree")
    assert re.match(rf" +{6 * NODE + 12} +7  0x[0-9a-f]{{8}}, 12 bytes, serial 1, ",
                    lines[1])
    assert [re.search(r"[|`]- at (\d+): ", line)[1] for line in lines[2:8]] == \
        ["0", "0", "4", "0", "8", "0"]
    assert lines[8] == "      348 bytes come back: 1 lost object, and 6 that go with it"


def test_a_ring_is_said_to_be_one_and_ends(lists):
    lists.run("lists ring 5; lists singles 1")
    (ring, single), _ = trees(lists.json("leaks tree -j"))
    assert ring[0]["ring"] and ring[0]["objects"] == 5
    assert [row["depth"] for row in ring] == [0, 1, 2, 3, 4]
    assert not single[0]["ring"] and len(single) == 1
    text = "\n".join(lists.run("leaks tree"))
    assert text.count(", a ring") == 1


def test_freeing_it_all_gives_back_as_much_as_was_said(lists):
    before = lists.meminfo()["live_bytes"]
    lists.run("lists tree 4")
    (tree,), summary = trees(lists.json("leaks tree -j"))
    assert lists.meminfo()["live_bytes"] - before == summary["bytes"]
    lists.run("kfree " + " ".join(row["address"] for row in tree))
    assert lists.meminfo()["live_bytes"] == before
    lists.is_whole()


def test_the_largest_come_first_and_what_is_left_out_is_said(lists):
    lists.run("lists ring 9; lists singles 15; lists tree 2")
    lines = lists.run("leaks tree")
    assert ", a ring, " in lines[1] and any(line.endswith("`- 2 more") for line in lines)
    shown = [line for line in lines if re.match(r" +\d+ +\d+  0x", line)]
    assert len(shown) == 5              # with 8, 5, 1, 1 and 1 rows
    totals = [int(line.split()[0]) for line in shown]
    assert totals == sorted(totals, reverse=True)
    assert f"{12 * NODE:9} {12:7}  in 12 more" in "\n".join(lines)
    every, summary = trees(lists.json("leaks tree -j"))
    assert len(every) == 17 and summary["definite"] == 17
    assert sum(tree[0]["total"] for tree in every) == summary["bytes"]
    assert [tree[0]["total"] for tree in every][:5] == totals


def test_a_long_list_that_is_lost_is_one_tree(lists):
    lists.run("lists ring 20000")
    lines = lists.run("leaks tree")
    assert ", a ring, " in lines[1] and len(lines) < 20
    assert "`- 19993 more" in "\n".join(lines)


def test_thousands_of_leaks_are_each_listed_once_and_in_order(lists):
    lists.run("lists singles 2500; lists ring 3")
    every, summary = trees(lists.json("leaks tree -j"))
    assert len(every) == 2501 == summary["definite"]
    starts = [tree[0]["address"] for tree in every]
    assert len(set(starts)) == 2501
    assert every[0][0]["ring"] and starts[1:] == sorted(starts[1:])


def test_Ctrl_C_ends_a_long_listing(lists):
    lists.run("lists singles 20000")
    lists.send("leaks tree -j\r")
    lists.wait_for('"depth"')
    lists.send(CTRL_C)
    assert "summary" not in "\n".join(lists.until_prompt())
    lists.is_whole()


def test_Ctrl_C_leaves_no_tree_with_part_of_its_sums(boot, lists_elf):
    machine = boot(lists_elf, memory="128M")
    machine.run("lists ring 400000")
    machine.send("leaks tree\r")
    machine.wait_for("what goes with it")       # now that tree is summed up
    machine.send(CTRL_C)
    lines = machine.until_prompt()
    assert [line for line in lines if line and line != "^C"] == ["interrupted"]
    machine.is_whole()


def test_a_word_too_many_is_named(lists):
    assert 'unexpected "now"' in lists.run("leaks tree now")[0]
