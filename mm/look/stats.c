/*
 * stats.c - the heap in numbers, for meminfo, slabinfo, buddyinfo.
 *
 * What the short ways count is little: allocations and frees of each cache.  The
 * rest is recounted here, by walking, whenever somebody asks.
 */
#include "mm/slab_priv.h"

/* ---- caches -------------------------------------------------------------- */

/* As many as there can be, if a list is broken: the others are at hand. */
static uint32_t count_partial(const struct kmem_cache *cache)
{
    uint32_t at_hand = (uint32_t)(cache->slab != NULL) + (cache->spare != NO_PAGE);
    uint32_t most = cache->slabs > at_hand ? cache->slabs - at_hand : 0, n = 0;

    for (unsigned level = 0; level < SLAB_LEVELS; level++)
        for (uint32_t pfn = cache->partial[level];
             n < most && is_slab_of(cache, pfn);
             pfn = heap.buddy.page[pfn].next)
            n++;
    return n;
}

static void fill_info(const struct kmem_cache *cache, struct mm_cache_info *info)
{
    uint32_t served = cache->slab ? slab_count_free(cache, cache->slab) : 0;
    bool served_is_empty = cache->slab && served == cache->slots;

    *info = (struct mm_cache_info){
        .name = cache->name,
        .object_size = cache->object_size,
        .slot_size = cache->slot_size,
        .slots_per_slab = cache->slots,
        .pages_per_slab = 1u << cache->order,
        .live = cache->allocs - cache->frees,
        .slots = cache->slabs * cache->slots,
        .slabs = cache->slabs,
        .peak_slabs = cache->peak_slabs,
        .empty_slabs = (uint32_t)served_is_empty + (cache->spare != NO_PAGE),
        .partial_slabs = count_partial(cache) + (served && !served_is_empty),
        .allocs = cache->allocs,
        .frees = cache->frees,
    };
    info->full_slabs = info->slabs - info->empty_slabs - info->partial_slabs;
}

void mm_walk_caches(bool (*fn)(const struct mm_cache_info *info, void *arg), void *arg)
{
    for (unsigned i = 0; i < MAX_CACHES; i++) {
        struct mm_cache_info info;

        if (!caches[i].name)
            continue;
        fill_info(&caches[i], &info);
        if (!fn(&info, arg))
            return;
    }
}

struct kmem_cache *mm_find_cache(const char *name)
{
    for (unsigned i = 0; i < MAX_CACHES; i++)
        if (caches[i].name && same_name(caches[i].name, name))
            return &caches[i];
    return NULL;
}

uint32_t mm_reports(void)
{
    return heap.reports;
}

uint32_t mm_last_serial(void)
{
    return heap.serial;
}

void mm_count_report(void)
{
    heap.reports++;
}

/* ---- the heap ------------------------------------------------------------ */

static bool add_cache(const struct mm_cache_info *info, void *arg)
{
    struct mm_stats *stats = arg;
    uint32_t pages = info->slabs * info->pages_per_slab;

    stats->slab_pages += pages;
    stats->empty_slab_pages += info->empty_slabs * info->pages_per_slab;
    stats->kmallocs += info->allocs;
    stats->kfrees += info->frees;
    return true;
}

static bool add_live(const struct mm_what *what, void *arg)
{
    struct mm_stats *stats = arg;
    uint32_t pages = (uint32_t)pages_for(what->bytes);

    if (what->kind == MM_USED_PAGES) {
        stats->live_pages += pages;
        return true;
    }
    if (what->kind == MM_LARGE)
        stats->large_pages += pages;
    stats->live_bytes += what->asked;
    return true;
}

static void count_free_blocks(struct mm_stats *stats)
{
    const struct buddy *b = &heap.buddy;

    for (unsigned order = 0; order <= MAX_PAGE_ORDER; order++)
        for (uint32_t pfn = b->free[order], n = 0; pfn < b->npages && n < b->npages;
             pfn = b->page[pfn].next, n++)
            stats->free_blocks[order]++;
    stats->free_blocks[0] += b->nkept;
}

void mm_get_stats(struct mm_stats *stats)
{
    memset(stats, 0, sizeof(*stats));
    mm_walk_live(add_live, stats);
    stats->total_pages = heap.total_pages;
    stats->free_pages = heap.buddy.nfree;
    stats->meta_pages = heap.meta_pages;
    stats->guarded_pages = heap.guarded_pages;
    stats->unguarded = heap.unguarded;
    stats->pages_allocated = heap.pages_allocated;
    stats->pages_freed = heap.pages_freed;
    stats->kmallocs = heap.large_allocs + heap.ended;
    stats->kfrees = heap.large_frees + heap.ended;
    stats->failed = heap.failed;
    stats->bad_frees = heap.bad_frees;
    stats->reports = heap.reports;
    stats->last_serial = heap.serial;
    stats->skipped = heap.skipped;
    mm_walk_caches(add_cache, stats);
    stats->live_objects = stats->kmallocs - stats->kfrees;
    count_free_blocks(stats);
}
