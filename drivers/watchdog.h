/*
 * watchdog.h - a device that raises a non-maskable interrupt if nobody feeds it: see
 * watchdog.c.
 */
#ifndef DRIVERS_WATCHDOG_H
#define DRIVERS_WATCHDOG_H

/* From now on an NMI comes 4 s after the last call, if the machine has such a device. */
void watchdog_feed(void);

/* It raises nothing any more, until it is fed again. */
void watchdog_stop(void);

#endif
