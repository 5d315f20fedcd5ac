/*
 * cpu.h - the instructions that C has no words for.
 *
 * Register and flag names are those of the Intel manual (SDM), volume 3A,
 * chapter 2; CPUID leaves those of volume 2A.
 */
#ifndef KERNEL_CPU_CPU_H
#define KERNEL_CPU_CPU_H

#include <stdbool.h>
#include <stdint.h>

enum {
    EFLAGS_ALWAYS_ONE = 1 << 1,
    EFLAGS_TF = 1 << 8,         /* a debug exception behind the next instruction */
    EFLAGS_IF = 1 << 9,
    EFLAGS_ID = 1 << 21,        /* can be changed: there is a CPUID */
    CR4_PSE = 1 << 4,
    DR7_ENABLED = 0xff,         /* any of four breakpoints, here or in all tasks */
    CPUID_1_EDX_PSE = 1 << 3,
    CPUID_1_EDX_TSC = 1 << 4,
};
#define CR0_WP (1u << 16)
#define CR0_PG (1u << 31)

/* ---- interrupts --------------------------------------------------------- */

static inline void irq_enable(void) { __asm__ volatile("sti" : : : "memory"); }
static inline void irq_disable(void) { __asm__ volatile("cli" : : : "memory"); }

static inline uint32_t cpu_flags(void)
{
    uint32_t flags;

    __asm__ volatile("pushfl; popl %0" : "=r"(flags) : : "memory");
    return flags;
}

static inline void cpu_set_flags(uint32_t flags)
{
    __asm__ volatile("pushl %0; popfl" : : "r"(flags) : "memory", "cc");
}

/* Interrupts off; gives what irq_restore needs to make it as it was. */
static inline uint32_t irq_save(void)
{
    uint32_t flags = cpu_flags();

    irq_disable();
    return flags;
}

static inline void irq_restore(uint32_t flags)
{
    cpu_set_flags(flags);
}

/* ---- control registers -------------------------------------------------- */

static inline uint32_t cpu_cr0(void)
{
    uint32_t value;

    __asm__ volatile("movl %%cr0, %0" : "=r"(value));
    return value;
}

static inline void cpu_set_cr0(uint32_t value)
{
    __asm__ volatile("movl %0, %%cr0" : : "r"(value) : "memory");
}

/* The address of the last page fault. */
static inline uint32_t cpu_cr2(void)
{
    uint32_t value;

    __asm__ volatile("movl %%cr2, %0" : "=r"(value));
    return value;
}

static inline uint32_t cpu_cr3(void)
{
    uint32_t value;

    __asm__ volatile("movl %%cr3, %0" : "=r"(value));
    return value;
}

static inline void cpu_set_cr3(uint32_t value)
{
    __asm__ volatile("movl %0, %%cr3" : : "r"(value) : "memory");
}

/* Only a CPU with CPUID has it. */
static inline uint32_t cpu_cr4(void)
{
    uint32_t value;

    __asm__ volatile("movl %%cr4, %0" : "=r"(value));
    return value;
}

static inline void cpu_set_cr4(uint32_t value)
{
    __asm__ volatile("movl %0, %%cr4" : : "r"(value) : "memory");
}

/* Drop what the TLB knows of that page (a 486 has it, too). */
static inline void cpu_forget_page(uint32_t addr)
{
    __asm__ volatile("invlpg (%0)" : : "r"(addr) : "memory");
}

/* The compiler moves no access across it. */
static inline void cpu_barrier(void) { __asm__ volatile("" : : : "memory"); }

/* ---- tables, tasks, debug registers --------------------------------------------- */

/* What lgdt and lidt read. */
struct cpu_table {
    uint16_t limit;
    uint32_t base;
} __attribute__((packed));

/* The selector of the task that runs. */
static inline uint32_t cpu_task(void)
{
    uint32_t selector;

    __asm__ volatile("str %0" : "=r"(selector));
    return selector & 0xffff;
}

/* Where four breakpoints are, and of what kind; which have raised an exception. */
static inline void cpu_set_dr0_to_3(uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    __asm__ volatile("movl %0, %%dr0; movl %1, %%dr1; movl %2, %%dr2; movl %3, %%dr3"
                     : : "r"(a), "r"(b), "r"(c), "r"(d));
}

static inline void cpu_set_dr7(uint32_t value)
{
    __asm__ volatile("movl %0, %%dr7" : : "r"(value) : "memory");
}

static inline uint32_t cpu_dr6(void)
{
    uint32_t value;

    __asm__ volatile("movl %%dr6, %0" : "=r"(value));
    return value;
}

static inline void cpu_set_dr6(uint32_t value)
{
    __asm__ volatile("movl %0, %%dr6" : : "r"(value));
}

/* ---- CPUID -------------------------------------------------------------- */

/* A 486 may have none: then its flag cannot be changed. */
static inline bool cpu_has_cpuid(void)
{
    uint32_t flags = cpu_flags();

    cpu_set_flags(flags ^ EFLAGS_ID);

    bool changed = ((cpu_flags() ^ flags) & EFLAGS_ID) != 0;

    cpu_set_flags(flags);
    return changed;
}

/* The feature bits in edx of leaf 1, or 0 without CPUID. */
static inline uint32_t cpu_features(void)
{
    uint32_t leaf = 1;
    uint32_t features;

    if (!cpu_has_cpuid())
        return 0;
    __asm__("cpuid" : "+a"(leaf), "=d"(features) : : "ebx", "ecx");
    return features;
}

/*
 * Is it QEMU's, emulated or by KVM?  The leaf is that of hypervisors, which begins with a
 * name; where there is none, it is that of another leaf.
 */
static inline bool cpu_is_qemu(void)
{
    const uint32_t tcg = 0x54474354, kvm = 0x4b4d564b;  /* "TCGT", "KVMK" */
    uint32_t leaf = 0x40000000, name;

    if (!cpu_has_cpuid())
        return false;
    __asm__("cpuid" : "+a"(leaf), "=b"(name) : : "ecx", "edx");
    return name == tcg || name == kvm;
}

/* The low word of the time-stamp counter; only a CPU with CPUID_1_EDX_TSC has it. */
static inline uint32_t cpu_tsc(void)
{
    uint32_t low;

    __asm__ volatile("rdtsc" : "=a"(low) : : "edx", "memory");
    return low;
}

/* All of it. */
static inline uint64_t cpu_tsc_whole(void)
{
    uint64_t tsc;

    __asm__ volatile("rdtsc" : "=A"(tsc) : : "memory");
    return tsc;
}

#endif
