"""make student-kit and make gradescope: what is in them, and that it works elsewhere."""
import json
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "qemu")]
from making import ROOT, environment, run_make  # noqa: E402

WORKS = 4                       # points of the skeleton of names: works and absent

if not (ROOT / ".git").exists():
    pytest.skip("made of a commit, and this folder has none", allow_module_level=True)


@pytest.fixture(scope="module")
def archive():
    """The archive of make gradescope, and what was said."""
    return run_make("gradescope", "LESSON=names").stdout


@pytest.fixture(scope="module")
def autograder(archive, tmp_path_factory):
    """Set up as Gradescope does it, in a folder of its own."""
    home = tmp_path_factory.mktemp("autograder")
    with zipfile.ZipFile(ROOT / "build/gradescope-names.zip") as zipped:
        assert sorted(zipped.namelist()) == \
            ["marbles-students.tar.gz", "run_autograder", "setup.sh"]
        assert all(zipped.getinfo(name).external_attr >> 16 & 0o111
                   for name in ("run_autograder", "setup.sh"))
        zipped.extractall(home / "source")
    (home / "submission").mkdir()
    subprocess.run(["sh", home / "source/setup.sh"], check=True, capture_output=True,
                   env=environment())
    return home


def handed_in(autograder):
    """What results.json says."""
    subprocess.run(["sh", autograder / "source/run_autograder"], check=True,
                   capture_output=True,
                   env={**environment(), "AUTOGRADER": str(autograder)})
    return json.loads((autograder / "results/results.json").read_text())


def test_the_kit_has_all_files_but_solutions():
    said = run_make("student-kit").stdout
    with tarfile.open(ROOT / "build/marbles-students.tar.gz") as kit:
        names = {name.removeprefix("marbles/") for name in kit.getnames()}
    listed = subprocess.run(["git", "ls-tree", "-r", "--name-only", "HEAD"], cwd=ROOT,
                            capture_output=True, text=True, check=True).stdout.split()
    solutions = {name for name in listed if "/solutions/" in name}
    assert len(solutions) > 6 and not any("solutions" in name for name in names)
    assert set(listed) - solutions <= names and not any(".git/" in name for name in names)
    assert re.search(rf"{len(listed) - len(solutions)} files of the last commit", said)
    assert f"left out: {len(solutions)} solutions" in said and "labs: " in said


def test_gradescope_sets_it_up_and_grades(autograder):
    lab = autograder / "source/marbles/tests/labs/names/names.c"
    handed = autograder / "submission/names.c"
    assert handed_in(autograder) == {
        "score": 0, "output": "There is no file names.c: hand in one of that name."}
    handed.write_text(lab.read_text())
    result = handed_in(autograder)
    assert result["score"] == WORKS and len(result["tests"]) == 7
    handed.write_text("no C\n")
    assert handed_in(autograder)["score"] == 0


def test_there_is_no_zip_for_no_lesson():
    done = run_make("gradescope", "LESSON=nimes", check=False)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith('kit: LESSON: "nimes" is none of ')
