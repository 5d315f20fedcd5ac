#!/usr/bin/env python3
"""pictures.py ELF FOLDER - the pictures that the READMEs show, from a real terminal.

Each of PICTURES is typed at a machine whose terminal has 80 columns and colours.  What its
last line prints is drawn to FOLDER/NAME.svg: a row of text for each row, and below it a
block where it has a colour.  So a picture can be searched, and grows without blur; and two
of the same kernel are the same file.
"""
import re
import sys
from html import escape
from pathlib import Path

from marbles import Machine

COLUMNS = 80
WIDTH, HEIGHT, MARGIN = 8, 17, 12       # of a character; around all
PAPER, INK = "#1e1e1e", "#e4e4e4"
COLOURS = {"41": "#ef6b6b", "42": "#8ccf5f", "43": "#f2c744", "44": "#7aa7e0",
           "45": "#c792d8", "46": "#5fc9c9", "47": "#cfcfcf"}    # of SGR, behind black
SGR = re.compile(r"\x1b\[([\d;]*)m")
MODES = re.compile(r"\x1b\[\?\d+[hl]")

# Name: memory, and what is typed.
PICTURES = {
    "kernel/map/heapmap": ("4M", [
        "kmalloc 500 400; kmalloc 3000 90; kmalloc 20000 9; pages 6; pages 4; pages 3",
        "kfree $301 $495 $497 $501",
        "heapmap"]),
    "kernel/map/leaks": ("4M", [
        "params init_on_alloc=1",
        "guests 5000; kmalloc 3000 150; forget $1 $2 $3 $40 $41 $42 $43 $120 $121 $122",
        "heapmap leaks"]),
}


def runs(row):
    """A row as it is printed: [(text, colour or None)]."""
    pieces = SGR.split("\x1b[m" + row)[1:]
    return [(text, COLOURS.get(code.rpartition(";")[2]))
            for code, text in zip(pieces[::2], pieces[1::2]) if text]


def spread(text, x, y, ink):
    """Text from column x on, of its width in any font."""
    return (f'<text x="{x * WIDTH}" y="{y * HEIGHT + 13}" fill="{ink}" '
            f'textLength="{len(text) * WIDTH}">{escape(text)}</text>')


def svg(screen):
    """The picture of these rows."""
    rows, marks = screen.split("\n"), []
    for y, row in enumerate(rows):
        x = 0
        for text, colour in runs(row):
            if colour:
                marks.append(f'<rect x="{x * WIDTH}" y="{y * HEIGHT}" fill="{colour}" '
                             f'width="{len(text) * WIDTH}" height="{HEIGHT}"/>')
            if text.strip():
                marks.append(spread(text, x, y, PAPER if colour else INK))
            x += len(text)
    width, height = COLUMNS * WIDTH + 2 * MARGIN, len(rows) * HEIGHT + 2 * MARGIN
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}">',
        f'<rect width="{width}" height="{height}" rx="6" fill="{PAPER}"/>',
        f'<g transform="translate({MARGIN} {MARGIN})" font-family="monospace" '
        'font-size="13" xml:space="preserve">', *marks, "</g>", "</svg>", ""])


def main():
    elf, folder = sys.argv[1:]
    for name, (memory, lines) in PICTURES.items():
        path = Path(folder, name + ".svg")
        path.parent.mkdir(parents=True, exist_ok=True)
        with Machine(elf, memory) as machine:
            machine.tell_size()
            for line in lines:
                shown = MODES.sub("", machine.drawn(line)).replace("\r", "").strip("\n")
        path.write_text(svg(f"marbles> {lines[-1]}\n{shown}"))
        print(f"  {name}.svg")


if __name__ == "__main__":
    main()
