"""Reports are counted, told by the status of their command, and split no row."""
import re
import subprocess

import pytest
from conftest import build_with
from marbles import ROOT, Machine, environment, make

LAB = """
#include "kernel/cpu/timer.h"
#include "kernel/printk.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/slab.h"

static void wrong_free(void *unused)
{
    (void)unused;
    kfree((void *)(uintptr_t)0x123450);
}

/* Rows in pieces, and a tick or two within each. */
static int rows(int argc, char **argv)
{
    (void)argc, (void)argv;
    timer_every_tick(wrong_free, NULL);
    for (int i = 0; i < 20; i++) {
        uint32_t begin = timer_ticks();

        kprintf("row %d begins", i);
        while (timer_ticks() - begin < 2)
            ;
        kprintf(" and ends\\n");
    }
    timer_stop(wrong_free, NULL);
    return 0;
}
SHELL_COMMAND(rows, "", "print rows, while an interrupt reports bugs", rows);

static int smash(int argc, char **argv)
{
    char *p = kmalloc(50, GFP_KERNEL), *q = kmalloc(50, GFP_KERNEL);

    (void)argc, (void)argv;
    p[50] = q[-1] = 1;
    kfree(p);
    kfree(q);
    kfree(q);
    return 0;
}
SHELL_COMMAND(smash, "", "smash two red zones, and free twice", smash);

static volatile bool went_on;

static void go_on(void *unused)
{
    (void)unused;
    if (!went_on)
        pr_cont(" ready\\n");
    went_on = true;
}

/* A line of log stays open, one of the command begins: an interrupt adds to the first. */
static int cont(int argc, char **argv)
{
    (void)argc, (void)argv;
    pr_info("drive:");
    kprintf("row begins");
    timer_every_tick(go_on, NULL);
    while (!went_on)
        ;
    timer_stop(go_on, NULL);
    kprintf(" and ends\\n");
    return 0;
}
SHELL_COMMAND(cont, "", "an interrupt goes on with a line of log", cont);

static unsigned log_rows;

/* Who reads the log has read the last record, and now that becomes longer. */
static void extend(const char *text, size_t length)
{
    static const char last[] = "open line";
    const size_t n = sizeof(last) - 1;

    for (size_t i = 0; i < length; i++)
        log_rows += text[i] == '\\n';
    if (length >= n && memcmp(text + length - n, last, n) == 0)
        for (int i = 0; i < 20; i++)
            pr_cont("AAAAAAAAAA");
}

static int longer(int argc, char **argv)
{
    (void)argc, (void)argv;
    pr_info("open line");
    kprintf_filter = extend;
    printk_dump_log();
    kprintf_filter = NULL;
    kprintf("%u rows of log\\n", log_rows);
    return 0;
}
SHELL_COMMAND(longer, "", "the log grows while it is read", longer);
"""


@pytest.fixture(scope="module")
def elf(tmp_path_factory):
    lab = tmp_path_factory.mktemp("reports") / "rows.c"
    lab.write_text(LAB)
    return build_with([lab])


def test_a_report_from_an_interrupt_splits_no_row(elf):
    with Machine(elf) as machine:
        machine.send("rows\r")
        lines = machine.until_prompt()[1:]
        whole = [line for line in lines if line.startswith("row")]
        assert whole == [f"row {i} begins and ends" for i in range(20)]
        bugs = [line for line in lines if line.startswith("BUG mm: ")]
        assert len(bugs) >= 30 and len(bugs) == machine.meminfo()["reports"]
        assert not any("begins" in line for line in lines if line not in whole)


def test_nothing_is_lost_that_waits_while_more_or_a_long_line_is_shown(elf):
    with Machine(elf) as machine:
        machine.send("more rows\r")
        lines = machine.until_prompt()[1:]
        bugs = sum(line.startswith("BUG mm: ") for line in lines)
        lost = any("lost" in line for line in lines)
        assert bugs == machine.meminfo()["reports"] or lost


def test_what_an_interrupt_adds_to_an_open_line_of_log_is_shown_behind_the_row(elf):
    with Machine(elf) as machine:
        machine.send("cont\r")
        assert machine.until_prompt()[1:] == ["drive:", "row begins and ends", " ready"]


def test_a_record_that_grows_while_the_log_is_read_is_read_once(elf):
    with Machine(elf) as machine:
        before = len(machine.run("dmesg"))
        machine.send("longer\r")
        assert machine.until_prompt()[-1] == f"{before + 1} rows of log"
        assert sum("open line" in line for line in machine.run("dmesg")) == 1


def test_a_command_that_was_reported_ends_with_a_status_of_its_own(elf):
    with Machine(elf, cmdline="slub_debug=ZP") as machine:
        assert machine.meminfo()["reports"] == 0
        machine.send("smash\r")
        assert sum(line.startswith("BUG ") for line in machine.until_prompt()) == 3
        assert machine.json("check -j") == [
            {"ok": True, "broken": None, "damage": 0, "reports": 3}]
        machine.send("check; exit\r")
        machine.until_end()
        assert machine.exit_status == 4


@pytest.mark.parametrize("memory", ["16M", "32M"])
def test_a_drained_machine_prints_the_same_every_time(memory):
    """Together, so that none has a processor of its own."""
    command = ["make", "-s", "--no-print-directory", "exec", f"MEM={memory}",
               "CMDS=drain 500; leaks"]
    make("all")                 # else each of them would
    runs = [subprocess.Popen(command, cwd=ROOT, env=environment(),
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
            for _ in range(4)]
    texts = {run.communicate(timeout=120)[0] for run in runs}
    assert len(texts) == 1, texts
    assert re.search(r"^drained: ", texts.pop(), re.M)
