"""stops.py - in GDB: a program that stops at each heap it has made, and has said what is so.

It prints rows: a word, and JSON; the last one of a heap is the word `made`.  Who sources
this has set what to run it with, and where its output goes:

    python ARGUMENTS = "1 80"; SAID = "said.txt"
"""
import json

import gdb


def expect(what, wanted, got):
    if wanted != got:
        raise gdb.GdbError(f"{what} differs\nprogram {wanted}\nGDB     {got}")


def next_rows(lines):
    """{word: [row]} of one heap."""
    said = {}
    for line in lines:
        word, _, row = line.partition(" ")
        if word.strip() == "made":
            return said
        said.setdefault(word, []).append(json.loads(row))
    raise gdb.GdbError("the program has not said all of this heap")


def at_each(compare, arguments, file, name):
    gdb.execute("break heap_is_made")
    gdb.execute(f"run {arguments} >{file}", to_string=True)
    count = 0
    with open(file) as lines:
        while gdb.selected_thread():
            compare(next_rows(lines))
            count += 1
            gdb.execute("continue", to_string=True)
    print(f"{count} {name} are alike")
