/*
 * watchdog.h - a device that raises a non-maskable interrupt if nobody feeds it: see
 * watchdog.c.
 */
#ifndef DRIVERS_WATCHDOG_H
#define DRIVERS_WATCHDOG_H

#include <stdbool.h>

/* May the machine have one?  Until this is called nothing else here does anything. */
void watchdog_init(bool present);

/* From now on an NMI comes 4 s after the last call. */
void watchdog_feed(void);

/* It raises nothing any more, fed or not; until it is started again. */
void watchdog_stop(void);
void watchdog_start(void);

#endif
