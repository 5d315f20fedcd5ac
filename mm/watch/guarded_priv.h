/*
 * guarded_priv.h - objects that stand against a page that is not there: see guarded.c.
 */
#ifndef MM_WATCH_GUARDED_PRIV_H
#define MM_WATCH_GUARDED_PRIV_H

#include "mm/object_priv.h"
#include "mm/watch/zone_priv.h"

/*
 * Is it the turn of this request to be guarded, and can it be?  Then the object, of that
 * taker, with its slack filled, and constructed if the cache has a constructor.  NULL: a
 * slot will do.  mm is entered.
 */
void *guarded_take(struct kmem_cache *cache, const struct mm_request *request,
                   const struct alloc_site *taker);
/* For struct watcher. */
void guarded_find(struct object *object);
void guarded_free(const struct object *object, struct alloc_site *site);

/* Of a live one: how much of its slack is wrong. */
uint32_t guarded_look(const struct look *look, const struct object *object);
/* It is to have another size, no larger, while its record has the old one. */
void guarded_resized(const struct look *look, const struct object *object, size_t size);

/* The dial was set: count from the start; with 0, none that is freed waits any more. */
void guarded_set(uint32_t every);
/* Those that are freed and wait go. */
void guarded_let_go(void);
/* An operation was dropped: freed ones go, live ones stand as they must. */
void guarded_recover(void);

#endif
