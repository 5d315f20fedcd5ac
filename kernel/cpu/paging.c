/*
 * paging.c - RAM is mapped to itself, but for the pages that nobody may use.
 *
 *     page directory    first_table, 4 KiB pages
 *     +------+          +------+
 *     | 0    |--------->| 0    |  first MiB        absent but for the screen: NULL
 *     | 1    |          | ...  |
 *     | ...  |          | 256  |  text, rodata     read only, and so are IDT, symbols
 *     | n    |          | ...  |  guard pages      absent: a stack has run over
 *     | n+1  | absent   | 1023 |  the rest         read, write
 *     | ...  |          +------+
 *     +------+
 *
 * Entry n has the end of RAM.  What lies beyond is absent, so that a wild pointer
 * faults instead of reading what is not there.
 *
 * From 4 MiB on each directory entry is a page of 4 MiB of its own where the CPU
 * has these (PSE: Pentium and later), so that boot writes 2 tables and not 1,024.
 * When a page in it is taken away (paging_set_present), it is split:
 *
 *     | i    | 4 MiB    ->    | i    |--->| 0 | 1 |...| 1023 |   tables[i - 1]
 *
 * and stays so.  The tables for it are taken before mm gets the memory, for all of RAM:
 * 1/1024 of it, so that a split can never fail.  Other CPUs use them from the start.
 *
 * Where RAM ends, which parts of the image are special, and who has pages to give
 * is known to others, who know this file: main.c hands it in.
 *
 * Rules:
 *   - the kernel obeys read-only pages itself (CR0.WP);
 *   - a page table once used is never replaced, entries change in it;
 *   - an entry is changed by one store, and a table is whole before it is entered: an
 *     interrupt sees the one or the other, and a split changes nothing that it could see.
 *
 * Cost: boot, O(RAM / 4 MiB); taking away or giving back, a store and an INVLPG a page,
 * and a split 1,024 stores once.
 *
 * Paging: SDM 3A, 4.3; which TLB entries are to be dropped: 4.10.4.
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
static uint32_t *tables;        /* of the entries from 1 on; NULL: there was no room */
static uint32_t page_tables = 2;        /* with those two; GDB reads it */

/* Make the table map 4 MiB to themselves, and enter it in the directory. */
static void use_table(uint32_t *table, uint32_t index)
{
    for (uint32_t i = 0; i < ENTRIES; i++)
        table[i] = index << LARGE_SHIFT | i << PAGE_SHIFT | PRESENT | WRITABLE;
    cpu_barrier();
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
static void map_with_tables(uint32_t count)
{
    for (uint32_t i = 1; i < count; i++)
        use_table(tables + (size_t)(i - 1) * ENTRIES, i);
}

/* For the directory's entries from 1 to count - 1. */
static void reserve_tables(uint32_t count, paging_pages take_pages)
{
    if (count > 1)
        tables = take_pages(count - 1, "page tables");
    if (tables != NULL)
        page_tables += count - 1;
}

uint32_t paging_table_pages(void)
{
    return page_tables;
}

/* Where that address has its entry, in a table of 4 KiB pages; NULL: no memory. */
static uint32_t *new_entry(uint32_t address, paging_pages take_pages)
{
    uint32_t *upper = &page_directory[address >> LARGE_SHIFT];

    if (!(*upper & PRESENT)) {
        uint32_t *table = take_pages(1, "page tables");

        if (table == NULL)
            return NULL;
        for (uint32_t i = 0; i < ENTRIES; i++)
            table[i] = 0;
        *upper = (uint32_t)(uintptr_t)table | PRESENT | WRITABLE;
    }
    return (uint32_t *)(uintptr_t)(*upper & ~(PAGE_SIZE - 1)) +
           (address >> PAGE_SHIFT & (ENTRIES - 1));
}

bool paging_map(uint32_t address, const void *pages, size_t count,
                paging_pages take_pages)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t *entry = new_entry(address + (i << PAGE_SHIFT), take_pages);

        if (entry == NULL)
            return false;
        *entry = ((uint32_t)(uintptr_t)pages + (i << PAGE_SHIFT)) | PRESENT | WRITABLE;
    }
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

/* ---- pages that come and go -------------------------------------------------------- */

/* The 4 MiB are mapped by a table from now on, to the same. */
static void split(uint32_t index)
{
    use_table(tables + (size_t)(index - 1) * ENTRIES, index);
    cpu_set_cr3((uint32_t)(uintptr_t)page_directory);
}

/* The entry of a page that is to be changed; NULL: it has none. */
static volatile uint32_t *entry_of(uint32_t addr)
{
    const volatile uint32_t *directory = &page_directory[addr >> LARGE_SHIFT];

    if (*directory & LARGE && tables != NULL)
        split(addr >> LARGE_SHIFT);
    if (!(*directory & PRESENT) || *directory & LARGE)
        return NULL;

    uint32_t *table = (uint32_t *)(uintptr_t)(*directory & ~(PAGE_SIZE - 1));

    return &table[addr >> PAGE_SHIFT & (ENTRIES - 1)];
}

static bool set_present(uint32_t addr, bool present)
{
    volatile uint32_t *entry;

    if (present && page_directory[addr >> LARGE_SHIFT] & LARGE)
        return true;            /* it is there, with all around it */
    entry = entry_of(addr);
    if (entry == NULL)
        return false;
    *entry = present ? *entry | PRESENT : *entry & ~(uint32_t)PRESENT;
    cpu_forget_page(addr);
    return true;
}

bool paging_set_present(void *start, size_t bytes, bool present)
{
    uint32_t addr = (uint32_t)(uintptr_t)start;

    for (uint32_t left = bytes >> PAGE_SHIFT; left > 0; left--, addr += PAGE_SIZE)
        if (!set_present(addr, present))
            return false;
    return true;
}

/* ---- boot -------------------------------------------------------------------------- */

bool paging_init(uint64_t ram_end, const struct paging_part *parts, size_t count,
                 paging_pages take_pages)
{
    const uint64_t large = (uint64_t)1 << LARGE_SHIFT;
    uint32_t entries = (uint32_t)((ram_end + large - 1) >> LARGE_SHIFT);

    map_first_4_mib(parts, count);
    reserve_tables(entries, take_pages);
    if (cpu_features() & CPUID_1_EDX_PSE)
        map_with_large_pages(entries);
    else if (entries > 1 && tables == NULL)
        return false;
    else
        map_with_tables(entries);
    cpu_set_cr3((uint32_t)(uintptr_t)page_directory);
    cpu_set_cr0(cpu_cr0() | CR0_PG | CR0_WP);
    return true;
}
