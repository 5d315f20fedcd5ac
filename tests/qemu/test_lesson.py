"""lesson: each asks, shows, and says why: kernel/lessons/lesson.c."""
import json
import re
from pathlib import Path

import pytest
from marbles import CTRL_C, ROOT, make

NAMES = [name for path in sorted((ROOT / "kernel/lessons").glob("*.c"))
         for name in re.findall(r"^LESSON\(\d+, (\w+),", path.read_text(), re.M)]
SEEDS = ["ann", "bo", "cy"]


def shown(machine, line):
    """What a line prints; a lesson may show reports, which nobody has to expect."""
    machine.send(f"{line}\r")
    return machine.until_prompt()[1:]


def rows(machine, line):
    return [json.loads(row) for row in shown(machine, line) if row.startswith("{")]


def keys(machine, name, seed):
    """What is right for that seed, as the kernel measures it; nothing else knows it."""
    *questions, summary = rows(machine, f"lesson {name} {seed} -j")
    assert (summary["right"], summary["of"]) == (0, len(questions)) and len(questions) >= 2
    return [row["is"] for row in questions]


def wrong(answer):
    return ("b" if answer == "a" else "a") if answer.isalpha() else str(int(answer) + 1)


def typed(machine, name, seed, answers):
    """Answer at the terminal; all that was shown."""
    begin = len(machine.read.parts)
    machine.send(f"lesson {name} {seed}\r")
    for answer in answers:
        machine.wait_for("your guess> ")
        machine.send(f"{answer}\r")
    machine.until_prompt()
    return "".join(machine.read.parts[begin:]).replace("\r", "").split("\n")[1:]


def live(machine):
    m = machine.meminfo()
    return m["live_objects"], m["live_pages"]


def test_they_are_listed_in_their_order(machine):
    found = rows(machine, "lesson -j")
    assert sorted(row["name"] for row in found) == sorted(NAMES)
    assert [row["number"] for row in found] == sorted(row["number"] for row in found)


@pytest.mark.parametrize("name", NAMES)
def test_right_answers_are_right_and_wrong_ones_wrong(boot, name):
    """With three seeds; and the heap is as before."""
    machine = boot()
    before = live(machine)
    for seed in SEEDS:
        right = keys(machine, name, seed)
        summary = rows(machine, f"lesson {name} {seed} {' '.join(right)} -j")[-1]
        assert (summary["right"], summary["of"]) == (len(right), len(right))
        summary = rows(machine,
                       f"lesson {name} {seed} {' '.join(map(wrong, right))} -j")[-1]
        assert summary["right"] == 0
    assert live(machine) == before
    machine.is_whole()


@pytest.mark.parametrize("name", NAMES)
def test_at_the_terminal_with_answers_in_80_columns(boot, name):
    machine = boot()
    right = keys(machine, name, "ann")
    lines = typed(machine, name, "ann", ["nonsense", "?", *right[1:]])
    text = "\n".join(lines)
    assert text.count("-> you said") == text.count(": right.") == len(right) - 1
    assert f"{len(right) - 1} of {len(right)} right." in text and "Now try: " in text
    assert all(len(line) <= 80 for line in lines)
    tried = " ".join(shown(machine, re.search(r"Now try: (.*)", text)[1]))
    assert not re.search(r"unknown command|usage:|unexpected", tried), tried
    machine.is_whole()


@pytest.mark.parametrize("name", NAMES)
def test_who_leaves_goes_on_where_he_was(boot, name):
    machine = boot()
    right = keys(machine, name, "bo")
    before = live(machine)
    machine.send(f"lesson {name} bo\r")
    machine.wait_for("your guess> ")
    machine.send(f"{right[0]}\r")
    machine.wait_for("your guess> ")
    machine.send(CTRL_C)
    assert "Left at question 2" in "\n".join(machine.until_prompt())
    assert live(machine) == before
    text = "\n".join(typed(machine, name, "bo", right[1:]))
    assert "You have answered 1 question of it" in text
    assert f"{len(right)} of {len(right)} right." in text
    text = "\n".join(typed(machine, name, "bo -n", right))
    assert "You have answered" not in text


@pytest.mark.parametrize("name", NAMES)
def test_its_handout_is_the_comment_at_the_top_of_its_file(machine, name):
    path = next(path for path in (ROOT / "kernel/lessons").glob("*.c")
                if re.search(rf"^LESSON\(\d+, {name},", path.read_text(), re.M))
    comment = re.match(r"/\*\n(.*?)\n \*/", path.read_text(), re.S)[1]
    wanted = [line[3:].rstrip() for line in comment.split("\n")]
    assert [line.rstrip() for line in machine.run(f"lesson {name} -h")] == wanted
    assert Path(path).name in wanted[0]


def test_its_number_is_as_good_as_its_name(machine):
    for row in rows(machine, "lesson -j"):
        assert machine.run(f"lesson {row['number']} -h") == \
            machine.run(f"lesson {row['name']} -h")


def test_who_has_answered_nothing_is_not_told_how_much_he_has(machine):
    for _ in range(2):
        machine.send("lesson bag\r")
        machine.wait_for("Enter alone is \"I do not know\"")
        machine.wait_for("your guess> ")
        machine.send(CTRL_C)
        assert "Left at question 1" in "\n".join(machine.until_prompt())
    assert "You have answered" not in machine.read.text()


def test_everybody_has_numbers_of_his_own(machine):
    answers = {tuple(keys(machine, "bag", f"student{n}")) for n in range(8)}
    assert len(answers) > 3


def test_reports_that_a_lesson_means_are_no_failure(machine):
    """A teacher's script sees by the status whether all is right, and nothing else."""
    right = keys(machine, "any", "ann")
    done = make("exec", f"CMDS=lesson any ann {' '.join(right)}", check=False)
    assert done.returncode == 0 and "BUG mm: double free" in done.stdout
    done = make("exec", f"CMDS=lesson any ann {' '.join(map(wrong, right))}", check=False)
    assert done.returncode == 2 and "Error 1" in done.stderr


def test_with_nearly_no_memory_left_it_says_so_first(boot):
    machine = boot(memory="8M")
    assert "Nearly no memory" not in " ".join(shown(machine, "lesson bag ann 1 b b"))
    shown(machine, "kmalloc 64K 200")
    text = " ".join(shown(machine, "lesson bag ann 1 b b"))
    assert text.index("Nearly no memory is left") < text.index("1. You take")
    machine.is_whole()


@pytest.mark.parametrize("words, said", [
    ("lesson bgg", 'no lesson, but "bag" is'), ("lesson nonsense", '"lesson" lists them'),
    ("lesson bag " + "x" * 40, "is too long"), ("lesson bag ann 1 b b 4", "4 answers, but"),
    ("lesson bag ann 1 x b", "one of the letters a to c"), ("lesson 99", '"lesson" lists them'),
    ("lesson leak ann x a a", "one of the letters a or b"),
])
def test_wrong_words_are_told(machine, words, said):
    assert said in " ".join(" ".join(shown(machine, words)).split())
