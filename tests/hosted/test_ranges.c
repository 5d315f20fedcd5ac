/*
 * test_ranges.c - handing memory over: any ranges, in any order, at any byte. What
 * was not given is never handed out, never written to, and never joined across.
 */
#include "tests/hosted/arena.h"

#include <string.h>
#include <time.h>

/* ---- one range ---------------------------------------------------------------- */

/* Every free page singly, and all back: nothing is lost, nothing else is touched. */
static void drain_and_refill(void)
{
    struct mm_stats start = arena_stats();
    void **chain = NULL, **page;
    uint32_t n = 0;

    while ((page = (void **)__get_free_page(GFP_KERNEL | __GFP_NOWARN))) {
        memset(page, 0x42, PAGE_SIZE);
        *page = chain;
        chain = page;
        n++;
    }
    assert_int_equal(n, start.free_pages);
    while (chain) {
        page = *chain;
        free_page((unsigned long)chain);
        chain = page;
    }
    assert_same_blocks(&start);
}

static void every_size_at_every_offset_is_whole(void **state)
{
    static const uint32_t offsets[] = { 0, 1, 2, 3, 511, 777, 1000, 1023 };

    (void)state;
    for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++)
        for (uint32_t pages = 1; pages <= 200; pages++) {
            arena_open(pages, offsets[i]);
            arena_check();

            struct mm_stats stats = arena_stats();

            if (stats.total_pages)
                assert_int_equal(stats.total_pages, pages);
            assert_int_equal(stats.free_pages + stats.meta_pages, stats.total_pages);
            assert_int_equal(stats.skipped, stats.total_pages == 0);
            if (pages % 7 == 0 || pages < 20)
                drain_and_refill();
        }
}

static void nothing_works_and_nothing_breaks(void)
{
    uint32_t failed = arena_stats().failed;

    assert_null(kmalloc(8, GFP_KERNEL));
    expect_report(MM_OUT_OF_MEMORY);
    assert_null(kmalloc(50000, GFP_KERNEL));
    expect_report(MM_OUT_OF_MEMORY);
    assert_null(alloc_page(GFP_KERNEL));
    expect_report(MM_OUT_OF_MEMORY);
    assert_null(alloc_pages_exact(1, GFP_ATOMIC | __GFP_NOWARN));
    assert_int_equal(arena_stats().failed, failed + 4);
    assert_int_equal(arena_stats().free_pages, 0);
    assert_int_equal(arena_what(arena_memory()).pfn, NO_PAGE);
    kfree(NULL);
    kfree(arena_memory());
    expect_report(MM_BUG_NOT_HEAP);
    mm_count_sites(0);
    assert_int_equal(mm_reclaim(), 0);
    arena_check();
}

static void without_memory_everything_is_null_and_nothing_crashes(void **state)
{
    uintptr_t at = (uintptr_t)arena_memory();
    const struct mm_range useless[] = {
        { at, 0 }, { at + 1, 0 }, { at, 4095 }, { at + 1, 8190 }, { 0, 0 },
        { 0, 100 }, { 0, PAGE_SIZE }, { UINTPTR_MAX - 100, 100 }, { UINTPTR_MAX, 1 },
    };

    (void)state;
    arena_open_ranges(NULL, 0, 0);
    assert_int_equal(arena_stats().total_pages, 0);
    nothing_works_and_nothing_breaks();
    for (size_t i = 0; i < sizeof(useless) / sizeof(useless[0]); i++) {
        arena_open_ranges(&useless[i], 1, 0);
        assert_int_equal(arena_stats().total_pages, 0);
        assert_int_equal(arena_stats().skipped, 1);
        nothing_works_and_nothing_breaks();
    }
}

static void a_single_page_has_no_room_but_is_no_harm(void **state)
{
    (void)state;
    arena_open(1, 0);
    assert_int_equal(arena_stats().free_pages, 0);
    nothing_works_and_nothing_breaks();
}

static void mm_init_again_forgets_all(void **state)
{
    struct mm_stats fresh = arena_stats();

    (void)state;
    assert_non_null(kmalloc(100, GFP_KERNEL));
    assert_non_null(kmem_cache_create("forgotten", 10, 0, 0, NULL));
    assert_null(kmalloc(SIZE_MAX / 2, GFP_KERNEL | __GFP_NOWARN));
    arena_open(3000, 300);
    assert_int_equal(arena_stats().kmallocs, 0);
    assert_int_equal(arena_stats().failed, 0);
    assert_int_equal(arena_stats().last_serial, 0);
    assert_null(mm_find_cache("forgotten"));
    assert_same_blocks(&fresh);
}

/* ---- many ranges -------------------------------------------------------------- */

#define SPAN_PAGES 2600u
#define SPAN_BYTES (SPAN_PAGES * PAGE_SIZE)
#define MANY 24u

/* The simplest model: for each page, is it whole inside one of the ranges? */
struct given {
    bool page[SPAN_PAGES];
    uint32_t pages, skipped;
};

static void give(struct given *given, const struct mm_range *range)
{
    uintptr_t base = (uintptr_t)arena_memory(), end = range->start + range->bytes;
    bool any = false;

    for (uintptr_t i = 0; i < SPAN_PAGES; i++)
        if (base + i * PAGE_SIZE >= range->start &&
            base + (i + 1) * PAGE_SIZE <= end) {
            any = true;
            given->pages += !given->page[i];
            given->page[i] = true;
        }
    given->skipped += !any;
}

static struct mm_range random_range(void)
{
    size_t longest = arena_random_below(4) ? 100 * PAGE_SIZE : 900 * PAGE_SIZE;
    size_t start = arena_random_below(SPAN_BYTES), bytes;

    switch (arena_random_below(6)) {
    case 0:  bytes = 0; break;
    case 1:  bytes = arena_random_below(PAGE_SIZE * 2); break;
    default: bytes = arena_random_below((uint32_t)longest); break;
    }
    if (arena_random_below(2))
        start &= ~(PAGE_SIZE - 1);
    if (bytes > SPAN_BYTES - start)
        bytes = SPAN_BYTES - start;
    return (struct mm_range){ (uintptr_t)arena_memory() + start, bytes };
}

static uintptr_t page_number(const void *addr)
{
    return ((uintptr_t)addr - (uintptr_t)arena_memory()) / PAGE_SIZE;
}

/* Take blocks of every order till all is gone: no page of them was not given. */
static void take_everything(const struct given *given)
{
    for (unsigned order = MAX_PAGE_ORDER + 1; order-- > 0; ) {
        unsigned char *block;

        while ((block = (void *)__get_free_pages(GFP_KERNEL | __GFP_NOWARN, order))) {
            for (size_t i = 0; i < 1u << order; i++) {
                assert_true(page_number(block) + i < SPAN_PAGES);
                assert_true(given->page[page_number(block) + i]);
            }
            memset(block, 0x42, PAGE_SIZE << order);
        }
    }
    assert_int_equal(arena_stats().free_pages, 0);
}

/* What was not given still holds its dirt, and is a hole or outside. */
static void assert_untouched(const struct given *given)
{
    for (size_t i = 0; i < SPAN_PAGES; i++) {
        unsigned char *page = arena_memory() + i * PAGE_SIZE;
        enum mm_what_kind kind = arena_what(page).kind;

        if (given->page[i]) {
            assert_true(kind == MM_META || kind == MM_USED_PAGES);
        } else {
            assert_true(kind == MM_HOLE || kind == MM_OUTSIDE);
            assert_true(all_bytes(page, ARENA_DIRT, PAGE_SIZE));
        }
    }
}

static void try_ranges(const struct mm_range *ranges, uint32_t n)
{
    struct given given = { .pages = 0 };

    for (uint32_t i = 0; i < n; i++)
        give(&given, &ranges[i]);
    arena_open_ranges(ranges, n, SPAN_BYTES);
    arena_check();
    if (arena_stats().skipped > given.skipped) {
        assert_true(given.pages < 200);         /* no range had room for the structs */
        return;
    }
    assert_int_equal(arena_stats().skipped, given.skipped);
    assert_int_equal(arena_stats().total_pages, given.pages);
    take_everything(&given);
    assert_untouched(&given);
}

static void random_ranges_give_their_whole_pages_and_no_more(void **state)
{
    (void)state;
    for (int round = 0; round < 150; round++) {
        struct mm_range ranges[MANY];
        uint32_t n = 1 + arena_random_below(MANY);

        for (uint32_t i = 0; i < n; i++)
            ranges[i] = random_range();
        try_ranges(ranges, n);
    }
}

/* Ranges of a table, in pages and odd bytes from the arena's start. */
static void ranges_of_every_awkward_kind(void **state)
{
    static const struct mm_range table[][4] = {
        { { 0x200000, 0x100000 }, { 0, 0x100000 } },            /* unsorted, a hole */
        { { 0, 0x200000 }, { 0x100000, 0x200000 } },            /* overlapping */
        { { 0, 0x300000 }, { 0x100000, 0x10000 } },             /* one in another */
        { { 0, 0x200000 }, { 0, 0x200000 } },                   /* twice the same */
        { { 0, 0x200000 }, { 0x200000, 0x200000 } },            /* side by side */
        { { 1, 0x200000 }, { 0x200001, 0x200000 } },            /* at odd bytes */
        { { 0xfff, 0x1ffffe }, { 0x300fff, 0x1001 } },
        { { 0x3ff000, 0x2000 }, { 0x7ff000, 0x2000 }, { 0, 0x80000 } },
        { { 0x1000, 0x1000 }, { 0x3000, 0x1000 }, { 0x5000, 0x1000 },
          { 0x7000, 0x90000 } },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct mm_range ranges[4];
        uint32_t n = 0;

        for (; n < 4 && table[i][n].bytes; n++) {
            ranges[n] = table[i][n];
            ranges[n].start += (uintptr_t)arena_memory();
        }
        try_ranges(ranges, n);
    }
}

static void ranges_side_by_side_join_and_holes_do_not(void **state)
{
    uintptr_t at = (uintptr_t)arena_memory() + 4 * 1024 * PAGE_SIZE;
    const struct mm_range books = { (uintptr_t)arena_memory(), 300 * PAGE_SIZE };
    const size_t half = 512 * PAGE_SIZE;
    const struct mm_range touching[] = { books, { at + half, half }, { at, half } };
    const struct mm_range apart[] = { books, { at, half - PAGE_SIZE },
                                      { at + half, half } };

    (void)state;
    arena_open_ranges(touching, 3, SPAN_BYTES);
    assert_int_equal(arena_stats().free_blocks[10], 1);
    drain_and_refill();
    arena_open_ranges(apart, 3, SPAN_BYTES);
    assert_int_equal(arena_stats().free_blocks[10], 0);
    assert_int_equal(arena_stats().free_blocks[9], 1);
    drain_and_refill();
}

static void blocks_are_aligned_in_absolute_addresses(void **state)
{
    (void)state;
    for (uint32_t offset = 0; offset < 1024; offset += 93) {
        arena_open(2500, offset);
        for (unsigned order = 0; order <= MAX_PAGE_ORDER; order++) {
            unsigned long block = __get_free_pages(GFP_KERNEL | __GFP_NOWARN, order);

            assert_int_equal(block & ((PAGE_SIZE << order) - 1), 0);
        }
    }
}

/* Two pages 60 MiB behind 64 others: structs for all of that fit nowhere. */
static void a_far_small_range_is_left_out_and_the_rest_is_used(void **state)
{
    const uintptr_t start = (uintptr_t)arena_memory();
    const struct mm_range near = { start + PAGE_SIZE, 64 * PAGE_SIZE };
    const struct mm_range far = { start + ((size_t)60 << 20), 2 * PAGE_SIZE };
    const struct mm_range orders[][2] = { { near, far }, { far, near } };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        arena_open_ranges(orders[i], 2, ARENA_BYTES);
        arena_check();
        assert_int_equal(arena_stats().skipped, 1);
        assert_int_equal(arena_stats().total_pages, 64);
        drain_and_refill();
    }
}

/*
 * Single pages, thousands of them, far from the rest whichever way addresses wrap: they
 * are left out one by one.  What grows as the fourth power would take hours.
 */
static void thousands_of_ranges_are_left_out_in_no_time(void **state)
{
    enum { FAR = 2000 };
    static struct mm_range ranges[FAR + 1];
    const uintptr_t step = sizeof(step) > 4 ? (uintptr_t)1 << 20 << 20 : 1u << 19;
    const uintptr_t far = (uintptr_t)arena_memory() + 3000 * step;
    clock_t start = clock();

    (void)state;
    for (size_t i = 0; i < FAR; i++)
        ranges[i] = (struct mm_range){ far + i * step, PAGE_SIZE };
    ranges[FAR] = (struct mm_range){ (uintptr_t)arena_memory(), 64 * PAGE_SIZE };
    arena_open_ranges(ranges, FAR + 1, 64 * PAGE_SIZE);
    assert_true(clock() - start < 5 * CLOCKS_PER_SEC);
    assert_int_equal(arena_stats().skipped, FAR);
    assert_int_equal(arena_stats().total_pages, 64);
    arena_check();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(every_size_at_every_offset_is_whole),
        ARENA_TEST(without_memory_everything_is_null_and_nothing_crashes),
        ARENA_TEST(a_single_page_has_no_room_but_is_no_harm),
        ARENA_TEST(a_far_small_range_is_left_out_and_the_rest_is_used),
        ARENA_TEST(thousands_of_ranges_are_left_out_in_no_time),
        ARENA_TEST(mm_init_again_forgets_all),
        ARENA_TEST(random_ranges_give_their_whole_pages_and_no_more),
        ARENA_TEST(ranges_of_every_awkward_kind),
        ARENA_TEST(ranges_side_by_side_join_and_holes_do_not),
        ARENA_TEST(blocks_are_aligned_in_absolute_addresses),
    };

    return ARENA_RUN(tests);
}
