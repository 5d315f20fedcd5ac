/*
 * counts.c - how many words point to each of many, without a pass through memory for each.
 *
 *     targets     | A | B | C | ... |          by ascending address, BATCH at most
 *     each word   ---> in [A, the last one's end)?  Then which: by halving
 *
 * They are asked for in the order of their addresses, as a listing tells them.  With the
 * first, and with the first behind the last of the table, the table is filled anew, and one
 * pass counts for all in it.
 *
 * Cost: for N of them N / BATCH passes, of 2 instructions a word, and some 80 more for one
 * that points into the batch.  Interrupts are off for a pass.
 */
#include "kernel/leaks/leaks_priv.h"

#include "mm/gfp.h"

enum { BATCH = 1024 };

static struct target {
    uintptr_t start, end;
    uint32_t serial;
    unsigned words;             /* that point there */
} targets[BATCH];

static unsigned count, next;    /* next: all before it were asked for */

/* The first that ends above that address, or `count`. */
static unsigned first_above(uintptr_t address)
{
    unsigned low = 0, high = count;

    while (low < high) {
        unsigned middle = (low + high) / 2;

        if (targets[middle].end > address)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* A word points into the batch, or to the page struct of one of its pages. */
static void count_word(const uintptr_t *word, void *unused)
{
    uintptr_t from = *word, bytes = 1, first = targets[0].start;

    (void)unused;
    if (from - first >= targets[count - 1].end - first) {
        uintptr_t offset = from - (uintptr_t)virt_to_page((const void *)first);

        from = (first & ~(uintptr_t)(PAGE_SIZE - 1)) +
               offset / sizeof(struct page) * PAGE_SIZE;
        bytes = PAGE_SIZE;
    }
    for (unsigned i = first_above(from); i < count && targets[i].start < from + bytes; i++)
        targets[i].words++;
}

static void fill(uintptr_t from, scan_fn *is_wanted, void *arg)
{
    struct mm_live live;
    struct mm_wanted wanted = { .fn = count_word };

    for (count = 0; count < BATCH && mm_scan_next(from, &live); from = live.start + 1)
        if (is_wanted(&live, arg))
            targets[count++] = (struct target){ live.start, live.start + live.room,
                                                live.serial, 0 };
    next = 0;
    if (count == 0)
        return;
    wanted.start = targets[0].start;
    wanted.bytes = targets[count - 1].end - wanted.start;
    scan_refs(&wanted);
}

void counts_begin(void)
{
    count = next = 0;
}

/* What was taken since the table was filled has no place: then it is filled again. */
unsigned counts_of(const struct mm_live *live, scan_fn *is_wanted, void *arg)
{
    while (next < count && targets[next].start < live->start)
        next++;
    if (next == count || targets[next].start != live->start ||
        targets[next].serial != live->serial)
        fill(live->start, is_wanted, arg);
    return count > 0 ? targets[next].words : 0;
}
