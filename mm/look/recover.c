/*
 * recover.c - mm_recover(): an operation was dropped in the middle; mend what it left.
 *
 * Whoever called mm is gone, by a fault on the way, and never comes back.  Between
 * which two stores it ended nobody knows.  But two things are always true, for each is
 * one store of mm's, made last where something begins and first where it ends:
 *
 *     the kind of a page         whose the block is that begins there
 *     the bit of a slot          whether it was handed out
 *
 * All else follows from them, and is made anew: which pages are free, the lists of free
 * blocks and of slabs, the records, what is counted.
 *
 *     caches    one without a name is none; one whose layout was being changed has no
 *               slabs, and is laid out anew
 *     pages     those that no live block claims are free.  A slab half made or half
 *               given back is without its first page, and holds nothing: free as well
 *     slots     a record that does not agree with the bit, or with the block's kind,
 *               follows it.  So what was just being handed out or given back is live,
 *               though nobody may have it: lost, and told
 *     counters  recounted
 *
 * Nothing is given away that may be somebody's: what breaks a rule in another way, by a
 * stray write, is left as it is, for mm_check() to name.
 *
 * Cost: linear in the heap, and in its pages for each cache; no recursion, no memory.
 */
#include "mm/look/recover.h"

#include "mm/look/look_priv.h"

#include "mm/enter_priv.h"
#include "mm/free_priv.h"
#include "mm/heap_priv.h"
#include "mm/object_priv.h"
#include "mm/slab_priv.h"

/* What the walks find, and who is told. */
static struct {
    struct mm_recovery *told;
    const struct alloc_site *serving;   /* NULL: nobody knows */
    uint32_t free_until;        /* end of the free block that the walk is in */
    uint32_t live_pages, larges;
    uint32_t slabs[MAX_CACHES], live[MAX_CACHES];
} found;

/* ---- caches --------------------------------------------------------------- */

static void count_slab_pages(void)
{
    for (uint32_t pfn = 0; pfn < heap.buddy.npages; pfn++)
        if (heap.buddy.page[pfn].kind == PG_SLAB)
            found.slabs[cache_number(cache_of(&heap.buddy.page[pfn]))]++;
}

/* Made or changed only as far as it was; but of what it was made for. */
static bool can_be_laid_out(const struct kmem_cache *cache)
{
    return cache->object_size - 1 < MAX_OBJECT_SIZE && cache->align >= 8 &&
           cache->align <= PAGE_SIZE && !(cache->align & (cache->align - 1));
}

static void mend_cache(struct kmem_cache *cache)
{
    bool has_slabs = found.slabs[cache_number(cache)];

    if (!has_slabs || !cache->name)
        slab_serve_nothing(cache);
    if (!cache->name)
        cache->dials = 0;
    else if (!has_slabs && !cache_is_sound(cache) && can_be_laid_out(cache))
        cache_lay_out(cache, cache_possible_dials(cache, cache->dials));
}

static void mend_caches(void)
{
    count_slab_pages();
    for (unsigned i = NO_CACHE + 1; i < MAX_CACHES; i++)
        mend_cache(&caches[i]);
    memset(found.slabs, 0, sizeof(found.slabs));
}

/* ---- pages: whose they are -------------------------------------------------- */

static bool may_be_free(const struct page *page)
{
    return is_free_block(page) || page->kind == PG_TAIL;
}

/* The first of `most` pages, and those behind it that are in no other block. */
static uint32_t with_tails(uint32_t pfn, uint32_t most)
{
    uint32_t n = 1;

    while (n < most && pfn + n < heap.buddy.npages &&
           heap.buddy.page[pfn + n].kind == PG_TAIL)
        n++;
    return n;
}

/* So many as its page struct says, or its record, if that is more. */
static uint32_t block_claims(uint32_t pfn)
{
    const struct page *page = &heap.buddy.page[pfn];
    uint32_t size = 1u << page->order;
    size_t asked = heap.record && page->kind != PG_PART && !page->run
                       ? pages_for(record_size(&heap.record[pfn])) : 0;

    return with_tails(pfn, asked > size ? (uint32_t)asked : size);
}

/* A part, of a run that begins with a page in use? */
static bool part_is_claimed(uint32_t pfn)
{
    uint32_t first = heap.buddy.page[pfn].run;

    return first >= pfn || !may_be_free(&heap.buddy.page[first]);
}

/*
 * A slab's page, unless the slab's first page is none and its map says that nothing in
 * it is handed out: it was being made, or given back.
 */
static bool slab_page_is_claimed(uint32_t pfn)
{
    const struct page *page = &heap.buddy.page[pfn];
    const struct kmem_cache *cache = cache_of(page);
    const struct page *first = page - (pfn & ((1u << page->order) - 1));
    uint32_t all = UINT32_MAX >> (32 - cache->slots % 32) % 32;

    return !cache->name || page->order != cache->order || cache->map_word ||
           !may_be_free(first) || first->map != all;
}

/* How many pages from this one on are not free; 0: this one is. */
static uint32_t claimed(uint32_t pfn)
{
    switch ((enum page_kind)heap.buddy.page[pfn].kind) {
    case PG_FREE:
    case PG_KEPT:
    case PG_TAIL:
        return 0;
    case PG_USED:
    case PG_LARGE:
        return block_claims(pfn);
    case PG_PART:
        return part_is_claimed(pfn) ? block_claims(pfn) : 0;
    case PG_SLAB:
        return slab_page_is_claimed(pfn);
    default:
        return 1;
    }
}

/* Of pages side by side that nobody claims. */
static void each_unclaimed(void (*fn)(uint32_t pfn, uint32_t n))
{
    for (uint32_t pfn = 0, start = 0; start < heap.buddy.npages; start = pfn) {
        while (pfn < heap.buddy.npages && !claimed(pfn))
            pfn++;
        if (pfn > start)
            fn(start, pfn - start);
        while (pfn < heap.buddy.npages && claimed(pfn))
            pfn += claimed(pfn);
    }
}

/* ---- pages: free again -------------------------------------------------------- */

static uint16_t server_number(void)
{
    return (found.serving ? found.serving : ALLOC_SITE())->number;
}

static void mark_dead(struct record *record)
{
    record->freed_by = server_number();
    found.told->records++;
}

/* It is in no block, and in no slab. */
static void make_unclaimed(uint32_t pfn)
{
    struct page *page = &heap.buddy.page[pfn];

    if (is_free_block(page))
        found.free_until = pfn + (1u << page->order);
    if (pfn >= found.free_until)
        found.told->pages++;
    page->tag = PG_TAIL;
    page->cache = NO_CACHE;
    if (heap.record && is_live(&heap.record[pfn]))
        mark_dead(&heap.record[pfn]);
}

static void make_all_unclaimed(uint32_t pfn, uint32_t n)
{
    for (; n; n--)
        make_unclaimed(pfn++);
}

static void make_free(uint32_t pfn, uint32_t n)
{
    buddy_add(&heap.buddy, pfn, n);
}

/* All that nobody claims joins anew, and nothing else is free. */
static void mend_pages(void)
{
    struct buddy *b = &heap.buddy;
    struct buddy before = *b;

    found.free_until = 0;
    buddy_init(b, b->page, b->npages);
    b->keep = before.keep;
    b->mended = before.mended;
    each_unclaimed(make_all_unclaimed);
    each_unclaimed(make_free);
}

/* ---- records ------------------------------------------------------------------ */

/* The same line, or return address: a stack's site is a copy of the call's own. */
static bool is_server(const struct alloc_site *site)
{
    return site && found.serving && site->file == found.serving->file &&
           site->line == found.serving->line && site->address == found.serving->address;
}

/* What was to be done with it is done later, when mm is entered. */
static void tell_lost(const void *p, size_t bytes)
{
    if (mm_is_put_off(p))
        return;
    found.told->lost++;
    found.told->lost_bytes += bytes;
}

/* Was it being given back?  Then it is as before; else it was being handed out. */
static void mark_live(struct record *record, uint32_t room)
{
    if (record->site && is_server(site_of(record->freed_by)))
        record->freed_by = 0;
    else
        record_taken(record, server_number(), room);
    found.told->records++;
}

/* Of what is at p, handed out, with that much room. */
static void mend_live(const void *p, struct record *record, uint32_t room)
{
    if (!is_live(record)) {
        mark_live(record, room);
        tell_lost(p, record_size(record));
    } else if (record->serial == heap.serial && is_server(site_of(record->site))) {
        found.told->newest = p;
    }
}

/* ---- slots -------------------------------------------------------------------- */

static void mend_slot(const struct slot *slot)
{
    struct record *record = slot_record(slot);
    bool is_free = is_free_slot(slot);

    found.live[cache_number(slot->cache)] += !is_free;
    if (!record)
        return;
    if (!is_free)
        mend_live(object_address(slot), record, slot->cache->object_size);
    else if (is_live(record))
        mark_dead(record);
}

static void mend_slab(struct page *slab)
{
    struct slot slot = slot_of_slab(slab, 0);

    found.slabs[cache_number(slot.cache)]++;
    for (; slot.index < slot.cache->slots; slot.index++)
        mend_slot(&slot);
}

/* A freed one goes: see recover_end of the watcher. */
static void mend_guarded(const struct object *object)
{
    if (object->kind != MM_GUARDED || object->is_broken)
        return;
    found.live[cache_number(object->slot.cache)]++;
    mend_live(object->start, object->record, object->slot.cache->object_size);
}

static void mend_block(uint32_t pfn, struct page *page)
{
    uint32_t pages = used_pages(page);
    struct object object = object_at(address_of(pfn));

    if (is_guarded(page)) {
        mend_guarded(&object);
        return;
    }
    if (page->kind == PG_LARGE)
        found.larges++;
    else
        found.live_pages += pages;
    if (heap.record)
        mend_live(address_of(pfn), &heap.record[pfn], pages << PAGE_SHIFT);
}

/* Of what is not whole, mm_check() tells. */
static void mend_objects(void)
{
    for (uint32_t pfn = 0; pfn < heap.buddy.npages; pfn++) {
        struct page *page = &heap.buddy.page[pfn];

        if (page->kind == PG_USED || page->kind == PG_LARGE)
            mend_block(pfn, page);
        else if (page->kind == PG_SLAB && cache_is_sound(cache_of(page)) &&
                 !slab_shape_fault(page))
            mend_slab(page);
    }
}

/* ---- counters, lists ------------------------------------------------------------ */

/* Was an object of the cache just being freed that was put off?  It will be. */
static bool is_freed_later(const struct kmem_cache *cache)
{
    const struct mm_free_request *first = mm_next_put_off();
    struct object object = object_at(first ? first->addr : NULL);

    return first && !(mm_state & MM_PUT_OFF) && object.kind == MM_SLAB_LIVE &&
           object.slot.cache == cache;
}

/* More are live than were counted, and no record says which: they are lost. */
static void tell_lost_of(const struct kmem_cache *cache, uint32_t live)
{
    uint32_t lost = live - (cache->allocs - cache->frees);

    if (heap.record || (int32_t)lost <= 0)
        return;
    lost -= is_freed_later(cache);
    found.told->lost += lost;
    found.told->lost_bytes += (size_t)lost * cache->object_size;
}

static void mend_counters(struct kmem_cache *cache)
{
    uint32_t live = found.live[cache_number(cache)];

    tell_lost_of(cache, live);
    cache->allocs = cache->frees + live;
    cache->slabs = found.slabs[cache_number(cache)];
    if (cache->slabs > cache->peak_slabs)
        cache->peak_slabs = cache->slabs;
}

static void mend_lists(void)
{
    for (unsigned i = NO_CACHE + 1; i < MAX_CACHES; i++) {
        if (!caches[i].name || !cache_is_sound(&caches[i]))
            continue;
        mend_counters(&caches[i]);
        slab_serve_nothing(&caches[i]);
        slab_mend(&caches[i]);
    }
    heap.large_allocs = heap.large_frees + found.larges;
    heap.pages_allocated = heap.pages_freed + found.live_pages;
}

/* The free that was just being done, if one was, is not done twice. */
static void mend_put_off(void)
{
    const struct mm_free_request *first = mm_next_put_off();

    struct object object;

    if (first && !is_right_to_free(first, &object))
        mm_put_off_is_done();
}

/* ---- all of it ------------------------------------------------------------------ */

static void mend_all(struct mm_recovery *recovery)
{
    memset(&found, 0, sizeof(found));
    found.told = recovery;
    found.serving = mm_current_site();
    recovery->was_changing = true;
    if (mm_scan_dropped)
        mm_scan_dropped();
    mend_caches();
    mend_pages();
    if (mm_watcher)
        mm_watcher->recover_begin();
    mend_objects();
    if (mm_watcher)
        mm_watcher->recover_end();
    mend_lists();
    mend_put_off();
}

void mm_recover(struct mm_recovery *recovery)
{
    memset(recovery, 0, sizeof(*recovery));
    if (mm_is_changing())
        mend_all(recovery);
    recovery->observer = observe_recover();
    mm_state_clear(~MM_IRQ);
    mm_hooks_changed();
    if (mm_next_put_off())
        mm_state_set(MM_PUT_OFF);
}
