/*
 * buddy.h - blocks of 2^order pages that split and join: see buddy.c.
 *
 * A struct buddy is one arena.  It knows page numbers only; who has which memory
 * behind them is its owner's business.
 */
#ifndef MM_BUDDY_H
#define MM_BUDDY_H

#include "mm/page.h"

struct buddy {
    struct page *page;          /* one struct a page */
    uint32_t npages;            /* a multiple of 2^MAX_PAGE_ORDER */
    uint32_t nfree;             /* pages in free blocks, and kept ones */
    uint32_t nonempty;          /* bit k: free[k] has a block */
    uint32_t free[MAX_PAGE_ORDER + 1];  /* first block of each list, or NO_PAGE */
    uint32_t kept, nkept;       /* single pages that are free, but not joined */
    uint32_t keep;              /* how many there may be; the owner may set it */
    /*
     * Called when a list was found broken, near pfn, and made anew, with the rule that
     * was broken; NULL: nobody listens.
     */
    void (*mended)(const char *rule, uint32_t pfn);
};

/* An arena of npages holes.  page is all zero, and stays the caller's. */
void buddy_init(struct buddy *b, struct page *page, uint32_t npages);

/* Make the n holes from pfn on free pages. */
void buddy_add(struct buddy *b, uint32_t pfn, uint32_t n);

/* First page of a new block (PG_USED), or NO_PAGE.  order <= MAX_PAGE_ORDER. */
uint32_t buddy_alloc(struct buddy *b, unsigned order);

/* Join the pages that are kept. */
void buddy_join_kept(struct buddy *b);

/* Give back the block whose first page is pfn.  The caller has proved that. */
void buddy_free(struct buddy *b, uint32_t pfn);

/*
 * Keep the first `keep` pages of the block at pfn and free the rest.  What is
 * kept becomes a run: blocks side by side, PG_USED and then PG_PART.
 */
void buddy_trim(struct buddy *b, uint32_t pfn, uint32_t keep);

/* Give back all blocks of the run at pfn. */
void buddy_free_run(struct buddy *b, uint32_t pfn);

/* First page of the block that pfn lies in; pfn itself for holes and PG_META. */
uint32_t buddy_head(const struct buddy *b, uint32_t pfn);

/*
 * NULL, or the rule that is broken; *pfn is the first page of the block whose page
 * structs break it, or NO_PAGE if it is a list or a counter.
 */
const char *buddy_check(const struct buddy *b, uint32_t *pfn);

/* ---- a single page at once: the short ways of buddy_alloc and buddy_free ------- */

static inline void buddy_push_kept(struct buddy *b, uint32_t pfn)
{
    b->page[pfn].tag = page_tag(PG_KEPT, 0);
    b->page[pfn].next = b->kept;
    b->kept = pfn;
    b->nkept++;
}

/* One of the kept pages, of this kind from now on.  NO_PAGE: none, or all is broken. */
static inline uint32_t buddy_pop_kept(struct buddy *b, enum page_kind kind)
{
    uint32_t pfn = b->kept;

    if (unlikely(pfn >= b->npages))
        return NO_PAGE;

    struct page *page = &b->page[pfn];

    if (unlikely(page->tag != page_tag(PG_KEPT, 0)))
        return NO_PAGE;
    b->kept = page->next;
    b->nkept--;
    b->nfree--;
    page->run = 0;
    page->tag = page_tag(kind, 0);
    return pfn;
}

/* The same, for a user. */
static inline uint32_t buddy_take_kept(struct buddy *b)
{
    return buddy_pop_kept(b, PG_USED);
}

/* Keep a single page that is being freed.  False: there are enough. */
static inline bool buddy_keep(struct buddy *b, uint32_t pfn)
{
    if (unlikely(b->nkept >= b->keep))
        return false;
    buddy_push_kept(b, pfn);
    b->nfree++;
    return true;
}

#endif
