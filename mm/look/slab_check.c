/*
 * slab_check.c - the rules of slab.c, proved: cache by cache what its slabs are held
 * against, then slab by slab, then the sums.
 *
 * The blocks of pages were proved before (buddy_check.c), so a slab's pages are there.
 *
 * Reads only.  Cost: linear in the slots of all slabs.
 */
#include "mm/look/look_priv.h"

#include "mm/object_priv.h"
#include "mm/slab_priv.h"

/* ---- one cache ---------------------------------------------------------- */

/* What the walk over all blocks finds of a cache. */
struct tally {
    uint32_t slabs, live;
    uint32_t quarantined;           /* neither live nor free: in quarantine (S9) */
    uint32_t partial[SLAB_LEVELS];      /* by free slots; not served, not spare */
};

static struct tally tallies[MAX_CACHES];

static uint32_t count_quarantined(const struct kmem_cache *cache, struct page *slab)
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
    const struct kmem_cache *cache = cache_of(slab);
    struct tally *tally = &tallies[cache_number(cache)];
    uint32_t nfree = slab_count_free(cache, slab);
    uint32_t quarantined = count_quarantined(cache, slab);

    tally->slabs++;
    tally->quarantined += quarantined;
    tally->live += cache->slots - nfree - quarantined;
    if (nfree && !slab_is_at_hand(cache, slab))
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
    const struct tally *tally = &tallies[cache_number(cache)];

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

/* M6; a guarded object is in no slab, but is one of the cache's, too. */
static bool count_guarded(const struct page *page)
{
    struct object object = object_at(page_address(page));

    if (object.is_broken || object.kind == MM_LARGE)
        return false;
    tallies[cache_number(object.slot.cache)].live += object.kind == MM_GUARDED;
    return true;
}

static const char *check_slabs(const void **where)
{
    for (uint32_t pfn = 0, behind; pfn < heap.buddy.npages; pfn = behind) {
        struct page *page = &heap.buddy.page[pfn];

        behind = pfn + 1;
        if (page->kind != PG_SLAB) {
            if (page->cache != NO_CACHE) {
                *where = address_of(pfn);
                return "S1: a page that is in no slab names a cache";
            }
            if (is_guarded(page) && !count_guarded(page)) {
                *where = address_of(pfn);
                return "M6: a guarded object does not lie as one of its cache";
            }
            continue;
        }

        const char *broken = slab_fault(page, where);

        if (broken)
            return broken;
        count_slab(page);
        behind = buddy_next(&heap.buddy, pfn);
    }
    return NULL;
}

const char *slab_check(const void **where)
{
    const char *broken = check_caches();
    uint32_t quarantined = 0;

    memset(tallies, 0, sizeof(tallies));
    if (!broken)
        broken = check_slabs(where);
    for (unsigned i = 0; i < MAX_CACHES && !broken; i++)
        if (caches[i].name)
            broken = check_cache(&caches[i]);
    for (unsigned i = 0; i < MAX_CACHES; i++)
        quarantined += tallies[i].quarantined;
    if (!broken && quarantined != heap.quarantined)
        return "S9: a slot is neither live nor free nor in quarantine";
    return broken;
}
