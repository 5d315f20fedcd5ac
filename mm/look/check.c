/*
 * check.c - mm_check(): walk everything, recount everything, believe nothing.
 *
 * The rules are numbered where they are kept: B in buddy.c, S in slab.c, M in front/init.c.
 * The order matters: what a later check follows, an earlier one has proved.  So the
 * blocks of pages come first, then the slabs in them, then the sums.
 *
 * It finds what was broken, by a bug here or by a stray write; it cannot know a
 * wrong value that is consistent with all others.  Cost: linear in the heap.
 */
#include "mm/look/look_priv.h"

#include "mm/enter_priv.h"
#include "mm/slab_priv.h"

static const void *where;       /* what is broken */

const void *mm_check_where(void)
{
    return where;
}

/* ---- the heap ----------------------------------------------------------- */

struct sums {
    uint32_t used, meta, live_pages;
    uint32_t guarded, guarded_freed;
    const char *broken;         /* the rule that a live block's record breaks */
};

static void add_record(const struct record *record, struct sums *sums)
{
    const char *fault = record_fault(record);

    if (sums->broken)
        return;                         /* the first is told, and where it is */
    if (!fault && !is_live(record))
        fault = "M5: the record of a live block of pages says that it is free";
    if (fault)
        where = record;
    sums->broken = fault;
}

/* Its record may say that it is freed: then it waits (M7). */
static void add_guarded(const struct page *page, struct sums *sums)
{
    const struct record *record = &heap.record[page - heap.buddy.page];
    const char *fault = record_fault(record);

    sums->guarded += 1u << page->order;
    sums->guarded_freed += !is_live(record);
    if (!fault || sums->broken)
        return;
    where = record;
    sums->broken = fault;
}

static void add_block(const struct page *page, struct sums *sums)
{
    uint32_t pages = 1u << page->order;

    sums->meta += page->kind == PG_META;
    if (is_free_block(page) || page->kind == PG_HOLE || page->kind == PG_META)
        return;
    sums->used += pages;
    if (page->kind == PG_USED || page->kind == PG_PART)
        sums->live_pages += pages;
    if (is_guarded(page))
        add_guarded(page, sums);
    else if (heap.record && (page->kind == PG_USED || page->kind == PG_LARGE))
        add_record(&heap.record[page - heap.buddy.page], sums);
}

static const char *check_sums(void)
{
    struct sums sums = { 0 };

    for (uint32_t pfn = 0; pfn < heap.buddy.npages; pfn = buddy_next(&heap.buddy, pfn))
        add_block(&heap.buddy.page[pfn], &sums);
    if (sums.meta != heap.meta_pages ||
        heap.total_pages != heap.buddy.nfree + sums.used + sums.meta)
        return "M1: total is not free + used";
    if (sums.live_pages != heap.pages_allocated - heap.pages_freed)
        return "M2: pages allocated and freed do not give the live pages";
    if (!sums.broken && (sums.guarded != heap.guarded_pages ||
                         sums.guarded_freed != heap.guarded_freed))
        return "M7: guarded objects are not as many as counted";
    return sums.broken;
}

const char *mm_check(void)
{
    const char *broken;
    uint32_t pfn;

    if (!mm_enter(NULL))
        return "the allocator is busy: it cannot be checked from here";
    mm_state_set(MM_READING);
    where = NULL;
    broken = buddy_check(&heap.buddy, &pfn);
    if (pfn != NO_PAGE)
        where = address_of(pfn);
    if (!broken)
        broken = slab_check(&where);
    if (!broken)
        broken = check_sums();
    mm_leave();
    return broken;
}
