"""In GDB, at each heap that heaps.c shows: every command says what the program said.

    python ARGUMENTS = "1 80"; SAID = "said.txt"        what to run, and its output
"""
import json

import gdb

KINDS = ("definite", "indirect", "possible", "reachable")
KEYS_OF_SITE = ("kind", "site", "objects", "bytes", "oldest", "newest")


def run(command):
    text = gdb.execute(command, to_string=True)
    return [json.loads(line) for line in text.splitlines()]


def expect(command, wanted, got):
    if wanted != got:
        raise gdb.GdbError(f"{command} differs\nprogram {wanted}\nGDB     {got}")


def compare_leaks(said):
    *rows, summary = run("marbles leaks -j")
    for row in rows:
        if ".c:" not in row["site"]:        # by return address: GDB knows its name
            expect("leaks", "take", row["func"])
            row["site"] = ":0"
    rows = [{key: row[key] for key in KEYS_OF_SITE} for row in rows]
    wanted = sorted(said.get("site", []),
                    key=lambda row: (KINDS.index(row["kind"]), -row["bytes"],
                                     row["oldest"]))
    expect("leaks", wanted, rows)
    for kind in KINDS:
        expect("leaks", sum(row["objects"] for row in wanted if row["kind"] == kind),
               summary[kind])
    expect("leaks", sum(row["bytes"] for row in wanted), summary["bytes"])


def compare_whatis(wanted):
    (got,) = run(f"marbles whatis {wanted['address']} -j")
    if wanted["kind"] in ("outside", "hole"):
        got.pop("symbol", None)
        got.pop("offset", None)
    for role in ("taken_by", "freed_by", "before_taken_by", "before_freed_by",
                 "around_taken_by", "around_freed_by"):
        if role not in wanted and role in got:
            expect("whatis", "take", got.pop(role + "_func"))
            del got[role]
    expect("whatis", wanted, got)


def compare(said):
    for command in ("meminfo", "buddyinfo", "slabinfo"):
        expect(command, said[command], run(f"marbles {command} -j"))
    if int(gdb.parse_and_eval("heap.record")):
        compare_leaks(said)
    for row in said["whatis"]:
        compare_whatis(row)
    expect("check", [{"ok": True, "broken": None, "damage": 0,
                      "reports": said["meminfo"][0]["reports"]}],
           run("marbles check -j"))


def next_heap(lines):
    said = {}
    for line in lines:
        word, _, row = line.partition(" ")
        if word.strip() == "made":
            return said
        said.setdefault(word, []).append(json.loads(row))
    raise gdb.GdbError("the program has not said all of this heap")


def main():
    gdb.execute("break heap_is_made")
    gdb.execute(f"run {ARGUMENTS} >{SAID}", to_string=True)
    count = 0
    with open(SAID) as lines:
        while gdb.selected_thread():
            compare(next_heap(lines))
            count += 1
            gdb.execute("continue", to_string=True)
    print(f"{count} heaps are alike")


main()
