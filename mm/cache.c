/*
 * cache.c - object caches: their table.
 *
 * All caches stand in one table, so that a page struct names its cache in a byte:
 *
 *     0           no cache: what pages name that are in no slab
 *     1 .. 13     kmalloc-8 .. kmalloc-8k
 *     14 .. 127   those of kmem_cache_create
 *
 * Behind the number the byte has its parity, so that an overwritten bit names no cache:
 * the short ways would follow it to the first page of a slab that is none.
 *
 * Those of kmalloc are made by front/caches.c, the others by front/create.c;
 * kmem_cache_alloc and kmem_cache_free begin in short.c.
 */
#include "mm/enter_priv.h"
#include "mm/hooks_priv.h"
#include "mm/slab_priv.h"

/* ---- the table ---------------------------------------------------------- */

struct kmem_cache caches[MAX_CACHES];
struct kmem_cache *cache_named[2 * MAX_CACHES];

bool is_cache(const char *call, struct alloc_site *site, const struct kmem_cache *cache)
{
    if (is_cache_entry(cache) && cache->name)
        return true;
    mm_report(&(struct mm_report){ .bug = MM_BUG_NO_CACHE, .call = call,
                                   .caller = site, .what.addr = cache });
    return false;
}
