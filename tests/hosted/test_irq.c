/*
 * test_irq.c - calls from an interrupt handler: while mm is at rest, and while it is
 * busy under the handler.  The trap code's part (mm_state) is played here.
 */
#include "mm/heap_priv.h"
#include "tests/hosted/arena.h"

#include <string.h>

/* In a handler that interrupted something else, or mm itself. */
static void enter_handler(void) { mm_state |= MM_IRQ; }
static void enter_handler_under_mm(void) { mm_state |= MM_IRQ | MM_BUSY; }

/* The handler ends; mm, if it was interrupted, comes to its end too. */
static void leave_handler(void)
{
    mm_state &= ~(MM_IRQ | MM_BUSY);
}

static void mm_is_at_rest_between_calls(void **state)
{
    (void)state;
    assert_int_equal(mm_state, 0);
    kfree(kmalloc(100, GFP_KERNEL));
    kfree(kmalloc(100000, GFP_KERNEL));
    free_page(__get_free_page(GFP_KERNEL));
    assert_null(kmalloc(KMALLOC_MAX_SIZE * 2, GFP_KERNEL | __GFP_NOWARN));
    kfree(&mm_state);
    expect_report(MM_BUG_NOT_HEAP);
    mm_reclaim();
    assert_int_equal(mm_state, 0);
}

static const struct alloc_site *served_by_constructor;

static void note_whom_mm_serves(void *object)
{
    (void)object;
    served_by_constructor = mm_current_site();
}

static void a_busy_mm_knows_whom_it_serves(void **state)
{
    struct kmem_cache *cache = kmem_cache_create("served", 70, 0, 0,
                                                 note_whom_mm_serves);
    const uint32_t line = __LINE__ + 1;
    void *object = kmem_cache_alloc(cache, GFP_KERNEL);

    (void)state;
    assert_non_null(served_by_constructor);
    assert_int_equal(served_by_constructor->line, line);
    assert_string_equal(served_by_constructor->file, __FILE__);
    assert_null(mm_current_site());
    kmem_cache_free(cache, object);
}

static void what_is_no_call_site_is_not_said_to_be_served(void **state)
{
    const uintptr_t first = (uintptr_t)mm_sites(), end = (uintptr_t)mm_sites_end();
    const uintptr_t others[] = { MM_BUSY, end, first - 32, 32, MM_IRQ,
                                 sizeof(struct alloc_site) > 32 ? first + 32 : end };

    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        mm_state = others[i];
        assert_null(mm_current_site());
    }
    mm_state = first | MM_PUT_OFF;
    assert_ptr_equal(mm_current_site(), mm_sites());
    mm_state = end - sizeof(struct alloc_site);
    assert_ptr_equal(mm_current_site(), mm_sites_end() - 1);
    mm_state = 0;
}

/* Serial numbers run out, so pages are to be kept no more: but not under a busy mm. */
static void a_walk_under_a_busy_mm_changes_nothing(void **state)
{
    struct mm_stats before;

    (void)state;
    free_page(__get_free_page(GFP_KERNEL));
    before = arena_stats();
    heap.serial = UINT32_MAX;
    enter_handler_under_mm();
    mm_count_sites(0);
    leave_handler();
    assert_int_equal(mm_state, 0);
    expect_silence();
    assert_int_equal(heap.buddy.nkept, 1);
    mm_count_sites(0);
    assert_int_equal(mm_state, MM_LONG_WAY);
    expect_report(MM_NO_MORE_SERIALS);
    assert_int_equal(heap.buddy.nkept, 0);
    assert_int_equal(arena_stats().free_pages, before.free_pages);
}

static void atomic_requests_work_in_a_handler(void **state)
{
    struct kmem_cache *cache = kmem_cache_create("handler", 70, 0, 0, NULL);
    void *small, *large, *object;
    struct page *page;

    (void)state;
    enter_handler();
    small = kmalloc(100, GFP_ATOMIC);
    large = kmalloc(50000, GFP_NOWAIT);
    object = kmem_cache_zalloc(cache, GFP_ATOMIC);
    page = alloc_pages(GFP_ATOMIC | __GFP_ZERO, 2);
    assert_true(small && large && object && page);
    assert_int_equal(mm_state, MM_IRQ);
    small = krealloc(small, 1000, GFP_ATOMIC);
    assert_non_null(small);
    kfree(small);
    kmem_cache_free(cache, object);
    leave_handler();
    kfree(large);
    __free_pages(page, 2);
    assert_int_equal(arena_stats().failed, 0);
    assert_int_equal(arena_stats().live_objects, 0);
}

/* The report of a request that would have slept. */
static const struct mm_report *slept(const char *call)
{
    const struct mm_report *report = expect_report(MM_BUG_SLEEP_IN_IRQ);

    assert_string_equal(report->call, call);
    assert_int_equal(report->gfp & __GFP_DIRECT_RECLAIM, __GFP_DIRECT_RECLAIM);
    return report;
}

static void requests_that_may_sleep_are_refused_in_a_handler(void **state)
{
    struct kmem_cache *cache = kmem_cache_create("handler", 70, 0, 0, NULL);
    void *p = kmalloc(40, GFP_KERNEL);
    struct arena_state before = arena_state();
    uint32_t line;

    (void)state;
    enter_handler();
    assert_null(kmalloc(100, GFP_KERNEL)); line = __LINE__;
    assert_site(slept("kmalloc")->caller, line);
    assert_null(kmalloc(50000, GFP_KERNEL | __GFP_ZERO));
    slept("kmalloc");
    assert_null(kmalloc(100, GFP_KERNEL | __GFP_NOWARN));       /* a bug all the same */
    slept("kmalloc");
    assert_null(kmem_cache_alloc(cache, GFP_KERNEL));
    slept("kmem_cache_alloc");
    assert_null(alloc_pages(GFP_KERNEL, 0));
    slept("alloc_pages");
    assert_int_equal(__get_free_pages(GFP_KERNEL, 1), 0);
    slept("__get_free_pages");
    assert_null(alloc_pages_exact(9000, GFP_KERNEL));
    slept("alloc_pages_exact");
    assert_null(krealloc(p, 4000, GFP_KERNEL));
    expect_report(MM_BUG_SLEEP_IN_IRQ);
    leave_handler();
    assert_same_state(&before);
    assert_int_equal(arena_stats().failed, 8);
    assert_non_null(kmalloc(100, GFP_KERNEL));  /* the clean twin */
}

static void under_a_busy_mm_every_request_is_null_and_counted(void **state)
{
    struct kmem_cache *cache = kmem_cache_create("handler", 70, 0, 0, NULL);
    const gfp_t gfp = GFP_ATOMIC | __GFP_NOWARN;
    void *p = kmalloc(40, GFP_KERNEL);
    struct arena_state before = arena_state();

    (void)state;
    enter_handler_under_mm();
    assert_null(kmalloc(100, gfp));
    assert_null(kmalloc(50000, gfp));
    assert_null(kzalloc(8, gfp));
    assert_null(kmem_cache_alloc(cache, gfp));
    assert_null(alloc_page(gfp));
    assert_int_equal(__get_free_pages(gfp, 3), 0);
    assert_null(alloc_pages_exact(9000, gfp));
    assert_null(krealloc(p, 4000, gfp));
    assert_int_equal(mm_state, MM_IRQ | MM_BUSY);
    leave_handler();
    expect_silence();
    assert_same_state(&before);
    assert_int_equal(arena_stats().failed, 8);
}

/* The 65th is refused, aloud, and stays the caller's; however many came before. */
static void a_free_that_cannot_be_put_off_is_refused(void **state)
{
    void *objects[65];

    (void)state;
    for (uint32_t round = 1; round <= 10; round++) {
        for (size_t i = 0; i < 65; i++)
            objects[i] = kmalloc(40, GFP_KERNEL);
        enter_handler_under_mm();
        for (size_t i = 0; i < 65; i++)
            kfree(objects[i]);
        kfree(objects[round]);          /* one of those that wait */
        leave_handler();
        expect_report(MM_BUG_TOO_MANY_PUT_OFF);
        expect_report(MM_BUG_DOUBLE_FREE);
        assert_int_equal(arena_stats().bad_frees, 2 * round);
        mm_count_sites(0);
        assert_int_equal(arena_stats().live_objects, 1);
        enter_handler_under_mm();
        kfree(objects[64]);
        leave_handler();
        mm_count_sites(0);
        assert_int_equal(arena_stats().live_objects, 0);
    }
}

/*
 * What waits may be freed by the very call that was interrupted and now goes on.  The
 * free that waited is the second one then.
 */
static void what_the_interrupted_call_freed_is_not_freed_again(void **state)
{
    struct mm_stats start = arena_stats();
    void *object = kmalloc(40, GFP_KERNEL), *large = kmalloc(20000, GFP_KERNEL);
    unsigned long page = __get_free_page(GFP_KERNEL);

    (void)state;
    enter_handler_under_mm();
    kfree(object);
    kfree(large);
    free_page(page);
    mm_state = 0;               /* the interrupted call has looked at it before */
    kfree(object);
    mm_reclaim();
    expect_report(MM_BUG_DOUBLE_FREE);
    assert_int_equal(arena_stats().live_objects, 0);
    assert_int_equal(arena_stats().live_pages, 0);
    assert_int_equal(arena_stats().bad_frees, 1);
    assert_same_blocks(&start);
}

/* At page numbers odd and even. */
static void single_pages_are_put_off(void **state)
{
    unsigned long pages[16];

    (void)state;
    for (int i = 0; i < 16; i++)
        pages[i] = __get_free_page(GFP_KERNEL);
    enter_handler_under_mm();
    for (int i = 0; i < 16; i++)
        free_page(pages[i]);
    leave_handler();
    mm_reclaim();
    assert_int_equal(arena_stats().live_pages, 0);
    assert_int_equal(arena_stats().bad_frees, 0);
}

static void caches_are_neither_made_nor_ended_under_a_busy_mm(void **state)
{
    struct kmem_cache *cache = kmem_cache_create("idle", 70, 0, 0, NULL);
    void *p = kmem_cache_alloc(cache, GFP_KERNEL);
    struct arena_state before;

    (void)state;
    kmem_cache_free(cache, p);
    before = arena_state();
    enter_handler_under_mm();
    assert_null(kmem_cache_create("new", 70, 0, 0, NULL));
    assert_non_null(expect_report(MM_BUG_BAD_CACHE)->problem);
    kmem_cache_destroy(cache);
    assert_non_null(expect_report(MM_BUG_CACHE_IN_USE)->problem);
    assert_int_equal(kmem_cache_shrink(cache), 0);
    assert_int_equal(mm_reclaim(), 0);
    assert_non_null(mm_check());        /* it cannot know */
    leave_handler();
    assert_null(mm_find_cache("new"));
    assert_same_state(&before);
    kmem_cache_destroy(cache);
    assert_null(mm_find_cache("idle"));
}

/* What was freed but put off is free to krealloc and ksize. */
static void what_is_put_off_is_not_used_any_more(void **state)
{
    void *p = kmalloc(100, GFP_KERNEL);

    (void)state;
    enter_handler_under_mm();
    kfree(p);
    leave_handler();
    assert_null(krealloc(p, 50, GFP_KERNEL));
    arena_drop_reports();
    assert_int_equal(ksize(p), 0);
    arena_drop_reports();
    assert_int_equal(arena_stats().live_objects, 0);
}

/* Everything that may be freed, freed under a busy mm. */
static void frees_under_a_busy_mm_are_put_off_and_none_is_lost(void **state)
{
    struct mm_stats start = arena_stats();
    struct kmem_cache *cache = kmem_cache_create("handler", 70, 0, 0, NULL);
    void *objects[50], *large = kmalloc(50000, GFP_KERNEL);
    struct page *page = alloc_pages(GFP_KERNEL, 2);
    void *run = alloc_pages_exact(9000, GFP_KERNEL);
    struct mm_stats before;

    (void)state;
    for (size_t i = 0; i < 49; i++)
        objects[i] = kmalloc(i + 1, GFP_KERNEL);
    objects[49] = kmem_cache_alloc(cache, GFP_KERNEL);
    before = arena_stats();
    enter_handler_under_mm();
    for (size_t i = 0; i < 49; i++)
        kfree(objects[i]);
    kmem_cache_free(cache, objects[49]);
    kfree(large);
    __free_pages(page, 2);
    free_pages_exact(run, 9000);
    leave_handler();
    assert_int_equal(before.live_objects, 51);
    kfree(kmalloc(8, GFP_KERNEL));              /* mm is entered: they are done */
    assert_int_equal(arena_stats().live_objects, 0);
    assert_int_equal(arena_stats().live_pages, 0);
    assert_int_equal(arena_stats().bad_frees, 0);
    kmem_cache_destroy(cache);
    assert_same_blocks(&start);
}

static void a_put_off_free_is_recorded_as_its_callers(void **state)
{
    void *keep = kmalloc(64, GFP_KERNEL), *p = kmalloc(64, GFP_KERNEL);
    void *warm = kmalloc(8, GFP_KERNEL);
    uint32_t line;

    (void)state;
    enter_handler_under_mm();
    kfree(p); line = __LINE__;
    leave_handler();
    assert_int_equal(arena_what(p).kind, MM_SLAB_LIVE);
    kfree(kmalloc(8, GFP_KERNEL));      /* mm is entered, by the shortest way */
    assert_int_equal(arena_what(p).kind, MM_SLAB_FREE);
    assert_int_equal(mm_state, 0);
    assert_site(arena_what(p).freed_by, line);
    kfree(keep), kfree(warm);
}

static void the_next_request_may_have_what_was_put_off(void **state)
{
    void **chain = NULL, **p, **next;

    (void)state;
    arena_open(64, 0);
    while ((p = kmalloc(4096, GFP_KERNEL | __GFP_NOWARN))) {
        *p = chain;
        chain = p;
    }
    next = *chain;
    enter_handler_under_mm();
    kfree(chain);
    leave_handler();
    assert_non_null(chain = kmalloc(4096, GFP_KERNEL));
    kfree(chain);
    assert_non_null(next);
}

/* Two frees of one object in the handler, by all ways to say it. */
static void a_double_free_under_a_busy_mm_is_refused(void **state)
{
    struct kmem_cache *cache = kmem_cache_create("handler", 64, 0, 0, NULL);
    void *a = kmalloc(64, GFP_KERNEL), *b = kmalloc(64, GFP_KERNEL);
    void *c = kmem_cache_alloc(cache, GFP_KERNEL);
    unsigned long page = __get_free_page(GFP_KERNEL);

    (void)state;
    enter_handler_under_mm();
    kfree(a);
    kfree(b);
    kfree(a);
    assert_string_equal(expect_report(MM_BUG_DOUBLE_FREE)->call, "kfree");
    kfree_sensitive(a);
    expect_report(MM_BUG_DOUBLE_FREE);
    kfree_sensitive(b);
    expect_report(MM_BUG_DOUBLE_FREE);
    kmem_cache_free(cache, c);
    kmem_cache_free(cache, c);
    expect_report(MM_BUG_DOUBLE_FREE);
    free_page(page);
    free_page(page);
    expect_report(MM_BUG_DOUBLE_FREE);
    leave_handler();
    mm_reclaim();
    assert_int_equal(arena_stats().bad_frees, 5);
    assert_int_equal(arena_stats().live_objects, 0);
    assert_int_equal(arena_stats().live_pages, 0);
    kmem_cache_destroy(cache);
}

/* At rest or busy, with few frees that wait or with as many as fit. */
static void sensitive_memory_is_cleared_in_every_state(void **state)
{
    enum { FIT = 64 };
    void *waiting[FIT];

    (void)state;
    for (int full = 0; full < 2; full++)
        for (int busy = 0; busy < 2; busy++) {
            unsigned char *p = kmalloc(64, GFP_KERNEL), *keeps_slab;
            int n = full ? FIT - busy : 3;      /* busy: p is the last that fits */

            keeps_slab = kmalloc(64, GFP_KERNEL);
            memset(p, 0x55, 64);
            for (int i = 0; i < n; i++)
                waiting[i] = kmalloc(8, GFP_KERNEL);
            enter_handler_under_mm();
            for (int i = 0; i < n; i++)
                kfree(waiting[i]);
            if (!busy)
                leave_handler();
            kfree_sensitive(p);
            assert_true(all_bytes(p, 0, 64));
            leave_handler();
            kfree(keeps_slab);
            assert_int_equal(arena_stats().live_objects, 0);
        }
}

/* The clean twin of the refusals is the test before the last but one. */
static void wrong_frees_under_a_busy_mm_are_refused_at_once(void **state)
{
    char *p = kmalloc(64, GFP_KERNEL);
    unsigned long page = __get_free_page(GFP_KERNEL);

    (void)state;
    enter_handler_under_mm();
    kfree(p + 8);
    expect_report(MM_BUG_INTERIOR);
    kfree((void *)page);
    expect_report(MM_BUG_PAGES_TO_KFREE);
    free_pages(page, 1);
    expect_report(MM_BUG_WRONG_ORDER);
    free_page((unsigned long)p);
    expect_report(MM_BUG_OBJECT_TO_FREE_PAGES);
    kfree(&p);
    expect_report(MM_BUG_NOT_HEAP);
    leave_handler();
    mm_reclaim();
    assert_int_equal(arena_stats().bad_frees, 5);
    assert_int_equal(arena_stats().live_objects, 1);
    assert_int_equal(arena_stats().live_pages, 1);
    kfree(p);
    free_page(page);
}

static void construct(void *object)
{
    memset(object, 0x6B, 64);
}

static void put_off_objects_are_constructed_again(void **state)
{
    struct kmem_cache *cache = kmem_cache_create("made", 64, 0, 0, construct);
    void *p[8];

    (void)state;
    for (int i = 0; i < 8; i++)
        p[i] = kmem_cache_alloc(cache, GFP_KERNEL);
    enter_handler_under_mm();
    for (int i = 0; i < 8; i++)
        kmem_cache_free(cache, p[i]);
    leave_handler();
    for (int i = 0; i < 8; i++) {
        p[i] = kmem_cache_alloc(cache, GFP_KERNEL);
        assert_true(all_bytes(p[i], 0x6B, 64));
    }
    for (int i = 0; i < 8; i++)
        kmem_cache_free(cache, p[i]);
    kmem_cache_destroy(cache);
}

/* What whatis and leaks read must not hang, or lie, in a handler under mm. */
static void looking_under_a_busy_mm_is_safe(void **state)
{
    void *p = kmalloc(64, GFP_KERNEL);
    struct mm_what what;

    (void)state;
    enter_handler_under_mm();
    what = arena_what(p);
    assert_int_equal(what.kind, MM_SLAB_LIVE);
    arena_stats();
    mm_count_sites(0);
    assert_int_equal(ksize(p), 64);
    leave_handler();
    kfree(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(mm_is_at_rest_between_calls),
        ARENA_TEST(a_busy_mm_knows_whom_it_serves),
        ARENA_TEST(what_is_no_call_site_is_not_said_to_be_served),
        ARENA_TEST(a_walk_under_a_busy_mm_changes_nothing),
        ARENA_TEST(atomic_requests_work_in_a_handler),
        ARENA_TEST(requests_that_may_sleep_are_refused_in_a_handler),
        ARENA_TEST(under_a_busy_mm_every_request_is_null_and_counted),
        ARENA_TEST(a_free_that_cannot_be_put_off_is_refused),
        ARENA_TEST(what_the_interrupted_call_freed_is_not_freed_again),
        ARENA_TEST(single_pages_are_put_off),
        ARENA_TEST(caches_are_neither_made_nor_ended_under_a_busy_mm),
        ARENA_TEST(what_is_put_off_is_not_used_any_more),
        ARENA_TEST(frees_under_a_busy_mm_are_put_off_and_none_is_lost),
        ARENA_TEST(a_put_off_free_is_recorded_as_its_callers),
        ARENA_TEST(the_next_request_may_have_what_was_put_off),
        ARENA_TEST(a_double_free_under_a_busy_mm_is_refused),
        ARENA_TEST(sensitive_memory_is_cleared_in_every_state),
        ARENA_TEST(wrong_frees_under_a_busy_mm_are_refused_at_once),
        ARENA_TEST(put_off_objects_are_constructed_again),
        ARENA_TEST(looking_under_a_busy_mm_is_safe),
    };

    return ARENA_RUN(tests);
}
