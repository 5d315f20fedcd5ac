/*
 * report.c - what mm has to say about somebody's bug, on the console.
 *
 *     BUG mm: double free: kfree(0x00523100) by cmd_kfree (kernel/memory/cmd_alloc.c:99)
 *       0x00523100: a free slot: slot 2 of cache kmalloc-128, 128 bytes
 *         last taken for 100 bytes by cmd_kmalloc (kernel/memory/cmd_alloc.c:73), serial 7
 *         freed by cmd_kfree (kernel/memory/cmd_alloc.c:99)
 *
 * The first line is for programs as well: the bug, the call, the caller.  The
 * rest is what `whatis` says.  mm calls with its structures whole, having
 * refused the call; after a fatal report the machine stops here.
 *
 * All lines go out as errors (LOG_ERR), so that `quiet` shows them.
 *
 * Each bug is reported.  An allocation that gives NULL is nobody's, and has a file of its
 * own: report_failure.c.
 */
#include "kernel/memory/report.h"

#include "kernel/memory/sites.h"
#include "kernel/memory/whatis.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/string.h"

enum { TEXT_SIZE = 96, CALLER_SIZE = 160, SHOWN_OBJECTS = 8 };

static uint32_t damages;        /* reports of bytes that were, or might be, overwritten */

static void log_line(const char *text)
{
    pr_err("  %s", text);
}

/* ---- bugs --------------------------------------------------------------- */

/* A free, or another use, of a pointer that is not what the call takes. */
static bool about_pointer(enum mm_bug bug)
{
    return bug <= MM_BUG_USE_AFTER_FREE;
}

/* What was passed to the call, as one would write it. */
static void format_arguments(const struct mm_report *report, char *text, size_t size)
{
    char gfp[TEXT_SIZE];

    switch (report->bug) {
    case MM_BUG_WRONG_ORDER:
        if (report->bytes != 0)
            ksnprintf(text, size, "%p, %zu byte%s", report->what.addr, report->bytes,
                      plural(report->bytes));
        else
            ksnprintf(text, size, "%p, order %u", report->what.addr, report->order);
        break;
    case MM_BUG_WRONG_CACHE:
        ksnprintf(text, size, "%s, %p", report->cache, report->what.addr);
        break;
    case MM_BUG_SLEEP_IN_IRQ:
    case MM_BUG_TOO_LARGE:
        mm_gfp_name(report->gfp, gfp, sizeof(gfp));
        if (report->bytes != 0)
            ksnprintf(text, size, "%zu byte%s, %s", report->bytes, plural(report->bytes),
                      gfp);
        else
            ksnprintf(text, size, "order %u, %s", report->order, gfp);
        break;
    case MM_BUG_BAD_CACHE:
    case MM_BUG_CACHE_IN_USE:
        ksnprintf(text, size, "%s", report->cache != NULL ? report->cache : "NULL");
        break;
    default:
        ksnprintf(text, size, "%p", report->what.addr);
    }
    printable(text);
}

/* The first objects of one cache; printed when mm, busy while it is walked, was left. */
struct owned {
    const char *cache;
    unsigned count;             /* of objects; one more than are shown: there are more */
    struct {
        const void *addr;
        const struct alloc_site *taken_by;
        uint32_t serial;
    } object[SHOWN_OBJECTS];
};

static bool keep_owned(const struct mm_what *what, void *arg)
{
    struct owned *owned = arg;

    if (what->cache != owned->cache)
        return true;
    if (owned->count++ == SHOWN_OBJECTS)
        return false;
    owned->object[owned->count - 1].addr = what->addr;
    owned->object[owned->count - 1].taken_by = what->taken_by;
    owned->object[owned->count - 1].serial = what->serial;
    return true;
}

static void log_owned(const char *cache)
{
    struct owned owned = { .cache = cache };
    char taker[CALLER_SIZE];

    mm_walk_live(keep_owned, &owned);
    for (unsigned i = 0; i < owned.count && i < SHOWN_OBJECTS; i++)
        pr_err("  %p: taken%s, serial %u", owned.object[i].addr,
               site_caller(owned.object[i].taken_by, taker, sizeof(taker)),
               (unsigned)owned.object[i].serial);
    if (owned.count > SHOWN_OBJECTS)
        log_line("...");
}

static bool is_damage(enum mm_bug bug)
{
    return bug >= MM_BUG_RIGHT_REDZONE && bug <= MM_BUG_PAGE_POISON;
}

static void report_corruption(const struct mm_report *report)
{
    char caller[CALLER_SIZE];

    if (report->caller != NULL)
        pr_err("BUG mm: corrupted: %s: found by %s, called%s", report->problem, report->call,
               site_caller(report->caller, caller, sizeof(caller)));
    else
        pr_err("BUG mm: corrupted: %s", report->problem);
    if (report->what.addr != NULL)
        whatis_describe(&report->what, log_line);
}

/* Page structs and records lie in the heap, but no call has ever handed them out. */
static const char *bug_name(const struct mm_report *report)
{
    if (report->bug == MM_BUG_NOT_HEAP && report->what.kind == MM_META)
        return "book-keeping of mm, not an object";
    return mm_bug_name(report->bug);
}

static void report_bug(const struct mm_report *report)
{
    char arguments[TEXT_SIZE], caller[CALLER_SIZE];

    format_arguments(report, arguments, sizeof(arguments));
    pr_err("BUG mm: %s: %s(%s)%s", bug_name(report), report->call, arguments,
           site_caller(report->caller, caller, sizeof(caller)));
    if (report->live != 0) {
        pr_err("  it has %u live object%s:", (unsigned)report->live,
               plural(report->live));
        log_owned(report->cache);
    } else if (report->problem != NULL) {
        log_line(report->problem);
    }
    if (about_pointer(report->bug)) {
        whatis_describe(&report->what, log_line);
    } else if (report->bug == MM_BUG_NO_CACHE) {
        struct mm_what what;            /* of what was passed as a cache */

        mm_what_is(report->what.addr, &what);
        whatis_describe(&what, log_line);
    }
}

/* ---- serial numbers ------------------------------------------------------ */

static void report_serials(void)
{
    pr_warn("mm: 4294967295 allocations: there are no more serial numbers");
    pr_warn("  all that come from now on have the last one; \"since\" cannot tell them");
}

/* ---- a fault is reported ------------------------------------------------ */

void report_busy(void)
{
    char caller[CALLER_SIZE];

    if (mm_interrupted)         /* the handler's fault, and not the allocator's */
        pr_emerg("  the interrupt came while the allocator worked%s",
                 site_caller(mm_current_site(), caller, sizeof(caller)));
    else if (mm_state & MM_CALLED_OUT)
        pr_emerg("  in a function that the allocator called%s",
                 site_caller(mm_current_site(), caller, sizeof(caller)));
    else if (mm_is_changing())
        pr_emerg("  inside the allocator%s: its structures are half changed",
                 site_caller(mm_current_site(), caller, sizeof(caller)));
    else if (mm_state & MM_BUSY)
        pr_emerg("  inside the allocator, which was only reading");
}

void report_whose(uintptr_t addr)
{
    struct mm_what what;

    mm_what_is((const void *)addr, &what);
    if (what.kind != MM_OUTSIDE && what.kind != MM_HOLE)
        whatis_describe(&what, log_line);
}

/* ---- the hook ----------------------------------------------------------- */

static void report(const struct mm_report *report)
{
    bool is_a_bug = report->bug < MM_OUT_OF_MEMORY;

    if (report->bug == MM_OUT_OF_MEMORY || report->bug == MM_INJECTED) {
        report_failure(report);
    } else if (report->bug == MM_NO_MORE_SERIALS) {
        report_serials();
    } else if (is_damage(report->bug)) {
        damages++;
        report_damage(report);
    } else if (report->bug == MM_BUG_CORRUPTED) {
        report_corruption(report);
    } else {
        report_bug(report);
    }
    if (is_a_bug)
        panic_warned();
    if (report->fatal)
        oops("mm: %s: %s cannot go on", mm_bug_name(report->bug), report->call);
}

void report_told(void)
{
    damages++;
    mm_count_report();
}

uint32_t report_refusals(void)
{
    return mm_reports() - damages;
}

void report_init(void)
{
    mm_report_hook = report;
}
