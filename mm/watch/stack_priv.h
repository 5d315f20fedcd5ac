/*
 * stack_priv.h - the calls that led here, as a call site: stack.c.
 */
#ifndef MM_WATCH_STACK_PRIV_H
#define MM_WATCH_STACK_PRIV_H

#include "mm/watch/stack.h"

/* A site that stands for this call and those that led to it; or `site` itself. */
struct alloc_site *stack_site(struct alloc_site *site);

#endif
