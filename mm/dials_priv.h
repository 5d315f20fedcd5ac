/*
 * dials_priv.h - the dials as mm's own files see them: who is watched, and the
 * places on the long way where that is done.
 */
#ifndef MM_DIALS_PRIV_H
#define MM_DIALS_PRIV_H

#include "mm/dials.h"
#include "mm/slab_priv.h"

/* Flags of one cache. */
enum { DIAL_F = 1, DIAL_Z = 2, DIAL_P = 4, DIAL_U = 8 };

struct dials {
    bool init_on_alloc, init_on_free, debug_pagealloc, page_owner;
    size_t quarantine;          /* bytes; 0: none */
};

extern struct dials dials;

static inline bool watched(void)
{
    return unlikely(mm_state & MM_DIALS);
}

/* ---- dials.c ----------------------------------------------------------------- */

/* What slub_debug says of a cache of that name. */
uint8_t dials_of(const char *name);
/* mm_init is done: watch, if there is anything to watch. */
void dials_start(void);

/* ---- watch.c: on the long way, with mm entered --------------------------------- */

/* Bytes of a new object that may be used: with red zones those asked for, if known. */
static inline size_t watch_room(const struct kmem_cache *cache, size_t asked)
{
    if (!cache->left)
        return object_room(cache);
    return heap.record && asked < cache->object_size ? asked : cache->object_size;
}

/* Look at the object that the cache will hand out next: is it as it was freed? */
void watch_next(struct kmem_cache *cache, const struct mm_request *request);
/* It was taken: its red zones, and what it holds. */
void watch_taken(struct kmem_cache *cache, void *object,
                 const struct mm_request *request);
/* The live object is to have another size in its slot; its record has the old one. */
void watch_resized(const char *call, struct alloc_site *site, const struct slot *slot,
                   size_t size);
/*
 * The live object or block at addr is about to be freed: look at it, and poison it.
 * Who is to be recorded as its freer; NULL: it cannot be freed (F), that is reported.
 * late: it was put off, and the calls that lead here are somebody else's.
 */
struct alloc_site *watch_free(const char *call, struct alloc_site *site,
                              const void *addr, bool late);
/* Of a large kmalloc: bytes that may be used; a red zone behind them, if Z is on; */
size_t watch_large_size(uint32_t pfn);
void watch_large_taken(uint32_t pfn, size_t asked);
/* and another size, while its record has the old one. */
void watch_large_resized(struct alloc_site *site, uint32_t pfn, size_t size);
/* Who takes or frees pages: with page_owner, the calls that led there. */
struct alloc_site *watch_page_site(struct alloc_site *site, bool large);
/* A slab was made: its slots are free, its red zones inactive. */
void watch_new_slab(struct kmem_cache *cache, struct page *slab);
/* P was set for a cache that has slabs: poison what is free. */
void watch_poison_free(struct kmem_cache *cache);
/* Pages come from the page allocator, or go back to it. */
void watch_pages_taken(uint32_t pfn, unsigned order);
void watch_pages_freed(uint32_t pfn, uint32_t n);
/* debug_pagealloc was set: poison what is free. */
void watch_poison_pages(void);
/* F: is the cache's slab whole, or was it when its lists were made anew?  Reports. */
bool watch_slab(const char *call, struct alloc_site *site, struct page *slab,
                struct kmem_cache *cache);

/* ---- stack.c ---------------------------------------------------------------------- */

/* A site that stands for this call and those that led to it; or `site` itself. */
struct alloc_site *stack_site(struct alloc_site *site);

/* ---- quarantine.c ------------------------------------------------------------------ */

/* Freed, but not to be handed out yet. */
void quarantine_add(const struct slot *slot);
/* Let all go that is beyond `bytes`. */
void quarantine_limit(size_t bytes);
uint32_t quarantine_count(void);
void quarantine_reset(void);

#endif
