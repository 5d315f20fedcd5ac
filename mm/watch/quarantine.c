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
static bool emptied;            /* a cache, perhaps: see quarantine_has_emptied() */

/*
 * The oldest goes back: its slot is free from now on.  What is there no more, by a stray
 * write or by mending, is dropped from the ring; check tells of it (S9).
 */
static void let_go(void)
{
    void *p = held[oldest++ % RING];
    struct object object = object_at(p);

    heap.quarantined--;
    if (object.start == p && object.kind == MM_SLAB_FREE) {
        heap.quarantined_bytes -= object.slot.cache->slot_size;
        if (!is_free_slot(&object.slot))
            slab_put_back(&object.slot);
        emptied |= cache_is_empty(object.slot.cache);
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

bool quarantine_has_emptied(void)
{
    bool answer = emptied;

    emptied = false;
    return answer;
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

/* ---- after an operation that was dropped ------------------------------------- */

/* Freed, but not its slot: it may be held back here. */
static bool may_be_held(const void *p, struct slot *slot)
{
    struct object object = object_at(p);

    *slot = object.slot;
    return object.start == p && object.kind == MM_SLAB_FREE && !is_free_slot(slot);
}

void quarantine_show(void)
{
    uint32_t n = heap.quarantined < RING ? heap.quarantined : RING, first = oldest;
    struct slot slot;

    emptied = true;
    heap.quarantined = 0;
    heap.quarantined_bytes = 0;
    for (uint32_t i = 0; i < n; i++) {
        void *p = held[(first + i) % RING];

        if (!may_be_held(p, &slot))
            continue;
        *slot_word(&slot) |= slot_bit(&slot);
        held[(first + heap.quarantined++) % RING] = p;
        heap.quarantined_bytes += slot.cache->slot_size;
    }
}

void quarantine_hide(void)
{
    for (uint32_t i = 0; i < heap.quarantined; i++) {
        struct object object = object_at(held[(oldest + i) % RING]);

        if (object.kind == MM_SLAB_FREE)
            *slot_word(&object.slot) &= ~slot_bit(&object.slot);
    }
}
