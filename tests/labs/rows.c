/*
 * rows.c - a command that prints slowly, and an interrupt that reports meanwhile.
 */
#include "kernel/cpu/timer.h"
#include "kernel/shell.h"
#include "mm/slab.h"

static volatile unsigned ticks;

static void bad_free(void *unused)
{
    (void)unused;
    ticks++;
    kfree((void *)(uintptr_t)0xdeadbeef);
}

/* Piece by piece, and some ticks within each row. */
static void print_row(unsigned row)
{
    for (unsigned piece = 0; piece < 8; piece++) {
        unsigned now = ticks;

        kprintf("%u-%u ", row, piece);
        while (piece % 4 == 1 && ticks == now)
            ;
    }
    kprintf("end\n");
}

static int cmd_rows(int argc, char **argv)
{
    (void)argv;
    ticks = 0;
    if (!timer_every_tick(bad_free, NULL))
        return SHELL_FAILED;
    for (unsigned row = 0; row < 20 && argc == 1; row++)
        print_row(row);
    while (ticks < 60 && argc > 1)      /* short: many ticks come at a first character */
        kprintf("ab\n");
    timer_stop(bad_free, NULL);
    return SHELL_OK;
}

SHELL_COMMAND(rows, "[short]", "print rows while an interrupt reports", cmd_rows);
