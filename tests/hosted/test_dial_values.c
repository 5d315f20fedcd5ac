/*
 * test_dial_values.c - what may be said to a dial, what it then says, and when it can
 * be set.  What the dials do is for test_dials.c.
 */
#include "tests/hosted/arena.h"

#include <stdio.h>
#include <string.h>

/* Refused, in words, and nothing has changed. */
static void refuse(const char *name, const char *value)
{
    char before[200];
    uintptr_t state = mm_state;

    snprintf(before, sizeof(before), "%s", mm_dial(name));
    assert_non_null(mm_set_dial(name, value));
    assert_string_equal(mm_dial(name), before);
    assert_int_equal(mm_state, state);
}

/* ---- switches ---------------------------------------------------------------- */

static void switches_say_what_they_are(void **state)
{
    static const char *const names[][2] = {
        { "init_on_alloc", "1" }, { "init_on_free", "1" }, { "debug_pagealloc", "on" },
        { "page_owner", "on" } };
    static const char *const on[] = { "", "1", "on" }, *const off[] = { "0", "off" };

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        for (size_t k = 0; k < sizeof(on) / sizeof(on[0]); k++) {
            set_dial(names[i][0], on[k]);
            assert_string_equal(mm_dial(names[i][0]), names[i][1]);
            assert_int_equal(mm_state, MM_LONG_WAY);
            refuse(names[i][0], "maybe");
            for (size_t other = 0; other < sizeof(names) / sizeof(names[0]); other++)
                if (other != i)
                    assert_string_equal(mm_dial(names[other][0]), "");
            set_dial(names[i][0], off[k % 2]);
            assert_string_equal(mm_dial(names[i][0]), "");
            assert_int_equal(mm_state, 0);
        }
    assert_string_equal(mm_dial("no_such_dial"), "");
}

/* Poison is laid over free pages once, when the switch goes from off to on. */
static void free_pages_are_poisoned_when_the_switch_is_set(void **state)
{
    struct page *page = NULL;
    unsigned char *bytes;

    (void)state;
    arena_open(64, 0);
    page = alloc_page(GFP_KERNEL);
    bytes = page_address(page);
    __free_page(page);
    memset(bytes, 0x11, PAGE_SIZE);
    set_dial("debug_pagealloc", "off");
    assert_true(all_bytes(bytes, 0x11, PAGE_SIZE));
    set_dial("debug_pagealloc", "on");
    assert_true(all_bytes(bytes, bytes[0], PAGE_SIZE));
    assert_int_not_equal(bytes[0], 0x11);
    bytes[5] = 0x11;
    set_dial("debug_pagealloc", "off");         /* nobody looks any more, so it is told */
    expect_report(MM_BUG_PAGE_POISON);
    bytes[5] = 0x11;
    set_dial("debug_pagealloc", "off");
    assert_int_equal(mm_find_damage(), 0);
}

static void what_needs_records_says_so(void **state)
{
    static const char *const needing[][2] = {
        { "page_owner", "on" }, { "quarantine", "64K" }, { "slub_debug", "U" },
        { "slub_debug", "FZPU" }, { "slub_debug", "" } };

    (void)state;
    for (size_t i = 0; i < sizeof(needing) / sizeof(needing[0]); i++) {
        mm_records = false;
        arena_open(100, 0);
        assert_non_null(strstr(mm_set_dial(needing[i][0], needing[i][1]), "kmemleak=on"));
        assert_string_equal(mm_dial(needing[i][0]), "");
        assert_int_equal(mm_state, 0);
        mm_records = true;
        arena_open(100, 0);
        assert_null(mm_set_dial(needing[i][0], needing[i][1]));
        mm_reset_dials();
    }
}

/* ---- numbers ----------------------------------------------------------------- */

static void quarantine_takes_and_says_numbers_of_bytes(void **state)
{
    static const char *const numbers[][2] = {
        { "1", "1" }, { "9", "9" }, { "10", "10" }, { "900", "900" },
        { "64k", "65536" }, { "64K", "65536" }, { "3M", "3145728" }, { "2m", "2097152" },
        { "1000000000", "1000000000" }, { "0", "" }, { "0K", "" } };
    char largest[32], too_large[32];

    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        set_dial("quarantine", numbers[i][0]);
        assert_string_equal(mm_dial("quarantine"), numbers[i][1]);
        assert_int_equal(mm_state, *numbers[i][1] ? MM_LONG_WAY : 0);
    }
    snprintf(largest, sizeof(largest), "%zuK", SIZE_MAX >> 10);
    set_dial("quarantine", largest);
    snprintf(largest, sizeof(largest), "%zu", SIZE_MAX / 16 * 10);
    set_dial("quarantine", largest);                 /* more than any heap has */
    assert_string_equal(mm_dial("quarantine"), largest);
    snprintf(too_large, sizeof(too_large), "%zuK", (SIZE_MAX >> 10) + 1);
    refuse("quarantine", too_large);
    snprintf(too_large, sizeof(too_large), "%zuM", (SIZE_MAX >> 20) + 1);
    refuse("quarantine", too_large);
    snprintf(too_large, sizeof(too_large), "%zu0", SIZE_MAX);
    refuse("quarantine", too_large);
    refuse("quarantine", "12G");
    refuse("quarantine", "-1");
    refuse("quarantine", "K");
    refuse("quarantine", "1 ");
}

static bool stop_at_first(const struct mm_what *what, void *first)
{
    *(const void **)first = what->addr;
    return false;
}

/* Without quarantine no freed object waits any more: none keeps its slab. */
static void assert_all_come_back(void)
{
    const void *live;

    set_dial("quarantine", "0");
    arena_check();
    while (live = NULL, mm_walk_live(stop_at_first, &live), live)
        kfree(live);
    mm_reclaim();
    assert_int_equal(arena_stats().slab_pages, 0);
}

/* However many bytes it may hold: then the oldest are the first that go. */
static void quarantine_holds_4096_objects_at_most(void **state)
{
    enum { MANY = 5000, WAIT = 4096 };
    static void *table[MANY];
    bool oldest_came = false;

    (void)state;
    set_dial("quarantine", "64M");
    for (int i = 0; i < MANY; i++)
        assert_non_null(table[i] = kmalloc(8, GFP_KERNEL));
    for (int i = 0; i < MANY; i++)
        kfree(table[i]);
    for (int i = 0; i < MANY - WAIT; i++) {
        void *p = kmalloc(8, GFP_KERNEL);

        for (int k = 0; k < MANY; k++)
            if (table[k] == p) {
                assert_true(k < MANY - WAIT);
                oldest_came |= k == 0;
            }
    }
    assert_true(oldest_came);
    assert_int_equal(arena_stats().live_objects, MANY - WAIT);
    assert_all_come_back();
}

/* It holds as many bytes after the thousandth free as after the first. */
static void quarantine_always_holds_what_was_freed_last(void **state)
{
    enum { MANY = 1000, SIZE = 64, WAIT = 16 };
    static void *table[MANY], *taken[2 * MANY];

    (void)state;
    set_dial("quarantine", "1K");
    for (int i = 0; i < MANY; i++)
        assert_non_null(table[i] = kmalloc(SIZE, GFP_KERNEL));
    for (int i = 0; i < MANY; i++)
        kfree(table[i]);
    for (int i = 0; i < 2 * MANY; i++) {
        taken[i] = kmalloc(SIZE, GFP_KERNEL);
        for (int k = MANY - WAIT; k < MANY; k++)
            assert_ptr_not_equal(taken[i], table[k]);
    }
    assert_all_come_back();
}

/* ---- slub_debug -------------------------------------------------------------- */

static void slub_debug_is_as_long_as_it_may_be(void **state)
{
    char spec[200];

    (void)state;
    memset(spec, 'P', sizeof(spec));
    spec[128] = '\0';
    refuse("slub_debug", spec);
    spec[127] = '\0';
    set_dial("slub_debug", spec);
    assert_string_equal(mm_dial("slub_debug"), spec);
}

/* Any flag of any cache closes the short ways, be there such a cache or not. */
static void slub_debug_is_on_if_any_flag_is(void **state)
{
    static const char *const on[] = { "F", "z", "P", "u", "-P", "-;-;P", "-,a;Z,b",
                                      "Z,no-such-cache", "-,a;-;-,b;f,c" };
    static const char *const off[] = { "-", "--", "-,kmalloc-64", "-;-,a;-,b", ";",
                                       ";;" };

    (void)state;
    for (size_t i = 0; i < sizeof(on) / sizeof(on[0]); i++) {
        set_dial("slub_debug", on[i]);
        assert_string_equal(mm_dial("slub_debug"), on[i]);
        assert_int_equal(mm_state, MM_LONG_WAY);
        set_dial("slub_debug", off[i % (sizeof(off) / sizeof(off[0]))]);
        assert_int_equal(mm_state, 0);
    }
}

/* Is what was freed poisoned, so that a write to it comes out? */
static bool is_poisoned(const char *cache_name)
{
    struct kmem_cache *cache = mm_find_cache(cache_name);
    unsigned char *p = kmem_cache_alloc(cache, GFP_KERNEL);
    uint32_t damage;

    kmem_cache_free(cache, p);
    p[1] ^= 1;
    damage = mm_find_damage();
    assert_int_equal(arena_drop_reports(), damage);
    if (!damage)
        p[1] ^= 1;
    return damage != 0;
}

static void the_last_words_that_name_a_cache_count(void **state)
{
    static const struct {
        const char *spec;
        bool ab, ac, b;
    } cases[] = {
        { "P", true, true, true },          { "P,ab", true, false, false },
        { "P,ab,b", true, false, true },    { "P,a*", true, true, false },
        { "P,*", true, true, true },        { "P;-,ab", false, true, true },
        { "-,ab;P", false, true, true },    { "P,ab;-,a*", false, false, false },
        { "-,a*;P,ac", false, true, false }, { "P;-", false, false, false },
        { "P,a", false, false, false },     { "P,abc", false, false, false },
        { "P,", false, false, false },      { "F,b;P,x,ab", true, false, false },
        { "P,*c", false, true, false },     { "P,*a*b*", true, false, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (int before = 0; before < 2; before++) {    /* made after, or before */
            if (before)
                set_dial("slub_debug", cases[i].spec);
            assert_non_null(kmem_cache_create("ab", 64, 0, 0, NULL));
            assert_non_null(kmem_cache_create("ac", 64, 0, 0, NULL));
            assert_non_null(kmem_cache_create("b", 64, 0, 0, NULL));
            if (!before)
                set_dial("slub_debug", cases[i].spec);
            assert_int_equal(is_poisoned("ab"), cases[i].ab);
            assert_int_equal(is_poisoned("ac"), cases[i].ac);
            assert_int_equal(is_poisoned("b"), cases[i].b);
            kmem_cache_destroy(mm_find_cache("ab"));
            kmem_cache_destroy(mm_find_cache("ac"));
            kmem_cache_destroy(mm_find_cache("b"));
            mm_reset_dials();
        }
}

/* ---- what fails on purpose --------------------------------------------------- */

static void values_of_failslab_are_those_of_linux_and_names(void **state)
{
    static const char *const good[] = {
        "1,10,0,-1", "0,0,0,0", "100,100,4096,5", "probability=10", "1,10,0,-1,seed=7",
        "seed=4294967295", "site=list.c:12", "site=*", "cache=kmalloc-*,times=3",
        "interval=2,probability=50,space=1,times=-1,seed=9,ignore-gfp-wait=1,site=a,cache=b"
    };
    static const char *const bad[] = {
        "", "1", "1,10", "1,10,0", "1,10,0,-1,5", "1,101,0,-1", "1,10,0,-2", "-1,10,0,-1",
        "1,-1,0,-1", "1,10,-1,-1", "a", "1,10,0,x", "1,10,0,-1x", "probability=",
        "probability=10%", "probability=101", "seed=0", "seed=4294967296", "times=-2",
        "speed=1", "probability=10,1,10,0,-1", "1,10,probability=1,0,-1", "site=",
        "site=,cache=a", ",", "1,,0,-1", "ignore-gfp-wait=2", "min-order=1", "on", "1,10,0,--1",
        "99999999999999999999,10,0,-1", "sites=a", "site", "probability"
    };
    char long_value[200];

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        set_dial("failslab", good[i]);
        assert_string_equal(mm_dial("failslab"), good[i]);
        for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++)
            refuse("failslab", bad[k]);
    }
    set_dial("failslab", "off");
    assert_string_equal(mm_dial("failslab"), "");
    memset(long_value, 'a', sizeof(long_value));
    memcpy(long_value, "site=", 5);
    long_value[128] = '\0';
    refuse("failslab", long_value);
    long_value[127] = '\0';
    set_dial("failslab", long_value);
}

static void some_names_are_of_one_of_the_two_alone(void **state)
{
    (void)state;
    set_dial("fail_page_alloc", "1,10,0,-1,min-order=10");
    assert_string_equal(mm_dial("fail_page_alloc"), "1,10,0,-1,min-order=10");
    refuse("fail_page_alloc", "min-order=11");
    refuse("fail_page_alloc", "cache=kmalloc-64");
    refuse("failslab", "min-order=3");
}

static void fail_nth_is_a_number(void **state)
{
    static const char *const bad[] = { "", "-1", "x", "3x", "99999999999999999999" };

    (void)state;
    set_dial("fail-nth", "4294967295");
    assert_string_equal(mm_dial("fail-nth"), "4294967295");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        refuse("fail-nth", bad[i]);
    set_dial("fail-nth", "0");
    assert_string_equal(mm_dial("fail-nth"), "");
}

/* ---- when -------------------------------------------------------------------- */

static void what_needs_records_is_refused_without_them(void **state)
{
    (void)state;
    mm_records = false;
    arena_open(1000, 0);
    refuse("quarantine", "64K");
    refuse("slub_debug", "U");
    refuse("slub_debug", "Z;PU,kmalloc-64");
    refuse("slub_debug", "");                   /* which is FZPU */
    set_dial("slub_debug", "FZP");
    assert_int_equal(mm_state, MM_LONG_WAY);
}

static void dials_are_not_set_under_a_busy_mm(void **state)
{
    (void)state;
    mm_state |= MM_BUSY | MM_IRQ;
    assert_non_null(mm_set_dial("slub_debug", "P"));
    refuse("debug_pagealloc", "on");
    mm_state &= ~(MM_BUSY | MM_IRQ);
    arena_check();
}

static void a_dial_set_before_there_is_a_heap_waits_for_it(void **state)
{
    (void)state;
    set_dial("init_on_alloc", "1");
    arena_open(1000, 0);
    assert_int_equal(mm_state, MM_LONG_WAY);
    assert_true(all_bytes(kmalloc(100, GFP_KERNEL), 0, 100));
    mm_reset_dials();
    assert_int_equal(mm_state, 0);
    assert_string_equal(mm_dial("init_on_alloc"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(switches_say_what_they_are),
        ARENA_TEST(free_pages_are_poisoned_when_the_switch_is_set),
        ARENA_TEST(what_needs_records_says_so),
        ARENA_TEST(quarantine_takes_and_says_numbers_of_bytes),
        ARENA_TEST(quarantine_holds_4096_objects_at_most),
        ARENA_TEST(quarantine_always_holds_what_was_freed_last),
        ARENA_TEST(slub_debug_is_as_long_as_it_may_be),
        ARENA_TEST(slub_debug_is_on_if_any_flag_is),
        ARENA_TEST(the_last_words_that_name_a_cache_count),
        ARENA_TEST(values_of_failslab_are_those_of_linux_and_names),
        ARENA_TEST(some_names_are_of_one_of_the_two_alone),
        ARENA_TEST(fail_nth_is_a_number),
        ARENA_TEST(what_needs_records_is_refused_without_them),
        ARENA_TEST(dials_are_not_set_under_a_busy_mm),
        ARENA_TEST(a_dial_set_before_there_is_a_heap_waits_for_it),
    };

    return ARENA_RUN(tests);
}
