"""Whatever is typed, pasted or sent as noise, the shell works afterwards."""
import os
import random
import re
import signal
import time
from pathlib import Path

import pexpect
import pytest
from marbles import (BACKSPACE, CTRL_C, CTRL_U, DOWN, PROMPT, QUESTION, ROOT, UP,
                     environment)

GOOD = ["mm_check: all rules hold"]


def typed(machine, keys):
    """What the line that the keys make prints: keys must end it."""
    machine.send(keys)
    return machine.until_prompt()[1:]


def settle(machine):
    """Wait until all that was typed is dealt with: a mark comes back as typed."""
    for number in range(60):
        machine.send(CTRL_C)
        machine.send(f"#mark {number}\r")
        mark = re.compile(rf"\nmarbles> #mark {number}\r+\nmarbles> \Z")
        if machine.qemu.expect([mark, pexpect.TIMEOUT], timeout=1) == 0:
            return
    machine.fail("the shell does not come back")


def is_well(machine, whole=True):
    """Out of whatever it was in the middle of, the shell works."""
    settle(machine)
    assert machine.run("check") == GOOD
    if whole:
        assert machine.meminfo()["live_objects"] == 0


def test_backspace_deletes(machine):
    assert typed(machine, "chx" + BACKSPACE + "ecq\b" + "k\r") == GOOD
    assert typed(machine, BACKSPACE * 10 + "check\r") == GOOD


def test_Ctrl_U_clears_the_line(machine):
    assert typed(machine, "kmalloc 100" + CTRL_U + "check\r") == GOOD
    assert machine.meminfo()["live_objects"] == 0


def test_Ctrl_C_abandons_the_line(machine):
    machine.send("kmalloc 100" + CTRL_C)
    machine.until_prompt()
    assert machine.run("check") == GOOD
    assert machine.meminfo()["live_objects"] == 0


def test_Ctrl_C_stops_a_long_command_and_what_is_behind_it(machine):
    machine.send("stress 1000000000; kmalloc 100\r")
    machine.wait_for("\n")
    machine.send(CTRL_C)
    lines = machine.until_prompt()
    assert re.match(r"stress: \d+ steps? of seed 1: .*interrupted", lines[0]), lines
    assert lines[1:] == ["shell: the rest of the line was not run: kmalloc 100"]
    is_well(machine)


@pytest.mark.parametrize("keys", [
    CTRL_C + CTRL_C + "kmalloc 1\r", CTRL_C * 3 + "kmalloc 1\r",
    "x" + CTRL_C + "y" + CTRL_C + "kmalloc 1\r",
    "stress 1000000000; kmalloc 7\rkmalloc 7\r" + CTRL_C + "kmalloc 1\r",
    "stress 1000000000\rkmalloc 7\r" + CTRL_C + CTRL_C + "kmalloc 1\r",
    "watch check\rkmalloc 7" + CTRL_C + "kmalloc 1\r",
    "stress 1000000000\r" + CTRL_C + "\x1b[200~kmalloc 1\r\x1b[201~",
    "drain 1\r" + CTRL_C + "kmalloc 1\r"])
def test_what_is_typed_behind_Ctrl_C_is_kept_whole(boot, keys):
    machine = boot()
    machine.send(keys)
    machine.wait_for("(1 byte,")
    machine.until_prompt()
    machine.send("leaks -j\r")
    assert '"bytes": 7' not in machine.wait_for("summary")


def test_up_and_down_bring_lines_back(machine):
    machine.run("whatis 0")
    machine.run("check")
    assert typed(machine, UP + "\r") == GOOD
    assert typed(machine, UP + UP + "\r")[0].startswith("0x00000000: ")
    assert typed(machine, UP + UP + DOWN + DOWN + "check\r") == GOOD
    assert typed(machine, UP * 40 + DOWN * 40 + "check\r") == GOOD


def test_a_line_is_edited_in_its_middle(machine):
    assert typed(machine, "ceck" + "\x1b[D" * 3 + "h\r") == GOOD
    assert typed(machine, "chck" + "\x1b[D" * 9 + "\x1b[C" * 2 + "e\r") == GOOD


def test_an_end_of_line_is_CR_LF_or_CRLF(machine):
    assert typed(machine, "check\n") == GOOD
    machine.send("check\r\ncheck\r\n")
    machine.wait_for(GOOD[0])
    machine.wait_for(GOOD[0])
    machine.until_prompt()
    assert machine.run("check") == GOOD


def test_semicolons_separate_commands(machine):
    assert machine.run("check;check ; ;check;") == GOOD * 3


def test_a_line_of_5000_characters_does_no_harm(machine):
    machine.send("x" * 5000 + "\r")
    lines = machine.until_prompt()
    assert lines[-1].startswith("shell: the line is not run: it has more than 255")
    is_well(machine)


def test_a_line_with_255_characters_runs_and_with_256_it_does_not(boot):
    machine = boot()
    line = "kmalloc 1" + " " * 245
    assert machine.run(line + "1")[0].startswith("$1 = 0x")
    machine.send(line + "11\r")
    assert "is not run" in machine.until_prompt()[-1]
    assert machine.meminfo()["live_objects"] == 1


def test_a_line_that_is_too_long_is_refused_with_one_bell(machine):
    machine.send("#" + "y" * 300 + "\r")
    assert machine.wait_for(PROMPT).count("\a") == 1


def test_noise_does_no_harm(machine):
    """20,000 random bytes, in which no line is a command that ends the kernel."""
    machine.send(random.Random(20261123).randbytes(20000).decode("latin-1"))
    is_well(machine)
    assert machine.json("uptime -j")[0]["lost_input"] == 0


def test_a_terminal_that_pauses_loses_nothing(boot):
    """As with Ctrl-S: the console waits, however long."""
    machine = boot()
    machine.send("dump 0x100000 64K\r")
    time.sleep(2)                   # nobody reads: the claim is about time
    lines = machine.until_prompt()[1:]
    assert [int(line.split()[0], 16) for line in lines] == \
        list(range(0x100000, 0x110000, 16))
    is_well(machine)


def test_escape_sequences_that_nobody_knows_are_ignored(machine):
    noise = random.Random(7)
    for _ in range(50):
        machine.send("\x1b" + "".join(noise.choice("[O0123456789;?~Z")
                                      for _ in range(noise.randrange(6))) + "Z")
    is_well(machine)


def test_a_pasted_page_is_typed_line_by_line(boot):
    machine = boot()
    page = [f"kmalloc {size}" for size in range(1, 61)] + ["check"]
    machine.send("\r".join(page) + "\r")
    machine.wait_for("mm_check: all rules hold")
    machine.until_prompt()
    assert machine.meminfo()["live_objects"] == 60
    assert machine.meminfo()["live_bytes"] == sum(range(1, 61))
    assert machine.json("uptime -j")[0]["lost_input"] == 0
    is_well(machine, whole=False)


def test_what_is_typed_while_a_command_runs_is_not_lost(boot):
    machine = boot()
    machine.send("stress 20000\rkmalloc 100\r")
    machine.wait_for("$1 = 0x")
    machine.until_prompt()
    assert machine.meminfo()["live_objects"] == 1


# ---- a terminal that answers -------------------------------------------------------


@pytest.fixture
def terminal(boot):
    """A machine that knows: its terminal has 20 rows of 60 columns."""
    return boot().tell_size(20, 60)


def test_a_script_never_sees_an_escape_sequence(boot):
    machine = boot()
    for command in ("help", "check", "more help", "history", "k\t\x15check"):
        machine.send(command + "\r")
        machine.until_prompt()
    assert "\x1b" not in machine.read.text()


def test_run_prints_no_escape_sequence_and_watches_once(boot):
    machine = boot(cmdline='run="clear; watch check; more check; history; exit"',
                   prompt=False)
    lines = machine.until_end()
    assert "\x1b" not in machine.read.text()
    assert lines.count(GOOD[0]) == 2 and machine.exit_status == 0


def test_term_dumb_is_never_asked(boot):
    machine = boot(cmdline="term=dumb")
    machine.send("\x0cche")
    time.sleep(0.5)                         # the claim is about a pause
    assert typed(machine, "ck\r") == GOOD
    assert "\x1b" not in machine.read.text()


def test_Tab_completes_commands_and_the_words_of_their_usage(machine):
    assert typed(machine, "che\t\r") == GOOD
    assert typed(machine, "watch 3 che\t-\t\x15check\r")[-1:] == GOOD
    assert machine.json("  check -j") and typed(machine, "help chec\t\r")[0] == "check [-j]"


def test_Ctrl_R_runs_an_earlier_line(machine):
    machine.run("check")
    machine.run("whatis 0")
    assert typed(machine, "\x12chec\r") == GOOD


def test_history_lists_lines(machine):
    machine.run("check")
    rows = machine.json("history -j")
    assert [row["line"] for row in rows[-2:]] == ["check", "history -j"]


def test_more_stops_at_each_screen_and_q_leaves(terminal):
    terminal.send("more params\r")
    shown = terminal.wait_for("-- more")
    assert 8 <= shown.count("\n") <= 20
    terminal.send("q")
    terminal.wait_for("marbles> \x1b[m")
    terminal.send("more params -j\r")
    assert "-- more" not in terminal.wait_for("marbles> \x1b[m")


def test_watch_repeats_in_place_until_a_key(terminal):
    terminal.send("watch \"check; uptime\"\r")
    shown = []
    for _ in range(3):
        terminal.wait_for("\x1b[H")
        shown.append(terminal.wait_for("\x1b[J").replace("\r", ""))
    assert GOOD[0] in shown[0] and all("ticks" in frame for frame in shown)
    assert all(frame.startswith("\n\nup ") for frame in shown[1:])  # what is new alone
    terminal.send("check\r")                # its first key ends, and is not lost
    terminal.wait_for("check\x1b[?2004l")
    terminal.wait_for(GOOD[0])


def test_watch_sends_all_anew_when_something_else_was_printed(terminal):
    terminal.send("watch \"check; kfree 64\"\r")
    for _ in range(3):
        terminal.wait_for("\x1b[H")
        shown = terminal.wait_for("\x1b[J")
        assert GOOD[0] in shown and "BUG mm" in shown and "every 1 s" in shown
    terminal.send("q")


def test_watch_draws_a_chart_of_a_number(terminal):
    terminal.send("watch chart ticks uptime\r")
    screen, samples = {}, []
    for frame in range(4):
        terminal.wait_for("\x1b[H")
        shown = terminal.wait_for("\x1b[J").replace("\r", "").split("\n")
        for row, text in enumerate(shown):
            if text:                    # the others are as they were
                screen[row] = text.replace("\x1b[K", "").removeprefix("\x1b[2J")
        samples.append(int(re.match(r"ticks of uptime: (\d+), of ", screen[1])[1]))
    step = -(-max(samples) // 15)
    for row in range(16):
        label, columns = re.fullmatch(r" *(\d+) \|(.*)", screen[2 + row]).groups()
        assert int(label) == (15 - row) * step
        for column, sample in enumerate(samples):
            near = abs(sample - int(label)) * 2
            sign = columns[column:column + 1]
            assert near <= step if sign == "*" else near >= step, (label, sample)
    assert screen[18] == f"{'':12}a column is 1 s, the newest at the right"
    terminal.send("q")
    terminal.wait_for("marbles> ")


def test_a_chart_without_a_terminal_is_a_row_a_sample(boot):
    machine = boot(cmdline='run="kmalloc 64 7; watch chart live_bytes meminfo"')
    label, bar = re.fullmatch(r" *(\d+) \|(#*)", machine.boot_lines[-1]).groups()
    assert int(label) == 448 and len(bar) == 448 // (448 // 60 + 1)
    for command, words in (("watch chart", "KEY is missing"),
                           ("watch chart free_kb", "CMD is missing"),
                           ("watch chart no_key meminfo", '"no_key" is no number in'),
                           ("watch chart no_key meminfo", "these are: total_kb free_kb "),
                           ("watch chart kind \"whatis $1\"", '"kind" is no number in'),
                           ("watch chart free_kb nonsense", "unknown command")):
        assert words in " ".join(machine.run(command)), command
    (row,) = machine.json("meminfo -j")
    said = " ".join(" ".join(machine.run("watch chart MemFree meminfo")).split())
    assert said.partition("these are: ")[2].split() == list(row)
    machine.send("watch chart bytes \"whatis $2\"\r")
    for _ in range(2):
        machine.wait_for(re.compile(r" 64 \|#+\r*\n"))
    machine.send("q")
    machine.until_prompt()


def test_watch_says_what_ends_it_and_what_is_cut(terminal):
    for keys in ("q", "\r", CTRL_C, "qkm\x15", "\rkm\x15"):
        terminal.send("watch \"params; params\"\r")
        terminal.wait_for("\x1b[H")
        shown = terminal.wait_for("\x1b[J")
        assert "every 1 s, q or Enter ends: params; params" in shown
        assert re.search(r"-- cut: \d\d rows below, \d+ long rows --", shown), shown
        assert shown.count("\n") == 19
        terminal.send(keys)
        terminal.wait_for("marbles> ")
    terminal.send("watch whatis kmalloc\r")
    terminal.wait_for("\x1b[J" + QUESTION)
    terminal.send("\x1b[10;40R")
    terminal.wait_for("\x1b[H\x1b[2J")
    assert "-- cut: 0 rows below, 2 long rows --" in terminal.wait_for("\x1b[J")
    terminal.send("qkmalloc 1\r")
    terminal.wait_for("(1 byte,")


def test_a_row_as_wide_as_the_screen_is_not_cut_by_watch(terminal):
    """And nothing is erased behind it: the cursor waits on its last column."""
    row = "every 1 s, q or Enter ends: check"
    terminal.send("watch check\r")
    for width in (len(row), len(row) - 1):
        terminal.wait_for("\x1b[J" + QUESTION)
        terminal.send(f"\x1b[10;{width}R")
        terminal.wait_for("\x1b[H\x1b[2J")
        shown = terminal.wait_for("\x1b[J").replace("\r", "")
        assert shown.startswith(row[:width] + "\n" + GOOD[0] + "\x1b[K\n")
        assert ("1 long" in shown) == (width < len(row)), shown
    terminal.send("q")


def test_text_that_was_typed_ahead_is_no_answer_to_more(terminal):
    terminal.send("more params\r")
    terminal.wait_for("-- more")
    terminal.send("kmalloc 1\r")
    assert "given:" in terminal.wait_for("(1 byte,")
    terminal.send("more params\r")
    terminal.wait_for("-- more")
    terminal.send("qkmalloc 1\r")
    assert "given:" not in terminal.wait_for("(1 byte,")


def test_the_machine_does_not_end_before_the_answer_is_in(terminal):
    """Else it is typed at the shell that QEMU was started from."""
    time.sleep(0.3)                         # a pause: at the next key it asks again
    terminal.send("exit\r")
    terminal.wait_for(QUESTION)
    time.sleep(0.1)
    assert terminal.qemu.isalive()
    terminal.send("\x1b[20;60R")
    terminal.until_end(5)
    assert terminal.exit_status == 0


def test_an_answer_that_comes_late_is_not_typed(terminal):
    for answer in ("\x1b]11;rgb:1e1e/1e1e/1e1e\x07", "\x1b[?1;2c", "\x1bP1$r0m\x1b\\",
                   "\x1b]11;rgb:1e1e"):
        terminal.send(answer)
        time.sleep(0.7)                 # the claim is about a pause
        terminal.send("check\r")
        terminal.wait_for(GOOD[0])


def test_a_marked_paste_runs_line_by_line_and_completes_nothing(terminal):
    terminal.send("\x1b[200~kmalloc 100\nche\tck\ncheck\x1b[201~")
    terminal.wait_for("$1 = 0x")
    terminal.wait_for("che: unknown command")
    terminal.wait_for("check")
    terminal.send("\r")
    terminal.wait_for(GOOD[0])


def family(pid):
    yield pid
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        yield from family(int(child))


def name_of(pid):
    return Path(f"/proc/{pid}/comm").read_text()


@pytest.mark.parametrize("end", ["\x01x", "exit\r", "SIGKILL"])
def test_make_run_leaves_the_terminal_as_it_was(end):
    run = pexpect.spawn("make", ["--no-print-directory", "run"], cwd=ROOT,
                        env=environment(), encoding="latin-1", timeout=60)
    run.delaybeforesend = None
    run.expect("marbles> ")
    run.send("c")
    run.expect_exact(QUESTION)
    run.send("\x1b[20;60R")
    run.expect_exact("\x1b[?2004h")
    if end == "SIGKILL":
        os.kill(next(pid for pid in family(run.pid) if name_of(pid).startswith("qemu-sys")),
                signal.SIGKILL)
    else:
        run.send("\x15" + end)
    run.expect(pexpect.EOF)
    assert run.before.rindex("\x1b[?2004l") >= 0
    assert "\x1b[?2004h" not in run.before.split("\x1b[?2004l")[-1]
