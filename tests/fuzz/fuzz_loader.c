/*
 * fuzz_loader.c - a loader that lies in any field, and what mm is then given.
 *
 *     0x10000  the input: Multiboot information, and behind it what it may point to
 *     0x80000000 and above: no 0 anywhere; elsewhere nothing but 0
 *
 *   - memory is never asked for what ends behind 4 GiB;
 *   - map, line and list of what was left are bounded, and the map ends;
 *   - what mm gets is ascending and apart, whole pages from 1 MiB up and below the limit,
 *     RAM by the map, and nothing of it is called otherwise or was left by the loader.
 *
 * The first byte is the limit, in MiB; the second where the kernel lies.
 */
#define _GNU_SOURCE             /* MAP_32BIT */
#include "tests/fuzz/fuzz.h"

#include <string.h>
#include <sys/mman.h>

#include "kernel/loader.h"
#include "kernel/memmap.h"
#include "tests/fuzz/said.h"

#ifndef MAP_32BIT
#define MAP_32BIT 0
#endif

enum { HERE = 0x10000, LONGEST = 0x8000, MOST = 400, PAGE = 4096 };

#define MIB ((uint64_t)1 << 20)
#define FOUR_GIB ((uint64_t)1 << 32)

const char fuzz_name[] = "loader";
bool *const fuzz_trace = NULL;

/* ---- the machine's memory ---------------------------------------------------------- */

static uint8_t memory[LONGEST];

static void read_memory(void *to, uint32_t from, size_t bytes)
{
    MUST(from + (uint64_t)bytes <= FOUR_GIB);
    for (size_t i = 0; i < bytes; i++) {
        uint32_t at = from + (uint32_t)i;

        ((uint8_t *)to)[i] = at - HERE < LONGEST ? memory[at - HERE]
                             : at >= 0x80000000u ? 'x' : 0;
    }
}

/* Where a 32-bit field can point to. */
static struct loader_copy *low_copy(void)
{
    static struct loader_copy *copy;

    if (copy == NULL)
        copy = mmap(NULL, sizeof(*copy), PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    MUST(copy != MAP_FAILED && (uintptr_t)copy + sizeof(*copy) < FOUR_GIB);
    memset(copy, 0, sizeof(*copy));
    return copy;
}

/* ---- what must hold ----------------------------------------------------------------- */

static bool meet(uint64_t a, uint64_t a_end, uint64_t b, uint64_t b_end)
{
    return b < b_end && a < b_end && b < a_end;
}

static void must_be_bounded(const struct loader_copy *copy)
{
    struct memmap_entry entry;
    uint32_t offset = 0;
    unsigned entries = 0;

    MUST(!(copy->info.flags & MULTIBOOT_INFO_MEM_MAP) ||
         copy->info.mmap_length <= LOADER_MAP_BYTES);
    MUST(strnlen(copy->line, LOADER_LINE_BYTES) < LOADER_LINE_BYTES);
    MUST(copy->left_count <= LOADER_LEFT);
    for (size_t i = 0; i < copy->left_count; i++) {
        MUST(copy->left[i].range.bytes > 0 && copy->left[i].name != NULL);
        MUST(copy->left[i].range.start + (uint64_t)copy->left[i].range.bytes <= FOUR_GIB);
    }
    while (memmap_next_entry(&copy->info, &offset, &entry)) {
        MUST(entry.start <= entry.end);
        MUST(++entries <= LOADER_MAP_BYTES / sizeof(struct multiboot_mmap_entry));
    }
}

/* All of it RAM?  Entries of RAM are stepped through from its start on. */
static void must_be_ram(const struct multiboot_info *info, uint64_t start, uint64_t end)
{
    struct memmap_entry entry;

    for (uint64_t before = end; start < end && start != before; ) {
        before = start;
        for (uint32_t offset = 0; memmap_next_entry(info, &offset, &entry); )
            if (entry.type == MULTIBOOT_MEMORY_AVAILABLE && entry.start <= start &&
                entry.end > start)
                start = entry.end;
    }
    MUST(start >= end);
}

static void must_be_usable(const struct loader_copy *copy, const struct mm_range *range)
{
    uint64_t start = range->start, end = start + range->bytes;
    struct memmap_entry entry;

    MUST(range->bytes > 0 && start >= MIB && (start | end) % PAGE == 0);
    for (size_t i = 0; i < copy->left_count; i++)
        MUST(!meet(start, end, copy->left[i].range.start,
                   copy->left[i].range.start + (uint64_t)copy->left[i].range.bytes));
    for (uint32_t offset = 0; memmap_next_entry(&copy->info, &offset, &entry); )
        MUST(entry.type == MULTIBOOT_MEMORY_AVAILABLE ||
             !meet(start, end, entry.start, entry.end));
    must_be_ram(&copy->info, start, end);
}

static void try_ranges(const struct loader_copy *copy, uint64_t limit)
{
    static struct mm_range left[LOADER_LEFT], ranges[MOST];
    size_t dropped;

    for (size_t i = 0; i < copy->left_count; i++)
        left[i] = copy->left[i].range;

    size_t n = memmap_usable(&copy->info, left, copy->left_count, limit, ranges, MOST,
                             &dropped);

    MUST(n <= MOST && (dropped == 0 || n == MOST));
    for (size_t i = 0; i < n; i++) {
        must_be_usable(copy, &ranges[i]);
        MUST(ranges[i].start + (uint64_t)ranges[i].bytes <= limit);
        MUST(i == 0 || ranges[i - 1].start + ranges[i - 1].bytes < ranges[i].start);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct loader_copy *copy = low_copy();

    if (size < 2)
        return 0;

    uint64_t limit = bytes[0] == 0xff ? FOUR_GIB : bytes[0] * MIB;
    struct mm_range kernel = { MIB + (uintptr_t)bytes[1] * PAGE, 0x40000 };

    size = size - 2 < LONGEST ? size - 2 : LONGEST;
    memset(memory, 0, sizeof(memory));
    memcpy(memory, bytes + 2, size);
    said_forget();
    loader_copy(copy, bytes[1] == 0xff ? 0xffffffc0 : HERE, read_memory, kernel);
    said_must_be_harmless();
    must_be_bounded(copy);
    try_ranges(copy, limit);
    return 0;
}
