/*
 * check_priv.h - the rules, proved floor by floor: check.c puts them together.
 */
#ifndef MM_LOOK_CHECK_PRIV_H
#define MM_LOOK_CHECK_PRIV_H

#include "mm/buddy.h"

/*
 * NULL, or the rule that is broken; *pfn is the first page of the block whose page
 * structs break it, or NO_PAGE if it is a list or a counter.
 */
const char *buddy_check(const struct buddy *b, uint32_t *pfn);

/* The same of all caches and slabs; *where is set if it is known. */
const char *slab_check(const void **where);

#endif
