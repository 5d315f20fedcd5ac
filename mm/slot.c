/*
 * slot.c - the table of caches, and what a slab of one must be to be believed.
 *
 * Before anybody follows what a page struct, a map or a record says, or hands out a
 * slot by it, this can be asked: is it so?  The rules are those of slab.c and mm.c.
 * A slab whose shape or records are wrong is not fit to be served: it is set aside, and
 * stays aside.
 *
 * Cost: a slab's faults are searched slot by slot.
 */
#include "mm/slot_priv.h"

struct kmem_cache caches[MAX_CACHES];
struct kmem_cache *cache_numbered[MAX_CACHES];

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

const char *slab_records_fault(struct page *slab, const void **where)
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
    const struct kmem_cache *cache = &caches[slab->cache];

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
    if (!map_is_right(&caches[slab->cache], slab))
        return "S2: a slab's map has a bit that stands for no slot";
    return NULL;
}

bool slab_is_fit(struct page *slab)
{
    const void *where;

    return !slab_shape_fault(slab) && !slab_records_fault(slab, &where);
}
