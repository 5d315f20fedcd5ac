/*
 * test_krealloc.c - krealloc: when it moves, what it keeps, whose the memory is.
 */
#include "tests/hosted/arena.h"

#include <string.h>

static void fill(unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (unsigned char)(i * 7 + 1);
}

static bool is_filled(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != (unsigned char)(i * 7 + 1))
            return false;
    return true;
}

static void of_nothing_it_is_kmalloc(void **state)
{
    (void)state;
    void *a = krealloc(NULL, 40, GFP_KERNEL);
    void *b = krealloc(ZERO_SIZE_PTR, 40, GFP_KERNEL);
    unsigned char *zeroed = krealloc(NULL, 40, GFP_KERNEL | __GFP_ZERO);

    assert_int_equal(arena_what(a).asked, 40);
    assert_int_equal(arena_what(b).asked, 40);
    assert_true(all_bytes(zeroed, 0, ksize(zeroed)));
    assert_int_equal(arena_stats().kmallocs, 3);
    kfree(a), kfree(b), kfree(zeroed);
    assert_ptr_equal(krealloc(NULL, 0, GFP_KERNEL), ZERO_SIZE_PTR);
    assert_int_equal(arena_stats().kmallocs, 3);
    assert_int_equal(arena_stats().kfrees, 3);
}

static void to_nothing_it_is_kfree(void **state)
{
    void *p = kmalloc(40, GFP_KERNEL);

    (void)state;
    assert_ptr_equal(krealloc(p, 0, GFP_KERNEL), ZERO_SIZE_PTR);
    assert_int_equal(arena_what(p).kind, MM_SLAB_FREE);
    assert_int_equal(arena_stats().live_objects, 0);
    assert_ptr_equal(krealloc(ZERO_SIZE_PTR, 0, GFP_KERNEL), ZERO_SIZE_PTR);
    assert_int_equal(arena_stats().kfrees, 1);
}

static void within_its_slot_it_stays_and_only_the_size_changes(void **state)
{
    static const size_t slots[] = { 8, 64, 96, 192, 4096, 8192, 16384, 1 << 20 };

    (void)state;
    for (size_t i = 0; i < sizeof(slots) / sizeof(slots[0]); i++) {
        unsigned char *p = kmalloc(slots[i], GFP_KERNEL);
        uint32_t serial = arena_what(p).serial;
        struct mm_stats before = arena_stats();
        const size_t sizes[] = { slots[i], 1, slots[i] / 2, slots[i] - 1, slots[i] };

        fill(p, slots[i]);
        for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
            assert_ptr_equal(krealloc(p, sizes[k], GFP_KERNEL), p);
            assert_int_equal(arena_what(p).asked, sizes[k]);
            assert_int_equal(arena_what(p).serial, serial);
            assert_int_equal(arena_stats().live_bytes, sizes[k]);
            assert_int_equal(arena_stats().kmallocs, before.kmallocs);
            assert_int_equal(arena_stats().last_serial, serial);
            arena_check();
        }
        assert_true(is_filled(p, slots[i]));
        kfree(p);
    }
}

static void a_move_keeps_the_contents_and_counts_one_of_each(void **state)
{
    unsigned char *p = kmalloc(32, GFP_KERNEL), *moved;
    uint32_t line;

    (void)state;
    fill(p, 32);
    moved = krealloc(p, 33, GFP_KERNEL); line = __LINE__;
    assert_ptr_not_equal(moved, p);
    assert_true(is_filled(moved, 32));
    assert_int_equal(arena_what(p).kind, MM_SLAB_FREE);
    assert_site(arena_what(p).freed_by, line);
    assert_site(arena_what(moved).taken_by, line);
    assert_int_equal(arena_what(moved).serial, 2);
    assert_int_equal(arena_stats().kmallocs, 2);
    assert_int_equal(arena_stats().kfrees, 1);
    assert_int_equal(arena_stats().live_objects, 1);
    kfree(moved);
}

static void contents_survive_201_to_235_and_back_at_all_sizes(void **state)
{
    static const size_t bases[] = { 0, 200, 4000, 8000, 16384, 100000 };

    (void)state;
    for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
        size_t small = bases[i] + 201, large = bases[i] * 2 + 235;
        unsigned char *p = kmalloc(small, GFP_KERNEL);

        fill(p, small);
        for (int round = 0; round < 3; round++) {
            p = krealloc(p, large, GFP_KERNEL);
            assert_true(is_filled(p, small));
            fill(p, large);
            arena_check();
            p = krealloc(p, small, GFP_KERNEL);
            assert_true(is_filled(p, small));
            arena_check();
        }
        kfree(p);
    }
}

static void doubling_up_and_halving_down_keeps_all_bytes(void **state)
{
    struct mm_stats start = arena_stats();
    size_t size = 16;
    unsigned char *p = kmalloc(size, GFP_KERNEL);

    (void)state;
    fill(p, size);
    for (; size < KMALLOC_MAX_SIZE / 2; size *= 2) {
        p = krealloc(p, size * 2, GFP_KERNEL);
        assert_true(is_filled(p, size));
        fill(p, size * 2);
        arena_check();
    }
    for (; size > 1; size /= 2) {
        p = krealloc(p, size / 2, GFP_KERNEL);
        assert_true(is_filled(p, size / 2));
        arena_check();
    }
    kfree(p);
    assert_same_blocks(&start);
}

static void growth_with_zero_is_zero_behind_the_old_slot(void **state)
{
    unsigned char *p = kmalloc(64, GFP_KERNEL);

    (void)state;
    fill(p, 64);
    p = krealloc(p, 500, GFP_KERNEL | __GFP_ZERO);
    assert_true(is_filled(p, 64));
    assert_true(all_bytes(p + 64, 0, ksize(p) - 64));
    kfree(p);
}

static void a_failed_growth_leaves_the_old_block_to_its_owner(void **state)
{
    (void)state;
    arena_open(64, 5);

    unsigned char *p = kmalloc(100, GFP_KERNEL);
    uint32_t line;

    fill(p, 100);
    while (kmalloc(4096, GFP_KERNEL | __GFP_NOWARN))
        ;

    struct arena_state before = arena_state();

    assert_null(krealloc(p, 5000, GFP_KERNEL)); line = __LINE__;

    const struct mm_report *report = expect_report(MM_OUT_OF_MEMORY);

    assert_string_equal(report->call, "krealloc");
    assert_int_equal(report->bytes, 5000);
    assert_site(report->caller, line);
    assert_same_state(&before);
    assert_null(krealloc(p, opaque(SIZE_MAX), GFP_KERNEL));
    expect_report(MM_BUG_TOO_LARGE);
    assert_null(krealloc_array(p, opaque(SIZE_MAX / 2), 3, GFP_KERNEL));
    expect_report(MM_BUG_TOO_LARGE);
    assert_same_state(&before);
    assert_int_equal(arena_stats().failed, before.stats.failed + 3);
    assert_true(is_filled(p, 100));
    kfree(p);
    assert_int_equal(arena_what(p).kind, MM_SLAB_FREE);
}

static void arrays_are_reallocated_by_their_product(void **state)
{
    uint32_t *table = krealloc_array(NULL, 10, sizeof(*table), GFP_KERNEL);

    (void)state;
    assert_int_equal(arena_what(table).asked, 40);
    table[9] = 99;
    table = krealloc_array(table, 1000, sizeof(*table), GFP_KERNEL);
    assert_int_equal(arena_what(table).asked, 4000);
    assert_int_equal(table[9], 99);
    assert_ptr_equal(krealloc_array(table, 0, sizeof(*table), GFP_KERNEL),
                     ZERO_SIZE_PTR);
    assert_int_equal(arena_stats().live_objects, 0);
}

static void objects_of_a_cache_may_be_reallocated_and_kfreed(void **state)
{
    struct kmem_cache *cache = kmem_cache_create("odd", 40, 0, 0, NULL);
    unsigned char *p = kmem_cache_alloc(cache, GFP_KERNEL);

    (void)state;
    fill(p, 40);
    p = krealloc(p, 400, GFP_KERNEL);
    assert_true(is_filled(p, 40));
    assert_int_equal(arena_cache("odd").live, 0);
    kfree(p);
    kfree(kmem_cache_alloc(cache, GFP_KERNEL));
    assert_int_equal(arena_cache("odd").live, 0);
    kmem_cache_destroy(cache);
}

static void of_a_wrong_pointer_it_is_refused(void **state)
{
    unsigned char *p = kmalloc(100, GFP_KERNEL), local[200];
    struct arena_state before = arena_state();

    (void)state;
    assert_null(krealloc(p + 8, 50, GFP_KERNEL));
    assert_string_equal(expect_report(MM_BUG_INTERIOR)->call, "krealloc");
    assert_null(krealloc(local, 50, GFP_KERNEL));
    expect_report(MM_BUG_NOT_HEAP);
    assert_same_state(&before);
    kfree(p);
    before = arena_state();
    assert_null(krealloc(p, 50, GFP_KERNEL));
    expect_report(MM_BUG_USE_AFTER_FREE);
    assert_null(krealloc(p, 5000, GFP_KERNEL));
    expect_report(MM_BUG_USE_AFTER_FREE);
    assert_same_state(&before);
}

static void ksize_of_a_wrong_pointer_is_zero_and_reported(void **state)
{
    unsigned char *p = kmalloc(100, GFP_KERNEL), local[200];

    (void)state;
    assert_int_equal(ksize(p + 1), 0);
    assert_string_equal(expect_report(MM_BUG_INTERIOR)->call, "ksize");
    assert_int_equal(ksize(local), 0);
    expect_report(MM_BUG_NOT_HEAP);
    kfree(p);
    assert_int_equal(ksize(p), 0);
    expect_report(MM_BUG_USE_AFTER_FREE);
}

/* Sizes that an object shrinks and grows through, in its slot and beyond. */
static const size_t ways[][6] = {
    { 64, 16, 64, 0 }, { 64, 1, 33, 64, 0 }, { 100, 20, 110, 128, 0 },
    { 64, 16, 200, 0 }, { 700, 10, 4000, 20, 8192, 0 }, { 60, 4, 30, 9, 3000, 0 },
    { 10000, 100, 16384, 0 }, { 20000, 5, 40000, 0 }, { 8192, 3, 8193, 0 },
};

/* Each byte that it gains is zero, and each that it keeps is as it was. */
static void go_one_way(const size_t *way, gfp_t gfp)
{
    unsigned char *p = kmalloc(*way, gfp);

    memset(p, 0x77, *way);
    for (; way[1]; way++) {
        size_t kept = way[0] < way[1] ? way[0] : way[1];

        p = krealloc(p, way[1], gfp);
        assert_true(all_bytes(p, 0x77, kept));
        assert_true(all_bytes(p + kept, 0, ksize(p) - kept));
        memset(p, 0x77, way[1]);
    }
    kfree(p);
}

static void what_it_gains_with_zero_is_zero(void **state)
{
    static const char *const dials[][2] = {
        { "slub_debug", "-" }, { "slub_debug", "Z" }, { "slub_debug", "P" },
        { "slub_debug", "FZPU" }, { "init_on_free", "1" }, { "quarantine", "64K" },
        { "debug_pagealloc", "on" }, { "page_owner", "on" },
    };

    (void)state;
    for (size_t d = 0; d < sizeof(dials) / sizeof(dials[0]); d++)
        for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
            set_dial(dials[d][0], dials[d][1]);
            go_one_way(ways[i], GFP_KERNEL | __GFP_ZERO);
            set_dial("init_on_alloc", "1");
            go_one_way(ways[i], GFP_KERNEL);
            arena_check();
            mm_reset_dials();
        }
}

/* Not known what was asked: so it holds for who asks for zeros each time, as in Linux. */
static void without_records_too(void **state)
{
    (void)state;
    mm_records = false;
    arena_open(1000, 0);
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
        go_one_way(ways[i], GFP_KERNEL | __GFP_ZERO);
    set_dial("init_on_alloc", "1");
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
        go_one_way(ways[i], GFP_KERNEL);
}

/* What lies in its slot behind what was asked for is not its own, and does not move. */
static void a_move_copies_what_was_asked_for(void **state)
{
    unsigned char *p = kmalloc(20, GFP_KERNEL), *q;
    size_t all = ksize(p);

    (void)state;
    assert_true(all > 20);
    memset(arena_memory() + (p - arena_memory()), 0x55, all);
    q = krealloc(p, 1000, GFP_KERNEL | __GFP_ZERO);
    assert_true(all_bytes(q, 0x55, 20));
    assert_true(all_bytes(q + 20, 0, 1004));
    kfree(q);
}

/* But who asks for all that ksize gives keeps it from then on. */
static void what_ksize_gives_is_kept_once_it_was_asked_for(void **state)
{
    unsigned char *p = kmalloc(20, GFP_KERNEL), *q;
    size_t all = ksize(p);

    (void)state;
    assert_true(all > 20);
    assert_ptr_equal(krealloc(p, all, GFP_KERNEL), p);
    memset(p, 0x55, all);
    q = krealloc(p, 1000, GFP_KERNEL | __GFP_ZERO);
    assert_true(all_bytes(q, 0x55, all));
    assert_true(all_bytes(q + all, 0, 1000 - all));
    kfree(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(of_nothing_it_is_kmalloc),
        ARENA_TEST(to_nothing_it_is_kfree),
        ARENA_TEST(within_its_slot_it_stays_and_only_the_size_changes),
        ARENA_TEST(a_move_keeps_the_contents_and_counts_one_of_each),
        ARENA_TEST(contents_survive_201_to_235_and_back_at_all_sizes),
        ARENA_TEST(doubling_up_and_halving_down_keeps_all_bytes),
        ARENA_TEST(growth_with_zero_is_zero_behind_the_old_slot),
        ARENA_TEST(a_failed_growth_leaves_the_old_block_to_its_owner),
        ARENA_TEST(arrays_are_reallocated_by_their_product),
        ARENA_TEST(objects_of_a_cache_may_be_reallocated_and_kfreed),
        ARENA_TEST(what_it_gains_with_zero_is_zero),
        ARENA_TEST(without_records_too),
        ARENA_TEST(a_move_copies_what_was_asked_for),
        ARENA_TEST(what_ksize_gives_is_kept_once_it_was_asked_for),
        ARENA_TEST(of_a_wrong_pointer_it_is_refused),
        ARENA_TEST(ksize_of_a_wrong_pointer_is_zero_and_reported),
    };

    return ARENA_RUN(tests);
}
