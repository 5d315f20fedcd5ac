/*
 * panic.h - the end: see panic.c.  panic() itself is declared in printk.h.
 */
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H

#include "kernel/cpu/trap.h"

/* From now on a report calls fn behind what went wrong and where: it may add lines. */
void panic_init(void (*fn)(void));

/* Report the exception that left this frame, with the stack at esp, and stop. */
void panic_exception(const struct trap_frame *frame, uint32_t esp)
    __attribute__((noreturn));

#endif
