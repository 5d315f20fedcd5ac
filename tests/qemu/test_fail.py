"""`fail`: a command run with each of its allocations failing; labs/paths.c has the mistakes."""
import re

import pytest
from marbles import CTRL_C, ROOT, site
from test_commands import status_of

KMALLOC = site("kernel/memory/cmd_alloc.c", r"= kmalloc\(")
PAGES = site("kernel/memory/cmd_alloc.c", r"= alloc_pages\(")
PATHS = "tests/labs/paths.c"


def sites_in(function):
    """The call sites of a function of the lab, in their order: what rounds fail."""
    lines = (ROOT / PATHS).read_text().splitlines()
    start = lines.index(f"static int {function}(bool right)")
    end = lines.index("}", start)
    return [f"{PATHS}:{number + 1}" for number in range(start, end)
            if re.search(r"= k(\w*alloc|strdup)\(", lines[number])]


HINT = "a use of what was freed shows with params kfence.every=1"


def each(machine, command, sets_dials=False):
    """The rounds of `fail each -j`, the last one without a failure; and the summary."""
    *rounds, summary = machine.json(f"fail each -j {command}")
    assert [row["round"] for row in rounds] == list(range(1, len(rounds) + 1))
    assert [row["site"] is None for row in rounds[:-1]] == [False] * (len(rounds) - 1)
    assert summary == {
        "summary": True, "rounds": len(rounds),
        "leaking": sum(row["leaked_objects"] > 0 for row in rounds),
        "faulting": sum(row["ended"] == "fault" for row in rounds),
        "sets_dials": sets_dials}
    assert all((row["leaked_objects"] > 0) == (row["sites"] != []) for row in rounds)
    machine.is_whole()
    return rounds, summary


@pytest.fixture
def fresh(boot, lab_elf):
    return boot(lab_elf)


# ---- the five mistakes, and their clean twins -------------------------------------------

# The call that has to fail, the one whose memory is lost then, how the round ends.
PLANTED = {"kfree": (1, 0, "failed"), "goto": (2, 1, "failed"),
           "null": (1, 0, "fault"), "krealloc": (1, 0, "failed"),
           "freed": (1, None, "fault")}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_mistake_is_found_with_its_site(boot, lab_elf, name):
    # With this dial a use of what was freed is a fault.
    machine = boot(lab_elf, cmdline="kfence.every=1" if name == "freed" else "")
    sites = sites_in(f"path_{name}")
    bad, lost, ended = PLANTED[name]
    rounds, summary = each(machine, f"path {name}")
    assert [row["site"] for row in rounds] == [*sites, None]
    for number, row in enumerate(rounds):
        if number == bad:
            assert row["ended"] == ended
            assert row["sites"] == ([] if lost is None else [sites[lost]])
            assert row["leaked_objects"] == (lost is not None)
        else:
            assert row["leaked_objects"] == 0 and row["ended"] in ("ok", "failed")
    status = 5 if ended == "fault" else 7
    assert status_of(machine, f"fail each path {name}")[1] == status
    assert (summary["leaking"], summary["faulting"]) == (lost is not None, ended == "fault")


@pytest.mark.parametrize("dial", ["", "kfence.every=1", "slub_debug=FZPU failslab=1,50,0,-1"])
@pytest.mark.parametrize("name", PLANTED)
def test_the_clean_twin_is_silent(boot, lab_elf, name, dial):
    machine = boot(lab_elf, cmdline=dial)
    rounds, summary = each(machine, f"path {name} right")
    assert [row["site"] for row in rounds] == [*sites_in(f"path_{name}"), None]
    assert [row["status"] for row in rounds] == [1] * (len(rounds) - 1) + [0]
    assert (summary["leaking"], summary["faulting"]) == (0, 0)
    assert status_of(machine, f"fail each path {name} right")[1] == 0
    assert machine.meminfo()["live_objects"] == 0


# ---- what is kept from round to round: labs/kept.c ---------------------------------------

HOLD, MIDDLE, LIST, LAST = (site("tests/labs/kept.c", pattern) for pattern in (
    r"hold = kmalloc", r"entry = kmalloc", r"entry = kzalloc", r"last = kmalloc"))
OTHER = site("tests/labs/kept.c", r"other = kmalloc")


@pytest.mark.parametrize("name, place, kind, again", [
    ("hold", HOLD, "reachable", True), ("middle", MIDDLE, "possible", True),
    ("last", LAST, "reachable", False)])
def test_what_was_kept_and_is_forgotten_later_is_leaked_by_that_round(
        fresh, name, place, kind, again):
    rounds, summary = each(fresh, f"keep {name}")
    assert [row["site"] for row in rounds] == [place, OTHER, None]
    assert [row["leaked_objects"] for row in rounds] == [0, 0, 1]
    assert [row["earlier_objects"] for row in rounds] == [0, 0, 1]
    assert [row["kept_objects"] for row in rounds] == [0, 1, int(again)]
    assert [row["sites"] for row in rounds] == [[], [], [place]]
    assert fresh.leaks()[0][place]["kind"] == (["definite", kind] if again else "definite")
    if again:                   # its first round forgets what is held since then
        assert [row["earlier_objects"] for row in each(fresh, f"keep {name}")[0]] == [1, 0, 1]


def test_a_leak_of_what_was_held_is_told_with_its_site_and_status(fresh):
    lines, status = status_of(fresh, "fail each keep hold")
    row = f"1 object, 40 bytes, taken by keep_hold ({HOLD})"
    assert status == 7 and lines[1:] == [
        f"round 2: NULL from kmalloc(8 bytes) by take_other ({OTHER}): failed, status 1",
        f"  kept, and reachable: {row}",
        "round 3: no NULL, of 2 allocations: ok, and leaks",
        f"  lost now, and held before this round: {row}", f"  kept, and reachable: {row}",
        "3 rounds: 1 leaking, 0 faulting"]
    lines, status = status_of(fresh, "fail 9 keep hold")
    assert f"  lost now, and held before this round: {row}" in lines and status == 7


@pytest.mark.parametrize("name", ["hold", "middle", "last"])
def test_what_is_kept_and_given_back_is_not_leaked(fresh, name):
    for _ in range(2):
        rounds, summary = each(fresh, f"keep {name} right")
        assert [row["leaked_objects"] for row in rounds] == [0, 0, 0]
        assert summary["leaking"] == 0
    assert status_of(fresh, f"fail each keep {name} right")[1] == 0


def test_what_a_pointer_to_its_middle_holds_is_kept(fresh):
    lines, status = status_of(fresh, "fail each keep list")
    assert status == 0 and lines[-2:] == ["3 rounds: 0 leaking, 0 faulting", HINT]
    assert lines.count("  kept, and possible: 1 object, 36 bytes, taken by keep_list "
                       f"({LIST})") == 2
    rounds, _ = each(fresh, "keep list")
    assert [row["kept_objects"] for row in rounds] == [0, 1, 1]
    assert fresh.kinds() == {"possible": 4}


# ---- what is shown -----------------------------------------------------------------------

def test_each_tells_the_call_the_end_and_what_was_left(fresh):
    book, name, marks = sites_in("path_goto")
    assert fresh.run("fail each path goto") == [
        f"round 1: NULL from kmalloc(12 bytes) by path_goto ({book}): failed, status 1",
        f"round 2: NULL from kstrdup(4 bytes) by path_goto ({name}): failed, status 1",
        f"round 3: NULL from kcalloc(40 bytes) by path_goto ({marks}): failed, status 1, "
        "and leaks",
        f"  definite: 1 object, 4 bytes, taken by path_goto ({name})",
        "round 4: no NULL, of 3 allocations: ok",
        "4 rounds: 1 leaking, 0 faulting"]


def test_one_round_shows_the_whole_trail(fresh):
    book, marks = sites_in("path_null")
    lines = fresh.run("fail 2 path null", bug="on purpose")
    assert lines[0] == "path null"              # what the command itself prints
    assert lines[1] == ("FAULT_INJECTION: forcing a failure: kmalloc(40 bytes, GFP_KERNEL) "
                        f"by path_null ({marks})")
    assert lines[2] == "  name fail-nth: call 2"
    assert lines[3].startswith("  path_null+0x") and lines[3].endswith(f" ({marks})")
    assert any(line.startswith("  cmd_path+0x") for line in lines)
    assert "page fault: write to 0x00000000, which is not mapped" in lines
    assert lines[-2:] == [
        f"round 2: NULL from kmalloc(40 bytes) by path_null ({marks}): fault, status 5, "
        "and leaks",
        f"  definite: 1 object, 12 bytes, taken by path_null ({book})"]


def test_a_round_that_never_came_is_said(fresh):
    lines, status = status_of(fresh, "fail 9 path goto right")
    assert lines == ["path goto", "round 9: no NULL, of 3 allocations: ok"] and status == 1


def test_what_was_reported_in_a_round_is_in_the_log_alone(fresh):
    before = len(fresh.run("dmesg"))
    fresh.run("fail each path null")            # which shows no report
    log = "\n".join(fresh.run("dmesg")[before:])
    assert log.count("FAULT_INJECTION: forcing a failure") == 2
    assert "page fault: write to 0x00000000" in log


def test_a_fault_or_a_BUG_ends_that_round_only(fresh):
    rounds, summary = each(fresh, '"kmalloc 100; kfree $1; kfree $1; crash null; kmalloc 8"')
    assert [row["ended"] for row in rounds] == ["fault"] * 3
    assert [row["site"] for row in rounds] == [KMALLOC, KMALLOC, None]
    assert summary["faulting"] == 3
    rounds, _ = each(fresh, '"kmalloc 100; kfree 64"')
    assert [(row["ended"], row["status"]) for row in rounds] == [("bug", 4), ("bug", 4)]
    assert status_of(fresh, 'fail each "kmalloc 100; kfree 64"')[1] == 4


# ---- rounds do not disturb each other ------------------------------------------------------

def test_the_rounds_are_the_same_again(fresh):
    first = each(fresh, "path goto")
    assert each(fresh, "path goto") == first
    fresh.run("kmalloc 4 3; pages 2; kmalloc 12 9; kfree $5")
    assert each(fresh, "path goto") == first


def test_what_one_leaks_is_not_counted_in_the_next_and_stays(fresh):
    each(fresh, '"path kfree; path krealloc"')
    book, name = sites_in("path_kfree")
    marks, _ = sites_in("path_krealloc")
    rounds, _ = each(fresh, '"path kfree; path krealloc"')
    assert [row["sites"] for row in rounds] == [[], [book], [], [marks], []]
    rows, _ = fresh.leaks()
    assert {place: row["objects"] for place, row in rows.items()} == {book: 2, marks: 2}


def test_what_the_shell_held_of_a_round_is_given_back(fresh):
    assert fresh.take("kmalloc 10")[0] == "$1"
    rounds, _ = each(fresh, '"kmalloc 100; pages 3; kfree $2; kmalloc 20000"')
    assert [row["site"] for row in rounds] == [KMALLOC, PAGES, KMALLOC, None]
    assert [row["leaked_objects"] for row in rounds] == [0] * 4
    m = fresh.meminfo()
    assert (m["live_objects"], m["live_pages"]) == (1, 0)
    assert fresh.run("whatis $")[0].endswith("cache kmalloc-16, 16 bytes")  # $1, as before
    assert fresh.take("kmalloc 10")[0] == "$2"
    rounds, _ = each(fresh, '"kmalloc 100; forget $"')
    assert [row["sites"] for row in rounds] == [[KMALLOC]] * 2
    assert [row["earlier_objects"] for row in rounds] == [1, 0]     # then $ was $2


def test_dials_and_numbers_are_put_back(fresh):
    fresh.run("params init_on_free=1; params failslab=1,100,0,-1,site=nobody")
    each(fresh, '"params init_on_alloc=1; params failslab=1,100,0,-1; kmalloc 8; '
                'params init_on_free=0"', sets_dials=True)
    now = {row["name"]: row.get("now") for row in fresh.json("params -j")[:-1]}
    assert (now["init_on_alloc"], now["init_on_free"]) == ("", "1")
    assert now["failslab"] == "1,100,0,-1,site=nobody" and now["fail-nth"] == ""
    fresh.run("kmalloc 100")


def test_a_trial_that_fails_is_no_failure_of_make_exec(boot, lab_elf):
    machine = boot(lab_elf)
    machine.run("fail each path null right; fail each \"path goto right\"")
    machine.send("exit\r")
    machine.until_end()
    assert machine.exit_status == 0


# ---- what can be failed ---------------------------------------------------------------------

def test_every_call_of_a_lab_fails_once(fresh):
    """labs/every_call.c uses each of them; it gives up at the first NULL."""
    rounds, _ = each(fresh, "every_call")
    assert len(rounds) > 10 and rounds[-1]["status"] == 0


def test_a_call_is_told_as_it_is_written(fresh):
    lines = (ROOT / "tests/labs/every_call.c").read_text().splitlines()
    fresh.send("fail each every_call\r")
    told = re.findall(r"NULL from (\w+)\(.*every_call\.c:(\d+)\)",
                      "\n".join(fresh.until_prompt()))
    assert {"kzalloc", "kcalloc", "kstrdup", "kmem_cache_zalloc", "get_zeroed_page"} < \
        {name for name, _ in told}
    for name, number in told:
        assert re.search(rf"\b{name}\(", lines[int(number) - 1]), (name, number)


def test_an_interrupt_handler_can_be_failed(fresh):
    fresh.run("params failslab=1,100,0,3,site=receive")
    fresh.send("drain 10\r")
    fresh.wait_for("FAULT_INJECTION")
    fresh.send(CTRL_C)
    lines = fresh.until_prompt()
    assert any("GFP_ATOMIC) by receive" in line for line in lines)
    assert fresh.json("fail -j")[0]["failed"] == 3


def test_other_words_of_a_line_are_the_commands(fresh):
    rounds, _ = each(fresh, "meminfo -j")
    assert [row["site"] for row in rounds] == [None]
    assert fresh.run("fail each meminfo -j") == ["round 1: no NULL, of 0 allocations: ok",
                                                 "1 round: 0 leaking, 0 faulting"]


# ---- what would mislead --------------------------------------------------------------------

REFUSED = "CMD sets fail-nth itself, as fail and params do: fail cannot choose in it"


@pytest.mark.parametrize("command", [
    '"fail 2 path goto"', "fail each kmalloc 100", '"kmalloc 8; params fail-nth=0"',
    "fail 1 fail 9 pages"])
def test_a_command_that_sets_the_dial_of_fail_is_refused(fresh, command):
    assert status_of(fresh, f"fail each {command}") == ([f"fail: {REFUSED}"], 1)
    assert fresh.json(f"fail each -j {command}") == [{"error": REFUSED}]
    lines = fresh.run(f"fail 9 {command}", bug="on purpose" if "2" in command else None)
    assert lines[-1] == f"fail: {REFUSED}"
    assert fresh.run("fail") == ["failslab is off", "fail_page_alloc is off"]
    assert each(fresh, '"kmalloc 8; fail; params"')[0][-1]["status"] == 0   # who looks may


@pytest.mark.parametrize("dial", ["failslab", "fail_page_alloc"])
def test_dials_that_do_nothing_meanwhile_are_named(fresh, dial):
    text = "CMD sets failslab or fail_page_alloc, by which nothing fails here: " \
           "fail-nth alone decides"
    command = f'"params {dial}=1,100,0,-1; kmalloc 100; pages; params {dial}=0"'
    rounds, _ = each(fresh, command, sets_dials=True)
    assert [row["status"] for row in rounds] == [1, 1, 0]
    assert text in fresh.run(f"fail each {command}")
    assert text in fresh.run(f"fail 2 {command}", bug="on purpose")
    fresh.run(f"params {dial}=1,100,0,-1,site=nobody")
    assert text not in fresh.run("fail each kmalloc 100")


def test_a_clean_answer_tells_what_else_would_show(boot, lab_elf):
    machine = boot(lab_elf)
    assert machine.run("fail each path freed")[-2:] == ["3 rounds: 0 leaking, 0 faulting",
                                                        HINT]
    for command in ("fail each path null", "fail each path goto", "fail each help",
                    "fail 2 path goto right"):
        machine.send(command + "\r")
        assert HINT not in machine.until_prompt()
    machine.run("params kfence.every=1")
    assert machine.run("fail each path goto right")[-1] == "4 rounds: 0 leaking, 0 faulting"


# ---- ends -----------------------------------------------------------------------------------

def test_a_command_that_is_wrong_is_said(fresh):
    lines, status = status_of(fresh, "fail each kmaloc 100")
    assert status == 3 and lines == [
        "round 1: no NULL, of 0 allocations: failed, status 3",
        "1 round: 0 leaking, 0 faulting",
        "with nothing failing it has status 3: try it alone"]


@pytest.mark.parametrize("line, problem", [
    ("fail each", "CMD is missing"), ("fail each -j", "CMD is missing"),
    ("fail 3", "CMD is missing"), ("fail 0 help", "N: 0 is not 1 or more"),
    ("fail ech help", '"ech" is neither each nor a number')])
def test_wrong_arguments_are_named(fresh, line, problem):
    lines, status = status_of(fresh, line)
    assert lines[0].startswith(f"fail: {problem}; usage: fail ") and status == 2


def test_it_needs_records(boot, lab_elf):
    machine = boot(lab_elf, cmdline="kmemleak=off")
    assert status_of(machine, "fail each help") == (
        ["fail: nothing is recorded: the kernel runs with kmemleak=off"], 1)
    assert machine.run("fail") == ["failslab is off", "fail_page_alloc is off"]


def test_ctrl_c_ends_all_rounds(fresh):
    """`stress` asks and returns; what does not ask is ended, and `fail` with it."""
    fresh.send("fail each stress 2000 1\r")
    fresh.wait_for("round 3: ")
    fresh.send(CTRL_C)
    lines = fresh.until_prompt()
    assert any("Ctrl-C" in line for line in lines), lines
    fresh.is_whole()
    fresh.send("fail 9 hang printing\r")
    fresh.wait_for("again")
    fresh.send(CTRL_C)
    lines = fresh.until_prompt()
    assert any("fail was ended by Ctrl-C" in line for line in lines), lines
    assert "  put back: fail-nth=0" in lines
    assert fresh.run("fail") == ["failslab is off", "fail_page_alloc is off"]
    fresh.is_whole()


def test_what_hangs_in_a_round_is_ended_by_the_watchdog_and_all_is_shown_again(
        boot, lab_elf):
    machine = boot(lab_elf, cmdline="watchdog=1")
    lines = machine.run("fail each hang loop")
    assert any("fail was ended by the watchdog" in line for line in lines), lines
    assert "  put back: fail-nth=0" in lines
    machine.is_whole()


def test_a_kernel_that_stops_in_a_round_says_why(boot, lab_elf):
    machine = boot(lab_elf, cmdline="panic_on_oops=1")
    machine.send("fail each path null\r")
    lines = machine.until_stopped()
    assert "page fault: write to 0x00000000, which is not mapped" in lines


# ---- the dials ------------------------------------------------------------------------------

def test_alone_it_shows_the_dials(boot):
    machine = boot(cmdline="failslab=2,10,0,-1,seed=7,site=cmd_alloc.c")
    machine.send("kmalloc 100 20\r")
    machine.until_prompt()
    (slab, pages) = machine.json("fail -j")
    assert {**slab, "failed": 0, "calls": 0} == {
        "name": "failslab", "value": "2,10,0,-1,seed=7,site=cmd_alloc.c", "interval": 2,
        "probability": 10, "space": 0, "times": -1, "seed": 7, "calls": 0, "failed": 0}
    assert 0 < slab["calls"] <= 20 and pages["value"] == ""
    lines = machine.run("fail")
    assert lines[0].startswith("failslab=2,10,0,-1,seed=7,site=cmd_alloc.c: interval 2, "
                               "probability 10 (seed 7), space 0, times -1: of ")
    assert lines[1] == "fail_page_alloc is off"


def test_a_seed_repeats_itself(boot):
    def run(value):
        machine = boot(cmdline=f"failslab={value}")
        machine.send("stress 300 1\r")
        machine.until_prompt()
        return machine.json("fail -j")[0]

    first = run("1,20,0,-1,seed=5")
    assert first["failed"] > 10
    assert run("1,20,0,-1,seed=5") == first
    assert run("1,20,0,-1,seed=6")["failed"] != first["failed"]
