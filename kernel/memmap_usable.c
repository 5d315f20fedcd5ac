/*
 * memmap_usable.c - from the loader's map to the memory that mm may have.
 *
 *     RAM (type 1)   |-----------------------------|      |--------|
 *     other types                 |----|
 *     reserved         |-----|
 *     usable              ...|----|    |-----------|      |--------|   whole pages
 *
 * A sweep from 1 MiB to the limit.  Between two neighbouring bounds (starts and
 * ends of entries and reserved ranges) nothing changes, so it is enough to look at
 * each bound: is there RAM from here on, and nothing that forbids it?  Thus
 * entries may come in any order, overlap or be empty, and nothing is sorted.
 *
 * Rules:
 *   - what is not type 1 is not RAM, whatever a type 1 entry says as well;
 *   - the first MiB is never used: firmware lies about it;
 *   - ranges are cut inwards to whole pages, after neighbours were joined.
 *
 * Map: Multiboot Specification 0.6.96, section 3.3, mmap_*.  Entries are 64 bits
 * wide; an end that would wrap is cut to the end of the address space.
 *
 * Cost: bounds times entries; maps have 6 to 20.  Pure: it runs in hosted tests.
 */
#include "kernel/memmap.h"

#define LOWEST ((uint64_t)1 << 20)
#define HIGHEST ((uint64_t)1 << 32)
#define MASK ((uint64_t)PAGE_SIZE - 1)

/* ---- the map ------------------------------------------------------------- */

static struct memmap_entry make_entry(uint64_t start, uint64_t length, uint32_t type)
{
    uint64_t end = length > UINT64_MAX - start ? UINT64_MAX : start + length;

    return (struct memmap_entry){ start, end, type };
}

/* What is said to lie above 1 MiB, up to the first hole. */
static bool upper_memory(const struct multiboot_info *info, uint32_t *offset,
                         struct memmap_entry *entry)
{
    if (*offset > 0 || !(info->flags & MULTIBOOT_INFO_MEMORY))
        return false;
    *offset = 1;
    *entry = make_entry(LOWEST, (uint64_t)info->mem_upper << 10,
                        MULTIBOOT_MEMORY_AVAILABLE);
    return true;
}

bool memmap_next_entry(const struct multiboot_info *info, uint32_t *offset,
                       struct memmap_entry *entry)
{
    const uint32_t size_field = sizeof(uint32_t);
    const uint32_t least = sizeof(struct multiboot_mmap_entry);
    const struct multiboot_mmap_entry *at;

    if (!(info->flags & MULTIBOOT_INFO_MEM_MAP) || info->mmap_length < least)
        return upper_memory(info, offset, entry);
    if (*offset > info->mmap_length - least)
        return false;

    at = (const void *)((uintptr_t)info->mmap_addr + *offset);
    if (at->size < least - size_field || at->size > info->mmap_length)
        return false;           /* malformed: where the next one is, nobody knows */
    *offset += at->size + size_field;
    *entry = make_entry(at->addr, at->len, at->type);
    return true;
}

uint64_t memmap_highest_ram(const struct multiboot_info *info)
{
    struct memmap_entry entry;
    uint32_t offset = 0;
    uint64_t highest = 0;

    while (memmap_next_entry(info, &offset, &entry)) {
        uint64_t end = entry.end < HIGHEST ? entry.end : HIGHEST;

        if (entry.type == MULTIBOOT_MEMORY_AVAILABLE && entry.start < end &&
            end > highest)
            highest = end;
    }
    return highest;
}

/* ---- the sweep ----------------------------------------------------------- */

struct sweep {
    uint64_t at;                /* here */
    uint64_t next;              /* the nearest bound behind it, so far */
    bool ram, forbidden;        /* what covers it, so far */
};

static bool covers(struct sweep *sweep, uint64_t start, uint64_t end)
{
    if (start > sweep->at && start < sweep->next)
        sweep->next = start;
    if (end > sweep->at && end < sweep->next)
        sweep->next = end;
    return start <= sweep->at && sweep->at < end;
}

/* What is there at sweep->at, and how far does it go? */
static void look(struct sweep *sweep, const struct multiboot_info *info,
                 const struct mm_range *reserved, size_t reserved_count)
{
    struct memmap_entry entry;
    uint32_t offset = 0;

    while (memmap_next_entry(info, &offset, &entry)) {
        if (!covers(sweep, entry.start, entry.end))
            continue;
        if (entry.type == MULTIBOOT_MEMORY_AVAILABLE)
            sweep->ram = true;
        else
            sweep->forbidden = true;
    }
    for (size_t i = 0; i < reserved_count; i++) {
        uint64_t start = reserved[i].start;

        if (covers(sweep, start, start + reserved[i].bytes))
            sweep->forbidden = true;
    }
}

/* ---- the result ---------------------------------------------------------- */

struct result {
    struct mm_range *ranges;
    size_t count, max, dropped;
};

/* The smallest, of equal ones the last; there is one. */
static struct mm_range *smallest(const struct result *result)
{
    struct mm_range *found = result->ranges;

    for (size_t i = 1; i < result->count; i++)
        if (result->ranges[i].bytes <= found->bytes)
            found = &result->ranges[i];
    return found;
}

/* There is no room for one of so many bytes: does it take another one's place? */
static bool displaces(struct result *result, uint64_t bytes)
{
    struct mm_range *range = result->count > 0 ? smallest(result) : NULL;

    result->dropped++;
    if (range == NULL || bytes <= range->bytes)
        return false;
    for (result->count--; range < result->ranges + result->count; range++)
        *range = range[1];              /* the others stay in their order */
    return true;
}

static void add(struct result *result, uint64_t start, uint64_t end)
{
    start = (start + MASK) & ~MASK;
    end &= ~MASK;
    if (start >= end || (result->count == result->max && !displaces(result, end - start)))
        return;
    result->ranges[result->count++] =
        (struct mm_range){ (uintptr_t)start, (size_t)(end - start) };
}

size_t memmap_usable(const struct multiboot_info *info,
                     const struct mm_range *reserved, size_t reserved_count,
                     uint64_t limit, struct mm_range *ranges, size_t max,
                     size_t *dropped)
{
    struct result result = { ranges, 0, max, 0 };
    uint64_t start = LOWEST;            /* of the usable memory that ends at `at` */
    uint64_t at = LOWEST;

    if (limit > HIGHEST)
        limit = HIGHEST;
    while (at < limit) {
        struct sweep sweep = { .at = at, .next = limit };

        look(&sweep, info, reserved, reserved_count);
        if (!sweep.ram || sweep.forbidden) {
            add(&result, start, at);
            start = sweep.next;
        }
        at = sweep.next;
    }
    add(&result, start, at);
    *dropped = result.dropped;
    return result.count;
}
