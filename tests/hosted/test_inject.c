/*
 * test_inject.c - allocations that fail on purpose: that every call can be made to, that it
 * changes nothing, and which are chosen.  What may be said to the dials is for
 * test_dial_values.c.
 */
#include "mm/look/observe.h"
#include "mm/watch/inject.h"
#include "tests/hosted/arena.h"

#include <stdio.h>
#include <string.h>

/* ---- every call -------------------------------------------------------------------- */

static struct kmem_cache *cache;
static void *old;               /* of 40 bytes, to be moved */

static void *do_kmalloc(void) { return kmalloc(100, GFP_KERNEL); }
static void *do_kmalloc_as_a_function(void) { return (kmalloc)(100, GFP_KERNEL); }
static void *do_kzalloc(void) { return kzalloc(100, GFP_KERNEL); }
static void *do_kcalloc(void) { return kcalloc(10, 10, GFP_KERNEL); }
static void *do_array(void) { return kmalloc_array(10, 10, GFP_KERNEL); }
static void *do_atomic(void) { return kmalloc(100, GFP_ATOMIC); }
static void *do_large(void) { return kmalloc(20000, GFP_KERNEL); }
static void *do_krealloc(void) { return old = krealloc(old, 2000, GFP_KERNEL); }
static void *do_krealloc_large(void) { return old = krealloc(old, 20000, GFP_KERNEL); }
static void *do_krealloc_null(void) { return krealloc(NULL, 100, GFP_KERNEL); }
static void *do_krealloc_array(void) { return krealloc_array(NULL, 5, 20, GFP_KERNEL); }
static void *do_kmemdup(void) { return kmemdup("marbles", 8, GFP_KERNEL); }
static void *do_kstrdup(void) { return kstrdup("marbles", GFP_KERNEL); }
static void *do_kstrndup(void) { return kstrndup("marbles", 3, GFP_KERNEL); }
static void *do_cache(void) { return kmem_cache_alloc(cache, GFP_KERNEL); }
static void *do_cache_zalloc(void) { return kmem_cache_zalloc(cache, GFP_KERNEL); }
static void *do_pages(void) { return alloc_pages(GFP_KERNEL, 2); }
static void *do_page_zeroed(void) { return alloc_page(GFP_KERNEL | __GFP_ZERO); }
static void *do_get_pages(void) { return (void *)__get_free_pages(GFP_KERNEL, 1); }
static void *do_get_page(void) { return (void *)__get_free_page(GFP_KERNEL); }
static void *do_zeroed_page(void) { return (void *)get_zeroed_page(GFP_KERNEL); }
static void *do_exact(void) { return alloc_pages_exact(3 * PAGE_SIZE, GFP_KERNEL); }

static const struct call {
    void *(*run)(void);
    const char *name;
    size_t bytes;
    bool is_pages;
} calls[] = {
    { do_kmalloc, "kmalloc", 100, false },
    { do_kmalloc_as_a_function, "kmalloc", 100, false },
    { do_kzalloc, "kzalloc", 100, false },
    { do_kcalloc, "kcalloc", 100, false },
    { do_array, "kmalloc_array", 100, false },
    { do_atomic, "kmalloc", 100, false },
    { do_large, "kmalloc", 20000, true },
    { do_krealloc, "krealloc", 2000, false },
    { do_krealloc_large, "krealloc", 20000, true },
    { do_krealloc_null, "krealloc", 100, false },
    { do_krealloc_array, "krealloc_array", 100, false },
    { do_kmemdup, "kmemdup", 8, false },
    { do_kstrdup, "kstrdup", 8, false },
    { do_kstrndup, "kstrndup", 4, false },
    { do_cache, "kmem_cache_alloc", 70, false },
    { do_cache_zalloc, "kmem_cache_zalloc", 70, false },
    { do_pages, "alloc_pages", 4 * PAGE_SIZE, true },
    { do_page_zeroed, "alloc_page", PAGE_SIZE, true },
    { do_get_pages, "__get_free_pages", 2 * PAGE_SIZE, true },
    { do_get_page, "__get_free_page", PAGE_SIZE, true },
    { do_zeroed_page, "get_zeroed_page", PAGE_SIZE, true },
    { do_exact, "alloc_pages_exact", 3 * PAGE_SIZE, true },
};

enum { NR_CALLS = sizeof(calls) / sizeof(calls[0]) };

/* What every call may need: made before anything fails. */
static void prepare(void)
{
    cache = kmem_cache_create("fragile", 70, 0, 0, NULL);
    old = kmalloc(40, GFP_KERNEL);
    assert_true(cache && old);
}

/* It gives NULL, by that dial, one report says so, and nothing else has changed. */
static void assert_fails(const struct call *call, const char *dial)
{
    struct arena_state before = arena_state();
    void *was = old;

    assert_null(call->run());
    old = was;                          /* of a krealloc that failed it is still whole */

    const struct mm_report *report = expect_report(MM_INJECTED);
    const struct mm_failed *failed = mm_last_failed();

    assert_string_equal(report->call, call->name);
    assert_int_equal(report->bytes, call->bytes);
    assert_string_equal(failed->by, dial);
    assert_string_equal(failed->call, call->name);
    assert_int_equal(failed->bytes, call->bytes);
    assert_int_equal(failed->gfp, report->gfp);
    assert_ptr_equal(failed->site, report->caller);
    assert_int_equal(failed->cache == NULL, call->is_pages);
    assert_same_state(&before);
}

static void every_call_fails_once_by_fail_nth(void **state)
{
    (void)state;
    for (size_t i = 0; i < NR_CALLS; i++) {
        arena_open(3000, 300);
        prepare();
        set_dial("fail-nth", "1");
        assert_fails(&calls[i], "fail-nth");
        assert_int_equal(mm_nth_calls(), 1);
        assert_int_equal(arena_stats().failed, 1);
        assert_non_null(calls[i].run());
        assert_int_equal(mm_nth_calls(), 2);
        set_dial("fail-nth", "0");
        arena_check();
    }
}

static void each_dial_fails_its_own_calls_and_no_others(void **state)
{
    (void)state;
    for (size_t i = 0; i < NR_CALLS; i++) {
        const char *own = calls[i].is_pages ? "fail_page_alloc" : "failslab";
        const char *other = calls[i].is_pages ? "failslab" : "fail_page_alloc";

        arena_open(3000, 300);
        prepare();
        set_dial(own, "1,100,0,-1");
        assert_fails(&calls[i], own);
        assert_fails(&calls[i], own);
        set_dial(own, "0");
        set_dial(other, "1,100,0,-1");
        assert_non_null(calls[i].run());
        set_dial(other, "off");
    }
}

/* A slab is made for the second object, of pages that nobody has asked for. */
static void pages_for_a_slab_are_not_asked_for(void **state)
{
    (void)state;
    prepare();
    set_dial("fail_page_alloc", "1,100,0,-1");
    for (int i = 0; i < 200; i++)
        assert_non_null(kmem_cache_alloc(cache, GFP_KERNEL));
    assert_int_equal(mm_fault_attr(MM_FAIL_PAGE_ALLOC)->calls, 0);
}

/* Of all pages every other one is free. */
static void leave_single_pages(void)
{
    void **chain = NULL, **p;

    while ((p = (void **)__get_free_page(GFP_KERNEL | __GFP_NOWARN))) {
        *p = chain;
        chain = p;
    }
    for (; chain; chain = p) {
        p = *chain;
        if ((uintptr_t)chain / PAGE_SIZE % 2)
            free_page((unsigned long)chain);
    }
}

/* Where no slab can be had kmalloc takes a page of its own: it is one call all the same. */
static void a_kmalloc_that_takes_a_page_is_asked_once(void **state)
{
    void *p;

    (void)state;
    arena_open(200, 0);
    leave_single_pages();
    set_dial("fail-nth", "2");
    assert_non_null(p = kmalloc(3000, GFP_KERNEL));
    assert_int_equal(arena_what(p).kind, MM_LARGE);
    assert_int_equal(mm_nth_calls(), 1);
    assert_null(kmalloc(3000, GFP_KERNEL));
    expect_report(MM_INJECTED);
    assert_non_null(kmalloc(3000, GFP_KERNEL));
    arena_drop_reports();
}

static void what_takes_nothing_is_not_asked(void **state)
{
    void *p = kmalloc(100, GFP_KERNEL);

    (void)state;
    set_dial("fail-nth", "1");
    assert_ptr_equal(kmalloc(0, GFP_KERNEL), ZERO_SIZE_PTR);
    assert_ptr_equal(krealloc(p, 120, GFP_KERNEL), p);
    assert_null(kmalloc(KMALLOC_MAX_SIZE * 2, GFP_KERNEL | __GFP_NOWARN));
    assert_null(alloc_pages(GFP_KERNEL | __GFP_NOWARN, MAX_PAGE_ORDER + 1));
    assert_non_null(kmem_cache_create("unasked", 70, 0, 0, NULL));
    assert_ptr_equal(krealloc(p, 0, GFP_KERNEL), ZERO_SIZE_PTR);
    assert_int_equal(mm_nth_calls(), 0);
}

static void nofail_never_fails(void **state)
{
    (void)state;
    prepare();
    set_dial("failslab", "1,100,0,-1");
    set_dial("fail_page_alloc", "1,100,0,-1");
    for (int nth = 0; nth < 2; nth++) {
        assert_non_null(kmalloc(100, GFP_KERNEL | __GFP_NOFAIL));
        assert_non_null(kmem_cache_alloc(cache, GFP_ATOMIC | __GFP_NOFAIL));
        assert_non_null(kmalloc(20000, GFP_KERNEL | __GFP_NOFAIL));
        assert_non_null(alloc_page(GFP_KERNEL | __GFP_NOFAIL));
        set_dial("fail-nth", "1");
    }
    assert_int_equal(mm_nth_calls(), 0);
}

static void nowarn_fails_in_silence(void **state)
{
    (void)state;
    set_dial("failslab", "1,100,0,1");
    assert_null(kmalloc(100, GFP_KERNEL | __GFP_NOWARN));
    expect_silence();
    assert_int_equal(arena_stats().failed, 1);
    assert_int_equal(mm_fault_attr(MM_FAILSLAB)->failed, 1);
}

/* ---- interrupts, observers, other dials --------------------------------------------- */

static void a_handler_can_be_failed_too(void **state)
{
    (void)state;
    prepare();
    set_dial("fail-nth", "3");
    assert_non_null(kmalloc(100, GFP_KERNEL));
    mm_state |= MM_IRQ;
    assert_null(kmalloc(100, GFP_KERNEL));      /* a bug, and no call that could fail */
    expect_report(MM_BUG_SLEEP_IN_IRQ);
    assert_non_null(kmalloc(100, GFP_ATOMIC));
    assert_null(alloc_page(GFP_ATOMIC));
    expect_report(MM_INJECTED);
    assert_non_null(alloc_page(GFP_ATOMIC));
    assert_int_equal(mm_state, MM_IRQ | MM_LONG_WAY);
    mm_state |= MM_BUSY;                /* it fails by itself: nothing is counted */
    assert_null(kmalloc(100, GFP_ATOMIC));
    assert_non_null(expect_report(MM_OUT_OF_MEMORY)->problem);
    mm_state = MM_LONG_WAY;
    assert_int_equal(mm_nth_calls(), 4);
}

static unsigned told[4];

static void count_event(const struct mm_event *event, void *arg)
{
    (void)arg;
    told[event->kind]++;
}

static void an_observer_is_told_that_it_failed(void **state)
{
    static struct mm_observer observer = { .saw = count_event };

    (void)state;
    memset(told, 0, sizeof(told));
    mm_observe(&observer);
    set_dial("failslab", "1,100,0,2");
    assert_null(kmalloc(100, GFP_KERNEL | __GFP_NOWARN));
    assert_null(kmemdup("marbles", 8, GFP_KERNEL | __GFP_NOWARN));
    kfree(kmalloc(100, GFP_KERNEL));
    mm_unobserve(&observer);
    assert_int_equal(told[MM_FAILED], 2);
    assert_int_equal(told[MM_ALLOCATED], 1);
    assert_int_equal(told[MM_FREEING], 1);
}

static unsigned two_calls(uintptr_t *frames, unsigned max)
{
    assert_in_range(max, 2, MM_STACK_FRAMES);
    frames[0] = 0x1000;
    frames[1] = 0x2000;
    return 2;
}

static void the_calls_that_led_there_are_kept(void **state)
{
    (void)state;
    assert_null(mm_last_failed()->by);
    set_dial("fail-nth", "1");
    mm_stack_hook = two_calls;
    assert_null(kmalloc(100, GFP_KERNEL));
    mm_stack_hook = NULL;
    expect_report(MM_INJECTED);
    assert_int_equal(mm_last_failed()->depth, 2);
    assert_int_equal(mm_last_failed()->frames[1], 0x2000);
}

static void off_is_the_short_way(void **state)
{
    static const char *const names[] = { "failslab", "fail_page_alloc", "fail-nth" };

    (void)state;
    assert_int_equal(mm_state, 0);
    for (size_t i = 0; i < 3; i++) {
        set_dial(names[i], i < 2 ? "1,0,0,0" : "9");
        assert_int_equal(mm_state, MM_LONG_WAY);
        assert_true(mm_dials_are_on());
        set_dial(names[i], "0");
        assert_int_equal(mm_state, 0);
        assert_false(mm_dials_are_on());
    }
}

static void watched_objects_fail_as_well(void **state)
{
    (void)state;
    set_dial("slub_debug", "FZPU");
    set_dial("quarantine", "64K");
    set_dial("failslab", "2,100,0,-1");
    for (int i = 0; i < 10; i++) {
        void *p = kmalloc(100, GFP_KERNEL | __GFP_NOWARN);

        assert_int_equal(p == NULL, i % 2);
        kfree(p);
    }
}

/* ---- which ------------------------------------------------------------------------- */

/* Of so many calls: '.' was had, 'x' failed. */
static const char *pattern_of(size_t bytes, unsigned n)
{
    static char text[101];

    for (unsigned i = 0; i < n; i++) {
        void *p = kmalloc(bytes, GFP_KERNEL | __GFP_NOWARN);

        text[i] = p ? '.' : 'x';
        kfree(p);
    }
    text[n] = '\0';
    return text;
}

static void they_are_chosen_as_linux_chooses(void **state)
{
    static const struct {
        const char *value, *pattern;
    } cases[] = {                       /* of calls for 100 bytes, of kmalloc-128 */
        { "1,100,0,-1", "xxxxxxxxxx" }, { "1,0,0,-1", ".........." },
        { "1,100,0,0", ".........." },  { "1,100,0,3", "xxx......." },
        { "0,100,0,3", "xxx......." },  { "3,100,0,-1", "..x..x..x." },
        { "3,100,0,2", "..x..x...." },  { "1,100,128,-1", "xxxxxxxxxx" },
        { "1,100,129,-1", ".xxxxxxxxx" }, { "1,100,512,2", "...xx....." },
        { "2,100,300,-1", "...x.x.x.x" }, { "times=2", "xx........" },
        { "interval=4", "...x...x.." }, { "cache=kmalloc-128,times=1", "x........." },
        { "cache=kmalloc-96", ".........." }, { "1,100,0,-1,times=4", "xxxx......" },
        { "ignore-gfp-wait=1", ".........." },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        set_dial("failslab", cases[i].value);
        assert_string_equal(pattern_of(100, 10), cases[i].pattern);
    }
}

/* Of pages, space counts pages. */
static void pages_are_chosen_by_order(void **state)
{
    (void)state;
    set_dial("fail_page_alloc", "space=7");
    assert_non_null(alloc_pages(GFP_KERNEL, 2));
    assert_non_null(alloc_pages(GFP_KERNEL, 1));
    assert_null(alloc_pages(GFP_KERNEL | __GFP_NOWARN, 0));
    set_dial("fail_page_alloc", "min-order=2");
    assert_non_null(alloc_pages(GFP_KERNEL, 1));
    assert_null(alloc_pages(GFP_KERNEL | __GFP_NOWARN, 2));
    assert_null(kmalloc(3 * PAGE_SIZE, GFP_KERNEL | __GFP_NOWARN));
    assert_non_null(alloc_pages_exact(2 * PAGE_SIZE, GFP_KERNEL));
    assert_null(alloc_pages_exact(3 * PAGE_SIZE, GFP_KERNEL | __GFP_NOWARN));
    set_dial("fail_page_alloc", "ignore-gfp-wait=1");
    assert_non_null(alloc_pages(GFP_KERNEL, 0));
    assert_null(alloc_pages(GFP_ATOMIC | __GFP_NOWARN, 0));
}

static void lots_repeat_by_their_seed(void **state)
{
    char first[101], second[101], value[64];
    unsigned failed = 0;

    (void)state;
    set_dial("failslab", "1,30,0,-1");
    strcpy(first, pattern_of(100, 100));
    set_dial("failslab", "1,30,0,-1");
    assert_string_equal(pattern_of(100, 100), first);
    set_dial("failslab", "probability=30,seed=1");
    assert_string_equal(pattern_of(100, 100), first);
    set_dial("failslab", "probability=30,seed=2");
    strcpy(second, pattern_of(100, 100));
    assert_string_not_equal(second, first);
    for (unsigned seed = 1; seed <= 100; seed++) {
        snprintf(value, sizeof(value), "1,30,0,-1,seed=%u", seed * 7919);
        set_dial("failslab", value);
        assert_int_equal(mm_fault_attr(MM_FAILSLAB)->seed, seed * 7919);
        pattern_of(100, 100);
        failed += mm_fault_attr(MM_FAILSLAB)->failed;
    }
    assert_in_range(failed, 2800, 3200);        /* of 10,000 */
}

static bool fails_here(const char *site)
{
    char value[128];
    void *p;

    snprintf(value, sizeof(value), "times=1,site=%s", site);
    set_dial("failslab", value);
    p = kmalloc(100, GFP_KERNEL | __GFP_NOWARN);
    kfree(p);
    return !p;
}

static void a_site_is_meant_by_file_line_or_function(void **state)
{
    char here[64];
    static const char *const meant[] = {
        "test_inject.c", "hosted/test_inject.c", "tests/hosted/test_inject.c", "*",
        "fails_here", "fails_*", "*here", "*inject*", "tests/*.c", "test_*.c:*", "f*s_h*e",
        "*hosted/test_inject.c:*", "**" };
    static const char *const not_meant[] = {
        "inject.c", "test_inject", "test_inject.h", "ts/hosted/test_inject.c", "fails",
        "here", "*thing", "test_inject.c:", "test_inject.c:x", "fails_here:*", "/" };

    (void)state;
    for (size_t i = 0; i < sizeof(meant) / sizeof(meant[0]); i++)
        assert_true(fails_here(meant[i]));
    for (size_t i = 0; i < sizeof(not_meant) / sizeof(not_meant[0]); i++)
        assert_false(fails_here(not_meant[i]));
    assert_true(fails_here("*"));
    for (int line = -1; line <= 1; line++) {
        snprintf(here, sizeof(here), "hosted/test_inject.c:%d",
                 mm_last_failed()->site->line + line);
        assert_int_equal(fails_here(here), line == 0);
    }
}

static void a_call_without_a_line_is_meant_by_a_star_alone(void **state)
{
    (void)state;
    set_dial("failslab", "site=test_inject.c");
    assert_non_null((kmalloc)(100, GFP_KERNEL));
    set_dial("failslab", "site=*");
    assert_null((kmalloc)(100, GFP_KERNEL | __GFP_NOWARN));
}

static void fail_nth_alone_decides_as_long_as_it_is_set(void **state)
{
    (void)state;
    set_dial("failslab", "1,100,0,-1");
    set_dial("fail-nth", "3");
    assert_string_equal(pattern_of(100, 6), "..x...");
    set_dial("fail-nth", "2");          /* from now on */
    assert_string_equal(pattern_of(100, 3), ".x.");
    set_dial("fail-nth", "0");
    assert_string_equal(pattern_of(100, 3), "xxx");
}

/* To whatever it was, but not if the value was refused. */
static void it_is_counted_how_often_each_dial_was_set(void **state)
{
    static const char *const names[] = { "failslab", "fail_page_alloc", "fail-nth" };

    (void)state;
    for (unsigned i = MM_FAILSLAB; i <= MM_FAIL_NTH; i++) {
        uint32_t before[MM_FAIL_NTH + 1];

        for (unsigned k = MM_FAILSLAB; k <= MM_FAIL_NTH; k++)
            before[k] = mm_fault_sets(k);
        set_dial(names[i], i == MM_FAIL_NTH ? "9" : "9,100,0,-1");
        set_dial(names[i], "0");
        assert_non_null(mm_set_dial(names[i], "often"));
        kfree(kmalloc(100, GFP_KERNEL));
        for (unsigned k = MM_FAILSLAB; k <= MM_FAIL_NTH; k++)
            assert_int_equal(mm_fault_sets(k) - before[k], k == i ? 2 : 0);
    }
}

static void what_is_set_before_mm_begins_holds_from_its_start(void **state)
{
    (void)state;
    set_dial("failslab", "1,50,100,-1");
    pattern_of(100, 50);
    arena_open(1000, 0);
    assert_int_equal(mm_state, MM_LONG_WAY);
    assert_int_equal(mm_fault_attr(MM_FAILSLAB)->calls, 0);
    pattern_of(100, 20);
    assert_int_equal(mm_fault_attr(MM_FAILSLAB)->calls, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(every_call_fails_once_by_fail_nth),
        ARENA_TEST(each_dial_fails_its_own_calls_and_no_others),
        ARENA_TEST(pages_for_a_slab_are_not_asked_for),
        ARENA_TEST(a_kmalloc_that_takes_a_page_is_asked_once),
        ARENA_TEST(what_takes_nothing_is_not_asked),
        ARENA_TEST(nofail_never_fails),
        ARENA_TEST(nowarn_fails_in_silence),
        ARENA_TEST(a_handler_can_be_failed_too),
        ARENA_TEST(an_observer_is_told_that_it_failed),
        ARENA_TEST(the_calls_that_led_there_are_kept),
        ARENA_TEST(off_is_the_short_way),
        ARENA_TEST(watched_objects_fail_as_well),
        ARENA_TEST(they_are_chosen_as_linux_chooses),
        ARENA_TEST(pages_are_chosen_by_order),
        ARENA_TEST(lots_repeat_by_their_seed),
        ARENA_TEST(a_site_is_meant_by_file_line_or_function),
        ARENA_TEST(a_call_without_a_line_is_meant_by_a_star_alone),
        ARENA_TEST(fail_nth_alone_decides_as_long_as_it_is_set),
        ARENA_TEST(it_is_counted_how_often_each_dial_was_set),
        ARENA_TEST(what_is_set_before_mm_begins_holds_from_its_start),
    };

    return ARENA_RUN(tests);
}
