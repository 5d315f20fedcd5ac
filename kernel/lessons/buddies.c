/*
 * buddies.c - lesson 3: buddies.
 *
 * Below the slabs are pages of 4 kB.  They are given out in blocks of 1, 2, 4, 8
 * ... pages: of order 0, 1, 2, 3.  Is there no block of the order that is wanted a
 * larger one is split in halves.  These two halves are buddies, for ever:
 *
 *     order 4   |                            16 pages                           |
 *     order 3   |               8               |               8               |
 *     order 2   |       A       |       B       |       C       |       D       |
 *                   A and B are buddies             C and D are buddies
 *
 * Two buddies that are both free are joined at once.  B and C are neighbours, and
 * no buddies: they never join, free or not.
 *
 * Try it
 *     buddyinfo                   free blocks by order
 *     pages 2; pages 2; pages 2   on a fresh machine: three blocks of 4 pages
 *     pages free $2; buddyinfo    which number changes?
 *     pages free $1; buddyinfo    and now?
 *
 * Questions
 *   1. A block begins at page 24 and has order 3.  Where does its buddy begin?
 *      (24 ^ 8)
 *   2. All blocks of order 2 are free but each second one.  How large is the
 *      largest block that you can have?  What is that called?
 *   3. Why are only buddies joined?  What would one have to know to join any
 *      neighbours?
 */
#include "kernel/lessons/lesson.h"
#include "kernel/memory/stats.h"
#include "kernel/shell.h"
#include "mm/gfp.h"

enum { ORDER = 2, BLOCKS = 4, MOST = 64, PAGES = 1 << ORDER };

/* Four blocks beside each other which were one; the first is at its begin. */
static uintptr_t four[BLOCKS];

static uint32_t free_blocks(unsigned order)
{
    struct mm_stats stats;

    stats_get(&stats);
    return stats.free_blocks[order];
}

/* So many free blocks of that order or of larger ones. */
static uint32_t free_from(unsigned order)
{
    uint32_t count = 0;

    for (; order <= MAX_PAGE_ORDER; order++)
        count += free_blocks(order);
    return count;
}

/* A block of 16 pages, given back and taken again in four. */
static bool take_four(void)
{
    uintptr_t taken[MOST], whole = __get_free_pages(GFP_KERNEL, ORDER + 2);
    unsigned count = 0, found = 0;

    if (whole == 0)
        return false;
    free_pages(whole, ORDER + 2);
    while (found < BLOCKS && count < MOST &&
           (taken[count] = __get_free_pages(GFP_KERNEL, ORDER)) != 0) {
        uintptr_t part = (taken[count] - whole) / (PAGES * PAGE_SIZE);

        if (taken[count] >= whole && part < BLOCKS) {
            four[part] = taken[count];
            found++;
        } else {
            count++;
        }
    }
    while (count > 0)
        free_pages(taken[--count], ORDER);
    return found == BLOCKS;
}

static void give(unsigned n)
{
    kprintf("__free_pages(%c, order 2)\n", 'A' + n);
    free_pages(four[n], ORDER);
    four[n] = 0;
}

static void draw(void)
{
    kprintf("  |");
    for (unsigned n = 0; n < BLOCKS; n++)
        kprintf(" %c %s |", 'A' + n, four[n] != 0 ? "taken" : "free ");
    kprintf("\n");
}

static bool ask_first(struct lesson_run *run)
{
    unsigned one = lesson_number(run, 0, 1), other = 2 + lesson_number(run, 0, 1);
    uint32_t before = free_blocks(ORDER);

    lesson_say("Four blocks of 4 pages each lie side by side: A, B, C, D.  A and B were one "
               "block of 8 pages, C and D another.");
    draw();
    if (!lesson_ask(run, "%c and %c are given back.  How many free blocks of order 2 are there "
                    "more than now?", 'A' + one, 'A' + other))
        return false;
    give(one);
    give(other);
    draw();
    lesson_is(run, free_blocks(ORDER) - before,
              "The buddy of each is taken still, so both stay as they are.");
    return true;
}

static bool ask_second(struct lesson_run *run)
{
    unsigned own = four[0] != 0 ? 0 : 1;
    uint32_t order_2 = free_blocks(ORDER), larger = free_from(ORDER + 1);

    if (!lesson_choose(run, "one free block of order 2 more|one less, and a larger one",
                       "Now %c is given back as well.  What happens?", 'A' + own))
        return false;
    give(own);
    draw();
    lesson_is(run, free_blocks(ORDER) < order_2 && free_from(ORDER + 1) >= larger,
              "A and B are buddies: both are free, so they are joined to one block of 8 "
              "pages.  Whose buddy is taken stays alone.");
    return true;
}

static void ask_neighbours(struct lesson_run *run)
{
    uint32_t pages = 0;

    for (unsigned n = 0; n < BLOCKS; n++)
        pages += four[n] == 0 ? PAGES : 0;
    if (!lesson_choose(run, "yes|no", "%u pages are free here in a row or nearly.  Is there a "
                       "block of all of them?", (unsigned)pages))
        return;
    lesson_is(run, 1, "A block has 2^order pages and begins at a multiple of that.  What lies "
              "beside it is no buddy.  So memory can be free and yet in no block that is "
              "large enough: fragmentation.");
}

static void buddies(struct lesson_run *run)
{
    if (!take_four()) {
        lesson_say("There are no 16 pages in a row to show it with.");
        return;
    }
    if (ask_first(run) && ask_second(run))
        ask_neighbours(run);
    for (unsigned n = 0; n < BLOCKS; n++) {
        if (four[n] != 0)
            free_pages(four[n], ORDER);
        four[n] = 0;                    /* or a scan takes who lies there next for reachable */
    }
}

LESSON(3, buddies, "Buddies", "free neighbours are always joined",
       "buddyinfo; pages 2; pages 2; buddyinfo; pages free $; buddyinfo", buddies);
