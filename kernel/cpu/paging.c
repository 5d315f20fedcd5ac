/*
 * paging.c - RAM is mapped to itself, but for the pages that nobody may use.
 *
 *     page directory    first_table, 4 KiB pages
 *     +------+          +------+
 *     | 0    |--------->| 0    |  page 0           absent: NULL, ZERO_SIZE_PTR
 *     | 1    |          | ...  |
 *     | ...  |          | 256  |  text, rodata     read only
 *     | n    |          | ...  |  guard page       absent: the stack has run over
 *     | n+1  | absent   | 1023 |  the rest         read, write
 *     | ...  |          +------+
 *     +------+
 *
 * Entry n has the end of RAM.  What lies beyond is absent, so that a wild pointer
 * faults instead of reading what is not there.
 *
 * From 4 MiB on each directory entry is a page of 4 MiB of its own where the CPU
 * has these (PSE: Pentium and later), so that boot writes 2 tables and not 1,024.
 * Others get tables of 4 KiB pages, taken from the memory before mm gets it.
 *
 * Rules:
 *   - the kernel obeys read-only pages itself (CR0.WP);
 *   - a page table once used is never replaced, entries change in it: so a page
 *     can be taken away later.
 *
 * Paging: SDM 3A, 4.3.
 */
#include "kernel/cpu/paging.h"

#include <stddef.h>

#include "kernel/cpu/cpu.h"
#include "kernel/image.h"
#include "kernel/memmap.h"
#include "kernel/printk.h"

enum {
    ENTRIES = 1024,
    LARGE_SHIFT = 22,           /* what one directory entry maps: 4 MiB */
    PRESENT = 1 << 0,
    WRITABLE = 1 << 1,
    LARGE = 1 << 7,
};

uint32_t page_directory[ENTRIES] __attribute__((aligned(4096)));
static uint32_t first_table[ENTRIES] __attribute__((aligned(4096)));

/* Make the table map 4 MiB to themselves, and enter it in the directory. */
static void use_table(uint32_t *table, uint32_t index)
{
    for (uint32_t i = 0; i < ENTRIES; i++)
        table[i] = index << LARGE_SHIFT | i << PAGE_SHIFT | PRESENT | WRITABLE;
    page_directory[index] = (uint32_t)(uintptr_t)table | PRESENT | WRITABLE;
}

/* Take rights from the pages of [start, end), both in the first 4 MiB. */
static void take_away(const char *start, const char *end, uint32_t rights)
{
    for (uintptr_t at = (uintptr_t)start; at < (uintptr_t)end; at += PAGE_SIZE)
        first_table[at >> PAGE_SHIFT] &= ~rights;
}

static void map_first_4_mib(void)
{
    use_table(first_table, 0);
    first_table[0] = 0;
    take_away(text_start, text_end, WRITABLE);
    take_away(rodata_start, rodata_end, WRITABLE);
    take_away(boot_stack_guard, boot_stack, PRESENT);
}

static void map_with_large_pages(uint32_t count)
{
    cpu_set_cr4(cpu_cr4() | CR4_PSE);
    for (uint32_t i = 1; i < count; i++)
        page_directory[i] = i << LARGE_SHIFT | PRESENT | WRITABLE | LARGE;
}

static void map_with_tables(uint32_t count)
{
    uint32_t *tables;

    if (count <= 1)
        return;
    tables = memmap_take_pages(count - 1, "page tables");
    if (tables == NULL)
        panic("no memory for %u page tables", (unsigned)(count - 1));
    for (uint32_t i = 1; i < count; i++)
        use_table(tables + (size_t)(i - 1) * ENTRIES, i);
}

bool paging_maps(uint32_t addr)
{
    uint32_t entry = page_directory[addr >> LARGE_SHIFT];

    if (!(entry & PRESENT) || entry & LARGE)
        return entry & PRESENT;

    const uint32_t *table = (const uint32_t *)(uintptr_t)(entry & ~(PAGE_SIZE - 1));

    return table[addr >> PAGE_SHIFT & (ENTRIES - 1)] & PRESENT;
}

void paging_init(void)
{
    const uint64_t large = (uint64_t)1 << LARGE_SHIFT;
    uint32_t count = (uint32_t)((memmap_ram_end() + large - 1) >> LARGE_SHIFT);

    map_first_4_mib();
    if (cpu_features() & CPUID_1_EDX_PSE)
        map_with_large_pages(count);
    else
        map_with_tables(count);
    cpu_set_cr3((uint32_t)(uintptr_t)page_directory);
    cpu_set_cr0(cpu_cr0() | CR0_PG | CR0_WP);
}
