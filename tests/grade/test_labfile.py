"""Lab files: what is read, what is wrong in one; and how lines are compared."""
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import judge  # noqa: E402
import labfile  # noqa: E402

GOOD = """title A lab
memory 8M
seconds 2
# nothing
test one, 2 points: it works
parameters quiet
    marbles> hello
    hello, ...
    marbles> bye
live = 0
instructions of cmd_hello <= 100
hint Think.
hint Again.
"""


def read(tmp_path, text):
    (tmp_path / "z.c").touch()
    path = tmp_path / "x.lab"
    path.write_text(text)
    return labfile.read(path, "x")


def test_a_lab_file_is_read(tmp_path):
    lab = read(tmp_path, GOOD)
    (test,) = lab.tests
    assert (lab.title, lab.memory, lab.seconds, lab.points) == ("A lab", "8M", 2, 2)
    assert test.commands == ["hello", "bye"] and test.expected == ["hello, ..."]
    assert test.hint == "Think. Again." and test.functions == ["cmd_hello"]
    assert [fact.name for fact in test.all_facts()] == \
        ["status", "reports", "damage", "live", "instructions"]


def test_files_beside_it_are_built_in(tmp_path):
    assert read(tmp_path, "with z.c\n" + GOOD).files == [str(tmp_path / "z.c")]


@pytest.mark.parametrize("old,new,line,words", [
    ("title A lab\n", "", 1, "there is no title"),
    ("title A lab", "title A lab\ntitle B", 2, "title is there already"),
    ("memory 8M", "memory 8MB", 2, '"8MB" is no size'),
    ("memory 8M", "memory 2M", 2, "memory: 2M is too little: 4M at least"),
    ("seconds 2", "seconds 0", 3, '"0" is no number from 1 to 60'),
    ("memory 8M", "with y.c", 2, 'with: "y.c" is no C file beside this one'),
    ("memory 8M", "with ../x.c", 2, 'with: "../x.c" is no C file'),
    ("memory 8M", "with x.lab", 2, 'with: "x.lab" is no C file'),
    ("memory 8M", "with z.c\nwith z.c", 3, "with z.c is there already"),
    ("one, 2 points: it works", "one: it works", 5, "a test is: test NAME, N points"),
    ("one, 2 points", "one, 0 points", 5, "has no points"),
    ("parameters quiet", 'parameters run="', 6, "a quote"),
    ("parameters quiet", "parameter quiet", 6, '"parameter quiet" is neither'),
    ("parameters quiet", "parameters quiet\nparameters a", 7, "stand in one line"),
    ("    marbles> hello\n", "    hello\n", 7, "a session begins with"),
    ("live = 0", "life = 0", 10, '"life" is none of status, '),
    ("live = 0", "live = 0\nlive = 1", 11, "live is there already"),
    ("live = 0", "live == 0", 10, "is neither"),
    ("live = 0", "live of x = 0", 10, "live is of no function"),
    ("instructions of cmd_hello", "instructions", 11, "of which function?"),
    ("hint Think.\nhint Again.\n", "", 5, "test one has no hint"),
    ("hint Think.", "hint", 12, "hint: there is nothing behind it"),
    ("seconds 2", "live = 0", 3, "a fact belongs to a test"),
    ("hint Again.", "seconds 2", 13, "stands before the first test"),
    ("hint Again.", "test one, 1 point: x", 13, "there is a test one already")])
def test_what_is_wrong_in_a_lab_file_is_told_by_file_and_line(tmp_path, old, new, line,
                                                              words):
    assert old in GOOD
    with pytest.raises(labfile.LabError) as error:
        read(tmp_path, GOOD.replace(old, new, 1))
    assert str(error.value).startswith(f"{tmp_path}/x.lab:{line}: ")
    assert words in str(error.value)


@pytest.mark.parametrize("expected,lines,same", [
    (["a", "b"], ["a", "b"], True),
    (["a", "b"], ["a"], False),
    (["a"], ["a", "b"], False),
    (["...", "b"], ["x", "b", "b"], True),
    (["...", "b", "..."], ["x", "b", "y"], True),
    (["...", "b"], ["x", "b", "y"], False),
    (["..."], [], True),
    (["a ... c"], ["a b c"], True),
    (["a ... c"], ["a b d"], False),
    (["a.c"], ["abc"], False),
    (["...", "a", "...", "b"], ["a"] * 200 + ["b"], True)])
def test_lines_and_wildcards(expected, lines, same):
    assert (judge.mark(["marbles> x", *expected], lines) is None) == same
