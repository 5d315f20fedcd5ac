/*
 * objects.h - caches and their objects, by the dozen, for the tests of caches.
 */
#ifndef TESTS_HOSTED_OBJECTS_H
#define TESTS_HOSTED_OBJECTS_H

#include "tests/hosted/arena.h"

/* A cache without constructor; there must be room for it. */
struct kmem_cache *make(const char *name, size_t size, size_t align);

/* Take n objects, each filled with its number. */
void take(struct kmem_cache *cache, unsigned char **table, uint32_t n);

/* Give them back; each must still be filled so. */
void give_back(struct kmem_cache *cache, unsigned char **table, uint32_t n);

#endif
