/*
 * hooks_priv.h - who is told while mm works: those who decide, and those who look on.
 *
 * The heart of mm knows neither the dials (mm/watch) nor who traces.  They hang their
 * functions in here, and as long as anybody does, every call goes the long way
 * (MM_LONG_WAY), which asks:
 *
 *     if (unlikely(mm_watcher))
 *         mm_watcher->pages_freed(pfn, n);
 *
 * struct watcher decides: it may take another slot, hold one back, refuse a free.
 * struct mm_observer (observe.h) is told what was done, and changes nothing.
 */
#ifndef MM_HOOKS_PRIV_H
#define MM_HOOKS_PRIV_H

#include "mm/observe.h"
#include "mm/page.h"

struct kmem_cache;
struct mm_free_request;
struct mm_request;
struct slot;

/* All are called with mm entered, but `resized`. */
struct watcher {
    /* Flags of a new cache of that name: DIAL_F ... */
    uint8_t (*dials_of)(const char *name);

    /* Take a slot for this request, as take_slot does.  NULL: no memory. */
    void *(*take)(struct kmem_cache *cache, const struct mm_request *request);
    /*
     * A block of pages was taken, and will be of that kind: who is to be recorded as its
     * taker.
     */
    struct alloc_site *(*block_taken)(const struct mm_request *request, uint32_t pfn,
                                      enum page_kind kind);
    /* The live object at p is to have another size; its record has the old one. */
    void (*resized)(struct alloc_site *site, const void *p, size_t size);
    /*
     * What starts at free->addr is proved, and about to be freed.  Who is to be
     * recorded as its freer; NULL: it cannot be freed, and that is reported.  late: it
     * was put off, and the calls that lead here are somebody else's.
     */
    struct alloc_site *(*freeing)(const struct mm_free_request *free, bool late);
    /* The slot's object was freed: is the slot held back from being handed out? */
    bool (*holds_back)(const struct slot *slot);
    /* Memory is short, or a cache shrinks: put back what was held (slab_put_back). */
    void (*let_go)(void);

    /* Pages come from the buddy allocator, or go back to it. */
    void (*pages_taken)(const struct mm_request *request, uint32_t pfn);
    void (*pages_freed)(uint32_t pfn, uint32_t n);
    /* A slab is being made: its slots are free, and not constructed yet. */
    void (*slab_made)(struct kmem_cache *cache, struct page *slab);
};

/* NULL: nobody decides. */
extern const struct watcher *mm_watcher;

/* heap.c: from now on.  mm_state says in one bit whether anybody hangs in. */
void mm_watch_with(const struct watcher *watcher);
/* The same, after either of them has changed. */
void mm_hooks_changed(void);

/* Called by mm_init, when there are pages and no caches yet; NULL: nobody. */
extern void (*mm_started_hook)(void);

/*
 * The i-th call site beside those of the linker's section, from 0; NULL: there are no
 * more.  One whose number is 0 is none.  (The stacks of dial U: a site with more lines.)
 */
extern struct alloc_site *(*mm_more_sites)(uint32_t i);

/* ---- telling the observers: observe.c ----------------------------------------- */

/* kind, call, site, p, bytes and gfp are filled in; the rest is found out. */
void mm_tell(const struct mm_event *event);

static inline bool mm_is_observed(void) { return unlikely(mm_observers != NULL); }

#endif
