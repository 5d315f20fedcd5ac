/*
 * objects.c - see objects.h.
 */
#include "tests/hosted/objects.h"

#include <string.h>

struct kmem_cache *make(const char *name, size_t size, size_t align)
{
    struct kmem_cache *cache = kmem_cache_create(name, size, align, 0, NULL);

    assert_non_null(cache);
    return cache;
}

void take(struct kmem_cache *cache, unsigned char **table, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        table[i] = kmem_cache_alloc(cache, GFP_KERNEL);
        assert_non_null(table[i]);
        memset(table[i], (int)(i & 255), kmem_cache_size(cache));
    }
}

void give_back(struct kmem_cache *cache, unsigned char **table, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        assert_true(all_bytes(table[i], (int)(i & 255), kmem_cache_size(cache)));
        kmem_cache_free(cache, table[i]);
    }
}
