/*
 * free_priv.h - giving back, in any state of mm: free.c.
 */
#ifndef MM_FREE_PRIV_H
#define MM_FREE_PRIV_H

#include "mm/object_priv.h"
#include "mm/refuse_priv.h"

/*
 * The door: does a live thing start at free->addr, and may it be freed in this way?
 * MM_USE: may it be used, as what kmalloc or a cache gave?  *object is what is there.
 */
bool is_right_to_free(const struct mm_free_request *free, struct object *object);

/* Free what it asks for, if that is right: now, or put off; else refuse. */
void mm_free(const struct mm_free_request *free);
/* Do the frees that were put off; mm is entered. */
void free_put_off(void);

/* For the call of that name. */
void kfree_any(const char *call, struct alloc_site *site, void *p);

/* The long ways of short.c. */
void kfree_long(struct alloc_site *site, const void *p);
void cache_free_long(struct alloc_site *site, struct kmem_cache *cache, void *p);
void free_pages_long(struct alloc_site *site, struct page *page, unsigned order);
void free_pages_addr_long(struct alloc_site *site, unsigned long addr, unsigned order);

#endif
