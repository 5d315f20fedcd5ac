/*
 * buddy_priv.h - what buddy.c and its proof, buddy_check.c, both know of a free block.
 */
#ifndef MM_BUDDY_PRIV_H
#define MM_BUDDY_PRIV_H

#include "mm/buddy.h"

static inline bool free_block_at(const struct buddy *b, uint32_t pfn, unsigned order)
{
    return b->page[pfn].tag == page_tag(PG_FREE, order);
}

/* B3, from the block's side: both neighbours, or the list's head, know it. */
bool buddy_is_linked(const struct buddy *b, uint32_t pfn);

#endif
