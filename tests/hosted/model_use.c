/*
 * model_use.c - krealloc and ksize: uses of memory that are no frees, right and wrong.
 *
 * What krealloc promises: where the slot is large enough the object stays; else it
 * moves with all its bytes; and if it cannot, all is as before.
 */
#include "tests/hosted/model_priv.h"

static bool may_be_used(const struct thing *thing, const void *addr)
{
    return thing && thing->p == addr && thing->kind != PAGES && !thing->waiting;
}

/* ---- krealloc ---------------------------------------------------------------- */

static void stay(struct thing *thing, size_t size)
{
    model.live_bytes -= counted_bytes(thing);
    thing->size = size;
    model.live_bytes += counted_bytes(thing);
    paint(thing->p, size, thing->key);
}

static void move(struct thing *thing, void *p, size_t size)
{
    struct thing old = *thing;

    demand(is_painted(p, old.size, old.size, old.key));
    leave(thing);
    enter(thing, p, size, OBJECT, 0);
    model.ghosts[(model.nghosts - 1) % GHOSTS].takes = model.takes;
}

/* With __GFP_ZERO all that may be used behind what was kept is zero. */
static void demand_zeros(const unsigned char *p, size_t kept, gfp_t gfp)
{
    if (gfp & __GFP_ZERO)
        demand(is_zero(p + kept, ksize(p) - kept));
}

static void resize_to(struct thing *thing, size_t size)
{
    gfp_t gfp = draw_gfp();
    size_t had = thing->room, had_asked = thing->size;
    unsigned char *p;

    demand_intact(thing);
    if (size % 3 == 0 && draw() % 2)
        p = krealloc_array(thing->p, 3, size / 3, gfp);
    else
        p = krealloc(thing->p, size, gfp);
    TRACE("krealloc(%p, %zu) = %p", (void *)thing->p, size, (void *)p);
    if (size <= had) {
        demand(p == thing->p);
        expect(0);
        demand(is_painted(p, thing->size, size < thing->size ? size : thing->size,
                          thing->key));
        demand_zeros(p, mm_records && had_asked < size ? had_asked : size, gfp);
        stay(thing, size);
        return;
    }
    judge_take(p, gfp, size > KMALLOC_MAX_SIZE, block_order(size));
    if (!p) {
        demand_intact(thing);
        return;
    }
    demand(p != thing->p);
    demand_zeros(p, mm_records ? had_asked : had, gfp);
    move(thing, p, size);
}

void resize(void)
{
    struct thing *thing = draw_thing();
    size_t size = draw_size();

    if (thing->kind == NOTHING)
        take_thing(thing);
    else if (size == 0 || is_constructed(thing) || !may_be_used(thing, thing->p))
        give_back_thing(thing);
    else
        resize_to(thing, size);
}

/* ---- of any address at all --------------------------------------------------- */

/* The same truths as for kfree, but that a double free is a use. */
static uint32_t judge_use(void *addr, const struct thing *thing)
{
    uint32_t bugs = judge_kfree(addr, thing);

    if (!(bugs & BIT(MM_BUG_DOUBLE_FREE)))
        return bugs;
    return (bugs & ~BIT(MM_BUG_DOUBLE_FREE)) | BIT(MM_BUG_USE_AFTER_FREE);
}

void use_anything(void)
{
    void *addr = draw_address();
    struct thing *thing = thing_at(addr);

    if (may_be_used(thing, addr)) {
        demand(ksize(addr) == usable_size(thing));
        return;
    }
    demand(ksize(addr) == 0);
    expect(judge_use(addr, thing));
    if (ZERO_OR_NULL_PTR(addr))
        return;
    demand(krealloc(addr, 1 + draw2(), GFP_NOWAIT | __GFP_NOWARN) == NULL);
    expect(judge_use(addr, thing));
    model_counts.failed++;
}
