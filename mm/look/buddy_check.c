/*
 * buddy_check.c - the rules of buddy.c, proved: block by block, then list by list.
 *
 * The pages are walked once, from block to block.  Each block is held against the rules
 * of its kind, and counted; then each list must have as many as there are, and the
 * counters must agree.  What a block says of its neighbours is looked at from both
 * sides, so no link can be wrong unseen.
 *
 * Reads only.  Cost: linear in the pages.
 */
#include "mm/look/look_priv.h"

/* Bits: the kinds that there are. */
#define PG_ALL                                                                    \
    (1u << PG_HOLE | 1u << PG_META | 1u << PG_FREE | 1u << PG_KEPT | 1u << PG_TAIL |  \
     1u << PG_USED | 1u << PG_PART | 1u << PG_LARGE | 1u << PG_SLAB)

/* B2: the pages behind the first are what they must be. */
static bool tails_are_right(const struct buddy *b, uint32_t pfn)
{
    const struct page *head = &b->page[pfn];
    enum page_kind kind = head->kind == PG_SLAB ? PG_SLAB : PG_TAIL;

    for (uint32_t i = 1; i < 1u << head->order; i++)
        if (b->page[pfn + i].kind != kind)
            return false;
    return true;
}

/* B3, from the list's side: it is n blocks long, all of this order. */
static bool list_has(const struct buddy *b, unsigned order, uint32_t n)
{
    uint32_t pfn = b->free[order];

    for (; n && pfn < b->npages; n--) {
        if (!free_block_at(b, pfn, order))
            return false;
        pfn = b->page[pfn].next;
    }
    return n == 0 && pfn == NO_PAGE;
}

static bool part_is_right(const struct buddy *b, uint32_t pfn)
{
    uint32_t first = b->page[pfn].run;

    return first < pfn && b->page[first].kind == PG_USED &&
           pfn - first < b->page[first].run;
}

static const char *check_free(const struct buddy *b, uint32_t pfn)
{
    unsigned order = b->page[pfn].order;

    if (!buddy_is_linked(b, pfn))
        return "B3: a free block is not on the list of its order";
    if (order < MAX_PAGE_ORDER && free_block_at(b, pfn ^ (1u << order), order))
        return "B4: two free buddies were not joined";
    return NULL;
}

static const char *check_block(const struct buddy *b, uint32_t pfn)
{
    const struct page *page = &b->page[pfn];
    uint32_t size = 1u << page->order;

    if (page->order > MAX_PAGE_ORDER || (pfn & (size - 1)))
        return "B1: a block is not aligned to its size";
    if (page->kind == PG_TAIL || !(PG_ALL >> page->kind & 1) || !tails_are_right(b, pfn))
        return "B2: a page is neither the first of a block nor inside one";
    if (page->kind == PG_FREE)
        return check_free(b, pfn);
    if (page->kind == PG_KEPT && page->order != 0)
        return "B8: a kept block is not a single page";
    if (page->kind == PG_USED && page->run && !buddy_run_is_right(b, pfn))
        return "B7: a run of pages is not as long as it says";
    if (page->kind == PG_PART && !part_is_right(b, pfn))
        return "B7: a part belongs to no run of pages";
    return NULL;
}

/* B8, from the stack's side. */
static bool stack_has(const struct buddy *b, uint32_t n)
{
    uint32_t pfn = b->kept;

    for (; n && pfn < b->npages; n--) {
        if (b->page[pfn].kind != PG_KEPT)
            return false;
        pfn = b->page[pfn].next;
    }
    return n == 0 && pfn == NO_PAGE;
}

static const char *check_lists(const struct buddy *b, const uint32_t *blocks,
                               uint32_t kept)
{
    uint32_t pages = kept;

    if (kept != b->nkept || !stack_has(b, kept))
        return "B8: the stack of kept pages is broken";

    for (unsigned k = 0; k <= MAX_PAGE_ORDER; k++) {
        if (!list_has(b, k, blocks[k]))
            return "B3: a list of free blocks is broken";
        if ((b->free[k] != NO_PAGE) != (b->nonempty >> k & 1))
            return "B6: nonempty does not tell which lists have blocks";
        pages += blocks[k] << k;
    }
    return pages == b->nfree ? NULL : "B5: nfree is not the sum of the free blocks";
}

const char *buddy_check(const struct buddy *b, uint32_t *pfn)
{
    uint32_t blocks[MAX_PAGE_ORDER + 1] = { 0 }, kept = 0;

    for (*pfn = 0; *pfn < b->npages; *pfn = buddy_next(b, *pfn)) {
        const struct page *page = &b->page[*pfn];
        bool is_block = page->kind != PG_HOLE && page->kind != PG_META;
        const char *broken = is_block ? check_block(b, *pfn) : NULL;

        if (broken)
            return broken;
        if (page->kind == PG_FREE)
            blocks[page->order]++;
        kept += page->kind == PG_KEPT;
    }
    *pfn = NO_PAGE;
    return check_lists(b, blocks, kept);
}
