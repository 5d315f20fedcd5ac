/*
 * kmalloc.c - memory of any size: from the cache that fits, or in whole pages.
 *
 *     0                 ZERO_SIZE_PTR, which is no memory
 *     1 .. 8192         the smallest of kmalloc-8 .. kmalloc-8k that holds it
 *     8193 .. 4 MiB     a block of pages of its own (PG_LARGE)
 *     more              NULL, and a report
 *
 * kfree goes the other way by what the page struct says, never by what the pointer
 * looks like: PG_SLAB, and the slot's bit in the map; or PG_LARGE, and the block's
 * start.  Everything else is refused before any state is touched.
 *
 * These are the long ways; kmalloc and kfree themselves begin in short.c, and the calls
 * that are made of them are in krealloc.c.
 */
#include "mm/slab_priv.h"
#include "mm/watcher_priv.h"

/* ---- which cache ---------------------------------------------------------------- */

struct kmem_cache *kmalloc_by_size[KMALLOC_MAX_CACHE_SIZE / 8];

void kmalloc_init(void)
{
    struct kmem_cache *cache = &caches[FIRST_KMALLOC_CACHE];

    for (uint32_t i = 0; i < KMALLOC_MAX_CACHE_SIZE / 8; i++) {
        if ((i + 1) * 8 > cache->object_size)
            cache++;
        kmalloc_by_size[i] = cache;
    }
}

size_t kmalloc_size_roundup(size_t size)
{
    if (size == 0 || size > KMALLOC_MAX_SIZE)
        return size;            /* as Linux: nothing to round to */
    if (size <= KMALLOC_MAX_CACHE_SIZE)
        return kmalloc_cache(size)->object_size;
    return PAGE_SIZE << pages_order(size);
}

/* ---- whole pages --------------------------------------------------------- */

static void *large_take(const struct mm_request *request)
{
    struct alloc_site *site = request->site;
    uint32_t pfn = NO_PAGE;

    if (mm_enter(site)) {
        pfn = pages_take(request->order, request->gfp);
        if (pfn != NO_PAGE) {
            heap.buddy.page[pfn].kind = PG_LARGE;
            heap.large_allocs++;
            if (mm_watcher)
                site = mm_watcher->block_taken(request, pfn);
            if (heap.record)
                record_taken(&heap.record[pfn], site->number, (uint32_t)request->bytes);
        }
        mm_leave();
    }
    if (pfn == NO_PAGE)
        return mm_fail(request, MM_OUT_OF_MEMORY);
    if (request->gfp & __GFP_ZERO)
        memset(address_of(pfn), 0, large_size(pfn));
    return address_of(pfn);
}

/* ---- kmalloc ------------------------------------------------------------- */

void *kmalloc_any(const char *call, struct alloc_site *site, size_t size, gfp_t gfp)
{
    struct mm_request request = { .call = call, .site = site, .gfp = gfp,
                                  .bytes = size };

    if (size == 0)
        return ZERO_SIZE_PTR;
    if (size > KMALLOC_MAX_SIZE) {
        request.order = MAX_PAGE_ORDER + 1;
        return mm_fail(&request, MM_BUG_TOO_LARGE);
    }
    if (size <= KMALLOC_MAX_CACHE_SIZE) {
        request.order = kmalloc_cache(size)->order;
        return cache_alloc(kmalloc_cache(size), &request);
    }
    request.order = pages_order(size);
    return mm_may_allocate(&request) ? large_take(&request) : NULL;
}

void *kmalloc_long(struct alloc_site *site, size_t size, gfp_t gfp)
{
    return kmalloc_any("kmalloc", site, size, gfp);
}

/* ---- kfree --------------------------------------------------------------- */

void kfree_any(const char *call, struct alloc_site *site, void *p)
{
    if (!ZERO_OR_NULL_PTR(p))
        mm_free(&(struct mm_refusal){ .call = call, .site = site, .addr = p,
                                      .is_free = true }, mm_is_live_object);
}

void kfree_long(struct alloc_site *site, const void *p)
{
    kfree_any("kfree", site, (void *)(uintptr_t)p);
}
