/*
 * panic.h - the end: see panic.c.  panic() itself is declared in printk.h.
 */
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H

#include "kernel/cpu/trap.h"

/* Report the exception that left this frame, with the stack at esp, and stop. */
void panic_exception(const struct trap_frame *frame, uint32_t esp)
    __attribute__((noreturn));

#endif
