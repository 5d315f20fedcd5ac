"""Everything fits 80 columns: every command, with dials and long names, and reports."""
import pytest
from conftest import build_with
from marbles import Machine, rows

LONG = "n" * 40
LAB = f"""
#include "kernel/shell.h"
#include "mm/slab.h"

static void *{LONG}_takes_memory_and_loses_it(size_t size)
{{
    return kmalloc(size, GFP_KERNEL);
}}

static int long_names(int argc, char **argv)
{{
    struct kmem_cache *cache =
        kmem_cache_create("{LONG} and more", 100, 0, 0, NULL);
    char *p = kmem_cache_alloc(cache, GFP_KERNEL);
    char *q = {LONG}_takes_memory_and_loses_it(50);

    (void)argc, (void)argv;
    kfree(q);
    kfree(q);
    kfree(q + 5);
    p[100] = 1;
    kmem_cache_free(cache, p);
    kmem_cache_destroy(cache);
    pr_info("a line of log that is longer than 80 columns: it has %d words, and %s",
            15, "a word or two more");
    q = {LONG}_takes_memory_and_loses_it(5000000);
    q = {LONG}_takes_memory_and_loses_it(60);
    cache = kmem_cache_create("{LONG} again", 100, 0, 0, NULL);
    p = kmem_cache_alloc(cache, GFP_KERNEL);
    return p && q ? 0 : 1;
}}
SHELL_COMMAND(long_names, "A COMMAND [WITH] [A LONG] [USAGE LINE] [THAT] [GOES] [ON] [AND] [ON]",
              "and a help text that is longer than what there is room for in a row",
              long_names);
"""

COMMANDS = [
    "help", "help memory", "help look", "help find leaks", "help allocate", "help try it",
    "help lessons", "help system", "help labs", "meminfo", "buddyinfo", "slabinfo",
    "allocinfo -a", "leaks", "leaks mark", "leaks since", "params", "check", "dmesg",
    "kmalloc 100 12", "kmalloc 4000000", "kmalloc 8M", "pages 4", "pages 99", "whatis $1",
    "whatis $1+101", "whatis $13+3000000", "whatis 0x6b6b6b6b", "whatis 0x100010",
    "kfree $1 $1", "kfree $2+4", "pages free $2", "poke $3+101 0x41 3; kfree $3",
    "poke $2-3 0 2; check", "poke $1 0x11; kmalloc 100", "dump $1 70", "forget $4",
    "forget all", "stress 300", "bench mixed", "bench memory", "uptime", "history",
    "backtrace", "a_command_that_does_not_exist_and_has_a_very_long_name_that_goes_on_and_on",
    "kmalloc a_number_that_is_none_and_has_a_very_long_name_that_goes_on_and_on_and_on",
    "long_names", "slabinfo", "leaks", "allocinfo", "kmalloc 100 9999", "bench mixed 77",
    "params nonsense_that_is_no_parameter_at_all=1", "params slub_debug=FZPU,kmalloc-64",
    "poke 0x1000 1", "dump 0x1000", "dump 0xfffff000", "kfree $1; whatis $1+32", "crash all",
    "params watchdog=a_value_that_is_long_and_goes_on_and_on_and_on_and_on_and_on_and_on",
    "help a_command_that_does_not_exist_and_has_a_very_long_name_that_goes_on_and_on",
    "drain 2001", "drain 2000", "kmalloc 5000", "leaks", "leaks tree", "leaks owners",
    "leaks grow", "leaks lost", "kmemleak scan", "kmemleak clear", "long_names", "kmemleak",
]


@pytest.fixture(scope="module")
def elf(tmp_path_factory):
    lab = tmp_path_factory.mktemp("a-long-folder-name-for-a-lab") / f"{LONG}.c"
    lab.write_text(LAB)
    return build_with([lab])


@pytest.mark.parametrize("cmdline", ["", "slub_debug=FZPU debug_pagealloc=on quarantine=64K "
                                         "page_owner=on nonsense=1 loglevel=8"])
def test_no_row_is_wider_than_80_columns(elf, cmdline):
    wide = []
    with Machine(elf, memory="16M", cmdline=cmdline) as machine:
        wide += [row for row in rows("\n".join(machine.boot_lines)) if len(row) > 80]
        for command in COMMANDS + [f"help {row['name']}" for row in
                                   machine.json("help -j")]:
            machine.send(command + "\r")
            said = rows(machine.wait_for_prompt())
            wide += [f"{command}: {row}" for row in said[1:] if len(row) > 80]
    assert not wide, "\n".join(wide)
