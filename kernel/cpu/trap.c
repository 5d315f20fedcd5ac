/*
 * trap.c - exceptions and interrupts, from the CPU's table to C.
 *
 *     vector  0..31   exceptions: bugs.  Reported; then what is under guard ends
 *                     (guard.c), or, if nothing is, the kernel.  1 and 3 may have been
 *                     asked for (debug.c): then on where it was
 *     vector 32..47   IRQ 0..15: the handler of the device, then on where it was
 *
 * All gates are interrupt gates, so interrupts are off in every handler; one that
 * switches them on, which none should, may be interrupted by a higher line.  While one
 * runs, MM_IRQ is set in mm_state, by which mm knows that it must not sleep, nor touch
 * what it was changing when it was interrupted.
 *
 * A handler that a command has set up runs under a guard of its own: its fault ends it,
 * takes it out, and ends the command if that still runs.  The kernel's own ones do not.
 *
 * Gates: SDM 3A, 6.11; the task gate of the double fault: gdt.c.
 */
#include "kernel/cpu/trap.h"

#include <stddef.h>

#include "drivers/pic.h"
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/debug.h"
#include "kernel/cpu/gdt.h"
#include "kernel/cpu/guard.h"
#include "mm/port.h"

enum { VECTORS = TRAP_FIRST_IRQ + PIC_LINES };
enum { GATE_INTERRUPT = 0x8e00, GATE_TASK = 0x8500 };   /* present, ring 0 */

struct gate {
    uint16_t offset_low, selector, type, offset_high;
};

/* It is written here and only here, before paging: then nobody can. */
static struct gate idt[VECTORS] __attribute__((section(".bss.read_only")));
struct cpu_table trap_table __attribute__((section(".bss.read_only")));

static struct handler {
    void (*fn)(void);           /* NULL: nobody */
    uint32_t command;           /* that has set it up; 0: the kernel */
} handlers[PIC_LINES];
static void (*kernels[PIC_LINES])(void);        /* the kernel's own */

static void (*on_exception)(const struct trap_frame *frame, uint32_t esp);

bool trap_debug(struct trap_frame *frame);
void trap_exception(struct trap_frame *frame) __attribute__((noreturn));
void trap_interrupt(struct trap_frame *frame);
void trap_double_fault(void);

/* ---- called by trap_entry.S ---------------------------------------------- */

/* Was it asked for?  Then the CPU goes back to the frame. */
bool trap_debug(struct trap_frame *frame)
{
    return debug_exception(frame);
}

void trap_exception(struct trap_frame *frame)
{
    debug_suspend(frame);               /* a report would be hit as well */
    on_exception(frame, frame->esp_at_push + 5 * sizeof(uint32_t));
    guard_fault(frame->vector == TRAP_NMI ? "the watchdog" : NULL, frame->eip, frame->eflags);
}

static void call_handler(void *arg)
{
    const struct handler *handler = arg;

    handler->fn();
}

/* A command's is gone: the kernel's own is back, if there is one. */
static void drop(unsigned irq)
{
    handlers[irq] = (struct handler){ kernels[irq], 0 };
}

static void run_guarded(unsigned irq)
{
    struct handler before = handlers[irq];
    struct guard_end end = guard_call_handler(call_handler, &before, before.command);

    if (!end.ended)
        return;
    drop(irq);
    guard_handler_ended((uintptr_t)before.fn, before.command, &end);
}

void trap_interrupt(struct trap_frame *frame)
{
    unsigned irq = frame->vector - TRAP_FIRST_IRQ;
    const struct handler *handler = &handlers[irq];
    bool is_nested = mm_state & MM_IRQ;

    if (pic_is_spurious(irq))
        return;
    if (!is_nested)
        mm_irq_begin();
    debug_step_again();
    if (handler->fn != NULL && handler->command != 0)
        run_guarded(irq);
    else if (handler->fn != NULL)
        handler->fn();
    debug_step_pause();
    if (!is_nested)
        mm_irq_end();
    pic_end(irq);
    debug_step_back(frame);
    guard_after_interrupt(frame);
}

/* The interrupted task's registers, as if it had pushed them. */
void trap_double_fault(void)
{
    const struct tss *tss = &kernel_tss;
    struct trap_frame frame = {
        .edi = tss->edi, .esi = tss->esi, .ebp = tss->ebp, .ebx = tss->ebx,
        .edx = tss->edx, .ecx = tss->ecx, .eax = tss->eax,
        .vector = TRAP_DOUBLE_FAULT,
        .eip = tss->eip, .cs = tss->cs, .eflags = tss->eflags,
    };

    debug_suspend(&frame);
    on_exception(&frame, tss->esp);
    guard_fault(NULL, frame.eip, frame.eflags);
}

/* ---- setting up ---------------------------------------------------------- */

static void set_gate(unsigned vector, uint32_t entry)
{
    idt[vector] = (struct gate){ (uint16_t)entry, KERNEL_CODE, GATE_INTERRUPT,
                                 (uint16_t)(entry >> 16) };
}

void trap_init(void (*fn)(const struct trap_frame *frame, uint32_t esp))
{
    on_exception = fn;
    for (unsigned vector = 0; vector < VECTORS; vector++)
        set_gate(vector, trap_entries[vector]);
    idt[TRAP_DOUBLE_FAULT] = (struct gate){ 0, DOUBLE_FAULT_TSS, GATE_TASK, 0 };
    trap_table = (struct cpu_table){ sizeof(idt) - 1, (uint32_t)(uintptr_t)idt };
    __asm__ volatile("lidt %0" : : "m"(trap_table) : "memory");
    pic_init(TRAP_FIRST_IRQ);
}

void irq_handle(unsigned irq, void (*fn)(void))
{
    irq %= PIC_LINES;
    handlers[irq] = (struct handler){ fn, guard_command() };
    if (handlers[irq].command == 0)
        kernels[irq] = fn;
}

unsigned irq_drop_of(uint32_t command, void (*tell)(uintptr_t handler))
{
    unsigned n = 0;

    for (unsigned irq = 0; irq < PIC_LINES; irq++)
        if (handlers[irq].command >= command) {
            uintptr_t fn = (uintptr_t)handlers[irq].fn;

            drop(irq);
            n += fn != 0;
            if (fn != 0 && tell != NULL)
                tell(fn);
        }
    return n;
}

unsigned irq_take_back(uint32_t command)
{
    unsigned lines = 0;

    for (unsigned irq = 0; irq < PIC_LINES; irq++)
        if (kernels[irq] != NULL && handlers[irq].command >= command) {
            drop(irq);
            lines |= 1u << irq;
        }
    return lines;
}
