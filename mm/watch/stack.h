/*
 * stack.h - the calls that led to an allocation or a free (dial U).
 */
#ifndef MM_WATCH_STACK_H
#define MM_WATCH_STACK_H

#include "mm/site.h"

enum { MM_STACK_FRAMES = 12 };

/*
 * The return addresses that led to mm, from the function that called it outwards; how
 * many.  NULL (the default): nobody knows, and U records the call site only.
 */
extern unsigned (*mm_stack_hook)(uintptr_t *frames, unsigned max);

/* The calls that led to this site, if it stands for them; else NULL and 0. */
const uintptr_t *mm_site_stack(const struct alloc_site *site, unsigned *depth);

/* Allocations and frees whose calls found no room: they have the call site only. */
uint32_t mm_stacks_lost(void);

#endif
