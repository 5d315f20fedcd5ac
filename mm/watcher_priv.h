/*
 * watcher_priv.h - what mm tells somebody who looks on while it works.
 *
 * The debugging dials (dials.h) stand above all that allocates, which knows nothing of
 * them.  As long as one is on, dials.c hangs its functions in here, and every call goes
 * the long way, which asks:
 *
 *     if (unlikely(mm_watcher))
 *         mm_watcher->pages_freed(pfn, n);
 *
 * All are called with mm entered, but `resized`.
 */
#ifndef MM_WATCHER_PRIV_H
#define MM_WATCHER_PRIV_H

#include "mm/port.h"

struct alloc_site;
struct kmem_cache;
struct mm_refusal;
struct mm_request;
struct page;
struct slot;

struct watcher {
    /* Flags of a new cache of that name: DIAL_F ... */
    uint8_t (*dials_of)(const char *name);

    /* Take a slot for this request, as take_slot does.  NULL: no memory. */
    void *(*take)(struct kmem_cache *cache, const struct mm_request *request);
    /* A block of pages was taken, kind and all; who is to be recorded as its taker. */
    struct alloc_site *(*block_taken)(const struct mm_request *request, uint32_t pfn);
    /* The live object at p is to have another size; its record has the old one. */
    void (*resized)(struct alloc_site *site, const void *p, size_t size);
    /*
     * What starts at free->addr is proved, and about to be freed.  Who is to be
     * recorded as its freer; NULL: it cannot be freed, and that is reported.  late: it
     * was put off, and the calls that lead here are somebody else's.
     */
    struct alloc_site *(*freeing)(const struct mm_refusal *free, bool late);
    /* The slot's object was freed: is the slot kept back from being handed out? */
    bool (*keep)(const struct slot *slot);
    /* Memory is short, or a cache shrinks: put back what was kept (slab_put_back). */
    void (*let_go)(void);

    /* Pages come from the buddy allocator, or go back to it. */
    void (*pages_taken)(uint32_t pfn, uint32_t n);
    void (*pages_freed)(uint32_t pfn, uint32_t n);
    /* A slab was made: its slots are free, and not constructed yet. */
    void (*slab_made)(struct kmem_cache *cache, struct page *slab);
};

/* NULL: nobody looks on. */
extern const struct watcher *mm_watcher;

/* heap.c: from now on; mm_state says the same in one bit (MM_DIALS). */
void mm_watch_with(const struct watcher *watcher);

#endif
