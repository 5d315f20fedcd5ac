/*
 * explain.c - why a free was refused: what the pointer really is, and what that makes of
 * the call.
 *
 * Nothing has been changed by the refused call, so what is there can be asked of the
 * object itself (what.c).
 */
#include "mm/look/look_priv.h"

#include "mm/enter_priv.h"
#include "mm/slot_priv.h"

void explain_report(struct mm_report *report, const void *addr)
{
    mm_what_is(addr, &report->what);
    if (report->bug == MM_BUG_PAGE_POISON) {    /* the block that was written to */
        report->what.bytes = report->damage.end - report->damage.start;
        report->what.order = pages_order(report->what.bytes);
    }
    if (report->bug == MM_BUG_CORRUPTED)
        report->cache = report->what.cache;
    mm_report(report);
}

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
    if (what->broken)
        return MM_BUG_CORRUPTED;
    if (what->kind == MM_GUARDED_FREE && what->offset == 0)
        return MM_BUG_DOUBLE_FREE;
    if (what->kind == MM_SLAB_FREE && (what->offset == 0 || what->before.serial))
        return what->offset ? MM_BUG_DOUBLE_FREE : freed_or_never(what);
    if (what->offset)
        return MM_BUG_INTERIOR;
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
    case MM_GUARDED:
    case MM_GUARDED_FREE:
        return why_slot(free, what);
    case MM_LARGE:
    case MM_USED_PAGES:
        return why_block(free, what);
    case MM_FREE_PAGE:
        return freed_or_never(what);
    case MM_SLAB_REST:
        return what->serial ? MM_BUG_DOUBLE_FREE : MM_BUG_INTERIOR;
    case MM_OUTSIDE:
    case MM_HOLE:
    case MM_META:
        break;
    }
    return MM_BUG_NOT_HEAP;
}

void explain_refusal(const struct mm_free_request *free, struct mm_report *report)
{
    mm_what_is(free->addr, &report->what);
    report->bug = why(free, &report->what);
    if (report->bug == MM_BUG_CORRUPTED)
        report->problem = "B2: its page structs are not those of a block";
    if (report->bug == MM_BUG_DOUBLE_FREE && free->how == MM_USE)
        report->bug = MM_BUG_USE_AFTER_FREE;
    mm_report(report);
}
