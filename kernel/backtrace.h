/*
 * backtrace.h - the calls that led here, by name and line.
 */
#ifndef KERNEL_BACKTRACE_H
#define KERNEL_BACKTRACE_H

#include <stddef.h>
#include <stdint.h>

/* Print them, one a line, from the caller's call on. */
void backtrace_print(void);

/* The same in the log, for code that was interrupted at eip, with these esp and ebp. */
void backtrace_log_from(uintptr_t eip, uintptr_t esp, uintptr_t ebp);

/* The same, from the function that called the one with this frame, which is left out. */
void backtrace_log_above(const uintptr_t *frame);

/*
 * For what mm calls: the return addresses from the function that called mm outwards; how
 * many.
 */
unsigned backtrace_to_mm(uintptr_t *calls, unsigned max);

/*
 * The same for code that was stopped at eip, with these esp and ebp: from the function that
 * called it outwards.
 */
unsigned backtrace_from(uintptr_t eip, uintptr_t esp, uintptr_t ebp, uintptr_t *calls,
                        unsigned max);

/*
 * Who knows of return addresses that were replaced on the stack (kernel/trace/probe.c): gives
 * what stood there.  NULL: nobody replaces any.
 */
extern uintptr_t (*backtrace_return_of)(const uintptr_t *slot);

/* The return address in that word of a stack. */
uintptr_t backtrace_return_at(const uintptr_t *slot);

/* The nth of those, "name+0x12/0x40 (kernel/main.c:12)", into buf; returns buf. */
const char *backtrace_format(const uintptr_t *calls, unsigned n, char *buf,
                             size_t size);

#endif
