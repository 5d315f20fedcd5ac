"""make handouts: the comments at the top of lessons, as one page to print."""
import re
from html.parser import HTMLParser

import pytest
from marbles import GUEST_TIME, ROOT, make

EMPTY = {"meta"}                        # elements that have no end
ABOUT = {path.stem: path.read_text() for path in sorted((ROOT / "kernel/lessons").glob("*.c"))}
ABOUT = {stem: re.match(r"/\*\n(.*?)\n \*/", text, re.S)[1] for stem, text in ABOUT.items()}
HANDOUTS = [stem for stem, text in ABOUT.items() if "\n * Questions\n" in text]
LESSONS = [stem for stem in HANDOUTS if re.search(r" - lesson \d+: ", ABOUT[stem])]


class Page(HTMLParser):
    """What it shows, by section; every element must end where it should."""
    def __init__(self):
        super().__init__()
        self.open, self.sections, self.text, self.links = [], [], "", []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "section":
            self.sections.append({"id": attrs.get("id"), "li": [], "code": [], "text": ""})
        self.links += [attrs[name] for name in ("href", "src") if name in attrs]
        if tag in EMPTY:
            return
        self.open.append(tag)
        if tag in ("li", "code") and self.sections:
            self.sections[-1][tag].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data
        if not self.sections:
            return
        self.sections[-1]["text"] += data
        for tag in ("li", "code"):
            if tag in self.open:
                self.sections[-1][tag][-1] += data


@pytest.fixture(scope="module")
def page():
    make("handouts")
    page = Page()
    page.feed((ROOT / "build/handouts.html").read_text())
    page.close()
    assert page.open == []
    return page


def words(text):
    return " ".join(text.replace("`", "").split())


def test_it_has_each_handout_once_in_the_order_of_the_lessons(page):
    *found, last = [section["id"] for section in page.sections]
    assert sorted(found) == sorted(HANDOUTS) and last is None
    numbers = [int(re.search(r" - lesson (\d+)", ABOUT[stem])[1])
               for stem in found if stem in LESSONS]
    assert numbers == list(range(1, len(LESSONS) + 1))
    assert all(stem in LESSONS for stem in found[:len(LESSONS)])


def test_it_stands_alone_and_says_who_may_copy_it(page):
    assert page.links and all(link.startswith("#") for link in page.links)
    assert (ROOT / "LICENSE").read_text().strip() in page.text
    for section in page.sections[:-1]:
        assert "MIT License" in section["text"] and "Name: ___" in section["text"]


def test_no_word_of_a_handout_is_lost(page):
    for section in page.sections[:-1]:
        rows = re.sub(r"^ \* ?", "", ABOUT[section["id"]], flags=re.M).split("\n")
        body = re.sub(r"^  (\d+)\. ", "  ", "\n".join(rows[1:]), flags=re.M)
        shown = words(section["text"])
        missing = [word for word in words(body).split() if word not in shown]
        assert missing == []
        asked = re.findall(r"^  \d+\. ", "\n".join(rows), re.M)
        assert len(section["li"]) == len(asked) >= 2


@pytest.mark.parametrize("stem", LESSONS)
def test_a_handout_that_counts_pointers_says_that_it_needs_a_fresh_machine(stem):
    """$1 is another one behind a lesson; $ and what is near it are right anywhere."""
    tries = re.search(r"\n \* Try it\n(.*?)\n \*\n", ABOUT[stem], re.S)[1]
    assert not re.search(r"\$\d", tries) or "on a fresh machine" in tries


@pytest.mark.parametrize("stem", LESSONS)
def test_what_a_handout_says_to_try_can_be_typed(boot, stem):
    """At the prompt of a fresh boot, in its order, up to what leaves or is for a debugger."""
    machine = boot(arguments=GUEST_TIME)
    rows = re.search(r"\n \* Try it\n(.*?)\n \*\n", ABOUT[stem], re.S)[1].split("\n")
    for row in rows:
        line = re.split(r"\s{2,}", re.sub(r"^ \*\s+", "", row))[0]
        if re.match(r"reboot|make |lesson ", line):
            continue
        machine.send(line.replace("SERIAL", "1") + "\r")
        said = " ".join(machine.until_prompt())
        assert not re.search(r"unknown command|usage:|unexpected", said), (line, said)
    machine.is_whole()
