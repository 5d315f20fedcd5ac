/*
 * tells_itself.c - loses: lines, pool1, pool2, pool3, pool4, pool5, pool6.
 *
 * The cheat: a second command `tell`, for which all pools are apart.  Of two commands with
 * one name neither is run.
 */
#include "kernel/shell.h"
#include "mm/slab.h"
#include "tests/labs/tell/tell.h"

static int cmd_tell_too(int argc, char **argv)
{
    for (int n = 0; n < 6; n++)
        kfree(kmalloc(100, GFP_KERNEL));
    return SHELL_OK;
}

SHELL_COMMAND_NAMED(NULL, tell_too, "tell", "", "all are apart", NULL, cmd_tell_too, NULL);

TELL("ann",
     "take");
