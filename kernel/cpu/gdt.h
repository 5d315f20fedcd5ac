/*
 * gdt.h - segments: see gdt.c.
 */
#ifndef KERNEL_CPU_GDT_H
#define KERNEL_CPU_GDT_H

#include <stdbool.h>
#include <stdint.h>

/* Selectors: the entry's number times 8. */
enum {
    KERNEL_CODE = 0x08,
    KERNEL_DATA = 0x10,
    KERNEL_TSS = 0x18,
    DOUBLE_FAULT_TSS = 0x20,
};

/* A task state segment: what the CPU saves when it switches tasks (SDM 3A 8.2.1). */
struct tss {
    uint32_t link;
    uint32_t esp0, ss0, esp1, ss1, esp2, ss2;
    uint32_t cr3, eip, eflags;
    uint32_t eax, ecx, edx, ebx, esp, ebp, esi, edi;
    uint32_t es, cs, ss, ds, fs, gs, ldt;
    uint16_t trap, io_map;
};

void gdt_init(void);

/* The task of the double fault was left for good: the next time it begins anew. */
void gdt_ready_double_fault(void);

/* True: somebody has loaded the task register; it is as before. */
bool gdt_put_back_task(void);

/* In it: its iret leads to the other task, however it was entered. */
void gdt_nest_double_fault(void);

/* The registers at a double fault: the CPU left them here. */
extern struct tss kernel_tss;

#endif
