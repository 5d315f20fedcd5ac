/*
 * short.c - the short ways: what a call does when nothing is in its way.
 *
 * Every allocation and every free begins here.  If mm is idle, no dial is on, a free
 * slot or block is at hand and the pointer is right, it also ends here: enter, prove,
 * change, leave.  All else is for the long way of the same name (kmalloc.c, cache.c,
 * page_alloc.c), which begins anew, can do everything, and reports what is wrong.  So a
 * short way never has to say why it cannot go on, and changes nothing before it is sure
 * that it can.
 *
 * Where GCC compiles them for the kernel, these functions alone push no frame pointer
 * (Makefile): that is a tenth of their instructions.  The long way is called last, and
 * returns to the caller by itself.  How to find the caller of the rest:
 * kernel/backtrace.c.
 *
 * Cost: all of it without a loop; see make bench.
 */
#include "mm/slab_priv.h"

/* ---- objects --------------------------------------------------------------------- */

/*
 * A slot of the word that the cache is serving.  False: there is none, or mm is busy.
 * The size asked for is read as late as possible, for the registers are few.
 */
SHORT bool take_at_once(struct kmem_cache *cache, struct alloc_site *site,
                        const uint32_t *size, void **p)
{
    if (unlikely(!mm_enter_at_once()))
        return false;

    uint32_t bits = *cache->word;

    if (likely(bits))
        *p = take_first(cache, bits, site, size);
    mm_leave();
    return likely(bits);
}

/* Who freed a slot of a page or more, whose record is one of the slab's pages. */
static RARE void record_freed(struct page *slab, uint32_t index,
                              struct alloc_site *site)
{
    heap.record[pfn_of_page(slab) + index].freed_by = site->number;
}

/* Take the slot at p back if it is handed out.  mm is entered.  False: it is free. */
SHORT bool give_back_slot(const void *p, const struct slot *slot,
                          struct alloc_site *site)
{
    struct kmem_cache *cache = slot->cache;
    uint32_t *word = slot_word(slot);
    uint32_t free = *word | slot_bit(slot);

    if (unlikely(free == *word))
        return false;
    *word = free;
    if (likely(cache->record_step)) {
        intptr_t to_record = (int32_t)slot->index * cache->record_step;

        ((struct record *)((uintptr_t)p + (uintptr_t)to_record +
                           cache->record_offset))->freed_by = site->number;
    } else if (cache->has_page_records) {
        record_freed(slot->slab, slot->index, site);
    }
    cache->frees++;
    if (unlikely(--slot->slab->countdown == 0))
        slab_resort(cache, slot->slab);
    return true;
}

static RARE void *kmalloc_zeroed(struct alloc_site *site, size_t size, gfp_t gfp)
{
    uint32_t asked = (uint32_t)size;
    void *p = NULL;

    if (likely(size - 1 < KMALLOC_MAX_CACHE_SIZE) &&
        likely(take_at_once(kmalloc_cache(size), site, &asked, &p)))
        return memset(p, 0, object_room(kmalloc_cache(size)));
    return kmalloc_long(site, size, gfp);
}

void *kmalloc_at(struct alloc_site *site, size_t size, gfp_t gfp)
{
    uint32_t asked = (uint32_t)size;
    void *p = NULL;

    if (gfp & __GFP_ZERO)
        return kmalloc_zeroed(site, size, gfp);
    if (likely(size - 1 < KMALLOC_MAX_CACHE_SIZE)) {
        struct kmem_cache *cache = kmalloc_cache(size);

        if (likely(take_at_once(cache, site, &asked, &p)))
            return p;
    }
    return kmalloc_long(site, size, gfp);
}

void kfree_at(struct alloc_site *site, const void *p)
{
    if (likely(mm_enter_at_once())) {
        struct slot slot;
        bool done = find_slot(p, &slot) && give_back_slot(p, &slot, site);

        mm_leave();
        if (likely(done))
            return;
    }
    kfree_long(site, p);
}

void *kmem_cache_alloc_at(struct alloc_site *site, struct kmem_cache *cache, gfp_t gfp)
{
    void *p = NULL;

    if (likely(is_cache_entry(cache)) &&
        likely(take_at_once(cache, site, &cache->object_size, &p)))
        return gfp & __GFP_ZERO ? memset(p, 0, object_room(cache)) : p;
    return cache_alloc_long(site, cache, gfp);
}

void kmem_cache_free_at(struct alloc_site *site, struct kmem_cache *cache, void *p)
{
    if (likely(mm_enter_at_once())) {
        struct slot slot;
        bool done = find_slot_of(cache, p, &slot) && give_back_slot(p, &slot, site);

        mm_leave();
        if (likely(done))
            return;
    }
    cache_free_long(site, cache, p);
}

/* ---- pages ----------------------------------------------------------------------- */

/* A block, a single page above all; or NO_PAGE. */
SHORT uint32_t take_pages_at_once(struct alloc_site *site, gfp_t gfp, unsigned order)
{
    uint32_t pfn = NO_PAGE;

    if (unlikely(gfp & __GFP_ZERO) || unlikely(order > MAX_PAGE_ORDER) ||
        unlikely(!mm_enter_at_once()))
        return NO_PAGE;
    if (order == 0) {
        pfn = buddy_take_kept(&heap.buddy);
        if (likely(pfn != NO_PAGE))
            account_pages(site, pfn, 1);
    }
    if (unlikely(pfn == NO_PAGE)) {
        pfn = buddy_alloc(&heap.buddy, order);
        if (pfn != NO_PAGE)
            account_pages(site, pfn, 1u << order);
    }
    mm_leave();
    return pfn;
}

struct page *alloc_pages_at(struct alloc_site *site, gfp_t gfp, unsigned order)
{
    uint32_t pfn = take_pages_at_once(site, gfp, order);

    return likely(pfn != NO_PAGE) ? &heap.buddy.page[pfn]
                                  : alloc_pages_long(site, gfp, order);
}

unsigned long get_free_pages_at(struct alloc_site *site, gfp_t gfp, unsigned order)
{
    uint32_t pfn = take_pages_at_once(site, gfp, order);

    return likely(pfn != NO_PAGE) ? (unsigned long)address_of(pfn)
                                  : get_free_pages_long(site, gfp, order);
}

/* pfn is a page's number.  False: nothing was done. */
SHORT bool free_order_at_once(struct alloc_site *site, uint32_t pfn, unsigned order)
{
    if (unlikely(!mm_enter_at_once()))
        return false;

    bool done = is_block_of(&heap.buddy.page[pfn], order);

    if (likely(done)) {
        if (likely(heap.record))
            heap.record[pfn].freed_by = site->number;
        heap.pages_freed += 1u << order;
        if (order || !buddy_keep(&heap.buddy, pfn))
            buddy_free(&heap.buddy, pfn);
    }
    mm_leave();
    return done;
}

/* The same; for single pages, which are most, there is less to do. */
SHORT bool free_at_once(struct alloc_site *site, uint32_t pfn, unsigned order)
{
    return likely(order == 0) ? free_order_at_once(site, pfn, 0)
                              : free_order_at_once(site, pfn, order);
}

void free_pages_at(struct alloc_site *site, struct page *page, unsigned order)
{
    uint32_t pfn = 0;

    if (unlikely(!find_page(page, &pfn) || !free_at_once(site, pfn, order)))
        free_pages_long(site, page, order);
}

void free_pages_addr_at(struct alloc_site *site, unsigned long addr, unsigned order)
{
    uintptr_t pfn = pfn_of((void *)addr);

    if (unlikely(addr & (PAGE_SIZE - 1) || pfn >= heap.buddy.npages ||
                 !free_at_once(site, (uint32_t)pfn, order)))
        free_pages_addr_long(site, addr, order);
}
