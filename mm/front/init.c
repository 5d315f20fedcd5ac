/*
 * init.c - handing memory over to the heap: mm is put together here.
 *
 *     base                                                        base + npages
 *      |  hole  |kernel's|page structs|records|  free blocks  | hole |  free ... |
 *               ^ PG_HOLE  ^ PG_META            ^ buddy_add
 *
 * One flat array of page structs covers the span from the lowest to the highest
 * usable page, rounded outwards to the largest block, so that blocks are aligned in
 * absolute addresses and a buddy is always inside the array (in a kernel it begins at
 * address 0: heap_base()).  What no range gave stays a hole: it costs its page structs,
 * and is never handed out or joined over.
 *
 * Rules, beside those of buddy.c and slab.c, proved by mm_check():
 *   M1  total = free + used pages, where used pages are recounted block by block;
 *   M2  pages_allocated - pages_freed is the number of pages in live page blocks;
 *   M3  no live serial number is newer than the newest;
 *   M4  a record names call sites that exist;
 *   M5  a live block of pages has a live record;
 *   M6  a guarded object lies in its block as one of its cache (watch/guarded.c);
 *   M7  guarded_pages and guarded_freed count the blocks of these, and the freed ones.
 *
 * Cost: linear in the span; and in the ranges, once for each that must be left out.
 */
#include "mm/free_priv.h"
#include "mm/heap_priv.h"
#include "mm/hooks_priv.h"
#include "mm/look/look.h"
#include "mm/scan/scan.h"
#include "mm/slab_priv.h"
#include "mm/watch/dials.h"

/* Whole largest blocks, as many as page numbers can tell apart: 16 TiB. */
#define MAX_PAGES ((uintptr_t)NO_PAGE >> MAX_PAGE_ORDER << MAX_PAGE_ORDER)

/* ---- mm_init ------------------------------------------------------------- */

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

static uintptr_t pages_of(struct span span)
{
    return span.first <= span.last ? span.last - span.first + 1 : 0;
}

/*
 * The ranges, of which the smallest are left out, of equal ones the last: all up to this
 * one.  Of no pages, and number 0: only those that have none.
 */
struct given {
    const struct mm_range *ranges;
    size_t count;
    uintptr_t pages_out;
    size_t out;                 /* its number */
};

static uintptr_t pages_in(const struct given *given, size_t i)
{
    return pages_of(whole_pages(&given->ranges[i]));
}

static bool is_used(const struct given *given, size_t i)
{
    uintptr_t pages = pages_in(given, i);

    return pages > given->pages_out || (pages == given->pages_out && i < given->out);
}

/* The next larger one is left out as well.  False: none is used any more. */
static bool leave_out_one(struct given *given)
{
    uintptr_t least = UINTPTR_MAX;
    size_t which = given->count;

    for (size_t i = 0; i < given->count; i++)
        if (is_used(given, i) && pages_in(given, i) <= least) {
            least = pages_in(given, i);
            which = i;
        }
    given->pages_out = least;
    given->out = which;
    return which < given->count;
}

/* The span of the ranges that are used, rounded outwards to whole largest blocks. */
static struct span hull(const struct given *given)
{
    struct span all = { UINTPTR_MAX, 0 };
    const uintptr_t block = ((uintptr_t)1 << MAX_PAGE_ORDER) - 1;

    for (size_t i = 0; i < given->count; i++) {
        struct span span = whole_pages(&given->ranges[i]);

        if (!is_used(given, i))
            continue;
        if (span.first < all.first)
            all.first = span.first;
        if (span.last > all.last)
            all.last = span.last;
    }
    if (all.first <= all.last) {
        all.first = HEAP_IS_AT_ZERO ? 0 : all.first & ~block;
        all.last |= block;
    }
    return all;
}

/* Where everything goes; npages 0: there is no room for a heap. */
struct plan {
    struct span all;            /* absolute page numbers, in whole largest blocks */
    uint32_t npages;
    size_t page_bytes, record_bytes;
    uint32_t meta_pages;
    uintptr_t meta;             /* absolute number of the first of them */
};

/* Room for the book-keeping in the first range that has it? */
static bool place(struct plan *plan, const struct given *given)
{
    for (size_t i = 0; i < given->count; i++)
        if (is_used(given, i) && pages_in(given, i) > plan->meta_pages) {
            plan->meta = whole_pages(&given->ranges[i]).first;
            return true;
        }
    return false;
}

/* What a heap over that span takes.  False: there is no room for it. */
static bool measure(struct plan *plan, const struct given *given)
{
    uintptr_t pages = plan->all.last - plan->all.first + 1;

    if (pages > MAX_PAGES)
        return false;
    plan->npages = (uint32_t)pages;
    plan->page_bytes = pages * sizeof(struct page);
    plan->record_bytes = mm_records ? pages * sizeof(struct record) : 0;
    plan->meta_pages = (uint32_t)pages_for(plan->page_bytes + plan->record_bytes);
    return place(plan, given);
}

/* With all ranges if possible, else without the smallest ones. */
static struct plan make_plan(struct given *given)
{
    do {
        struct plan plan = { .all = hull(given) };

        if (plan.all.first <= plan.all.last && measure(&plan, given))
            return plan;
    } while (leave_out_one(given));
    return (struct plan){ .npages = 0 };
}

/* Every page of the range that is not book-keeping is ours: mark it. */
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

static void lists_mended(const char *rule, uint32_t pfn)
{
    mm_corrupted("buddy", NULL, rule,
                 pfn < heap.buddy.npages ? address_of(pfn) : NULL);
}

static void lay_out(const struct plan *plan, const struct given *given)
{
    char *meta = (char *)(plan->meta << PAGE_SHIFT);
    uint32_t first = (uint32_t)(plan->meta - plan->all.first);

    memset(meta, 0, plan->page_bytes + plan->record_bytes);
    heap.base = plan->all.first << PAGE_SHIFT;
    heap.record = plan->record_bytes ? (struct record *)(meta + plan->page_bytes)
                                     : NULL;
    buddy_init(&heap.buddy, (struct page *)meta, plan->npages);
    heap.buddy.mended = lists_mended;
    for (uint32_t i = 0; i < plan->meta_pages; i++)
        heap.buddy.page[first + i].kind = PG_META;
    heap.meta_pages = plan->meta_pages;
    heap.total_pages = plan->meta_pages;
    for (size_t i = 0; i < given->count; i++)
        if (is_used(given, i))
            mark(&given->ranges[i], plan->all.first);
        else
            heap.skipped++;
    add_marked();
}

/* Number the call sites. */
static void sites_init(void)
{
    uint32_t number = 0;

    for (struct alloc_site *site = mm_sites(); site < mm_sites_end(); site++)
        site->number = (uint16_t)(++number < MANY ? number : MANY);
}

void mm_init(const struct mm_range *ranges, size_t count)
{
    heap_reset();
    mm_forget_put_off();
    buddy_init(&heap.buddy, NULL, 0);

    struct given given = { ranges, count, 0, 0 };
    struct plan plan = make_plan(&given);

    if (plan.npages)
        lay_out(&plan, &given);
    else
        heap.skipped = (uint32_t)count;
    sites_init();
    heap.shrink = slab_reclaim;
    heap.do_put_off = free_put_off;
    look_start();
    mm_hooks_changed();
    dials_start();
    mm_scan_start();
    caches_init();
}
