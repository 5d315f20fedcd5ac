/*
 * slab_fault.c - what a slab must be to be believed, and lists made anew of those that
 * are.
 *
 * Before anybody follows what a page struct, a map or a record says, or hands out a
 * slot by it, this can be asked: is it so?  The rules are those of slab.c and init.c.
 * A slab whose shape or records are wrong is not fit to be served: it is set aside, and
 * stays aside.
 *
 * Cost: a slab's faults are searched slot by slot; mending walks all pages.
 */
#include "mm/look/look_priv.h"

#include "mm/heap_priv.h"
#include "mm/slab_priv.h"

/* ---- what a record may say ---------------------------------------------- */

const char *record_fault(const struct record *record)
{
    if (record->serial > heap.serial)           /* they do not wrap */
        return "M3: a serial number is newer than the newest";
    if ((record->site && !site_of(record->site)) ||
        (record->freed_by && !site_of(record->freed_by)))
        return "M4: a record names a call site that does not exist";
    return NULL;
}

/* ---- its map ------------------------------------------------------------ */

/* S2: no bit is past the last slot, and none in the page struct if it lies apart. */
static bool map_is_right(const struct kmem_cache *cache, struct page *slab)
{
    uint32_t last = cache->slots & 31;

    return (last == 0 || map_of(cache, slab)[cache->slots / 32] >> last == 0) &&
           (!cache->map_word || slab->map == 0);
}

/* ---- its records -------------------------------------------------------- */

/* What is wrong with the record of a slot that is free or not, or NULL: S7, M3, M4. */
static const char *slot_fault(const struct record *record, bool is_free)
{
    if (is_free ? is_live(record) : !is_live(record) && !heap.quarantined)
        return "S7: a slot's record does not agree with the map";
    return record_fault(record);
}

/* Of its records, if its shape is right: NULL, or S7, M3 or M4, and where. */
static const char *slab_records_fault(struct page *slab, const void **where)
{
    struct slot slot = slot_of_slab(slab, 0);

    for (; slot.index < slot.cache->slots; slot.index++) {
        const struct record *record = slot_record(&slot);
        const char *fault = record ? slot_fault(record, is_free_slot(&slot)) : NULL;

        if (fault) {
            *where = record;
            return fault;
        }
    }
    return NULL;
}

/* ---- its pages ---------------------------------------------------------- */

/* S1. */
static bool names_its_cache(const struct page *slab)
{
    const struct kmem_cache *cache = cache_of(slab);

    if (!cache->name || slab->order != cache->order ||
        !is_slab_of(cache, pfn_of_page(slab)))
        return false;
    for (uint32_t i = 0; i < 1u << slab->order; i++)
        if (slab[i].cache != slab->cache || slab[i].order != slab->order ||
            slab[i].kind != PG_SLAB)
            return false;
    return true;
}

const char *slab_shape_fault(struct page *slab)
{
    if (!names_its_cache(slab))
        return "S1: a slab's pages do not name one cache of their order";
    if (!map_is_right(cache_of(slab), slab))
        return "S2: a slab's map has a bit that stands for no slot";
    return NULL;
}

bool slab_is_fit(struct page *slab)
{
    const void *where;

    return !slab_shape_fault(slab) && !slab_records_fault(slab, &where);
}

/* ---- its place ---------------------------------------------------------- */

/* S3, S4: is it where it belongs? */
static const char *place_fault(struct page *slab)
{
    const struct kmem_cache *cache = cache_of(slab);
    uint32_t nfree = slab_count_free(cache, slab);

    if (slab_is_at_hand(cache, slab))
        return NULL;
    if (nfree == cache->slots)
        return "S4: an empty slab is neither spare nor served";
    if (slab->countdown != partial_countdown(cache, nfree))
        return "S3: a slab's countdown does not end where the next level begins";
    return NULL;
}

/*
 * Was it set aside?  Then its countdown began at 0, and that of any other which is on a
 * list or full is not that long.  One at hand counts nothing, and is never aside.
 */
static bool slab_is_aside(const struct page *slab)
{
    return !slab_is_at_hand(cache_of(slab), slab) &&
           (uint16_t)(slab->countdown - 1) >= MAX_SLOTS;
}

const char *slab_fault(struct page *slab, const void **where)
{
    const char *fault = slab_shape_fault(slab);
    bool aside = slab_is_aside(slab);

    if (!fault && !aside)
        fault = place_fault(slab);
    if (!fault && (fault = slab_records_fault(slab, where)))
        return fault;                   /* if it is aside, that is why */
    if (!fault && aside)
        fault = place_fault(slab);
    if (fault)
        *where = slab_start(slab);
    return fault;
}

/* ---- lists made anew ----------------------------------------------------- */

/* A slab with a fault is on no list from now on, whatever is still freed into it. */
static void set_aside(struct kmem_cache *cache, struct page *slab)
{
    slab->countdown = 0;        /* it has fewer slots than frees until 0 comes again */
    if (slab == cache->slab)
        slab_serve_nothing(cache);
}

static void put_where_it_belongs(struct kmem_cache *cache, struct page *slab)
{
    if (!slab_is_fit(slab))
        set_aside(cache, slab);
    else if (slab != cache->slab)
        slab_shelve(cache, slab, slab_count_free(cache, slab));
}

void slab_mend(struct kmem_cache *cache)
{
    for (unsigned level = 0; level < SLAB_LEVELS; level++)
        cache->partial[level] = NO_PAGE;
    cache->levels = 0;
    cache->spare = NO_PAGE;
    for (uint32_t pfn = 0; pfn < heap.buddy.npages; pfn += 1u << cache->order)
        if (is_slab_of(cache, pfn))
            put_where_it_belongs(cache, &heap.buddy.page[pfn]);
}
