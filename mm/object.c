/*
 * object.c - from an address to what is there, for all but the short ways.
 *
 * From the address to its page struct, from there to the first page of its block, and
 * in a slab on to the slot:
 *
 *     address --pfn_of--> page --buddy_head--> first page of its block --> record
 *                              --its cache--> first page of its slab --offset--> slot
 *
 * Nothing is believed that was not checked: any address at all may be asked, in any state
 * of mm, after a crash too.
 *
 * Cost: O(MAX_PAGE_ORDER).
 */
#include "mm/object_priv.h"

#include "mm/hooks_priv.h"

/* ---- slabs -------------------------------------------------------------------- */

/*
 * Which slot.  With red zones the first half of what lies before an object belongs to
 * the slot before it (layout.c).
 */
static void find_slot(struct object *object, const void *addr, uint32_t pfn)
{
    struct kmem_cache *cache = cache_of(&heap.buddy.page[pfn]);
    uint32_t zone = cache->left / 2, end = cache->slots * cache->slot_size + zone;

    object->pfn = pfn & ~((1u << cache->order) - 1);
    object->page = &heap.buddy.page[object->pfn];

    uint32_t offset = (uint32_t)((uintptr_t)addr - (uintptr_t)slab_start(object->page));
    uint32_t index = slot_index(cache, offset > zone ? offset - zone : 0);

    if (index >= cache->slots) {
        object->kind = MM_SLAB_REST;
        object->start = slab_start(object->page) + end;
        object->room = (PAGE_SIZE << cache->order) - end;
        return;
    }
    object->slot = (struct slot){ cache, object->page, index };
    object->kind = is_live_slot(&object->slot) ? MM_SLAB_LIVE : MM_SLAB_FREE;
    object->start = object_address(&object->slot);
    object->room = object_room(cache);
    object->record = slot_record(&object->slot);
}

/* ---- blocks of pages ------------------------------------------------------------ */

/* The first block of the run that a part belongs to. */
static uint32_t run_start(uint32_t head)
{
    const struct page *page = &heap.buddy.page[head];

    return page->kind == PG_PART && page->run < head ? page->run : head;
}

static void find_block(struct object *object, enum mm_what_kind kind)
{
    object->kind = kind;
    object->is_broken = !buddy_is_whole(&heap.buddy, object->pfn);
    object->room = (size_t)used_pages(object->page) << PAGE_SHIFT;
    object->record = heap.record ? &heap.record[object->pfn] : NULL;
}

/* The record is that of what once started at this very page. */
static void find_free(struct object *object, uint32_t pfn)
{
    object->kind = MM_FREE_PAGE;
    object->room = PAGE_SIZE << object->page->order;
    object->record = heap.record ? &heap.record[pfn] : NULL;
}

static void find_in_page(struct object *object, const void *addr, uint32_t pfn)
{
    switch ((enum page_kind)object->page->kind) {
    case PG_FREE:
    case PG_KEPT:
        find_free(object, pfn);
        break;
    case PG_USED:
    case PG_PART:
        find_block(object, MM_USED_PAGES);
        break;
    case PG_LARGE:
        find_block(object, MM_LARGE);
        if (unlikely(is_guarded(object->page) && mm_watcher))
            mm_watcher->find_guarded(object);
        break;
    case PG_SLAB:
        find_slot(object, addr, pfn);
        break;
    case PG_TAIL:               /* of no block: it is being taken, and not yet handed out */
        object->kind = MM_FREE_PAGE;
        object->record = heap.record ? &heap.record[pfn] : NULL;
        break;
    case PG_META:
        object->kind = MM_META;
        break;
    case PG_HOLE:
    default:                    /* a kind that there is not: B2 */
        object->kind = MM_HOLE;
        break;
    }
}

struct object object_at(const void *addr)
{
    struct object object = { .kind = MM_OUTSIDE, .pfn = NO_PAGE };
    uintptr_t pfn = pfn_of(addr);

    if (pfn >= heap.buddy.npages)
        return object;
    object.pfn = run_start(buddy_head(&heap.buddy, (uint32_t)pfn));
    object.page = &heap.buddy.page[object.pfn];
    object.start = address_of(object.pfn);
    object.room = PAGE_SIZE;
    find_in_page(&object, addr, (uint32_t)pfn);
    return object;
}

/* ---- how much may be used --------------------------------------------------------- */

size_t object_usable(const struct object *object)
{
    bool is_slot = object->kind == MM_SLAB_LIVE;
    bool has_zone = is_slot ? object->slot.cache->left
                            : object->kind == MM_GUARDED ||
                              (object->kind == MM_LARGE && object->page->redzone);
    size_t most = is_slot && has_zone ? object->slot.cache->object_size : object->room;

    if (!has_zone || !object->record || record_size(object->record) > most)
        return most;
    return record_size(object->record);
}

void object_clear(void *p)
{
    struct object object = object_at(p);

    memset(p, 0, object_usable(&object));
}
