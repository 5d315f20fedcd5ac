/*
 * quarantine_priv.h - freed objects that wait: see quarantine.c.
 */
#ifndef MM_WATCH_QUARANTINE_PRIV_H
#define MM_WATCH_QUARANTINE_PRIV_H

#include "mm/slot_priv.h"

/* Is no object of it live?  Slots may still be held. */
static inline bool cache_is_empty(const struct kmem_cache *cache)
{
    return cache->allocs == cache->frees;
}

/* For struct watcher. */
bool quarantine_holds_back(const struct slot *slot);
void quarantine_let_go(void);
/*
 * For struct watcher, recover_begin: nothing is held that may not be, and the map says
 * that what is held is free.  And recover_end: that it is not.
 */
void quarantine_show(void);
void quarantine_hide(void);

/* Did a cache without objects get a slot back since this was asked, or was one mended? */
bool quarantine_has_emptied(void);

/* Let all go that is beyond `bytes`. */
void quarantine_limit(size_t bytes);

#endif
