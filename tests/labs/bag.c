/*
 * bag.c - is every marble accounted for, and can each be put back?
 *
 *     commands that ended ---> objects, pages, caches that nobody frees any more
 *     bag_fault()              the sums of mm, and mm_check()
 *     bag_empty()              mm_walk_live() ---> kfree, free_pages, free_pages_exact
 *                              and then: the same free blocks of each order as at first
 *
 * For labs that end commands by the thousand: what those leave would fill the machine.
 * It is found by mm's own books, so giving it back proves them: a free that mm refuses,
 * or a page that does not come back, is a fault of mm.
 */
#include "tests/labs/bag.h"

#include "kernel/cpu/cpu.h"
#include "kernel/string.h"
#include "mm/mm.h"
#include "mm/slab_priv.h"

enum { MAX_FOUND = 1024 };

static struct mm_what found[MAX_FOUND];
static unsigned nr_found;

static struct mm_stats empty;

void bag_remember(void)
{
    mm_reclaim();
    mm_get_stats(&empty);
}

/* ---- sums ------------------------------------------------------------------------ */

static bool add(const struct mm_what *what, void *arg)
{
    struct mm_stats *counted = arg;

    if (what->kind == MM_USED_PAGES)
        counted->live_pages += (uint32_t)(what->bytes / PAGE_SIZE);
    else
        counted->live_objects++;
    return true;
}

const char *bag_fault(void)
{
    struct mm_stats s, counted = { 0 };
    const char *broken = mm_check();

    if (broken != NULL)
        return broken;

    uint32_t flags = irq_save();        /* a handler may take something in between */

    mm_get_stats(&s);
    mm_walk_live(add, &counted);
    irq_restore(flags);
    if (s.total_pages != empty.total_pages || s.total_pages != s.free_pages +
            s.slab_pages + s.large_pages + s.guarded_pages + s.live_pages + s.meta_pages)
        return "free and used pages are not all pages";
    if (s.live_objects != s.kmallocs - s.kfrees ||
        s.live_objects != counted.live_objects)
        return "live objects are not those taken and not given back";
    if (s.live_pages != s.pages_allocated - s.pages_freed ||
        s.live_pages != counted.live_pages)
        return "live pages are not those taken and not given back";
    return NULL;
}

/* ---- putting back ---------------------------------------------------------------- */

static bool find(const struct mm_what *what, void *unused)
{
    found[nr_found++] = *what;
    return nr_found < MAX_FOUND;
}

static void give_back(const struct mm_what *what)
{
    void *p = (void *)what->start;

    if (what->kind != MM_USED_PAGES)
        kfree(p);
    else if (what->exact)
        free_pages_exact(p, what->bytes);
    else
        free_pages((unsigned long)p, what->order);
}

static void give_all_back(void)
{
    uint32_t bad;

    do {
        bad = mm_reports();
        nr_found = 0;
        mm_walk_live(find, NULL);
        for (unsigned i = 0; i < nr_found; i++)
            give_back(&found[i]);
    } while (nr_found == MAX_FOUND && mm_reports() == bad);
}

static void end_caches(void)
{
    for (unsigned i = FIRST_FREE_CACHE; i < MAX_CACHES; i++)
        if (caches[i].name != NULL)
            kmem_cache_destroy(&caches[i]);
}

const char *bag_empty(void)
{
    uint32_t reports = mm_reports();
    struct mm_stats s;

    give_all_back();
    memset(found, 0, sizeof(found));    /* a lab's variables are roots of a scan */
    end_caches();
    mm_reclaim();
    mm_get_stats(&s);
    if (mm_reports() != reports)
        return "a right free was reported";
    if (s.live_objects != empty.live_objects || s.live_pages != empty.live_pages)
        return "not as much is live as at first";
    if (memcmp(s.free_blocks, empty.free_blocks, sizeof(s.free_blocks)) != 0)
        return "the free blocks are not what they were";
    return bag_fault();
}
