/*
 * pages_priv.h - taking and giving back whole pages: page_alloc.c.
 */
#ifndef MM_PAGES_PRIV_H
#define MM_PAGES_PRIV_H

#include "mm/refuse_priv.h"

/* ---- for the short ways; mm is entered ------------------------------------------- */

/* The door of free_pages, short and long: a live block of exactly that order. */
static inline bool is_block_of(const struct page *page, unsigned order)
{
    bool is_used = order ? page->kind == PG_USED && page->order == order &&
                               order <= MAX_PAGE_ORDER
                         : page->tag == page_tag(PG_USED, 0);

    return is_used && !page->run;
}

/* n pages from pfn on are about to be live. */
static inline void account_pages(struct alloc_site *site, uint32_t pfn, uint32_t n)
{
    heap.pages_allocated += n;
    if (likely(heap.record))
        record_taken(&heap.record[pfn], site->number, n << PAGE_SHIFT);
}

/* The long ways of short.c. */
struct page *alloc_pages_long(struct alloc_site *site, gfp_t gfp, unsigned order);
unsigned long get_free_pages_long(struct alloc_site *site, gfp_t gfp, unsigned order);

/* ---- for all others ---------------------------------------------------------------- */

/*
 * A block of 2^request->order pages, nobody's yet (buddy_own); empty slabs are given back
 * for it if gfp allows.  NO_PAGE: there is none.  mm is entered.
 */
uint32_t pages_take(const struct mm_request *request);
/* Such a block, which nobody came to own, or nobody owns any more, goes back. */
void pages_give_back(uint32_t pfn, unsigned order);

/*
 * Allocate what is asked for as a block of its own, in any state of mm: PG_USED or
 * PG_LARGE.  mm_may_allocate() was asked.  NULL: reported.
 */
void *block_alloc(const struct mm_request *request, enum page_kind kind);

/* Proved: pfn is the first page of a live block or run, or of a large kmalloc. */
void pages_free(struct alloc_site *site, uint32_t pfn);

#endif
