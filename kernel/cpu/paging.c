/*
 * paging.c - RAM is mapped to itself, but for the pages that nobody may use.
 *
 *     page directory    first_table, 4 KiB pages
 *     +------+          +------+
 *     | 0    |--------->| 0    |  first MiB        absent but for the screen: NULL
 *     | 1    |          | ...  |
 *     | ...  |          | 256  |  text, rodata     read only, and so are IDT, symbols
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
 * Where RAM ends, which parts of the image are special, and who has pages to give
 * is known to others, who know this file: main.c hands it in.
 *
 * Rules:
 *   - the kernel obeys read-only pages itself (CR0.WP);
 *   - a page table once used is never replaced, entries change in it: so a page
 *     can be taken away later.
 *
 * Paging: SDM 3A, 4.3.
 */
#include "kernel/cpu/paging.h"

#include "kernel/cpu/cpu.h"
#include "mm/page.h"

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

static void protect(const struct paging_part *part)
{
    uint32_t rights = part->kind == PAGING_ABSENT ? PRESENT : WRITABLE;

    for (uintptr_t at = (uintptr_t)part->start;
         at < (uintptr_t)part->end && at >> PAGE_SHIFT < ENTRIES; at += PAGE_SIZE)
        first_table[at >> PAGE_SHIFT] &= ~rights;
}

static void map_first_4_mib(const struct paging_part *parts, size_t count)
{
    use_table(first_table, 0);
    for (size_t i = 0; i < count; i++)
        protect(&parts[i]);
}

static void map_with_large_pages(uint32_t count)
{
    cpu_set_cr4(cpu_cr4() | CR4_PSE);
    for (uint32_t i = 1; i < count; i++)
        page_directory[i] = i << LARGE_SHIFT | PRESENT | WRITABLE | LARGE;
}

/* Entry 0 has its table already. */
static bool map_with_tables(uint32_t count, paging_pages take_pages)
{
    uint32_t *tables = count > 1 ? take_pages(count - 1, "page tables") : NULL;

    if (count > 1 && tables == NULL)
        return false;
    for (uint32_t i = 1; i < count; i++)
        use_table(tables + (size_t)(i - 1) * ENTRIES, i);
    return true;
}

bool paging_maps(uint32_t addr)
{
    uint32_t entry = page_directory[addr >> LARGE_SHIFT];

    if (!(entry & PRESENT) || entry & LARGE)
        return entry & PRESENT;

    const uint32_t *table = (const uint32_t *)(uintptr_t)(entry & ~(PAGE_SIZE - 1));

    return table[addr >> PAGE_SHIFT & (ENTRIES - 1)] & PRESENT;
}

bool paging_init(uint64_t ram_end, const struct paging_part *parts, size_t count,
                 paging_pages take_pages)
{
    const uint64_t large = (uint64_t)1 << LARGE_SHIFT;
    uint32_t entries = (uint32_t)((ram_end + large - 1) >> LARGE_SHIFT);

    map_first_4_mib(parts, count);
    if (cpu_features() & CPUID_1_EDX_PSE)
        map_with_large_pages(entries);
    else if (!map_with_tables(entries, take_pages))
        return false;
    cpu_set_cr3((uint32_t)(uintptr_t)page_directory);
    cpu_set_cr0(cpu_cr0() | CR0_PG | CR0_WP);
    return true;
}
