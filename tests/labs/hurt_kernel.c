/*
 * hurt_kernel.c - the kernel's own variables and tables, overwritten.
 */
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/gdt.h"
#include "kernel/cpu/paging.h"
#include "kernel/cpu/trap.h"
#include "kernel/image.h"
#include "kernel/line/history.h"
#include "kernel/printk.h"
#include "kernel/shell.h"
#include "tests/labs/hurt.h"

static size_t between(const char *from, const char *to) { return (size_t)(to - from); }

/* ---- all variables -------------------------------------------------------------- */

static size_t data_bytes(void) { return between(data_start, data_end); }
static size_t bss_bytes(void) { return between(read_only_end, bss_end); }

HURT(data_ff) { hurt_fill(data_start, data_bytes(), 0xff); }
HURT(data_noise) { hurt_noise(data_start, data_bytes()); }
HURT(bss_0) { hurt_fill(read_only_end, bss_bytes(), 0); }
HURT(bss_ff) { hurt_fill(read_only_end, bss_bytes(), 0xff); }
HURT(bss_noise) { hurt_noise(read_only_end, bss_bytes()); }

/* ---- tables of the CPU ---------------------------------------------------------- */

static struct {
    uint16_t limit;
    uint32_t base;
} __attribute__((packed)) table;

static void *idt(void)
{
    __asm__ volatile("sidt %0" : "=m"(table));
    return hidden(table.base);
}

static void *gdt(void)
{
    __asm__ volatile("sgdt %0" : "=m"(table));
    return hidden(table.base);
}

HURT(idt_0) { hurt_fill(idt(), 48 * 8, 0); }
HURT(idt_ff) { hurt_fill(idt(), 48 * 8, 0xff); }
HURT(gdt_0) { hurt_fill(gdt(), 5 * 8, 0); *word(0) = 1; }
HURT(tss_ff) { hurt_fill(&kernel_tss, sizeof(kernel_tss), 0xff); hurt_recursion(); }
HURT(page_directory_0) { hurt_fill(page_directory, 4096, 0); }

HURT(page_directory_0_now)
{
    hurt_fill(page_directory, 4096, 0);
    cpu_set_cr3((uint32_t)(uintptr_t)page_directory);
}

/* ---- stacks --------------------------------------------------------------------- */

HURT(guard_page) { *word((uintptr_t)boot_stack_guard + 8) = 1; }

HURT(shell_stack_ff)
{
    hurt_fill(boot_stack, between(boot_stack, boot_stack_top), 0xff);
}
HURT(below_guard_page)
{
    hurt_fill(hidden((uintptr_t)boot_stack_guard - 4096), 4096, 'A');
}

HURT(report_stack_a)
{
    hurt_fill(report_stack, between(report_stack, report_stack_top), 'A');
    *word(0) = 1;
}

/* ---- the shell's and the console's ---------------------------------------------- */

HURT(history_ff) { hurt_fill(readline_history(), sizeof(struct history), 0xff); }
HURT(history_count) { *word((uintptr_t)&readline_history()->count) = 0xfffffff0; }
HURT(running_wild) { shell_running = hidden(0x41414140); shell_usage("see"); }
HURT(loglevel_negative) { console_loglevel = -5; }

typedef void filter(const char *text, size_t length);

static void says_nothing(const char *text, size_t length)
{
    hurt_sink = (unsigned)length + (unsigned)*text;
}

HURT(filter_wild) { kprintf_filter = (filter *)hidden(0x41414141); }
HURT(filter_stays) { kprintf_filter = says_nothing; }

const struct hurt_way hurt_kernel[] = {
    WAY(data_ff), WAY(data_noise), WAY(bss_0), WAY(bss_ff), WAY(bss_noise), WAY(idt_0),
    WAY(idt_ff), WAY(gdt_0), WAY(tss_ff), WAY(page_directory_0),
    WAY(page_directory_0_now), WAY(shell_stack_ff), WAY(guard_page),
    WAY(below_guard_page), WAY(report_stack_a), WAY(history_ff), WAY(history_count),
    WAY(filter_wild), WAY(running_wild), WAY(loglevel_negative), WAY(filter_stays),
    { NULL, NULL },
};
