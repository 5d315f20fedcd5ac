/*
 * fault.c - an access that faulted in the heap: who was there before.
 *
 * A free page that is not there (debug_pagealloc) was part of something once:
 *
 *     pages, large kmallocs     start at a page whose number is a multiple of their size,
 *                               so the page's own number, rounded down by each order,
 *                               finds the record:  0x1237 -> 0x1236 -> 0x1234 -> 0x1230
 *     objects                   lay in a slab that is no more: former.c
 *
 * Of all that covered the address the one with the highest serial number was last.
 *
 * The block of a guarded object (kfence) is its own, with the pages that are not there.
 *
 * Cost: O(MAX_PAGE_ORDER), and a search of former lives.
 */
#include "mm/look/fault.h"

#include "mm/look/look_priv.h"

static void tell_free(struct mm_what *what)
{
    const struct record *record = former_life(what->addr, &what->start);

    if (!record)
        return;
    what->bytes = what->asked = record_size(record);
    what->offset = (uintptr_t)what->addr - what->start;
    what->used_before = true;
    what->serial = record->serial;
    what->taken_by = site_of(record->site);
    what->freed_by = site_of(record->freed_by);
}

bool mm_explain_fault(const void *addr, struct mm_what *what)
{
    mm_what_is(addr, what);
    if (what->kind == MM_FREE_PAGE && heap.unmaps)
        tell_free(what);
    else if (what->kind != MM_GUARDED && what->kind != MM_GUARDED_FREE)
        return false;
    heap.reports++;
    return true;
}
