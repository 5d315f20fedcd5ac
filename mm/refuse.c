/*
 * refuse.c - saying no: why a free was refused, why an allocation failed.
 *
 * By the time a report is made nothing has been changed and mm is whole again, so
 * that the hook may look at the heap.  It is called once for each refusal.
 */
#include "mm/refuse_priv.h"

#include "mm/enter_priv.h"
#include "mm/hooks_priv.h"
#include "mm/slot_priv.h"

void (*mm_report_hook)(const struct mm_report *report);

void mm_report(const struct mm_report *report)
{
    if (mm_report_hook)
        mm_report_hook(report);
    if (report->fatal)
        __builtin_trap();
}

void mm_corrupted(const char *call, struct alloc_site *site, const char *rule,
                  const void *addr)
{
    struct mm_report report = { .bug = MM_BUG_CORRUPTED, .call = call, .caller = site,
                                .problem = rule };

    mm_what_is(addr, &report.what);
    report.cache = report.what.cache;
    mm_report(&report);
}

/* ---- allocations that fail ----------------------------------------------- */

void *mm_fail(const struct mm_request *request, enum mm_bug why)
{
    bool silent = (request->gfp & (__GFP_NOWARN | __GFP_NOFAIL)) == __GFP_NOWARN &&
                  why != MM_BUG_SLEEP_IN_IRQ;

    heap.failed++;
    if (mm_is_observed())
        mm_tell(&(struct mm_event){ .kind = MM_FAILED, .call = request->call,
                                    .site = request->site, .bytes = request->bytes,
                                    .gfp = request->gfp });
    if (!silent)
        mm_report(&(struct mm_report){
            .bug = why, .call = request->call, .caller = request->site,
            .order = request->order, .bytes = request->bytes, .gfp = request->gfp,
            .problem = mm_state & MM_BUSY ? "the allocator is busy" : NULL,
            .fatal = request->gfp & __GFP_NOFAIL });
    return NULL;
}

bool mm_may_allocate(const struct mm_request *request)
{
    if (!(mm_state & MM_IRQ) || !(request->gfp & __GFP_DIRECT_RECLAIM))
        return true;
    mm_fail(request, MM_BUG_SLEEP_IN_IRQ);
    return false;
}

/* ---- frees that are refused ---------------------------------------------- */

/* Free memory is passed: was it ever handed out?  Only records can tell. */
static enum mm_bug freed_or_never(const struct mm_what *what)
{
    return what->used_before || !heap.record ? MM_BUG_DOUBLE_FREE
                                             : MM_BUG_NOT_ALLOCATED;
}

static enum mm_bug why_slot(const struct mm_free_request *free,
                            const struct mm_what *what)
{
    if (free->how == MM_FREE_PAGES || free->how == MM_FREE_EXACT)
        return MM_BUG_OBJECT_TO_FREE_PAGES;
    if (what->offset)
        return MM_BUG_INTERIOR;
    if (what->kind == MM_SLAB_FREE)
        return freed_or_never(what);
    return MM_BUG_WRONG_CACHE;
}

static enum mm_bug why_block(const struct mm_free_request *free,
                             const struct mm_what *what)
{
    bool to_pages = free->how == MM_FREE_PAGES || free->how == MM_FREE_EXACT;
    bool is_pages = what->kind == MM_USED_PAGES;

    if (what->broken)
        return MM_BUG_CORRUPTED;
    if (to_pages && !is_pages)
        return MM_BUG_OBJECT_TO_FREE_PAGES;
    if (what->offset)
        return MM_BUG_INTERIOR;
    if (to_pages)
        return MM_BUG_WRONG_ORDER;
    return is_pages ? MM_BUG_PAGES_TO_KFREE : MM_BUG_WRONG_CACHE;
}

static enum mm_bug why(const struct mm_free_request *free, const struct mm_what *what)
{
    if (mm_is_put_off(what->addr))
        return MM_BUG_DOUBLE_FREE;
    switch (what->kind) {
    case MM_SLAB_LIVE:
    case MM_SLAB_FREE:
    case MM_SLAB_REDZONE:
        return why_slot(free, what);
    case MM_LARGE:
    case MM_USED_PAGES:
        return why_block(free, what);
    case MM_FREE_PAGE:
        return freed_or_never(what);
    case MM_OUTSIDE:
    case MM_HOLE:
    case MM_META:
    case MM_SLAB_REST:
        break;
    }
    return MM_BUG_NOT_HEAP;
}

static void refuse(const struct mm_free_request *free, struct mm_report *report)
{
    report->call = free->call;
    report->caller = free->site;
    report->order = free->order;
    report->bytes = free->bytes;
    report->cache = free->cache ? free->cache->name : NULL;
    if (free->how != MM_USE)
        heap.bad_frees++;
    mm_report(report);
}

void mm_refuse(const struct mm_free_request *free)
{
    struct mm_report report = { .bug = MM_BUG_NOT_HEAP };

    mm_what_is(free->addr, &report.what);
    report.bug = why(free, &report.what);
    if (report.bug == MM_BUG_CORRUPTED)
        report.problem = "B2: its page structs are not those of a block";
    if (report.bug == MM_BUG_DOUBLE_FREE && free->how == MM_USE)
        report.bug = MM_BUG_USE_AFTER_FREE;
    refuse(free, &report);
}

void mm_refuse_as(const struct mm_free_request *free, enum mm_bug why_not,
                  const char *problem)
{
    struct mm_report report = { .bug = why_not, .problem = problem };

    mm_what_is(free->addr, &report.what);
    refuse(free, &report);
}

/* ---- names ----------------------------------------------------------------------- */

const char *mm_bug_name(enum mm_bug bug)
{
    static const char *const names[] = {
        [MM_BUG_DOUBLE_FREE] = "double free",
        [MM_BUG_NOT_ALLOCATED] = "not allocated",
        [MM_BUG_INTERIOR] = "interior pointer",
        [MM_BUG_NOT_HEAP] = "not heap memory",
        [MM_BUG_PAGES_TO_KFREE] = "pages passed to kfree",
        [MM_BUG_OBJECT_TO_FREE_PAGES] = "object passed to free_pages",
        [MM_BUG_WRONG_ORDER] = "wrong order",
        [MM_BUG_WRONG_CACHE] = "wrong cache",
        [MM_BUG_TOO_MANY_PUT_OFF] = "too many frees while the allocator is busy",
        [MM_BUG_USE_AFTER_FREE] = "use after free",
        [MM_BUG_SLEEP_IN_IRQ] = "GFP_KERNEL in an interrupt",
        [MM_BUG_TOO_LARGE] = "size that no block has",
        [MM_BUG_BAD_CACHE] = "cache cannot be made",
        [MM_BUG_NO_CACHE] = "not a cache",
        [MM_BUG_CACHE_IN_USE] = "cache cannot be destroyed",
        [MM_BUG_RIGHT_REDZONE] = "Right Redzone overwritten",
        [MM_BUG_LEFT_REDZONE] = "Left Redzone overwritten",
        [MM_BUG_POISON] = "Poison overwritten",
        [MM_BUG_PAGE_POISON] = "page poison overwritten",
        [MM_BUG_CORRUPTED] = "corrupted",
        [MM_OUT_OF_MEMORY] = "out of memory",
    };

    return (unsigned)bug < sizeof(names) / sizeof(names[0]) && names[bug]
               ? names[bug] : "unknown";
}

static void append(char *buf, size_t size, const char *text)
{
    size_t at = strlen(buf);

    while (*text && at + 1 < size)
        buf[at++] = *text++;
    buf[at] = '\0';
}

const char *mm_gfp_name(gfp_t gfp, char *buf, size_t size)
{
    static const struct {
        gfp_t bit;
        const char *name;
    } names[] = {
        { GFP_KERNEL, "GFP_KERNEL" },       { GFP_ATOMIC, "GFP_ATOMIC" },
        { __GFP_ZERO, "__GFP_ZERO" },       { __GFP_NOWARN, "__GFP_NOWARN" },
        { __GFP_NORETRY, "__GFP_NORETRY" }, { __GFP_NOFAIL, "__GFP_NOFAIL" },
    };

    if (size == 0)
        return buf;
    buf[0] = '\0';
    if (!(gfp & (GFP_KERNEL | GFP_ATOMIC)))
        append(buf, size, "GFP_NOWAIT");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (gfp & names[i].bit) {
            append(buf, size, buf[0] ? "|" : "");
            append(buf, size, names[i].name);
        }
    return buf;
}
