"""make pictures: what is drawn is what was printed, and the READMEs show it as it is."""
import re
import subprocess
import sys
import xml.etree.ElementTree as xml

import pytest
from marbles import ROOT, rows
from pictures import COLOURS, COLUMNS, HEIGHT, PICTURES, WIDTH

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def new(elf, tmp_path_factory):
    """A folder with all of them, drawn now."""
    folder = tmp_path_factory.mktemp("pictures")
    subprocess.run([sys.executable, ROOT / "tests/qemu/pictures.py", elf, folder],
                   check=True, stdin=subprocess.DEVNULL, timeout=120)
    return folder


def pieces(path, kind):
    """(row, column, columns, element) of each text, or each block of colour."""
    for one in xml.parse(path).getroot().iter(SVG + kind):
        if one.get("x"):
            yield (int(one.get("y")) // HEIGHT, int(one.get("x")) // WIDTH,
                   int(one.get("textLength") or one.get("width")) // WIDTH, one)


def text_of(path):
    """What stands in it, row by row."""
    found = []
    for y, x, columns, one in pieces(path, "text"):
        assert len(one.text) == columns and x + columns <= COLUMNS
        found += [""] * (y + 1 - len(found))
        assert len(found[y]) <= x, "one text over another"
        found[y] = f"{found[y]:{x}}{one.text}"
    return [row.rstrip() for row in found]


@pytest.mark.parametrize("name", PICTURES)
def test_its_text_is_what_is_printed(new, boot, name):
    memory, lines = PICTURES[name]
    machine = boot(memory=memory)
    for line in lines:
        machine.send(line + "\r")
        printed = rows(machine.wait_for_prompt())
    assert text_of(new / f"{name}.svg") == \
        ["marbles> " + printed[0], *(row.rstrip() for row in printed[1:])]


@pytest.mark.parametrize("name", PICTURES)
def test_a_letter_has_one_colour(new, name):
    """In the map and in the legend; where a block begins its order stands."""
    text = text_of(new / f"{name}.svg")
    colours = {}
    for y, x, columns, block in pieces(new / f"{name}.svg", "rect"):
        assert block.get("fill") in COLOURS.values()
        letters = set(text[y][x:x + columns]) - set("0123456789X")
        assert len(letters) <= 1
        for letter in letters:
            colours.setdefault(letter, set()).add(block.get("fill"))
    assert len(colours) >= 4
    assert all(len(found) == 1 for found in colours.values()), colours


def words(path):
    return [re.findall("[a-z]{3,}|%", row) for row in text_of(path)
            if not re.match(r"[-.MSsLPrdpien0-9X ]{60,}", row)]


@pytest.mark.parametrize("name", PICTURES)
def test_what_the_readmes_show_is_of_today(new, name):
    """But for sizes and addresses, which any change of the kernel moves."""
    shown = ROOT / f"{name}.svg"
    assert words(shown) == words(new / f"{name}.svg") and len(words(shown)) > 5
    assert f"]({shown.name})" in (shown.parent / "README.md").read_text()
