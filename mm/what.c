/*
 * what.c - what is this address?
 *
 * From an address to its page struct, from there to the first page of its block,
 * and in a slab on to the slot and its record.  Nothing is trusted that was not
 * checked: any address at all may be asked, in any state of mm, after a crash too.
 *
 * Cost: O(MAX_PAGE_ORDER).
 */
#include "mm/slot_priv.h"
#include "mm/watch/stack_priv.h"

static void fill_record(struct mm_what *what, const struct record *record)
{
    if (!record || !record->site)
        return;
    what->serial = record->serial;
    what->asked = record->size;
    what->taken_by = site_of(record->site);
    what->freed_by = site_of(record->freed_by);
}

static void fill_extent(struct mm_what *what, uintptr_t start, size_t bytes)
{
    what->start = start;
    what->bytes = bytes;
    what->offset = (uintptr_t)what->addr - start;
}

/* A slab's page: which slot, and is it handed out? */
static void fill_slot(struct mm_what *what, struct page *slab)
{
    struct kmem_cache *cache = &caches[slab->cache];
    uint32_t offset = (uint32_t)((uintptr_t)what->addr - (uintptr_t)slab_start(slab));
    uint32_t zone = cache->left / 2;    /* the first half is of the slot before */
    struct slot slot = slot_of_slab(slab, 0);

    slot.index = slot_index(cache, offset > zone ? offset - zone : 0);

    what->cache = cache->name;
    if (slot.index >= cache->slots) {
        uint32_t end = cache->slots * cache->slot_size + cache->left / 2;

        what->kind = MM_SLAB_REST;
        fill_extent(what, (uintptr_t)slab_start(slab) + end,
                    (PAGE_SIZE << cache->order) - end);
        return;
    }
    what->kind = is_live_slot(&slot) ? MM_SLAB_LIVE : MM_SLAB_FREE;
    what->slot = slot.index;
    what->asked = cache->object_size;
    fill_extent(what, (uintptr_t)object_address(&slot), object_room(cache));
    fill_record(what, slot_record(&slot));
    what->used_before = what->kind == MM_SLAB_FREE && what->serial;
    if (cache->left && what->offset >= cache->object_size)
        what->kind = MM_SLAB_REDZONE;
    what->quarantined = heap.quarantined && what->kind == MM_SLAB_FREE &&
                        what->freed_by && !is_free_slot(&slot);
}

/* The first block of the run that a part belongs to. */
static uint32_t run_start(uint32_t head)
{
    const struct page *page = &heap.buddy.page[head];

    return page->kind == PG_PART && page->run < head ? page->run : head;
}

static void fill_pages(struct mm_what *what, uint32_t head)
{
    const struct page *page = &heap.buddy.page[head];

    what->kind = page->kind == PG_LARGE ? MM_LARGE : MM_USED_PAGES;
    what->exact = page->kind == PG_USED && page->run;
    fill_extent(what, (uintptr_t)address_of(head),
                (size_t)used_pages(page) << PAGE_SHIFT);
    what->asked = what->bytes;
    if (heap.record)
        fill_record(what, &heap.record[head]);
}

/* The record is that of what once started at this very page. */
static void fill_free(struct mm_what *what, uint32_t head)
{
    what->kind = MM_FREE_PAGE;
    fill_extent(what, (uintptr_t)address_of(head),
                PAGE_SIZE << heap.buddy.page[head].order);
    if (!heap.record)
        return;
    what->used_before = heap.record[what->pfn].serial != 0;
    if (((uintptr_t)what->addr & (PAGE_SIZE - 1)) == 0)
        fill_record(what, &heap.record[what->pfn]);
}

static void fill_page(struct mm_what *what)
{
    uint32_t head = run_start(buddy_head(&heap.buddy, what->pfn));
    struct page *page = &heap.buddy.page[head];

    what->order = page->order;
    fill_extent(what, (uintptr_t)what->addr & ~(PAGE_SIZE - 1), PAGE_SIZE);
    switch ((enum page_kind)page->kind) {
    case PG_FREE:
    case PG_KEPT:
        fill_free(what, head);
        break;
    case PG_USED:
    case PG_PART:
    case PG_LARGE:
        fill_pages(what, head);
        break;
    case PG_SLAB:
        fill_slot(what, page);
        break;
    case PG_META:
        what->kind = MM_META;
        break;
    case PG_HOLE:
    case PG_TAIL:
        what->kind = MM_HOLE;
        break;
    }
}

void mm_what_is(const void *addr, struct mm_what *what)
{
    uintptr_t pfn = pfn_of(addr);

    memset(what, 0, sizeof(*what));
    what->addr = addr;
    what->pfn = NO_PAGE;
    if (pfn >= heap.buddy.npages)
        return;                 /* MM_OUTSIDE */
    what->pfn = (uint32_t)pfn;
    fill_page(what);
}
