"""Kernel parameters: what each does, and that none of them stops the boot."""
import re

import pytest
from marbles import site, symbol

MIB = 1 << 20


def log(machine):
    """dmesg without its times."""
    return [re.sub(r"^\[ *\d+\.\d+\] ", "", line) for line in machine.run("dmesg")]


@pytest.mark.parametrize("given, limit", [
    ("mem=16M", 16 * MIB), ("mem=0x1000000", 16 * MIB), ("mem=8192K", 8 * MIB),
    ("mem=1G", 64 * MIB)])
def test_mem_uses_nothing_above_its_limit(boot, elf, given, limit):
    """And nearly all below it: but for the kernel, and what its loader leaves unused."""
    machine = boot(cmdline=given)
    total = machine.meminfo()["total_kb"]
    assert (limit - symbol(elf, "image_end")) // 1024 - 256 < total < limit // 1024
    machine.run("kmalloc 1M 5")
    for n in range(1, 6):
        (what,) = machine.json(f"whatis ${n} -j")
        assert int(what["start"], 16) + what["bytes"] <= limit
    machine.is_whole()


def test_mem_that_leaves_next_to_nothing_still_boots(boot):
    machine = boot(cmdline="mem=1K")
    assert machine.meminfo()["total_kb"] == 0
    assert machine.run("kmalloc 100", bug="out of memory")[-1].startswith(
        "kmalloc(100) = NULL")
    machine.is_whole()


def test_kmemleak_off_records_nothing_and_still_proves_frees(boot):
    machine = boot(cmdline="kmemleak=off")
    machine.run("kmalloc 100 3; pages 1")
    assert "serial" not in machine.json("whatis $1 -j")[0]
    m = machine.meminfo()
    assert (m["live_objects"], m["live_pages"], m["last_serial"]) == (3, 2, 0)
    for command in ("leaks", "allocinfo"):
        assert machine.run(command) == [
            "nothing is recorded: the kernel runs with kmemleak=off"]
        assert machine.json(f"{command} -j")[0]["error"].startswith("nothing is recorded")
    machine.run("kfree $2")
    machine.run("kfree $2", bug="double free")
    address = int(machine.json("whatis $1 -j")[0]["address"], 16)
    machine.run(f"kfree {address + 8}", bug="interior pointer")
    machine.run("pages free $4 0", bug="wrong order")
    assert machine.meminfo()["bad_frees"] == 3
    assert machine.run("stress")[0].endswith("all rules hold")
    machine.is_whole()


def test_kmemleak_on_is_the_default(boot):
    machine = boot(cmdline="kmemleak=on")
    machine.run("kmalloc 100")
    assert list(machine.leaks()[0]) == [site("kernel/memory/cmd_alloc.c", r"= kmalloc\(")]


def test_quiet_and_loglevel_choose_what_the_boot_shows(boot):
    shown = boot().boot_lines
    assert any("Marbles" in line for line in shown)
    assert any("help" in line for line in shown)
    assert boot(cmdline="quiet").boot_lines == []
    assert boot(cmdline="loglevel=4").boot_lines == []
    assert boot(cmdline="loglevel=7").boot_lines == shown
    everything = boot(cmdline="loglevel=8").boot_lines
    assert len(everything) > len(shown)
    assert any(line.startswith("map: 0x") for line in everything)


def test_quiet_keeps_nothing_from_the_log_and_no_report_from_the_console(boot):
    machine = boot(cmdline="quiet")
    assert any("Marbles" in line for line in log(machine))
    assert any(line.startswith("map: 0x") for line in log(machine))
    machine.run("kfree 0xdeadbeef", bug="not heap memory")


@pytest.mark.parametrize("given", ["console=ttyS0", "console=ttyS0,9600",
                                   "console=ttyS0,115200n8", "console=tty0 console=ttyS0"])
def test_console_takes_the_line_and_its_speed(boot, given):
    machine = boot(cmdline=given)
    assert machine.run("check") == ["mm_check: all rules hold"]
    assert not any("malformed" in line for line in log(machine))


@pytest.mark.parametrize("given, named", [
    ("nonsense", "nonsense: unknown kernel parameter"),
    ("nonsense=5", "nonsense: unknown kernel parameter"),
    ("slab_nomerge splash", "splash: unknown kernel parameter"),
    ("mem=lots", "mem=lots: malformed"), ("mem=", "mem=: malformed"),
    ("mem", "mem=: malformed"), ("mem=0", "mem=0: malformed"),
    ("mem=5X", "mem=5X: malformed"), ("kmemleak=maybe", "kmemleak=maybe: malformed"),
    ("kmemleak", "kmemleak=: malformed"), ("loglevel=9", "loglevel=9: malformed"),
    ("loglevel=x", "loglevel=x: malformed"), ("quiet=1", "quiet=1: malformed"),
    ("console=tty1", "console=tty1: malformed"),
    ("console=ttyS0,7", "console=ttyS0,7: malformed"),
    ('run="check', "run: its quote is not closed"),
    ("=", "unknown kernel parameter"), ('""', "unknown kernel parameter"),
    ("mem=16M" + " x" * 500, "x: unknown kernel parameter")])
def test_what_is_unknown_or_malformed_is_named_and_does_not_stop_the_boot(boot, given,
                                                                          named):
    machine = boot(cmdline=given)
    lines = log(machine)
    assert any(line.startswith(named) or (named[0] == "u" and named in line)
               for line in lines), lines
    machine.is_whole()


def test_a_wrong_parameter_does_not_keep_the_next_from_working(boot):
    machine = boot(cmdline="nonsense mem=lots mem=16M kmemleak=off")
    assert machine.meminfo()["total_kb"] < 16 * 1024
    assert machine.run("leaks")[0].startswith("nothing is recorded")


@pytest.mark.parametrize("given, output", [
    ('run="kmalloc 0"', ["$1 = 0x00000010  (ZERO_SIZE_PTR: kfree takes it, but it may "
                         "not be touched)"]),
    ("run=check", ["mm_check: all rules hold"]),
    ('run="check; check"', ["mm_check: all rules hold"] * 2),
    ('"run=check; check"', ["mm_check: all rules hold"] * 2),
    ('run="whatis \\"x y\\""', ['whatis: ADDR: "x y" is not a number: 100, 0x64, '
                                '4K, 1M or $1, nor a symbol']),
    ("run=\"whatis 'a;b'\"", ['whatis: ADDR: "a;b" is not a number: 100, 0x64, '
                              '4K, 1M or $1, nor a symbol']),
    ('run="whatis \\\\\\\\"', ['whatis: ADDR: "\\" is not a number: 100, 0x64, 4K, '
                               '1M or $1, nor a symbol'])])
def test_run_types_its_commands_and_goes_to_the_prompt(boot, given, output):
    machine = boot(cmdline=f"quiet {given}")
    assert machine.boot_lines == output
    machine.is_whole()


def test_params_shows_each_parameter_and_what_was_given(boot):
    machine = boot(cmdline="mem=16M quiet")
    *rows, last = machine.json("params -j")
    assert {row["name"] for row in rows} == {"mem", "loglevel", "quiet", "console",
                                             "kmemleak", "run", "term", "slub_debug",
                                             "slab_debug", "init_on_alloc",
                                             "init_on_free", "debug_pagealloc",
                                             "page_owner", "quarantine",
                                             "kfence.every", "failslab", "trace_event",
                                             "fail_page_alloc", "fail-nth", "oom",
                                             "ftrace", "ftrace_filter",
                                             "watchdog",
                                             "panic", "panic_on_oops",
                                             "panic_on_warn"}
    assert last == {"given": "mem=16M quiet"}
    assert machine.run("params")[-1] == "given: mem=16M quiet"


def test_a_long_command_line_is_read_to_its_end(boot):
    machine = boot(cmdline="quiet " + "x" * 2000 + " kmemleak=off")
    assert machine.run("leaks")[0].startswith("nothing is recorded")


def test_commands_that_lost_their_end_are_not_run(boot):
    commands = "check; " * 600
    machine = boot(cmdline=f'quiet run="{commands}exit 0"', prompt=False)
    said = machine.until_end(timeout=20)
    assert any("run=: the command line is cut here" in line for line in said), said
    assert "all rules hold" not in "\n".join(said)
    assert machine.exit_status == 2


def test_a_command_line_of_4095_characters_is_carried_whole(boot):
    head, tail = 'quiet run="check #', '\nexit 9"'
    room = 4095 - len(head) - len(tail)
    machine = boot(cmdline=head + "x" * room + tail, prompt=False)
    assert machine.until_end()[-1] == "mm_check: all rules hold"
    assert machine.exit_status == 9
