/*
 * inject.c - allocations that fail on purpose.
 *
 * Memory is there nearly always, so what a program does when there is none is its least
 * tried part.  Here kmalloc gives NULL though it need not:
 *
 *     failslab          calls for an object: kmalloc up to 8 KiB, kmem_cache_alloc, and
 *                       krealloc, kmemdup ... where they take a new one
 *     fail_page_alloc   calls for pages: alloc_pages and its kin, large kmallocs
 *     fail-nth          the nth call of any of these, counted from when it was set
 *
 * Each call of the allocation API asks once, before it does anything; so what fails has
 * changed nothing.  The pages of a new slab are nobody's call, and not asked for: who wants
 * an object is failslab's.  (Linux asks for them as well.)  A krealloc in place takes
 * nothing, and __GFP_NOFAIL never fails: neither is asked.
 *
 * What the first two decide is as in Linux (lib/fault-inject.c; Documentation/
 * fault-injection), in this order:
 *
 *     is it meant?   by site and cache, order and gfp                 else it goes on
 *     times          so many failures are left                          if not, it goes on
 *     space          bytes (of pages: pages) that are still to be had   less its own
 *     interval       of so many calls that come to here one goes further
 *     probability    in percent, by lot: xorshift32 (Marsaglia 2003) from `seed` on
 *
 *     failslab=1,10,0,-1                  interval, probability, space, times
 *     failslab=probability=10,seed=7      or by name; what is not said is 1,100,0,-1
 *
 * The seed is 1 if it is not said, and who drew which lot is the same in every run.  Two
 * things are otherwise than in Linux, where the kernel itself must survive them: calls that
 * may wait (GFP_KERNEL) fail too unless ignore-gfp-wait=1, and single pages do unless
 * min-order=1.  As long as fail-nth is set it alone decides.
 *
 * Cost: none while all are off.  An allocation goes the long way if one is on.
 */
#include "mm/watch/inject_priv.h"

#include "mm/slot_priv.h"

static struct mm_fault_attr attrs[MM_FAULT_DIALS];
static const char *const names[MM_FAULT_DIALS] = { "failslab", "fail_page_alloc" };

static uint32_t nth, nth_calls, sets[MM_FAULT_DIALS + 1];
static struct mm_failed last;

/* ---- by lot ------------------------------------------------------------------------ */

static uint32_t draw_below(struct mm_fault_attr *attr, uint32_t n)
{
    attr->random ^= attr->random << 13;
    attr->random ^= attr->random >> 17;
    attr->random ^= attr->random << 5;
    return attr->random % n;
}

/* A call for so much, that is meant. */
static bool should_fail(struct mm_fault_attr *attr, uint32_t size)
{
    if (attr->times_left == 0)
        return false;
    if (attr->space_left > size) {
        attr->space_left -= size;
        return false;
    }
    if (attr->interval > 1 && ++attr->turns % attr->interval != 0)
        return false;
    if (draw_below(attr, 100) >= attr->probability)
        return false;
    if (attr->times_left != MM_NO_LIMIT)
        attr->times_left--;
    return true;
}

/* ---- the decision ------------------------------------------------------------------ */

/* It fails: who, and how he came here. */
static void note(const struct mm_request *request, const struct kmem_cache *cache)
{
    last.call = mm_call_of(request);
    last.site = request->site;
    last.bytes = request->bytes;
    last.gfp = request->gfp;
    last.cache = cache ? cache->name : NULL;
    last.depth = 0;
    if (mm_stack_hook)
        last.depth = mm_stack_hook(last.frames, MM_STACK_FRAMES);
}

static bool fails_by(struct mm_fault_attr *attr, const struct mm_request *request,
                     const struct kmem_cache *cache)
{
    unsigned order = pages_order(request->bytes);

    if (!attr->text[0] || (attr->ignore_gfp_wait && request->gfp & __GFP_DIRECT_RECLAIM) ||
        (!cache && order < attr->min_order) ||
        !fault_attr_means(attr, request->site, cache ? cache->name : NULL))
        return false;
    attr->calls++;
    if (!should_fail(attr, cache ? cache->object_size : 1u << order))
        return false;
    attr->failed++;
    return true;
}

bool inject_fails(const struct mm_request *request, const struct kmem_cache *cache)
{
    enum mm_fault_dial dial = cache ? MM_FAILSLAB : MM_FAIL_PAGE_ALLOC;
    struct mm_fault_attr *attr = &attrs[dial];

    if (request->gfp & __GFP_NOFAIL)
        return false;
    if (nth ? ++nth_calls != nth : !fails_by(attr, request, cache))
        return false;
    last.by = nth ? "fail-nth" : names[dial];
    last.attr = nth ? NULL : attr;
    last.calls = nth ? nth_calls : attr->calls;
    note(request, cache);
    return true;
}

/* ---- setting ----------------------------------------------------------------------- */

static void begin(struct mm_fault_attr *attr)
{
    attr->space_left = attr->space;
    attr->times_left = attr->times;
    attr->random = attr->seed;
    attr->turns = attr->calls = attr->failed = 0;
}

static struct mm_fault_attr *find(const char *name)
{
    for (unsigned i = 0; i < MM_FAULT_DIALS; i++)
        if (same_name(name, names[i]))
            return &attrs[i];
    return NULL;
}

/* Of a value that is right by itself. */
static const char *misplaced(const struct mm_fault_attr *attr, bool is_for_pages)
{
    if (is_for_pages && attr->cache)
        return "cache= is for failslab: pages have none";
    if (!is_for_pages && attr->min_order)
        return "min-order= is for fail_page_alloc: an object has none";
    return NULL;
}

const char *inject_value(const char *name)
{
    const struct mm_fault_attr *attr = find(name);

    return attr ? attr->text : NULL;
}

const char *inject_set(const char *name, const char *value)
{
    struct mm_fault_attr attr = { .text = "" };
    bool is_off = same_name(value, "0") || same_name(value, "off");
    const char *problem = is_off ? NULL : fault_attr_read(&attr, value);

    if (!problem)
        problem = misplaced(&attr, find(name) == &attrs[MM_FAIL_PAGE_ALLOC]);
    if (problem)
        return problem;
    begin(&attr);
    *find(name) = attr;
    sets[find(name) - attrs]++;
    return NULL;
}

void inject_nth(uint32_t n)
{
    nth = n;
    nth_calls = 0;
    sets[MM_FAIL_NTH]++;
}

uint32_t inject_nth_set(void)
{
    return nth;
}

bool inject_is_on(void)
{
    return nth || attrs[MM_FAILSLAB].text[0] || attrs[MM_FAIL_PAGE_ALLOC].text[0];
}

void inject_start(void)
{
    for (unsigned i = 0; i < MM_FAULT_DIALS; i++)
        begin(&attrs[i]);
    nth_calls = 0;
    last.by = NULL;
}

/* ---- for those who look ------------------------------------------------------------- */

const struct mm_fault_attr *mm_fault_attr(enum mm_fault_dial dial)
{
    return &attrs[dial];
}

const char *mm_fault_name(enum mm_fault_dial dial)
{
    return names[dial];
}

uint32_t mm_fault_sets(enum mm_fault_dial dial)
{
    return sets[dial];
}

uint32_t mm_nth_calls(void)
{
    return nth_calls;
}

const struct mm_failed *mm_last_failed(void)
{
    return &last;
}
