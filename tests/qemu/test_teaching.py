"""The page for teachers: what it says to type can be typed, and its numbers are true."""
import json
import re
import subprocess

import pytest
from marbles import GUEST_TIME, ROOT, environment, make

PAGE = (ROOT / "kernel/lessons/TEACHING.md").read_text()
PLAN = re.search(r"## Ninety minutes.*?\n\n(\|.*?)\n\n", PAGE, re.S)[1].split("\n")[2:]
STEPS = [[cell.strip() for cell in row.strip("|").split("|")] for row in PLAN]


@pytest.fixture
def beliefs(machine):
    return {row["name"]: row for row in machine.json("lesson -j")}


def names():
    return [re.search(r"`lesson (\w+) ann`", step[1])[1] for step in STEPS]


def test_the_plan_of_ninety_minutes_has_ninety(beliefs):
    assert [int(step[0]) for step in STEPS] == [15, 15, 20, 20, 20]
    assert sum(int(step[0]) for step in STEPS) == 90
    assert [beliefs[name]["number"] for name in names()] == [1, 2, 4, 5, 6]
    for name, step in zip(names(), STEPS):
        words = set(re.findall(r"\w+", beliefs[name]["belief"])) - {"or", "and"}
        assert words <= set(re.findall(r"\w+", step[4]))


def test_its_tries_are_those_of_the_lessons(beliefs):
    for name, step in zip(names(), STEPS):
        lines = [line for line in re.findall(r"`([^`]+)`", step[1])
                 if line != "reboot" and not line.startswith("lesson ")]
        assert lines == beliefs[name]["then"].split("\n")


def test_the_quiz_that_it_names_is_about_its_lessons(machine):
    line, listed = re.search(r"`(quiz ann -n 5 -t (\S+))`", PAGE).groups()
    assert set(listed.split(",")) <= set(names())
    assert machine.json(f"{line} -j")[-1]["of"] == 5


def test_it_says_where_the_memory_goes_that_a_lesson_lost(machine):
    machine.send("lesson drained ann\r")
    for _ in range(3):
        machine.wait_for("your guess> ")
        machine.send("?\r")
    text = " ".join(" ".join(machine.until_prompt()).split())
    assert "has given back" in text and "records of all that is out" in text
    assert "records of all that is out" in " ".join(PAGE.split())


def test_what_each_line_to_try_prints_fits_a_screen(boot):
    """But of drain, which is looked at while it runs."""
    for step in STEPS:
        machine = boot()
        for line in re.findall(r"`([^`]+)`", step[1]):
            if line.startswith("lesson ") or line == "reboot":
                continue
            machine.send(line + "\r")
            said = machine.until_prompt()
            assert len(said) <= 24 or "drain 1000" in line, said


def test_the_try_of_lesson_4_names_who_held_the_lost_one(boot):
    machine = boot()
    text = " ".join(machine.run(STEPS[2][1].split("`")[3]))
    assert "last seen in" in text and "which was freed by" in text


def test_it_says_how_many_questions_they_have(machine):
    asked = 0
    for name in names():
        machine.send(f"lesson {name} ann -j\r")
        asked += sum('"question": ' in row for row in machine.until_prompt())
    assert f"The five have {asked} questions" in PAGE


def test_all_lessons_and_labs_that_it_names_exist(beliefs):
    assert set(re.findall(r"`lesson (\w+)", PAGE)) <= set(beliefs)
    assert re.findall(r"^\| ([A-Z]) \w+", PAGE, re.M) == list("ABCDEFG")
    for file in re.findall(r"`([\w/]+\.(?:c|md|json))`", PAGE):
        assert file in ("room.c", "mine.c") or (ROOT / file).exists() or \
            (ROOT / "kernel/lessons" / file).exists(), file


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step[1].split()[1])
def test_what_it_says_to_type_can_be_typed(boot, step):
    machine = boot(arguments=GUEST_TIME)
    for line in re.findall(r"`([^`]+)`", step[1] + step[2] + step[3]):
        if line.startswith(("lesson ", "reboot")):
            continue
        machine.send(line + "\r")
        said = " ".join(machine.until_prompt())
        assert not re.search(r"unknown command|usage:|unexpected", said), (line, said)
    machine.is_whole()


def test_answers_are_collected_as_it_says(tmp_path):
    make("all")
    script = re.search(r"```sh\n(.*?)```", PAGE, re.S)[1]
    (tmp_path / "answers").write_bytes(b"ann 1 b b\r\n\nbo; poweroff\nbo 1 a a")
    done = subprocess.run(["bash", "-c", script.replace("<answers", f"<{tmp_path}/answers")],
                          cwd=ROOT, env=environment(), capture_output=True, text=True,
                          timeout=60)
    first, second, third = done.stdout.splitlines()
    assert first in PAGE and json.loads(first)["right"] == 3
    assert second == "bo;: letters and numbers only"
    assert json.loads(third)["seed"] == "bo" and json.loads(third)["of"] == 3


def test_the_container_file_installs_by_scripts_that_exist():
    found = json.loads((ROOT / ".devcontainer.json").read_text())
    script = re.match(r"sh (\S+) && make deps$", found["postCreateCommand"])[1]
    assert (ROOT / script).exists() and found["image"]
