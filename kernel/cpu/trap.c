/*
 * trap.c - exceptions and interrupts, from the CPU's table to C.
 *
 *     vector  0..31   exceptions: bugs.  Reported, and the kernel stops
 *     vector 32..47   IRQ 0..15: the handler of the device, then on where it was
 *
 * All gates are interrupt gates, so interrupts are off in every handler and
 * handlers never nest.  While one runs, MM_IRQ is set in mm_state, by which mm
 * knows that it must not sleep, nor touch what it was changing when it was
 * interrupted.
 *
 * Gates: SDM 3A, 6.11; the task gate of the double fault: gdt.c.
 */
#include "kernel/cpu/trap.h"

#include <stddef.h>

#include "drivers/pic.h"
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/gdt.h"
#include "mm/port.h"

enum { FIRST_IRQ = 32, VECTORS = FIRST_IRQ + PIC_LINES, DOUBLE_FAULT = 8 };
enum { GATE_INTERRUPT = 0x8e00, GATE_TASK = 0x8500 };   /* present, ring 0 */

struct gate {
    uint16_t offset_low, selector, type, offset_high;
};

/* It is written here and only here, before paging: then nobody can. */
static struct gate idt[VECTORS] __attribute__((section(".bss.read_only")));
static void (*handlers[PIC_LINES])(void);
static void (*on_exception)(const struct trap_frame *frame, uint32_t esp);

void trap_exception(const struct trap_frame *frame);
void trap_interrupt(const struct trap_frame *frame);
void trap_double_fault(void);

/* ---- called by trap_entry.S ---------------------------------------------- */

void trap_exception(const struct trap_frame *frame)
{
    on_exception(frame, frame->esp_at_push + 5 * sizeof(uint32_t));
}

void trap_interrupt(const struct trap_frame *frame)
{
    unsigned irq = frame->vector - FIRST_IRQ;

    if (pic_is_spurious(irq))
        return;
    mm_irq_begin();
    if (handlers[irq] != NULL)
        handlers[irq]();
    mm_irq_end();
    pic_end(irq);
}

/* The interrupted task's registers, as if it had pushed them. */
void trap_double_fault(void)
{
    const struct tss *tss = &kernel_tss;
    struct trap_frame frame = {
        .edi = tss->edi, .esi = tss->esi, .ebp = tss->ebp, .ebx = tss->ebx,
        .edx = tss->edx, .ecx = tss->ecx, .eax = tss->eax,
        .vector = DOUBLE_FAULT,
        .eip = tss->eip, .cs = tss->cs, .eflags = tss->eflags,
    };

    on_exception(&frame, tss->esp);
}

/* ---- setting up ---------------------------------------------------------- */

static void set_gate(unsigned vector, uint32_t entry)
{
    idt[vector] = (struct gate){ (uint16_t)entry, KERNEL_CODE, GATE_INTERRUPT,
                                 (uint16_t)(entry >> 16) };
}

void trap_init(void (*fn)(const struct trap_frame *frame, uint32_t esp))
{
    const struct {
        uint16_t limit;
        uint32_t base;
    } __attribute__((packed)) table = { sizeof(idt) - 1, (uint32_t)(uintptr_t)idt };

    on_exception = fn;
    for (unsigned vector = 0; vector < VECTORS; vector++)
        set_gate(vector, trap_entries[vector]);
    idt[DOUBLE_FAULT] = (struct gate){ 0, DOUBLE_FAULT_TSS, GATE_TASK, 0 };
    __asm__ volatile("lidt %0" : : "m"(table) : "memory");
    pic_init(FIRST_IRQ);
}

void irq_handle(unsigned irq, void (*fn)(void))
{
    handlers[irq] = fn;
}
