/*
 * partial_priv.h - the lists of partial slabs: see partial.c.
 */
#ifndef MM_PARTIAL_PRIV_H
#define MM_PARTIAL_PRIV_H

#include "mm/slot_priv.h"

/* Which list is for slabs with that many free slots. */
static inline unsigned partial_level(uint32_t nfree)
{
    return (31 - (unsigned)__builtin_clz(nfree)) / 2;
}

/* How many frees until a slab with nfree free slots, not all, must move. */
uint32_t partial_countdown(const struct kmem_cache *cache, uint32_t nfree);

/* False: the list's head cannot be believed, and nothing was done. */
bool partial_add(struct kmem_cache *cache, struct page *slab, uint32_t nfree);
void partial_remove(struct kmem_cache *cache, struct page *slab, unsigned level);

/* S3, before a link is followed: both neighbours, or the list's head, know the slab. */
bool partial_is_linked(const struct kmem_cache *cache, const struct page *slab,
                       unsigned level);
/* The first slab of a list; NULL: its links cannot be believed. */
struct page *partial_first(const struct kmem_cache *cache, unsigned level);

/* Was it set aside?  Its countdown began at 0; that of any other is not that long. */
static inline bool slab_is_aside(const struct page *slab)
{
    return (uint16_t)(slab->countdown - 1) >= MAX_SLOTS;
}

/* Being served, or spare: on no list. */
bool slab_is_at_hand(const struct kmem_cache *cache, const struct page *slab);

#endif
