/*
 * hooks_priv.h - who is told and asked while mm works.
 *
 * The heart of mm knows none of those who stand above it; they hang their functions in
 * here:
 *
 *     mm_watcher     decides: it may take another slot, hold one back, refuse a free
 *                    (the dials: mm/watch)
 *     mm_observers   are told what was done, and change nothing
 *     mm_looker      explains and mends what was found broken (mm/look)
 *     mm_scan_dropped  puts back what a scan has in its hands (mm/scan)
 *
 * As long as there is one of the first two who wants it, every call goes the long way
 * (MM_LONG_WAY), which asks:
 *
 *     if (unlikely(mm_watcher))
 *         mm_watcher->pages_freed(pfn, n);
 */
#ifndef MM_HOOKS_PRIV_H
#define MM_HOOKS_PRIV_H

#include "mm/refuse_priv.h"

struct kmem_cache;
struct mm_observer;
struct object;
struct slot;

/* All are called with mm entered. */
struct watcher {
    /* Flags of a new cache of that name: DIAL_F ... */
    uint8_t (*dials_of)(const char *name);

    /*
     * Is this allocation to fail, though there may be memory?  cache: of the object that is
     * asked for; NULL: whole pages.
     */
    bool (*fails)(const struct mm_request *request, const struct kmem_cache *cache);
    /* Take a slot for this request, as take_slot does.  NULL: no memory. */
    void *(*take)(struct kmem_cache *cache, const struct mm_request *request);
    /*
     * A block of pages was taken, and will be of that kind: who is to be recorded as its
     * taker.
     */
    struct alloc_site *(*block_taken)(const struct mm_request *request, uint32_t pfn,
                                      enum page_kind kind);
    /*
     * The live object is to have another size; its record has the old one.  True: what it
     * gains is to be cleared.
     */
    bool (*resized)(struct alloc_site *site, const struct object *object, size_t size);
    /* The object to be freed is proved.  False: it stays, and that was reported. */
    bool (*may_free)(const struct mm_free_request *free, const struct object *object);
    /*
     * It is about to be freed.  Who is to be recorded as its freer.  late: it was put
     * off, and the calls that lead here are somebody else's.
     */
    struct alloc_site *(*freeing)(const struct mm_free_request *free,
                                  const struct object *object, bool late);
    /* It was freed: that is what it was.  Something may have waited for it. */
    void (*freed)(const struct object *object);
    /* The slot's object was freed: is the slot held back from being handed out? */
    bool (*holds_back)(const struct slot *slot);
    /* A guarded object: of its block, as a large kmalloc, is told what lies in it. */
    void (*find_guarded)(struct object *object);
    /* Proved: it is live.  Free it. */
    void (*free_guarded)(const struct object *object, struct alloc_site *site);
    /* Memory is short, or a cache shrinks: put back what was held (slab_put_back). */
    void (*let_go)(void);

    /* Pages come from the buddy allocator, or go back to it. */
    void (*pages_taken)(const struct mm_request *request, uint32_t pfn);
    void (*pages_freed)(uint32_t pfn, uint32_t n);
    /* A slab is being made: its slots are free, and not constructed yet. */
    void (*slab_made)(struct kmem_cache *cache, struct page *slab);
    /* An empty slab goes: it is watched no more. */
    void (*slab_goes)(struct kmem_cache *cache, struct page *slab);

    /*
     * An operation was dropped (recover.c).  Before records follow the maps: let the map
     * say of each slot that is held back that it is free.  Afterwards: that it is not,
     * as before; and all that is watched is to be as it must be.
     */
    void (*recover_begin)(void);
    void (*recover_end)(void);
};

/* NULL: nobody decides. */
extern const struct watcher *mm_watcher;

/*
 * heap.c: from now on; all: every call goes the long way, else those that need it anyway.
 * As long as there is a guarded object there is a watcher.
 */
void mm_watch_with(const struct watcher *watcher, bool all);
/* The same, after either of them has changed. */
void mm_hooks_changed(void);

/*
 * The i-th call site beside those of the linker's section, from 0; NULL: there are no
 * more.  One whose number is 0 is none.  (The stacks of dial U: a site with more lines.)
 */
extern struct alloc_site *(*mm_more_sites)(uint32_t i);

/* ---- looking -------------------------------------------------------------------- */

/* What the heart asks of those who look at it; mm_init hangs it in. */
struct looker {
    /* Fill in what lies at addr, and make the report. */
    void (*report)(struct mm_report *report, const void *addr);
    /* The same of a free, or use, that was refused: find out why. */
    void (*refused)(const struct mm_free_request *free, struct mm_report *report);
    /* All rules of one slab: NULL, or the first that is broken, and where. */
    const char *(*slab_fault)(struct page *slab, const void **where);
    /* May the slab be served?  If its shape and records are right, wherever it stands. */
    bool (*slab_is_fit)(struct page *slab);
    /*
     * Make the cache's lists anew, from what the page structs and maps say.  Slabs that
     * are not fit are set aside: not served any more, and on no list.
     */
    void (*mend)(struct kmem_cache *cache);
    /*
     * Pages become a slab, or a slab's pages go back: what their records say of what was
     * freed in them is not lost with them.  Only if there are records.
     */
    void (*slab_begins)(const struct kmem_cache *cache, struct page *slab);
    void (*slab_ends)(const struct kmem_cache *cache, struct page *slab);
    /* The block of a guarded object goes, which started at that offset: the same. */
    void (*guarded_ends)(uint32_t pfn, uint32_t offset);
    /* Tell the observers, of whom there is one at least, what happens at p. */
    void (*allocated)(const struct mm_request *request, const void *p);
    void (*freeing)(const struct mm_free_request *free);
    void (*resized)(const struct mm_request *request, const void *p);
    void (*failed)(const struct mm_request *request);
};

extern const struct looker *mm_looker;

/* Those who look on (mm/look/observe.h); NULL: nobody. */
extern struct mm_observer *mm_observers;

/* Set while a scan is on its way, which keeps some records in another form. */
extern void (*mm_scan_dropped)(void);

#define MM_TELL(what, ...)                                                    \
    do {                                                                      \
        if (unlikely(mm_observers))                                           \
            mm_looker->what(__VA_ARGS__);                                     \
    } while (0)

#endif
