/*
 * short.c - the short ways: what a call does when nothing is in its way.
 *
 * Every allocation and every free begins here.  If mm is idle, no dial is on, a free
 * slot or block is at hand and the pointer is right, it also ends here: enter, prove,
 * change, leave.  All else is for the long way of the same name (kmalloc.c, free.c,
 * page_alloc.c), which begins anew, can do everything, and reports what is wrong.  So a
 * short way never has to say why it cannot go on, and changes nothing before it is sure
 * that it can.
 *
 * Where GCC compiles them for the kernel, these functions alone push no frame pointer
 * (Makefile): that is a tenth of their instructions.  The long way is called last, and
 * returns to the caller by itself.  How to find the caller of the rest:
 * kernel/backtrace.c.
 *
 * Registers are what a 32-bit x86 has fewest of: three for the arguments, three that
 * must be saved.  So nothing is kept here that can be had again: mm_state says who
 * called; what is used twice is read twice; an address that is proved to be that of a
 * slot can be told from the slot.
 *
 * A slab's map is in its page struct, or behind its slots if they are many.  That is all
 * in which the two differ, and yet each is given back by a straight line of its own: in
 * one for both the address of the map would be a value more to keep.
 *
 * Cost: all of it without a loop; see make bench.
 */
#include "mm/enter_priv.h"
#include "mm/free_priv.h"
#include "mm/pages_priv.h"
#include "mm/slab_priv.h"

/* Memory as words, numbered from the heap's base. */
enum { WORD_IN_PAGE = PAGE_SIZE / sizeof(uint32_t) - 1,
       RECORD_WORDS = sizeof(struct record) / sizeof(uint32_t) };

SHORT uint32_t *heap_word(uintptr_t number)
{
    return (uint32_t *)(heap_base() + number * sizeof(uint32_t));
}

SHORT uintptr_t heap_word_of(const void *p)
{
    return ((uintptr_t)p - heap_base()) / sizeof(uint32_t);
}

/* ---- objects --------------------------------------------------------------------- */

/* It is added to in memory: that takes no register.  It does not wrap: mind_serials(). */
SHORT uint32_t new_serial(void)
{
    heap.serial++;
    mm_barrier();
    return heap.serial;
}

/*
 * A slot of the word that the cache serves, for an object of `size` bytes; 0: of the
 * cache's size.  mm is entered.  False: there is none.
 */
SHORT bool take_at_once(struct kmem_cache *cache, uint32_t size, void **p)
{
    uint32_t bits = *cache->word;

    if (unlikely(!bits))
        return false;

    uint32_t bit = take_bit(cache, bits);

    if (likely(cache->group_record)) {
        struct record *record = cache->group_record + bit;

        record->size = size ? size : cache->object_size;
        record->serial = new_serial();
        mm_barrier();           /* as record_taken */
        record->sites = mm_caller()->number;
    }
    *p = cache->group + bit * cache->slot_size;
    return true;
}

/* Leave, with nothing done; whose call it was. */
SHORT struct alloc_site *leave_undone(void)
{
    struct alloc_site *site = mm_caller();

    mm_leave();
    return site;
}

/*
 * Set a slot's bit, which lies in that word.  False: it is set.
 *
 * The word is read again to be compared, which volatile makes the compiler do: of two
 * values at once one would be on the stack (4 instructions of a pair, of 95 to 103).
 */
SHORT bool set_free(uint32_t *word, uint32_t index)
{
    uint32_t free = *(volatile uint32_t *)word | 1u << (index & 31);

    if (unlikely(free == *word))
        return false;
    *word = free;
    return true;
}

SHORT void count_free(struct kmem_cache *cache, struct page *slab)
{
    cache->frees++;
    if (unlikely(--slab->countdown == 0))
        slab_resort(cache, slab);
}

/* Where the slot is, for the long way. */
static RARE const void *address_of_slot(struct page *slab, uint32_t index)
{
    struct slot slot = slot_of_slab(slab, index);

    return slot_address(&slot);
}

/*
 * Of a slab of many slots, at that offset: a page with its map behind the slots.  Its
 * words are numbered from the heap's base, so that one number leads to the map and, with
 * what is below a page cut off, to the records.
 */
SHORT bool give_back_of_many(struct kmem_cache *cache, struct page *slab,
                             uint32_t offset, const void **p)
{
    uint32_t index;

    if (!starts_slot(cache, offset, &index))
        return false;

    uintptr_t number = (heap_word_of(*p) & ~(uintptr_t)WORD_IN_PAGE) + cache->map_word +
                       index / 32;

    if (!set_free(heap_word(number), index)) {
        *p = address_of_slot(slab, index);      /* as it was, but had again */
        return false;
    }
    if (likely(cache->record_place == RECORD_IN_SLAB)) {
        number = (number & ~(uintptr_t)WORD_IN_PAGE) + index * RECORD_WORDS;

        char *record = (char *)heap_word(number) + cache->record_offset;

        ((struct record *)(void *)record)->freed_by = mm_caller()->number;
    }
    count_free(cache, slab);
    return true;
}

/*
 * RECORD_IN_SLAB: who freed the slot at p.  From slot i it is i steps back to the slab's
 * first slot, of slot_size each, and i on from the first record, of 12 each: record_step
 * is both, so it takes one multiplication.
 */
SHORT void note_in_slab(const struct kmem_cache *cache, const void *p, uint32_t index)
{
    intptr_t step = (int32_t)index * cache->record_step;
    uintptr_t record = (uintptr_t)p + (uintptr_t)step + cache->record_offset;

    ((struct record *)record)->freed_by = mm_caller()->number;
}

/* RECORD_OF_PAGE: the same. */
SHORT void note_of_page(const struct kmem_cache *cache, const void *p, uint32_t index)
{
    uintptr_t start = (uintptr_t)p - index * cache->slot_size;
    struct record *record = &heap.record[pfn_of((void *)start) + index];

    record->freed_by = mm_caller()->number;
}

/* Of a slab of few slots: one page or more, with the map in the first's struct. */
SHORT bool give_back_of_few(struct kmem_cache *cache, struct page *page,
                            uint32_t offset, const void *p)
{
    uint32_t index;

    if (!starts_slot(cache, offset, &index))
        return false;

    struct page *slab = slab_head(cache, page);

    if (!set_free(&slab->map, index))
        return false;
    if (likely(cache->record_place == RECORD_IN_SLAB))
        note_in_slab(cache, p, index);
    else if (cache->record_place == RECORD_OF_PAGE)
        note_of_page(cache, p, index);
    count_free(cache, slab);
    return true;
}

/*
 * Take back what starts at *p, in this page of the cache, if that is a slot that is
 * handed out.  mm is entered.  False: it is none; *p is the same.
 */
SHORT bool give_back(struct kmem_cache *cache, struct page *page, const void **p)
{
    uint32_t offset = (uint32_t)(uintptr_t)*p & cache->offset_mask;

    if (offset < cache->many_end)
        return give_back_of_many(cache, page, offset, p);
    return likely(offset < cache->slots_end) &&
           give_back_of_few(cache, page, offset, *p);
}

/* A cleared object, of `size` bytes or, 0, of the cache's size.  NULL: the long way. */
SHORT void *take_zeroed_at_once(struct alloc_site *site, struct kmem_cache *cache,
                                uint32_t size)
{
    void *p = NULL;

    if (unlikely(!mm_enter_at_once(site)))
        return NULL;

    bool done = take_at_once(cache, size, &p);

    mm_leave();
    return likely(done) ? memset(p, 0, object_room(cache)) : NULL;
}

static RARE void *kmalloc_zeroed(struct alloc_site *site, size_t size, gfp_t gfp)
{
    void *p = NULL;

    if (likely(size - 1 < KMALLOC_MAX_CACHE_SIZE))
        p = take_zeroed_at_once(site, kmalloc_cache(size), (uint32_t)size);
    return likely(p) ? p : kmalloc_long(site, size, gfp);
}

void *kmalloc_at(struct alloc_site *site, size_t size, gfp_t gfp)
{
    uint32_t asked = (uint32_t)size;
    void *p = NULL;

    if (gfp & __GFP_ZERO)
        return kmalloc_zeroed(site, size, gfp);
    if (likely(size - 1 < KMALLOC_MAX_CACHE_SIZE)) {
        struct kmem_cache *cache = kmalloc_cache(size);

        if (likely(mm_enter_at_once(site))) {
            if (likely(take_at_once(cache, asked, &p))) {
                mm_leave();
                return p;
            }
            site = leave_undone();
        }
    }
    return kmalloc_long(site, size, gfp);
}

void kfree_at(struct alloc_site *site, const void *p)
{
    if (likely(mm_enter_at_once(site))) {
        uintptr_t pfn = pfn_of(p);

        if (likely(pfn < heap.buddy.npages)) {
            struct page *page = &heap.buddy.page[pfn];

            if (likely(give_back(cache_of(page), page, &p))) {
                mm_leave();
                return;
            }
        }
        site = leave_undone();
    }
    kfree_long(site, p);
}

static RARE void *cache_alloc_zeroed(struct alloc_site *site, struct kmem_cache *cache,
                                     gfp_t gfp)
{
    void *p = is_cache_entry(cache) ? take_zeroed_at_once(site, cache, 0) : NULL;

    return likely(p) ? p : cache_alloc_long(site, cache, gfp);
}

void *kmem_cache_alloc_at(struct alloc_site *site, struct kmem_cache *cache, gfp_t gfp)
{
    void *p = NULL;

    if (gfp & __GFP_ZERO)
        return cache_alloc_zeroed(site, cache, gfp);
    if (likely(is_cache_entry(cache)) && likely(mm_enter_at_once(site))) {
        if (likely(take_at_once(cache, 0, &p))) {
            mm_leave();
            return p;
        }
        site = leave_undone();
    }
    return cache_alloc_long(site, cache, gfp);
}

void kmem_cache_free_at(struct alloc_site *site, struct kmem_cache *cache, void *p)
{
    const void *object = p;

    if (likely(mm_enter_at_once(site))) {
        uintptr_t pfn = pfn_of(object);

        if (likely(pfn < heap.buddy.npages)) {
            struct page *page = &heap.buddy.page[pfn];

            if (likely(cache_of(page) == cache) &&
                likely(give_back(cache, page, &object))) {
                mm_leave();
                return;
            }
        }
        site = leave_undone();
    }
    cache_free_long(site, cache, (void *)(uintptr_t)object);
}

/* ---- pages ----------------------------------------------------------------------- */

/* A block, a single page above all; or NO_PAGE. */
SHORT uint32_t take_pages_at_once(struct alloc_site *site, gfp_t gfp, unsigned order)
{
    uint32_t pfn = NO_PAGE;

    if (unlikely(gfp & __GFP_ZERO) || unlikely(order > MAX_PAGE_ORDER) ||
        unlikely(!mm_enter_at_once(site)))
        return NO_PAGE;
    if (order == 0) {
        pfn = buddy_pop_kept(&heap.buddy);
        if (likely(pfn != NO_PAGE)) {
            account_pages(site, pfn, 1);
            buddy_own(&heap.buddy, pfn, PG_USED, 0);
        }
    }
    if (unlikely(pfn == NO_PAGE)) {
        pfn = buddy_alloc(&heap.buddy, order);
        if (pfn != NO_PAGE) {
            account_pages(site, pfn, 1u << order);
            buddy_own(&heap.buddy, pfn, PG_USED, order);
        }
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
SHORT bool free_pages_at_once(struct alloc_site *site, uint32_t pfn, unsigned order)
{
    if (unlikely(!mm_enter_at_once(site)))
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

void free_pages_at(struct alloc_site *site, struct page *page, unsigned order)
{
    uint32_t pfn = 0;

    if (unlikely(!find_page(page, &pfn) || !free_pages_at_once(site, pfn, order)))
        free_pages_long(site, page, order);
}

void free_pages_addr_at(struct alloc_site *site, unsigned long addr, unsigned order)
{
    uintptr_t pfn = pfn_of((void *)addr);

    if (unlikely(addr & (PAGE_SIZE - 1) || pfn >= heap.buddy.npages ||
                 !free_pages_at_once(site, (uint32_t)pfn, order)))
        free_pages_addr_long(site, addr, order);
}
