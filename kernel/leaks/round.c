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
 * What it left is leaked if nothing points to it (scan.c); what a variable of the command
 * still holds is kept.
 *
 * What variables of the command itself remember from round to round nobody puts back.
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

enum { NUMBER_SIZE = 12 };

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
    struct scan_report report;

    if (!scan_leaks(&report))
        return;
    for (unsigned kind = MM_DEFINITE; kind > MM_REACHABLE; kind--)
        round_walk_left(round, (enum mm_scan_kind)kind, add_leaked, round);
    round_walk_left(round, MM_REACHABLE, add_kept, round);
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

struct round round_run(uint32_t number, int argc, char **argv, bool shown)
{
    struct round round = { .number = number };
    uint32_t newest = held_newest(), last = held_last();

    mm_reclaim();
    round.began = mm_last_serial();
    fail_nth(number);
    round.status = shown ? shell_try(argc, argv) : try_muted(argc, argv);
    round.calls = mm_nth_calls();
    round.failed = round.calls >= number ? mm_last_failed() : NULL;
    fail_nth(0);
    shell_put_back_dials();
    give_held_back(&round, newest, last);
    count_left(&round);
    return round;
}
