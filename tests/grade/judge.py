"""judge.py - what a test was, against what it should have been: a Verdict.

The session is compared line by line; all else is asked of the memory (look.py).  What a
lab prints of itself is compared with what it should print, and believed in nothing.
"""
import re
from dataclasses import dataclass, field

import labfile

ENDED = re.compile(r"^.*has ended by this fault, status 5$", re.M)
STATUS = {
    0: "no command has failed", 1: "a command failed", 2: "a wrong argument",
    3: "there is no such command", 4: "a BUG was reported", 5: "a fault ended a command",
    6: "a command was interrupted",
    7: "with an allocation failing, something was leaked",
}
TOLD = (4, 5, 6, 7)             # the kernel has told why, and printed that
WHAT_IT_WAS = {124: "it hangs", 125: "the machine stopped"}
SHOWN_ROWS = 5


@dataclass
class Outcome:
    """Of a boot: how it ended, what it printed, and the facts of its memory."""

    status: int
    why: str
    printed: str
    seconds: float
    facts: dict = None


@dataclass
class Verdict:
    test: labfile.Test
    outcome: Outcome = None
    reasons: list = field(default_factory=list)     # lines; none: all is right
    place: tuple = None                             # (file, line) of the lab
    marked: list = None                             # the session, where it differs

    @property
    def passed(self):
        return not self.reasons

    @property
    def score(self):
        return self.test.points if self.passed else 0

    @property
    def seconds(self):
        return self.outcome.seconds if self.outcome else 0.0


# ---- lines ---------------------------------------------------------------------------

def same_line(expected, line):
    """`...` within a line is any text."""
    pattern = ".*".join(re.escape(part) for part in expected.split("..."))
    return re.fullmatch(pattern, line.strip()) is not None


def compare(expected, lines):
    """How many of the expected lines were found, in order, and of the lines those that
    were used up; all, if they match.  Each place that can be reached is kept, so nothing
    is tried twice."""
    places, best = {0}, (0, 0)
    for number, want in enumerate(expected):
        if want == "...":
            places = set(range(min(places), len(lines) + 1))
        else:
            places = {at + 1 for at in places
                      if at < len(lines) and same_line(want, lines[at])}
        if not places:
            return best
        best = (number + 1, min(places))
    return best if len(lines) not in places else (len(expected), len(lines))


def mark(session, lines):
    """The session with the first line that differs marked; None: it is the same."""
    expected = [line for line in session if not line.startswith(labfile.PROMPT)]
    found, used = compare(expected, lines)
    if (found, used) == (len(expected), len(lines)):
        return None
    marked, seen = [], 0
    for line in session:
        if line.startswith(labfile.PROMPT):
            marked.append("    " + line)
            continue
        marked.append(("    " if seen < found else "  ? " if seen == found else "    ")
                      + line)
        seen += 1
    return [differs(expected, found, lines, used)] + marked


def differs(expected, found, lines, used):
    """In words: the first line that is not as it should be."""
    if found == len(expected):
        return f'it printed "{lines[used]}", and should print nothing more'
    want = expected[found]
    if used == len(lines) or expected[found - 1:found] == ["..."]:
        return f'"{want}" is missing'
    return f'it printed "{lines[used]}" where "{want}" should be'


# ---- facts ---------------------------------------------------------------------------

def rows_of(facts, kinds):
    """What is live, by the lines that took it."""
    rows = [row for row in facts["rows"] if row["kind"] in kinds]
    for row in rows[:SHOWN_ROWS]:
        yield (f"  {row['objects']} x, {row['bytes']} bytes, {row['kind']}, taken by "
               f"{row['func']} ({row['site']})")
    if len(rows) > SHOWN_ROWS:
        yield f"  and more, by {len(rows) - SHOWN_ROWS} other rows"


LOST = ("definite", "indirect")


def explain(fact, value, facts):
    """Why it does not hold, in lines."""
    if fact.name == "instructions":
        what = f"instructions of {fact.function}"
        if value is None:
            yield f"{what}: it has never run to its end, or is not there"
            return
        yield f"{what} = {value}, and should be {fact}"
        return
    meaning = STATUS.get(value, "no command of the kernel returns that") \
        if fact.name == "status" else labfile.FACTS[fact.name]
    yield f"{fact.name} = {value}, and should be {fact}: {meaning}"
    if fact.name == "lost":
        yield from rows_of(facts, LOST)
    if fact.name == "live":
        yield from rows_of(facts, {row["kind"] for row in facts["rows"]})


def value_of(fact, facts):
    if fact.name == "instructions":
        return facts["instructions"][fact.function]
    return facts[fact.name]


def judge_facts(test, facts):
    if "unreadable" in facts:
        return [f"the memory cannot be read: {facts['unreadable']}"]
    reasons = [f"the kernel's own books are broken: {facts['broken']}"] \
        if facts["broken"] else []
    for fact in test.all_facts():
        value = value_of(fact, facts)
        if value is None or not fact.holds(value):
            reasons += explain(fact, value, facts)
    return reasons


# ---- all of it -----------------------------------------------------------------------

def place_in(text, labs):
    """The first line of a lab that a text names: (file, line), or None."""
    for name, line in re.findall(r"([^\s()\"]+\.c):(\d+)", text):
        for lab in labs:
            if lab == name or lab.rpartition("/")[2] == name or lab.endswith("/" + name):
                return lab, int(line)
    return None


def ended_otherwise(test, outcome, reasons):
    """A fault behind another command that has failed, as it should."""
    wanted = next((fact.number for fact in test.facts if fact.name == "status"), 0)
    if wanted == 5 or any(reason.startswith("status") for reason in reasons):
        return []
    return ENDED.findall(outcome.printed)[:1]


def judge(test, outcome, labs):
    verdict = Verdict(test, outcome)
    if outcome.status != 0:
        verdict.reasons = [f"{WHAT_IT_WAS.get(outcome.status, 'QEMU')}: {outcome.why}"]
        verdict.place = place_in(outcome.why, labs) or place_in(outcome.printed, labs)
        return verdict
    reasons = judge_facts(test, outcome.facts)
    reasons += ended_otherwise(test, outcome, reasons)
    marked = None
    if test.expected and not (reasons and outcome.facts.get("status") in TOLD):
        marked = mark(test.session, outcome.printed.splitlines())
    if marked:
        reasons.append(marked[0])
        verdict.marked = marked[1:]
    verdict.reasons = reasons
    if reasons:
        verdict.place = place_in("\n".join(reasons), labs) or \
            place_in(outcome.printed, labs)
    return verdict
