/*
 * test_pages.c - the page allocator, by its Linux names: what it hands out, what
 * it takes back, and that nothing is lost between.
 */
#include "tests/hosted/arena.h"

#include <stdlib.h>
#include <string.h>

static void *pages_at(unsigned order)
{
    return (void *)__get_free_pages(GFP_KERNEL, order);
}

static void free_at(void *addr, unsigned order)
{
    free_pages((unsigned long)addr, order);
}

/* Take single pages until there are none; how many. */
static uint32_t take_all(void **table)
{
    uint32_t n = 0;

    while ((table[n] = (void *)__get_free_page(GFP_KERNEL | __GFP_NOWARN)))
        n++;
    return n;
}

static void **new_table(void)
{
    return calloc(ARENA_PAGES + 1, sizeof(void *));
}

static void every_order_comes_and_goes_back(void **state)
{
    struct mm_stats start = arena_stats();

    (void)state;
    for (unsigned order = 0; order <= MAX_PAGE_ORDER; order++) {
        void *block = pages_at(order);

        assert_non_null(block);
        assert_int_equal(arena_stats().free_pages, start.free_pages - (1u << order));
        assert_int_equal(arena_stats().live_pages, 1u << order);
        arena_check();
        free_at(block, order);
        assert_same_blocks(&start);
    }
}

static int by_address(const void *a, const void *b)
{
    uintptr_t left = *(uintptr_t const *)a, right = *(uintptr_t const *)b;

    return (left > right) - (left < right);
}

static void taking_single_pages_yields_every_free_page_once(void **state)
{
    struct mm_stats start = arena_stats();
    void **table = new_table();
    uint32_t n = take_all(table);
    uintptr_t first = (uintptr_t)arena_memory() + 300 * PAGE_SIZE;

    (void)state;
    assert_int_equal(n, start.free_pages);
    assert_int_equal(arena_stats().free_pages, 0);
    qsort(table, n, sizeof(*table), by_address);
    for (uint32_t i = 0; i < n; i++) {
        assert_int_equal((uintptr_t)table[i] % PAGE_SIZE, 0);
        assert_in_range((uintptr_t)table[i], first, first + 2999 * PAGE_SIZE);
        assert_true(i == 0 || table[i] != table[i - 1]);
    }
    arena_shuffle(table, n);
    for (uint32_t i = 0; i < n; i++)
        free_at(table[i], 0);
    assert_same_blocks(&start);
    free(table);
}

static void order_beyond_max_is_refused(void **state)
{
    static const unsigned orders[] = { MAX_PAGE_ORDER + 1, 31, 32, UINT32_MAX };
    struct arena_state before = arena_state();

    (void)state;
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        uint32_t failed = arena_stats().failed;

        assert_null(alloc_pages(GFP_KERNEL, orders[i]));
        assert_int_equal(expect_report(MM_BUG_TOO_LARGE)->order, orders[i]);
        assert_int_equal(__get_free_pages(GFP_KERNEL, orders[i]), 0);
        expect_report(MM_BUG_TOO_LARGE);
        assert_null(alloc_pages(GFP_KERNEL | __GFP_NOWARN, orders[i]));
        expect_silence();
        assert_int_equal(arena_stats().failed, failed + 3);
        assert_same_state(&before);
    }
}

static void blocks_are_aligned_to_their_size(void **state)
{
    (void)state;
    for (int round = 0; round < 200; round++) {
        unsigned order = arena_random_below(8);
        uintptr_t addr = (uintptr_t)pages_at(order);

        assert_true(addr != 0);
        assert_int_equal(addr & ((PAGE_SIZE << order) - 1), 0);
        if (arena_random_below(3) == 0)
            free_at((void *)addr, order);
        if (arena_stats().free_pages < 600)
            break;
    }
    arena_check();
}

/* Free pages that have no free neighbour, half of all: none can join. */
static void free_joins_buddies_up_to_max_order(void **state)
{
    void **table = new_table();
    struct mm_stats start = arena_stats();
    uint32_t n = take_all(table), even = 0;

    (void)state;
    for (uint32_t i = 0; i < n; i++)
        if (((uintptr_t)table[i] >> PAGE_SHIFT) % 2 == 0) {
            free_at(table[i], 0);
            table[i] = NULL;
            even++;
        }
    assert_int_equal(arena_stats().free_blocks[0], even);
    assert_int_equal(arena_stats().free_pages, even);
    assert_null(alloc_pages(GFP_KERNEL | __GFP_NOWARN, 1));
    arena_check();
    for (uint32_t i = 0; i < n; i++)
        if (table[i])
            free_at(table[i], 0);
    assert_true(start.free_blocks[MAX_PAGE_ORDER] >= 2);
    assert_same_blocks(&start);
    free(table);
}

static void a_split_buddy_joins_only_once_it_is_whole(void **state)
{
    struct mm_stats start = arena_stats();
    void *parts[64];

    (void)state;
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 64; i++)
            parts[i] = pages_at(0);
        arena_shuffle(parts, 64);
        for (int i = 0; i < 64; i++) {
            free_at(parts[i], 0);
            arena_check();      /* B4: no two buddies stand side by side */
        }
        assert_same_blocks(&start);
    }
}

static void zeroed_pages_are_zero_whoever_had_them(void **state)
{
    (void)state;
    for (unsigned order = 0; order <= MAX_PAGE_ORDER; order++) {
        void *dirty = pages_at(order);

        memset(dirty, 0x5A, PAGE_SIZE << order);
        free_at(dirty, order);

        struct page *page = alloc_pages(GFP_KERNEL | __GFP_ZERO, order);

        assert_true(all_bytes(page_address(page), 0, PAGE_SIZE << order));
        __free_pages(page, order);
    }

    unsigned long single = get_zeroed_page(GFP_KERNEL);

    assert_true(all_bytes((void *)single, 0, PAGE_SIZE));
    free_page(single);
}

static void out_of_memory_changes_nothing_and_says_what_was_asked(void **state)
{
    void **table = new_table();
    uint32_t n = take_all(table), line;

    (void)state;
    free_at(table[0], 0);

    struct arena_state before = arena_state();
    uint32_t failed = arena_stats().failed;

    assert_null(alloc_pages(GFP_KERNEL, 1)); line = __LINE__;

    const struct mm_report *report = expect_report(MM_OUT_OF_MEMORY);

    assert_int_equal(report->order, 1);
    assert_int_equal(report->gfp, GFP_KERNEL);
    assert_string_equal(report->call, "alloc_pages");
    assert_false(report->fatal);
    assert_site(report->caller, line);
    assert_same_state(&before);
    assert_null(alloc_pages(GFP_ATOMIC | __GFP_NOWARN, 1));
    expect_silence();
    assert_int_equal(arena_stats().failed, failed + 2);
    assert_same_state(&before);
    table[0] = pages_at(0);
    assert_non_null(table[0]);  /* what there is can still be had */
    for (uint32_t i = 0; i < n; i++)
        free_at(table[i], 0);
    free(table);
}

static void exact_pages_keep_what_is_asked_and_no_more(void **state)
{
    struct mm_stats start = arena_stats();

    (void)state;
    for (uint32_t n = 1; n <= 70; n++) {
        size_t bytes = n * PAGE_SIZE - arena_random_below(PAGE_SIZE);
        void *run = alloc_pages_exact(bytes, GFP_KERNEL | __GFP_ZERO);

        assert_non_null(run);
        assert_int_equal(arena_stats().live_pages, n);
        assert_int_equal(arena_stats().free_pages, start.free_pages - n);
        assert_true(all_bytes(run, 0, n * PAGE_SIZE));
        assert_true(arena_what(run).exact || (n & (n - 1)) == 0);
        arena_check();
        memset(run, 0x77, n * PAGE_SIZE);

        void *tail = pages_at(0);       /* from the tail, most often */

        memset(tail, 0x11, PAGE_SIZE);
        assert_true(all_bytes(run, 0x77, n * PAGE_SIZE));
        free_pages_exact(run, bytes);
        free_at(tail, 0);
        assert_same_blocks(&start);
    }
}

/* A run's blocks are the largest that fit, one after the other: 11 is 8 + 2 + 1. */
static void exact_pages_begin_with_the_largest_block(void **state)
{
    (void)state;
    for (uint32_t n = 1; n <= 1000; n += 1 + n / 9) {
        void *run = alloc_pages_exact(n * PAGE_SIZE, GFP_KERNEL);

        assert_int_equal(arena_what(run).order, 31 - __builtin_clz(n));
        assert_int_equal((uintptr_t)run % (PAGE_SIZE << arena_what(run).order), 0);
        free_pages_exact(run, n * PAGE_SIZE);
    }
}

static void exact_pages_beyond_the_largest_block_are_refused(void **state)
{
    const size_t largest = PAGE_SIZE << MAX_PAGE_ORDER;
    const size_t sizes[] = { 0, largest + 1, SIZE_MAX / 2, SIZE_MAX - PAGE_SIZE,
                             SIZE_MAX - 1, SIZE_MAX };
    struct arena_state before = arena_state();

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        assert_null(alloc_pages_exact(opaque(sizes[i]), GFP_KERNEL));
        expect_report(MM_BUG_TOO_LARGE);
        assert_same_state(&before);
    }
    free_pages_exact(alloc_pages_exact(largest, GFP_KERNEL), largest);
}

static void addresses_and_page_structs_are_one_to_one(void **state)
{
    struct page *page = alloc_pages(GFP_KERNEL, 2);
    char *addr = page_address(page);
    int local = 0;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        assert_ptr_equal(virt_to_page(addr + i * PAGE_SIZE), page + i);
        assert_ptr_equal(page_address(page + i), addr + i * PAGE_SIZE);
        assert_ptr_equal(virt_to_page(addr + i * PAGE_SIZE + 4095), page + i);
    }
    assert_null(virt_to_page(&local));
    assert_null(virt_to_page(NULL));
    free_pages((unsigned long)addr, 2);
}

static void nothing_is_nothing_to_free(void **state)
{
    struct arena_state before = arena_state();

    (void)state;
    free_pages(0, 0);
    free_pages(0, 5);
    free_page(0);
    __free_pages(NULL, 0);
    __free_pages(NULL, 7);
    free_pages_exact(NULL, 0);
    free_pages_exact(NULL, 9000);
    assert_same_state(&before);
    assert_int_equal(arena_stats().bad_frees, 0);
}

static void the_page_api_is_counted_in_pages(void **state)
{
    struct page *one = alloc_page(GFP_KERNEL), *eight = alloc_pages(GFP_KERNEL, 3);
    void *three = alloc_pages_exact(3 * PAGE_SIZE, GFP_KERNEL);

    (void)state;
    assert_int_equal(arena_stats().pages_allocated, 12);
    assert_int_equal(arena_stats().live_pages, 12);
    assert_int_equal(arena_stats().kmallocs, 0);
    __free_page(one);
    __free_pages(eight, 3);
    free_pages_exact(three, 3 * PAGE_SIZE);
    assert_int_equal(arena_stats().pages_freed, 12);
    assert_int_equal(arena_stats().live_pages, 0);
    arena_check();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(every_order_comes_and_goes_back),
        ARENA_TEST(taking_single_pages_yields_every_free_page_once),
        ARENA_TEST(order_beyond_max_is_refused),
        ARENA_TEST(blocks_are_aligned_to_their_size),
        ARENA_TEST(free_joins_buddies_up_to_max_order),
        ARENA_TEST(a_split_buddy_joins_only_once_it_is_whole),
        ARENA_TEST(zeroed_pages_are_zero_whoever_had_them),
        ARENA_TEST(out_of_memory_changes_nothing_and_says_what_was_asked),
        ARENA_TEST(exact_pages_keep_what_is_asked_and_no_more),
        ARENA_TEST(exact_pages_begin_with_the_largest_block),
        ARENA_TEST(exact_pages_beyond_the_largest_block_are_refused),
        ARENA_TEST(addresses_and_page_structs_are_one_to_one),
        ARENA_TEST(nothing_is_nothing_to_free),
        ARENA_TEST(the_page_api_is_counted_in_pages),
    };

    return ARENA_RUN_WITH_DIALS(tests);
}
