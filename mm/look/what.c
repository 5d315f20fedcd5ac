/*
 * what.c - what is this address?  What object.c finds, told to those outside; and whose
 * call mm is at.
 *
 * Cost: O(MAX_PAGE_ORDER).
 */
#include "mm/look/look_priv.h"

#include "mm/heap_priv.h"
#include "mm/object_priv.h"

static void fill_record(struct mm_what *what, const struct record *record)
{
    if (!record || !record->site)
        return;
    what->serial = record->serial;
    what->asked = record_size(record);
    what->taken_by = site_of(record->site);
    what->freed_by = site_of(record->freed_by);
}

static struct mm_life life_of(const struct record *record)
{
    return (struct mm_life){ record->serial, record_size(record), site_of(record->site),
                             site_of(record->freed_by) };
}

/* What is there was not handed out, but something may have been at that address. */
static void fill_before(struct mm_what *what)
{
    const struct record *record = former_at(what->addr, NULL);

    if (!record || record->serial == what->serial)
        return;
    what->before = life_of(record);
}

static void fill_slot(struct mm_what *what, const struct object *object)
{
    const struct kmem_cache *cache = object->slot.cache;
    const struct record *record = object->record;

    if (what->kind == MM_SLAB_FREE && what->offset == 0)
        record = former_at(what->addr, record);
    what->slot = object->slot.index;
    what->asked = cache->object_size;
    fill_record(what, record);
    what->used_before = what->kind == MM_SLAB_FREE && what->serial;
    if (cache->left && what->offset >= cache->object_size)
        what->kind = MM_SLAB_REDZONE;
    what->quarantined = heap.quarantined && what->kind == MM_SLAB_FREE &&
                        what->freed_by && !is_free_slot(&object->slot);
}

static void fill_block(struct mm_what *what, const struct object *object)
{
    what->exact = object->page->kind == PG_USED && object->page->run;
    what->broken = object->is_broken;
    what->asked = what->bytes;
    fill_record(what, object->record);
}

static void fill_guarded(struct mm_what *what, const struct object *object)
{
    what->cache = object->slot.cache->name;
    what->broken = object->is_broken;
    what->asked = what->bytes;
    what->used_before = what->kind == MM_GUARDED_FREE;
    fill_record(what, object->record);
}

/*
 * A free page, or the rest of a slab: of what once started here; of a free page also what
 * was around (a slab may have the records of its slots where those of its pages were).
 */
static void fill_free(struct mm_what *what, const struct object *object)
{
    const struct record *around = NULL;

    fill_record(what, former_at(what->addr, NULL));
    if (!what->serial && what->kind == MM_FREE_PAGE)
        around = former_life(what->addr, &what->around_start);
    if (around)
        what->around = life_of(around);
    what->used_before = what->serial || (object->record && object->record->serial);
}

/* It is handed out now: an object or a block of pages. */
static bool is_handed_out(const struct object *object)
{
    return object->kind == MM_SLAB_LIVE || object->kind == MM_LARGE ||
           object->kind == MM_USED_PAGES;
}

static void fill(struct mm_what *what, const struct object *object)
{
    what->kind = object->kind;
    what->pfn = (uint32_t)pfn_of(what->addr);
    what->order = object->page->order;
    what->start = (uintptr_t)object->start;
    what->bytes = object->room;
    what->offset = (uintptr_t)what->addr - what->start;
    if (object->page->kind == PG_SLAB)
        what->cache = cache_of(object->page)->name;
    if (what->kind == MM_SLAB_LIVE || what->kind == MM_SLAB_FREE)
        fill_slot(what, object);
    else if (what->kind == MM_GUARDED || what->kind == MM_GUARDED_FREE)
        fill_guarded(what, object);
    else if (is_handed_out(object))
        fill_block(what, object);
    else if (what->kind == MM_FREE_PAGE || what->kind == MM_SLAB_REST)
        fill_free(what, object);
    if (what->offset && what->kind != MM_FREE_PAGE && what->kind != MM_SLAB_REST)
        fill_before(what);
}

void mm_what_is(const void *addr, struct mm_what *what)
{
    struct object object = object_at(addr);

    memset(what, 0, sizeof(*what));
    what->addr = addr;
    what->pfn = NO_PAGE;
    if (object.kind != MM_OUTSIDE)
        fill(what, &object);
}

/* ---- whose call is it? ---------------------------------------------------------- */

/* It is asked when something is broken already, so mm_state is not believed. */
const struct alloc_site *mm_current_site(void)
{
    uintptr_t offset = (mm_state & MM_BUSY) - (uintptr_t)mm_sites();

    if (offset >= (uintptr_t)mm_sites_end() - (uintptr_t)mm_sites() ||
        offset % sizeof(struct alloc_site))
        return NULL;
    return mm_sites() + offset / sizeof(struct alloc_site);
}
