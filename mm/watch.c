/*
 * watch.c - red zones and poison: found out where a program wrote where it must not.
 *
 * What a dial watches is filled with a byte of its own, as in Linux, and looked at
 * when the object is next taken or freed, or by mm_find_damage():
 *
 *     slot i:  | left zone       | object                 | slot i + 1 ...
 *              | right   ' left  |  asked ...  |  slack   | right   ' left |
 *              | of i - 1' of i  |             |  right zone of i  '
 *
 *     Z   red zones          0xcc around a live object, 0xbb around a free one; what
 *                            is between the size asked and the slot's end belongs to
 *                            the right one
 *     P   a free object      0x6b, its last byte 0xa5
 *         a new object       0x5a: what reads so was never written to
 *     debug_pagealloc        0xaa in free pages
 *
 * A zone lies between two objects, half of it each one's, and is as wide as their
 * alignment: so a power of two stays aligned to itself.
 *
 * What was overwritten is reported once, with the first and last wrong byte, and then
 * restored; the call goes on, for nothing of mm's lies in there.  The record still
 * tells who had the object last, since it is looked at before it is handed out.
 *
 * Cost: linear in the bytes of the object or block.
 */
#include "mm/dials_priv.h"

enum { RED_INACTIVE = 0xbb, RED_ACTIVE = 0xcc, POISON_NEW = 0x5a,
       POISON_FREE = 0x6b, POISON_END = 0xa5, PAGE_POISON = 0xaa };

/* Bytes that must all be the same, but the last, and what it means if they are not. */
struct zone {
    unsigned char *start, *end;
    unsigned char byte, last;
    enum mm_bug bug;
};

/* Who looks: for the report. */
struct look {
    const char *call;
    struct alloc_site *site;
    const void *object;
    const char *then;           /* what happens afterwards */
};

/* ---- one zone --------------------------------------------------------------------- */

static unsigned char expected(const struct zone *zone, const unsigned char *at)
{
    return at + 1 == zone->end ? zone->last : zone->byte;
}

/* The first byte from `at` on that is not as it must be; zone->end: all are. */
static unsigned char *first_wrong(const struct zone *zone, unsigned char *at)
{
    const uint32_t word = zone->byte * 0x01010101u;

    for (; at < zone->end; at++) {
        while ((uintptr_t)at % sizeof(word) == 0 &&
               (size_t)(zone->end - at) > sizeof(word) &&
               *(const uint32_t *)(const void *)at == word)
            at += sizeof(word);
        if (*at != expected(zone, at))
            break;
    }
    return at;
}

static void fill(const struct zone *zone)
{
    if (zone->start < zone->end) {
        memset(zone->start, zone->byte, (size_t)(zone->end - zone->start));
        zone->end[-1] = zone->last;
    }
}

/* Report what is wrong in it, and restore it.  How much is wrong: 0 or 1. */
static uint32_t look_at(const struct look *look, const struct zone *zone)
{
    unsigned char *first = first_wrong(zone, zone->start);
    struct mm_report report = { .bug = zone->bug, .call = look->call,
                                .caller = look->site, .problem = look->then };

    if (first == zone->end)
        return 0;
    report.damage.first = (uintptr_t)first;
    report.damage.found = *first;
    report.damage.expected = expected(zone, first);
    report.damage.start = (uintptr_t)zone->start;
    report.damage.end = (uintptr_t)zone->end;
    for (unsigned char *at = first; at < zone->end; at++)
        if (*at != expected(zone, at))
            report.damage.last = (uintptr_t)at;
    mm_what_is(look->object, &report.what);
    mm_report(&report);
    fill(zone);
    return 1;
}

/* ---- the zones of a slot ------------------------------------------------------------- */

static struct zone left_zone(const struct kmem_cache *cache, void *object, bool live)
{
    unsigned char *end = object, byte = live ? RED_ACTIVE : RED_INACTIVE;

    return (struct zone){ end - cache->left / 2, end, byte, byte, MM_BUG_LEFT_REDZONE };
}

/* Behind the first `size` bytes of the object. */
static struct zone right_zone(const struct kmem_cache *cache, void *object, size_t size,
                              bool live)
{
    unsigned char *start = object, byte = live ? RED_ACTIVE : RED_INACTIVE;
    unsigned char *end = start + object_room(cache) + cache->left / 2;

    return (struct zone){ start + size, end, byte, byte, MM_BUG_RIGHT_REDZONE };
}

static struct zone poison(const struct kmem_cache *cache, void *object)
{
    unsigned char *start = object;

    return (struct zone){ start, start + cache->object_size, POISON_FREE, POISON_END,
                          MM_BUG_POISON };
}

/* What was asked for a live object; all of it if that is not known. */
static size_t asked_for(const struct slot *slot)
{
    const struct record *record = slot_record(slot);
    uint32_t most = slot->cache->object_size;

    return record && record->size < most ? record->size : most;
}

static uint32_t look_at_free(const struct look *look, const struct kmem_cache *cache,
                             void *object)
{
    uint32_t found = 0;

    if (cache->dials & DIAL_Z) {
        struct zone left = left_zone(cache, object, false);
        struct zone right = right_zone(cache, object, cache->object_size, false);

        found += look_at(look, &left) + look_at(look, &right);
    }
    if (cache->dials & DIAL_P) {
        struct zone inside = poison(cache, object);

        found += look_at(look, &inside);
    }
    return found;
}

static uint32_t look_at_live(const struct look *look, const struct slot *slot)
{
    void *object = object_address(slot);

    if (!(slot->cache->dials & DIAL_Z))
        return 0;

    struct zone left = left_zone(slot->cache, object, true);
    struct zone right = right_zone(slot->cache, object, asked_for(slot), true);

    return look_at(look, &left) + look_at(look, &right);
}

/* Its red zones as they must be from now on. */
static void paint(const struct kmem_cache *cache, void *object, size_t size, bool live)
{
    if (!(cache->dials & DIAL_Z))
        return;

    struct zone left = left_zone(cache, object, live);
    struct zone right = right_zone(cache, object, size, live);

    fill(&left);
    fill(&right);
}

/* ---- objects ------------------------------------------------------------------------- */

void watch_next(struct kmem_cache *cache, const struct mm_request *request)
{
    uint32_t bit = (uint32_t)__builtin_ctz(*cache->word);
    char *object = cache->group + bit * cache->slot_size;
    struct look look = { request->call, request->site, object,
                         "restored, and the object handed out" };

    look_at_free(&look, cache, object);
}

void watch_taken(struct kmem_cache *cache, void *object,
                 const struct mm_request *request)
{
    size_t size = watch_room(cache, request->bytes);

    paint(cache, object, size, true);
    if (cache->ctor)
        return;                 /* it is as it was constructed, or freed */
    if (dials.init_on_alloc)
        memset(object, 0, size);
    else if (cache->dials & DIAL_P)
        memset(object, POISON_NEW, size);
}

void watch_resized(const char *call, struct alloc_site *site, const struct slot *slot,
                   size_t size)
{
    struct look look = { call, site, object_address(slot), "restored" };

    if (!(slot->cache->dials & DIAL_Z))
        return;
    look_at_live(&look, slot);
    if (size > asked_for(slot))         /* the new bytes are not red any more */
        memset(object_address(slot) + asked_for(slot),
               dials.init_on_alloc ? 0 : POISON_NEW, size - asked_for(slot));
    paint(slot->cache, object_address(slot), size, true);
}

static void freed(const struct slot *slot)
{
    struct kmem_cache *cache = slot->cache;
    char *object = object_address(slot);

    paint(cache, object, cache->object_size, false);
    if (cache->dials & DIAL_P) {
        struct zone inside = poison(cache, object);

        fill(&inside);
    } else if (dials.init_on_free && !cache->ctor) {
        memset(object, 0, cache->object_size);
    }
}

/* ---- large kmallocs: only the slack behind them ---------------------------------------- */

/*
 * A large kmalloc that has a red zone says so in its page struct (run, which is a
 * run's otherwise): the dial may have been set or unset since it was taken.
 */
static bool large_has(uint8_t flag)
{
    return dials_of("kmalloc-large") & flag;
}

static struct zone large_zone(uint32_t pfn, size_t asked)
{
    size_t bytes = PAGE_SIZE << heap.buddy.page[pfn].order;
    unsigned char *start = address_of(pfn);

    return (struct zone){ start + (asked < bytes ? asked : bytes), start + bytes,
                          RED_ACTIVE, RED_ACTIVE, MM_BUG_RIGHT_REDZONE };
}

size_t watch_large_size(uint32_t pfn)
{
    if (!heap.buddy.page[pfn].run || !heap.record)
        return PAGE_SIZE << heap.buddy.page[pfn].order;
    return heap.record[pfn].size;
}

void watch_large_taken(uint32_t pfn, size_t asked)
{
    struct zone zone = large_zone(pfn, asked);

    if (!heap.record || !large_has(DIAL_Z))
        return;
    heap.buddy.page[pfn].run = 1;
    fill(&zone);
}

static uint32_t look_at_large(const struct look *look, uint32_t pfn)
{
    struct zone zone = large_zone(pfn, watch_large_size(pfn));

    return heap.buddy.page[pfn].run ? look_at(look, &zone) : 0;
}

void watch_large_resized(struct alloc_site *site, uint32_t pfn, size_t size)
{
    struct look look = { "krealloc", site, address_of(pfn), "restored" };
    size_t had = watch_large_size(pfn);
    struct zone zone = large_zone(pfn, size);

    if (!heap.buddy.page[pfn].run)
        return;
    look_at_large(&look, pfn);
    if (size > had)             /* the new bytes are not red any more */
        memset((char *)address_of(pfn) + had, dials.init_on_alloc ? 0 : POISON_NEW,
               size - had);
    fill(&zone);
}

/* ---- who frees --------------------------------------------------------------------------- */

struct alloc_site *watch_page_site(struct alloc_site *site, bool large)
{
    bool who = watched() && (dials.page_owner || (large && large_has(DIAL_U)));

    return who ? stack_site(site) : site;
}

struct alloc_site *watch_free(const char *call, struct alloc_site *site,
                              const void *addr, bool late)
{
    struct look look = { call, site, addr, "restored, and the object freed" };
    struct slot slot;
    uint32_t large = large_at(addr);

    if (!find_object(addr, &slot)) {
        if (large != NO_PAGE)
            look_at_large(&look, large);
        return late ? site : watch_page_site(site, large != NO_PAGE);
    }
    if (slot.cache->dials & DIAL_F && !watch_slab(call, site, slot.slab, slot.cache))
        return NULL;
    look_at_live(&look, &slot);
    freed(&slot);
    return slot.cache->dials & DIAL_U && !late ? stack_site(site) : site;
}

bool watch_slab(const char *call, struct alloc_site *site, struct page *slab,
                struct kmem_cache *cache)
{
    const char *fault = slab_fault(slab);

    if (!fault)
        return true;
    mm_corrupted(call, site, fault, slab_start(slab));
    slab_mend(cache);
    return !slab_fault(slab);
}

/* ---- slabs and pages ----------------------------------------------------------------------- */

void watch_new_slab(struct kmem_cache *cache, struct page *slab)
{
    struct slot slot = slot_of_slab(slab, 0);

    for (; slot.index < cache->slots; slot.index++)
        freed(&slot);
}

static void poison_slab(struct kmem_cache *cache, struct page *slab)
{
    struct slot slot = slot_of_slab(slab, 0);

    for (; slot.index < cache->slots; slot.index++)
        if (!is_live_slot(&slot))
            freed(&slot);
}

void watch_poison_free(struct kmem_cache *cache)
{
    slab_for_each(cache, poison_slab);
}

static struct zone page_zone(uint32_t pfn, uint32_t n)
{
    unsigned char *start = address_of(pfn);

    return (struct zone){ start, start + ((size_t)n << PAGE_SHIFT), PAGE_POISON,
                          PAGE_POISON, MM_BUG_PAGE_POISON };
}

void watch_pages_taken(uint32_t pfn, unsigned order)
{
    struct zone zone = page_zone(pfn, 1u << order);
    struct look look = { "alloc_pages", NULL, zone.start,
                         "restored, and the pages handed out" };

    if (dials.debug_pagealloc)
        look_at(&look, &zone);
    if (dials.init_on_alloc)
        memset(zone.start, 0, (size_t)(zone.end - zone.start));
}

void watch_pages_freed(uint32_t pfn, uint32_t n)
{
    struct zone zone = page_zone(pfn, n);

    if (dials.debug_pagealloc)
        fill(&zone);
    else if (dials.init_on_free)
        memset(zone.start, 0, (size_t)(zone.end - zone.start));
}

/* ---- all of the heap ------------------------------------------------------------------------- */

static void for_each_block(uint32_t (*fn)(uint32_t pfn, struct page *page),
                           uint32_t *sum)
{
    for (uint32_t pfn = 0; pfn < heap.buddy.npages; ) {
        struct page *page = &heap.buddy.page[pfn];

        *sum += fn(pfn, page);
        pfn += page->kind == PG_HOLE || page->kind == PG_META ? 1 : 1u << page->order;
    }
}

static uint32_t poison_block(uint32_t pfn, struct page *page)
{
    if (is_free_block(page))
        watch_pages_freed(pfn, 1u << page->order);
    return 0;
}

void watch_poison_pages(void)
{
    uint32_t none = 0;

    for_each_block(poison_block, &none);
}

static uint32_t look_at_slab(struct page *slab)
{
    struct slot slot = slot_of_slab(slab, 0);
    uint32_t found = 0;

    if (!slab_map_is_sound(slot.cache, slab))
        return 0;               /* mm_check names it: S2 */
    for (; slot.index < slot.cache->slots; slot.index++) {
        char *object = object_address(&slot);
        struct look look = { "check", NULL, object, "restored" };

        found += is_live_slot(&slot) ? look_at_live(&look, &slot)
                                     : look_at_free(&look, slot.cache, object);
    }
    return found;
}

static uint32_t look_at_block(uint32_t pfn, struct page *page)
{
    struct look look = { "check", NULL, address_of(pfn), "restored" };

    if (page->kind == PG_SLAB && caches[page->cache].dials & (DIAL_Z | DIAL_P))
        return look_at_slab(page);
    if (page->kind == PG_LARGE)
        return look_at_large(&look, pfn);
    if (!is_free_block(page) || !dials.debug_pagealloc)
        return 0;

    struct zone zone = page_zone(pfn, 1u << page->order);

    return look_at(&look, &zone);
}

uint32_t mm_find_damage(void)
{
    uint32_t found = 0;

    if (!watched() || !mm_enter())
        return 0;
    for_each_block(look_at_block, &found);
    mm_leave();
    return found;
}
