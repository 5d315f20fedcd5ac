/*
 * former.c - what was freed in slabs that are no more.
 *
 * A record lies in its slab, and is gone when the slab's pages go back.  But a pointer to
 * what was there may still be in somebody's hands; when it is freed again, it is to be
 * known for what it was.  So a slab that goes leaves its records here:
 *
 *     record of the page     of what started at the page's first byte
 *     graves                 | slab | its records ... | slab | its records ... |    |
 *                            copies, one behind the other, in two halves: when one half
 *                            is full, the other is used, and what was in it is lost
 *
 * Then the page's record still knows that something was handed out there (a serial number,
 * but no site), so a second free is known as one.
 *
 * What was last at an address is what has the highest serial number, wherever that is
 * found: in the slot, at the page, in a grave.
 *
 * Cost: a copy of the records when a slab goes, 3 instructions each; asking searches the
 * graves.
 */
#include "mm/look/look_priv.h"

#include "mm/object_priv.h"

enum { HALF = 768 };            /* records, and one more for each slab */

/* Whose records follow: slots of one size, from an address on. */
struct grave {
    uint32_t pfn;
    uint32_t slot_size;
    uint16_t left;              /* of the first slot, before its object */
    uint16_t slots;
};

_Static_assert(sizeof(struct grave) == sizeof(struct record), "one place for both");

static union place {
    struct grave grave;
    struct record record;
} places[2][HALF];
static uint32_t used[2];
static unsigned now;            /* the half that is being filled */

void former_reset(void)
{
    used[0] = 0;
    used[1] = 0;
}

/* Copy the records; the copy.  It counts when it is whole: an interrupt may ask. */
static const struct record *bury(struct grave grave, const struct record *first)
{
    if (used[now] + 1u + grave.slots > HALF) {
        now ^= 1;
        used[now] = 0;
    }

    union place *place = &places[now][used[now]];

    mm_barrier();
    place->grave = grave;
    memcpy(place + 1, first, grave.slots * sizeof(*first));
    mm_barrier();
    used[now] += 1u + grave.slots;
    return &place[1].record;
}

/* Its slots' records will lie where those of the pages are now. */
void former_slab_begins(const struct kmem_cache *cache, struct page *slab)
{
    uint32_t pfn = pfn_of_page(slab);

    if (cache->record_place == RECORD_OF_PAGE)
        bury((struct grave){ pfn, PAGE_SIZE, 0, (uint16_t)(1u << cache->order) },
             &heap.record[pfn]);
}

/* What is to be known of page i of a slab that goes: what started there, if anything. */
static void leave(const struct kmem_cache *cache, struct record *page, uint32_t i,
                  const struct record *slots)
{
    uint32_t offset = (i << PAGE_SHIFT) - cache->left, index;

    if (starts_slot(cache, offset, &index) && index < cache->slots && slots[index].site)
        *page = slots[index];
    else if (cache->record_place == RECORD_OF_PAGE)
        page->sites = 0;
    if (!page->serial)
        page->serial = slots[0].serial;         /* the slot that is handed out first */
}

void former_slab_ends(const struct kmem_cache *cache, struct page *slab)
{
    struct slot first = slot_of_slab(slab, 0);
    uint32_t pfn = pfn_of_page(slab);
    const struct record *slots =
        bury((struct grave){ pfn, cache->slot_size, (uint16_t)cache->left, cache->slots },
             slot_record(&first));

    for (uint32_t i = 0; i < 1u << cache->order; i++)
        leave(cache, &heap.record[pfn + i], i, slots);
}

/* As of a slab with one slot, of a block's size: where it ends nobody asks. */
void former_guarded_ends(uint32_t pfn, uint32_t offset)
{
    uint32_t bytes = (uint32_t)PAGE_SIZE << heap.buddy.page[pfn].order;

    bury((struct grave){ pfn, bytes - offset, (uint16_t)offset, 1 }, &heap.record[pfn]);
    if (offset)
        heap.record[pfn].sites = 0;     /* nothing started at the page itself */
}

/* ---- asking --------------------------------------------------------------- */

/* The one with the higher serial number, if b is that of something freed. */
static const struct record *later(const struct record *a, const struct record *b)
{
    bool is_former = b->site && b->freed_by;

    return !is_former || (a && a->site && a->serial >= b->serial) ? a : b;
}

/* In a grave with so many places behind it, of what started at that address; or NULL. */
static const struct record *exhume(const union place *place, uint32_t behind,
                                   uintptr_t addr)
{
    const struct grave *grave = &place->grave;
    uintptr_t offset = addr - (uintptr_t)address_of(grave->pfn) - grave->left;

    if (grave->slots > behind)
        return NULL;            /* it was overwritten */
    if (offset >= (uintptr_t)grave->slots * grave->slot_size || offset % grave->slot_size)
        return NULL;
    return &place[1 + offset / grave->slot_size].record;
}

/* The slot of a grave that the address lies in; NULL: it lies in none. */
static const struct record *slot_around(const union place *place, uintptr_t addr,
                                        uintptr_t *start)
{
    const struct grave *grave = &place->grave;
    uintptr_t first = (uintptr_t)address_of(grave->pfn) + grave->left;
    uintptr_t index = (addr - first) / grave->slot_size;

    *start = first + index * grave->slot_size;
    return addr >= first && index < grave->slots ? &place[1 + index].record : NULL;
}

static const struct record *former_around(const void *addr, uintptr_t *start)
{
    const struct record *found = NULL;
    uintptr_t at;

    for (unsigned half = 0; half < 2; half++)
        for (uint32_t i = 0; i < used[half]; i += 1u + places[half][i].grave.slots) {
            const struct record *record = slot_around(&places[half][i],
                                                      (uintptr_t)addr, &at);

            if (record && later(found, record) == record) {
                found = record;
                *start = at;
            }
        }
    return found;
}

/* What started at that page and was freed: does it reach to the address? */
static bool covers(uint32_t head, const void *addr, const struct record *than)
{
    const struct record *record = &heap.record[head];

    return record->site && record->freed_by &&
           (!than || record->serial > than->serial) &&
           (uintptr_t)addr - (uintptr_t)address_of(head) < record_size(record);
}

/*
 * Pages, and large kmallocs, start at a page whose number is a multiple of their size: so
 * the page's own number, rounded down by each order, finds the record.
 */
const struct record *former_life(const void *addr, uintptr_t *start)
{
    const struct record *found;
    uint32_t pfn = (uint32_t)pfn_of(addr);

    if (!heap.record || pfn >= heap.buddy.npages)
        return NULL;
    found = former_around(addr, start);
    for (unsigned order = 0; order <= MAX_PAGE_ORDER; order++) {
        uint32_t head = pfn & ~((1u << order) - 1);

        if (!covers(head, addr, found))
            continue;
        found = &heap.record[head];
        *start = (uintptr_t)address_of(head);
    }
    return found;
}

const struct record *former_at(const void *addr, const struct record *found)
{
    uintptr_t pfn = pfn_of(addr);

    if (!heap.record || pfn >= heap.buddy.npages)
        return found;
    if (((uintptr_t)addr & (PAGE_SIZE - 1)) == 0)
        found = later(found, &heap.record[pfn]);
    for (unsigned half = 0; half < 2; half++)
        for (uint32_t i = 0; i < used[half]; i += 1u + places[half][i].grave.slots) {
            const struct record *record = exhume(&places[half][i], used[half] - i - 1,
                                                 (uintptr_t)addr);

            if (record)
                found = later(found, record);
        }
    return found;
}
