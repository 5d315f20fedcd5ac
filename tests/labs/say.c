/*
 * say.c - print any bytes: `say "one%0atwo %1b[1mbold"`, %hh being a byte in hex.
 *
 * It ends with the line it is on, as a program would that prints part of one.
 */
#include "kernel/printk.h"
#include "kernel/shell.h"

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int cmd_say(int argc, char **argv)
{
    for (const char *at = argc > 1 ? argv[1] : ""; *at != 0; at++) {
        bool coded = at[0] == '%' && hex(at[1]) >= 0 && hex(at[2]) >= 0;

        kprintf("%c", coded ? hex(at[1]) << 4 | hex(at[2]) : *at);
        at += coded ? 2 : 0;
    }
    kprintf("\n");
    return SHELL_OK;
}

SHELL_COMMAND(say, "TEXT", "print it, %hh as the byte hh", cmd_say);
