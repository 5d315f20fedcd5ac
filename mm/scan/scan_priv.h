/*
 * scan_priv.h - what is live, as the scan sees it: where each thing has its record, its
 * mark and its note.
 *
 *                     record, link     mark              note
 *     slot            its own          record->mark      before the records, as far as
 *                                                        its record lies behind
 *       of a page     its page's       record->mark      its page struct's next; of slot 0
 *       and more                                         the second page's prev
 *     block           its page's       page->countdown   page->prev
 *     guarded object  as its block
 *
 * What a former life has left there says nothing: a slot's mark is 0 with each new life,
 * and of blocks the record tells whether it began before the last scan.
 */
#ifndef MM_SCAN_SCAN_PRIV_H
#define MM_SCAN_SCAN_PRIV_H

#include "mm/scan/scan.h"

#include "mm/enter_priv.h"
#include "mm/hooks_priv.h"
#include "mm/object_priv.h"

/* A mark: kind, and the bits behind it. */
enum {
    KIND = 7,                   /* enum mm_scan_kind, or the next two */
    KIND_LED = MM_SCAN_KINDS,   /* lost: a leader holds it */
    KIND_LEADER,                /* lost: nothing that came before holds it */
    EPOCH = 8,                  /* changes with each scan: others are of an older one */
    HINT = 16,                  /* pointers to its middle were found, and none to its start */
    NOTED = 32,                 /* the note is its own */
    CLEARED = 64,               /* it was reported, and is not to be again: said.c */
};

/* ---- a live thing ----------------------------------------------------------------- */

struct thing {
    uintptr_t start;
    size_t room;
    struct record *record;
    uint16_t *mark;
    uint32_t *note;
};

/* Live, and not on the chain of mark.c. */
static inline bool is_at_rest(const struct record *record)
{
    return record->sites - 1 < UINT16_MAX;
}

/* The note of the slot whose record this is, which is number `index` of that slab. */
static inline uint32_t *slot_note(const struct kmem_cache *cache, struct page *slab,
                                  struct record *record, uint32_t index)
{
    if (likely(cache->record_place == RECORD_IN_SLAB))
        return (uint32_t *)(void *)(record - index) - 1 - index;
    return index ? &slab[index].next : &slab[1].prev;
}

static inline struct thing thing_in_slab(const struct kmem_cache *cache, struct page *slab,
                                         struct record *record, uint32_t index)
{
    struct slot slot = { (struct kmem_cache *)(uintptr_t)cache, slab, index };

    return (struct thing){ (uintptr_t)object_address(&slot), object_room(cache), record,
                           &record->mark, slot_note(cache, slab, record, index) };
}

/* A page struct stands for its page. */
static inline uintptr_t through_page_struct(uintptr_t addr)
{
    uintptr_t offset = addr - (uintptr_t)heap.buddy.page;

    if (offset / sizeof(struct page) >= heap.buddy.npages)
        return addr;
    return (uintptr_t)address_of((uint32_t)(offset / sizeof(struct page))) +
           offset % sizeof(struct page);
}

/* Of the object or block that object_at() has found: false if it is not at rest. */
bool thing_of(const struct object *object, struct thing *thing);

/* Of the one around any address. */
static inline bool thing_around(uintptr_t addr, struct thing *thing)
{
    struct object object = object_at((void *)addr);

    return thing_of(&object, thing) && addr - thing->start < thing->room;
}

/* ---- all of them -------------------------------------------------------------------- */

/* The span in which there are any, as pages. */
struct span {
    uint32_t from, to;
};

/*
 * Marks as a set: a bit for each kind of this scan (kind_bit); or all.  Whoever walks says
 * which are wanted, so that of the others nothing is found out.
 */
#define ALL_MARKS UINT32_MAX

extern uint32_t scan_epoch;             /* 0 or EPOCH: mark.c */

SHORT uint32_t kind_bit(uint16_t mark)
{
    return 1u << ((mark & (KIND | EPOCH)) ^ scan_epoch);
}

/* Of any thing.  And the word that its note names, or 0. */
enum mm_scan_kind kind_of(const struct thing *thing);
uintptr_t seen_in(const struct thing *thing);

/* It returns false to stop. */
typedef bool thing_fn(const struct thing *thing, void *arg);

/* From that slot on. */
SHORT bool each_slot_from(uint32_t index, struct page *slab, uint32_t marks, thing_fn *fn,
                          void *arg)
{
    const struct kmem_cache *cache = cache_of(slab);
    struct slot first = { (struct kmem_cache *)(uintptr_t)cache, slab, 0 };
    struct record *record = slot_record(&first), *end = record + cache->slots;

    for (struct record *at = record + index; at < end; at++) {
        if (!is_at_rest(at) || likely(!(kind_bit(at->mark) & marks)))
            continue;

        struct thing thing = thing_in_slab(cache, slab, at, (uint32_t)(at - record));

        if (!fn(&thing, arg))
            return false;
    }
    return true;
}

/* Of a block that is no slab. */
SHORT bool in_block(struct page *page, uint32_t marks, thing_fn *fn, void *arg)
{
    struct object object;
    struct thing thing;

    if (page->kind != PG_USED && page->kind != PG_LARGE)
        return true;
    object = object_at(page_address(page));
    return !thing_of(&object, &thing) || !(marks >> kind_of(&thing) & 1) ||
           fn(&thing, arg);
}

SHORT void each_thing(struct span span, uint32_t marks, thing_fn *fn, void *arg)
{
    for (uint32_t pfn = span.from; pfn < span.to; pfn = buddy_next(&heap.buddy, pfn)) {
        struct page *page = &heap.buddy.page[pfn];

        if (!(is_slab_of(cache_of(page), pfn) ? each_slot_from(0, page, marks, fn, arg)
                                              : in_block(page, marks, fn, arg)))
            return;
    }
}

static inline struct span whole_heap(void)
{
    return (struct span){ 0, heap.buddy.npages };
}

/*
 * Enter mm to read.  False: it is busy, or nothing is recorded.  Within a callback of
 * somebody who reads it was entered already.
 */
enum reading { CANNOT_READ, READS, READS_WITHIN };

static inline enum reading begin_reading(void)
{
    if (mm_state & MM_BUSY && mm_state & MM_READING)
        return READS_WITHIN;
    if (!mm_enter(NULL))
        return CANNOT_READ;
    if (!heap.record) {
        mm_leave();
        return CANNOT_READ;
    }
    mind_serials();
    mm_state_set(MM_READING);
    return READS;
}

static inline void end_reading(enum reading reading)
{
    if (reading == READS)
        mm_leave();
}

/* Where live things are, now; fn is called for each block of pages that is no slab. */
struct span live_span(void (*fn)(struct page *block));

#endif
