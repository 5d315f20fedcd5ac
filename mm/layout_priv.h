/*
 * layout_priv.h - how a slab is divided: see layout.c.
 */
#ifndef MM_LAYOUT_PRIV_H
#define MM_LAYOUT_PRIV_H

#include "mm/slot_priv.h"

/* Of these dials, those that are possible for the cache. */
uint8_t cache_possible_dials(const struct kmem_cache *cache, uint8_t flags);
/* Lay out with these dials, which are possible; the cache has no slabs. */
void cache_lay_out(struct kmem_cache *cache, uint8_t flags);
/* Does everything that is derived from its slot size still follow from it? (S8) */
bool cache_is_sound(const struct kmem_cache *cache);

#endif
