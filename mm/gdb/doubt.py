"""doubt.py - is the word that points to something a pointer at all: kernel/leaks/doubt.c.

Two kinds of words have an address by chance: the end of a buffer is where its neighbour
begins, and four printable characters may be one.
"""
from .roots import VARIABLES


def is_printable(raw):
    return all(0x20 <= byte <= 0x7e for byte in raw)


def doubt_of(words, word):
    """(None, "text" or "end"; and what it is then)."""
    live, value = words.live, words.marks.value_at(word)
    raw = value.to_bytes(live.word, "little")
    if is_printable(raw):
        return "text", raw.decode()
    ends = live.around(value - 1)
    if ends is None or live.starts[ends] + live.asked[ends] != value:
        return None, None
    into = range(live.starts[ends], value)
    is_end = word in into or any(beside in into for beside in words_beside(words, word))
    return ("end", ends) if is_end else (None, None)


def words_beside(words, word):
    """Values of the words on both sides that its owner, or the same root, has."""
    live, size = words.live, words.live.word
    root = words.roots.around(word)
    if root:
        at = (word - root.start) // size
        return root.words[max(at - 1, 0):at] + root.words[at + 1:at + 2] \
            if root.kind == VARIABLES else ()
    i = live.around(word)
    return () if i is None else [
        live.value_at(beside) for beside in (word - size, word + size)
        if live.starts[i] <= beside and beside + size <= live.starts[i] + live.rooms[i]]


def doubt_text(words, word):
    kind, what = doubt_of(words, word)
    live = words.live
    if kind == "text":
        return f': or is it the text "{what}"?'
    if kind == "end":
        return f": or is it the end of {live.starts[what]:#010x} " \
               f"({live.asked[what]} bytes, serial {live.serials[what]})?"
    return ""
