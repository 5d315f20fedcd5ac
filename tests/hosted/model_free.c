/*
 * model_free.c - frees, right and wrong.
 *
 * There is one way to free: an attempt, by one of seven doors, of any address.  What
 * the table holds at that address says whether it is right, or which reports would
 * be true of it.  Of memory that is not live the model does not know what it is
 * now (free, in a slab, book-keeping), so there it takes any truth but "it is live".
 */
#include "tests/hosted/model_priv.h"

#include <string.h>

enum door { KFREE, KFREE_SENSITIVE, KREALLOC_TO_0, CACHE_FREE,
            FREE_PAGES, FREE_PAGE_STRUCT, FREE_EXACT, DOORS };

struct attempt {
    enum door door;
    void *addr;
    struct kmem_cache *cache;   /* CACHE_FREE */
    unsigned order;             /* FREE_PAGES, FREE_PAGE_STRUCT */
    size_t bytes;               /* FREE_EXACT */
};

static const char *const door_names[DOORS] = {
    "kfree", "kfree_sensitive", "krealloc", "kmem_cache_free", "free_pages",
    "__free_pages", "free_pages_exact",
};

/* ---- what is right ----------------------------------------------------------- */

static bool takes_pages(const struct attempt *a) { return a->door >= FREE_PAGES; }

/* The right number of pages?  A run of 2^k pages is a block of order k. */
static bool says_its_pages(const struct attempt *a, const struct thing *thing)
{
    size_t pages = thing->room >> PAGE_SHIFT;

    if (a->door == FREE_EXACT)
        return (a->bytes >> PAGE_SHIFT) + ((a->bytes & (PAGE_SIZE - 1)) != 0) == pages;
    return a->order <= MAX_PAGE_ORDER && (size_t)1 << a->order == pages;
}

static uint32_t judge_live(const struct attempt *a, const struct thing *thing)
{
    bool start = a->addr == thing->p;

    if (thing->waiting && start)
        return BIT(MM_BUG_DOUBLE_FREE);
    if (takes_pages(a) && thing->kind != PAGES)
        return BIT(MM_BUG_OBJECT_TO_FREE_PAGES);
    if (!start)
        return BIT(MM_BUG_INTERIOR);
    if (takes_pages(a) && !says_its_pages(a, thing))
        return BIT(MM_BUG_WRONG_ORDER);
    if (!takes_pages(a) && thing->kind == PAGES)
        return BIT(MM_BUG_PAGES_TO_KFREE);
    if (a->door == CACHE_FREE && !(thing->kind == CACHED &&
                                   a->cache == model.caches[thing->cache].cache))
        return BIT(MM_BUG_WRONG_CACHE);
    return model.state & MM_BUSY && model.waiting == RING
               ? BIT(MM_BUG_TOO_MANY_PUT_OFF) : 0;
}

/* It can only be a double free. */
static bool is_fresh_ghost(const struct attempt *a)
{
    for (unsigned i = 0; i < GHOSTS; i++) {
        const struct ghost *ghost = &model.ghosts[i];

        if (is_fresh(ghost) && ghost->p == a->addr &&
            (ghost->kind == PAGES || !takes_pages(a)))
            return true;
    }
    return false;
}

static uint32_t judge_dead(const struct attempt *a)
{
    if (a->addr == NULL || (a->addr == ZERO_SIZE_PTR && a->door < CACHE_FREE))
        return a->door == CACHE_FREE ? BIT(MM_BUG_NOT_HEAP) : 0;
    if (!is_given(a->addr, 1))
        return BIT(MM_BUG_NOT_HEAP);
    if (is_fresh_ghost(a))
        return BIT(MM_BUG_DOUBLE_FREE);
    return BIT(MM_BUG_DOUBLE_FREE) | BIT(MM_BUG_NOT_ALLOCATED) | BIT(MM_BUG_INTERIOR) |
           BIT(MM_BUG_NOT_HEAP) |
           (takes_pages(a) ? BIT(MM_BUG_OBJECT_TO_FREE_PAGES) : 0);
}

static bool is_live_cache(const struct kmem_cache *cache)
{
    for (unsigned i = 0; i < CACHES; i++)
        if (cache && model.caches[i].cache == cache)
            return true;
    return false;
}

/* The kinds of report that are true of it; 0: it is right, or nothing to free. */
static uint32_t judge(const struct attempt *a, const struct thing *thing)
{
    if (a->door == CACHE_FREE && !is_live_cache(a->cache))
        return BIT(MM_BUG_NO_CACHE);
    return thing ? judge_live(a, thing) : judge_dead(a);
}

uint32_t judge_kfree(void *addr, const struct thing *thing)
{
    return judge(&(struct attempt){ .door = KFREE, .addr = addr }, thing);
}

/* ---- doing it ---------------------------------------------------------------- */

static void call(const struct attempt *a)
{
    TRACE("%s(%p), order %u, %zu bytes", door_names[a->door], a->addr, a->order,
          a->bytes);
    switch (a->door) {
    case KFREE:
        kfree(a->addr);
        break;
    case KFREE_SENSITIVE:
        kfree_sensitive(a->addr);
        break;
    case KREALLOC_TO_0:
        demand(krealloc(a->addr, 0, GFP_KERNEL) == ZERO_SIZE_PTR);
        break;
    case CACHE_FREE:
        kmem_cache_free(a->cache, a->addr);
        break;
    case FREE_PAGES:
        free_pages((unsigned long)a->addr, a->order);
        break;
    case FREE_PAGE_STRUCT:
        __free_pages(virt_to_page(a->addr), a->order);
        break;
    default:
        free_pages_exact(a->addr, a->bytes);
    }
}

static void after_right_free(struct thing *thing)
{
    if (model.state & MM_BUSY) {
        thing->waiting = true;
        model.waiting++;
    } else {
        leave(thing);
    }
}

/* It must still be there. */
static void after_wrong_free(const struct attempt *a, const struct thing *thing)
{
    model_counts.refused++;
    demand(strcmp(last_report()->call, door_names[a->door]) == 0);
    if (!thing)
        return;
    demand_intact(thing);
    if (last_report()->bug != MM_BUG_NO_CACHE)
        demand(last_report()->what.start == (uintptr_t)thing->p);
}

/* thing: what is live at the address, or NULL. */
static void attempt(const struct attempt *a, struct thing *thing)
{
    uint32_t bugs = judge(a, thing);

    if (thing && !bugs)
        demand_intact(thing);
    if (thing && !bugs && is_constructed(thing))
        paint(thing->p, thing->size, CONSTRUCTED);      /* as its owner must */
    call(a);
    expect(bugs);
    if (bugs)
        after_wrong_free(a, thing);
    else if (thing)
        after_right_free(thing);
}

/* ---- right frees ------------------------------------------------------------- */

static unsigned order_of(const struct thing *thing)
{
    unsigned order = 0;

    while (PAGE_SIZE << order < thing->room)
        order++;
    return order;
}

static enum door right_door(const struct thing *thing)
{
    unsigned way = draw();

    switch (thing->kind) {
    case PAGES:
        if (PAGE_SIZE << order_of(thing) != thing->room)
            return FREE_EXACT;
        return FREE_PAGES + way % 3;
    case CACHED:
        if (way < 128)
            return CACHE_FREE;
        return is_constructed(thing) ? KFREE : way % 3;
    default:
        return way < 200 ? KFREE : way % 3;
    }
}

/* The table knows where it is: nothing is searched. */
void give_back_thing(struct thing *thing)
{
    struct attempt a = { .door = right_door(thing), .addr = thing->p,
                         .cache = model.caches[thing->cache].cache,
                         .order = order_of(thing), .bytes = thing->size };
    uint32_t bugs = judge_live(&a, thing);

    demand_intact(thing);
    if (is_constructed(thing) && !bugs)
        paint(thing->p, thing->size, CONSTRUCTED);
    call(&a);
    expect(bugs);
    if (bugs)
        after_wrong_free(&a, thing);
    else
        after_right_free(thing);
}

void give_back_any(void)
{
    struct thing *thing = draw_thing();

    if (thing->kind)
        give_back_thing(thing);
    else
        take_thing(thing);
}

void give_back_many(void)
{
    struct thing *thing = draw_thing();

    for (unsigned n = draw() % 64; n && thing < model.things + THINGS; n--, thing++)
        if (thing->kind)
            give_back_thing(thing);
}

/* ---- frees of anything ------------------------------------------------------- */

static void *draw_wild(void)
{
    static int data;
    const void *const wild[8] = {
        NULL, ZERO_SIZE_PTR, &data, draw_wild, (void *)24, (void *)UINTPTR_MAX,
        virt_to_page(ground()), model.caches[0].cache,
    };

    return (void *)(uintptr_t)wild[draw() % 8];
}

void *draw_address(void)
{
    unsigned way = draw();
    const struct thing *thing = draw_thing();
    unsigned char *p = thing->kind ? thing->p : ground();

    switch (way % 8) {
    case 0:
        return way < 128 ? p : p + 1 + draw() % 16;
    case 1:
        return p + thing->room * (draw() % 64);
    case 2:
        return p + draw() * PAGE_SIZE;
    case 3:
        return p + (thing->kind ? draw2() % (thing->room + 16) : 0);
    case 4:
        return p - 1 - draw() % 16;
    case 5:
        return model.ghosts[draw() % GHOSTS].p;
    case 6:
        return ground() + draw2() % (2048 + 16) * PAGE_SIZE + (way >> 3) * 8;
    default:
        return draw_wild();
    }
}

static struct kmem_cache *draw_cache(void)
{
    unsigned number = draw() % (CACHES + 1);

    return number < CACHES ? model.caches[number].cache : model.dead;
}

/* A pointer that is no page struct of the heap's. */
static void free_no_page_struct(void *addr)
{
    struct page local, *page = virt_to_page(addr);

    page = page ? (struct page *)(void *)((char *)page + 4) : &local;
    __free_pages(page, draw() % 4);
    expect(BIT(MM_BUG_NOT_HEAP));
    model_counts.refused++;
}

void free_anything(void)
{
    struct attempt a = { .door = draw() % (DOORS + 1), .addr = draw_address() };
    struct thing *thing;

    if (a.door == DOORS) {
        free_no_page_struct(a.addr);
        return;
    }
    if (a.door == FREE_PAGE_STRUCT)
        a.addr = page_address(virt_to_page(a.addr));
    thing = thing_at(a.addr);
    if (thing && is_constructed(thing) && a.door == KFREE_SENSITIVE)
        a.door = KFREE;         /* it would come back cleared, not constructed */
    if (a.door == CACHE_FREE)
        a.cache = draw_cache();
    else if (a.door == FREE_EXACT)
        a.bytes = thing && draw() % 2 ? thing->size : draw_size();
    else if (takes_pages(&a))
        a.order = draw() % (thing && thing->kind == PAGES ? 4u : 12u);
    attempt(&a, thing);
}
