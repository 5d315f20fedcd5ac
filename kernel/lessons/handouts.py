"""handouts.py - the handouts of all lessons as one page to print.

    python3 kernel/lessons/handouts.py LICENSE kernel/lessons/bag.c ... >handouts.html

A handout is the comment at the top of a file which has questions: what a block of it is
its form says.  "Try it" is a table of commands, "Questions" a list with room for answers,
what stands further right is shown as it is, and the rest are paragraphs.  The page needs no
other file, and begins each handout on a sheet of its own.
"""
import html
import itertools
import re
import sys
from pathlib import Path

HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Marbles: handouts</title>
<style>
body { font: 11pt/1.4 serif; max-width: 45em; margin: 2em auto; padding: 0 1em; }
h1, h2, h3 { font-family: sans-serif; line-height: 1.2; }
h3 { margin-bottom: 0.3em; }
code, pre { font-family: monospace; font-size: 9.5pt; }
pre { overflow: auto; }
td { padding: 0.1em 1.5em 0.1em 0; vertical-align: top; }
li { margin-bottom: 0.5em; }
footer, .license { font-size: 8pt; }
.name { float: right; font: 10pt sans-serif; }
@media print {
    body { margin: 0; max-width: none; padding: 0; }
    section { break-before: page; }
    pre, tr, li { break-inside: avoid; }
    .questions li { padding-bottom: 2.2em; }
}
@page { size: A4; margin: 18mm; }
</style>
</head>
<body>
"""
SAYS = """<p class="license">This handout is free: copy it, change it, hand it out, under the
MIT License at the end of the page.</p>"""


def comment_of(path):
    """The rows of the comment at the top, without what draws its left edge."""
    found = re.match(r"/\*\n(.*?)\n \*/", path.read_text(encoding="utf-8"), re.S)
    return [re.sub(r"^ \* ?", "", row) for row in found[1].split("\n")] if found else []


def text_of(rows):
    """Words of a paragraph; `what is quoted so` is a command."""
    words = html.escape(" ".join(" ".join(rows).split()))
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", words)


def commands(rows):
    """A command a row, and behind two blanks at least what it is for."""
    out = ["<table>"]
    for row in rows:
        command, *note = re.split(r"\s{2,}", row.strip(), maxsplit=1)
        out.append(f"<tr><td><code>{html.escape(command)}</code></td>"
                   f"<td>{text_of(note)}</td></tr>")
    return out + ["</table>"]


def questions(rows):
    items = []
    for row in rows:
        begin = re.match(r"\s+\d+\. (.*)", row)
        if begin:
            items.append([begin[1]])
        else:
            items[-1].append(row)
    return ['<ol class="questions">', *(f"<li>{text_of(item)}</li>" for item in items),
            "</ol>"]


def as_it_is(rows):
    """What stands further right than text is a picture, code, or commands."""
    out = []
    for right, group in itertools.groupby(rows, lambda row: row.startswith("    ")):
        group = list(group)
        picture = html.escape("\n".join(row[4:] for row in group))
        out.append(f"<pre>{picture}</pre>" if right else f"<p>{text_of(group)}</p>")
    return out


def block(rows):
    if rows[0].rstrip() == "Try it":
        return ["<h3>Try it</h3>", *commands(rows[1:])]
    if rows[0].rstrip() == "Questions":
        return ["<h3>Questions</h3>", *questions(rows[1:])]
    return as_it_is(rows)


def title_of(first):
    """Of "bag.c - lesson 1: the bag of marbles." what stands behind the dash."""
    what = first.split(" - ", 1)[1].rstrip(".")
    return what[0].upper() + what[1:]


def order_of(rows):
    """By the number of the lesson; then those without."""
    found = re.search(r"lesson (\d+)", rows[0])
    return int(found[1]) if found else 1000


def handout(path, rows):
    blocks = "\n".join(rows[1:]).strip("\n").split("\n\n")
    out = [f'<section id="{path.stem}">', '<p class="name">Name: ____________________</p>',
           f"<h2>{text_of([title_of(rows[0])])}</h2>"]
    for each in blocks:
        out += block(each.split("\n"))
    return out + [f"<footer>Marbles, {path}</footer>", SAYS, "</section>"]


def page(license_path, paths):
    found = [(path, comment_of(path)) for path in paths]
    found = [(path, rows) for path, rows in found
             if any(row.rstrip() == "Questions" for row in rows)]
    found.sort(key=lambda pair: order_of(pair[1]))
    out = ["<h1>Marbles: handouts</h1>",
           "<p>Each belongs to a lesson.  <code>make run</code> boots the kernel; "
           "<code>lesson</code> lists the lessons, and <code>lesson bag YOURNAME</code> asks "
           "with numbers of your own.  <code>help</code> lists the commands.</p>", "<ol>"]
    out += [f'<li><a href="#{path.stem}">{text_of([title_of(rows[0])])}</a></li>'
            for path, rows in found]
    out += ["</ol>"]
    for path, rows in found:
        out += handout(path, rows)
    text = html.escape(license_path.read_text(encoding="utf-8"))
    return HEAD + "\n".join(out) + \
        f'\n<section class="license"><h2>License</h2>\n<pre>{text}</pre></section>\n' \
        "</body>\n</html>\n"


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")
    sys.stdout.write(page(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]]))
