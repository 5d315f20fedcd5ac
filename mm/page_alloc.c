/*
 * page_alloc.c - alloc_pages and free_pages: the buddy allocator as the heap.
 *
 * A block's life, as its first page struct sees it:
 *
 *     PG_FREE --alloc_pages--> PG_USED --free_pages--> PG_FREE
 *
 * and beside it the page's record: who took it (serial, site, bytes), who gave it
 * back.  The record of a free page tells of its last life until it is taken again
 * as the first page of a block.
 *
 * The door: a free is proved before anything is touched.  The page is the first of
 * a PG_USED block of exactly that order, or the free is refused and reported.
 *
 * alloc_pages_exact gives the tail of its power of two back at once.  What is left
 * is a run of blocks (buddy.c, B7), one allocation with one record.
 *
 * When there is no block large enough, every empty slab goes back and the request
 * is tried once more, unless __GFP_NORETRY.  Pages are never taken from anybody.
 *
 * Cost: O(MAX_PAGE_ORDER), and what __GFP_ZERO must clear.
 */
#include "mm/slab_priv.h"

struct heap heap;

void *page_address(const struct page *page)
{
    return address_of((uint32_t)(page - heap.buddy.page));
}

struct page *virt_to_page(const void *addr)
{
    uintptr_t pfn = pfn_of(addr);

    return pfn < heap.buddy.npages ? &heap.buddy.page[pfn] : NULL;
}

/* A block of 2^order pages, at all costs that gfp allows, or NO_PAGE. */
uint32_t pages_take(unsigned order, gfp_t gfp)
{
    uint32_t pfn = buddy_alloc(&heap.buddy, order);

    if (unlikely(pfn == NO_PAGE) && !(gfp & __GFP_NORETRY) && slab_reclaim())
        pfn = buddy_alloc(&heap.buddy, order);
    return pfn;
}

void pages_release(uint32_t pfn)
{
    if (heap.buddy.page[pfn].run)
        buddy_free_run(&heap.buddy, pfn);
    else
        buddy_free(&heap.buddy, pfn);
}

/* ---- taking ----------------------------------------------------------------- */

static uint32_t take_pages(const struct mm_request *request, uint32_t keep)
{
    uint32_t pfn = NO_PAGE;

    if (!mm_may_allocate(request))
        return NO_PAGE;
    if (mm_enter()) {
        pfn = pages_take(request->order, request->gfp);
        if (pfn != NO_PAGE) {
            if (keep != 1u << request->order)
                buddy_trim(&heap.buddy, pfn, keep);
            heap.pages_allocated += keep;
            if (heap.record)
                record_taken(&heap.record[pfn], request->site,
                             (size_t)keep << PAGE_SHIFT);
        }
        mm_leave();
    }
    if (pfn == NO_PAGE)
        mm_fail(request, MM_OUT_OF_MEMORY);
    else if (request->gfp & __GFP_ZERO)
        memset(address_of(pfn), 0, (size_t)keep << PAGE_SHIFT);
    return pfn;
}

static uint32_t take_block(const char *call, struct alloc_site *site, gfp_t gfp,
                           unsigned order)
{
    struct mm_request request = { .call = call, .site = site, .gfp = gfp,
                                  .order = order };

    if (order > MAX_PAGE_ORDER) {
        mm_fail(&request, MM_BUG_TOO_LARGE);
        return NO_PAGE;
    }
    request.bytes = PAGE_SIZE << order;
    return take_pages(&request, 1u << order);
}

struct page *alloc_pages_at(struct alloc_site *site, gfp_t gfp, unsigned order)
{
    uint32_t pfn = take_block("alloc_pages", site, gfp, order);

    return pfn == NO_PAGE ? NULL : &heap.buddy.page[pfn];
}

unsigned long get_free_pages_at(struct alloc_site *site, gfp_t gfp, unsigned order)
{
    uint32_t pfn = take_block("__get_free_pages", site, gfp, order);

    return pfn == NO_PAGE ? 0 : (unsigned long)address_of(pfn);
}

void *alloc_pages_exact_at(struct alloc_site *site, size_t bytes, gfp_t gfp)
{
    struct mm_request request = { .call = "alloc_pages_exact", .site = site,
                                  .gfp = gfp, .bytes = bytes,
                                  .order = MAX_PAGE_ORDER + 1 };

    if (bytes == 0 || bytes > PAGE_SIZE << MAX_PAGE_ORDER)
        return mm_fail(&request, MM_BUG_TOO_LARGE);
    request.order = pages_order(bytes);

    uint32_t pfn = take_pages(&request, pages_for(bytes));

    return pfn == NO_PAGE ? NULL : address_of(pfn);
}

/* ---- giving back ------------------------------------------------------------- */

/* Proved: pfn is the first page of a live block or run. */
void pages_free_proved(struct alloc_site *site, uint32_t pfn)
{
    const struct page *page = &heap.buddy.page[pfn];
    bool large = page->kind == PG_LARGE;

    if (heap.record)
        heap.record[pfn].freed_by = site_number(site);
    if (large)
        heap.large_frees++;
    else
        heap.pages_freed += page->run ? page->run : 1u << page->order;
    pages_release(pfn);
}

/* The door of the page allocator. */
static bool may_free(const struct mm_refusal *free)
{
    uintptr_t pfn = pfn_of(free->addr);

    if (pfn >= heap.buddy.npages || ((uintptr_t)free->addr & (PAGE_SIZE - 1)))
        return false;

    const struct page *page = &heap.buddy.page[pfn];

    if (page->kind != PG_USED)
        return false;
    if (!free->exact)
        return !page->run && page->order == free->order;
    return (page->run ? page->run : 1u << page->order) == pages_for(free->bytes);
}

static void free_block(const struct mm_refusal *free)
{
    bool done;

    if (mm_enter()) {
        done = may_free(free);
        if (done)
            pages_free_proved(free->site, (uint32_t)pfn_of(free->addr));
        mm_leave();
    } else {
        done = may_free(free) && mm_put_off(free->site, (void *)free->addr);
    }
    if (!done)
        mm_refuse(free);
}

void free_pages_at(struct alloc_site *site, struct page *page, unsigned order)
{
    uintptr_t offset = (uintptr_t)page - (uintptr_t)heap.buddy.page;
    bool ours = offset / sizeof(*page) < heap.buddy.npages &&
                offset % sizeof(*page) == 0;

    if (page)
        free_block(&(struct mm_refusal){
            .call = "__free_pages", .site = site, .order = order, .pages = true,
            .addr = ours ? page_address(page) : (void *)page, .is_free = true });
}

void free_pages_addr_at(struct alloc_site *site, unsigned long addr, unsigned order)
{
    if (addr)
        free_block(&(struct mm_refusal){
            .call = "free_pages", .site = site, .order = order, .pages = true,
            .addr = (void *)addr, .is_free = true });
}

void free_pages_exact_at(struct alloc_site *site, void *addr, size_t bytes)
{
    if (addr)
        free_block(&(struct mm_refusal){
            .call = "free_pages_exact", .site = site, .bytes = bytes, .pages = true,
            .addr = addr, .is_free = true, .exact = true });
}
