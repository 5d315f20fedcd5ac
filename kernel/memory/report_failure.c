/*
 * report_failure.c - an allocation gave NULL: there is no memory, or it was to fail.
 *
 *     page allocation failure: order:0, mode:GFP_ATOMIC
 *       kmalloc(1500 bytes) by receive (kernel/lessons/drain.c:102)
 *       10285 kB in 6857 live objects, taken by receive (kernel/lessons/drain.c:102)
 *
 *     FAULT_INJECTION: forcing a failure: kmalloc(100 bytes) by hello (hello.c:6)
 *       name failslab, interval 1, probability 10, space 0, times -1, seed 1: failure ...
 *       cmd_hello+0x1c/0x40 (hello.c:6)
 *
 * That is nobody's bug, and repeats itself.  So a command shows its first failure whole,
 * and then counts: a line at the 100th, the 10,000th ... and one when it is over, that says
 * how many were not shown.  Of those on purpose the first ten have a line each.
 */
#include "kernel/backtrace.h"
#include "kernel/lines.h"
#include "kernel/memory/report.h"
#include "kernel/memory/sites.h"
#include "kernel/printk.h"
#include "kernel/string.h"
#include "mm/mm.h"
#include "mm/watch/inject.h"

enum { TEXT_SIZE = 96, CALLER_SIZE = 160, TOP_SITES = 3 };

/* Failures of one kind, since the command began. */
struct tally {
    const char *what;
    uint32_t lines;             /* so many have a line each */
    uint32_t seen, hidden, next_shown;
};

static struct tally exhausted = { "page allocation failure", 1, 0, 0, 100 };
static struct tally injected = { "FAULT_INJECTION", 10, 0, 0, 100 };

/* One more, which must be shown if it is fatal: is it? */
static bool is_shown(struct tally *tally, bool fatal)
{
    bool shown = ++tally->seen <= tally->lines || tally->seen == tally->next_shown;

    if (tally->seen == tally->next_shown)
        tally->next_shown *= 100;
    tally->hidden += !shown && !fatal;
    return shown || fatal;
}

static void end(struct tally *tally)
{
    if (tally->hidden > 0)
        pr_err("%s: %u more were not shown", tally->what, (unsigned)tally->hidden);
}

static void begin(struct tally *tally)
{
    tally->seen = tally->hidden = 0;
    tally->next_shown = 100;
}

void report_begin_command(void)
{
    begin(&exhausted);
    begin(&injected);
}

void report_end_command(void)
{
    end(&exhausted);
    end(&injected);
    report_begin_command();
}

/* ", the 100th in this command", of all but the first. */
static const char *nth_of(const struct tally *tally, char *text, size_t size)
{
    text[0] = 0;
    if (tally->seen > tally->lines)
        ksnprintf(text, size, ", the %uth in this command", (unsigned)tally->seen);
    return text;
}

/* ---- out of memory ------------------------------------------------------ */

/* arg counts the lines still to show. */
static bool log_top_site(const struct alloc_site *site, void *arg)
{
    unsigned *left = arg;
    char taker[CALLER_SIZE];

    bool in_kb = site->bytes >= 1 << 10;

    pr_err("  %u %s%s in %u live object%s, taken%s",
           (unsigned)(in_kb ? site->bytes >> 10 : site->bytes), in_kb ? "kB" : "byte",
           in_kb ? "" : plural(site->bytes), (unsigned)site->objects,
           plural(site->objects), site_caller(site, taker, sizeof(taker)));
    return --*left > 0;
}

static void log_fragmentation(unsigned order)
{
    struct mm_stats stats;

    mm_get_stats(&stats);
    pr_err("  %u page%s free (%u kB), but not %u side by side",
           (unsigned)stats.free_pages, stats.free_pages == 1 ? " is" : "s are",
           (unsigned)stats.free_pages << (PAGE_SHIFT - 10), 1u << order);
}

static void report_exhausted(const struct mm_report *report)
{
    char gfp[TEXT_SIZE], caller[CALLER_SIZE], nth[TEXT_SIZE];
    unsigned left = TOP_SITES;

    if (!is_shown(&exhausted, report->fatal))
        return;
    pr_err("page allocation failure: order:%u, mode:%s%s", report->order,
           mm_gfp_name(report->gfp, gfp, sizeof(gfp)),
           nth_of(&exhausted, nth, sizeof(nth)));
    if (exhausted.seen > 1 && !report->fatal)
        return;
    pr_err("  %s(%zu byte%s)%s", report->call, report->bytes, plural(report->bytes),
           site_caller(report->caller, caller, sizeof(caller)));
    if (mm_state & MM_BUSY)     /* we are in an interrupt: hands off the heap */
        pr_err("  not for want of memory: mm was interrupted at its work");
    else if (report->problem != NULL)
        log_fragmentation(report->order);
    if (!(mm_state & MM_BUSY))
        sites_walk(0, log_top_site, &left);
}

/* ---- on purpose --------------------------------------------------------- */

/* By which dial; and the calls that led there. */
static void log_failed(const struct mm_failed *failed)
{
    const struct mm_fault_attr *attr = failed->attr;
    char name[LINE_TEXT_SIZE];

    if (attr == NULL)
        pr_err("  name fail-nth: call %u", (unsigned)failed->calls);
    else
        pr_err("  name %s, interval %u, probability %u, space %u, times %d, seed %u: "
               "failure %u of %u call%s", failed->by, (unsigned)attr->interval,
               (unsigned)attr->probability, (unsigned)attr->space_left,
               (int)attr->times_left, (unsigned)attr->seed, (unsigned)attr->failed,
               (unsigned)attr->calls, plural(attr->calls));
    for (unsigned i = 0; i < failed->depth; i++)
        pr_err("  %s", backtrace_format(failed->frames, i, name, sizeof(name)));
}

static void report_injected(const struct mm_report *report)
{
    const struct mm_failed *failed = mm_last_failed();
    char gfp[TEXT_SIZE], caller[CALLER_SIZE], nth[TEXT_SIZE];

    if (!is_shown(&injected, report->fatal))
        return;
    pr_err("FAULT_INJECTION: forcing a failure: %s(%zu byte%s, %s)%s%s", report->call,
           report->bytes, plural(report->bytes),
           mm_gfp_name(report->gfp, gfp, sizeof(gfp)),
           site_caller(report->caller, caller, sizeof(caller)),
           nth_of(&injected, nth, sizeof(nth)));
    if (injected.seen == 1 && failed->site == report->caller)
        log_failed(failed);
}

void report_failure(const struct mm_report *report)
{
    if (report->bug == MM_INJECTED)
        report_injected(report);
    else
        report_exhausted(report);
}
