/*
 * report_failure.c - an allocation gave NULL: there is no memory, or it was to fail.
 *
 *     drain: page allocation failure: order:0, mode:GFP_ATOMIC
 *       kmalloc(1500 bytes) by receive (kernel/lessons/drain.c:102)
 *       free: 0*4kB 2*8kB 0*16kB ... 0*4096kB = 16kB
 *       10285 kB in 6857 live objects, taken by receive (kernel/lessons/drain.c:102),
 *             10275 kB since the mark
 *
 *     FAULT_INJECTION: forcing a failure: kmalloc(100 bytes) by hello (hello.c:6)
 *       name failslab, interval 1, probability 10, space 0, times -1, seed 1: failure ...
 *       cmd_hello+0x1c/0x40 (hello.c:6)
 *
 * That is nobody's bug, and repeats itself.  So a command shows its first failure whole,
 * and then counts: a line at the 100th, the 10,000th ... and one when it is over, that says
 * how many were not shown.  Of those on purpose the first ten have a line each.
 *
 * The first line and that of the free lists are Linux's; the name is that of the command.
 * With oom=panic the kernel stops behind the first report, but for one that an interrupt
 * handler gets because mm was at work under it: that is no want of memory.
 */
#include "kernel/backtrace.h"
#include "kernel/lines.h"
#include "kernel/memory/report.h"
#include "kernel/memory/sites.h"
#include "kernel/memory/stats.h"
#include "kernel/params.h"
#include "kernel/printk.h"
#include "kernel/shell.h"
#include "kernel/shell/hooks.h"
#include "kernel/string.h"
#include "mm/mm.h"
#include "mm/watch/inject.h"

enum { TEXT_SIZE = 96, CALLER_SIZE = 160, AMOUNT_SIZE = 24, TOP_SITES = 3 };

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

static bool oom_panics;

static bool set_oom(const char *value)
{
    oom_panics = strcmp(value, "panic") == 0;
    return oom_panics || strcmp(value, "null") == 0;
}

KERNEL_PARAM(oom, "panic|null", "what an allocation does without memory (null)", set_oom);

/* The blocks of each order that are free; and whether there would be enough. */
static void log_free(const struct mm_report *report)
{
    struct mm_stats stats;
    char text[CALLER_SIZE] = "";
    size_t used = 0;

    stats_get(&stats);
    for (unsigned order = 0; order <= MAX_PAGE_ORDER; order++)
        used += (size_t)ksnprintf(text + used, sizeof(text) - used, " %u*%ukB",
                                  (unsigned)stats.free_blocks[order],
                                  1u << (order + PAGE_SHIFT - 10));
    pr_err("  free:%s = %ukB", text, (unsigned)stats.free_pages << (PAGE_SHIFT - 10));
    if (report->problem != NULL)
        pr_err("  %u page%s free (%u kB), but not %u side by side",
               (unsigned)stats.free_pages, stats.free_pages == 1 ? " is" : "s are",
               (unsigned)stats.free_pages << (PAGE_SHIFT - 10), 1u << report->order);
}

/* "20 kB" or "20 bytes" */
static const char *amount(size_t bytes, char *buf, size_t size)
{
    if (bytes >= 1 << 10)
        ksnprintf(buf, size, "%zu kB", bytes >> 10);
    else
        ksnprintf(buf, size, "%zu byte%s", bytes, plural(bytes));
    return buf;
}

/* Who has most, and how that has grown. */
static void log_top_sites(void)
{
    struct top_site top[TOP_SITES];
    char taker[CALLER_SIZE], bytes[AMOUNT_SIZE], newer[AMOUNT_SIZE];
    uint32_t mark;
    bool is_marked = sites_mark(&mark);
    unsigned n = sites_top(top, TOP_SITES, mark);

    for (unsigned i = 0; i < n; i++)
        pr_err("  %s in %u live object%s, taken%s%s%s%s",
               amount(top[i].bytes, bytes, sizeof(bytes)), (unsigned)top[i].objects,
               plural(top[i].objects), site_caller(top[i].site, taker, sizeof(taker)),
               is_marked ? ", " : "",
               is_marked ? amount(top[i].newer_bytes, newer, sizeof(newer)) : "",
               is_marked ? " since the mark" : "");
}

size_t (*report_lost)(void);

/*
 * Would there be memory if nobody had lost any?  At least: the command is in the middle of its
 * work, and what calls have left on its stack may point to some that are lost.
 */
static void log_lost(void)
{
    size_t lost = report_lost != NULL ? report_lost() : 0;
    char bytes[AMOUNT_SIZE];

    if (lost > 0)
        pr_err("  at least %s are lost: nothing points there any more; old pointers on the "
               "stack may hide a few.  See leaks",
               amount(lost, bytes, sizeof(bytes)));
}

static void report_exhausted(const struct mm_report *report)
{
    char gfp[TEXT_SIZE], caller[CALLER_SIZE], nth[TEXT_SIZE];

    if (!is_shown(&exhausted, report->fatal))
        return;
    pr_err("%s: page allocation failure: order:%u, mode:%s%s",
           shell_running != NULL ? shell_outermost() : "kernel", report->order,
           mm_gfp_name(report->gfp, gfp, sizeof(gfp)),
           nth_of(&exhausted, nth, sizeof(nth)));
    if (exhausted.seen > 1 && !report->fatal)
        return;
    pr_err("  %s(%zu byte%s)%s", report->call, report->bytes, plural(report->bytes),
           site_caller(report->caller, caller, sizeof(caller)));
    if (mm_state & MM_BUSY) {   /* we are in an interrupt: hands off the heap */
        pr_err("  not for want of memory: mm was interrupted at its work");
        return;
    }
    log_free(report);
    log_top_sites();
    log_lost();
    if (oom_panics)
        panic("out of memory, and oom=panic is set");
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
