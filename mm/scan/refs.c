/*
 * refs.c - who points there: every word that does, in what is live and elsewhere.
 *
 * A word points to what is wanted if its value lies in it, or in the page struct of one of
 * its pages.
 *
 * Cost: about two instructions for a word that does not.
 */
#include "mm/scan/scan_priv.h"

void mm_refs_in(const struct mm_wanted *wanted, const void *from, const void *to)
{
    const uintptr_t word = sizeof(uintptr_t);
    uintptr_t at = ((uintptr_t)from + word - 1) & ~(word - 1);
    uintptr_t first = pfn_of((void *)wanted->start);
    uintptr_t pages = pfn_of((void *)(wanted->start + wanted->bytes - 1)) - first + 1;
    uintptr_t structs = (uintptr_t)&heap.buddy.page[first];

    for (; at + word <= (uintptr_t)to && at + word > at; at += word) {
        const uintptr_t *value = (const uintptr_t *)at;

        if (unlikely(*value - wanted->start < wanted->bytes) ||
            unlikely(*value - structs < pages * sizeof(struct page)))
            wanted->fn(value, wanted->arg);
    }
}

static bool look_into(const struct thing *thing, void *wanted)
{
    bool was_outside = mm_go_outside();

    mm_refs_in(wanted, (void *)thing->start,
               (void *)(thing->start + record_size(thing->record)));
    mm_come_back(was_outside);
    return true;
}

void mm_refs_in_heap(const struct mm_wanted *wanted)
{
    enum reading reading = begin_reading();

    if (reading != CANNOT_READ)
        each_thing(whole_heap(), ALL_MARKS, look_into, (void *)(uintptr_t)wanted);
    end_reading(reading);
}
