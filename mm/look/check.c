/*
 * check.c - mm_check(): walk everything, recount everything, believe nothing.
 *
 * The rules are numbered where they are kept: B in buddy.c, S in slab.c, M in mm.c.
 * The order matters: what a later check follows, an earlier one has proved.  So the
 * blocks of pages come first, then the slabs in them, then the sums.
 *
 * It finds what was broken, by a bug here or by a stray write; it cannot know a
 * wrong value that is consistent with all others.  Cost: linear in the heap.
 */
#include "mm/layout_priv.h"
#include "mm/partial_priv.h"
#include "mm/slab_priv.h"

static const void *where;       /* what is broken */

const void *mm_check_where(void)
{
    return where;
}

/* ---- one cache ---------------------------------------------------------- */

/* What the walk over all blocks finds of a cache. */
struct tally {
    uint32_t slabs, live;
    uint32_t waiting;           /* neither live nor free: in quarantine (S9) */
    uint32_t partial[SLAB_LEVELS];      /* by free slots; not served, not spare */
};

static struct tally tallies[MAX_CACHES];

static uint32_t count_waiting(const struct kmem_cache *cache, struct page *slab)
{
    struct slot slot = slot_of_slab(slab, 0);
    uint32_t n = 0;

    if (!heap.quarantined)
        return 0;
    for (; slot.index < cache->slots; slot.index++)
        n += !is_free_slot(&slot) && !is_live_slot(&slot);
    return n;
}

static void count_slab(struct page *slab)
{
    const struct kmem_cache *cache = &caches[slab->cache];
    struct tally *tally = &tallies[slab->cache];
    uint32_t nfree = slab_count_free(cache, slab);
    uint32_t waiting = count_waiting(cache, slab);

    tally->slabs++;
    tally->waiting += waiting;
    tally->live += cache->slots - nfree - waiting;
    if (nfree && !slab_is_kept(cache, slab))
        tally->partial[partial_level(nfree)]++;
}

/* S3: the list is n slabs long, each with that many free slots, linked back. */
static bool partial_is_right(const struct kmem_cache *cache, unsigned level, uint32_t n)
{
    uint32_t pfn = cache->partial[level];
    uint32_t before = NO_PAGE;

    if ((pfn != NO_PAGE) != (cache->levels >> level & 1))
        return false;
    for (; n; n--) {
        if (!is_slab_of(cache, pfn))
            return false;

        struct page *slab = &heap.buddy.page[pfn];

        uint32_t nfree = slab_count_free(cache, slab);

        if (slab->prev != before || !nfree || partial_level(nfree) != level)
            return false;
        before = pfn;
        pfn = slab->next;
    }
    return pfn == NO_PAGE;
}

/* S5: word, group and record belong together, in the slab that is served. */
static bool served_is_right(const struct kmem_cache *cache)
{
    if (!cache->slab)
        return *cache->word == 0;

    uint32_t pfn = pfn_of_page(cache->slab);

    if (!is_slab_of(cache, pfn))
        return false;

    uint32_t index = (uint32_t)(cache->word - map_of(cache, cache->slab)) * 32;
    struct slot slot = slot_of_slab(cache->slab, index);

    return index < cache->slots && cache->group == object_address(&slot) &&
           cache->group_record == slot_record(&slot);
}

static bool spare_is_right(const struct kmem_cache *cache)
{
    return cache->spare == NO_PAGE ||
           (is_slab_of(cache, cache->spare) &&
            &heap.buddy.page[cache->spare] != cache->slab &&
            slab_count_free(cache, &heap.buddy.page[cache->spare]) == cache->slots);
}

static const char *check_cache(const struct kmem_cache *cache)
{
    const struct tally *tally = &tallies[cache - caches];

    if (!spare_is_right(cache))
        return "S4: the spare slab is not an empty slab of its cache";
    for (unsigned level = 0; level < SLAB_LEVELS; level++)
        if (!partial_is_right(cache, level, tally->partial[level]))
            return "S3: a list of partial slabs is broken";
    if (tally->slabs != cache->slabs || tally->live != cache->allocs - cache->frees)
        return "S6: a cache's counters are not what its slabs hold";
    return NULL;
}

/* S8 and S5 of all caches: what the checks of single slabs build on. */
static const char *check_caches(void)
{
    for (unsigned i = 0; i < MAX_CACHES; i++) {
        if (!caches[i].name)
            continue;
        if (!cache_is_sound(&caches[i]))
            return "S8: a cache's layout does not follow from its slot size";
        if (!served_is_right(&caches[i]))
            return "S5: the word being served is not one of the served slab's";
    }
    return NULL;
}

static const char *check_slabs(void)
{
    for (uint32_t pfn = 0; pfn < heap.buddy.npages; pfn++) {
        struct page *page = &heap.buddy.page[pfn];

        if (page->kind != PG_SLAB) {
            if (page->cache != NO_CACHE)
                return "S1: a page that is in no slab names a cache";
            continue;
        }

        const char *broken = slab_fault(page, &where);

        if (broken)
            return broken;
        count_slab(page);
        pfn += (1u << page->order) - 1;
    }
    return NULL;
}

static const char *slab_check(void)
{
    const char *broken = check_caches();
    uint32_t waiting = 0;

    memset(tallies, 0, sizeof(tallies));
    if (!broken)
        broken = check_slabs();
    for (unsigned i = 0; i < MAX_CACHES && !broken; i++)
        if (caches[i].name)
            broken = check_cache(&caches[i]);
    for (unsigned i = 0; i < MAX_CACHES; i++)
        waiting += tallies[i].waiting;
    if (!broken && waiting != heap.quarantined)
        return "S9: a slot is neither live nor free nor in quarantine";
    return broken;
}

/* ---- the heap ----------------------------------------------------------- */

struct sums {
    uint32_t used, meta, live_pages;
    const char *broken;         /* the rule that a live block's record breaks */
};

static void add_record(const struct record *record, struct sums *sums)
{
    const char *fault = record_fault(record);

    if (sums->broken)
        return;                         /* the first is told, and where it is */
    if (!fault && !is_live(record))
        fault = "M5: the record of a live block of pages says that it is free";
    if (fault)
        where = record;
    sums->broken = fault;
}

static void add_block(const struct page *page, struct sums *sums)
{
    uint32_t pages = 1u << page->order;

    if (is_free_block(page))
        return;
    sums->used += pages;
    if (page->kind == PG_USED || page->kind == PG_PART)
        sums->live_pages += pages;
    if (heap.record && (page->kind == PG_USED || page->kind == PG_LARGE))
        add_record(&heap.record[page - heap.buddy.page], sums);
}

static const char *check_sums(void)
{
    struct sums sums = { 0, 0, 0, NULL };

    for (uint32_t pfn = 0; pfn < heap.buddy.npages; ) {
        const struct page *page = &heap.buddy.page[pfn];

        if (page->kind == PG_HOLE || page->kind == PG_META) {
            sums.meta += page->kind == PG_META;
            pfn++;
            continue;
        }
        add_block(page, &sums);
        pfn += 1u << page->order;
    }
    if (sums.meta != heap.meta_pages ||
        heap.total_pages != heap.buddy.nfree + sums.used + sums.meta)
        return "M1: total is not free + used";
    if (sums.live_pages != heap.pages_allocated - heap.pages_freed)
        return "M2: pages allocated and freed do not give the live pages";
    if (sums.broken)
        return sums.broken;
    if ((size_t)(mm_sites_end() - mm_sites()) >= UINT16_MAX)
        return "M4: there are more call sites than a record can name";
    return NULL;
}

const char *mm_check(void)
{
    const char *broken;
    uint32_t pfn;

    if (!mm_enter(NULL))
        return "the allocator is busy: it cannot be checked from here";
    where = NULL;
    broken = buddy_check(&heap.buddy, &pfn);
    if (pfn != NO_PAGE)
        where = address_of(pfn);
    if (!broken)
        broken = slab_check();
    if (!broken)
        broken = check_sums();
    mm_leave();
    return broken;
}
