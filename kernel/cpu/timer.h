/*
 * timer.h - ticks of the PIT, TIMER_HZ a second, and what runs at each.
 */
#ifndef KERNEL_CPU_TIMER_H
#define KERNEL_CPU_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#define TIMER_HZ 100

void timer_init(void);
bool timer_put_back(void);              /* true: the PIT was set up otherwise */
uint32_t timer_ticks(void);             /* since boot; wraps after 497 days */

/* What the time-stamp counter counts in a tick, about; 0: not known. */
uint32_t timer_tsc_of_tick(void);

/*
 * What the time-stamp counter counts: instructions under QEMU's -icount shift=0, else time.
 * A loop of known length tells, of some 60,000 instructions.
 */
enum timer_tsc { TSC_NONE, TSC_STANDS_STILL, TSC_TIME, TSC_INSTRUCTIONS };
enum timer_tsc timer_tsc_kind(void);

/*
 * Call fn(arg) at each tick, in the interrupt handler (GFP_ATOMIC!), until
 * timer_stop, or a fault in it.  False: all places are taken.
 */
bool timer_every_tick(void (*fn)(void *arg), void *arg);

void timer_stop(void (*fn)(void *arg), void *arg);

/*
 * Stop all that this command (guard.h), or one since it began, has added; how many.  Each
 * is told, if tell is not NULL.
 */
unsigned timer_stop_of(uint32_t command, void (*tell)(uintptr_t handler));

/* Sleep (sti; hlt) until the next interrupt of any kind. */
void cpu_idle(void);

#endif
