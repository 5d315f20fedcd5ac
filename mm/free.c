/*
 * free.c - giving back, the long way: kfree, kmem_cache_free, free_pages and their kin.
 *
 * A free goes by what is really at the address (object.c), never by what the pointer
 * looks like.  The door: a live thing starts there, and it came from the call's own kin;
 * a block is of exactly that order.  Everything else is refused before any state is
 * touched, and reported (refuse.c).
 *
 *     mm is idle    proved, freed
 *     mm is busy    proved, put off (enter.c); proved again when it is done, for the call
 *                   that was interrupted may have freed the very same thing
 *
 * These are the long ways; all of them begin in short.c.
 *
 * Cost: O(MAX_PAGE_ORDER).
 */
#include "mm/free_priv.h"

#include "mm/enter_priv.h"
#include "mm/hooks_priv.h"
#include "mm/pages_priv.h"
#include "mm/slab_priv.h"

/* ---- the door ------------------------------------------------------------------- */

static bool is_object_of(const struct object *object, const struct kmem_cache *cache)
{
    if (object->kind == MM_SLAB_LIVE || object->kind == MM_GUARDED)
        return !cache || object->slot.cache == cache;
    return object->kind == MM_LARGE && !cache;
}

bool is_right_to_free(const struct mm_free_request *free, struct object *object)
{
    *object = object_at(free->addr);
    if (object->kind == MM_OUTSIDE || object->start != free->addr || object->is_broken)
        return false;
    switch (free->how) {
    case MM_USE:
    case MM_FREE_OBJECT:
        return is_object_of(object, free->cache);
    case MM_FREE_PAGES:
        return is_block_of(object->page, free->order);
    case MM_FREE_EXACT:
        return object->page->kind == PG_USED &&
               used_pages(object->page) == pages_for(free->bytes);
    }
    return false;
}

/* ---- freeing ----------------------------------------------------------------- */

/* Proved: what it asks for is right, and that object. */
static void free_proved(const struct mm_free_request *free, const struct object *object,
                        bool late)
{
    struct alloc_site *site = free->site;

    if (unlikely(mm_watcher) && !mm_watcher->may_free(free, object))
        return;
    MM_TELL(freeing, free);
    if (unlikely(mm_watcher))
        site = mm_watcher->freeing(free, object, late);
    if (object->kind == MM_SLAB_LIVE)
        slab_free(&object->slot, site);
    else if (unlikely(object->kind == MM_GUARDED))
        mm_watcher->free_guarded(object, site);
    else
        pages_free(site, object->pfn);
    if (unlikely(mm_watcher))
        mm_watcher->freed(object);
}

void free_put_off(void)
{
    const struct mm_free_request *next;
    struct object object;

    while ((next = mm_next_put_off())) {
        if (is_right_to_free(next, &object))
            free_proved(next, &object, true);
        else
            mm_refuse(next);
        mm_put_off_is_done();
    }
}

/* Under a busy mm: prove, then put off. */
static void free_later(const struct mm_free_request *free)
{
    struct object object;

    if (mm_is_put_off(free->addr) || !is_right_to_free(free, &object))
        mm_refuse(free);
    else if (!mm_put_off(free))
        mm_refuse_as(free, MM_BUG_TOO_MANY_PUT_OFF, NULL);
}

void mm_free(const struct mm_free_request *free)
{
    struct object object;
    bool is_right;

    if (!mm_enter(free->site)) {
        free_later(free);
        return;
    }
    is_right = is_right_to_free(free, &object);
    if (is_right)
        free_proved(free, &object, false);
    mm_leave();
    if (!is_right)
        mm_refuse(free);
}

/* ---- objects ----------------------------------------------------------------- */

void kfree_any(const char *call, struct alloc_site *site, void *p)
{
    if (!ZERO_OR_NULL_PTR(p))
        mm_free(&(struct mm_free_request){ .call = call, .site = site, .addr = p });
}

void kfree_long(struct alloc_site *site, const void *p)
{
    kfree_any("kfree", site, (void *)(uintptr_t)p);
}

void cache_free_long(struct alloc_site *site, struct kmem_cache *cache, void *p)
{
    if (is_cache("kmem_cache_free", site, cache))
        mm_free(&(struct mm_free_request){ .call = "kmem_cache_free", .site = site,
                                           .addr = p, .cache = cache });
    else
        heap.bad_frees++;
}

/* ---- pages ------------------------------------------------------------------- */

void free_pages_long(struct alloc_site *site, struct page *page, unsigned order)
{
    struct mm_free_request free = { .call = "__free_pages", .site = site,
                                    .how = MM_FREE_PAGES, .order = order, .addr = page };
    uint32_t pfn;

    if (find_page(page, &pfn)) {
        free.addr = page_address(page);
        mm_free(&free);
    } else if (page) {
        mm_refuse_as(&free, MM_BUG_NOT_HEAP, "that is no page struct; is it an address?");
    }
}

void free_pages_addr_long(struct alloc_site *site, unsigned long addr, unsigned order)
{
    if (addr)
        mm_free(&(struct mm_free_request){
            .call = "free_pages", .site = site, .how = MM_FREE_PAGES, .order = order,
            .addr = (void *)addr });
}
