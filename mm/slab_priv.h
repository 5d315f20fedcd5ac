/*
 * slab_priv.h - object caches: the proof of a pointer, and the two short paths that
 * kmalloc.c and cache.c share.  slab.c tells the whole story.
 */
#ifndef MM_SLAB_PRIV_H
#define MM_SLAB_PRIV_H

#include "mm/slot_priv.h"

/* The proof: p is the start of a slot, handed out or not.  Reads only. */
static inline bool find_slot(const void *p, struct slot *slot)
{
    uintptr_t pfn = pfn_of(p);

    if (unlikely(pfn >= heap.buddy.npages))
        return false;

    struct page *page = &heap.buddy.page[pfn];
    struct kmem_cache *cache = cache_numbered[page->cache];
    uint32_t offset = (uint32_t)(uintptr_t)p & cache->offset_mask;

    if (unlikely(offset >= cache->slots_end))
        return false;           /* as every offset is in a page of no slab */
    if (offset >= PAGE_SIZE)
        page -= offset >> PAGE_SHIFT;

    uint64_t quotient = divide(cache, offset);

    slot->cache = cache;
    slot->slab = page;
    slot->index = (uint32_t)(quotient >> 32);
    return likely((uint32_t)quotient < cache->reciprocal);
}

/* The proof for any cache: p is the start of an object, handed out or not. */
static inline bool find_object(const void *p, struct slot *slot)
{
    uintptr_t pfn = pfn_of(p);

    if (pfn >= heap.buddy.npages)
        return false;

    uint32_t left = cache_numbered[heap.buddy.page[pfn].cache]->left;

    return find_slot((const char *)p - left, slot) && object_address(slot) == p;
}

/* ---- the two short paths --------------------------------------------------- */

/* Point the cache at 32 slots with a free one among them.  False: no memory. */
bool slab_refill(struct kmem_cache *cache, gfp_t gfp);

/* Note who freed a slot whose record is that of a page. */
void slab_record_freed(struct page *slab, uint32_t index, struct alloc_site *site);

/* A slab's countdown is over: it has another place now (S3, S4). */
void slab_resort(struct kmem_cache *cache, struct page *slab);

/* Hand out the first free slot of the word being served, whose bits are given. */
static inline void *take_first(struct kmem_cache *cache, uint32_t bits,
                               struct alloc_site *site, const uint32_t *size)
{
    uint32_t bit = (uint32_t)__builtin_ctz(bits);
    struct record *records = cache->group_record;

    *cache->word = bits & (bits - 1);
    cache->allocs++;
    if (likely(records))
        record_taken(records + bit, site, *size);
    return cache->group + bit * cache->slot_size;
}

/* Hand out a slot of whichever slab.  mm is entered.  NULL: no memory. */
static inline void *take_slot(struct kmem_cache *cache, struct alloc_site *site,
                              uint32_t size, gfp_t gfp)
{
    if (!*cache->word && !slab_refill(cache, gfp))
        return NULL;
    return take_first(cache, *cache->word, site, &size);
}

/*
 * Hand out a slot if that can be done at once.  False: it takes longer.  The size
 * asked for is read as late as possible, for the registers are few.
 */
static inline bool take_slot_at_once(struct kmem_cache *cache,
                                     struct alloc_site *site, const uint32_t *size,
                                     void **p)
{
    if (unlikely(!mm_enter_at_once()))
        return false;

    uint32_t bits = *cache->word;

    if (likely(bits))
        *p = take_first(cache, bits, site, size);
    mm_leave();
    return bits != 0;
}

/* Take the slot at p back if it is handed out.  mm is entered.  False: it is free. */
static inline bool give_back_slot(const void *p, const struct slot *slot,
                                  struct alloc_site *site)
{
    struct kmem_cache *cache = slot->cache;
    uint32_t *word = slot_word(slot);
    uint32_t bit = slot_bit(slot);

    if (unlikely(*word & bit))
        return false;
    *word |= bit;
    cache->frees++;

    if (likely(cache->record_step)) {
        intptr_t to_record = (int32_t)slot->index * cache->record_step;

        ((struct record *)((uintptr_t)p + (uintptr_t)to_record +
                           cache->record_offset))->freed_by = site->number;
    } else if (heap.record) {
        slab_record_freed(slot->slab, slot->index, site);
    }
    if (unlikely(--slot->slab->countdown == 0))
        slab_resort(cache, slot->slab);
    return true;
}

/* ---- the longer ways: slab.c ------------------------------------------------ */

/* Free the live object in this slot.  mm is entered. */
void slab_free(const struct slot *slot, struct alloc_site *site);
/* One half of it: the slot, whose object was freed before, may be handed out again. */
void slab_put_back(const struct slot *slot);
/* Call fn for each slab of this cache. */
void slab_for_each(struct kmem_cache *cache, void (*fn)(struct kmem_cache *cache,
                                                      struct page *slab));
/*
 * Make the cache's lists anew, from what the page structs and maps say.  Slabs that
 * have a fault are set aside: not served any more, and on no list.
 */
void slab_mend(struct kmem_cache *cache);
/* Give back all empty slabs of all caches; how many pages.  mm is entered. */
uint32_t slab_reclaim(void);
uint32_t slab_shrink(struct kmem_cache *cache);
/* A block of 2^order pages, giving empty slabs back if gfp allows; or NO_PAGE. */
uint32_t pages_take(unsigned order, gfp_t gfp);

/* The cache hands out nothing until it has a slab. */
void slab_serve_nothing(struct kmem_cache *cache);

/* ---- caches: cache.c, kmalloc.c ----------------------------------------------- */

/* Allocate in any state of mm; reports failure. */
void *cache_alloc(struct kmem_cache *cache, const struct mm_request *request);
/* Make the caches that are there from the start. */
void cache_init(void);
/* Know which of them is for which size. */
void kmalloc_init(void);

#endif
