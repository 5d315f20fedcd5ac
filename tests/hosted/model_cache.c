/*
 * model_cache.c - caches: made with all arguments, good and bad, shrunk, destroyed,
 * used when they are none.
 *
 * A constructor may not allocate, but an interrupt may come while it runs: then mm is
 * really busy.  interrupt_here() is that interrupt.
 */
#include "tests/hosted/model_priv.h"

#include <string.h>

static const char *const names[CACHES] = {
    "model-0", "model-1", "model-2", "model-3", "model-4", "model-5", "model-6",
    "model-7",
};

unsigned cache_of_name(const char *name)
{
    unsigned number = 0;

    while (number < CACHES && strcmp(names[number], name) != 0)
        number++;
    return number;
}

static void construct(void *object)
{
    paint(object, model.constructed_size, CONSTRUCTED);
    interrupt_here();
}

/* ---- making ------------------------------------------------------------------ */

struct arguments {
    const char *name;
    size_t size, align;
    slab_flags_t flags;
    bool constructed;
};

/* slab.h: what a cache may be; the largest slab has 8 pages. */
static bool are_good(const struct arguments *a)
{
    return a->name && *a->name && a->size > 0 && a->size <= 8 * PAGE_SIZE &&
           a->align <= PAGE_SIZE && !(a->align & (a->align - 1)) &&
           !(a->flags & ~(SLAB_HWCACHE_ALIGN | SLAB_PANIC));
}

/* Mostly good ones. */
static void draw_arguments(struct arguments *a, unsigned number)
{
    static const size_t aligns[16] = { 0, 0, 0, 8, 8, 16, 32, 64, 128, 1024, 4096,
                                       1, 4, 3, 8192, SIZE_MAX };
    uint32_t choice = draw();

    *a = (struct arguments){ names[number], draw_size() % 2048,
                             aligns[draw() % (choice < 240 ? 13 : 16)],
                             choice & 1 ? SLAB_HWCACHE_ALIGN : 0, choice & 2 };
    if (choice >= 224)
        a->size = draw_size();
    if (choice >= 252)
        a->name = choice & 1 ? "" : NULL;
    if (choice == 251)
        a->flags |= 0x80000000;
    if (a->constructed)
        a->size = model.constructed_size;
    if ((choice & 12) == 12 && are_good(a) && !(model.state & MM_BUSY))
        a->flags |= SLAB_PANIC; /* with bad ones it would be the end */
}

/* SLAB_HWCACHE_ALIGN: to 64 bytes, or to the least power of two that holds it. */
static size_t full_align(const struct arguments *a)
{
    size_t line = 64;

    if (!(a->flags & SLAB_HWCACHE_ALIGN))
        line = 8;
    while (line > 8 && a->size <= line / 2)
        line /= 2;
    return a->align > line ? a->align : line;
}

static void create(unsigned number)
{
    struct arguments a;
    struct kmem_cache *made;

    draw_arguments(&a, number);
    made = kmem_cache_create(a.name, a.size, a.align, a.flags,
                             a.constructed ? construct : NULL);
    TRACE("cache %u, %zu bytes, align %zu: %p", number, a.size, a.align, (void *)made);
    if (!are_good(&a) || model.state & MM_BUSY) {
        demand(!made);
        expect(BIT(MM_BUG_BAD_CACHE));
        return;
    }
    demand(made && mm_find_cache(a.name) == made && kmem_cache_size(made) == a.size);
    model.caches[number] = (struct cache){ made, a.size, full_align(&a),
                                           a.constructed };
    if (model.dead == made)
        model.dead = NULL;      /* it lives again */
}

void create_cache(void)
{
    unsigned number = draw() % CACHES;

    if (model.caches[number].cache)
        destroy_cache(number);
    else
        create(number);
}

/* ---- ending ------------------------------------------------------------------ */

static bool has_objects(unsigned number)
{
    for (const struct thing *thing = model.things; thing < model.things + THINGS;
         thing++)
        if (thing->kind == CACHED && thing->cache == number)
            return true;
    return false;
}

void destroy_cache(unsigned number)
{
    struct cache *cache = &model.caches[number];

    if (!cache->cache)
        return;
    TRACE("destroy cache %u", number);
    kmem_cache_destroy(cache->cache);
    if (has_objects(number) || model.state & MM_BUSY) {
        expect(BIT(MM_BUG_CACHE_IN_USE));
        return;
    }
    expect(0);
    demand(!mm_find_cache(names[number]));
    model.dead = cache->cache;
    cache->cache = NULL;
}

void destroy_any_cache(void)
{
    destroy_cache(draw() % CACHES);
}

/* ---- shrinking --------------------------------------------------------------- */

struct find {
    const char *name;
    struct mm_cache_info info;
};

static bool is_it(const struct mm_cache_info *info, void *arg)
{
    struct find *find = arg;

    if (strcmp(info->name, find->name) != 0)
        return true;
    find->info = *info;
    return false;
}

static void shrink(unsigned number)
{
    struct find before = { .name = names[number] }, after = before;
    unsigned slabs;

    mm_walk_caches(is_it, &before);
    slabs = kmem_cache_shrink(model.caches[number].cache);
    mm_walk_caches(is_it, &after);
    demand(slabs == before.info.slabs - after.info.slabs);
    if (model.state & MM_BUSY)
        demand(slabs == 0);
    else if (!*mm_dial("quarantine"))   /* what waits there goes back first */
        demand(slabs == before.info.empty_slabs);
    else
        demand(slabs >= before.info.empty_slabs);
    if (!*mm_dial("quarantine"))
        demand(after.info.empty_slabs == before.info.empty_slabs - slabs);
    demand(after.info.live == before.info.live);
}

/* What went is free now: all that was empty. */
static void reclaim(void)
{
    struct mm_stats before, after;
    uint32_t pages;

    mm_get_stats(&before);
    pages = mm_reclaim();
    mm_get_stats(&after);
    demand(after.free_pages == before.free_pages + pages);
    if (model.state & MM_BUSY) {
        demand(pages == 0);
        return;
    }
    demand(pages >= before.empty_slab_pages && after.empty_slab_pages == 0);
    if (!*mm_dial("quarantine"))        /* else more slabs may have become empty */
        demand(after.slab_pages == before.slab_pages - before.empty_slab_pages);
    else
        demand(after.slab_pages <= before.slab_pages - before.empty_slab_pages);
}

void shrink_cache(void)
{
    unsigned number = draw() % (2 * CACHES);

    if (number < CACHES && model.caches[number].cache)
        shrink(number);
    else if (may_cost())
        reclaim();
}

/* ---- what is no cache -------------------------------------------------------- */

static void *draw_no_cache(void)
{
    static char nothing[512];
    const struct kmem_cache *some = model.caches[0].cache;
    void *const none[4] = { model.dead, NULL, nothing,
                            some ? (char *)(uintptr_t)some + 8 : NULL };

    return none[draw() % 4];
}

void use_no_cache(void)
{
    struct kmem_cache *none = draw_no_cache();

    switch (draw() % 6) {
    case 0:
        demand(!kmem_cache_alloc(none, draw_gfp()));
        model_counts.failed++;
        break;
    case 1:
        kmem_cache_free(none, draw_thing()->p);
        model_counts.refused++;
        break;
    case 2:
        demand(kmem_cache_size(none) == 0);
        break;
    case 3:
        demand(kmem_cache_shrink(none) == 0);
        break;
    case 4:
        kmem_cache_destroy(none);
        if (!none)
            return;             /* which is nothing */
        break;
    default:
        kmem_cache_destroy(mm_find_cache("kmalloc-64"));
        expect(BIT(MM_BUG_CACHE_IN_USE));
        return;
    }
    expect(BIT(MM_BUG_NO_CACHE));
}
