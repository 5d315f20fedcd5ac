"""In GDB, at each heap that heaps.c shows: every command says what the program said."""
import json
import os
import sys

import gdb

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from stops import at_each, expect  # noqa: E402

KINDS = ("definite", "indirect", "possible", "reachable")
KEYS_OF_SITE = ("kind", "site", "objects", "bytes", "oldest", "newest")


def run(command):
    text = gdb.execute(command, to_string=True)
    return [json.loads(line) for line in text.splitlines()]


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


at_each(compare, ARGUMENTS, SAID, "heaps")
