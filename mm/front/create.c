/*
 * create.c - making and ending object caches, and giving back what they hold in reserve.
 *
 * An entry of the table (cache.c) that became free is used again as late as possible, so
 * that a pointer to a destroyed cache is known for what it is.
 *
 * Cost: making a cache searches the table; ending one gives its slabs back.
 */
#include "mm/enter_priv.h"
#include "mm/hooks_priv.h"
#include "mm/slab_priv.h"

/* ---- making ------------------------------------------------------------- */

/* What is wrong with these arguments, or NULL. */
static const char *refused(const char *name, size_t size, size_t align,
                           slab_flags_t flags)
{
    if (!name || !*name)
        return "it has no name";
    if (strlen(name) >= CACHE_NAME_SIZE)
        return "its name has more than 63 characters";
    if (size == 0)
        return "its objects have size 0";
    if (align & (align - 1))
        return "its alignment is not a power of two";
    if (align > PAGE_SIZE)
        return "its alignment is more than a page";
    if (size > MAX_OBJECT_SIZE)         /* which every alignment divides */
        return "its objects are larger than the largest slab";
    if (flags & ~(SLAB_HWCACHE_ALIGN | SLAB_PANIC))
        return "it has a flag that does not exist";
    return NULL;
}

/* SLAB_HWCACHE_ALIGN: to a line of 64 bytes, but small objects share a line. */
static size_t full_align(size_t size, size_t align, slab_flags_t flags)
{
    size_t line = flags & SLAB_HWCACHE_ALIGN ? 64 : 8;

    while (line > 8 && size <= line / 2)
        line /= 2;
    return align > line ? align : line;
}

/* A cache has its name here, by its number: the caller's may be gone tomorrow. */
static char names[MAX_CACHES][CACHE_NAME_SIZE];

static const char *own_name(const struct kmem_cache *cache, const char *name)
{
    return memcpy(names[cache_number(cache)], name, strlen(name) + 1);
}

static struct kmem_cache *free_entry(void)
{
    const unsigned count = MAX_CACHES - FIRST_FREE_CACHE;

    for (unsigned i = 0; i < count; i++) {
        unsigned number = FIRST_FREE_CACHE + (heap.last_cache + i) % count;

        if (caches[number].name)
            continue;
        heap.last_cache = number - FIRST_FREE_CACHE + 1;
        return &caches[number];
    }
    return NULL;
}

struct kmem_cache *kmem_cache_create_at(struct alloc_site *site, const char *name,
                                        size_t size, size_t align,
                                        slab_flags_t flags, void (*ctor)(void *))
{
    const char *problem = refused(name, size, align, flags);
    struct kmem_cache *cache = NULL;

    if (!problem && !mm_enter(site)) {
        problem = "the allocator is busy";
    } else if (!problem) {
        cache = free_entry();
        if (cache)
            cache_setup(cache, own_name(cache, name), size,
                        full_align(size, align, flags), ctor);
        else
            problem = "the table of caches is full";
        mm_leave();
    }
    if (problem)
        mm_report(&(struct mm_report){
            .bug = MM_BUG_BAD_CACHE, .call = "kmem_cache_create", .caller = site,
            .problem = problem, .cache = name, .bytes = size,
            .fatal = flags & SLAB_PANIC });
    return cache;
}

/* ---- what is held in reserve ------------------------------------------------------- */

size_t kmem_cache_size(const struct kmem_cache *cache)
{
    return is_cache("kmem_cache_size", NULL, cache) ? cache->object_size : 0;
}

static void shrink(struct kmem_cache *cache)
{
    if (mm_watcher)
        mm_watcher->let_go();
    slab_shrink(cache);
}

unsigned kmem_cache_shrink(struct kmem_cache *cache)
{
    unsigned slabs = 0;

    if (is_cache("kmem_cache_shrink", NULL, cache) && mm_enter(NULL)) {
        slabs = cache->slabs;
        shrink(cache);
        slabs -= cache->slabs;
        mm_leave();
    }
    return slabs;
}

uint32_t mm_reclaim(void)
{
    uint32_t pages = 0;

    if (mm_enter(NULL)) {
        pages = slab_reclaim();
        buddy_join_kept(&heap.buddy);
        mm_leave();
    }
    return pages;
}

/* ---- ending ------------------------------------------------------------- */

/* Its entry is free; it has no slabs. */
static void forget(struct kmem_cache *cache)
{
    cache->name = NULL;         /* first: from here on there is no such cache */
    mm_barrier();
    heap.ended += cache->allocs;
    cache->dials = 0;
}

/* Give back the slabs of a cache without live objects.  False: one is broken. */
static bool give_back_slabs(struct kmem_cache *cache)
{
    shrink(cache);                      /* all its slabs are empty: S3, S4 */
    if (cache->slabs) {                 /* but some are aside: are they fit by now? */
        mm_looker->mend(cache);
        slab_shrink(cache);
    }
    return cache->slabs == 0;
}

/* NULL, or why it cannot be ended; mm is entered. */
static const char *end(struct kmem_cache *cache, uint32_t *live)
{
    *live = cache->allocs - cache->frees;
    if (*live)
        return "it has live objects";
    if (!give_back_slabs(cache))
        return "a broken slab of it was set aside";
    forget(cache);
    return NULL;
}

void kmem_cache_destroy_at(struct alloc_site *site, struct kmem_cache *cache)
{
    struct mm_report report = { .call = "kmem_cache_destroy", .caller = site,
                                .bug = MM_BUG_CACHE_IN_USE };

    if (!cache || !is_cache(report.call, site, cache))
        return;
    report.cache = cache->name;
    if (cache < &caches[FIRST_FREE_CACHE]) {
        report.problem = "kmalloc needs it";
    } else if (!mm_enter(site)) {
        report.problem = "the allocator is busy";
    } else {
        report.problem = end(cache, &report.live);
        mm_leave();
    }
    if (report.problem)
        mm_report(&report);
}
