/*
 * caches.c - the table of caches as it begins: kmalloc-8 to kmalloc-8k are there from the
 * start, and kmalloc finds the one for a size by (size - 1) / 8.
 *
 * Objects of theirs are aligned to the largest power of two that divides their size, so a
 * power of two is aligned to itself.
 *
 * Cost: this is boot.
 */
#include "mm/hooks_priv.h"
#include "mm/slab_priv.h"

void cache_setup(struct kmem_cache *cache, const char *name, size_t size, size_t align,
                 void (*ctor)(void *))
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

static void make_first(void)
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
    for (unsigned name = 0; name < 2 * MAX_CACHES; name++)
        cache_named[name] = &caches[NO_CACHE];
    for (unsigned i = 0; i < MAX_CACHES; i++) {
        cache_named[cache_name(&caches[i])] = &caches[i];
        slab_serve_nothing(&caches[i]);
    }
    for (unsigned i = NO_CACHE + 1; i < FIRST_FREE_CACHE; i++) {
        size_t size = first[i].size;

        cache_setup(&caches[i], first[i].name, size, size & -size, NULL);
    }
}

static void sort_by_size(void)
{
    struct kmem_cache *cache = &caches[FIRST_KMALLOC_CACHE];

    for (uint32_t i = 0; i < KMALLOC_MAX_CACHE_SIZE / 8; i++) {
        if ((i + 1) * 8 > cache->object_size)
            cache++;
        kmalloc_by_size[i] = cache;
    }
}

void caches_init(void)
{
    make_first();
    sort_by_size();
}
