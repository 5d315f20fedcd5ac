/*
 * stack_priv.h - from a record's number to its call site, or to its stack: stack.c.
 */
#ifndef MM_WATCH_STACK_PRIV_H
#define MM_WATCH_STACK_PRIV_H

#include "mm/watch/stack.h"

/* NULL: 0, or the number of none. */
const struct alloc_site *site_of(uint16_t number);

/* A site that stands for this call and those that led to it; or `site` itself. */
struct alloc_site *stack_site(struct alloc_site *site);

#endif
