/*
 * hosted_mm.c - the workloads of make bench-hosted through mm.
 *
 *     hosted_mm on ...     records kept
 *     hosted_mm off ...    mm_records = false
 *
 * The calls are those of mm/slab.h and mm/gfp.h, each with its call site.  The heap
 * is one range of HEAP_BYTES; its page structs are part of what it takes.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "mm/mm.h"

#define HEAP_BYTES ((size_t)2 << 30)
#define BLOCK_BYTES (PAGE_SIZE << MAX_PAGE_ORDER)
#define QUIETLY (GFP_KERNEL | __GFP_NOWARN)

static struct kmem_cache *cache;
static double book_keeping;     /* a page takes so many pages with its page struct */

static inline void *take(size_t size) { return kmalloc(size, QUIETLY); }
static inline void give(void *p) { kfree(p); }
static inline void *take_object(void) { return kmem_cache_alloc(cache, QUIETLY); }
static inline void give_object(void *p) { kmem_cache_free(cache, p); }
static inline void *take_block(unsigned order) { return alloc_pages(QUIETLY, order); }
static inline void give_block(void *page, unsigned order) { __free_pages(page, order); }

static void open_heap(const char *who);
static double heap_bytes(void);
static void close_heap(void);

#include "tests/bench/hosted_work.h"

static struct mm_stats stats_now(void)
{
    struct mm_stats stats;

    mm_get_stats(&stats);
    return stats;
}

/* Is what kmalloc gives an object that mm knows, with a record if there are any? */
static bool is_ours(void)
{
    struct mm_what what;
    void *p = take(64);

    mm_what_is(p, &what);
    give(p);
    return what.kind == MM_SLAB_LIVE && (what.serial != 0) == mm_records;
}

static void open_heap(const char *who)
{
    char *map = mmap(NULL, HEAP_BYTES + BLOCK_BYTES, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    struct mm_range range = { .bytes = HEAP_BYTES };

    demand(map != MAP_FAILED, "no 2 GiB of addresses for mm's heap");
    range.start = ((uintptr_t)map + BLOCK_BYTES - 1) & ~(uintptr_t)(BLOCK_BYTES - 1);
    mm_records = strcmp(who, "on") == 0;
    demand(mm_records || strcmp(who, "off") == 0, "mm's records are on or off");
    mm_init(&range, 1);

    struct mm_stats stats = stats_now();

    book_keeping = (double)stats.total_pages / (stats.total_pages - stats.meta_pages);
    cache = kmem_cache_create("bench", 100, 0, 0, NULL);
    demand(cache && is_ours(), "mm does not know its own object");
    printf("{\"allocator\": \"mm, records %s\"}\n", who);
}

static double heap_bytes(void)
{
    struct mm_stats stats = stats_now();

    return (double)(stats.total_pages - stats.free_pages) * PAGE_SIZE * book_keeping;
}

static void close_heap(void)
{
    struct mm_stats stats = stats_now();

    demand(stats.failed == 0, "mm had no memory for some call");
    demand(stats.bad_frees == 0, "mm refused a free");
    demand(mm_check() == NULL, "mm is not whole");
}
