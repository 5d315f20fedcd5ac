/*
 * model_heap.c - the memory that the model's heaps are made of.
 *
 * A heap gets some ranges of it, dirty, as real memory is.  All the rest is poisoned
 * for AddressSanitizer, where there is one: mm may not even look there.
 */
#define _GNU_SOURCE
#include "tests/hosted/model_priv.h"

#include <sanitizer/asan_interface.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define DIRT 0xA5

static bool given[MODEL_PAGES];

unsigned char *ground(void)
{
    const size_t block = PAGE_SIZE << MAX_PAGE_ORDER;
    static unsigned char *memory;

    if (!memory) {
        void *map = mmap(NULL, MODEL_PAGES * PAGE_SIZE + block, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

        if (map == MAP_FAILED)
            abort();
        memory = (unsigned char *)(((uintptr_t)map + block - 1) & ~(block - 1));
    }
    return memory;
}

struct mm_range model_range(uint32_t first, uint32_t pages)
{
    return (struct mm_range){ (uintptr_t)ground() + first * PAGE_SIZE,
                              pages * PAGE_SIZE };
}

bool is_given(const void *p, size_t bytes)
{
    const size_t all = MODEL_PAGES * PAGE_SIZE;
    size_t offset = (uintptr_t)p - (uintptr_t)ground();

    if (offset >= all || bytes > all - offset)
        return false;
    for (size_t i = offset / PAGE_SIZE; i * PAGE_SIZE < offset + bytes; i++)
        if (!given[i])
            return false;
    return true;
}

/* The whole pages of the range can be touched; how many there are. */
static uint32_t give(const struct mm_range *range)
{
    uintptr_t start = range->start - (uintptr_t)ground();
    size_t first = (start + PAGE_SIZE - 1) / PAGE_SIZE;
    size_t end = (start + range->bytes) / PAGE_SIZE;

    for (size_t i = first; i < end; i++)
        given[i] = true;
    if (first >= end)
        return 0;

    unsigned char *memory = ground() + first * PAGE_SIZE;
    size_t bytes = (end - first) * PAGE_SIZE;

    ASAN_UNPOISON_MEMORY_REGION(memory, bytes);
    memset(memory, DIRT, bytes);
    return (uint32_t)(end - first);
}

/* Every whole page is in the heap, unless a range had to be left out. */
static void demand_all(uint32_t empty_ranges)
{
    struct mm_stats stats;
    uint32_t pages = 0;

    for (size_t i = 0; i < MODEL_PAGES; i++)
        pages += given[i];
    mm_get_stats(&stats);
    demand(stats.skipped >= empty_ranges);
    if (stats.skipped == empty_ranges ? stats.total_pages != pages
                                      : stats.total_pages >= pages)
        wrong("%u pages given, %u taken, %u ranges left out", (unsigned)pages,
              (unsigned)stats.total_pages, (unsigned)stats.skipped);
}

void open_heap(const struct mm_range *ranges, size_t count)
{
    uint32_t empty_ranges = 0;

    memset(given, 0, sizeof(given));
    ASAN_POISON_MEMORY_REGION(ground(), MODEL_PAGES * PAGE_SIZE);
    for (size_t i = 0; i < count; i++) {
        empty_ranges += give(&ranges[i]) == 0;
        TRACE("range of %zu bytes at page %zu", ranges[i].bytes,
              (size_t)(ranges[i].start - (uintptr_t)ground()) / PAGE_SIZE);
    }
    mm_state = 0;
    mm_init(ranges, count);
    model.zones = strchr(mm_dial("slub_debug"), 'Z') != NULL;
    demand_all(empty_ranges);
}

/* ---- by the stream ----------------------------------------------------------- */

/*
 * Anywhere in the first 8 MiB, and into what follows: with holes between, overlapping,
 * in any order, on page boundaries or not.
 */
static struct mm_range draw_range(void)
{
    uint32_t first = draw2() % 2048, pages = draw(), shape = draw();
    struct mm_range range;

    if (shape >= 240)
        pages *= 8;
    else if (shape >= 208)
        pages %= 4;
    range = model_range(first, pages);
    if (shape & 1 && range.bytes)
        range.start += shape * 16, range.bytes -= shape;
    return range;
}

/* Records or not, and one of these: the first five so that half of the runs have none. */
static void choose_dials(void)
{
    static const char *const dials[16][2] = {
        { "slub_debug", "-" }, { "slub_debug", "-" }, { "slub_debug", "-" },
        { "slub_debug", "-" }, { "slub_debug", "-" }, { "slub_debug", "FZP" },
        { "slub_debug", "F" }, { "slub_debug", "Z" }, { "slub_debug", "P" },
        { "slub_debug", "FZ" }, { "init_on_alloc", "1" },
        { "init_on_free", "1" }, { "debug_pagealloc", "on" }, { "quarantine", "4K" },
        { "quarantine", "1M" }, { "slub_debug", "ZP" },
    };
    uint32_t choice = draw();
    const char *const *dial = dials[choice >> 1 & 15];

    mm_reset_dials();
    mm_records = choice & 1;
    mm_set_dial(dial[0], dial[1]);      /* quarantine is refused without records */
    if (choice >> 5 & 1)
        mm_set_dial("init_on_alloc", "1");
}

void choose_heap(void)
{
    struct mm_range ranges[4];
    size_t count = 1 + draw() % 4;

    choose_dials();
    for (size_t i = 0; i < count; i++)
        ranges[i] = draw_range();
    open_heap(ranges, count);
}
