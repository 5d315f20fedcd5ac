/*
 * mm.c - handing memory over to the heap, and its numbers.
 *
 *     base                                                        base + npages
 *      |  hole  |kernel's|page structs|records|  free blocks  | hole |  free ... |
 *               ^ PG_HOLE  ^ PG_META            ^ buddy_add
 *
 * One flat array of page structs covers the span from the lowest to the highest
 * usable page, rounded outwards to the largest block, so that blocks are aligned in
 * absolute addresses and a buddy is always inside the array.  What no range gave
 * stays a hole: it costs its page structs, and is never handed out or joined over.
 *
 * Rules, beside those of buddy.c and slab.c, proved by mm_check():
 *   M1  total = free + used pages, where used pages are recounted block by block;
 *   M2  pages_allocated - pages_freed is the number of pages in live page blocks;
 *   M3  no serial number is above the newest;
 *   M4  every call site has a number of 16 bits;
 *   M5  a live block of pages has a live record.
 *
 * Cost: linear in the span; this is boot, and listings.
 */
#include "mm/slab_priv.h"

/* A slab's map is named by 32 bits, in units of four bytes: 16 GiB. */
#define MAX_PAGES ((uintptr_t)1 << 22)

bool mm_records = true;

/* ---- mm_init ----------------------------------------------------------------------- */

/* The whole pages of a range, as absolute page numbers; last < first: none. */
struct span {
    uintptr_t first, last;
};

static struct span whole_pages(const struct mm_range *range)
{
    uintptr_t start = range->start;
    uintptr_t last_byte = start + range->bytes - 1;
    struct span none = { 1, 0 };
    struct span span;

    if (range->bytes < PAGE_SIZE)
        return none;
    if (last_byte < start)
        last_byte = UINTPTR_MAX;        /* cut at the end of the address space */
    span.first = (start >> PAGE_SHIFT) + ((start & (PAGE_SIZE - 1)) != 0);
    span.last = last_byte >> PAGE_SHIFT;
    if ((last_byte & (PAGE_SIZE - 1)) != PAGE_SIZE - 1) {
        if (span.last == 0)
            return none;
        span.last--;
    }
    if (span.first == 0)
        span.first = 1;                 /* NULL and ZERO_SIZE_PTR are no memory */
    return span;
}

/* The span of all ranges, rounded outwards to whole largest blocks. */
static struct span hull(const struct mm_range *ranges, size_t count)
{
    struct span all = { UINTPTR_MAX, 0 };
    const uintptr_t block = ((uintptr_t)1 << MAX_PAGE_ORDER) - 1;

    for (size_t i = 0; i < count; i++) {
        struct span span = whole_pages(&ranges[i]);

        if (span.last < span.first) {
            heap.skipped++;
            continue;
        }
        if (span.first < all.first)
            all.first = span.first;
        if (span.last > all.last)
            all.last = span.last;
    }
    if (all.first <= all.last) {
        all.first &= ~block;
        all.last |= block;
        if (all.last - all.first >= MAX_PAGES)
            all.last = all.first + MAX_PAGES - 1;
    }
    return all;
}

/* First page (absolute) of n pages up to `end` in the first range with room, or 0. */
static uintptr_t place(const struct mm_range *ranges, size_t count, uint32_t n,
                       uintptr_t end)
{
    for (size_t i = 0; i < count; i++) {
        struct span span = whole_pages(&ranges[i]);

        if (span.first <= span.last && span.last - span.first >= n - 1 &&
            span.first + n - 1 <= end)
            return span.first;
    }
    return 0;
}

/* Every page of the ranges that is not book-keeping is ours: mark it. */
static void mark(const struct mm_range *range, uintptr_t base_page)
{
    struct span span = whole_pages(range);

    for (uintptr_t i = span.first; i <= span.last; i++) {
        if (i - base_page >= heap.buddy.npages)
            break;

        struct page *page = &heap.buddy.page[i - base_page];

        if (page->kind != PG_HOLE)
            continue;           /* in two ranges */
        page->kind = PG_TAIL;
        heap.total_pages++;
    }
}

/* Marked pages side by side are one run, whichever ranges they came from. */
static void add_marked(void)
{
    struct buddy *b = &heap.buddy;

    for (uint32_t pfn = 0, end; pfn < b->npages; pfn = end + 1) {
        for (end = pfn; end < b->npages && b->page[end].kind == PG_TAIL; end++)
            ;
        if (end > pfn)
            buddy_add(b, pfn, end - pfn);
    }
}

void mm_init(const struct mm_range *ranges, size_t count)
{
    memset(&heap, 0, sizeof(heap));
    mm_state &= MM_IRQ;
    buddy_init(&heap.buddy, NULL, 0);

    struct span all = hull(ranges, count);
    uint32_t npages = all.first <= all.last ? (uint32_t)(all.last - all.first + 1) : 0;
    size_t page_bytes = npages * sizeof(struct page);
    size_t record_bytes = mm_records ? npages * sizeof(struct record) : 0;
    uint32_t n = (uint32_t)pages_for(page_bytes + record_bytes);
    uintptr_t at = npages ? place(ranges, count, n, all.last) : 0;

    if (at) {
        char *meta = (char *)(at << PAGE_SHIFT);

        memset(meta, 0, page_bytes + record_bytes);
        heap.base = all.first << PAGE_SHIFT;
        heap.record = record_bytes ? (struct record *)(meta + page_bytes) : NULL;
        buddy_init(&heap.buddy, (struct page *)meta, npages);
        for (uint32_t i = 0; i < n; i++)
            heap.buddy.page[at - all.first + i].kind = PG_META;
        heap.meta_pages = n;
        heap.total_pages = n;
        for (size_t i = 0; i < count; i++)
            mark(&ranges[i], all.first);
        add_marked();
    }
    cache_init();
}
