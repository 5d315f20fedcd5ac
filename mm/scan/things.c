/*
 * things.c - all that is live, thing by thing; and sums by call site.
 *
 * From the first page in use to the last, block by block, and in a slab record by record.
 * As mm/look/walk.c goes, but by the records alone, with what the last scan has found
 * (mark.c), and ten times as fast.  So the count by call site is here (mm/site.h).
 *
 * Cost: by call site 53 instructions for each that is counted, 13 for any other.
 */
#include "mm/scan/scan_priv.h"

bool thing_of(const struct object *object, struct thing *thing)
{
    bool is_slot = object->kind == MM_SLAB_LIVE;

    if ((!is_slot && object->kind != MM_USED_PAGES && object->kind != MM_LARGE &&
         object->kind != MM_GUARDED) || object->is_broken || !is_at_rest(object->record))
        return false;
    if (is_slot)
        *thing = thing_in_slab(object->slot.cache, object->slot.slab, object->record,
                               object->slot.index);
    else
        *thing = (struct thing){ (uintptr_t)object->start, object->room, object->record,
                                 &object->page->countdown, &object->page->prev };
    return true;
}

struct span live_span(void (*fn)(struct page *block))
{
    struct span span = { NO_PAGE, 0 };

    for (uint32_t pfn = 0; pfn < heap.buddy.npages; pfn = buddy_next(&heap.buddy, pfn)) {
        struct page *page = &heap.buddy.page[pfn];

        if (page->kind != PG_SLAB && page->kind != PG_USED && page->kind != PG_LARGE &&
            page->kind != PG_PART)
            continue;
        if (page->kind == PG_USED || page->kind == PG_LARGE)
            fn(page);
        span.from = span.from == NO_PAGE ? pfn : span.from;
        span.to = buddy_next(&heap.buddy, pfn);
    }
    return span.from == NO_PAGE ? (struct span){ 0, 0 } : span;
}

/* ---- for those outside -------------------------------------------------------------- */

static struct mm_live describe(const struct thing *thing)
{
    struct object object = object_at((void *)thing->start);
    bool is_object = object.kind == MM_SLAB_LIVE || object.kind == MM_GUARDED;

    return (struct mm_live){
        .start = thing->start, .room = thing->room, .asked = record_size(thing->record),
        .serial = thing->record->serial,
        .site = (struct alloc_site *)(uintptr_t)site_of(thing->record->site),
        .cache = is_object ? object.slot.cache->name : NULL,
        .kind = kind_of(thing), .seen_in = seen_in(thing) };
}

struct search {
    uintptr_t from;
    struct mm_live *live;
    bool is_done;
};

static bool take_first(const struct thing *thing, void *arg)
{
    struct search *search = arg;

    if (thing->start < search->from)
        return true;
    *search->live = describe(thing);
    search->is_done = true;
    return false;
}

/* In a slab not from its first slot on: many calls, one a slot, would be many more. */
static void search_from(struct search *search)
{
    struct object around = object_at((void *)search->from);
    struct span rest = whole_heap();

    if (search->from > (uintptr_t)address_of(0))
        rest.from = around.pfn;         /* NO_PAGE: that is behind all */
    if (around.kind == MM_SLAB_LIVE || around.kind == MM_SLAB_FREE) {
        rest.from = around.pfn + (1u << around.slot.cache->order);
        if (!each_slot_from(around.slot.index, around.page, ALL_MARKS, take_first, search))
            return;
    }
    each_thing(rest, ALL_MARKS, take_first, search);
}

bool mm_scan_next(uintptr_t from, struct mm_live *live)
{
    struct search search = { from, live, false };
    enum reading reading = begin_reading();

    if (reading != CANNOT_READ)
        search_from(&search);
    end_reading(reading);
    return search.is_done;
}

bool mm_scan_find(const void *addr, struct mm_live *live)
{
    struct thing thing;

    if (!heap.record || !thing_around((uintptr_t)addr, &thing))
        return false;
    *live = describe(&thing);
    return true;
}

/* ---- by call site: in the sites themselves, so there is no table to overflow --------- */

struct counting {
    uint32_t after;
    uint32_t in_code;           /* sites side by side; others are asked for */
};

SHORT void add(struct alloc_site *site, const struct record *record)
{
    uint32_t serial = record->serial;

    if (serial - 1 < site->oldest - 1)          /* 0: none yet */
        site->oldest = serial;
    if (serial > site->newest)
        site->newest = serial;
    site->objects++;
    site->bytes += record_size(record);
}

/* A stack, one for whom there was no number; or by an overwritten record none. */
static RARE void add_to_other(const struct record *record)
{
    struct alloc_site *site = (struct alloc_site *)(uintptr_t)site_of(record->site);

    if (site)
        add(site, record);
}

SHORT bool count(const struct thing *thing, void *arg)
{
    const struct counting *counting = arg;
    const struct record *record = thing->record;
    uint32_t number = record->sites - 1;        /* it is at rest */

    if (record->serial <= counting->after)
        return true;
    if (likely(number < counting->in_code))
        add(&__start_alloc_sites[number], record);
    else
        add_to_other(record);
    return true;
}

void mm_count_sites(uint32_t after)
{
    mm_scan_count_sites(ALL_MARKS, after);
}

void mm_scan_count_sites(unsigned kinds, uint32_t after)
{
    uint32_t sites = (uint32_t)(__stop_alloc_sites - __start_alloc_sites);
    struct counting counting = { after, sites < MANY ? sites : MANY - 1 };

    if (kinds & 1u << MM_UNSEEN)
        kinds |= ~0u << EPOCH;          /* marks of an older scan */
    for (struct alloc_site *site = NULL; (site = mm_next_site(site)); ) {
        site->objects = 0;
        site->bytes = 0;
        site->oldest = 0;
        site->newest = 0;
    }

    enum reading reading = begin_reading();

    if (reading != CANNOT_READ)
        each_thing(whole_heap(), kinds, count, &counting);
    end_reading(reading);
}
