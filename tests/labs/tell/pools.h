/*
 * pools.h - tell them apart: a pool, for who runs sessions on it.
 *
 * What is handed in does not include it: that reads tell.h, and here stands what it is to
 * find out.
 */
#ifndef TESTS_LABS_TELL_POOLS_H
#define TESTS_LABS_TELL_POOLS_H

#include <stdbool.h>
#include <stdint.h>

enum { POOLS = 6, SLABS = 3, SLOTS = 4, POOL_SLOTS = SLABS * SLOTS, SLOT_BYTES = 24,
       NO_SLOT = -1 };

enum pool_flaw { RIGHT, FORGETS_SLAB, GIVES_TWICE, LAST_OVERLAPS, LOSES_BACKWARDS, TAKES_ANY };

struct pool_slab {
    unsigned used;              /* bit i: slot i is out */
    uint8_t bytes[SLOTS * SLOT_BYTES];
};

struct pool {
    enum pool_flaw flaw;
    struct pool_slab *slab[SLABS];
    unsigned slabs;             /* taken from the kernel and not given back */
    int free[4 * POOL_SLOTS];   /* slots to hand out, the next one last */
    unsigned nfree;
    int given;                  /* last, and nothing was taken since; NO_SLOT */
};

/* An empty pool.  What it had is given back, as far as it has it. */
void pool_reset(struct pool *pool, enum pool_flaw flaw);
/* A slot, from 0 to POOL_SLOTS - 1; NO_SLOT: there is no more. */
int pool_take(struct pool *pool);
/* Give back what is `offset` bytes behind the begin of that slot; false: it is refused. */
bool pool_give(struct pool *pool, int slot, unsigned offset);
/* The SLOT_BYTES bytes of a slot that is out. */
uint8_t *pool_bytes(const struct pool *pool, int slot);

#endif
