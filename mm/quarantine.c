/*
 * quarantine.c - freed objects that wait before their slots are handed out again.
 *
 *     waiting:   | oldest | ... | newest |        a ring, first in, first out
 *
 * A use after free is found while nobody else has the memory: the longer it stays
 * poisoned and unused, the more stray writes land in poison.  An object in quarantine
 * is freed for all the world (its record says by whom, and a second kfree is a double
 * free), only its bit in the map is not set yet (S9).
 *
 * It holds so many bytes of slots, and at most RING objects; what is beyond goes back,
 * the oldest first.  When memory is short, everything goes back.
 *
 * Cost: O(1).  It needs the records: they tell a waiting slot from a live one.
 */
#include "mm/dials_priv.h"

enum { RING = 4096 };           /* a power of two: put and got wrap */

static void *waiting[RING];
static uint32_t put, got;
static size_t held;             /* bytes */

uint32_t quarantine_count(void)
{
    return put - got;
}

void quarantine_reset(void)
{
    put = 0;
    got = 0;
    held = 0;
}

static void let_go(void)
{
    struct slot slot;

    if (!find_object(waiting[got++ % RING], &slot))
        return;
    held -= slot.cache->slot_size;
    if (!is_free_slot(&slot) && !is_live_slot(&slot))
        slab_put_back(&slot);
}

void quarantine_limit(size_t bytes)
{
    while (got != put && held > bytes)
        let_go();
}

void quarantine_add(const struct slot *slot)
{
    if (put - got == RING)
        let_go();
    waiting[put % RING] = object_address(slot);
    put++;
    held += slot->cache->slot_size;
    quarantine_limit(dials.quarantine);
}
