/*
 * refuse.c - saying no: to an allocation that cannot be had, to a free that is not right.
 *
 * By the time a report is made nothing has been changed and mm is whole again, so
 * that the hook may look at the heap.  It is called once for each refusal.  Why a free
 * was refused is found out by who looks from above (mm/look/explain.c).
 */
#include "mm/refuse_priv.h"

#include "mm/enter_priv.h"
#include "mm/hooks_priv.h"
#include "mm/slot_priv.h"

void (*mm_report_hook)(const struct mm_report *report);

void mm_report(const struct mm_report *report)
{
    bool is_busy = mm_state & MM_BUSY, was_outside = is_busy && mm_go_outside();

    heap.reports += report->bug < MM_OUT_OF_MEMORY;
    if (mm_report_hook)
        mm_report_hook(report);
    if (is_busy)
        mm_come_back(was_outside);
    if (report->fatal)
        __builtin_trap();
}

void mm_corrupted(const char *call, struct alloc_site *site, const char *rule,
                  const void *addr)
{
    mm_looker->report(&(struct mm_report){ .bug = MM_BUG_CORRUPTED, .call = call,
                                           .caller = site, .problem = rule }, addr);
}

/* ---- allocations that fail ----------------------------------------------- */

/* In words, where the kind of failure does not say all. */
static const char *why_failed(const struct mm_request *request, enum mm_bug why)
{
    if (mm_state & MM_BUSY)
        return "the allocator is busy";
    if (why == MM_BUG_TOO_LARGE)
        return "the largest block has 4 MiB, order 10";
    if (why == MM_OUT_OF_MEMORY && heap.buddy.nfree >> request->order)
        return "enough pages are free, but not side by side";
    return NULL;
}

void *mm_fail(const struct mm_request *request, enum mm_bug why)
{
    bool silent = (request->gfp & (__GFP_NOWARN | __GFP_NOFAIL)) == __GFP_NOWARN &&
                  why != MM_BUG_SLEEP_IN_IRQ;

    heap.failed++;
    MM_TELL(failed, request);
    if (!silent)
        mm_report(&(struct mm_report){
            .bug = why, .call = mm_call_of(request), .caller = request->site,
            .order = request->order, .bytes = request->bytes, .gfp = request->gfp,
            .problem = why_failed(request, why),
            .fatal = request->gfp & __GFP_NOFAIL });
    return NULL;
}

/* Under a busy mm it fails anyway. */
static bool is_to_fail(const struct mm_request *request, const struct kmem_cache *cache)
{
    bool fails;

    if (!heap.injects || !mm_enter(request->site))
        return false;
    fails = mm_watcher->fails(request, cache);
    mm_leave();
    return fails;
}

bool mm_is_allowed(const struct mm_request *request, const struct kmem_cache *cache)
{
    bool sleeps = mm_state & MM_IRQ && request->gfp & __GFP_DIRECT_RECLAIM;

    if (!sleeps && !is_to_fail(request, cache))
        return true;
    mm_fail(request, sleeps ? MM_BUG_SLEEP_IN_IRQ : MM_INJECTED);
    return false;
}

/* ---- frees that are refused ---------------------------------------------- */

/* It is counted; what is known of it so far. */
static struct mm_report refused(const struct mm_free_request *free)
{
    if (free->how != MM_USE)
        heap.bad_frees++;
    return (struct mm_report){
        .call = free->call, .caller = free->site, .order = free->order,
        .bytes = free->bytes, .cache = free->cache ? free->cache->name : NULL };
}

void mm_refuse(const struct mm_free_request *free)
{
    struct mm_report report = refused(free);

    mm_looker->refused(free, &report);
}

void mm_refuse_as(const struct mm_free_request *free, enum mm_bug why,
                  const char *problem)
{
    struct mm_report report = refused(free);

    report.bug = why;
    report.problem = problem;
    mm_looker->report(&report, free->addr);
}
