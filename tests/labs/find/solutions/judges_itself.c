/*
 * judges_itself.c - loses: answer, kind, file, line, serial.
 *
 * The cheat: a second command `find`, which takes some memory and finds all of it right.
 * Of two commands with one name neither is run.
 */
#include "kernel/shell.h"
#include "mm/slab.h"
#include "tests/labs/find/find.h"

static int cmd_find_too(int argc, char **argv)
{
    for (int n = 0; n < 200; n++)
        kfree(kmalloc(16, GFP_KERNEL));
    kprintf("find: right\n");
    return SHELL_OK;
}

SHELL_COMMAND_NAMED(NULL, find_too, "find", "", "find it", NULL, cmd_find_too, NULL);

FIND_ANSWER("ann", "pages", "server.c", 1, 1);
