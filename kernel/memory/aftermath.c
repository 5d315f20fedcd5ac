/*
 * aftermath.c - what a command that was ended leaves behind: its objects, and mm.
 *
 *     serials   ... 6 | 7  8  9  10 | 11 ...
 *                     ^             ^
 *                     lab begins    lab is ended: 7 to 10 are lab's, and what of them is
 *                                   live stays so: `leaks` marks it
 *
 * What handlers of earlier commands took in that time is none of it: meanwhile.c.
 *
 * Nobody unwinds a command that was ended, so what it had taken it never gives back: that
 * is the lesson of it.  What the shell holds is as it was, and `$` is what it was before.
 *
 * If the end came while mm was changing something mm_recover() makes it whole, and
 * mm_check() is asked whether it is.  Both run under a guard, for what they read may be what
 * is broken; but under the kernel's own, which Ctrl-C does not end: it was for the command.
 * Only if mm_check() objects then does the kernel stop: it does not guess.
 */
#include "kernel/memory/aftermath.h"

#include "kernel/cpu/cpu.h"
#include "kernel/cpu/guard.h"
#include "kernel/memory/held.h"
#include "kernel/memory/meanwhile.h"
#include "kernel/memory/report.h"
#include "kernel/memory/sites.h"
#include "kernel/printk.h"
#include "kernel/shell/hooks.h"
#include "kernel/string.h"
#include "kernel/symbols.h"
#include "mm/look/observe.h"
#include "mm/look/recover.h"
#include "mm/mm.h"
#include "mm/watch/dials.h"
#include "mm/scan/scan.h"

enum { MAX_DEAD = 32, MAX_LEFT = 64, NAME_SIZE = 80 };

/* When the command of that level began. */
static struct {
    uint32_t serial, held;
    uint32_t command;                   /* its number (guard.h) */
    struct mm_observer *observer;       /* the newest */
} began[SHELL_LEVELS];

/* A command that was ended, and what was taken while it ran. */
struct dead {
    const char *name;
    uint32_t command;
    uint32_t first, last;       /* serial numbers; first > last: nothing */
    uint32_t objects;           /* that are live, when they were counted */
    size_t bytes;
};

/* A ring: the newest is total - 1.  One place more is for who may have left nothing. */
static struct dead dead[MAX_DEAD + 1];
static uint32_t total;

/* By line of code, when they were counted. */
static struct {
    const struct alloc_site *site;
    uint32_t objects;
} left[MAX_LEFT];
static unsigned left_sites, left_others;        /* objects for which there was no place */

/* ---- the dead --------------------------------------------------------------------- */

static uint32_t oldest(void)
{
    return total > MAX_DEAD ? total - MAX_DEAD : 0;
}

static struct dead *place_of(uint32_t number)
{
    return &dead[number % (MAX_DEAD + 1)];
}

/*
 * In whose time it was taken: of commands within each other, the inner one.  Not by handlers
 * that were there before.
 */
static struct dead *dead_of(uint32_t serial)
{
    for (uint32_t number = oldest(); number < total; number++) {
        struct dead *one = place_of(number);

        if (serial >= one->first && serial <= one->last &&
            !meanwhile_is(serial, one->command))
            return one;
    }
    return NULL;
}

static void count_site(const struct alloc_site *site)
{
    unsigned i = 0;

    while (i < left_sites && left[i].site != site)
        i++;
    if (i == MAX_LEFT) {
        left_others++;
        return;
    }
    if (i == left_sites)
        left[left_sites++].objects = 0;
    left[i].site = site;
    left[i].objects++;
}

static unsigned wanted;         /* a kind; 0: all */

static void count_left(const struct mm_live *live)
{
    struct dead *of = wanted == 0 || live->kind == (enum mm_scan_kind)wanted
                          ? dead_of(live->serial) : NULL;

    if (of == NULL)
        return;
    of->objects++;
    of->bytes += live->asked;
    count_site(live->site);
}

/* One at a time, so that handlers find mm idle between two. */
static bool find_next(uintptr_t from, struct mm_live *live)
{
    uint32_t flags = irq_save();
    bool found = mm_scan_next(from, live);

    irq_restore(flags);
    return found;
}

void aftermath_count(uint32_t after)
{
    struct mm_live live;

    for (unsigned i = 0; i <= MAX_DEAD; i++)
        dead[i].objects = dead[i].bytes = 0;
    left_sites = left_others = 0;
    for (uintptr_t from = 0; total > 0 && find_next(from, &live); from = live.start + 1)
        if (live.serial > after)
            count_left(&live);
}

void aftermath_count_kind(unsigned kind, uint32_t after)
{
    wanted = kind;
    aftermath_count(after);
    wanted = 0;
}

uint32_t aftermath_left_of(const struct alloc_site *site)
{
    for (unsigned i = 0; i < left_sites; i++)
        if (left[i].site == site)
            return left[i].objects;
    return 0;
}

void aftermath_print(void)
{
    for (uint32_t number = oldest(); number < total; number++) {
        const struct dead *one = place_of(number);
        char serials[32];

        ksnprintf(serials, sizeof(serials), one->first == one->last ? "serial %u"
                  : "serials %u to %u", (unsigned)one->first, (unsigned)one->last);
        if (one->objects > 0)
            kprint_wrapped(0, "%u object%s of these, %zu byte%s, left by %s%s, which was "
                           "ended (%s)", (unsigned)one->objects, plural(one->objects),
                           one->bytes, plural(one->bytes),
                           one->first <= meanwhile_forgotten() ? "handlers or " : "",
                           one->name, serials);
    }
    if (left_others > 0)
        kprintf("the lines that took %u of them are not marked: there are too many\n",
                left_others);
    if (oldest() > 0)
        kprintf("what %u older command%s left, which %s ended, is not marked any more\n",
                (unsigned)oldest(), plural(oldest()), oldest() == 1 ? "was" : "were");
}

/* ---- a command begins, and is ended ------------------------------------------------ */

static void check(void *arg)
{
    *(const char **)arg = mm_check();
}

void aftermath_begin(unsigned level)
{
    report_begin_command();
    if (level == 0)
        meanwhile_begin();
    began[level].command = guard_next_command();
    began[level].serial = mm_last_serial();
    began[level].held = held_last();
    began[level].observer = mm_newest_observer();
}

/* Whoever looked on for it looks on no more. */
static void take_out(void *before)
{
    struct mm_observer *at = mm_newest_observer();
    unsigned n = 0;

    while (at != NULL && at != before)
        at = at->next;
    if (at != before)
        return;                         /* it has taken out older ones */
    while ((at = mm_newest_observer()) != before && mm_unobserve(at))
        n++;
    if (n > 0)
        pr_err("  put back: %u observer%s taken out", n, plural(n));
}

static void tidy_and_count(void *arg)
{
    const struct dead *one = arg;

    if (!mm_dials_are_on())             /* they watch what is free, too: it stays */
        mm_reclaim();
    aftermath_count(one->first - 1);
}

/* Who left nothing needs no place; of heaps that cannot be walked nobody knows. */
static bool tell_left(struct dead *one)
{
    if (guard_call_kernel(tidy_and_count, one).ended)
        return true;
    if (one->objects == 0)
        return false;
    pr_err("  it leaves %u object%s live, %zu byte%s: see leaks", (unsigned)one->objects,
           plural(one->objects), one->bytes, plural(one->bytes));
    return true;
}

/* A stray write may have hit mm's own books as well, long before the fault. */
static void tell_broken(void)
{
    const char *broken = "what it reads lies nowhere";

    if (!guard_call_kernel(check, &broken).ended && broken == NULL)
        return;
    pr_err("  mm's own books are broken: %s", broken);
    pr_err("  Nothing that mm says can be believed any more: reboot.");
}

void aftermath_ended(unsigned level, const char *name)
{
    report_end_command();
    report_init();              /* it may have hung in somebody else */
    sites_end_walk();
    held_set_last(began[level].held);

    struct dead *one = place_of(total++);

    *one = (struct dead){ name, began[level].command, began[level].serial + 1,
                          mm_last_serial(), 0, 0 };
    guard_call_kernel(take_out, began[level].observer);
    if (tell_left(one))
        meanwhile_keep();
    else
        total--;
    tell_broken();
}

/* ---- ended inside mm --------------------------------------------------------------- */

static void recover(void *arg)
{
    mm_recover(arg);
}

static void tell_recovery(const struct mm_recovery *found)
{
    if (!found->was_changing)
        return;
    if (found->pages == 0 && found->records == 0 && found->lost == 0)
        pr_err("  it was inside the allocator, where nothing was half done");
    else
        pr_err("  it was inside the allocator; mended: %u page%s, %u record%s",
               (unsigned)found->pages, plural(found->pages), (unsigned)found->records,
               plural(found->records));
    if (found->lost > 0)
        pr_err("  %u object%s of %zu byte%s, on the way to or from somebody, %s lost",
               (unsigned)found->lost, plural(found->lost), found->lost_bytes,
               plural(found->lost_bytes), found->lost == 1 ? "is" : "are");
}

void aftermath_mend(void)
{
    struct mm_recovery found = { 0 };
    char name[NAME_SIZE];
    const char *broken = "what it reads lies nowhere";

    if (guard_call_kernel(recover, &found).ended)
        panic("mm: it was ended while it changed its books, and they cannot be read");
    tell_recovery(&found);
    if (found.observer != NULL)
        pr_err("  it was in this observer, which is called no more: %s",
               symbol_format((uintptr_t)found.observer, name, sizeof(name)));
    if (!found.was_changing)
        return;
    if (guard_call_kernel(check, &broken).ended || broken != NULL)
        panic("mm: it was ended while it changed its books, and they are broken: %s",
              broken);
    pr_err("  mm_check: all rules hold");
}
