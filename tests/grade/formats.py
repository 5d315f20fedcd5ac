"""formats.py - a grading in words, and in the forms that other programs read.

Each takes a Grading (grade.py) and gives the text that goes to stdout, alone.
"""
import json
import textwrap
import xml.sax.saxutils as xml

MOST_PRINTED = 20               # lines of what a lab has printed


def plural(n, word="point"):
    return f"{n} {word}{'' if n == 1 else 's'}"


# ---- in words ------------------------------------------------------------------------

def rows(text, margin):
    """A sentence in rows of 80 columns, as it is put behind so many blanks."""
    return textwrap.wrap(text, 80 - margin, subsequent_indent="  ", break_long_words=False,
                         break_on_hyphens=False) or [""]


def context(verdict):
    """Why there are no points: reasons, session, what was printed, the hint."""
    for reason in verdict.reasons:
        yield from rows(reason, 2)
    if verdict.outcome is None:
        return
    yield "what was typed" + (", and should be printed:" if verdict.test.expected
                              else ":")
    yield from verdict.marked or ["    " + line for line in verdict.test.session]
    printed = verdict.outcome.printed.splitlines()
    if printed:
        yield "what was printed:"
    yield from ("    " + line for line in printed[:MOST_PRINTED])
    if len(printed) > MOST_PRINTED:
        yield f"    ... and {plural(len(printed) - MOST_PRINTED, 'line')} more"
    if verdict.test.parameters:
        yield f"kernel parameters: {verdict.test.parameters}"
    yield from rows(f"hint: {verdict.test.hint}", 2)


def row(verdict):
    test = verdict.test
    return f"{verdict.score:2} of {test.points:2}  {test.name:9} {test.text}"


def details(grading):
    first = grading.first_failure
    if grading.problem:
        return ["", "it does not compile:"] + \
            ["    " + line for line in grading.problem.splitlines()]
    if first is None:
        return []
    return ["", f"{first.test.name}, the first that fails:"] + \
        ["  " + line for line in context(first)]


def text(grading):
    lines = [f"{grading.lab.name}: {grading.lab.title}", ""]
    for verdict in grading.verdicts:
        lines.append(row(verdict))
        if not verdict.passed and not grading.problem:
            lines += ["            " + row for reason in verdict.reasons
                      for row in rows(reason, 12)]
    lines += details(grading)
    lines += ["", f"{grading.score} of {plural(grading.lab.points)}, "
              f"in {grading.seconds:.1f} s"]
    return "\n".join(lines)


def said(grading, verdict):
    """Of one test, for those who show each by itself."""
    if verdict.passed:
        return ""
    return grading.problem or "\n".join(context(verdict))


# ---- JSON ----------------------------------------------------------------------------

def gradescope(grading):
    return json.dumps({
        "score": grading.score, "execution_time": round(grading.seconds),
        "visibility": "visible", "output": grading.problem,
        "tests": [{"name": f"{v.test.name}: {v.test.text}", "score": v.score,
                   "max_score": v.test.points, "output": said(grading, v),
                   "status": "passed" if v.passed else "failed",
                   "visibility": "visible"} for v in grading.verdicts]}, indent=1)


def classroom50(grading):
    return json.dumps({
        "schema": "classroom50/result/v1", "score": grading.score,
        "max-score": grading.lab.points,
        "tests": [{"test-name": v.test.name, "passed": v.passed, "score": v.score,
                   "max-score": v.test.points} for v in grading.verdicts]}, indent=1)


# ---- JUnit, TAP ----------------------------------------------------------------------

def printable(words):
    """XML has no room for control characters."""
    return "".join(c if c >= " " or c in "\n\t" else "?" for c in words)


def case(grading, verdict):
    head = (f"  <testcase classname={xml.quoteattr(grading.lab.name)} "
            f"name={xml.quoteattr(verdict.test.name)} time=\"{verdict.seconds:.2f}\"")
    if verdict.passed:
        return head + "/>"
    message = xml.quoteattr(printable(verdict.reasons[0]))
    return (f"{head}>\n    <failure message={message}>"
            f"{xml.escape(printable(said(grading, verdict)))}</failure>\n  </testcase>")


def junit(grading):
    failed = sum(not v.passed for v in grading.verdicts)
    return "\n".join([
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<testsuite name={xml.quoteattr(grading.lab.name)} "
        f'tests="{len(grading.verdicts)}" failures="{failed}" errors="0" '
        f'time="{grading.seconds:.2f}">',
        *(case(grading, v) for v in grading.verdicts), "</testsuite>"])


def tap(grading):
    lines = [f"1..{len(grading.verdicts)}"]
    for number, verdict in enumerate(grading.verdicts, 1):
        lines.append(f"{'ok' if verdict.passed else 'not ok'} {number} - "
                     f"{verdict.test.name}: {verdict.test.text}")
        lines += [f"# {line}" for line in said(grading, verdict).splitlines()]
    lines.append(f"# {grading.score} of {plural(grading.lab.points)}")
    return "\n".join(lines)


# ---- by file and line ----------------------------------------------------------------

def places(grading):
    """(file, line, title, message) of each failure; the first line if none is known."""
    if grading.problem:
        file, line, message = grading.problem_at
        yield file, line, "it does not compile", message
        return
    for verdict in grading.verdicts:
        if not verdict.passed:
            file, line = verdict.place or (grading.files[0], 1)
            lost = plural(verdict.test.points)
            yield file, line, f"{verdict.test.name}: {lost} lost", \
                "; ".join(reason.strip() for reason in verdict.reasons)


def escaped(words, more=""):
    """As GitHub wants it: a message in one line, in properties no : or , either."""
    for character in "%\r\n" + more:
        words = words.replace(character, f"%{ord(character):02X}")
    return words


def github(grading):
    lines = [f"::error file={escaped(file, ':,')},line={line},"
             f"title={escaped(title, ':,')}::{escaped(message)}"
             for file, line, title, message in places(grading)]
    return "\n".join([*lines, f"::notice title={grading.lab.name}::{grading.score} of "
                              f"{plural(grading.lab.points)}"])


def gcc(grading):
    """Nothing, with all points; an editor jumps to what there is."""
    return "\n".join(f"{file}:{line}:1: error: {title}: {message}"
                     for file, line, title, message in places(grading))


ALL = {"text": text, "gradescope": gradescope, "classroom50": classroom50,
       "junit": junit, "tap": tap, "github": github, "gcc": gcc}
