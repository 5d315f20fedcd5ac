/*
 * panic.h - reports that end a command, or the kernel: see panic.c.  panic() and oops() are
 * declared in printk.h.
 */
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/cpu/trap.h"
#include "kernel/printk.h"

/* What the reports ask of those who know more. */
struct panic_hooks {
    /* Add lines, behind what went wrong and where: what was mm doing? */
    void (*tell_state)(void);
    /*
     * First of all: what is not mapped was touched at addr, by the instruction at eip.
     * True: who knows why it is not there has said so.
     */
    bool (*tell_fault)(uintptr_t addr, bool is_write, uintptr_t eip);
    /* Whose is that address?  Add lines, or none; last in a report, for it may fault. */
    void (*tell_whose)(uintptr_t addr);
};

/* From now on; they stay the caller's. */
void panic_init(const struct panic_hooks *hooks);

/*
 * Report the exception that left this frame, with the stack at esp.  It comes back if that
 * was in a call under guard (guard.h), which is to be ended then.
 */
void panic_exception(const struct trap_frame *frame, uint32_t esp);

/*
 * As oops(), but told of the function that called the one with this frame: saved ebp,
 * return address.
 */
void oops_above(const uintptr_t *frame, const char *fmt, ...) PRINTF_LIKE(2, 3)
    __attribute__((noreturn));

/* Called when the kernel stops, behind the report: for a debugger's breakpoint. */
void panic_stopped(void);

/* A BUG was told: with panic_on_warn=1 the kernel stops. */
void panic_warned(void);

/* ---- fault.c ---------------------------------------------------------------------- */

/*
 * An exception in words, with the stack at esp: what was tried, and what lies there.
 * tell_fault as above, or NULL: nobody knows more.  True: it knew, and has told whose it is.
 */
bool fault_explain(const struct trap_frame *frame, uint32_t esp,
                   bool (*tell_fault)(uintptr_t addr, bool is_write, uintptr_t eip));

/* cr2 is of this fault, and not of an older one. */
bool fault_sets_cr2(const struct trap_frame *frame);

/* Was it a page fault?  At which address. */
bool fault_address(const struct trap_frame *frame, uintptr_t *addr);

#endif
