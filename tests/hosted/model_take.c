/*
 * model_take.c - allocations: by every call that makes one, of every size, with
 * every flag.
 *
 * NULL is right only where mm says why: too large; __GFP_DIRECT_RECLAIM in an
 * interrupt; mm is busy; no memory.  The last is believed only if no free pages
 * are left that would be a block of that order.
 */
#include "mm/slot_priv.h"
#include "tests/hosted/model_priv.h"

#include <string.h>

/* Of a slab at most 3, and what is split for it. */
enum { MOST_FOR_SLAB = 4 };

/* ---- was that right? --------------------------------------------------------- */

static bool is_free_run(uint32_t pfn, unsigned order)
{
    const struct buddy *b = &heap.buddy;
    uint32_t n = 0;

    while (n < 1u << order && is_free_block(&b->page[buddy_head(b, pfn + n)]))
        n++;
    return n == 1u << order;
}

/* Free pages that would be such a block if they joined. */
static bool has_free_run(unsigned order)
{
    if (order <= MAX_PAGE_ORDER)
        for (uint32_t pfn = 0; pfn < heap.buddy.npages; pfn += 1u << order)
            if (is_free_run(pfn, order))
                return true;
    return false;
}

/* May it be had?  With __GFP_NORETRY only what is free now: nothing is taken back. */
static bool may_be_had(gfp_t gfp, unsigned order)
{
    return model.mode->light || !(gfp & __GFP_NORETRY) || has_free_run(order);
}

void judge_take(const void *p, gfp_t gfp, bool too_large, unsigned order)
{
    bool sleeps = gfp & __GFP_DIRECT_RECLAIM && model.state & MM_IRQ;
    bool busy = model.state & MM_BUSY;
    enum mm_bug why = too_large ? MM_BUG_TOO_LARGE
                      : sleeps  ? MM_BUG_SLEEP_IN_IRQ : MM_OUT_OF_MEMORY;

    if (p) {
        if (too_large || sleeps || busy)
            wrong("memory, where it should be \"%s\"", mm_bug_name(why));
        expect(0);
    } else {
        model_counts.failed++;
        expect(gfp & __GFP_NOWARN && why != MM_BUG_SLEEP_IN_IRQ ? 0 : BIT(why));
        if (why == MM_OUT_OF_MEMORY && !busy && !model.waiting && !model.mode->light &&
            has_free_run(order))
            wrong("out of memory, with free pages of order %u side by side", order);
    }
    if (model.waiting && !busy)
        settle();
}

/* Of the least block that holds it; beyond MAX_PAGE_ORDER if none does. */
unsigned block_order(size_t bytes)
{
    unsigned order = 0;

    while (order <= MAX_PAGE_ORDER && PAGE_SIZE << order < bytes)
        order++;
    return order;
}

/* ---- kmalloc and its kin ----------------------------------------------------- */

/* A power of two is aligned to itself; all else, to 8. */
static void demand_alignment(const void *p, size_t size)
{
    size_t align = size & (size - 1) || size > PAGE_SIZE ? 8 : size;

    if ((uintptr_t)p & ((align < 8 ? 8 : align) - 1))
        wrong("%zu bytes at %p are not aligned", size, p);
}

/* It has the least block that holds it, for there is none for a slab. */
static bool had_no_slab(const struct thing *thing, size_t size)
{
    unsigned slab = kmalloc_cache(size)->order;

    return thing->room == PAGE_SIZE << block_order(size) && slab > block_order(size) &&
           !has_free_run(slab);
}

/* p is what a kmalloc of that size returned; it goes to the table. */
static void got_object(struct thing *thing, void *p, size_t size, gfp_t gfp)
{
    if (size == 0) {
        demand(p == ZERO_SIZE_PTR);
        return;
    }
    judge_take(p, gfp, size > KMALLOC_MAX_SIZE, block_order(size));
    if (!p)
        return;
    demand_alignment(p, size);
    if (gfp & __GFP_ZERO)
        demand(is_zero(p, ksize(p)));
    enter(thing, p, size, OBJECT, 0);
    if (thing->room != kmalloc_size_roundup(size) && !had_no_slab(thing, size))
        wrong("%zu bytes take %zu", size, thing->room);
}

/* n * each, which may overflow. */
static void take_array(struct thing *thing, size_t size, gfp_t gfp)
{
    size_t n = 2 + draw() % 15, each = size / n, bytes;
    void *p;

    if (size > KMALLOC_MAX_SIZE)
        each = SIZE_MAX / n + 1;        /* times n, that is small again */
    if (__builtin_mul_overflow(n, each, &bytes))
        bytes = SIZE_MAX;
    switch (draw() % 3) {
    case 0:
        p = kmalloc_array(n, each, gfp);
        break;
    case 1:
        gfp |= __GFP_ZERO;
        p = kcalloc(n, each, gfp);
        break;
    default:
        p = krealloc_array(NULL, n, each, gfp);
    }
    got_object(thing, p, bytes, gfp);
}

/* kmemdup, kstrdup, kstrndup: what is copied is there. */
static void take_copy(struct thing *thing, gfp_t gfp)
{
    static char text[257];
    size_t length = draw(), max = draw();
    size_t shorter = max < length ? max : length;
    char *copy;

    memset(text, 't', length);
    text[length] = '\0';
    switch (draw() % 3) {
    case 0:
        shorter = length;
        copy = kmemdup(text, length + 1, gfp);
        break;
    case 1:
        shorter = length;
        copy = kstrdup(text, gfp);
        break;
    default:
        copy = kstrndup(text, max, gfp);
    }
    demand(!copy || (memcmp(copy, text, shorter) == 0 && copy[shorter] == '\0'));
    got_object(thing, copy, shorter + 1, gfp & ~__GFP_ZERO);
}

void take_thing(struct thing *thing)
{
    unsigned way = draw() % 16;
    size_t size = draw_size();
    gfp_t gfp = draw_gfp();
    void *p;

    switch (way) {
    case 0:
        take_array(thing, size, gfp);
        return;
    case 1:
        take_copy(thing, gfp);
        return;
    case 2:
        gfp |= __GFP_ZERO;
        p = kzalloc(size, gfp);
        break;
    case 3:
        p = krealloc(NULL, size, gfp);
        break;
    case 4:
        p = (kmalloc)(size, gfp);
        break;
    default:
        p = kmalloc(size, gfp);
    }
    got_object(thing, p, size, gfp);
}

void take_object(void)
{
    struct thing *thing = draw_thing();

    if (thing->kind)
        give_back_thing(thing);
    else
        take_thing(thing);
}

/* ---- from caches ------------------------------------------------------------- */

static void got_cached(struct thing *thing, void *p, unsigned number, gfp_t gfp)
{
    const struct cache *cache = &model.caches[number];

    judge_take(p, gfp, false, MOST_FOR_SLAB);
    if (!p)
        return;
    demand(((uintptr_t)p & (cache->align - 1)) == 0);
    if (gfp & __GFP_ZERO)
        demand(is_zero(p, cache->size));
    else if (cache->constructed)
        demand(is_painted(p, cache->size, cache->size, CONSTRUCTED));
    enter(thing, p, cache->size, CACHED, number);
}

static void take_from(struct thing *thing, unsigned number, gfp_t gfp)
{
    struct kmem_cache *cache = model.caches[number].cache;
    void *p;

    switch (draw() % 4) {
    case 0:
        gfp |= __GFP_ZERO;
        p = kmem_cache_zalloc(cache, gfp);
        break;
    case 1:
        p = (kmem_cache_alloc)(cache, gfp);
        break;
    default:
        p = kmem_cache_alloc(cache, gfp);
    }
    got_cached(thing, p, number, gfp);
}

void take_cached(void)
{
    struct thing *thing = draw_thing();
    unsigned number = draw() % CACHES;
    gfp_t gfp = draw_gfp();

    if (thing->kind)
        give_back_thing(thing);
    else if (model.caches[number].cache)
        take_from(thing, number, gfp);
    else
        create_cache();
}

/* ---- pages ------------------------------------------------------------------- */

static void got_pages(struct thing *thing, void *p, size_t size, gfp_t gfp,
                      unsigned order)
{
    judge_take(p, gfp, order > MAX_PAGE_ORDER, order);
    if (!p)
        return;
    demand(((uintptr_t)p & (PAGE_SIZE - 1)) == 0);
    if (gfp & __GFP_ZERO)
        demand(is_zero(p, (size + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1)));
    enter(thing, p, size, PAGES, 0);
}

static void take_exact(struct thing *thing, gfp_t gfp)
{
    size_t pages = 1 + draw() % 16, size = draw_size();
    unsigned order;
    bool possible;
    void *p;

    if (size <= PAGE_SIZE)
        size *= pages;
    order = size ? block_order(size) : MAX_PAGE_ORDER + 1;
    possible = may_be_had(gfp, order);
    p = alloc_pages_exact(size, gfp);
    demand(possible || !p);
    got_pages(thing, p, size, gfp, order);
}

static void take_block(struct thing *thing, gfp_t gfp, unsigned order)
{
    unsigned way = draw() % 4;
    bool possible = may_be_had(gfp, way == 0 ? 0 : order);
    void *p;

    switch (way) {
    case 0:
        order = 0;
        gfp |= __GFP_ZERO;
        p = (void *)get_zeroed_page(gfp);
        break;
    case 1:
        p = (void *)__get_free_pages(gfp, order);
        break;
    case 2:
        p = page_address((alloc_pages)(gfp, order));
        break;
    default:
        p = page_address(alloc_pages(gfp, order));
    }
    demand(possible || !p);
    if (p)                      /* a block is aligned to its size */
        demand(((uintptr_t)p & ((PAGE_SIZE << order) - 1)) == 0);
    got_pages(thing, p, order > MAX_PAGE_ORDER ? 0 : PAGE_SIZE << order, gfp, order);
}

void take_pages(void)
{
    struct thing *thing = draw_thing();
    unsigned way = draw();
    gfp_t gfp = draw_gfp();

    if (thing->kind)
        give_back_thing(thing);
    else if (way < 64)
        take_exact(thing, gfp);
    else if (way < 240)
        take_block(thing, gfp, way % 4);
    else
        take_block(thing, gfp, way == 255 ? UINT32_MAX : way % 16);
}

/* ---- many -------------------------------------------------------------------- */

/* Alike, into all empty entries of a stretch of the table. */
void take_many(void)
{
    struct thing *thing = draw_thing();
    unsigned n = draw() % 64, number = draw() % (2 * CACHES);
    size_t size = draw_size() % 1024;
    gfp_t gfp = draw_gfp();

    for (; n && thing < model.things + THINGS; n--, thing++) {
        if (thing->kind)
            continue;
        if (number < CACHES && model.caches[number].cache)
            got_cached(thing, kmem_cache_alloc(model.caches[number].cache, gfp),
                       number, gfp);
        else
            got_object(thing, kmalloc(size, gfp), size, gfp);
    }
}
