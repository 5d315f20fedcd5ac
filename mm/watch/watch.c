/*
 * watch.c - objects, watched: found out where a program wrote where it must not.
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
 *     F   the slab is whole  one with a fault is set aside before it is served, and
 *                            what is in it can not be freed
 *
 * The record still tells who had the object last, since it is looked at before it is
 * handed out.
 *
 * Cost: linear in the bytes of the object, with F in the slots of the slab.
 */
#include "mm/watch/watch_priv.h"

#include "mm/hooks_priv.h"
#include "mm/object_priv.h"
#include "mm/slab_priv.h"
#include "mm/watch/dials.h"
#include "mm/watch/guarded_priv.h"
#include "mm/watch/settings_priv.h"
#include "mm/watch/stack_priv.h"
#include "mm/watch/watch_pages_priv.h"

/* ---- the zones of a slot ------------------------------------------------ */

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

    return record && record_size(record) < most ? record_size(record) : most;
}

static uint32_t look_at_free(const struct look *look, const struct kmem_cache *cache,
                             void *object)
{
    uint32_t found = 0;

    if (cache->dials & DIAL_Z) {
        struct zone left = left_zone(cache, object, false);
        struct zone right = right_zone(cache, object, cache->object_size, false);

        found += zone_look(look, &left) + zone_look(look, &right);
    }
    if (cache->dials & DIAL_P) {
        struct zone inside = poison(cache, object);

        found += zone_look(look, &inside);
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

    return zone_look(look, &left) + zone_look(look, &right);
}

/* Its red zones as they must be from now on. */
static void paint(const struct kmem_cache *cache, void *object, size_t size, bool live)
{
    if (!(cache->dials & DIAL_Z))
        return;

    struct zone left = left_zone(cache, object, live);
    struct zone right = right_zone(cache, object, size, live);

    zone_fill(&left);
    zone_fill(&right);
}

/* ---- the slab (F) ------------------------------------------------------- */

/*
 * Is the slab whole, or was it when its lists were made anew?  A fault is reported, and
 * sets it aside.
 */
static bool is_whole(const char *call, struct alloc_site *site, struct page *slab,
                     struct kmem_cache *cache)
{
    const void *where;
    const char *fault = mm_looker->slab_fault(slab, &where);

    if (!fault)
        return true;
    mm_corrupted(call, site, fault, where);
    mm_looker->mend(cache);
    return mm_looker->slab_is_fit(slab);
}

static void prove_served(struct kmem_cache *cache, const struct mm_request *request)
{
    if (cache->dials & DIAL_F && cache->slab &&
        !is_whole(mm_call_of(request), request->site, cache->slab, cache))
        slab_serve_nothing(cache);
}

/* Serve a word with a free slot; with F, of a slab that is whole.  False: no memory. */
static bool serve_whole(struct kmem_cache *cache, const struct mm_request *request)
{
    prove_served(cache, request);
    while (!*cache->word) {
        if (!slab_refill(cache, request))
            return false;
        prove_served(cache, request);
    }
    return true;
}

/* ---- taking ------------------------------------------------------------- */

/* The object that the cache will hand out next: is it as it was freed? */
static void look_at_next(struct kmem_cache *cache, const struct mm_request *request)
{
    uint32_t bit = (uint32_t)__builtin_ctz(*cache->word);
    char *object = cache->group + bit * cache->slot_size;
    struct look look = { mm_call_of(request), request->site, object,
                         "restored, and the object handed out" };

    look_at_free(&look, cache, object);
}

/* Its red zones, and what it holds. */
static void taken(struct kmem_cache *cache, void *object,
                  const struct mm_request *request)
{
    size_t size = usable_room(cache, request->bytes);

    paint(cache, object, size, true);
    if (cache->ctor)
        return;                 /* it is as it was constructed, or freed */
    if (settings.init_on_alloc)
        memset(object, 0, size);
    else if (cache->dials & DIAL_P)
        memset(object, POISON_NEW, size);
}

void *watch_take(struct kmem_cache *cache, const struct mm_request *request)
{
    bool who = cache->dials & DIAL_U;
    struct alloc_site *site = who ? stack_site(request->site) : request->site;

    void *p = guarded_take(cache, request, site);

    if (p)
        return p;
    if (!serve_whole(cache, request))
        return NULL;
    look_at_next(cache, request);
    p = take_slot(cache, request, site);

    taken(cache, p, request);
    return p;
}

static void resized(struct alloc_site *site, const struct slot *slot, size_t size)
{
    struct look look = { "krealloc", site, object_address(slot), "restored" };

    if (!(slot->cache->dials & DIAL_Z))
        return;
    look_at_live(&look, slot);
    if (size > asked_for(slot))         /* the new bytes are not red any more */
        memset(object_address(slot) + asked_for(slot), POISON_NEW,
               size - asked_for(slot));
    paint(slot->cache, object_address(slot), size, true);
}

bool watch_resized(struct alloc_site *site, const struct object *object, size_t size)
{
    bool is_slot = object->kind == MM_SLAB_LIVE;
    struct look look = { "krealloc", site, object->start, "restored" };

    if (is_slot)
        resized(site, &object->slot, size);
    else if (object->kind == MM_GUARDED)
        guarded_resized(&look, object, size);
    else
        watch_large_resized(site, object->pfn, size);
    return settings.init_on_alloc && !(is_slot && object->slot.cache->ctor);
}

/* ---- freeing ------------------------------------------------------------ */

static void freed(const struct slot *slot)
{
    struct kmem_cache *cache = slot->cache;
    char *object = object_address(slot);

    paint(cache, object, cache->object_size, false);
    if (cache->dials & DIAL_P) {
        struct zone inside = poison(cache, object);

        zone_fill(&inside);
    } else if (settings.init_on_free && !cache->ctor) {
        memset(object, 0, usable_room(cache, cache->object_size));
    }
}

bool watch_may_free(const struct mm_free_request *free, const struct object *object)
{
    const struct slot *slot = &object->slot;

    return object->kind != MM_SLAB_LIVE || !(slot->cache->dials & DIAL_F) ||
           is_whole(free->call, free->site, slot->slab, slot->cache);
}

struct alloc_site *watch_freeing(const struct mm_free_request *free,
                                 const struct object *object, bool late)
{
    struct look look = { free->call, free->site, free->addr,
                         "restored, and the object freed" };
    const struct slot *slot = &object->slot;

    if (object->kind == MM_GUARDED) {
        guarded_look(&look, object);
        return slot->cache->dials & DIAL_U && !late ? stack_site(free->site) : free->site;
    }
    if (object->kind != MM_SLAB_LIVE) {
        watch_large_goes(&look, object->pfn);
        return late ? free->site
                    : watch_page_site(free->site, (enum page_kind)object->page->kind);
    }
    look_at_live(&look, slot);
    freed(slot);
    return slot->cache->dials & DIAL_U && !late ? stack_site(free->site) : free->site;
}

/* ---- slabs -------------------------------------------------------------- */

void watch_slab_made(struct kmem_cache *cache, struct page *slab)
{
    struct slot slot = { cache, slab, 0 };      /* its pages do not name it yet */

    if (!cache->dials)
        return;
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
    for (uint32_t pfn = 0; pfn < heap.buddy.npages; pfn += 1u << cache->order)
        if (is_slab_of(cache, pfn))
            poison_slab(cache, &heap.buddy.page[pfn]);
}

/* Of a slab: red zones and poison, as they must be. */
static void paint_slab(struct page *slab)
{
    struct slot slot = slot_of_slab(slab, 0);
    struct kmem_cache *cache = slot.cache;

    for (; cache->dials && slot.index < cache->slots; slot.index++)
        if (is_live_slot(&slot))
            paint(cache, object_address(&slot), asked_for(&slot), true);
        else
            freed(&slot);
}

static uint32_t paint_block(uint32_t pfn, struct page *page)
{
    if (page->kind != PG_SLAB)
        watch_block_paint(pfn, page);
    else if (mm_looker->slab_is_fit(page))
        paint_slab(page);
    return 0;
}

void watch_paint(void)
{
    watch_blocks(paint_block);
}

/* ---- all of the heap ---------------------------------------------------- */

static uint32_t look_at_slab(struct page *slab, const char *call)
{
    struct slot slot = slot_of_slab(slab, 0);
    uint32_t found = 0;

    for (; slot.index < slot.cache->slots; slot.index++) {
        char *object = object_address(&slot);
        struct look look = { call, NULL, object, "restored" };

        found += is_live_slot(&slot) ? look_at_live(&look, &slot)
                                     : look_at_free(&look, slot.cache, object);
    }
    return found;
}

static uint32_t look_at_guarded(uint32_t pfn)
{
    struct object object = object_at(address_of(pfn));
    struct look look = { "check", NULL, object.start, "restored" };

    return guarded_look(&look, &object);
}

static uint32_t look_at_block(uint32_t pfn, struct page *page)
{
    struct look look = { "check", NULL, address_of(pfn), "restored" };

    if (is_slab_of(cache_of(page), pfn) &&
        cache_of(page)->dials & (DIAL_Z | DIAL_P))
        return look_at_slab(page, "check");
    if (is_guarded(page))
        return look_at_guarded(pfn);
    if (page->kind == PG_LARGE)
        return watch_large_look(&look, pfn);
    return is_free_block(page) ? watch_free_look(&look, pfn) : 0;
}

uint32_t watch_look_at_all(void)
{
    return watch_blocks(look_at_block);
}

/* It goes back to the page allocator: its poison is looked at no more. */
void watch_slab_goes(struct kmem_cache *cache, struct page *slab)
{
    if (cache->dials & (DIAL_Z | DIAL_P))
        look_at_slab(slab, "shrink");
}

uint32_t mm_find_damage(void)
{
    uint32_t found;

    if (!mm_watcher || !mm_enter(NULL))
        return 0;
    found = watch_look_at_all();
    mm_leave();
    return found;
}
