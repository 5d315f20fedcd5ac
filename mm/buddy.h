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

/*
 * First page of a new block, or NO_PAGE.  order <= MAX_PAGE_ORDER.  All of it is PG_TAIL:
 * it is nobody's until its taker says, last of all, what it is (buddy_own).
 */
uint32_t buddy_alloc(struct buddy *b, unsigned order);

/* The new block is of this kind from now on. */
static inline void buddy_own(struct buddy *b, uint32_t pfn, enum page_kind kind,
                             unsigned order)
{
    mm_barrier();               /* all that is known of it was written before */
    b->page[pfn].tag = page_tag(kind, order);
}

/* Join the pages that are kept. */
void buddy_join_kept(struct buddy *b);

/* Give back the block whose first page is pfn.  The caller has proved that. */
void buddy_free(struct buddy *b, uint32_t pfn);

/*
 * Of a new block of 2^order pages only the first n are wanted: free the rest.  They
 * become a run, blocks side by side: PG_PART all but the first, whose order is returned,
 * for its owner to say (buddy_own).
 */
unsigned buddy_trim(struct buddy *b, uint32_t pfn, unsigned order, uint32_t n);

/* Give back all blocks of the run at pfn. */
void buddy_free_run(struct buddy *b, uint32_t pfn);

/* First page of the block that pfn lies in; pfn itself if it lies in none. */
uint32_t buddy_head(const struct buddy *b, uint32_t pfn);

/* The first page behind the block, or the hole, at pfn: for walks. */
static inline uint32_t buddy_next(const struct buddy *b, uint32_t pfn)
{
    const struct page *page = &b->page[pfn];
    bool single = page->kind == PG_HOLE || page->kind == PG_META;

    return pfn + (single ? 1 : 1u << page->order);
}

/* B7: are the blocks behind a run's first its parts, to its very end? */
bool buddy_run_is_right(const struct buddy *b, uint32_t first);

/*
 * Before it is freed: is the block at pfn, or the run, no longer than it may be?
 * O(1), of a run O(MAX_PAGE_ORDER).
 */
bool buddy_is_whole(const struct buddy *b, uint32_t pfn);

/* ---- what is known of a free block ------------------------------------------ */

static inline bool free_block_at(const struct buddy *b, uint32_t pfn, unsigned order)
{
    return b->page[pfn].tag == page_tag(PG_FREE, order);
}

/* B3, from the block's side: both neighbours, or the list's head, know it. */
bool buddy_is_linked(const struct buddy *b, uint32_t pfn);

/* ---- a single page at once: the short ways of buddy_alloc and buddy_free ------- */

static inline void buddy_push_kept(struct buddy *b, uint32_t pfn)
{
    b->page[pfn].tag = page_tag(PG_KEPT, 0);
    b->page[pfn].next = b->kept;
    b->kept = pfn;
    b->nkept++;
}

/* One of the kept pages, nobody's now.  NO_PAGE: there are none, or all is broken. */
static inline uint32_t buddy_pop_kept(struct buddy *b)
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
    page->tag = page_tag(PG_TAIL, 0);
    return pfn;
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
