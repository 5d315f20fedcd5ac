/*
 * refuse_priv.h - what a call asks for, and saying no to it: refuse.c.
 */
#ifndef MM_REFUSE_PRIV_H
#define MM_REFUSE_PRIV_H

#include "mm/heap_priv.h"

/* Call the hook, and trap if the report is fatal. */
void mm_report(const struct mm_report *report);

/* A rule of mm's own is found broken in what lies at, or describes, addr. */
void mm_corrupted(const char *call, struct alloc_site *site, const char *rule,
                  const void *addr);

/* ---- allocations ---------------------------------------------------------------- */

/* What an allocation asks for. */
struct mm_request {
    const char *call;
    struct alloc_site *site;
    gfp_t gfp;
    unsigned order;             /* of the block, or of the slab if one must be made */
    size_t bytes;
};

/* For reports: kzalloc, if that is written, and not the kmalloc that it is made of. */
static inline const char *mm_call_of(const struct mm_request *request)
{
    const struct alloc_site *site = request->site;

    return site && site->file && site->call ? site->call : request->call;
}

/*
 * Count and report that it cannot be had; always NULL.  __GFP_NOWARN silences what may
 * happen to anybody, not what is wrong with the caller's flags.
 */
void *mm_fail(const struct mm_request *request, enum mm_bug why);

/* Can mm_may_allocate() say no at all? */
static inline bool mm_must_ask(void)
{
    return unlikely(mm_state & (MM_IRQ | MM_LONG_WAY));
}

bool mm_is_allowed(const struct mm_request *request, const struct kmem_cache *cache);

/*
 * May it go on?  Not if it is GFP_KERNEL in an interrupt, or is to fail on purpose: that
 * was counted and reported.  cache: of the object that is asked for; NULL: whole pages.
 * Each call of the allocation API asks once.
 */
static inline bool mm_may_allocate(const struct mm_request *request,
                                   const struct kmem_cache *cache)
{
    return !mm_must_ask() || mm_is_allowed(request, cache);
}

/* ---- frees ---------------------------------------------------------------------- */

enum mm_free_how {
    MM_FREE_OBJECT,             /* kfree, or with a cache kmem_cache_free */
    MM_FREE_PAGES,              /* a block of `order` */
    MM_FREE_EXACT,              /* a run, or block, of as many pages as `bytes` take */
    MM_USE,                     /* not freed but used: ksize, krealloc */
};

/* What a call wants freed, or used. */
struct mm_free_request {
    const char *call;
    struct alloc_site *site;
    const void *addr;
    enum mm_free_how how;
    const struct kmem_cache *cache;     /* of kmem_cache_free; else NULL */
    unsigned order;
    size_t bytes;
};

/* It is refused: count it, find out why and report that. */
void mm_refuse(const struct mm_free_request *free);
/* The same, for that reason; `problem` may add words. */
void mm_refuse_as(const struct mm_free_request *free, enum mm_bug why,
                  const char *problem);

#endif
