/*
 * absent.c - absent away|back ADDR [PAGES]: take pages away, give them back, and say which
 * of them are there.
 */
#include "kernel/cpu/paging.h"
#include "kernel/printk.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/page.h"

static int cmd_absent(int argc, char **argv)
{
    uint32_t address, pages = 1;

    if (argc < 3 || !shell_address(argv[2], "ADDR", &address) ||
        (argc > 3 && !shell_number(argv[3], "PAGES", &pages)))
        return SHELL_USAGE;

    bool present = strcmp(argv[1], "back") == 0;
    bool done = paging_set_present((void *)(uintptr_t)address, pages * PAGE_SIZE, present);

    kprintf("%s: before %d, first %d, last %d, behind %d\n", done ? "done" : "refused",
            paging_maps(address - 1), paging_maps(address),
            paging_maps(address + pages * PAGE_SIZE - 1),
            paging_maps(address + pages * PAGE_SIZE));
    return SHELL_OK;
}

SHELL_COMMAND(absent, "away|back ADDR [PAGES]", "take pages away", cmd_absent);
