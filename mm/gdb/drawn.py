"""drawn.py - what points to what, as a picture with words beside it: kernel/leaks/boxes.c.

A box is as long as what it stands for, a sign a word, and at most SIGNS long.
"""
from .target import write

WIDTH, INDENT, SIGNS = 80, 1, 16
TEXT_COLUMN = INDENT + SIGNS + 3


def wrapped(text, columns):
    """Its rows, as kernel/wrap.c makes them."""
    while len(text) > columns:
        end = text.rfind(" ", 0, columns + 1)
        row = text[:end if end > 0 else columns]
        yield row.rstrip(" ")
        text = text[len(row):].lstrip(" ")
    yield text


def beside(column, least, text, draw):
    """As beside_print(); draw(row, is_last) is what stands at the left."""
    rows = list(wrapped(text, WIDTH - column))
    rows += [""] * (least - len(rows))
    for n, row in enumerate(rows):
        left = draw(n, n == len(rows) - 1)
        write(f"{left:{column}}{row}" if row else left)


class Box:
    """As struct box: of so many bytes, with a sign at one; 0: no box, only a line."""

    def __init__(self, word, bytes=0, at=0, sign="*"):
        self.word, self.bytes, self.at, self.sign = word, bytes, at, sign
        self.head, self.to = "", INDENT + 1

    def lead_to(self, bytes, at):
        self.head, self.to = "v", INDENT + 1 + self._sign_at(bytes, at)

    def _signs(self, bytes):
        return min(self._words(bytes), SIGNS)

    def _words(self, bytes):
        return max(-(-bytes // self.word), 1)

    def _sign_at(self, bytes, at):
        signs = self._signs(bytes)
        return min(at // self.word * signs // self._words(bytes), signs - 1)

    def _box(self):
        at = self._sign_at(self.bytes, self.at)
        signs = "." * at + self.sign + "." * (self._signs(self.bytes) - at - 1)
        return " " * INDENT + f"[{signs}]"

    def _line(self, is_last):
        at = INDENT + 1 + self._sign_at(self.bytes, self.at)
        if not is_last:
            return " " * at + ("|" if self.head == "v" else ":")
        left, right = sorted((at, self.to))
        line = ["-"] * (right - left + 1)
        line[at - left] = "'"
        line[self.to - left] = self.head
        return " " * left + "".join(line)

    def _draw(self, row, is_last):
        if row == 0 and self.bytes:
            return self._box()
        return self._line(is_last) if self.head else ""

    def write(self, text):
        beside(TEXT_COLUMN, 2 if self.bytes and self.head else 1, text, self._draw)
