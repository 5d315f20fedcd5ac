/*
 * watch_priv.h - objects, watched: see watch.c.
 */
#ifndef MM_WATCH_WATCH_PRIV_H
#define MM_WATCH_WATCH_PRIV_H

#include "mm/object_priv.h"
#include "mm/refuse_priv.h"
#include "mm/slot_priv.h"

/* For struct watcher. */
void *watch_take(struct kmem_cache *cache, const struct mm_request *request);
bool watch_resized(struct alloc_site *site, const struct object *object, size_t size);
bool watch_may_free(const struct mm_free_request *free, const struct object *object);
struct alloc_site *watch_freeing(const struct mm_free_request *free,
                                 const struct object *object, bool late);
void watch_slab_made(struct kmem_cache *cache, struct page *slab);
void watch_slab_goes(struct kmem_cache *cache, struct page *slab);

/* Look at all that is watched; how much of it is wrong.  mm is entered. */
uint32_t watch_look_at_all(void);

/* P was set for a cache that has slabs: poison what is free. */
void watch_poison_free(struct kmem_cache *cache);

/* All that is watched is as it must be from now on, whatever it was. */
void watch_paint(void);

#endif
