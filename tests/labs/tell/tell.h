/*
 * tell.h - tell them apart: what the files of this lab share, and how one answers.
 *
 *     TELL("ann", "take", "fill 0", "give 0");
 *
 * at file scope of what is handed in: these commands tell the pools apart that have ann's
 * numbers.
 */
#ifndef TESTS_LABS_TELL_TELL_H
#define TESTS_LABS_TELL_TELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TELL_LINES = 40 };

struct tell_session {
    const char *name;
    const char *lines[TELL_LINES + 1];  /* NULL behind the last; else they are too many */
};

extern const struct tell_session tell_session;

#define TELL(name, ...) const struct tell_session tell_session = { name, { __VA_ARGS__ } }

/* ---- pools.c ------------------------------------------------------------------------ */

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
