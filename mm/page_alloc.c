/*
 * page_alloc.c - whole pages, taken and given back: for alloc_pages and its kin, for slabs,
 * and for large kmallocs.
 *
 * A block's life, as its first page struct sees it:
 *
 *     PG_FREE --buddy_alloc--> PG_TAIL --buddy_own--> PG_USED, PG_LARGE, PG_SLAB --+
 *        ^                                                                         |
 *        +---------------------------------- buddy_free ---------------------------+
 *
 * (a single page is PG_KEPT for a while) and beside it the page's record: who took it
 * (serial, site, bytes), who gave it back.  The record of a free page tells of its last
 * life until it is taken again as the first page of a block.
 *
 * What a block is, is written last when it is taken, and first when it is freed: so an
 * operation that is dropped in the middle leaves a block that is whole, or pages that
 * nobody owns, which mm_recover finds.
 *
 * When there is no block large enough, every empty slab goes back and the request
 * is tried once more, unless __GFP_NORETRY.  Pages are never taken from anybody.
 *
 * Cost: O(MAX_PAGE_ORDER), and what __GFP_ZERO must clear.
 */
#include "mm/pages_priv.h"

#include "mm/enter_priv.h"
#include "mm/hooks_priv.h"
#include "mm/object_priv.h"

void *page_address(const struct page *page)
{
    return page ? address_of(pfn_of_page(page)) : NULL;
}

struct page *virt_to_page(const void *addr)
{
    uintptr_t pfn = pfn_of(addr);

    return pfn < heap.buddy.npages ? &heap.buddy.page[pfn] : NULL;
}

/* ---- blocks that are nobody's ------------------------------------------------ */

uint32_t pages_take(const struct mm_request *request)
{
    uint32_t pfn = buddy_alloc(&heap.buddy, request->order);

    mind_serials();
    if (unlikely(pfn == NO_PAGE) && !(request->gfp & __GFP_NORETRY) && heap.shrink())
        pfn = buddy_alloc(&heap.buddy, request->order);
    if (unlikely(mm_watcher) && pfn != NO_PAGE)
        mm_watcher->pages_taken(request, pfn);
    return pfn;
}

void pages_give_back(uint32_t pfn, unsigned order)
{
    if (unlikely(mm_watcher))
        mm_watcher->pages_freed(pfn, 1u << order);
    buddy_free(&heap.buddy, pfn);
}

/* ---- taking ----------------------------------------------------------------- */

/* Of the new block only the first n pages are wanted; the order of what is left. */
static unsigned trim(uint32_t pfn, unsigned order, uint32_t n)
{
    if (n == 1u << order)
        return order;
    if (unlikely(mm_watcher))
        mm_watcher->pages_freed(pfn + n, (1u << order) - n);
    return buddy_trim(&heap.buddy, pfn, order, n);
}

/* It is an allocation from now on; mm is entered.  It has n pages if it is PG_USED. */
static void own(const struct mm_request *request, uint32_t pfn, enum page_kind kind,
                uint32_t n)
{
    struct alloc_site *site = request->site;
    unsigned order = kind == PG_USED ? trim(pfn, request->order, n) : request->order;

    if (unlikely(mm_watcher))
        site = mm_watcher->block_taken(request, pfn, kind);
    if (kind == PG_USED) {
        account_pages(site, pfn, n);
    } else {
        heap.large_allocs++;
        if (heap.record)
            record_taken(&heap.record[pfn], site->number, (uint32_t)request->bytes);
    }
    buddy_own(&heap.buddy, pfn, kind, order);
}

void *block_alloc(const struct mm_request *request, enum page_kind kind)
{
    uint32_t n = (uint32_t)pages_for(request->bytes), pfn = NO_PAGE;

    if (mm_enter(request->site)) {
        pfn = pages_take(request);
        if (pfn != NO_PAGE) {
            own(request, pfn, kind, n);
            MM_TELL(allocated, request, address_of(pfn));
        }
        mm_leave();
    }
    if (pfn == NO_PAGE)
        return mm_fail(request, MM_OUT_OF_MEMORY);
    if (request->gfp & __GFP_ZERO)
        object_clear(address_of(pfn));
    return address_of(pfn);
}

/* In any state of mm: a block of that order, or NULL. */
static void *alloc_order(const char *call, struct alloc_site *site, gfp_t gfp,
                         unsigned order)
{
    struct mm_request request = { .call = call, .site = site, .gfp = gfp,
                                  .order = order };

    if (order > MAX_PAGE_ORDER)
        return mm_fail(&request, MM_BUG_TOO_LARGE);
    request.bytes = PAGE_SIZE << order;
    return mm_may_allocate(&request, NULL) ? block_alloc(&request, PG_USED) : NULL;
}

struct page *alloc_pages_long(struct alloc_site *site, gfp_t gfp, unsigned order)
{
    void *p = alloc_order("alloc_pages", site, gfp, order);

    return p ? virt_to_page(p) : NULL;
}

unsigned long get_free_pages_long(struct alloc_site *site, gfp_t gfp, unsigned order)
{
    return (unsigned long)alloc_order("__get_free_pages", site, gfp, order);
}

/* ---- giving back ------------------------------------------------------------- */

void pages_free(struct alloc_site *site, uint32_t pfn)
{
    const struct page *page = &heap.buddy.page[pfn];
    uint32_t n = used_pages(page);

    if (heap.record)
        heap.record[pfn].freed_by = site->number;
    if (page->kind == PG_LARGE)
        heap.large_frees++;
    else
        heap.pages_freed += n;
    if (unlikely(mm_watcher))
        mm_watcher->pages_freed(pfn, n);
    if (page->kind == PG_USED && page->run)
        buddy_free_run(&heap.buddy, pfn);
    else
        buddy_free(&heap.buddy, pfn);
}
