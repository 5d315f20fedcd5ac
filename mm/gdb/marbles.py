"""marbles.py - the heap in GDB: `gdb build/marbles.elf -x mm/gdb/marbles.py`.

    (gdb) marbles                   which commands there are
    (gdb) marbles meminfo           what the shell's own commands print, but
    (gdb) marbles leaks -j          on a kernel that is stopped, crashed, dumped
    (gdb) marbles why p             the shortest way from a variable to an object
    (gdb) marbles diff DUMP         what was born and died since another dump
    (gdb) marbles check             every rule of mm, and where it is broken
    (gdb) marbles break-alloc 42    stop at the allocation with serial 42
    (gdb) marbles break-report      stop at each report of a bug
    (gdb) print *page               and the structs of mm in words

One module a subsystem, as in Linux's scripts/gdb:

    target      memory and struct layouts of whatever GDB looks at
    heap        a picture of the heap, read in bulk
    check       mm_check's rules, with the place where each is broken
    memory      meminfo, buddyinfo, slabinfo
    heapmap     heapmap; cells: what it draws; window: in a window of the TUI
    live        all that is live, and the words in it
    said        what a program has said of it
    roots       which words are roots
    links       what points to what
    mark        what is lost; leaks, refs and why, owners, tree say it
    dominators  what keeps how much alive
    diff        two states, joined; core is the other one's memory
    sites       call sites in words
    whatis      whatis
    printers    pretty printers
    breakalloc  break-alloc, break-report

Nothing in the kernel is called and nothing is written, so mm may be in any state.
"""
import importlib
import importlib.util
import os
import sys

import gdb

PACKAGE = "marbles_mm"
MODULES = ("memory", "heapmap", "window", "leaks", "refs", "owners", "tree", "diff", "whatis", "check",
           "breakalloc", "printers")


def load():
    """The modules beside this file, as a package of their own, afresh each time."""
    folder = os.path.dirname(os.path.abspath(os.path.expanduser(__file__)))
    for name in [name for name in sys.modules if name.split(".")[0] == PACKAGE]:
        del sys.modules[name]
    spec = importlib.util.spec_from_loader(PACKAGE, loader=None, is_package=True)
    package = importlib.util.module_from_spec(spec)
    package.__path__ = [folder]
    sys.modules[PACKAGE] = package
    keep, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        for name in MODULES:
            importlib.import_module(PACKAGE + "." + name)
    finally:
        sys.dont_write_bytecode = keep


class Marbles(gdb.Command):
    """The heap of Marbles: marbles meminfo, buddyinfo, slabinfo, leaks, whatis, ..."""

    def __init__(self):
        super().__init__("marbles", gdb.COMMAND_DATA, prefix=True)

    def invoke(self, argument, from_tty):
        """Of what is no subcommand: the list of those that there are, or an error."""
        self.dont_repeat()
        if argument:
            raise gdb.GdbError(f'Undefined marbles command: "{argument}".  '
                               'Try "marbles".')
        gdb.execute("help marbles")


Marbles()
load()
