"""quiz: the questions of the course, in any order: kernel/lessons/quiz.c."""
import json
import re

import pytest
from marbles import CTRL_C, ROOT, make
from test_commands import FAILED, OK, status_of

NAMES = re.findall(r'^    (?:MEASURED|FACT|WORD)\("(\w+)", "([a-z-]+)"',
                   (ROOT / "kernel/lessons/quiz_table.c").read_text(), re.M)
LAST = len(NAMES)


def keys(machine, seed):
    """What is right, and what it is about, in that order."""
    *questions, summary = machine.json(f"quiz {seed} -j")
    assert (summary["right"], summary["of"]) == (0, LAST)
    return [row["is"] for row in questions], [row["about"] for row in questions]


def wrong(answer):
    if answer.isdigit():
        return str(int(answer) + 1)
    return "b" if answer == "a" else "a"


def typed(machine, line, answers):
    """Answer at the terminal; what is shown before each answer, and behind the last."""
    machine.send(f"{line}\r")
    shown = []
    for answer in answers:
        shown.append(machine.wait_for("your guess> ").replace("\r", ""))
        machine.send(f"{answer}\r")
    return shown + [machine.wait_for_prompt().replace("\r", "")]


def live(machine):
    m = machine.meminfo()
    return m["live_objects"], m["live_pages"]


def test_there_are_enough_and_their_names_differ():
    assert LAST >= 24 and len({name for _, name in NAMES}) == LAST


def test_orders_and_letters_are_by_seed(machine):
    seen = {seed: keys(machine, seed) for seed in ("ann", "bo", "cy")}
    assert all(sorted(abouts) == sorted(name for _, name in NAMES)
               for _, abouts in seen.values())
    assert len({tuple(abouts) for _, abouts in seen.values()}) == 3
    assert len({tuple(sorted(zip(abouts, is_))) for is_, abouts in seen.values()}) == 3
    assert keys(machine, "ann") == seen["ann"]


def test_right_answers_are_right_and_wrong_ones_wrong(lab):
    """What is measured comes out the same each time; the heap is as before."""
    before = live(lab)
    for seed in ("ann", "bo", "cy"):
        right, _ = keys(lab, seed)
        lines, status = status_of(lab, f"quiz {seed} {' '.join(right)} -j")
        assert status == OK and json.loads(lines[-1])["right"] == LAST
        lines, status = status_of(lab, f"quiz {seed} {' '.join(map(wrong, right))} -j")
        assert status == FAILED and json.loads(lines[-1])["right"] == 0
    assert live(lab) == before
    lab.is_whole()


# What is right, known from elsewhere than the kernel that measures it.
MEASURED = {
    "unwind": "no: a is lost",
    "krealloc": "as before: it is still yours, and to be freed",
    "cycle": "both lost",
    "head": "10",
    "grows": "no",
    "kfree-null": "nothing",
    "twice": "it is refused, and told",
    "stale": "the rightful owner's",
}

# What must be seen of the line that shows it.
SHOWN = {
    "bag": "MemFree", "join": "given back", "missing-kfree": "definite",
    "match": "bytes_req=200", "unwind": "NULL from alloc_pages", "krealloc": "live object",
    "cycle": "reachable", "head": "5 by other objects", "grows": "guests.c", "small": "definite",
    "whose": "definite", "check": "NULL from kmalloc", "kfree-null": "nothing",
    "twice": "double free", "safe": "interior pointer", "stale": "double free",
    "quarantine": "quarantine", "behind": "Redzone overwritten", "instruction": "poke",
    "stacks": "command_body", "kmemleak": "unreferenced object", "ftrace": "kfree:\n",
    "production": "guests.c:52", "error-paths": "NULL from kstrdup", "pool": "1 object",
}


def test_each_is_explained_and_can_be_tried_at_once(boot):
    """At the terminal, in 80 columns, with right answers; ! runs each line."""
    machine = boot()
    before = live(machine)
    right, abouts = keys(machine, "ann")
    answers = [right[0]] + [word for answer in right[1:] for word in ("!", answer)]
    shown = typed(machine, "quiz ann", answers)
    text = "".join(shown)
    assert all(len(row) <= 80 for row in text.split("\n"))
    assert text.count(": right.\n") == LAST and f"{LAST} of {LAST} right." in text
    for n, about in enumerate(abouts[:-1]):
        question, tried = shown[2 * n], shown[2 * n + 2]
        assert SHOWN[about] in tried, (about, tried)
        assert "unknown command" not in tried and "usage:" not in tried
        choice = re.search(rf"^   {right[n]}\) (.*)", question, re.M)
        said = choice[1] if choice else right[n]
        assert MEASURED.get(about, said).startswith(said)
        explained = shown[2 * n + 1]
        assert f"\n{n + 2}. " in explained and "To try it (!): " in explained
        assert f"\n{n + 2}. " in tried              # it is asked again
    assert "To try it: " in shown[-1] and "(!)" not in shown[-1]
    assert live(machine) == before
    machine.is_whole()


@pytest.mark.parametrize("options", ["", " -n 7", " -t leak", " -n 5 -t leak,any"])
def test_who_leaves_hears_how_many_were_right_and_goes_on(machine, options):
    right = [row["is"] for row in machine.json(f"quiz bo{options} -j")[:-1]]
    machine.send(f"quiz bo{options}\r")
    for answer in [right[0], "?", wrong(right[2])]:
        machine.wait_for("your guess> ")
        machine.send(f"{answer}\r")
    machine.wait_for("your guess> ")
    machine.send(CTRL_C)
    text = "\n".join(machine.until_prompt())
    assert "1 of 3 right." in text
    again = re.search(r"To go on:  (quiz .*)", text)[1]
    text = "".join(typed(machine, again, right[3:]))
    last = len(right)
    assert f"{last - 2} of {last} right.\nLook again at: lesson " in text


@pytest.mark.parametrize("word, is_right", [
    ("kmemleak", True), ("KMemLeak", True), ("leaks", True), ("leak", False),
    ("valgrind", False), ("kmemleak|leaks", False), ('""', False),
])
def test_a_word_may_be_another_that_means_it(machine, word, is_right):
    seeds = (f"s{n}" for n in range(40))
    seed, at = next((seed, abouts.index("kmemleak")) for seed in seeds
                    for abouts in [[row["about"] for row in
                                    machine.json(f"quiz {seed} -t hidden -j")[:-1]]])
    row = machine.json(f"quiz {seed} {'? ' * at}{word} -t hidden -j")[at]
    assert row["is"] == "kmemleak" and row["right"] is is_right


def test_some_of_them_and_of_one_lesson(machine):
    assert machine.json("quiz ann -n 3 -j")[-1]["of"] == 3
    of_any = {name for lesson, name in NAMES if lesson == "any"}
    assert {row["about"] for row in machine.json("quiz -t any -j")[:-1]} == of_any
    assert machine.json("quiz ann -t any -n 1 -j")[-1]["of"] == 1
    of_both = of_any | {name for lesson, name in NAMES if lesson == "bag"}
    assert {row["about"] for row in machine.json("quiz -t bag,any -j")[:-1]} == of_both


def test_where_nobody_sits_all_is_told_and_nothing_asked():
    text = make("exec", "CMDS=quiz ann").stdout
    assert text.count("\n-> it is ") == text.count("To try it") == LAST
    assert "your guess" not in text and f"\n0 of {LAST} right.\n" in text
    assert "BUG" not in text


def test_what_cannot_be_measured_is_not_judged(boot):
    """Without records nothing can be scanned."""
    machine = boot(cmdline="kmemleak=off")
    before = live(machine)
    *questions, summary = machine.json("quiz ann -j")
    missing = {name for _, name in NAMES} - {row["about"] for row in questions}
    assert missing == {"cycle", "head", "grows"}
    assert summary["of"] == LAST - len(missing)
    typed(machine, "quiz ann -t leak", ["?"] * sum(lesson == "leak" for lesson, _ in NAMES))
    assert "it cannot be measured now" in "".join(machine.read.parts)
    assert live(machine) == before
    machine.is_whole()


@pytest.mark.parametrize("dial", ["failslab=1,100,0,-1", "quarantine=64K", "kfence.every=1"])
def test_dials_of_before_wait_until_it_is_over(boot, dial):
    """Also behind a line that is tried, which may set others."""
    machine = boot()
    right, abouts = keys(machine, "ann")
    machine.run(f"params {dial}")
    name = dial.split("=")[0]
    before = machine.json(f"params {name} -j")
    assert keys(machine, "ann") == (right, abouts)
    answers = [word for answer in right[:-1] for word in (answer, "!")] + right[-1:]
    text = "".join(typed(machine, "quiz ann", answers))
    assert re.search(rf"^{re.escape(name)}=\S+ waits until the quiz is over", text, re.M)
    assert f"{LAST} of {LAST} right." in text
    assert machine.json(f"params {name} -j") == before
    machine.run(f"params {name}=0")
    machine.is_whole()


@pytest.mark.parametrize("words, said", [
    ("quiz ann -n", "-n"), ("quiz -n 0", "0 questions are none"), ("quiz -n x", "-n"),
    ("quiz -t any,nay", 'no question is about "nay", but "any" has some'),
    ("quiz -t any,", 'no question is about ""'),
    ("quiz -t nay", 'no question is about "nay", but "any" has some'),
    ("quiz -t nonsense", '"lesson" lists lessons'), ("quiz " + "x" * 40, "is too long"),
    ("quiz ann b c d -n 2", "3 answers, but"),
])
def test_wrong_words_are_told(machine, words, said):
    assert said in " ".join(" ".join(machine.run(words)).split())
