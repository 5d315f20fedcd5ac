"""make grade, graded: each solution in tests/labs loses what its first comment says.

Also: the forms, each read by a reader of its own; and what does not compile, faults,
hangs, or leaves.
"""
import json
import re
import shutil
import sys
import xml.etree.ElementTree
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "qemu")]
import formats  # noqa: E402
import labfile  # noqa: E402
from grade import Grading, Wrong, lab_of  # noqa: E402
from making import ROOT, make, run_make  # noqa: E402

LABS = ROOT / "tests/labs"
if not list(LABS.glob("*/solutions")):
    pytest.skip("the kit for students has no solutions", allow_module_level=True)
LESSONS = sorted(path.stem for path in LABS.glob("*/*.lab"))
SOLUTIONS = [(lesson, path.stem) for lesson in LESSONS
             for path in sorted((LABS / lesson / "solutions").glob("*.c"))]
MACHINE = ["qemu-system-i386", "-accel", "tcg", "-display", "none", "-net", "none",
           "-device", "isa-debug-exit,iobase=0xf4,iosize=4", "-device", "ib700",
           "-action", "watchdog=inject-nmi"]
GDB = shutil.which("gdb") or "gdb-multiarch"


GRADED = {}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """All files of a lesson are graded as one file there: it is one kernel's folder."""
    return tmp_path_factory.mktemp("labs")


@pytest.fixture
def grade(folder):
    """grade(LESSON, TEXT): a lab with this text, graded once; only=N: by N tests, in a
    hurry."""
    def run(lesson, text, only=None):
        if (lesson, text) not in GRADED:
            lab = folder / f"{lesson}.c"
            lab.write_text(text)
            make("all", f"LAB={lab}", check=False)      # while nobody else builds
            grading = Grading(lab_of(lesson), [str(lab)], "make", GDB, MACHINE)
            grading.lab.tests = grading.lab.tests[:only]
            grading.lab.seconds = 1 if only else grading.lab.seconds
            grading.run()
            GRADED[lesson, text] = grading
        return GRADED[lesson, text]
    return run


def solution(lesson, name="reference"):
    return (LABS / lesson / "solutions" / f"{name}.c").read_text()


def failed(grading):
    return {verdict.test.name for verdict in grading.verdicts if not verdict.passed}


# ---- solutions -----------------------------------------------------------------------

@pytest.mark.parametrize("lesson,name", [
    pytest.param(*one, id="-".join(one)) for one in SOLUTIONS])
def test_a_solution_loses_what_it_says(grade, lesson, name):
    text = solution(lesson, name)
    said = re.match(r"/\*\n \* (\S+)\.c - loses: (.*)\.\n", text)
    assert said and said[1] == name
    lost = set() if said[2] == "nothing" else set(said[2].split(", "))
    grading = grade(lesson, text)
    assert failed(grading) == lost, formats.text(grading)
    assert grading.score == sum(test.points for test in grading.lab.tests
                                if test.name not in lost)


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lab_has_a_reference_six_that_are_wrong_and_a_handout(lesson):
    names = [name for of, name in SOLUTIONS if of == lesson]
    lab = labfile.read(LABS / lesson / f"{lesson}.lab", lesson)
    handout = (LABS / lesson / "README.md").read_text()
    rows = re.findall(r"^\| (\w+) \| (\d+) \|", handout, re.M)
    assert "reference" in names, f"solutions of {lesson}: reference.c is missing"
    assert len(names) >= 7, f"solutions of {lesson}: {len(names) - 1} are wrong ones, 6 must"
    assert [(test.name, str(test.points)) for test in lab.tests] == rows
    assert f"{lab.points} points" in handout


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_skeleton_compiles_and_has_few_points(grade, lesson):
    grading = grade(lesson, (LABS / lesson / f"{lesson}.c").read_text())
    assert 0 < grading.score <= grading.lab.points / 3, \
        f"the skeleton has too many points, or none:\n{formats.text(grading)}"


# ---- what it says --------------------------------------------------------------------

def test_a_leak_is_told_by_its_line(grade):
    text = solution("names", "drop_forgets_name")
    line = 1 + text.splitlines().index(
        "    entry->name = kstrdup(name, GFP_KERNEL);")
    said = formats.text(grade("names", text))
    assert f"definite, taken by add (names.c:{line})" in said
    assert "\n 0 of  4  drop " in said and "\n  hint: An entry is two pieces" in said
    assert "\n16 of 20 points, in " in said


@pytest.mark.parametrize("name,words", [
    ("add_trusts_kmalloc", "status = 5, and should be = 0: a fault ended a command"),
    ("hangs", "it hangs: names was ended by the watchdog, in "),
    ("add_forgets_entry", "status = 7, and should be = 0: with an allocation failing")])
def test_a_fault_and_a_hang_are_called_so(grade, name, words):
    said = formats.text(grade("names", solution("names", name)))
    assert f"first that fails:\n  {words}" in said


def lab_with(body):
    return f"""#include "drivers/power.h"
#include "kernel/shell.h"
static int cmd_names(int argc, char **argv)
{{
    {body}
    return 0;
}}
SHELL_COMMAND(names, "", "", cmd_names);
"""


@pytest.mark.parametrize("body,words", [
    ("for (;;) __asm__ volatile(\"cli; hlt\");", "it hangs: no"),
    ("for (;;) kprintf(\"\\nmarbles> \");", "it hangs: "),
    ("power_exit(0);", "the machine stopped: it was told to exit"),
    ("kprintf(\"\\nmarbles> \"); for (volatile int i = 0; i < 10000000; i++) {}",
     "it printed \"\" where \"cy\" should be")])
def test_a_lab_can_do_as_it_likes_and_is_judged_all_the_same(grade, body, words):
    assert words in formats.text(grade("names", lab_with(body), only=1))


def test_all_that_is_printed_among_false_prompts_is_kept(grade):
    """Where the real one comes while a false one is looked at."""
    body = "for (int i = 0; i < 200; i++) kprintf(\"marbles> %d\\nmarbles> \\n\", i);"
    grading = grade("names", lab_with(body), only=1)
    printed = grading.verdicts[0].outcome.printed
    runs = " ".join(grading.lab.tests[0].commands).count("names ")
    assert printed.count("marbles> 199\n") == runs and printed.endswith("marbles> \n")


BROKEN = solution("names").replace("kfree(entry);", "kfree(entri);")


@pytest.mark.parametrize("text,line,words", [
    (BROKEN, 1 + BROKEN[:BROKEN.index("entri")].count("\n"), "undeclared"),
    ("int absent(int);\nint here(void);\nint here(void)\n{\n    return absent(1);\n}\n",
     5, "undefined reference"),
    (lab_with("").replace("names", "meminfo"), 8, "there is a command meminfo already")])
def test_what_does_not_compile_is_told_by_its_line(grade, folder, text, line, words):
    grading = grade("names", text)
    said = formats.gcc(grading)
    assert said.startswith(f"{folder}/names.c:{line}:1: error: it does not compile: ")
    assert words in said and "\n" not in said
    result = json.loads(formats.gradescope(grading))
    assert result["score"] == 0 and words in result["output"]


# ---- forms ---------------------------------------------------------------------------

WRONG = solution("names", "drop_forgets_name")


def test_gradescope(grade):
    result = json.loads(formats.gradescope(grade("names", WRONG)))
    assert set(result) == {"score", "execution_time", "visibility", "output", "tests"}
    assert result["score"] == sum(test["score"] for test in result["tests"]) == 16
    (bad,) = [test for test in result["tests"] if test["status"] == "failed"]
    assert bad["name"].startswith("drop: ")
    assert (bad["score"], bad["max_score"]) == (0, 4)
    assert "lost = 1" in bad["output"] and "hint: " in bad["output"]


def test_classroom50(grade):
    result = json.loads(formats.classroom50(grade("names", WRONG)))
    assert result["schema"] == "classroom50/result/v1"
    assert (result["score"], result["max-score"]) == (16, 20)


def test_junit(grade):
    said = formats.junit(grade("names", WRONG))
    suite = xml.etree.ElementTree.fromstring(said.encode())
    assert (suite.get("tests"), suite.get("failures")) == ("7", "1")
    (bad,) = [case for case in suite if case.find("failure") is not None]
    assert bad.get("name") == "drop" and "lost = 1" in bad.find("failure").text


def test_tap(grade):
    lines = formats.tap(grade("names", WRONG)).splitlines()
    assert lines[0] == "1..7" and lines[-1] == "# 16 of 20 points"
    results = [line for line in lines[1:] if not line.startswith("#")]
    assert [line.split(" - ")[0] for line in results] == \
        [f"{'not ok' if n == 3 else 'ok'} {n}" for n in range(1, 8)]


def test_github_and_gcc_name_the_line(grade, folder):
    line = 1 + WRONG.splitlines().index("    entry->name = kstrdup(name, GFP_KERNEL);")
    error, notice = formats.github(grade("names", WRONG)).splitlines()
    assert error.startswith(f"::error file={folder}/names.c,line={line},"
                            "title=drop%3A 4 points lost::lost = 1")
    assert notice == "::notice title=names::16 of 20 points"
    said = formats.gcc(grade("names", WRONG))
    assert said.startswith(f"{folder}/names.c:{line}:1: error: drop: 4 points lost: ")
    assert len(said.splitlines()) == 1
    assert formats.gcc(grade("names", solution("names"))) == ""


# ---- wrong usage ---------------------------------------------------------------------

@pytest.mark.parametrize("words,said", [
    (["LAB={lab}", "LESSON=nimes"], 'grade: LESSON: "nimes" is none of '),
    (["LAB={lab}"], "grade: LESSON: which lesson? one of "),
    (["LESSON=names"], "grade: LAB: which file? make grade LAB=mine.c LESSON=names"),
    (["LAB={lab}", "LESSON=names", "FORMAT=xml"], 'grade: FORMAT: "xml" is none of text'),
    (["LAB=/nowhere.c", "LESSON=names"], "LAB: there is no file nowhere.c")])
def test_wrong_usage_is_told_in_one_line(folder, words, said):
    lab = folder / "names.c"
    lab.write_text(solution("names"))
    done = run_make("grade", *(word.format(lab=lab) for word in words), check=False)
    assert done.returncode == 2 and done.stdout == ""
    assert said.replace("nowhere", "/nowhere") in done.stderr or said in done.stderr


@pytest.mark.parametrize("parameters,words", [
    ("kfence.evry=1", "kfence.evry: unknown kernel parameter"),
    ("kfence.every=1 slub_debug=Q", "slub_debug=Q: its letters are F, Z, P, U")])
def test_parameters_that_the_kernel_does_not_take_are_told(folder, parameters, words):
    lab = folder / "names.c"
    lab.write_text(solution("names"))
    make("all", f"LAB={lab}")
    grading = Grading(lab_of("names"), [str(lab)], "make", GDB, MACHINE)
    grading.lab.tests = grading.lab.tests[3:4]
    (test,) = grading.lab.tests
    test.parameters = parameters
    with pytest.raises(Wrong) as error:
        grading.run()
    assert str(error.value).startswith(
        f"tests/labs/names/names.lab:{test.line}: test clear: {words}")


def test_make_grade_is_that_program(folder):
    lab = folder / "names.c"
    lab.write_text(solution("names"))
    done = make("grade", f"LAB={lab}", "LESSON=names")
    assert "\n20 of 20 points, in " in done.stdout and done.stderr == ""
    lab.write_text(WRONG)
    done = make("grade", f"LAB={lab}", "LESSON=names", "FORMAT=gradescope", check=False)
    assert json.loads(done.stdout)["score"] == 16
    assert re.fullmatch(r"make: \*\*\* \[.*grade\] Error 1\n", done.stderr)
