/*
 * gdt.c - segments: flat ones, because there must be some, and two tasks.
 *
 *     0x08  code, 0x10 data     all 4 GiB, from 0
 *     0x18  kernel_tss          the task that runs always
 *     0x20  double_fault_tss    the task that the CPU switches to on #DF
 *
 * Segments protect nothing here; pages do.  The second task is for one case: when
 * the stack has run into its guard page, the CPU cannot push an exception's frame
 * any more, and gives up unless #DF comes with a stack of its own.  In 32-bit mode
 * that is a task gate (SDM 3A, 6.12.2).
 */
#include "kernel/cpu/gdt.h"

#include "kernel/cpu/cpu.h"
#include "kernel/cpu/paging.h"
#include "kernel/cpu/trap.h"

enum {
    ACCESS_CODE = 0x9b,         /* present, ring 0, execute, read, accessed */
    ACCESS_DATA = 0x93,         /* present, ring 0, read, write, accessed */
    ACCESS_TSS = 0x89,          /* present, ring 0, 32-bit TSS, not busy */
    FLAGS_4K_32BIT = 0xc,
};

struct tss kernel_tss;
static struct tss double_fault_tss;

#define ACCESS_BUSY (UINT64_C(2) << 40)

/* Built at run time: a base address cannot be cut in pieces by the linker. */
static uint64_t gdt[5];

/* Written here and only here, before paging: then nobody can (as the IDT, in trap.c). */
struct cpu_table gdt_table __attribute__((section(".bss.read_only")));

/* The layout is in SDM 3A, figure 3-8. */
static uint64_t descriptor(uint32_t base, uint32_t limit, uint8_t access, uint8_t flags)
{
    uint32_t low = (limit & 0xffff) | base << 16;
    uint32_t high = (base >> 16 & 0xff) | (uint32_t)access << 8 | (limit & 0xf0000) |
                    (uint32_t)flags << 20 | (base & 0xff000000);

    return (uint64_t)high << 32 | low;
}

static uint64_t tss_descriptor(const struct tss *tss)
{
    return descriptor((uint32_t)(uintptr_t)tss, sizeof(*tss) - 1, ACCESS_TSS, 0);
}

static void load(void)
{
    gdt_table = (struct cpu_table){ sizeof(gdt) - 1, (uint32_t)(uintptr_t)gdt };
    __asm__ volatile("lgdt %0\n\t"
                     "ljmp %1, $1f\n"
                     "1:\t"
                     "movw %w2, %%ds\n\t"
                     "movw %w2, %%es\n\t"
                     "movw %w2, %%fs\n\t"
                     "movw %w2, %%gs\n\t"
                     "movw %w2, %%ss\n\t"
                     "ltr %w3"
                     : : "m"(gdt_table), "i"(KERNEL_CODE), "r"(KERNEL_DATA),
                       "r"(KERNEL_TSS) : "memory");
}

/* What the CPU reads of a task that it leaves is where it goes on, never CR3. */
void gdt_ready_double_fault(void)
{
    double_fault_tss = (struct tss){
        .cr3 = (uint32_t)(uintptr_t)page_directory,
        .eip = (uint32_t)(uintptr_t)double_fault_entry,
        .esp = (uint32_t)(uintptr_t)report_stack_top,
        .esi = (uint32_t)(uintptr_t)&kernel_tss,        /* trap_entry.S: for GDB */
        .eflags = EFLAGS_ALWAYS_ONE,
        .cs = KERNEL_CODE,
        .ds = KERNEL_DATA, .es = KERNEL_DATA, .fs = KERNEL_DATA,
        .gs = KERNEL_DATA, .ss = KERNEL_DATA,
        .io_map = sizeof(struct tss),
    };
    gdt[DOUBLE_FAULT_TSS / 8] = tss_descriptor(&double_fault_tss);
}

bool gdt_put_back_task(void)
{
    if (cpu_task() == KERNEL_TSS)
        return false;
    gdt_ready_double_fault();
    gdt[KERNEL_TSS / 8] = tss_descriptor(&kernel_tss);
    __asm__ volatile("ltr %w0" : : "r"(KERNEL_TSS) : "memory");
    return true;
}

void gdt_nest_double_fault(void)
{
    double_fault_tss.link = KERNEL_TSS;
    gdt[KERNEL_TSS / 8] = tss_descriptor(&kernel_tss) | ACCESS_BUSY;
}

void gdt_init(void)
{
    kernel_tss.cr3 = (uint32_t)(uintptr_t)page_directory;
    gdt_ready_double_fault();
    gdt[KERNEL_CODE / 8] = descriptor(0, 0xfffff, ACCESS_CODE, FLAGS_4K_32BIT);
    gdt[KERNEL_DATA / 8] = descriptor(0, 0xfffff, ACCESS_DATA, FLAGS_4K_32BIT);
    gdt[KERNEL_TSS / 8] = tss_descriptor(&kernel_tss);
    load();
}
