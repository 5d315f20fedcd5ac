/*
 * kmalloc.c - memory of any size: from the cache that fits, or in whole pages; and the
 * same of a cache that is given.
 *
 *     0                 ZERO_SIZE_PTR, which is no memory
 *     1 .. 8192         the smallest of kmalloc-8 .. kmalloc-8k that holds it
 *     8193 .. 4 MiB     a block of pages of its own (PG_LARGE)
 *     more              NULL, and a report
 *
 * A slab may want more pages side by side than the object itself.  Where there are none,
 * but enough for the object, that is a block of its own as well.
 *
 * These are the long ways; kmalloc, kfree, kmem_cache_alloc and kmem_cache_free themselves
 * begin in short.c, and the calls that are made of them are in front/krealloc.c.
 */
#include "mm/enter_priv.h"
#include "mm/hooks_priv.h"
#include "mm/object_priv.h"
#include "mm/pages_priv.h"
#include "mm/slab_priv.h"

struct kmem_cache *kmalloc_by_size[KMALLOC_MAX_CACHE_SIZE / 8];

/* ---- objects of a cache ---------------------------------------------------- */

/* In any state of mm.  NULL: that is not reported. */
static void *object_alloc(struct kmem_cache *cache, struct mm_request *request)
{
    void *p = NULL;
    bool entered = mm_enter(request->site);

    request->order = cache->order;      /* a free that was put off may have changed it */
    if (entered) {
        p = mm_watcher ? mm_watcher->take(cache, request)
                       : take_slot(cache, request, request->site);
        if (p)
            MM_TELL(allocated, request, p);
        mm_leave();
    }
    if (p && request->gfp & __GFP_ZERO)
        object_clear(p);
    return p;
}

void *cache_alloc_long(struct alloc_site *site, struct kmem_cache *cache, gfp_t gfp)
{
    struct mm_request request = { .call = "kmem_cache_alloc", .site = site,
                                  .gfp = gfp };

    if (!is_cache(mm_call_of(&request), site, cache)) {
        heap.failed++;
        MM_TELL(failed, &request);
        return NULL;
    }
    request.bytes = cache->object_size;
    if (!mm_may_allocate(&request, cache))
        return NULL;

    void *p = object_alloc(cache, &request);

    return p ? p : mm_fail(&request, MM_OUT_OF_MEMORY);
}

/* ---- kmalloc ------------------------------------------------------------- */

/* Rarely asked: the cache is not looked for twice (4 instructions of a call). */
static RARE bool is_allowed(const struct mm_request *request)
{
    return mm_is_allowed(request, request->bytes <= KMALLOC_MAX_CACHE_SIZE
                                      ? kmalloc_cache(request->bytes) : NULL);
}

void *kmalloc_any(const char *call, struct alloc_site *site, size_t size, gfp_t gfp)
{
    struct mm_request request = { .call = call, .site = site, .gfp = gfp,
                                  .bytes = size };
    void *p;

    if (size == 0)
        return ZERO_SIZE_PTR;
    if (size > KMALLOC_MAX_SIZE) {
        request.order = MAX_PAGE_ORDER + 1;
        return mm_fail(&request, MM_BUG_TOO_LARGE);
    }
    if (mm_must_ask() && !is_allowed(&request))
        return NULL;
    if (size <= KMALLOC_MAX_CACHE_SIZE &&
        (p = object_alloc(kmalloc_cache(size), &request)))
        return p;
    request.order = pages_order(size);
    return block_alloc(&request, PG_LARGE);
}

void *kmalloc_long(struct alloc_site *site, size_t size, gfp_t gfp)
{
    return kmalloc_any("kmalloc", site, size, gfp);
}
