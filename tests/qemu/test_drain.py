"""The drain lesson: from full memory to NULL, to the line that leaks, to the fault."""
import re

import pytest
from marbles import CTRL_C, Machine, site

RECEIVE = site("kernel/lessons/drain.c", r"= kmalloc\(")
BYTES = 1500


@pytest.fixture(scope="module")
def drained(elf):
    with Machine(elf, memory="8M") as machine:
        machine.run("kmalloc 100 7")
        machine.run("leaks mark")
        machine.rows = machine.run("drain 300", bug="out of memory")
        yield machine


def numbers(lines):
    return [tuple(int(word) for word in line.rstrip("#").split()) for line in lines
            if re.fullmatch(r"[ \d]+#*", line)]


def test_the_free_memory_falls_to_nothing(drained):
    free = [row[2] for row in numbers(drained.rows)]
    assert len(free) > 5 and free == sorted(free, reverse=True)
    assert free[-1] < 64 and drained.meminfo()["free_kb"] == free[-1]


def test_the_strip_beside_each_row_is_what_is_free(drained):
    total = drained.meminfo()["total_kb"]
    rows = [line for line in drained.rows if re.fullmatch(r"[ \d]+#*", line)]
    strips = [line.count("#") for line in rows]
    assert strips == [row[2] // (total // 28 + 1) for row in numbers(rows)]
    assert strips[0] >= 26 and strips[-1] == 0 and len(set(strips)) > 10
    assert all(len(line) < 80 for line in rows)


def test_kmalloc_starts_to_return_NULL_and_the_driver_drops_packets(drained):
    ticks, packets, free, live, dropped = numbers(drained.rows)[-1]
    assert dropped > 0 and packets == 300 * ticks
    m = drained.meminfo()
    assert m["failed"] >= dropped and m["live_objects"] == live
    assert "page allocation failure: order:" in "\n".join(drained.rows)
    lost, held = (int(re.search(rf"{words}", " ".join(drained.rows))[1])
                  for words in (r"at least (\d+) kB are lost: nothing points there any more; old "
                                r"pointers on the stack may hide a few", r"(\d+) kB in \d+ live"))
    assert 0 < lost <= held


def test_leaks_since_names_the_line_with_its_objects_exact(drained):
    _, packets, _, live, _ = numbers(drained.rows)[-1]
    rows, summary = drained.leaks("leaks since -j")
    assert list(rows) == [RECEIVE] and rows[RECEIVE]["func"] == "receive"
    objects = live - 7          # those taken before the mark
    assert rows[RECEIVE]["objects"] == summary["objects"] == objects
    assert rows[RECEIVE]["bytes"] == objects * BYTES
    drained.is_whole()


def test_everybody_suffers(drained):
    lines = drained.run("kmalloc 8192", bug="out of memory")
    assert lines[-1].startswith("kmalloc(8192) = NULL")
    assert f"taken by receive ({RECEIVE})" in "\n".join(lines)
    drained.is_whole()


def test_one_damaged_packet_in_ten_is_lost_until_the_end(boot):
    machine = boot(memory="8M")
    rows = numbers(machine.run("drain 100", bug="out of memory"))
    for _, packets, _, live, dropped in rows:
        if dropped == 0:
            assert live == packets // 10


def test_two_drains_of_the_same_memory_end_alike(boot):
    last = [numbers(boot(memory="8M").run("drain 2000", bug="out of memory"))[-1]
            for _ in range(2)]
    assert last[0] == last[1]


def test_the_careless_driver_ends_in_a_fault_report(boot):
    machine = boot(memory="8M")
    machine.send("drain 2000 careless\r")
    text = "\n".join(machine.until_prompt())
    assert "page fault: write to 0x00000000, which is not mapped" in text
    assert "a NULL pointer was used: did an allocation fail" in text
    assert re.search(r"^  in (receive|card_writes)\+0x", text, re.M)
    assert "in an interrupt handler" in text
    assert re.search(r"^  eax [0-9a-f]{8}", text, re.M)
    calls = re.findall(r"^  0x[0-9a-f]{8} (\w+)\+", text[text.index("called from:"):],
                       re.M)
    assert calls[-2:] == ["tick", "call_handler"]
    assert "drain was ended: what it had set up has faulted, status 5" in text
    machine.is_whole()


def test_a_drained_machine_still_takes_commands(drained):
    lines = drained.run("drain 10", bug="out of memory")
    assert any(line.startswith("drained: ") for line in lines)
    drained.is_whole()


def test_Ctrl_C_stops_it_and_what_leaked_stays(boot):
    machine = boot(memory="64M")
    machine.send("drain 10\r")
    machine.wait_for("dropped")
    machine.send(CTRL_C)
    lines = machine.until_prompt()
    assert any(line.startswith("stopped; what has leaked stays") for line in lines)
    machine.is_whole()


def test_every_run_prints_the_same_lines_in_the_same_places(boot):
    """But for the time that looking for leaks has taken."""
    time = r", in (less than 0\.1 s|\d+ us)|\n.*of the timer lost"
    said = {re.sub(time, "", "\n".join(boot(memory="16M").run(
        "drain 500; leaks", bug="out of memory"))) for _ in range(4)}
    assert len(said) == 1


def test_it_runs_beside_other_commands_until_it_is_stopped(boot):
    machine = boot(memory="16M")
    assert machine.run("drain stop")[0].startswith("drain: it does not run")
    assert machine.run("drain start 10") == [
        'it runs until "drain stop"; look on: watch meminfo']
    assert machine.run("drain")[0].startswith("drain: it runs already")
    assert machine.run("drain start")[0].startswith("drain: it runs already")
    seen = []
    machine.send('watch "meminfo -j"\r')
    while len(seen) < 3:
        text = machine.wait_for('"live_bytes"')
        seen.append(int(re.search(r'"live_objects": (\d+), $', text)[1]))
    machine.send("q")
    machine.until_prompt()
    assert seen == sorted(set(seen)), seen
    machine.run("check")
    lines = machine.run("drain stop")
    ticks, packets, _, live, dropped = numbers(lines)[0]
    assert packets == 10 * ticks and dropped == 0 and live == packets // 10
    assert lines[-1].startswith("stopped; what has leaked stays")
    assert machine.meminfo()["live_objects"] == live


def test_in_the_background_it_drains_the_machine_and_says_so_when_stopped(boot):
    machine = boot(memory="8M")
    machine.send("drain start 500\r")
    machine.wait_for(": page allocation failure: order:")
    machine.wait_for("marbles> ")
    machine.send("watch uptime\r")
    for _ in range(3):                  # seconds: it has come to its end
        machine.wait_for("ticks;")
    machine.send("q")
    machine.wait_for("marbles> ")
    lines = machine.run("drain stop")
    assert lines[-2].startswith("drained: kmalloc gave NULL in 5 ticks")
    machine.is_whole()
