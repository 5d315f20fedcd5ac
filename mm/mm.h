/*
 * mm.h - the heap as its owner sees it: handing memory over, looking at it,
 * proving it whole.  What programs call is in slab.h and gfp.h.
 */
#ifndef MM_MM_H
#define MM_MM_H

#include "mm/gfp.h"
#include "mm/slab.h"

/* ---- handing memory over ------------------------------------------------ */

struct mm_range {
    uintptr_t start;
    size_t bytes;
};

/* Record who allocates and frees (kmemleak=on)?  Read once, by mm_init. */
extern bool mm_records;

/*
 * Lay out slabs as with red zones (ksize is what was asked for, too), which nobody fills:
 * for a sanitizer, that tells objects apart by what is between.  Set before mm_init.
 */
extern bool mm_gaps;

/*
 * Take these ranges as the heap, in any order, overlapping or not.  Only whole
 * pages inside them are used, never the page at address 0.  The page structs and
 * page records span from the lowest page (in a kernel, which is freestanding code, from
 * address 0) to the highest, and are taken from the first range with room; if none has
 * it, the smallest ranges are left out until one has.  Ranges that are not used at all
 * are counted in mm_stats.skipped.  The array itself must not lie in the memory handed
 * over.  Called again, mm_init forgets all.  Nothing else of mm may be called before
 * it.
 */
void mm_init(const struct mm_range *ranges, size_t count);

/*
 * Walk and recount everything.  NULL, or the numbered rule that is broken, for
 * instance "B4: two free buddies were not joined".  Changes nothing, but for frees
 * that were put off in an interrupt: they are done first.
 */
const char *mm_check(void);

/*
 * Where the last mm_check() found it: a record, or the slab or block of which a page
 * struct or map is wrong; NULL: nowhere in particular.
 */
const void *mm_check_where(void);

/* ---- numbers ------------------------------------------------------------ */

struct mm_stats {
    uint32_t total_pages;       /* given by mm_init; total = free + used */
    uint32_t free_pages;
    uint32_t slab_pages;        /* in slabs, full or not */
    uint32_t empty_slab_pages;  /* of those, in slabs without a live object */
    uint32_t meta_pages;        /* page structs, page records */
    uint32_t live_pages;        /* alloc_pages and alloc_pages_exact */
    uint32_t large_pages;       /* kmallocs in blocks of their own */
    uint32_t guarded_pages;     /* of guarded objects, live ones and freed ones */
    uint32_t unguarded;         /* objects that found no pages to be guarded with */
    uint32_t pages_allocated, pages_freed;  /* pages, by the page API, since boot */
    uint32_t kmallocs, kfrees;  /* objects: every cache, and large kmallocs */
    uint32_t live_objects;      /* kmallocs - kfrees */
    size_t live_bytes;          /* as asked; as taken if nothing is recorded */
    uint32_t failed;            /* allocations that returned NULL */
    uint32_t bad_frees;         /* refused */
    uint32_t reports;           /* bugs that were reported: mm_reports() */
    uint32_t last_serial;       /* of the newest allocation; 0: none, or off */
    uint32_t skipped;           /* ranges of mm_init that are not used */
    uint32_t free_blocks[MAX_PAGE_ORDER + 1];
};

/*
 * Linear in the heap: it recounts by walking.  In an interrupt under a busy mm what
 * is walked (live_pages, large_pages, live_bytes) is 0.
 */
void mm_get_stats(struct mm_stats *stats);

/* Bugs that were reported since mm_init; running out of memory is none. */
uint32_t mm_reports(void);
/* One more, which somebody else has found and told. */
void mm_count_report(void);

/* The serial number of the newest allocation; 0: none, or none is recorded. */
uint32_t mm_last_serial(void);

struct mm_cache_info {
    const char *name;
    uint32_t object_size;       /* as asked of kmem_cache_create */
    uint32_t slot_size;         /* from one object to the next */
    uint32_t slots_per_slab;
    uint32_t pages_per_slab;
    uint32_t live, slots;       /* now, in all slabs */
    uint32_t slabs, full_slabs, partial_slabs, empty_slabs;
    uint32_t peak_slabs;
    uint32_t allocs, frees;     /* since the cache was made */
};

/* Every cache, the kmalloc ones first, by size.  fn returns false to stop. */
void mm_walk_caches(bool (*fn)(const struct mm_cache_info *info, void *arg),
                    void *arg);

/* The cache of that name, or NULL. */
struct kmem_cache *mm_find_cache(const char *name);

/* ---- what is this address ----------------------------------------------- */

enum mm_what_kind {
    MM_OUTSIDE,                 /* not in the span of the heap at all */
    MM_HOLE,                    /* in the span, but never given to the heap */
    MM_META,                    /* page structs, page records */
    MM_FREE_PAGE,               /* in a free block, or not handed out yet */
    MM_USED_PAGES,              /* a block of alloc_pages or alloc_pages_exact */
    MM_LARGE,                   /* a kmalloc beyond the caches, or without a slab */
    MM_SLAB_LIVE,               /* a slot of a slab, handed out */
    MM_SLAB_FREE,               /* a slot of a slab, not handed out now */
    MM_SLAB_REST,               /* in a slab, behind the last slot */
    MM_SLAB_REDZONE,            /* in a slab, between two objects (dial Z): `start` is
                                   the nearer one's, `offset` below 0 or behind it */
    MM_GUARDED,                 /* the block of a live object that is guarded (kfence): */
    MM_GUARDED_FREE,            /*   `start` is the object's, `offset` as above; freed */
};

/* A life of an object, or of a block of pages, that has ended. */
struct mm_life {
    uint32_t serial;            /* 0: none is known */
    size_t asked;
    const struct alloc_site *taken_by, *freed_by;
};

struct mm_what {
    enum mm_what_kind kind;
    const void *addr;           /* what was asked */
    uintptr_t start;            /* of the block or slot around it */
    size_t bytes;               /* of the block or slot */
    size_t offset;              /* addr - start */
    uint32_t pfn;               /* page number; NO_PAGE: outside */
    unsigned order;             /* of the block or slab */
    bool exact;                 /* a run: from alloc_pages_exact, its tail given back */
    bool broken;                /* a block that is longer than it can be */
    const char *cache;          /* slabs, guarded objects: its name */
    uint32_t slot;              /* slabs: number of the slot, from 0 */
    bool quarantined;           /* MM_SLAB_FREE: freed, but its slot is not free yet */
    bool used_before;           /* free memory: known to have been handed out */
    /* The record, of the last life if it is free; serial 0: none is known. */
    uint32_t serial;
    size_t asked;               /* bytes asked for */
    const struct alloc_site *taken_by;  /* NULL: not known */
    const struct alloc_site *freed_by;  /* NULL: not freed, or not known */
    /*
     * Where the address is not the start of what is told above: what last started there
     * and was freed.
     */
    struct mm_life before;
    /*
     * Free memory at whose address nothing has started: what last had this byte, was freed,
     * and started at around_start.
     */
    struct mm_life around;
    uintptr_t around_start;
};

/*
 * Any address at all is fine.  Cost: O(MAX_PAGE_ORDER); where nothing live starts, a search
 * in a table of former lives.
 */
void mm_what_is(const void *addr, struct mm_what *what);

/* ---- what is live ------------------------------------------------------- */

/*
 * Every live object and page allocation, by ascending address; fn returns
 * false to stop, and must not allocate or free.  serial and taken_by are known
 * only if mm_records; without, asked is the size of the object or block.  Nothing
 * is visited while mm is busy (in an interrupt).
 */
void mm_walk_live(bool (*fn)(const struct mm_what *what, void *arg), void *arg);

/*
 * Give back what is held in reserve: what waits in quarantine, every empty slab of
 * every cache; and join the single pages that are kept from joining.  How many pages
 * went from slabs.
 */
uint32_t mm_reclaim(void);

/* ---- reports ------------------------------------------------------------ */

enum mm_bug {
    /* a free of what cannot be freed so; `what` says what it is */
    MM_BUG_DOUBLE_FREE,         /* freed before, and not handed out since */
    MM_BUG_NOT_ALLOCATED,       /* a slot or page not known to be handed out ever */
    MM_BUG_INTERIOR,            /* inside an object, block or slab, where none starts */
    MM_BUG_NOT_HEAP,            /* outside, hole, book-keeping */
    MM_BUG_PAGES_TO_KFREE,      /* from alloc_pages */
    MM_BUG_OBJECT_TO_FREE_PAGES,        /* from kmalloc or a cache */
    MM_BUG_WRONG_ORDER,         /* or not the bytes of alloc_pages_exact */
    MM_BUG_WRONG_CACHE,
    MM_BUG_TOO_MANY_PUT_OFF,    /* right, but in an interrupt, and no more fit */
    MM_BUG_USE_AFTER_FREE,      /* krealloc, ksize of memory that is free */
    /* a use that is wrong otherwise */
    MM_BUG_SLEEP_IN_IRQ,        /* GFP_KERNEL in an interrupt handler */
    MM_BUG_TOO_LARGE,           /* beyond MAX_PAGE_ORDER */
    MM_BUG_BAD_CACHE,           /* kmem_cache_create: see `problem` */
    MM_BUG_NO_CACHE,            /* not a cache, or a destroyed one */
    MM_BUG_CACHE_IN_USE,        /* destroy with live objects */
    /* a write where there is nothing to write to: see `damage` (dials.h) */
    MM_BUG_RIGHT_REDZONE,       /* behind an object, or behind the size asked */
    MM_BUG_LEFT_REDZONE,        /* before an object */
    MM_BUG_POISON,              /* in an object that was freed */
    MM_BUG_GUARDED,             /* in the slack beside a guarded object */
    MM_BUG_PAGE_POISON,         /* in a free page */
    MM_BUG_CORRUPTED,           /* mm's own structures: `problem` is the rule */
    /* nobody's bug */
    MM_OUT_OF_MEMORY,
    MM_INJECTED,                /* it was to fail: mm/watch/inject.h */
    MM_NO_MORE_SERIALS,         /* 2^32 - 1 allocations: the others share the last one */
};

struct mm_damage {              /* addresses of bytes */
    uintptr_t start, end;       /* of what was watched; end is behind it */
    uintptr_t first, last;      /* wrong ones */
    uint8_t found, expected;    /* the first of them, and what it should be */
};

struct mm_report {
    enum mm_bug bug;
    bool fatal;                 /* __GFP_NOFAIL, SLAB_PANIC: mm traps after it */
    const char *call;           /* the function called: "kfree" */
    const char *problem;        /* in words, where `bug` does not say all; of damage:
                                   what was done */
    const struct alloc_site *caller;    /* who called it; NULL: not known */
    struct mm_what what;        /* of the pointer passed; frees, ksize, krealloc */
    unsigned order;             /* asked for, or passed to free_pages */
    size_t bytes;               /* asked for */
    gfp_t gfp;
    const char *cache;          /* passed to kmem_cache_*; NULL: none */
    uint32_t live;              /* MM_BUG_CACHE_IN_USE: its live objects */
    struct mm_damage damage;    /* MM_BUG_RIGHT_REDZONE to MM_BUG_PAGE_POISON */
};

/* "double free", "interior pointer" ...: the bug in two or three words. */
const char *mm_bug_name(enum mm_bug bug);

/* "GFP_KERNEL|__GFP_ZERO" into buf, cut to size; returns buf. */
const char *mm_gfp_name(gfp_t gfp, char *buf, size_t size);
/* The flag of that name, as these are written.  False: there is none. */
bool mm_gfp_of(const char *name, gfp_t *gfp);

#endif
