/*
 * partial.c - the lists of partial slabs: those with free slots that wait to be served.
 *
 *     partial[0]  slabs with 1 to 3 free slots  served first: full slabs stay
 *     partial[1]  4 to 15 free slots            full, and emptying ones get the
 *     partial[2]  16 to 63 free slots  ...      time to become empty
 *
 * A slab changes lists only when its number of free slots reaches a power of four, and
 * its page struct counts the frees down that are left until then: that is all a free
 * has to do for it (S3).  While a slab is being served it is on no list, and needs
 * none.  One that was set aside has no countdown: 0.
 *
 * No link is followed that the neighbours do not confirm.
 *
 * Cost: O(1).
 */
#include "mm/slot_priv.h"

uint32_t partial_countdown(const struct kmem_cache *cache, uint32_t nfree)
{
    uint32_t next = nfree ? 4u << 2 * partial_level(nfree) : 1;

    return (next < cache->slots ? next : cache->slots) - nfree;
}

bool partial_is_linked(const struct kmem_cache *cache, const struct page *slab,
                       unsigned level)
{
    uint32_t pfn = pfn_of_page(slab);

    if (slab->next != NO_PAGE && (!is_slab_of(cache, slab->next) ||
                                  heap.buddy.page[slab->next].prev != pfn))
        return false;
    if (slab->prev == NO_PAGE)
        return cache->partial[level] == pfn;
    return is_slab_of(cache, slab->prev) && heap.buddy.page[slab->prev].next == pfn;
}

bool partial_add(struct kmem_cache *cache, struct page *slab, uint32_t nfree)
{
    unsigned level = partial_level(nfree);
    uint32_t first = cache->partial[level];

    if (first != NO_PAGE && unlikely(!is_slab_of(cache, first)))
        return false;
    slab->countdown = (uint16_t)partial_countdown(cache, nfree);
    slab->prev = NO_PAGE;
    slab->next = first;
    if (first != NO_PAGE)
        heap.buddy.page[first].prev = pfn_of_page(slab);
    cache->partial[level] = pfn_of_page(slab);
    cache->levels |= (uint16_t)(1u << level);
    return true;
}

void partial_remove(struct kmem_cache *cache, struct page *slab, unsigned level)
{
    if (slab->next != NO_PAGE)
        heap.buddy.page[slab->next].prev = slab->prev;
    if (slab->prev != NO_PAGE)
        heap.buddy.page[slab->prev].next = slab->next;
    else if ((cache->partial[level] = slab->next) == NO_PAGE)
        cache->levels &= (uint16_t)~(1u << level);
}

struct page *partial_first(const struct kmem_cache *cache, unsigned level)
{
    uint32_t pfn = cache->partial[level];

    if (likely(is_slab_of(cache, pfn) &&
               partial_is_linked(cache, &heap.buddy.page[pfn], level)))
        return &heap.buddy.page[pfn];
    return NULL;
}

bool slab_is_at_hand(const struct kmem_cache *cache, const struct page *slab)
{
    return slab == cache->slab || pfn_of_page(slab) == cache->spare;
}
