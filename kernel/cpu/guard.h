/*
 * guard.h - calls that can be ended from outside: see guard.c.
 */
#ifndef KERNEL_CPU_GUARD_H
#define KERNEL_CPU_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/cpu/trap.h"

/* How a call came to its end. */
struct guard_end {
    bool ended;                 /* false: it returned */
    const char *why;            /* it was ended: NULL by a fault; or what guard_want said */
    uintptr_t where;            /* why is not NULL: at that instruction */
    unsigned changed;           /* what is put back: enum guard_changed */
    unsigned lines;             /* of interrupts that the kernel has again, a bit each */
    unsigned handlers;          /* that it had set up: they are stopped */
};

/* What a command may leave otherwise than it was. */
enum guard_changed {
    GUARD_IRQ_OFF = 1 << 0,
    GUARD_DEBUG = 1 << 1,       /* a breakpoint was set, by debug registers */
    GUARD_CR0 = 1 << 2,
    GUARD_CR3 = 1 << 3,         /* other page tables */
    GUARD_CR4 = 1 << 4,
    GUARD_TASK = 1 << 5,        /* the task register */
    GUARD_PIC = 1 << 6,
    GUARD_PIT = 1 << 7,
};

/*
 * Call fn(arg) so that it can be ended: by a fault in it, or because somebody wants it.
 * What it had called is gone then, and what it had taken stays.  Afterwards the CPU's
 * flags, segments and control registers are as before, whatever became of them, and so is
 * what mm_state says; what mm was changing has been mended.  Behind a command that holds
 * for interrupt controller, timer and the kernel's own interrupt lines, too.
 *
 * The outermost command runs on a stack of its own, cleared before.  Commands run commands
 * and are ended one by one.  Where too many are under way the call is made under the guard
 * of the one before.
 */
struct guard_end guard_call(void (*fn)(void *arg), void *arg);

/*
 * The same for what is no command, on the stack that is: an interrupt handler, or the
 * kernel's own work behind a command.  Ctrl-C and watchdog=N do not end it.
 */
struct guard_end guard_call_kernel(void (*fn)(void *arg), void *arg);

/*
 * The same for a handler which that command has set up.  What it takes is told, unless it
 * is for that command, or one around it: they run still.
 */
struct guard_end guard_call_handler(void (*fn)(void *arg), void *arg, uint32_t command);

/* Is anything under way that a fault would end? */
bool guard_is_on(void);

/*
 * The number of the innermost command under way, for what it sets up; 0: there is none.
 * No two commands have the same.  And the outermost one's.
 */
uint32_t guard_command(void);
uint32_t guard_outermost(void);

/* The number that the next command gets: they are counted. */
uint32_t guard_next_command(void);

/* Is this command, or are its commands, under way? */
bool guard_has(uint32_t command);

/*
 * End the command of that number, if it is under way, as soon as mm is at rest, for that
 * reason: NULL, it is the fault of what it had set up.
 */
void guard_want(uint32_t command, const char *why);

/*
 * End the innermost call, now: by a fault (why is NULL), or for that reason, at which the
 * CPU was at `where` with these eflags.
 */
void guard_fault(const char *why, uintptr_t where, uint32_t flags) __attribute__((noreturn));

/* What guard.c asks of those who stand above it. */
struct guard_hooks {
    char *stack, *stack_top;    /* for commands */
    /* Each interrupt is over; it came at that frame: guard_want, if something is to end. */
    void (*judge)(const struct trap_frame *frame);
    /* A call was ended, and its frames, below the caller's, are gone. */
    void (*frames_gone)(void);
    /* A call was ended inside mm, which is half changed: mend it. */
    void (*mend)(void);
    /* A command was ended: what it had set up is called no more; how many handlers. */
    unsigned (*stop_handlers)(uint32_t command);
    /* So many allocations were there; and a handler which that command, and not the one
     * that runs, has set up has made those from first to last. */
    uint32_t (*last_serial)(void);
    void (*taken_meanwhile)(uint32_t command, uint32_t first, uint32_t last);
    /* A handler was ended, and will not be called any more. */
    void (*handler_ended)(uintptr_t handler);
};

/* Before the first guarded call; they stay the caller's. */
void guard_init(const struct guard_hooks *hooks);

/* Where a guarded function returns to: backtraces end there. */
extern const char guard_called[];

/* ---- for trap.c and timer.c ------------------------------------------------------ */

/* An interrupt is over, and the CPU goes back to frame: or behind a guarded call. */
void guard_after_interrupt(struct trap_frame *frame);

/* The handler fn, set up by that command, was ended. */
void guard_handler_ended(uintptr_t fn, uint32_t command, const struct guard_end *end);

#endif
