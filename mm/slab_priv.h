/*
 * slab_priv.h - object caches: how a slot is found and taken, and what slab.c, cache.c
 * and kmalloc.c do for others.  slab.c tells the whole story.
 */
#ifndef MM_SLAB_PRIV_H
#define MM_SLAB_PRIV_H

#include "mm/enter_priv.h"
#include "mm/slot_priv.h"

/* ---- taking a slot ---------------------------------------------------------- */

/* Point the cache at 32 slots with a free one among them.  False: no memory. */
bool slab_refill(struct kmem_cache *cache, const struct mm_request *request);

/* A slab's countdown is over: it has another place now (S3, S4). */
void slab_resort(struct kmem_cache *cache, struct page *slab);

/* Take the first free slot of the word being served, whose bits are given: its bit. */
static inline uint32_t take_bit(struct kmem_cache *cache, uint32_t bits)
{
    uint32_t bit = (uint32_t)__builtin_ctz(bits);

    *cache->word = bits & ~(1u << bit);
    cache->allocs++;
    return bit;
}

/* Hand out a slot of whichever slab, to that taker.  mm is entered.  NULL: no memory. */
static inline void *take_slot(struct kmem_cache *cache, const struct mm_request *request,
                              const struct alloc_site *taker)
{
    if (!*cache->word && !slab_refill(cache, request))
        return NULL;

    uint32_t bit = take_bit(cache, *cache->word);

    if (cache->group_record)
        record_taken(cache->group_record + bit, taker->number,
                     (uint32_t)request->bytes);
    return cache->group + bit * cache->slot_size;
}

/* ---- the longer ways: slab.c ------------------------------------------------ */

/* Free the live object in this slot.  mm is entered. */
void slab_free(const struct slot *slot, struct alloc_site *site);
/* One half of it: the slot, whose object was freed before, may be handed out again. */
void slab_put_back(const struct slot *slot);
/* Put a slab that is not served any more where it belongs (S3, S4). */
void slab_shelve(struct kmem_cache *cache, struct page *slab, uint32_t nfree);
/*
 * Give back what is held in quarantine, and all empty slabs of all caches; how many
 * pages.  mm is entered.
 */
uint32_t slab_reclaim(void);
/* The same of one cache. */
void slab_shrink(struct kmem_cache *cache);

/* The cache hands out nothing until it has a slab. */
void slab_serve_nothing(struct kmem_cache *cache);

/* ---- caches: cache.c, kmalloc.c ----------------------------------------------- */

/* A cache that was made and not destroyed?  If not, that is reported. */
bool is_cache(const char *call, struct alloc_site *site, const struct kmem_cache *cache);
/* Of any size, in any state of mm, for the call of that name; reports failure. */
void *kmalloc_any(const char *call, struct alloc_site *site, size_t size, gfp_t gfp);
/* The long ways of short.c. */
void *kmalloc_long(struct alloc_site *site, size_t size, gfp_t gfp);
void *cache_alloc_long(struct alloc_site *site, struct kmem_cache *cache, gfp_t gfp);
/* front/caches.c: fill in an entry of the table; size and align are sound. */
void cache_setup(struct kmem_cache *cache, const char *name, size_t size, size_t align,
                 void (*ctor)(void *));
/* The same: make those that are there from the start. */
void caches_init(void);

#endif
