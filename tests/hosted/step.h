/*
 * step.h - something happens at one instruction of an operation, and at the next, and
 * so on through all of it.
 *
 *     n = step_trace(operation, visits);      which instructions does it run?
 *     for (stop = 0; stop < n; stop++) {
 *         ...                                 the state it began with, once more
 *         step_run(stop, operation, then);    it runs; then() comes before that one
 *     }
 *
 * then() may return, as an interrupt handler does, or leave by siglongjmp: then the
 * operation was abandoned.  In a loop the first visits of each instruction are stops.
 * Nothing depends on time.
 */
#ifndef TESTS_HOSTED_STEP_H
#define TESTS_HOSTED_STEP_H

#include <stdbool.h>

/* From now on code may be stopped in, until step_close.  Where it may not: skip(). */
void step_open(void);
void step_close(void);

/* Run it; how many stops there are, with at most so many visits of an instruction. */
unsigned step_trace(void (*operation)(void), unsigned visits);

/* Run it again; false: it ended before the stop. */
bool step_run(unsigned stop, void (*operation)(void), void (*then)(void));

/* Where the stop is, as addr2line takes it of a program without a fixed address. */
unsigned long step_address(unsigned stop);

#endif
