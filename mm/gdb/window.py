"""window.py - the heap as a window of GDB's TUI, which moves as one steps: layout marbles.

    (gdb) layout marbles            source, heap, command line
    (gdb) next                      drawn anew at each stop: what has changed is reversed
    (gdb) marbles heapmap leaks     the window shows the view that was asked for last
    (gdb) tui disable               no windows

What does not fit the window is cut; `winheight heap 24` makes it as high as the picture.
"""
import gdb

from .heap import Heap
from .heapmap import HeapMap, Picture
from .target import Unreadable

REVERSED, PLAIN = "\x1b[7m", "\x1b[27m"


class Window:
    def __init__(self, tui):
        self.tui, self.before = tui, None
        tui.title = "heap"
        gdb.events.before_prompt.connect(self.render)

    def close(self):
        gdb.events.before_prompt.disconnect(self.render)

    def render(self):
        if not self.tui.is_valid():
            return
        try:
            lines = self.picture()
        except (Unreadable, gdb.error) as error:        # no machine, or no heap yet
            lines = [str(error)]
        self.tui.write("\n".join(lines[:self.tui.height]), True)

    def picture(self):
        view, zoom = HeapMap.shown
        heap = Heap()
        picture = Picture(heap, view(heap), zoom)
        cells = picture.cells
        place = view, cells.first, cells.shift
        old = self.before[1] if self.before and self.before[0] == place else None
        self.before = place, cells.signs_of_all()
        return list(picture.lines(
            lambda cell, signs: f"{REVERSED}{signs}{PLAIN}"
            if old and old[cell] != signs else signs))


def register():
    """A GDB without TUI has no such thing; one that loads this anew has the layout."""
    gdb.register_window_type("heap", Window)
    layouts = gdb.execute("help layout", to_string=True)
    if "layout marbles" not in layouts:
        gdb.execute("tui new-layout marbles src 1 heap 2 status 0 cmd 1")


if hasattr(gdb, "register_window_type"):
    register()
