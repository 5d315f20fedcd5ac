/*
 * guarded.c - objects that stand against a page that is not there (kfence.every): the very
 * instruction that runs past one, or uses it after kfree, faults.
 *
 * Such an object has a block of pages of its own, one more than it needs, and stands at
 * the end of its pages; all other pages of the block are taken away (mm_map_hook):
 *
 *     | slack     object |///////////|      /// not there
 *
 * A new object holds 0x5a, unless it is to be zero or is constructed, which it is each time
 * that one is taken.  Slack is red (0xcc), and looked at when the object is freed or by
 * mm_find_damage(): so a write before the object is found then.  (Linux has half of its
 * objects stand at the other end, by lot; here all runs are the same, and past the end is
 * where most writes go.)  A few bytes of slack may lie behind the object, so that it is
 * aligned: to what its cache says; of kmalloc, to the largest power of two that divides its
 * size.
 *
 * With kfence.every=1 each object of a cache is guarded.  With N above 1 one of N refills
 * is: when a slab's free slots are used up, the object that is asked for is guarded, and
 * the slabs are asked again for the next one.  So the short ways do not know of it.  Large
 * kmallocs and pages are not guarded: debug_pagealloc is for them.
 *
 * Freed ones wait, all of their block taken away, WAITING of them; then the oldest goes
 * back to the page allocator.  They go sooner if there are no pages for another one, and
 * all of them when memory is short or a cache shrinks.  An object for which there are no
 * pages even then is an ordinary one, and counted (heap.unguarded).
 *
 * To all others it is a PG_LARGE block whose page struct says more (is_guarded).  Its
 * cache counts it in allocs and frees (S6).
 *
 * Rules, proved by mm_check():
 *   M6  its block has the order for its cache's objects, and it starts where one can;
 *   M7  guarded_pages is the pages of all such blocks, guarded_freed those that wait.
 *
 * Cost: a block to and fro, and what must be filled and looked at, about a page; two
 * pages and more for an object.  It needs the records: they tell a live one from one that
 * waits.
 */
#include "mm/watch/guarded_priv.h"

#include "mm/enter_priv.h"
#include "mm/hooks_priv.h"
#include "mm/pages_priv.h"
#include "mm/watch/settings_priv.h"
#include "mm/watch/watch_pages_priv.h"

enum { WAITING = 256 };         /* a power of two: oldest wraps */

static uint32_t waiting[WAITING];       /* heap.guarded_freed blocks, from the oldest on */
static uint32_t oldest;
static uint32_t refills;        /* since the dial was set */

/* ---- where it stands ------------------------------------------------------------- */

static struct kmem_cache *cache_of_guarded(const struct page *page)
{
    return cache_named[page->guard & 0xff];
}

static uint32_t offset_of(const struct page *page)
{
    return page->guard >> 8;
}

static uint32_t own_pages(const struct kmem_cache *cache)
{
    return (uint32_t)pages_for(cache->object_size);
}

static unsigned order_for(const struct kmem_cache *cache)
{
    return pages_order((size_t)(own_pages(cache) + 1) << PAGE_SHIFT);
}

/* kmalloc promises 8 bytes, and of a power of two its size. */
static size_t alignment(const struct kmem_cache *cache, size_t size)
{
    size_t divides = size & -size;

    if (cache >= &caches[FIRST_FREE_CACHE])
        return cache->align;
    return divides > 8 ? divides : 8;
}

static uint32_t offset_for(const struct kmem_cache *cache, size_t size)
{
    size_t end = (size_t)own_pages(cache) << PAGE_SHIFT;

    return (uint32_t)((end - size) & ~(alignment(cache, size) - 1));
}

/* M6 */
static bool is_right(const struct page *page)
{
    const struct kmem_cache *cache = cache_of_guarded(page);

    return heap.record && cache->name && page->order == order_for(cache) &&
           offset_of(page) % 8 == 0 && offset_of(page) < PAGE_SIZE;
}

/* Its own pages are there, and no other of its block.  False: that cannot be done. */
static bool stand(uint32_t pfn)
{
    const struct page *page = &heap.buddy.page[pfn];
    uint32_t all = 1u << page->order, own = own_pages(cache_of_guarded(page));

    return watch_map(pfn, all, true) && watch_map(pfn + own, all - own, false);
}

void guarded_find(struct object *object)
{
    const struct page *page = object->page;
    const struct kmem_cache *cache = cache_of_guarded(page);
    char *end = object->start + ((size_t)own_pages(cache) << PAGE_SHIFT);

    object->kind = MM_GUARDED;
    object->slot = (struct slot){ cache_of_guarded(page), object->page, 0 };
    if (!is_right(page)) {
        object->is_broken = true;
        return;
    }
    if (!is_live(object->record))
        object->kind = MM_GUARDED_FREE;
    object->start += offset_of(page);
    object->room = (size_t)(end - object->start);
    if (record_size(object->record) < object->room)
        object->room = record_size(object->record);
}

/* ---- its slack -------------------------------------------------------------------- */

/* Before the object, and behind the first `size` bytes of it. */
static void find_slack(const struct object *object, size_t size, struct zone slack[2])
{
    unsigned char *start = (unsigned char *)object->start;
    unsigned char *first = start - offset_of(object->page);
    unsigned char *end = first + ((size_t)own_pages(object->slot.cache) << PAGE_SHIFT);

    slack[0] = (struct zone){ first, start, RED_ACTIVE, RED_ACTIVE, MM_BUG_GUARDED };
    slack[1] = (struct zone){ start + size, end, RED_ACTIVE, RED_ACTIVE, MM_BUG_GUARDED };
}

static void fill_slack(const struct object *object, size_t size)
{
    struct zone slack[2];

    find_slack(object, size, slack);
    zone_fill(&slack[0]);
    zone_fill(&slack[1]);
}

uint32_t guarded_look(const struct look *look, const struct object *object)
{
    struct zone slack[2];

    if (object->kind != MM_GUARDED || object->is_broken)
        return 0;
    find_slack(object, object->room, slack);
    return zone_look(look, &slack[0]) + zone_look(look, &slack[1]);
}

void guarded_resized(const struct look *look, const struct object *object, size_t size)
{
    guarded_look(look, object);
    fill_slack(object, size);
}

/* ---- those that wait ---------------------------------------------------------------- */

/* Back to the page allocator. */
static void release(uint32_t pfn)
{
    const struct page *page = &heap.buddy.page[pfn];

    watch_map(pfn, 1u << page->order, true);
    mm_looker->guarded_ends(pfn, offset_of(page));
    heap.guarded_pages -= 1u << page->order;
    pages_give_back(pfn, page->order);
}

/* What is there no more, by a stray write or by mending, is told by check (M7). */
static void oldest_goes(void)
{
    uint32_t pfn = waiting[oldest++ % WAITING];
    struct object object = object_at(address_of(pfn));

    heap.guarded_freed--;
    if (object.kind == MM_GUARDED_FREE && object.pfn == pfn && !object.is_broken)
        release(pfn);
}

void guarded_let_go(void)
{
    while (heap.guarded_freed)
        oldest_goes();
}

/* ---- taking and freeing --------------------------------------------------------------- */

static bool is_due(const struct kmem_cache *cache)
{
    if (!settings.kfence || !mm_map_hook || !heap.record)
        return false;
    if (settings.kfence > 1 && *cache->word)
        return false;           /* a slab serves it: no refill */
    return ++refills % settings.kfence == 0;
}

/* A block for it; what waits goes, the oldest first, until there is one. */
static uint32_t take_block(struct kmem_cache *cache, const struct mm_request *request)
{
    struct mm_request pages = *request;
    uint32_t pfn;

    pages.order = order_for(cache);
    pages.gfp |= __GFP_NORETRY;         /* nobody else is to give for it */
    while ((pfn = pages_take(&pages)) == NO_PAGE && heap.guarded_freed)
        oldest_goes();
    return pfn;
}

/* What the new object holds. */
static void begin(const struct kmem_cache *cache, char *object, size_t size)
{
    if (cache->ctor) {
        bool was_outside = mm_go_outside();

        cache->ctor(object);
        mm_come_back(was_outside);
    } else if (settings.init_on_alloc) {
        memset(object, 0, size);
    } else {
        memset(object, POISON_NEW, size);
    }
}

/* In that block, which is nobody's yet.  False: its guard pages cannot be taken away. */
static bool settle_in(struct kmem_cache *cache, const struct mm_request *request,
                      const struct alloc_site *taker, uint32_t pfn)
{
    struct page *page = &heap.buddy.page[pfn];
    uint32_t offset = offset_for(cache, request->bytes);
    char *start = (char *)address_of(pfn) + offset;
    struct object object = { .page = page, .start = start, .slot = { cache, page, 0 } };

    page->guard = offset << 8 | cache_name(cache);
    if (!stand(pfn))
        return false;
    fill_slack(&object, request->bytes);
    begin(cache, start, request->bytes);
    record_taken(&heap.record[pfn], taker->number, (uint32_t)request->bytes);
    cache->allocs++;
    heap.guarded_pages += 1u << page->order;
    buddy_own(&heap.buddy, pfn, PG_LARGE, page->order);
    return true;
}

void *guarded_take(struct kmem_cache *cache, const struct mm_request *request,
                   const struct alloc_site *taker)
{
    uint32_t pfn = NO_PAGE;

    if (!is_due(cache))
        return NULL;
    pfn = take_block(cache, request);
    if (pfn != NO_PAGE && settle_in(cache, request, taker, pfn))
        return (char *)address_of(pfn) + offset_of(&heap.buddy.page[pfn]);
    heap.unguarded++;
    if (pfn != NO_PAGE) {
        watch_map(pfn, 1u << order_for(cache), true);
        pages_give_back(pfn, order_for(cache));
    }
    return NULL;
}

void guarded_free(const struct object *object, struct alloc_site *site)
{
    uint32_t pfn = object->pfn;

    object->record->freed_by = site->number;
    object->slot.cache->frees++;
    if (!settings.kfence || !watch_map(pfn, 1u << object->page->order, false)) {
        release(pfn);
        return;
    }
    if (heap.guarded_freed == WAITING)
        oldest_goes();
    waiting[(oldest + heap.guarded_freed++) % WAITING] = pfn;
}

/* ---- the dial, and a dropped operation ------------------------------------------------- */

void guarded_set(uint32_t every)
{
    settings.kfence = every;
    refills = 0;
    if (!every)
        guarded_let_go();
}

static uint32_t recover_one(uint32_t pfn, struct page *page)
{
    struct object object = object_at(address_of(pfn));

    if (!is_guarded(page) || object.is_broken)
        return 0;
    heap.guarded_pages += 1u << page->order;
    if (object.kind == MM_GUARDED_FREE) {
        release(pfn);
        return 0;
    }
    stand(pfn);
    fill_slack(&object, object.room);
    return 1;
}

void guarded_recover(void)
{
    heap.guarded_freed = 0;
    heap.guarded_pages = 0;
    watch_blocks(recover_one);
}
