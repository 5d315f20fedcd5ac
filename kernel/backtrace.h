/*
 * backtrace.h - the calls that led here, by name and line.
 */
#ifndef KERNEL_BACKTRACE_H
#define KERNEL_BACKTRACE_H

#include <stdint.h>

/* Print them, one a line, from the caller's call on. */
void backtrace_print(void);

/* The same for code that was interrupted at eip, with these esp and ebp. */
void backtrace_print_from(uintptr_t eip, uintptr_t esp, uintptr_t ebp);

/* The return addresses from the function that called mm outwards; how many. */
unsigned backtrace_to_mm(uintptr_t *calls, unsigned max);

#endif
