/*
 * model_look.c - what mm says about itself: mm_what_is of any address, its counters,
 * its walks.  All of it must be what the table says.
 */
#include "tests/hosted/model_priv.h"

#include <string.h>

/* ---- one address ------------------------------------------------------------- */

static void compare_live(const struct mm_what *what, const struct thing *thing)
{
    if (thing->kind == PAGES)
        demand(what->kind == MM_USED_PAGES);
    else
        demand(what->kind == MM_SLAB_LIVE || what->kind == MM_LARGE);
    demand(what->start == (uintptr_t)thing->p);
    demand(what->bytes >= thing->room);
    demand(what->serial == thing->serial || model.mode->light);
    demand(what->freed_by == NULL);
    if (thing->kind != PAGES)
        demand(what->asked == counted_bytes(thing));
}

void look(void)
{
    const struct thing *thing = draw_thing();
    unsigned char *addr = ground() + draw2() % (2048 + 16) * PAGE_SIZE;
    struct mm_what what;

    addr += draw2() % PAGE_SIZE;
    if (thing->kind && draw() % 2)
        addr = thing->p + draw2() % thing->room;
    memset(&what, 0xEE, sizeof(what));          /* all of it must be filled in */
    mm_what_is(addr, &what);
    demand(what.addr == addr);
    thing = thing_at(addr);
    if (thing)
        compare_live(&what, thing);
    else
        demand(what.kind != MM_SLAB_LIVE && what.kind != MM_LARGE &&
               what.kind != MM_USED_PAGES);
    if (!is_given(addr, 1))
        demand(what.kind == MM_OUTSIDE || what.kind == MM_HOLE);
}

/* ---- everything -------------------------------------------------------------- */

static void same(const char *name, size_t is, size_t should_be)
{
    if (is != should_be)
        wrong("%s is %zu, should be %zu", name, is, should_be);
}

void compare_counters(void)
{
    const struct model_counts *counts = &model_counts;
    struct mm_stats stats;

    mm_get_stats(&stats);
    same("kmallocs", stats.kmallocs, counts->kmallocs);
    same("kfrees", stats.kfrees, counts->kfrees);
    same("live_objects", stats.live_objects, counts->kmallocs - counts->kfrees);
    same("live_bytes", stats.live_bytes, model.live_bytes);
    same("pages_allocated", stats.pages_allocated, counts->pages_allocated);
    same("pages_freed", stats.pages_freed, counts->pages_freed);
    same("live_pages", stats.live_pages,
         counts->pages_allocated - counts->pages_freed);
    same("failed", stats.failed, counts->failed);
    same("bad_frees", stats.bad_frees, counts->refused);
    same("last_serial", stats.last_serial, mm_records ? model.takes : 0);
    same("free and used pages", stats.free_pages + stats.slab_pages +
         stats.meta_pages + stats.live_pages + stats.large_pages, stats.total_pages);
}

static bool is_in_table(const struct mm_what *what, void *arg)
{
    const struct thing *thing = thing_at(what->addr);

    ++*(uint32_t *)arg;
    if (!thing)
        wrong("%p is live, and nobody has it", what->addr);
    compare_live(what, thing);
    return true;
}

/* Every byte of every thing, and every thing that mm knows. */
void compare_all(void)
{
    uint32_t live = 0, visited = 0, by_site = 0;

    if (!may_cost())
        return;
    for (const struct thing *thing = model.things; thing < model.things + THINGS;
         thing++) {
        live += thing->kind != NOTHING;
        demand_intact(thing);
    }
    mm_walk_live(is_in_table, &visited);
    same("what mm_walk_live shows", visited, live);
    mm_count_sites(0);
    for (struct alloc_site *site = mm_sites(); site < mm_sites_end(); site++)
        by_site += site->objects;
    same("what mm_count_sites counts", by_site, mm_records ? live : 0);
}
