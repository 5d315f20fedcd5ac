"""cells.py - pages as 512 cells in Z-order: kernel/map/cells.c, with the picture, and draw.c.

Cell i is the pages [i * n, i * n + n) of what is shown, n a power of two; the bits of i are
dealt out in turn to the column and to the row, so that a buddy block is a square of cells
or half of one.  A cell has two signs: at the left the class of the highest rank, at the
right the one with most bytes, or the order of the block that begins there.
"""
from .heap import PAGE_SHIFT

WIDTH, HEIGHT = 32, 16
CELLS = WIDTH * HEIGHT
ORDERS = "0123456789X"
GUIDE = ("the order of", "the cells:", " 0  1  4  5", " 2  3  6  7", " 8  9 12 13",
         "10 11 14 15", "", "in N below:", "N blocks of", "pages (kB),", "or N objects", "(B)")


class Class:
    """What memory can be, in one view of it."""

    def __init__(self, letter, rank, name):
        self.letter, self.rank, self.name = letter, rank, name


class Cells:
    """Addresses count from the heap's base, as page numbers do."""

    def __init__(self, classes, first, pages):
        self.classes, self.first, self.pages, self.shift = classes, first, pages, 0
        while pages > CELLS << self.shift:
            self.shift += 1
        self.bytes = [[0] * len(classes) for _ in range(CELLS)]
        self.signs = [None] * CELLS

    def show(self, pfn):
        return 0 <= pfn - self.first < self.pages

    def shown(self, pfn, pages):
        """Of these pages: how many are in the map."""
        return max(0, min(pfn + pages, self.first + self.pages) - max(pfn, self.first))

    def add(self, which, start, size, sign=1):
        """size bytes from `start` on are of that class."""
        base, shift = self.first << PAGE_SHIFT, self.shift + PAGE_SHIFT
        end = min(start + size, base + (self.pages << PAGE_SHIFT))
        at = max(start, base)
        while at < end:
            cell = at - base >> shift
            part = min(end, (cell + 1 << shift) + base) - at
            self.bytes[cell][which] += sign * part
            at += part

    def move(self, before, which, start, size):
        self.add(before, start, size, -1)
        self.add(which, start, size)

    def begin_block(self, pfn, order):
        if order is not None and order >= self.shift and self.show(pfn):
            self.signs[pfn - self.first >> self.shift] = ORDERS[order]

    def look(self, cell):
        """The two signs of a cell."""
        share = self.bytes[cell]
        there = [i for i, size in enumerate(share) if size]
        if not there:
            return "  "
        left = min(there, key=lambda i: (-self.classes[i].rank, -share[i], i))
        right = min(there, key=lambda i: (-share[i], i))
        return self.classes[left].letter + \
            (self.signs[cell] or self.classes[right].letter)

    def signs_of_all(self):
        return [self.look(cell) for cell in range(CELLS)]

    def rows(self, draw=lambda cell, signs: signs):
        """draw may put something around the signs of a cell."""
        for y in range(HEIGHT):
            numbers = [number(x, y) for x in range(WIDTH)]
            signs = "".join(draw(cell, self.look(cell)) for cell in numbers)
            yield f"{signs}  {GUIDE[y]}" if y < len(GUIDE) else signs


def number(x, y):
    """The cell in column x of row y."""
    return sum((x >> bit & 1) << 2 * bit | (y >> bit & 1) << 2 * bit + 1
               for bit in range(WIDTH.bit_length() - 1))
