"""leaks owners: where things of each line usually hang, so where a lost one's link belonged."""
from marbles import ROOT, site

LINES = [f"tests/labs/lists.c:{number}" for number, line in enumerate(
    (ROOT / "tests/labs/lists.c").read_text().splitlines(), 1)
    if "= kzalloc(sizeof(*node)" in line]
KEEP, MEMBERS = LINES[:2]


def row(where, count, by, holder, offset=0, member=0):
    return {"site": where, "count": count, "by": by, "holder": holder, "offset": offset,
            "last_offset": offset, "interior": member != 0, "member": member}


def test_siblings_tell_where_the_link_of_a_lost_one_belonged(lists):
    lists.run("lists keep 1000")
    assert lists.json("leaks owners -j") == [
        row(KEEP, 999, "object", KEEP), row(KEEP, 1, "variable", "head")]
    lists.run("lists unlink 9")
    assert lists.json("leaks owners -j") == [
        row(KEEP, 888, "object", KEEP), row(KEEP, 111, "nothing", None),
        row(KEEP, 1, "variable", "head")]
    assert lists.run(f"leaks owners {KEEP}")[:4] == [
        f"1000 of {KEEP}",
        f"      888  at offset 0 of what {KEEP} took",
        "      111  from nothing: lost",
        "        1  from the variable head"]
    text = "\n".join(lists.run("leaks lost"))
    assert text.count(f"888 others of this line hang at offset 0 of what {KEEP} took") == 111


def test_nobody_is_said_to_be_lost_while_all_is_held(lists):
    lists.run("lists keep 50; kmalloc 100")
    rows = lists.json("leaks owners -j")
    assert {found["by"] for found in rows} == {"object", "variable", "shell"}
    assert "nothing" not in "\n".join(lists.run("leaks owners"))


def test_links_through_a_member_are_known_by_their_constant_offset(lists):
    lists.run("lists members 20")
    assert lists.json("leaks owners -j") == [
        row(MEMBERS, 19, "object", MEMBERS, 4, 4),
        row(MEMBERS, 1, "variable", "members", 0, 4)]
    assert f"at offset 4 of what {MEMBERS} took, through the member at 4" in \
        lists.run("leaks owners")[1]
    for command, times in (("leaks", 1), ("leaks list possible", 20)):
        said = " ".join(" ".join(lists.run(command)).split())
        assert said.count(", through the member at 4") == times


def test_an_array_is_one_row(lists):
    lists.run("lists tree 100")
    top = site("tests/labs/lists.c", r"= kcalloc\(")
    rows = {found["count"]: found for found in lists.json("leaks owners -j")
            if found["holder"] == top}
    assert rows[100]["offset"] == 0 and rows[100]["last_offset"] == 396
    assert f"at offsets 0 to 396 of what {top} took" in "\n".join(lists.run("leaks owners"))


def test_counts_add_up_to_all_that_is_live(lists):
    lists.run("lists keep 70; lists unlink 3; lists ring 7; lists members 9; pages 2")
    rows, summary = lists.json("leaks owners -j"), lists.leaks("leaks all -j")[1]
    assert sum(found["count"] for found in rows) == summary["objects"]


def test_what_was_never_seen_is_told_by_its_line(lists):
    lists.run("lists keep 50; lists unlink 5")
    text = "\n".join(lists.run("leaks lost"))
    assert f"  {KEEP}: 40 others of this line hang at offset 0 of what {KEEP} took" in text


def test_a_line_that_took_nothing_or_is_none_is_named(lists):
    assert lists.run("leaks owners x.c:1") == ["leaks owners: nothing that x.c:1 took is live"]
    assert '"frog" is no line (FILE:LINE)' in lists.run("leaks owners frog")[0]
    assert lists.run("leaks owners")[0] == "nothing is live"
