/*
 * cache.c - making and ending object caches: their table, their API.
 *
 * All caches stand in one table, so that a page struct names its cache in a byte:
 *
 *     0           no cache: what pages name that are in no slab
 *     1 .. 13     kmalloc-8 .. kmalloc-8k
 *     14 .. 255   those of kmem_cache_create
 *
 * An entry that became free is used again as late as possible, so that a pointer
 * to a destroyed cache is known for what it is.
 *
 * Cost: making a cache searches the table.  kmem_cache_alloc and kmem_cache_free begin
 * in short.c.
 */
#include "mm/enter_priv.h"
#include "mm/hooks_priv.h"
#include "mm/layout_priv.h"
#include "mm/slab_priv.h"

/* ---- the table ---------------------------------------------------------- */

struct kmem_cache caches[MAX_CACHES];
struct kmem_cache *cache_numbered[MAX_CACHES];

/* size and align are sound. */
static void setup(struct kmem_cache *cache, const char *name, size_t size,
                  size_t align, void (*ctor)(void *))
{
    uint8_t flags = mm_watcher ? mm_watcher->dials_of(name) : 0;

    memset(cache, 0, sizeof(*cache));
    cache->object_size = (uint32_t)size;
    cache->align = (uint32_t)align;
    cache->ctor = ctor;
    cache->spare = NO_PAGE;
    for (unsigned k = 0; k < SLAB_LEVELS; k++)
        cache->partial[k] = NO_PAGE;
    cache_lay_out(cache, cache_possible_dials(cache, flags));
    slab_serve_nothing(cache);
    mm_barrier();
    cache->name = name;         /* last: until here there is no such cache */
}

void cache_init(void)
{
    static const struct {
        const char *name;
        size_t size;
    } first[FIRST_FREE_CACHE] = {
        { NULL, 0 },
        { "kmalloc-8", 8 },     { "kmalloc-16", 16 },   { "kmalloc-32", 32 },
        { "kmalloc-64", 64 },   { "kmalloc-96", 96 },   { "kmalloc-128", 128 },
        { "kmalloc-192", 192 }, { "kmalloc-256", 256 }, { "kmalloc-512", 512 },
        { "kmalloc-1k", 1024 }, { "kmalloc-2k", 2048 }, { "kmalloc-4k", 4096 },
        { "kmalloc-8k", 8192 },
    };

    memset(caches, 0, sizeof(caches));
    for (unsigned i = 0; i < MAX_CACHES; i++) {
        cache_numbered[i] = &caches[i];
        slab_serve_nothing(&caches[i]);
    }
    for (unsigned i = NO_CACHE + 1; i < FIRST_FREE_CACHE; i++)
        setup(&caches[i], first[i].name, first[i].size, first[i].size & -first[i].size,
              NULL);
}

/* ---- making ------------------------------------------------------------- */

/* What is wrong with these arguments, or NULL. */
static const char *refused(const char *name, size_t size, size_t align,
                           slab_flags_t flags)
{
    if (!name || !*name)
        return "it has no name";
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
        if (cache) {
            setup(cache, name, size, full_align(size, align, flags), ctor);
        } else {
            problem = "the table of caches is full";
        }
        mm_leave();
    }
    if (problem)
        mm_report(&(struct mm_report){
            .bug = MM_BUG_BAD_CACHE, .call = "kmem_cache_create", .caller = site,
            .problem = problem, .cache = name, .bytes = size,
            .fatal = flags & SLAB_PANIC });
    return cache;
}

/* ---- using -------------------------------------------------------------- */

bool is_cache(const char *call, struct alloc_site *site, const struct kmem_cache *cache)
{
    if (is_cache_entry(cache) && cache->name)
        return true;
    mm_report(&(struct mm_report){ .bug = MM_BUG_NO_CACHE, .call = call,
                                   .caller = site, .what.addr = cache });
    return false;
}

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

/* ---- ending ------------------------------------------------------------- */

/* Its entry is free. */
static void forget(struct kmem_cache *cache)
{
    heap.ended += cache->allocs;
    cache->name = NULL;
    cache->dials = 0;
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
        report.live = cache->allocs - cache->frees;
        if (report.live) {
            report.problem = "it has live objects";
        } else {
            shrink(cache);              /* all its slabs are empty: S3, S4 */
            if (cache->slabs) {         /* but some are aside: are they fit by now? */
                mm_looker->mend(cache);
                slab_shrink(cache);
            }
            if (cache->slabs)
                report.problem = "a broken slab of it was set aside";
            else
                forget(cache);
        }
        mm_leave();
    }
    if (report.problem)
        mm_report(&report);
}
