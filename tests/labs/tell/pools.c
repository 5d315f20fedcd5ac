/*
 * pools.c - tell them apart: six pools, of which one is right.
 *
 *     pool -> slab -> | used | slot 0 | slot 1 | slot 2 | slot 3 |
 *          -> slab -> | used | slot 4 | ...
 *          -> free    3 2 1      what is handed out next stands last
 *
 * A pool takes a slab from the kernel when no slot is free, and gives it back when none of
 * its slots is out.  What was given last is handed out first.  A pointer is taken back only
 * if a slot begins there that is out.
 *
 * Who reads on knows what five of them do wrong; and who would test an allocator that
 * somebody else has written has only what stands above.
 */
#include "tests/labs/tell/pools.h"

#include "mm/slab.h"

enum { ALL_OF_ANY = sizeof(((struct pool *)0)->free) / sizeof(int) };

/* ---- slabs -------------------------------------------------------------------------- */

static void push(struct pool *pool, int slot)
{
    if (pool->nfree < ALL_OF_ANY)
        pool->free[pool->nfree++] = slot;
}

static void add_slab(struct pool *pool)
{
    int n = 0;

    while (n < SLABS && pool->slab[n] != NULL)
        n++;
    if (n == SLABS)
        return;
    pool->slab[n] = kzalloc(sizeof(*pool->slab[n]), GFP_KERNEL);
    if (pool->slab[n] == NULL)
        return;
    pool->slabs++;
    for (int i = SLOTS; i-- > 0;)
        push(pool, n * SLOTS + i);
}

static bool is_newest(const struct pool *pool, int n)
{
    while (++n < SLABS)
        if (pool->slab[n] != NULL)
            return false;
    return true;
}

static void drop_slab(struct pool *pool, int n)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < pool->nfree; i++)
        if (pool->free[i] / SLOTS != n)
            pool->free[kept++] = pool->free[i];
    pool->nfree = kept;
    if (pool->flaw != FORGETS_SLAB || is_newest(pool, n)) {
        kfree(pool->slab[n]);
        pool->slabs--;
    }
    pool->slab[n] = NULL;
}

/* ---- slots -------------------------------------------------------------------------- */

void pool_reset(struct pool *pool, enum pool_flaw flaw)
{
    for (int n = 0; n < SLABS; n++)
        kfree(pool->slab[n]);
    *pool = (struct pool){ .flaw = flaw, .given = NO_SLOT };
}

int pool_take(struct pool *pool)
{
    if (pool->nfree == 0)
        add_slab(pool);
    if (pool->nfree == 0)
        return NO_SLOT;

    int slot = pool->free[--pool->nfree];

    pool->slab[slot / SLOTS]->used |= 1u << slot % SLOTS;
    pool->given = NO_SLOT;
    return slot;
}

/* Is it out?  slot is one of a slab. */
static bool may_give(const struct pool *pool, int slot)
{
    if (pool->flaw == GIVES_TWICE)
        return slot != pool->given;
    return (pool->slab[slot / SLOTS]->used & 1u << slot % SLOTS) != 0;
}

bool pool_give(struct pool *pool, int slot, unsigned offset)
{
    if (slot < 0 || slot >= POOL_SLOTS || pool->slab[slot / SLOTS] == NULL ||
        (offset != 0 && pool->flaw != TAKES_ANY) || offset >= SLOT_BYTES ||
        !may_give(pool, slot))
        return false;

    struct pool_slab *slab = pool->slab[slot / SLOTS];

    slab->used &= ~(1u << slot % SLOTS);
    if (pool->flaw != LOSES_BACKWARDS || slot + 1 != pool->given)
        push(pool, slot);
    pool->given = slot;
    if (slab->used == 0)
        drop_slab(pool, slot / SLOTS);
    return true;
}

uint8_t *pool_bytes(const struct pool *pool, int slot)
{
    int n = slot % SLOTS;
    uint8_t *bytes = pool->slab[slot / SLOTS]->bytes + n * SLOT_BYTES;

    return pool->flaw == LAST_OVERLAPS && n == SLOTS - 1 ? bytes - SLOT_BYTES / 3 : bytes;
}
