/*
 * trap.h - exceptions and interrupts: see trap.c.
 */
#ifndef KERNEL_CPU_TRAP_H
#define KERNEL_CPU_TRAP_H

#include <stdint.h>

/* What trap_entry.S leaves on the stack, lowest address first. */
struct trap_frame {
    uint32_t edi, esi, ebp, esp_at_push, ebx, edx, ecx, eax;    /* pushal */
    uint32_t vector, error;
    uint32_t eip, cs, eflags;                                   /* the CPU */
};

/* Its vector: of exceptions these; from TRAP_FIRST_IRQ on interrupts (SDM 3A, 6.15). */
enum { TRAP_DEBUG = 1, TRAP_NMI = 2, TRAP_BREAKPOINT = 3, TRAP_DOUBLE_FAULT = 8,
       TRAP_PAGE_FAULT = 14, TRAP_FIRST_IRQ = 32 };

/*
 * Load the interrupt table.  Interrupts stay off.  From now on an exception calls fn
 * with its frame and what esp was.  If fn returns, the innermost guarded call is ended
 * (guard.h), and there must be one.
 */
void trap_init(void (*fn)(const struct trap_frame *frame, uint32_t esp));

/*
 * From now on IRQ `irq` (below 16) calls fn, with interrupts off and MM_IRQ set; NULL:
 * nobody.  If a command set it up and it faults, it is not called any more, and the one
 * that the kernel had set up before is; that also when the command returns or is ended, for
 * without the kernel's own no clock runs and no key comes in.
 */
void irq_handle(unsigned irq, void (*fn)(void));

/*
 * Take away what that command, or one since it began, has set up; how many handlers.  Each
 * is told, if tell is not NULL.
 */
unsigned irq_drop_of(uint32_t command, void (*tell)(uintptr_t handler));

/* The same for the lines that the kernel has a handler of: which, a bit each. */
unsigned irq_take_back(uint32_t command);

/* ---- trap_entry.S ------------------------------------------------------- */

extern const uint32_t trap_entries[];   /* addresses of the entries, by vector */
extern const char report_stack_guard[], report_stack[], report_stack_top[];

/*
 * The code between these keeps a struct trap_frame right above its own frame, whose
 * return address is not one: it is the address of the interrupted instruction.
 */
extern const char trap_frames_start[], trap_frames_end[];
void double_fault_entry(void);

#endif
