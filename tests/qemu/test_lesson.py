"""lesson: each asks, shows, and says why: kernel/lessons/lesson.c."""
import json
import re
from pathlib import Path

import pytest
from conftest import build_with
from marbles import CTRL_C, ROOT, Machine, make
from test_commands import FAILED, USAGE, status_of

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


def head(machine, line):
    """What stands above its first question, which is left at once."""
    machine.send(f"{line}\r")
    text = machine.wait_for("your guess> ").replace("\r", "")
    machine.send(CTRL_C)
    machine.until_prompt()
    return text.split("\n")[1:]


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
    assert "the lesson has given back" in text
    assert all(len(line) <= 80 for line in lines)
    then = re.search(r"Now try: (.*(?:\n {9}.*)*)", text)[1]
    for line in then.split("\n"):
        tried = " ".join(shown(machine, line.strip()))
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
    text = "\n".join(machine.until_prompt())
    assert f"Left at question 2: lesson {name} bo goes on there." in text
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
    assert all(len(line) <= 80 for line in wanted)
    assert [line.rstrip() for line in machine.run(f"lesson {name} -h")] == wanted
    assert Path(path).name in wanted[0]


def test_a_long_handout_comes_a_screen_at_a_time(boot):
    machine = boot()
    machine.tell_size(24, 80)
    machine.send("lesson leak -h\r")
    text = machine.wait_for("-- more")
    assert "leak.c - lesson 4" in text and text.count("\n") <= 24
    machine.send(" ")
    machine.wait_for("each bit is turned over")
    assert "-- more" not in machine.drawn("lesson bag -h")


def test_what_stands_between_two_keys_fits_the_screen(boot):
    """Of 24 rows; q at what does not leaves the lesson."""
    machine = boot()
    machine.tell_size(24, 80)
    more, guess, prompt = "-- more: space", "your guess> ", "marbles> \x1b[m"
    stops = re.compile("|".join(map(re.escape, (more, guess, prompt))))
    for name in NAMES:
        machine.send(f"lesson {name} ann\r")
        stop = None
        while stop != prompt:
            assert machine.wait_for(stops).count("\n") <= 24, machine.transcript()
            stop = machine.qemu.after
            machine.send({more: " ", guess: "\r", prompt: ""}[stop])
    machine.send("lesson late ann\r")
    for key in ("d\r", "b\r"):
        machine.wait_for(guess)
        machine.send(key)
    machine.wait_for(more)
    machine.send("q")
    machine.wait_for("Left at question 3: lesson late ann goes on there.")


def test_before_each_verdict_stands_what_makes_it_so(boot):
    """A command, an address, or a number that was measured, and not the verdict alone."""
    machine = boot()
    for name in set(NAMES) - {"buddies"}:           # what lies where is drawn above
        shown_of = "\n".join(shown(machine, f"lesson {name} mira " +
                                   " ".join(keys(machine, name, "mira")))).split("your guess> ")
        for part in shown_of[1:]:
            rows_of = part.split("\n")
            verdict = next(n for n, row in enumerate(rows_of) if row.startswith("-> "))
            assert verdict > 1, (name, part)


def test_live_has_one_meaning(machine):
    """Taken, and not given back: of the live ones some are reachable, and others lost."""
    text = " ".join(machine.run("lesson leak -h"))
    assert "An object is live from kmalloc to kfree" in text
    assert not re.search(r"\blive +something points|is live\.|lost or live", text)
    said = " ".join(shown(machine, "lesson leak mira " +
                          " ".join(keys(machine, "leak", "mira"))))
    assert "lost or reachable?" in said and "leaks why" in said


def test_its_number_is_as_good_as_its_name(machine):
    for row in rows(machine, "lesson -j"):
        assert machine.run(f"lesson {row['number']} -h") == \
            machine.run(f"lesson {row['name']} -h")


def test_each_lesson_keeps_its_own_place(boot):
    """And whose it is may have blanks in it; another's run to its end takes nothing away."""
    machine = boot()
    right = {name: keys(machine, name, "'bo ann'") for name in NAMES}
    for name in NAMES:
        machine.send(f"lesson {name} 'bo ann'\r")
        machine.wait_for("your guess> ")
        machine.send(f"{right[name][0]}\r")
        machine.wait_for("your guess> ")
        machine.send(CTRL_C)
        text = "\n".join(machine.until_prompt())
        assert f'Left at question 2: lesson {name} "bo ann" goes on there.' in text
    for name in NAMES:
        keys(machine, name, "cy")
        text = "\n".join(typed(machine, name, '"bo ann"', right[name][1:]))
        assert "You have answered 1 question of it" in text
        assert f"{len(right[name])} of {len(right[name])} right." in text


def test_a_word_that_cannot_be_the_answer_stops_it_there(lab):
    for words, number in [("bag mira vier b b", 1), ("bag mira 4 q b", 2)]:
        text, status = status_of(lab, f"lesson {words}")
        text = "\n".join(text)
        assert status == USAGE and f"Stopped at question {number}: it has no such answer" in text
        assert f"\n{number}. " in text and f"\n{number + 1}. " not in text
        assert "right." not in text.replace(": right.", "")
        found = rows(lab, f"lesson {words} -j")
        assert found[-2] == {"error": f"question {number} has no such answer"}
        assert found[-1]["of"] == number - 1 == len(found) - 2


def test_blanks_around_an_answer_are_none_of_it(machine):
    right = keys(machine, "bag", "ann")
    text = "\n".join(typed(machine, "bag", "ann", [f" {right[0]}", f"{right[1]}  ",
                                                   f"  {right[2]} "]))
    assert "3 of 3 right." in text
    text = "\n".join(typed(machine, "bag", "ann", ["4 2", "4", "b", "b"]))
    assert "a number, such as 100" in text and "0x64" not in text


def test_the_bag_shows_what_the_lesson_itself_has_out(boot):
    """However much others have taken before."""
    machine = boot()
    machine.run("kmalloc 100 20")
    right = keys(machine, "bag", "mira")
    text = "\n".join(shown(machine, f"lesson bag mira {' '.join(right)}"))
    assert " = 0 out" in text and f" = {right[0]} out, {100 * int(right[0])} bytes" in text
    assert re.search(rf"outside   o{{{right[0]}}}$", text, re.M)


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


def now(machine, dial):
    """That dial as it is set now."""
    name = dial.split("=")[0]
    return f"{name}={machine.json(f'params {name} -j')[0]['now']}"


DIALS = [("kfence.every=1",), ("init_on_free=1",), ("slub_debug=ZP",), ("quarantine=64K",),
         ("failslab=1,100,0,-1", "fail_page_alloc=1,100,0,-1")]


@pytest.mark.parametrize("dials", DIALS, ids=lambda dials: dials[0])
def test_dials_of_before_wait_until_a_lesson_is_over(boot, dials):
    """What is right is what is right at a fresh boot, and they are put back behind it."""
    machine = boot()
    right = {name: keys(machine, name, "mira") for name in NAMES}
    for dial in dials:
        machine.run(f"params {dial}")
    before = [now(machine, dial) for dial in dials]
    for name in NAMES:
        assert keys(machine, name, "mira") == right[name], name
        said, *_ = head(machine, f"lesson {name} mira")
        waiting, last = said.split(" wait")
        assert sorted(waiting.split(", ")) == sorted(before)
        assert last == f"{'s'[len(dials) - 1:]} until the lesson is over."
        assert before == [now(machine, dial) for dial in dials]
    machine.run("params failslab=0; params fail_page_alloc=0")
    machine.is_whole()


def test_at_a_fresh_boot_no_dial_waits_and_who_leaves_has_them_back(machine):
    assert head(machine, "lesson bag ann")[0].startswith("Lesson 1: ")
    machine.run("params kfence.every=3")
    machine.send("lesson late ann\r")
    machine.wait_for("kfence.every=3 waits")
    machine.wait_for("your guess> ")
    machine.send("b\r")
    machine.wait_for("your guess> ")
    machine.send(CTRL_C)
    machine.until_prompt()
    assert now(machine, "kfence.every") == "kfence.every=3"
    machine.run("params kfence.every=0")


FAULTS = """
#include "kernel/lessons/lesson.h"
static void faults(struct lesson_run *run) { (void)run; *(volatile int *)8 = 1; }
LESSON(77, faults, "Faults", "none", "meminfo", faults);
"""


NOTHING = """
#include "kernel/lessons/lesson.h"
static void nothing(struct lesson_run *run)
{
    if (lesson_choose(run, "yes|no", "Which?"))
        lesson_is(run, 3, "None of both.");
    if (lesson_ask(run, "How many?"))
        lesson_is(run, LESSON_NOT_NOW, "Nobody knows.");
}
LESSON(78, nothing, "Nothing", "none", "meminfo", nothing);
"""


def test_what_comes_to_no_choice_that_there_is_does_not_count(boot, tmp_path):
    (tmp_path / "nothing.c").write_text(NOTHING)
    machine = boot(build_with([tmp_path / "nothing.c"]))
    text = "\n".join(shown(machine, "lesson nothing ann d"))
    assert "one of the letters a or b" in text
    text = "\n".join(shown(machine, "lesson nothing ann a 4"))
    assert text.count("-> it cannot be measured now.") == 2 and "it is d" not in text
    assert "None of both." in text and "0 of 0 right" in text
    assert rows(machine, "lesson nothing ann -j")[-1]["of"] == 0


@pytest.mark.parametrize("name", NAMES)
def test_no_lesson_keeps_pointers_to_what_it_gave_back(boot, name):
    """Left, or to its end: or `leaks` would take for reachable who lies there next."""
    machine = boot()
    head(machine, f"lesson {name} mira")
    keys(machine, name, "mira")
    machine.run("kmalloc 200 200; forget all; kmalloc 30K 30; forget all")
    found = machine.json("leaks -j")[-1]
    lost = found["definite"] + found["indirect"]    # new memory is not cleared
    assert (lost, found["possible"], found["reachable"]) == (230, 0, 0)


def test_dials_are_put_back_behind_a_lesson_that_faults(boot, tmp_path):
    (tmp_path / "faults.c").write_text(FAULTS)
    machine = boot(build_with([tmp_path / "faults.c"]))
    machine.run("params kfence.every=5")
    text = "\n".join(shown(machine, "lesson faults"))
    assert "kfence.every=5 waits" in text and "put back: kfence.every=5" in text
    assert now(machine, "kfence.every") == "kfence.every=5"


def test_with_red_zones_that_cannot_go_yet_nothing_is_measured(boot):
    machine = boot(cmdline="slub_debug=Z")
    machine.run("kmalloc 100")
    assert "red zones stand around objects" in " ".join(shown(machine, "lesson sizes ann"))
    assert set(rows(machine, "lesson sizes ann -j")[0]) == {"error"}
    machine.run("kfree $")
    assert len(keys(machine, "sizes", "ann")) == 4


def test_without_records_it_refuses(boot, lab_elf):
    machine = boot(lab_elf, cmdline="kmemleak=off")
    for name in NAMES:
        text, status = status_of(machine, f"lesson {name} ann")
        assert status == FAILED and "kmemleak=off keeps no records" in " ".join(text)
        assert set(rows(machine, f"lesson {name} ann -j")[0]) == {"error"}


def test_with_too_little_memory_it_refuses_and_says_what_it_needs(boot, lab_elf):
    machine = boot(lab_elf, memory="8M")
    assert keys(machine, "bag", "ann")
    machine.run("kmalloc 64K 200", bug="out of memory")
    free = machine.meminfo()["free_kb"]
    for name in [f"lesson {name} ann" for name in NAMES] + ["quiz ann"]:
        text, status = status_of(machine, name)
        assert status == FAILED and "1." not in " ".join(text)
        assert f"it needs 1024 kB of memory, and {free} kB are free" in " ".join(text)
        assert "only `reboot`" in " ".join(text)
        assert set(rows(machine, f"{name} -j")[0]) == {"error"}
    machine.is_whole()


@pytest.mark.parametrize("words, said", [
    ("lesson bgg", 'no lesson, but "bag" is'), ("lesson nonsense", '"lesson" lists them'),
    ("lesson bag " + "x" * 40, "is too long"), ("lesson bag ann 1 b b 4", "4 answers, but"),
    ("lesson bag ann 1 x b", "one of the letters a to c"), ("lesson 99", '"lesson" lists them'),
    ("lesson leak ann x a a", "one of the letters a or b"),
])
def test_wrong_words_are_told(machine, words, said):
    assert said in " ".join(" ".join(shown(machine, words)).split())


# ---- of others ---------------------------------------------------------------------

OTHERS = """#include "kernel/lessons/lesson.h"
static void forgets(struct lesson_run *run)
{
    lesson_is(run, 1, "Too early.");
    if (lesson_ask(run, "How many?") && lesson_ask(run, "And now?"))
        lesson_is(run, 7, "So it is.");
    lesson_is(run, 7, "Too late.");
    lesson_ask(run, "And in the end?");
}
LESSON(11, forgets, "Forgets", "one does", "check", forgets);
static void nothing(struct lesson_run *run)
{
    if (lesson_ask(run, "How many?"))
        lesson_is(run, 3, "So it is.");
}
LESSON(11, nothing, "Nothing", "one does", "check", nothing);
LESSON(1, bag, "Another", "one does", "check", nothing);
"""


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    lab = tmp_path_factory.mktemp("lab") / "others.c"
    lab.write_text(OTHERS)
    with Machine(build_with([lab])) as machine:
        yield machine


def test_mistakes_of_an_author_are_said(others):
    early, forgotten, right, late, last, summary = rows(others, "lesson forgets ann 5 7 9 -j")
    begin = {"error": "question 0: lesson_is() stands behind no question of its own"}
    assert early == begin and late["error"].startswith("question 2: lesson_is() stands")
    assert forgotten["error"].startswith("question 1: no lesson_is()")
    assert last["error"].startswith("question 3: no lesson_is()")
    assert (right["question"], right["right"]) == (2, True)
    assert (summary["right"], summary["of"]) == (1, 1)
    assert not any("lesson_is()" in line for line in shown(others, "lesson nothing ann 3"))


def test_two_lessons_of_one_number_or_name_are_both_listed(others):
    listed = [line.split()[:2] for line in shown(others, "lesson") if line[:3].strip().isdigit()]
    for one in (["11", "forgets"], ["11", "nothing"]):
        assert listed.count(one) == 1
    assert listed.count(["1", "bag"]) == 2 and len(listed) == len(NAMES) + 3
    for name in ("bag", "11"):
        said = " ".join(shown(others, f"lesson {name}"))
        assert f'"{name}" is two lessons' in said and "others.c" in said
