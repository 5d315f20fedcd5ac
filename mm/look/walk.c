/*
 * walk.c - what is live: every object and block of pages, one after the other.
 *
 * From the first page to the last, block by block; in a slab, slot by slot.  What a
 * visitor sees of each is what `whatis` says of it (what.c).
 *
 * Cost: linear in the heap.  mm is busy meanwhile: nothing changes underfoot.
 */
#include "mm/enter_priv.h"
#include "mm/object_priv.h"

struct walk {
    bool (*fn)(const struct mm_what *what, void *arg);
    void *arg;
};

static bool visit(const struct walk *walk, const void *addr)
{
    struct mm_what what;
    bool was_outside, goes_on;

    mm_what_is(addr, &what);
    was_outside = mm_go_outside();
    goes_on = walk->fn(&what, walk->arg);
    mm_come_back(was_outside);
    return goes_on;
}

static bool visit_slab(const struct walk *walk, struct page *slab)
{
    struct slot slot = slot_of_slab(slab, 0);

    for (; slot.index < slot.cache->slots; slot.index++)
        if (is_live_slot(&slot) && !visit(walk, object_address(&slot)))
            return false;
    return true;
}

/* A freed one waits, and is not live. */
static bool visit_guarded(const struct walk *walk, struct page *page)
{
    struct object object = object_at(page_address(page));

    return object.kind != MM_GUARDED || visit(walk, object.start);
}

static bool visit_block(const struct walk *walk, struct page *page)
{
    if (is_slab_of(cache_of(page), pfn_of_page(page)))
        return visit_slab(walk, page);
    if (is_guarded(page))
        return visit_guarded(walk, page);
    if (page->kind == PG_USED || page->kind == PG_LARGE)
        return visit(walk, page_address(page));
    return true;
}

void mm_walk_live(bool (*fn)(const struct mm_what *what, void *arg), void *arg)
{
    struct walk walk = { fn, arg };

    if (!mm_enter(NULL))
        return;
    mind_serials();             /* a listing by serial numbers may follow */
    mm_state_set(MM_READING);
    for (uint32_t pfn = 0; pfn < heap.buddy.npages; pfn = buddy_next(&heap.buddy, pfn))
        if (!visit_block(&walk, &heap.buddy.page[pfn]))
            break;
    mm_leave();
}
