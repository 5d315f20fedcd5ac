/*
 * test_observe.c - observers: what they are told of each allocation, free, change of size
 * and failure; and that nothing is told, or costs anything, when there is none.
 */
#include "mm/look/observe.h"
#include "mm/look/recover.h"
#include "tests/hosted/arena.h"

#include <string.h>

enum { MOST = 64 };

static struct mm_event told[MOST];
static unsigned ntold;

static void keep(const struct mm_event *event, void *arg)
{
    assert_ptr_equal(arg, told);
    assert_true(mm_state & MM_BUSY && mm_state & MM_CALLED_OUT);
    assert_in_range(ntold, 0, MOST - 1);
    told[ntold++] = *event;
}

static struct mm_observer observer = { .saw = keep, .arg = told };

static int begin(void **state)
{
    arena_setup(state);
    ntold = 0;
    mm_observe(&observer);
    return 0;
}

static int end(void **state)
{
    mm_unobserve(&observer);
    return arena_teardown(state);
}

/* The next event, which is of that kind and call; of p, if that is not NULL. */
static const struct mm_event *next(unsigned i, enum mm_event_kind kind, const char *call,
                                   const void *p)
{
    assert_in_range(i, 0, ntold - 1);
    assert_int_equal(told[i].kind, kind);
    assert_string_equal(told[i].call, call);
    if (p)
        assert_ptr_equal(told[i].p, p);
    return &told[i];
}

static void an_object_is_told_from_birth_to_death(void **state)
{
    const uint16_t line = __LINE__ + 1;
    void *p = kmalloc(100, GFP_ATOMIC);
    const struct mm_event *event = next(0, MM_ALLOCATED, "kmalloc", p);
    uint32_t serial = arena_what(p).serial;

    (void)state;
    assert_int_equal(event->site->line, line);
    assert_string_equal(event->site->file, __FILE__);
    assert_int_equal(event->bytes, 100);
    assert_int_equal(event->room, 128);
    assert_int_equal(event->gfp, GFP_ATOMIC);
    assert_int_equal(event->serial, serial);
    assert_string_equal(event->cache, "kmalloc-128");
    assert_false(event->is_pages);
    assert_ptr_equal(krealloc(p, 120, GFP_KERNEL), p);
    assert_int_equal(next(1, MM_RESIZED, "krealloc", p)->bytes, 120);
    kfree(p);
    event = next(2, MM_FREEING, "kfree", p);
    assert_int_equal(event->site->line, __LINE__ - 2);
    assert_int_equal(event->bytes, 120);
    assert_int_equal(event->serial, serial);
    assert_int_equal(ntold, 3);
}

static void blocks_and_runs_and_large_ones_are_told(void **state)
{
    struct page *block = alloc_pages(GFP_KERNEL, 2);
    void *run = alloc_pages_exact(3 * PAGE_SIZE, GFP_KERNEL);
    void *large = kmalloc(9000, GFP_KERNEL);

    (void)state;
    assert_true(next(0, MM_ALLOCATED, "alloc_pages", page_address(block))->is_pages);
    assert_int_equal(told[0].room, 4 * PAGE_SIZE);
    assert_int_equal(next(1, MM_ALLOCATED, "alloc_pages_exact", run)->room,
                     3 * PAGE_SIZE);
    assert_int_equal(next(2, MM_ALLOCATED, "kmalloc", large)->bytes, 9000);
    assert_false(told[2].is_pages);
    assert_null(told[2].cache);
    __free_pages(block, 2);
    free_pages_exact(run, 3 * PAGE_SIZE);
    kfree(large);
    next(3, MM_FREEING, "__free_pages", page_address(block));
    next(4, MM_FREEING, "free_pages_exact", run);
    next(5, MM_FREEING, "kfree", large);
    assert_int_equal(ntold, 6);
}

static void a_cache_is_named(void **state)
{
    struct kmem_cache *cache = kmem_cache_create("told", 40, 0, 0, NULL);
    void *p = kmem_cache_alloc(cache, GFP_KERNEL);

    (void)state;
    assert_string_equal(next(0, MM_ALLOCATED, "kmem_cache_alloc", p)->cache, "told");
    kmem_cache_free(cache, p);
    assert_string_equal(next(1, MM_FREEING, "kmem_cache_free", p)->cache, "told");
    kmem_cache_destroy(cache);
    assert_int_equal(ntold, 2);
}

static void a_failure_is_told_and_a_refusal_is_none(void **state)
{
    void *p = kmalloc(8, GFP_KERNEL);

    (void)state;
    assert_null(alloc_pages(GFP_KERNEL | __GFP_NOWARN, MAX_PAGE_ORDER + 1));
    next(1, MM_FAILED, "alloc_pages", NULL);
    assert_null(told[1].p);
    kfree((char *)p + 1);
    expect_report(MM_BUG_INTERIOR);
    kfree(p);
    next(2, MM_FREEING, "kfree", p);
    assert_int_equal(ntold, 3);
}

static void a_free_that_was_put_off_is_told_when_it_is_done(void **state)
{
    void *p = kmalloc(8, GFP_KERNEL);

    (void)state;
    mm_state_set(MM_BUSY);
    mm_irq_begin();
    kfree(p);
    mm_irq_end();
    mm_state_clear(MM_BUSY);
    assert_int_equal(ntold, 1);
    mm_reclaim();
    next(1, MM_FREEING, "kfree", p);
    assert_int_equal(ntold, 2);
}

/* ---- who an observer may be ------------------------------------------------- */

static unsigned calls;

static void allocate(const struct mm_event *event, void *arg)
{
    (void)event, (void)arg;
    calls++;
    assert_null(kmalloc(8, GFP_ATOMIC | __GFP_NOWARN));
}

static void one_that_allocates_gets_nothing_and_is_not_told_of_it(void **state)
{
    struct mm_observer greedy = { .saw = allocate };
    uint32_t failed = arena_stats().failed;

    (void)state;
    calls = 0;
    mm_observe(&greedy);
    kfree(kmalloc(8, GFP_KERNEL));
    mm_unobserve(&greedy);
    assert_int_equal(calls, 2);
    assert_int_equal(ntold, 2);
    assert_int_equal(arena_stats().failed - failed, 2);
}

static void leave(const struct mm_event *event, void *arg)
{
    (void)event;
    calls++;
    mm_unobserve(arg);
}

static void one_may_take_itself_out(void **state)
{
    struct mm_observer shy = { .saw = leave };

    (void)state;
    shy.arg = &shy;
    calls = 0;
    mm_observe(&shy);
    mm_observe(&shy);                           /* twice is once */
    kfree(kmalloc(8, GFP_KERNEL));
    assert_int_equal(calls, 1);
    assert_int_equal(ntold, 2);
}

static void without_one_no_call_goes_the_long_way(void **state)
{
    bool watched = *mm_dial("slub_debug") || *mm_dial("init_on_alloc");

    (void)state;
    assert_int_equal(mm_state, MM_LONG_WAY);
    mm_unobserve(&observer);
    assert_int_equal(mm_state, watched ? MM_LONG_WAY : 0);
    mm_unobserve(&observer);                    /* who is not there goes nowhere */
    kfree(kmalloc(8, GFP_KERNEL));
    assert_int_equal(ntold, 0);
}

static void a_new_heap_is_observed_as_well(void **state)
{
    (void)state;
    arena_open(100, 0);
    assert_int_equal(mm_state, MM_LONG_WAY);
    kfree(kmalloc(8, GFP_KERNEL));
    assert_int_equal(ntold, 2);
}

static void none_is_hung_in_where_mm_cannot_be_entered(void **state)
{
    struct mm_observer other = { .saw = leave };

    (void)state;
    mm_irq_begin();
    assert_false(mm_observe(&other));
    assert_false(mm_unobserve(&observer));
    mm_irq_end();
    mm_state_set(MM_BUSY);
    assert_false(mm_observe(&other));
    assert_false(mm_unobserve(&observer));
    mm_state_clear(MM_BUSY);
    kfree(kmalloc(8, GFP_KERNEL));
    assert_int_equal(ntold, 2);
}

static void the_last_one_that_leaves_opens_the_short_ways(void **state)
{
    struct mm_observer shy = { .saw = leave };

    (void)state;
    shy.arg = &shy;
    assert_true(mm_unobserve(&observer));
    assert_true(mm_observe(&shy));
    assert_int_equal(mm_state, MM_LONG_WAY);
    kfree(kmalloc(8, GFP_KERNEL));
    assert_int_equal(mm_state, 0);
}

/* An interrupt comes in a constructor, and is told of: it stays a constructor. */
static uintptr_t after_interrupt;

static void be_interrupted(void *object)
{
    (void)object;
    mm_irq_begin();
    assert_null(kmalloc(8, GFP_ATOMIC | __GFP_NOWARN));
    mm_irq_end();
    after_interrupt = mm_state;
}

static void who_was_called_out_stays_so_when_an_interrupt_is_told(void **state)
{
    struct kmem_cache *cache = kmem_cache_create("built", 4096, 0, 0, be_interrupted);

    (void)state;
    kmem_cache_free(cache, kmem_cache_alloc(cache, GFP_KERNEL));
    assert_true(after_interrupt & MM_CALLED_OUT && after_interrupt & MM_BUSY);
    assert_int_equal(told[0].kind, MM_FAILED);
}

/* ---- one that never comes back: a fault ended it ------------------------------ */

static jmp_buf away;

static void leave_for_ever(const struct mm_event *event, void *arg)
{
    (void)event, (void)arg;
    longjmp(away, 1);
}

static void others_are_told_after_one_that_never_came_back(void **state)
{
    struct mm_observer lost = { .saw = leave_for_ever };
    struct mm_recovery recovery;

    (void)state;
    assert_true(mm_observe(&lost));
    if (setjmp(away) == 0)
        kfree(kmalloc(8, GFP_KERNEL));
    mm_recover(&recovery);
    assert_int_equal(mm_state, MM_LONG_WAY);
    assert_ptr_equal(recovery.observer, leave_for_ever);        /* it is taken out */
    assert_ptr_equal(mm_newest_observer(), &observer);
    ntold = 0;
    kfree(kmalloc(8, GFP_KERNEL));
    assert_int_equal(ntold, 2);
    assert_true(mm_unobserve(&observer));
    assert_int_equal(mm_state, 0);
    mm_init(NULL, 0);                           /* what it held is forgotten */
    arena_open(100, 0);
}

#define OBSERVED(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OBSERVED(an_object_is_told_from_birth_to_death),
        OBSERVED(blocks_and_runs_and_large_ones_are_told),
        OBSERVED(a_cache_is_named),
        OBSERVED(a_failure_is_told_and_a_refusal_is_none),
        OBSERVED(a_free_that_was_put_off_is_told_when_it_is_done),
        OBSERVED(one_that_allocates_gets_nothing_and_is_not_told_of_it),
        OBSERVED(one_may_take_itself_out),
        OBSERVED(without_one_no_call_goes_the_long_way),
        OBSERVED(a_new_heap_is_observed_as_well),
        OBSERVED(none_is_hung_in_where_mm_cannot_be_entered),
        OBSERVED(the_last_one_that_leaves_opens_the_short_ways),
        OBSERVED(who_was_called_out_stays_so_when_an_interrupt_is_told),
        OBSERVED(others_are_told_after_one_that_never_came_back),
    };

    return ARENA_RUN(tests);
}
