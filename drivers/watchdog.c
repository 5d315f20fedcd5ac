/*
 * watchdog.c - iBASE 700: 4 s after it was last fed, the machine does what QEMU was told
 * it should, and that is an NMI:
 *
 *     -device ib700 -action watchdog=inject-nmi
 *
 * It cannot be asked whether it is there.  On a machine without it, the ports are nobody's;
 * so only where QEMU is known to run us may they be written.
 *
 * Ports: 0x443, a write starts it with an index into its times (15: 0 s, 14: 2 s, ... 0:
 * 30 s); 0x441, a write stops it (iBASE, "watchdog timer" of its board manuals; Linux,
 * drivers/watchdog/ib700wdt.c).
 */
#include "drivers/watchdog.h"

#include "drivers/io.h"

enum { STOP = 0x441, START = 0x443, FOUR_SECONDS = 13 };

static bool is_present, runs;

void watchdog_init(bool present)
{
    is_present = runs = present;
}

void watchdog_feed(void)
{
    if (runs)
        outb(START, FOUR_SECONDS);
}

void watchdog_stop(void)
{
    if (runs)
        outb(STOP, 0);
    runs = false;
}

void watchdog_start(void)
{
    runs = is_present;
    watchdog_feed();
}
