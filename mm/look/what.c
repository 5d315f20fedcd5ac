/*
 * what.c - what is this address?  What object.c finds, told to those outside.
 *
 * Cost: O(MAX_PAGE_ORDER).
 */
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

static void fill_slot(struct mm_what *what, const struct object *object)
{
    const struct kmem_cache *cache = object->slot.cache;

    what->slot = object->slot.index;
    what->asked = cache->object_size;
    fill_record(what, object->record);
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

/* Its record is the page's own: of what once started there. */
static void fill_free(struct mm_what *what, const struct object *object)
{
    if (!object->record)
        return;
    what->used_before = object->record->serial != 0;
    if (((uintptr_t)what->addr & (PAGE_SIZE - 1)) == 0)
        fill_record(what, object->record);
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
    else if (is_handed_out(object))
        fill_block(what, object);
    else if (what->kind == MM_FREE_PAGE)
        fill_free(what, object);
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
