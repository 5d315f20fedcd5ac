/*
 * quarantine.c - freed objects that wait before their slots are handed out again.
 *
 *     held:      | oldest | ... | newest |        a ring, first in, first out
 *
 * A use after free is found while nobody else has the memory: the longer it stays
 * poisoned and unused, the more stray writes land in poison.  An object in quarantine
 * is freed for all the world (its record says by whom, and a second kfree is a double
 * free), only its bit in the map is not set yet (S9).
 *
 * It holds so many bytes of slots, and at most RING objects; what is beyond goes back,
 * the oldest first.  When memory is short, everything goes back.
 *
 * Cost: O(1).  It needs the records: they tell a slot that is held from a live one.
 */
#include "mm/watch/quarantine_priv.h"

#include "mm/object_priv.h"
#include "mm/slab_priv.h"
#include "mm/watch/settings_priv.h"

enum { RING = 4096 };           /* a power of two: oldest wraps */

static void *held[RING];        /* heap.quarantined of them, from the oldest on */
static uint32_t oldest;

static void let_go(void)
{
    void *p = held[oldest++ % RING];
    struct object object = object_at(p);

    heap.quarantined--;
    if (object.start == p && object.kind == MM_SLAB_FREE) {
        heap.quarantined_bytes -= object.slot.cache->slot_size;
        if (!is_free_slot(&object.slot))
            slab_put_back(&object.slot);
    }
    if (!heap.quarantined)      /* of what was not found it is not known how much */
        heap.quarantined_bytes = 0;
}

void quarantine_limit(size_t bytes)
{
    while (heap.quarantined && heap.quarantined_bytes > bytes)
        let_go();
}

void quarantine_let_go(void)
{
    quarantine_limit(0);
}

bool quarantine_holds_back(const struct slot *slot)
{
    if (!settings.quarantine || !slot_record(slot))
        return false;
    if (heap.quarantined == RING)
        let_go();
    held[(oldest + heap.quarantined) % RING] = object_address(slot);
    heap.quarantined++;
    heap.quarantined_bytes += slot->cache->slot_size;
    quarantine_limit(settings.quarantine);
    return true;
}
