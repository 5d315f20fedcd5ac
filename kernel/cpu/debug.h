/*
 * debug.h - stops at a write, behind an instruction, at an int3: see debug.c.
 */
#ifndef KERNEL_CPU_DEBUG_H
#define KERNEL_CPU_DEBUG_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/cpu/trap.h"

enum { DEBUG_REGISTERS = 4 };

/*
 * What is called, with interrupts off, on the stack of who was stopped.  It may change the
 * frame, to which the CPU goes back.
 */
typedef void debug_fn(struct trap_frame *frame);

/*
 * From now on fn is called behind each instruction that writes any of these bytes: 1, 2 or
 * 4, aligned.  Its number; -1: all four debug registers are taken.  frame->eip is that of
 * the next instruction.
 */
int debug_watch(const volatile void *addr, unsigned bytes, debug_fn *fn);

/* No more.  -1 is nothing to do. */
void debug_unwatch(int number);

/*
 * Call fn behind each instruction from the one on to which the CPU goes back.  It goes on
 * until fn calls debug_step_end.  If an exception comes instead fn is told of that, too, by
 * frame->vector; and it goes on behind the guarded call that the exception ends, unless
 * that has begun it (debug_step_stop).  Handlers of interrupts are stepped through as well;
 * fn is told when one is over (a vector from 32 on), before the CPU goes back to frame.
 * False: somebody else steps already.
 */
bool debug_step(struct trap_frame *frame, debug_fn *fn);
void debug_step_end(struct trap_frame *frame);

/* The same for who was not stopped: from now on, and no more. */
bool debug_step_here(debug_fn *fn);
void debug_step_stop(void);

/*
 * fn is asked at each int3, with frame->eip behind it: is it its own?  At any other exception,
 * which is reported then, it is asked as well, by frame->vector, and may put frame->eip
 * right.  NULL: nobody is asked.  False: somebody else is already.
 */
bool debug_on_breakpoint(bool (*fn)(struct trap_frame *frame));

/*
 * Where was that one stopped, by an interrupt?  frame->eip, put right by who has int3: what
 * runs in a copy elsewhere has no name there.
 */
uintptr_t debug_where(const struct trap_frame *frame);

/* ---- for trap.c and guard.c ------------------------------------------------------ */

/* A debug exception or an int3.  False: nobody has asked for it. */
bool debug_exception(struct trap_frame *frame);

/* If somebody steps: from here on as well, where the CPU or a guard has ended it. */
void debug_step_again(void);

/* Not what comes now, at the end of an interrupt, until: */
void debug_step_pause(void);

/* An interrupt is over, and the CPU goes back to frame: stepping, or not. */
void debug_step_back(struct trap_frame *frame);

/* A report begins: nothing stops any more, and a step that it came in is over. */
void debug_suspend(struct trap_frame *frame);
/* What its fault has ended has ended: who stepped then does so again (debug_step_again). */
void debug_resume(void);

/*
 * Behind a command, or a handler: the debug registers are as they were asked for, whatever it has
 * written there.  Was that otherwise than dr7, which they had, but for a report's doing?
 */
bool debug_put_back(uint32_t dr7, bool is_handler);

#endif
