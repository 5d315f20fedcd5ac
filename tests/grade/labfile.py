"""labfile.py - the file that says what is graded of a lab: tests/labs/NAME/NAME.lab.

    # what begins with # is a comment
    title   A list of names
    memory  16M
    seconds 3
    with    names_check.c

    test drop, 3 points: drop gives back all that add took
    parameters slub_debug=FZPU
        marbles> names add ann; names add bob
        marbles> names drop ann; names list
        bob
    lost = 0
    hint An entry has two pieces of memory.

Lines with blanks before them are a session, as it is copied from a terminal: what is
typed, and what is printed.  `...` alone is any number of lines, in a line it is any text.
A fact (FACTS) is asked of the memory that is there when the session is over.  `with`
names a file beside the lab file, the teacher's: it is built in with what is handed in.

What cannot be is an error that names file and line; nothing is passed over.
"""
import re
from dataclasses import dataclass, field
from pathlib import Path

# What can be asked, in words.
FACTS = {
    "status": "status of the first command that failed",
    "reports": "bugs that were reported",
    "damage": "bytes of red zones or poison that were overwritten",
    "lost": "objects that nothing points to",
    "live": "objects that nobody has given back",
    "refused": "frees that were refused",
    "kmallocs": "objects that were taken",
    "pages": "pages that were taken by the page calls",
}
ALWAYS = ("status", "reports", "damage")        # 0, unless a test says otherwise
PROMPT = "marbles> "
HEAD = re.compile(r"([a-z][a-z0-9_-]*), (\d+) points?: (\S.*)")
FACT = re.compile(r"([a-z]+)(?: of (\w+))? (=|<=|>=) (\d+)")
MEMORY = re.compile(r"\d+M")
LEAST_MEMORY = 4                # MB: with less the kernel does not come to its prompt
WITH = re.compile(r"\w+\.c")


class LabError(Exception):
    """One line: file, line, and what is wrong there."""


@dataclass
class Fact:
    """`lost = 0`; of instructions: of which function."""

    name: str
    relation: str
    number: int
    function: str = None

    def holds(self, value):
        return {"=": value == self.number, "<=": value <= self.number,
                ">=": value >= self.number}[self.relation]

    def __str__(self):
        return f"{self.relation} {self.number}"


@dataclass
class Test:
    name: str
    points: int
    text: str
    line: int
    parameters: str = ""
    hint: str = ""
    session: list = field(default_factory=list)     # lines, as they stand
    facts: list = field(default_factory=list)

    @property
    def commands(self):
        return [line[len(PROMPT):] for line in self.session if line.startswith(PROMPT)]

    @property
    def expected(self):
        return [line for line in self.session if not line.startswith(PROMPT)]

    @property
    def functions(self):
        """Whose instructions are counted."""
        return [fact.function for fact in self.facts if fact.function]

    def all_facts(self):
        """Those that are 0 unless it is said otherwise come first: how it ended."""
        said = {fact.name: fact for fact in self.facts if fact.name in ALWAYS}
        first = [said.get(name, Fact(name, "=", 0)) for name in ALWAYS]
        return first + [fact for fact in self.facts if fact.name not in ALWAYS]


@dataclass
class Lab:
    name: str
    path: str
    title: str = ""
    memory: str = "16M"
    seconds: int = 3
    files: list = field(default_factory=list)       # the teacher's, built in
    tests: list = field(default_factory=list)

    @property
    def points(self):
        return sum(test.points for test in self.tests)


class Reader:
    """Line by line; what a word at the beginning means is a method of that name."""

    def __init__(self, lab):
        self.lab, self.number, self.given = lab, 0, set()

    def wrong(self, what, line=None):
        raise LabError(f"{self.lab.path}:{line or self.number}: {what}")

    def read(self, text):
        for self.number, line in enumerate(text.splitlines(), 1):
            line = line.rstrip()
            if line.startswith((" ", "\t")):
                self.session(line.strip())
            elif line and not line.startswith("#"):
                self.statement(line)
        self.end_test()
        if not self.lab.title:
            self.wrong("there is no title", 1)
        if not self.lab.tests:
            self.wrong("there is no test", max(1, self.number))

    def statement(self, line):
        word, _, rest = line.partition(" ")
        if FACT.fullmatch(line):
            self.fact(*FACT.fullmatch(line).groups())
        elif word in STATEMENTS:
            if not rest.strip():
                self.wrong(f"{word}: there is nothing behind it")
            STATEMENTS[word](self, rest.strip())
        else:
            self.wrong(f'"{line}" is neither {", ".join(STATEMENTS)} nor '
                       "a fact such as lost = 0; a session has blanks before it")

    # ---- of the lab ------------------------------------------------------------------

    def once(self, word):
        if self.lab.tests:
            self.wrong(f"{word} stands before the first test")
        if word in self.given:
            self.wrong(f"{word} is there already")
        self.given.add(word)

    def title(self, text):
        self.once("title")
        self.lab.title = text

    def memory(self, text):
        self.once("memory")
        if not MEMORY.fullmatch(text):
            self.wrong(f'memory: "{text}" is no size such as 16M')
        if int(text[:-1]) < LEAST_MEMORY:
            self.wrong(f"memory: {text} is too little: {LEAST_MEMORY}M at least")
        self.lab.memory = text

    def seconds(self, text):
        self.once("seconds")
        if not text.isdigit() or not 1 <= int(text) <= 60:
            self.wrong(f'seconds: "{text}" is no number from 1 to 60')
        self.lab.seconds = int(text)

    def with_file(self, name):
        self.once(f"with {name}")
        path = Path(self.lab.path).parent / name
        if not WITH.fullmatch(name) or not path.is_file():
            self.wrong(f'with: "{name}" is no C file beside this one')
        self.lab.files.append(str(path))

    # ---- of a test -------------------------------------------------------------------

    def test(self, text):
        self.end_test()
        head = HEAD.fullmatch(text)
        if head is None:
            self.wrong("a test is: test NAME, N points: WHAT IS RIGHT THEN")
        if int(head[2]) == 0:
            self.wrong(f"test {head[1]} has no points")
        if head[1] in (test.name for test in self.lab.tests):
            self.wrong(f"there is a test {head[1]} already")
        self.lab.tests.append(Test(head[1], int(head[2]), head[3], self.number))

    def end_test(self):
        """What the last one must have."""
        if not self.lab.tests:
            return
        test = self.lab.tests[-1]
        if not test.session:
            self.wrong(f"test {test.name} has no session", test.line)
        if not test.hint:
            self.wrong(f"test {test.name} has no hint", test.line)

    def of_test(self, word):
        if not self.lab.tests:
            self.wrong(f"{word} belongs to a test, and there is none above")
        return self.lab.tests[-1]

    def parameters(self, text):
        if self.of_test("parameters").parameters:
            self.wrong("parameters are there already: they stand in one line")
        if text.count('"') % 2:
            self.wrong('parameters: a quote (") is not closed')
        self.lab.tests[-1].parameters = text

    def hint(self, text):
        test = self.of_test("hint")
        test.hint = f"{test.hint} {text}".strip()

    def session(self, line):
        test = self.of_test("a session")
        if not test.session and not line.startswith(PROMPT):
            self.wrong(f'a session begins with "{PROMPT}" and what is typed')
        test.session.append(line)

    def fact(self, name, function, relation, number):
        test = self.of_test("a fact")
        if name not in FACTS and name != "instructions":
            self.wrong(f'"{name}" is none of {", ".join(FACTS)}, '
                       "instructions of FUNCTION")
        if (name == "instructions") != bool(function):
            self.wrong(f"{name} is of no function" if function else
                       "of which function? instructions of FUNCTION <= N")
        fact = Fact(name, relation, int(number), function)
        if (name, function) in ((one.name, one.function) for one in test.facts):
            self.wrong(f"{name} is there already")
        test.facts.append(fact)


STATEMENTS = {"title": Reader.title, "memory": Reader.memory, "seconds": Reader.seconds,
              "with": Reader.with_file, "test": Reader.test,
              "parameters": Reader.parameters, "hint": Reader.hint}


def read(path, name):
    """The lab, or LabError."""
    lab = Lab(name, str(path))
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise LabError(f"{path}: {error}") from None
    Reader(lab).read(text)
    return lab
