/*
 * map_priv.h - the words of `heapmap`: a file each.
 */
#ifndef KERNEL_MAP_MAP_PRIV_H
#define KERNEL_MAP_MAP_PRIV_H

#include "mm/mm.h"

/* A row a block of these pages, and a last one with their sum.  A status of the shell. */
int map_blocks_json(uint32_t first, uint32_t pages);

/* The slots of one slab: of the cache of that name, or around that address. */
int map_slab(const char *word, bool json);

#endif
