/*
 * page_alloc.c - alloc_pages and free_pages: the buddy allocator as the heap.
 *
 * A block's life, as its first page struct sees it:
 *
 *     PG_FREE --alloc_pages--> PG_USED --free_pages--> PG_FREE
 *
 * (a single page is PG_KEPT for a while) and beside it the page's record: who took it
 * (serial, site, bytes), who gave it back.  The record of a free page tells of its last
 * life until it is taken again as the first page of a block.
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
#include "mm/watcher_priv.h"

void *page_address(const struct page *page)
{
    return page ? address_of(pfn_of_page(page)) : NULL;
}

struct page *virt_to_page(const void *addr)
{
    uintptr_t pfn = pfn_of(addr);

    return pfn < heap.buddy.npages ? &heap.buddy.page[pfn] : NULL;
}

/* ---- taking ----------------------------------------------------------------- */

/* Of the block at pfn keep so many pages, and give the others back. */
static void trim(uint32_t pfn, uint32_t keep, uint32_t others)
{
    if (mm_watcher)
        mm_watcher->pages_freed(pfn + keep, others);
    buddy_trim(&heap.buddy, pfn, keep);
}

/* In any state of mm: the first `keep` pages of a block.  Reports failure. */
static uint32_t take_slow(const struct mm_request *request, uint32_t keep)
{
    uint32_t pfn = NO_PAGE;

    if (!mm_may_allocate(request))
        return NO_PAGE;
    if (mm_enter(request->site)) {
        pfn = pages_take(request->order, request->gfp);
        if (pfn != NO_PAGE) {
            if (keep != 1u << request->order)
                trim(pfn, keep, (1u << request->order) - keep);
            account_pages(mm_watcher ? mm_watcher->block_taken(request, pfn)
                                     : request->site, pfn, keep);
        }
        mm_leave();
    }
    if (pfn == NO_PAGE)
        mm_fail(request, MM_OUT_OF_MEMORY);
    return pfn;
}

/* In any state of mm: a block, or NO_PAGE. */
static uint32_t take_block(const char *call, struct alloc_site *site, gfp_t gfp,
                           unsigned order)
{
    struct mm_request request = { .call = call, .site = site, .gfp = gfp,
                                  .order = order };
    uint32_t pfn;

    if (order > MAX_PAGE_ORDER) {
        mm_fail(&request, MM_BUG_TOO_LARGE);
        return NO_PAGE;
    }
    request.bytes = PAGE_SIZE << order;
    pfn = take_slow(&request, 1u << order);
    if (gfp & __GFP_ZERO && pfn != NO_PAGE)
        memset(address_of(pfn), 0, request.bytes);
    return pfn;
}

struct page *alloc_pages_long(struct alloc_site *site, gfp_t gfp, unsigned order)
{
    uint32_t pfn = take_block("alloc_pages", site, gfp, order);

    return pfn != NO_PAGE ? &heap.buddy.page[pfn] : NULL;
}

unsigned long get_free_pages_long(struct alloc_site *site, gfp_t gfp, unsigned order)
{
    uint32_t pfn = take_block("__get_free_pages", site, gfp, order);

    return pfn != NO_PAGE ? (unsigned long)address_of(pfn) : 0;
}

void *alloc_pages_exact_at(struct alloc_site *site, size_t bytes, gfp_t gfp)
{
    struct mm_request request = { .call = "alloc_pages_exact", .site = site,
                                  .gfp = gfp, .bytes = bytes,
                                  .order = MAX_PAGE_ORDER + 1 };

    if (bytes == 0 || bytes > PAGE_SIZE << MAX_PAGE_ORDER)
        return mm_fail(&request, MM_BUG_TOO_LARGE);
    request.order = pages_order(bytes);

    uint32_t pages = (uint32_t)pages_for(bytes);
    uint32_t pfn = take_slow(&request, pages);

    if (pfn == NO_PAGE)
        return NULL;
    if (gfp & __GFP_ZERO)
        memset(address_of(pfn), 0, (size_t)pages << PAGE_SHIFT);
    return address_of(pfn);
}

/* ---- giving back ------------------------------------------------------------- */

/* The door of free_pages_exact: a live block or run of that many pages. */
static bool is_run(const struct page *page, size_t bytes)
{
    return page->kind == PG_USED && used_pages(page) == pages_for(bytes);
}

static bool is_right(const struct mm_refusal *free)
{
    uintptr_t pfn = pfn_of(free->addr);

    if ((uintptr_t)free->addr & (PAGE_SIZE - 1) || pfn >= heap.buddy.npages)
        return false;
    return free->exact ? is_run(&heap.buddy.page[pfn], free->bytes)
                       : is_block_of(&heap.buddy.page[pfn], free->order);
}

void free_pages_long(struct alloc_site *site, struct page *page, unsigned order)
{
    uint32_t pfn;
    bool ours = find_page(page, &pfn);
    struct mm_refusal free = {
        .call = "__free_pages", .site = site, .order = order, .pages = true,
        .addr = ours ? page_address(page) : (void *)page, .is_free = true,
        .no_page_struct = !ours };

    if (ours)
        mm_free(&free, is_right);
    else if (page)
        mm_refuse(&free);
}

void free_pages_addr_long(struct alloc_site *site, unsigned long addr, unsigned order)
{
    if (addr)
        mm_free(&(struct mm_refusal){
            .call = "free_pages", .site = site, .order = order, .pages = true,
            .addr = (void *)addr, .is_free = true }, is_right);
}

void free_pages_exact_at(struct alloc_site *site, void *addr, size_t bytes)
{
    if (addr)
        mm_free(&(struct mm_refusal){
            .call = "free_pages_exact", .site = site, .bytes = bytes, .pages = true,
            .addr = addr, .is_free = true, .exact = true }, is_right);
}
