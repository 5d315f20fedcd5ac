/*
 * calls.h - the newest calls of functions and their returns: see calls.c.
 */
#ifndef KERNEL_TRACE_CALLS_H
#define KERNEL_TRACE_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CALL_LONGEST UINT32_MAX

/* A function was entered, or left. */
struct traced_call {
    uint32_t function;          /* where it begins */
    uint32_t value;             /* entered: where it returns to; left: how long it took, */
                                /*   CALL_LONGEST: or longer */
    uint32_t ticks;             /* since boot */
    const char *task;           /* as of events (ring.h) */
    uint16_t command;           /* its number, cut */
    uint8_t depth;              /* 0: the outermost that was noticed */
    bool is_left : 1, in_interrupt : 1, irqs_off : 1;
};

/* For probe.c, in an exception: with the eflags of who was stopped. */
void calls_entered(uint32_t function, uintptr_t from, unsigned depth, uint32_t eflags);
void calls_left(uint32_t function, uint32_t time, unsigned depth, uint32_t eflags);

/*
 * As of events: forget all; read on from a number; how many were noted, and are kept.  The
 * numbers go on behind a calls_clear: the first that is not forgotten is calls_begin().
 */
void calls_clear(void);
uint32_t calls_begin(void);
bool calls_next(uint32_t *number, struct traced_call *call);
uint32_t calls_written(void);
uint32_t calls_room(void);

#endif
