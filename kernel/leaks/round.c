/*
 * round.c - a command run with one of its allocations failing, and what that has left.
 *
 *     round 1    kmalloc -> NULL                                  a path of its own each
 *     round 2    kmalloc, kmalloc -> NULL                         time: what it does about
 *     round 3    kmalloc, kmalloc, kmem_cache_alloc -> NULL       that NULL is tried
 *     round 4    kmalloc, kmalloc, kmem_cache_alloc               none failed: all are tried
 *
 * Rounds do not disturb each other, so that each takes the way of the one before up to its
 * own call:
 *   - mm's reserve is given back before each (mm_reclaim);
 *   - what the shell held of it as $N is given back behind it, and the numbers begin where
 *     they did; dials are what they were;
 *   - what one has left stays, for `leaks` and `whatis`, and the next does not count it: it
 *     counts what has a later serial number than that at which it began.
 *
 * What it left is leaked if nothing points to it (scan.c).  What something does point to,
 * be it to its middle only, is kept: variables of the command may remember it from round to
 * round, and nobody puts these back.  If one forgets what it held, that was leaked by the
 * round in which it did, whoever had taken it:
 *
 *                      round 1     round 2     round 3
 *     lost, by site      1           1           3       what is lost after a round, and
 *     of its own         1           0           1       is neither its own nor was lost
 *     since held                     0           1       when it began
 */
#include "kernel/leaks/round.h"

#include "kernel/console.h"
#include "kernel/leaks/scan.h"
#include "kernel/memory/held.h"
#include "kernel/memory/sites.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/mm.h"
#include "mm/watch/dials.h"
#include "mm/watch/inject.h"

enum { NUMBER_SIZE = 12, SITES = 128 };

/* ---- what it left --------------------------------------------------------------- */

void round_walk_left(const struct round *round, enum mm_scan_kind kind,
                     bool (*fn)(const struct alloc_site *site, void *arg), void *arg)
{
    sites_walk_kinds(1u << kind, round->began, fn, arg);
}

static bool add_leaked(const struct alloc_site *site, void *arg)
{
    struct round *round = arg;

    round->objects += site->objects;
    round->bytes += site->bytes;
    return true;
}

static bool add_kept(const struct alloc_site *site, void *arg)
{
    struct round *round = arg;

    round->kept += site->objects;
    return true;
}

static void count_left(struct round *round)
{
    round_walk_left(round, MM_DEFINITE, add_leaked, round);
    round_walk_left(round, MM_INDIRECT, add_leaked, round);
    round_walk_left(round, MM_POSSIBLE, add_kept, round);
    round_walk_left(round, MM_REACHABLE, add_kept, round);
}

/* ---- what it lost of what was held before ------------------------------------------ */

/* By site, what is lost of all that was taken before the round: when it began, and now. */
static struct lost {
    const struct alloc_site *site;      /* NULL: behind the last; the very last is shared */
    struct {
        uint32_t objects;
        size_t bytes;
    } before, now;
} lost[SITES];

static struct lost *lost_of(const struct alloc_site *site)
{
    struct lost *one = lost;

    while (one < &lost[SITES - 1] && one->site != NULL && one->site != site)
        one++;
    if (one < &lost[SITES - 1])
        one->site = site;
    return one;
}

static bool add_before(const struct mm_live *live, void *unused)
{
    struct lost *one;

    (void)unused;
    if (is_lost(live)) {
        one = lost_of(live->site);
        one->before.objects++;
        one->before.bytes += live->asked;
    }
    return false;
}

static bool add_now(const struct mm_live *live, void *arg)
{
    const struct round *round = arg;
    struct lost *one;

    if (is_lost(live) && live->serial <= round->began) {
        one = lost_of(live->site);
        one->now.objects++;
        one->now.bytes += live->asked;
    }
    return false;
}

/* By the scan behind the round before. */
static void note_lost(void)
{
    memset(lost, 0, sizeof(lost));
    scan_each(add_before, NULL, NULL);
}

static void count_since_held(struct round *round)
{
    scan_each(add_now, NULL, round);
    for (const struct lost *one = lost; one < lost + SITES; one++)
        if (one->now.objects > one->before.objects) {
            round->earlier += one->now.objects - one->before.objects;
            round->objects += one->now.objects - one->before.objects;
            round->bytes += one->now.bytes - one->before.bytes;
        }
}

void round_walk_earlier(void (*fn)(const struct alloc_site *site, unsigned objects,
                                   size_t bytes, void *arg), void *arg)
{
    for (const struct lost *one = lost; one < lost + SITES; one++)
        if (one->now.objects > one->before.objects)
            fn(one->site, one->now.objects - one->before.objects,
               one->now.bytes - one->before.bytes, arg);
}

/* ---- what is put back ------------------------------------------------------------ */

/* Is it still what the shell took in this round? */
static bool is_still_there(const struct held *held, const struct round *round)
{
    struct mm_what what;

    mm_what_is(held->address, &what);
    return !held->freed && what.start == (uintptr_t)held->address &&
           what.freed_by == NULL && what.serial > round->began &&
           (what.kind == MM_USED_PAGES) == held->is_pages;
}

/* What the shell held of it, from that number on, and the numbers. */
static void give_held_back(const struct round *round, uint32_t newest, uint32_t last)
{
    for (struct held *held = held_next(NULL); held != NULL; held = held_next(held)) {
        if (held->number <= newest || !is_still_there(held, round))
            continue;
        if (held->is_pages)
            free_pages((uintptr_t)held->address, held->order);
        else
            kfree(held->address);
    }
    held_rewind(newest);
    held_set_last(last);
}

/* ---- the round ------------------------------------------------------------------- */

static void fail_nth(uint32_t number)
{
    char text[NUMBER_SIZE];

    ksnprintf(text, sizeof(text), "%u", (unsigned)number);
    mm_set_dial("fail-nth", text);
}

static uint32_t other_sets(void)
{
    return mm_fault_sets(MM_FAILSLAB) + mm_fault_sets(MM_FAIL_PAGE_ALLOC);
}

static void drop(const char *text, size_t length)
{
    (void)text;
    (void)length;
}

/* What it prints is not shown, nor what is reported of it: that is in the log. */
static int try_muted(int argc, char **argv)
{
    void (*filter)(const char *text, size_t length) = kprintf_filter;
    int status;

    console_mute(true);
    kprintf_filter = drop;              /* more and watch ask nobody then */
    status = shell_try(argc, argv);
    kprintf_filter = filter;
    console_mute(false);
    return status;
}

bool rounds_begin(void)
{
    struct scan_report report;

    return scan_leaks(&report);
}

struct round round_run(uint32_t number, int argc, char **argv, bool shown)
{
    struct round round = { .number = number };
    uint32_t newest = held_newest(), last = held_last(), nth, others;
    struct scan_report report;

    note_lost();
    mm_reclaim();
    round.began = mm_last_serial();
    fail_nth(number);
    nth = mm_fault_sets(MM_FAIL_NTH);
    others = other_sets();
    round.status = shown ? shell_try(argc, argv) : try_muted(argc, argv);
    round.set_nth = mm_fault_sets(MM_FAIL_NTH) != nth;
    round.set_others = other_sets() != others;
    round.calls = mm_nth_calls();
    round.failed = round.calls >= number ? mm_last_failed() : NULL;
    fail_nth(0);
    shell_put_back_dials();
    give_held_back(&round, newest, last);
    if (scan_leaks(&report)) {
        count_left(&round);
        count_since_held(&round);
    }
    return round;
}
