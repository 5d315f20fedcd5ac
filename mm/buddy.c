/*
 * buddy.c - the page allocator: power-of-two blocks that split and join again.
 *
 * A block of order k is 2^k pages whose first page number is a multiple of 2^k,
 * so its buddy and its parent are pure arithmetic (Knowlton 1965; Knuth, The Art
 * of Computer Programming, vol. 1, 2.5):
 *
 *     buddy  = pfn ^ 2^k        the other half of the block both came from
 *     parent = pfn & ~2^k       where the two halves start once joined
 *
 *     order 2   |               0               |               4   ...
 *     order 1   |       0       |       2       |
 *     order 0   |   0   |   1   |   2   |   3   |
 *
 * To allocate, take the first block of the lowest list that is not empty and
 * halve it until it fits; each upper half goes on its list.  To free, join with
 * the buddy for as long as that is free and whole.  Only a block's first page
 * knows its kind and order: all others are PG_TAIL, whether the block is free or
 * used, so a large block costs no more than a small one.
 *
 * The arena is a multiple of the largest block long, padded with holes, so that a
 * buddy is always inside it and no page number needs a bounds check.  Holes (and
 * PG_META) are no blocks; nothing joins with them, or across them.
 *
 * A page to and fro would split a large block and join it again each time, ten
 * steps each way.  So the last few single pages that were freed are kept as they are,
 * on a stack, and taken first (a lazy buddy system; Lee and Barkley, SOSP 1989).
 * They join when a larger block is wanted and there is none, or when the arena's owner
 * says so, who also says how many are kept.
 *
 * Bookkeeping lies beside the memory, never inside it: whatever a program writes
 * to a page that it has freed, these lists stay whole.
 *
 * Rules, each one proved by buddy_check():
 *   B1  a block is aligned to its size;
 *   B2  it is one of the kinds below in its first page, PG_TAIL in the others
 *       (PG_SLAB: the kind in all of them), and no PG_TAIL is outside;
 *   B3  a block is on free[order], linked both ways, if and only if it is PG_FREE;
 *   B4  no two buddies are both PG_FREE: they would have joined;
 *   B5  nfree is the number of pages in free blocks and kept ones;
 *   B6  bit k of nonempty is set if and only if free[k] has a block;
 *   B7  a run is one PG_USED block and its PG_PART blocks, as long as it says;
 *   B8  a page is on the stack of kept pages, nkept long, if and only if it is PG_KEPT.
 *
 * A link is proved before it is followed.  A wrong one, from a stray write, loses
 * nothing: the kinds of the pages tell which blocks are free (B3, B8), and all lists
 * are made anew from them.
 *
 * Cost: alloc and free are O(MAX_PAGE_ORDER), and joining the kept pages O(keep);
 * nothing depends on the number of pages, but for making broken lists anew.  Not for
 * interrupt handlers while a call is under way (see port.h).
 */
#include "mm/buddy.h"

static const char broken_list[] =
    "B3: a list of free blocks is broken; it was made anew";

static void mend(struct buddy *b, const char *broken, uint32_t where);

/* Make the block free; it is on no list. */
static inline void list_add(struct buddy *b, uint32_t pfn, unsigned order)
{
    struct page *page = &b->page[pfn];
    uint32_t first = b->free[order];

    page->tag = page_tag(PG_FREE, order);
    if (first == NO_PAGE) {
        b->nonempty |= 1u << order;
    } else if (likely(first < b->npages && free_block_at(b, first, order))) {
        b->page[first].prev = pfn;
    } else {
        mend(b, broken_list, first);    /* the block has its place in the lists now */
        return;
    }
    page->prev = NO_PAGE;
    page->next = first;
    b->free[order] = pfn;
}

/* The block is about to be used, or inside another one: its kind is the caller's. */
static inline void list_remove(struct buddy *b, struct page *page, unsigned order)
{
    uint32_t next = page->next, prev = page->prev;

    if (next != NO_PAGE)
        b->page[next].prev = prev;
    if (prev != NO_PAGE)
        b->page[prev].next = next;
    else if ((b->free[order] = next) == NO_PAGE)
        b->nonempty &= ~(1u << order);
}

bool buddy_is_linked(const struct buddy *b, uint32_t pfn)
{
    const struct page *page = &b->page[pfn];

    if (page->next != NO_PAGE &&
        (page->next >= b->npages || b->page[page->next].prev != pfn ||
         !free_block_at(b, page->next, page->order)))
        return false;
    if (page->prev == NO_PAGE)
        return b->free[page->order] == pfn;
    return page->prev < b->npages && b->page[page->prev].next == pfn;
}

/* All lists are empty; which blocks are free, the pages still tell. */
static void forget_lists(struct buddy *b)
{
    b->nonempty = 0;
    for (unsigned order = 0; order <= MAX_PAGE_ORDER; order++)
        b->free[order] = NO_PAGE;
    b->kept = NO_PAGE;
    b->nkept = 0;
}

/* All lists anew, from the pages' kinds; what is no block is left out, and lost. */
static RARE void mend(struct buddy *b, const char *broken, uint32_t where)
{
    forget_lists(b);
    for (uint32_t pfn = b->npages; pfn-- > 0; ) {
        if (b->page[pfn].kind == PG_FREE && buddy_is_whole(b, pfn))
            list_add(b, pfn, b->page[pfn].order);
        else if (b->page[pfn].kind == PG_KEPT)
            buddy_push_kept(b, pfn);
    }
    if (b->mended)
        b->mended(broken, where);
}

/*
 * Off its list with the first block of an order that has one.  NO_PAGE: the list is
 * broken, and nothing was changed.
 */
static inline uint32_t take_head(struct buddy *b, unsigned order)
{
    uint32_t pfn = likely(order <= MAX_PAGE_ORDER) ? b->free[order] : NO_PAGE;

    if (unlikely(pfn >= b->npages || !free_block_at(b, pfn, order)))
        return NO_PAGE;

    uint32_t next = b->page[pfn].next;

    if (next < b->npages) {
        if (unlikely(b->page[next].prev != pfn))
            return NO_PAGE;
        b->page[next].prev = NO_PAGE;
    } else if (likely(next == NO_PAGE)) {
        b->nonempty &= ~(1u << order);
    } else {
        return NO_PAGE;
    }
    b->free[order] = next;
    return pfn;
}

static inline bool can_join(const struct buddy *b, uint32_t pfn, unsigned order)
{
    return order < MAX_PAGE_ORDER && free_block_at(b, pfn ^ (1u << order), order);
}

/* Is the free block on its list, if need be on one that was made anew? */
static inline bool is_listed(struct buddy *b, uint32_t pfn)
{
    if (likely(buddy_is_linked(b, pfn)))
        return true;
    mend(b, broken_list, pfn);
    return buddy_is_linked(b, pfn);
}

/*
 * Join the block with its buddy for as long as that is free and whole, and make it
 * free.  It ends when the buddy is used, split or a hole: B4 holds.
 */
static RARE void join(struct buddy *b, uint32_t pfn, unsigned order)
{
    do {
        struct page *other = &b->page[pfn ^ (1u << order)];

        if (unlikely(!is_listed(b, pfn ^ (1u << order))))
            break;
        list_remove(b, other, order);
        other->tag = PG_TAIL;           /* one of the two is inside the parent (B2) */
        b->page[pfn].tag = PG_TAIL;
        pfn &= ~(1u << order);          /* the lower half heads the pair */
        order++;
    } while (can_join(b, pfn, order));
    list_add(b, pfn, order);
}

/* Make a block free.  Joining moves no pages: nfree changes once (B5). */
SHORT void release(struct buddy *b, uint32_t pfn, unsigned order)
{
    b->nfree += 1u << order;
    if (can_join(b, pfn, order))
        join(b, pfn, order);
    else
        list_add(b, pfn, order);
}

void buddy_init(struct buddy *b, struct page *page, uint32_t npages)
{
    b->page = page;
    b->npages = npages;
    b->nfree = 0;
    b->keep = 0;
    b->mended = NULL;
    forget_lists(b);
}

/* The order of the largest block that may start at pfn and is at most n pages. */
static unsigned largest_order(uint32_t pfn, uint32_t n)
{
    unsigned order = 0;

    while (order < MAX_PAGE_ORDER && !(pfn & (1u << order)) && n >> (order + 1))
        order++;
    return order;
}

void buddy_add(struct buddy *b, uint32_t pfn, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        b->page[pfn + i].kind = PG_TAIL;
    while (n) {
        unsigned order = largest_order(pfn, n);

        release(b, pfn, order);
        pfn += 1u << order;
        n -= 1u << order;
    }
}

/* Of a block that had the order `from` keep 2^order pages: halve it until it fits. */
static RARE void split(struct buddy *b, uint32_t pfn, unsigned from, unsigned order)
{
    do {
        from--;
        list_add(b, pfn + (1u << from), from);
    } while (from > order);
}

void buddy_join_kept(struct buddy *b)
{
    while (b->nkept) {
        uint32_t pfn = buddy_pop_kept(b);

        if (likely(pfn != NO_PAGE))
            release(b, pfn, 0);
        else
            mend(b, "B8: the stack of kept pages is broken; it was made anew",
                 b->kept);      /* which counts how many there are */
    }
}

/* Not at once: the kept pages have to join, or their stack is broken. */
static RARE uint32_t alloc_from_kept(struct buddy *b, unsigned order)
{
    buddy_join_kept(b);
    return buddy_alloc(b, order);
}

uint32_t buddy_alloc(struct buddy *b, unsigned order)
{
    uint32_t large_enough = b->nonempty >> order;

    if (order == 0 && b->nkept) {
        uint32_t pfn = buddy_pop_kept(b);

        return likely(pfn != NO_PAGE) ? pfn : alloc_from_kept(b, order);
    }
    if (unlikely(!large_enough))
        return b->nkept ? alloc_from_kept(b, order) : NO_PAGE;

    unsigned from = order + (unsigned)__builtin_ctz(large_enough);
    uint32_t pfn = take_head(b, from);

    if (unlikely(pfn == NO_PAGE)) {
        mend(b, broken_list, from <= MAX_PAGE_ORDER ? b->free[from] : NO_PAGE);
        return buddy_alloc(b, order);
    }
    b->page[pfn].tag = page_tag(PG_TAIL, order);
    b->page[pfn].run = 0;
    if (from > order)
        split(b, pfn, from, order);
    b->nfree -= 1u << order;
    return pfn;
}

void buddy_free(struct buddy *b, uint32_t pfn)
{
    if (b->page[pfn].order || !buddy_keep(b, pfn))
        release(b, pfn, b->page[pfn].order);
}

unsigned buddy_trim(struct buddy *b, uint32_t pfn, unsigned order, uint32_t n)
{
    unsigned first = largest_order(pfn, n);
    uint32_t end = pfn + n;

    for (uint32_t start = pfn + (1u << first); start < end; ) {
        unsigned part = largest_order(start, end - start);

        b->page[start].run = pfn;
        buddy_own(b, start, PG_PART, part);
        start += 1u << part;
    }
    b->page[pfn].run = n;
    buddy_add(b, end, (1u << order) - n);
    return first;
}

void buddy_free_run(struct buddy *b, uint32_t pfn)
{
    uint32_t end = pfn + b->page[pfn].run;

    while (pfn < end) {
        uint32_t next = pfn + (1u << b->page[pfn].order);

        buddy_free(b, pfn);
        pfn = next;
    }
}

uint32_t buddy_head(const struct buddy *b, uint32_t pfn)
{
    if (b->page[pfn].kind == PG_SLAB)   /* all their pages know (B2) */
        return pfn & ~((1u << b->page[pfn].order) - 1);
    for (unsigned k = 0; k <= MAX_PAGE_ORDER; k++) {
        uint32_t head = pfn & ~((1u << k) - 1);

        if (b->page[head].kind != PG_TAIL)      /* the nearest head is the one, */
            return pfn - head < 1u << b->page[head].order ? head : pfn;
    }                                           /*   unless it is nobody's just now */
    return pfn;
}

/* Is a block no longer than it may be?  Another one would begin in its middle (B1, B2). */
static bool has_its_order(const struct buddy *b, uint32_t pfn)
{
    unsigned order = b->page[pfn].order;

    if (order > MAX_PAGE_ORDER || pfn & ((1u << order) - 1))
        return false;
    return order == 0 || b->page[pfn + (1u << order) / 2].kind == PG_TAIL;
}

bool buddy_run_is_right(const struct buddy *b, uint32_t first)
{
    uint32_t end = first + b->page[first].run;
    uint32_t pfn = first + (1u << b->page[first].order);

    if (pfn == end)
        return false;           /* of one block: it needs no run */
    while (pfn < end && pfn < b->npages && b->page[pfn].kind == PG_PART &&
           b->page[pfn].run == first && has_its_order(b, pfn))
        pfn += 1u << b->page[pfn].order;
    return pfn == end;
}

bool buddy_is_whole(const struct buddy *b, uint32_t pfn)
{
    const struct page *page = &b->page[pfn];

    return has_its_order(b, pfn) &&
           (page->kind != PG_USED || !page->run || buddy_run_is_right(b, pfn));
}
