/*
 * pit.h - the interval timer, channel 0: see pit.c.
 */
#ifndef DRIVERS_PIT_H
#define DRIVERS_PIT_H

#include <stdbool.h>
#include <stdint.h>

enum { PIT_IRQ = 0 };

/* Interrupt `hz` times a second, from 19 on, as near as the divisor comes. */
void pit_start(uint32_t hz);

/* Does it interrupt again and again, as pit_start wants it?  How often it does not tell. */
bool pit_is_started(void);

/* Once it is started: wait for so many ticks of it, with interrupts off as well. */
void pit_wait(unsigned ticks);

#endif
