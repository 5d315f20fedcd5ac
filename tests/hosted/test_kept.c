/*
 * test_kept.c - single pages that are kept from joining for the next taker.
 */
#include "mm/watch/dials.h"
#include "tests/hosted/arena.h"

#include <string.h>

/* A largest block is whole; a page of it is taken and freed. */
static void touch_one_page(struct mm_stats *start)
{
    mm_reclaim();
    *start = arena_stats();
    __free_page(alloc_page(GFP_KERNEL));
}

static void a_single_page_waits_unjoined_for_the_next_taker(void **state)
{
    struct mm_stats start;
    struct page *page;

    (void)state;
    touch_one_page(&start);
    assert_int_equal(arena_stats().free_pages, start.free_pages);
    assert_int_equal(arena_stats().free_blocks[0], start.free_blocks[0] + 2);
    page = alloc_page(GFP_KERNEL);
    assert_int_equal(arena_stats().free_blocks[0], start.free_blocks[0] + 1);
    __free_page(page);
    assert_ptr_equal(alloc_page(GFP_KERNEL), page);
    __free_page(page);
    arena_check();
    mm_reclaim();
    assert_memory_equal(arena_stats().free_blocks, start.free_blocks,
                        sizeof(start.free_blocks));
}

static void unjoined_pages_join_when_a_larger_block_is_wanted(void **state)
{
    struct mm_stats start;

    (void)state;
    touch_one_page(&start);
    for (uint32_t n = start.free_blocks[MAX_PAGE_ORDER]; n; n--)
        assert_non_null(alloc_pages(GFP_KERNEL | __GFP_NORETRY, MAX_PAGE_ORDER));
    arena_check();
}

static void only_a_few_pages_wait(void **state)
{
    struct mm_stats start = arena_stats();
    struct page *page[200];

    (void)state;
    for (int i = 0; i < 200; i++)
        page[i] = alloc_page(GFP_KERNEL);
    for (int i = 0; i < 200; i++)
        __free_page(page[i]);
    assert_true(arena_stats().free_blocks[0] < start.free_blocks[0] + 40);
    arena_check();
}

/* What a dial shows is plain: pages join at once, and those that waited have joined. */
static void with_a_dial_on_nothing_waits(void **state)
{
    struct mm_stats start;

    (void)state;
    touch_one_page(&start);
    assert_null(mm_set_dial("page_owner", "on"));
    assert_memory_equal(arena_stats().free_blocks, start.free_blocks,
                        sizeof(start.free_blocks));
    __free_page(alloc_page(GFP_KERNEL));
    assert_memory_equal(arena_stats().free_blocks, start.free_blocks,
                        sizeof(start.free_blocks));
    assert_null(mm_set_dial("page_owner", "off"));
    __free_page(alloc_page(GFP_KERNEL));
    assert_int_equal(arena_stats().free_blocks[0], start.free_blocks[0] + 2);
    arena_check();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(a_single_page_waits_unjoined_for_the_next_taker),
        ARENA_TEST(unjoined_pages_join_when_a_larger_block_is_wanted),
        ARENA_TEST(only_a_few_pages_wait),
        ARENA_TEST(with_a_dial_on_nothing_waits),
    };

    return ARENA_RUN(tests);
}
