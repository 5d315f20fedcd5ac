/*
 * hurt_instructions.c - instructions that fault, registers that must not be changed.
 */
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/gdt.h"
#include "kernel/cpu/paging.h"
#include "kernel/cpu/timer.h"
#include "kernel/image.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/gfp.h"
#include "mm/port.h"
#include "tests/labs/hurt.h"

/* ---- arithmetic, opcodes -------------------------------------------------------- */

HURT(divide_by_zero)
{
    volatile int zero = 0;

    hurt_sink = (unsigned)(5 / zero);
}

HURT(divide_smallest)
{
    int low = (int)0x80000000, high = -1;

    __asm__ volatile("idivl %2" : "+a"(low), "+d"(high) : "r"(-1) : "cc");
}

HURT(ud2) { __asm__ volatile("ud2"); }
HURT(trap_builtin) { __builtin_trap(); }
HURT(falls_through) { __builtin_unreachable(); }
HURT(lock_nop) { __asm__ volatile(".byte 0xf0, 0x90"); }
HURT(sse) { __asm__ volatile("xorps %xmm0, %xmm0"); }
HURT(fpu) { __asm__ volatile("fld1; fld1; faddp; fstp %st(0)"); }

HURT(fpu_exception)
{
    uint16_t all = 0;

    __asm__ volatile("fninit; fldcw %0; fldz; fld1; fdivp; fwait" : : "m"(all));
}

HURT(bound)
{
    int pair[2] = { 1, 2 };

    __asm__ volatile("boundl %0, %1" : : "r"(9), "m"(pair));
}

HURT(cpuid_leaf)
{
    uint32_t a = 0x1234567;

    __asm__ volatile("cpuid" : "+a"(a) : : "ebx", "ecx", "edx");
}

HURT(wrmsr) { __asm__ volatile("wrmsr" : : "a"(0), "d"(0), "c"(0xdead)); }

/* ---- int ------------------------------------------------------------------------ */

HURT(int3) { __asm__ volatile("int3"); }
HURT(int_2) { __asm__ volatile("int $2"); }
HURT(int_4) { __asm__ volatile("int $4"); }
HURT(int_8) { __asm__ volatile("int $8"); }
HURT(int_13) { __asm__ volatile("int $13"); }
HURT(int_14) { __asm__ volatile("int $14"); }
HURT(int_0x80) { __asm__ volatile("int $0x80"); }
HURT(int_irq0) { __asm__ volatile("int $32"); }
HURT(int_irq4) { __asm__ volatile("int $36"); }
HURT(int_irq5) { __asm__ volatile("int $37"); }
HURT(int_irq7) { __asm__ volatile("int $39"); }

/* ---- segments ------------------------------------------------------------------- */

HURT(ds_wrong) { __asm__ volatile("movw %w0, %%ds" : : "r"(0x33)); }
HURT(ds_null) { __asm__ volatile("movw %w0, %%ds" : : "r"(0)); hurt_sink = 1; }
HURT(es_null) { __asm__ volatile("movw %w0, %%es" : : "r"(0)); }
HURT(fs_gs_null) { __asm__ volatile("movw %w0, %%fs; movw %w0, %%gs" : : "r"(0)); }
HURT(ss_wrong) { __asm__ volatile("movw %w0, %%ss" : : "r"(0x33)); }
HURT(jump_no_segment) { __asm__ volatile("ljmp $0x99, $0"); }
HURT(jump_other_task) { __asm__ volatile("ljmp $0x20, $0"); }
HURT(call_own_task) { __asm__ volatile("lcall $0x18, $0"); }
HURT(iret_garbage) { __asm__ volatile("pushl $0x41; pushl $0x42; pushl $0x43; iret"); }

/* ---- flags ---------------------------------------------------------------------- */

enum { TRAP = 1 << 8, IOPL = 3 << 12, NESTED = 1 << 14, ALIGNMENT = 1 << 18 };

HURT(flag_alignment)
{
    cpu_set_flags(cpu_flags() | ALIGNMENT);
    hurt_sink = *word((uintptr_t)text_start + 1);
}

HURT(flag_trap) { cpu_set_flags(cpu_flags() | TRAP); hurt_sink = 1; }
HURT(flag_iopl) { cpu_set_flags(cpu_flags() | IOPL); }
HURT(flag_virtual) { __asm__ volatile("pushfl; orl $0x20000, (%esp); popfl"); }
HURT(flag_direction) { __asm__ volatile("std"); }       /* and returns so */

HURT(flag_nested)
{
    uint32_t begin = timer_ticks();

    cpu_set_flags(cpu_flags() | NESTED);
    while (timer_ticks() - begin < 3)
        hurt_sink = 1;
}

/* ---- control and debug registers ------------------------------------------------ */

extern struct guard *volatile guard_innermost;          /* kernel/cpu/guard.c */

/* A breakpoint at writes of hurt_sink, by debug register 0. */
HURT(debug_register)
{
    __asm__ volatile("movl %0, %%dr0; movl %1, %%dr7"
                     : : "r"(&hurt_sink), "r"(0x000d0002));
    hurt_sink = 5;
}

/* At writes of that word, by debug register 1. */
static void set_breakpoint(const volatile void *addr)
{
    __asm__ volatile("movl %0, %%dr1; movl %1, %%dr7"
                     : : "r"(addr), "r"(0x00d00408));
}

HURT(breakpoint_in_guard) { set_breakpoint(&guard_innermost); }
HURT(breakpoint_in_mm) { set_breakpoint(&mm_state); }

HURT(breakpoint_in_shell)               /* at the execution of shell_run */
{
    __asm__ volatile("movl %0, %%dr2; movl %1, %%dr7"
                     : : "r"(shell_run), "r"(0x00000410));
}

/* Whoever touches a debug register now faults. */
HURT(breakpoints_guarded) { __asm__ volatile("movl %0, %%dr7" : : "r"(0x2400)); }

HURT(paging_off)
{
    cpu_set_cr0(cpu_cr0() & ~CR0_PG);
    *word(0) = 1;
}

HURT(write_protect_off)
{
    cpu_set_cr0(cpu_cr0() & ~CR0_WP);
    *word((uintptr_t)text_start) = 0x1badb002;          /* what is there */
}

/* All of the first 4 GiB may be written, page 0 and the kernel's code as well. */
HURT(cr3_mine)
{
    static uint32_t directory[1024] __attribute__((aligned(4096)));

    for (uint32_t i = 0; i < 1024; i++)
        directory[i] = i << 22 | 0x83;
    cpu_set_cr3((uint32_t)(uintptr_t)directory);
}

HURT(cr3_freed)
{
    void *directory = (void *)__get_free_page(GFP_KERNEL);

    memcpy(directory, page_directory, sizeof(page_directory));
    cpu_set_cr3((uint32_t)(uintptr_t)directory);
    free_page((unsigned long)directory);
}

HURT(cr4_small_pages) { cpu_set_cr4(cpu_cr4() & ~(uint32_t)CR4_PSE); }
HURT(cr4_small_pages_fault) { cr4_small_pages(); *word(0) = 1; }
HURT(task_register) { __asm__ volatile("ltr %w0" : : "r"(DOUBLE_FAULT_TSS)); }

HURT(task_register_bad_stack)
{
    task_register();
    __asm__ volatile("xorl %esp, %esp; pushl $1");
}

HURT(real_mode) { cpu_set_cr0(cpu_cr0() & ~(CR0_PG | 1u)); }
HURT(cr3_zero) { cpu_set_cr3(0); }
HURT(cr4_all_ones) { cpu_set_cr4(0xffffffff); }

struct table_register {
    uint16_t limit;
    uint32_t base;
} __attribute__((packed));

static const struct table_register no_table;

HURT(no_idt) { __asm__ volatile("lidt %0" : : "m"(no_table)); *word(0) = 1; }
HURT(no_gdt) { __asm__ volatile("lgdt %0" : : "m"(no_table)); *word(0) = 1; }

const struct hurt_way hurt_instructions[] = {
    WAY(divide_by_zero), WAY(divide_smallest), WAY(ud2), WAY(trap_builtin),
    WAY(falls_through), WAY(lock_nop), WAY(sse), WAY(fpu), WAY(fpu_exception),
    WAY(bound), WAY(cpuid_leaf), WAY(wrmsr), WAY(int3), WAY(int_2), WAY(int_4),
    WAY(int_8), WAY(int_13), WAY(int_14), WAY(int_0x80), WAY(int_irq0), WAY(int_irq4),
    WAY(int_irq5), WAY(int_irq7), WAY(ds_wrong), WAY(ds_null), WAY(es_null),
    WAY(fs_gs_null), WAY(ss_wrong), WAY(jump_no_segment), WAY(jump_other_task),
    WAY(call_own_task), WAY(iret_garbage), WAY(flag_alignment), WAY(flag_trap),
    WAY(flag_iopl), WAY(flag_virtual), WAY(flag_direction), WAY(flag_nested),
    WAY(debug_register), WAY(breakpoint_in_guard), WAY(breakpoint_in_mm),
    WAY(breakpoint_in_shell), WAY(breakpoints_guarded), WAY(cr3_mine), WAY(cr3_freed),
    WAY(cr4_small_pages), WAY(cr4_small_pages_fault), WAY(task_register),
    WAY(task_register_bad_stack), WAY(paging_off), WAY(write_protect_off), WAY(real_mode),
    WAY(cr3_zero), WAY(cr4_all_ones), WAY(no_idt), WAY(no_gdt), { NULL, NULL },
};
