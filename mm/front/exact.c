/*
 * exact.c - alloc_pages_exact and free_pages_exact.
 *
 * Of the power of two that holds what is asked for, the tail goes back at once.  What is
 * left is a run of blocks (buddy.c, B7): one allocation with one record, which goes back
 * with the number of bytes that it was asked for.
 */
#include "mm/free_priv.h"
#include "mm/pages_priv.h"

void *alloc_pages_exact_at(struct alloc_site *site, size_t bytes, gfp_t gfp)
{
    struct mm_request request = { .call = "alloc_pages_exact", .site = site,
                                  .gfp = gfp, .bytes = bytes,
                                  .order = MAX_PAGE_ORDER + 1 };

    if (bytes == 0 || bytes > PAGE_SIZE << MAX_PAGE_ORDER)
        return mm_fail(&request, MM_BUG_TOO_LARGE);
    request.order = pages_order(bytes);
    return mm_may_allocate(&request, NULL) ? block_alloc(&request, PG_USED) : NULL;
}

void free_pages_exact_at(struct alloc_site *site, void *addr, size_t bytes)
{
    if (addr)
        mm_free(&(struct mm_free_request){
            .call = "free_pages_exact", .site = site, .how = MM_FREE_EXACT,
            .bytes = bytes, .addr = addr });
}
