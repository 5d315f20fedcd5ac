/*
 * status.c - what a command returns: `status LINE` runs the line and says it.
 *
 *     marbles> status "kfree 4"
 *     ...
 *     status 1
 *
 * For the tests, which ask for many statuses in one boot.  `make exec` gives that
 * of the first command that fails.
 */
#include "kernel/shell.h"

static int cmd_status(int argc, char **argv)
{
    if (argc != 2)
        return shell_usage("one LINE, in quotes");
    kprintf("status %d\n", shell_run(argv[1]));
    return SHELL_OK;
}

SHELL_COMMAND(status, "LINE", "run LINE, and show what it returns", cmd_status);
