/*
 * test_slabs.c - the slabs behind a cache: which one serves, when they go back, how
 * densely they are packed.
 */
#include "mm/slab_priv.h"
#include "tests/hosted/objects.h"

#include <stdlib.h>
#include <string.h>

/* The start of the slab that an object lies in. */
static uintptr_t slab_of(const void *object, const struct mm_cache_info *info)
{
    return (uintptr_t)object & ~(info->pages_per_slab * PAGE_SIZE - 1);
}

/*
 * Three full slabs; free one object of the third, which stays the one being served, many
 * of the first, two of the second.
 */
static void the_fullest_partial_slab_serves_first(void **state)
{
    struct kmem_cache *cache = make("packed", 128, 0);
    unsigned char *first = kmem_cache_alloc(cache, GFP_KERNEL);
    struct mm_cache_info info = arena_cache("packed");
    uint32_t each = info.slots_per_slab, n = 3 * each;
    unsigned char **table = calloc(n, sizeof(*table));

    (void)state;
    kmem_cache_free(cache, first);
    take(cache, table, n);
    assert_int_equal(arena_cache("packed").full_slabs, 3);

    uintptr_t many = slab_of(table[0], &info), few = slab_of(table[each], &info);
    uintptr_t last = slab_of(table[n - 1], &info);

    kmem_cache_free(cache, table[n - 1]);
    for (uint32_t i = 0; i < each - 2; i++)
        kmem_cache_free(cache, table[i]);
    kmem_cache_free(cache, table[each]);
    kmem_cache_free(cache, table[each + 1]);
    assert_int_equal(slab_of(kmem_cache_alloc(cache, GFP_KERNEL), &info), last);
    assert_int_equal(slab_of(kmem_cache_alloc(cache, GFP_KERNEL), &info), few);
    assert_int_equal(slab_of(kmem_cache_alloc(cache, GFP_KERNEL), &info), few);
    assert_int_equal(slab_of(kmem_cache_alloc(cache, GFP_KERNEL), &info), many);
    assert_int_equal(arena_cache("packed").slabs, 3);
    free(table);
}

/* Three full slabs of that size, all in table; returns how many are in one of them. */
static uint32_t fill_three(struct kmem_cache *cache, unsigned char **table)
{
    uint32_t each = cache->slots;

    take(cache, table, 3 * each);
    assert_int_equal(cache->slabs, 3);
    assert_int_equal(*cache->word, 0);
    return each;
}

/* Of few slots, and of many, which have several words. */
static const size_t few_and_many[] = { 200, 64 };

static void where_all_is_full_the_slab_of_a_free_is_served(void **state)
{
    unsigned char *table[3 * MAX_SLOTS];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct kmem_cache *cache = make("served", few_and_many[i], 0);
        uint32_t each = fill_three(cache, table);
        struct page *slabs[] = { virt_to_page(table[0]), virt_to_page(table[each]) };

        for (uint32_t k = 0; k < each; k++) {
            unsigned char **object = &table[k % 2 * each + k];

            kmem_cache_free(cache, *object);
            assert_ptr_equal(cache->slab, slabs[k % 2]);
            assert_int_equal(cache->levels, 0);
            arena_check();
            assert_ptr_equal(kmem_cache_alloc(cache, GFP_KERNEL), *object);
        }
        kmem_cache_free(cache, table[0]);       /* the same after all that */
        kmem_cache_free(cache, table[each]);
        assert_ptr_equal(cache->slab, slabs[0]);
        arena_check();
    }
}

/* Its clean twin: one free slot in the slab being served, in whichever word. */
static void a_slab_with_a_free_slot_goes_on_being_served(void **state)
{
    unsigned char *table[3 * MAX_SLOTS];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct kmem_cache *cache = make("served", few_and_many[i], 0);
        uint32_t each = fill_three(cache, table);

        for (uint32_t k = 2 * each; k < 3 * each; k++) {
            struct page *served = virt_to_page(table[k]);

            kmem_cache_free(cache, table[k]);
            kmem_cache_free(cache, table[0]);
            assert_ptr_equal(cache->slab, served);
            arena_check();
            assert_ptr_equal(kmem_cache_alloc(cache, GFP_KERNEL), table[k]);
            assert_ptr_equal(kmem_cache_alloc(cache, GFP_KERNEL), table[0]);
            kmem_cache_free(cache, table[k]);   /* serves the third again */
            assert_ptr_equal(kmem_cache_alloc(cache, GFP_KERNEL), table[k]);
        }
    }
}

static void every_slab_goes_back_to_the_block(void **state)
{
    static const size_t sizes[] = { 8, 24, 96, 100, 200, 500, 1000, 3000, 8192, 9000 };
    struct mm_stats start = arena_stats();

    (void)state;
    for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
        uint32_t n = (uint32_t)(1000000 / sizes[k]);
        void **table = calloc(n, sizeof(*table));

        if (n > 5000)
            n = 5000;
        for (uint32_t i = 0; i < n; i++)
            table[i] = kmalloc(sizes[k], GFP_KERNEL);
        arena_check();
        arena_shuffle(table, n);
        for (uint32_t i = 0; i < n; i++)
            kfree(table[i]);
        assert_same_blocks(&start);
        assert_int_equal(arena_stats().slab_pages, 0);
        free(table);
    }
}

static void shrink_gives_back_empty_slabs_and_only_those(void **state)
{
    unsigned char *table[500];
    struct kmem_cache *cache = make("shrinks", 200, 0);

    (void)state;
    take(cache, table, 500);
    assert_int_equal(kmem_cache_shrink(cache), 0);
    give_back(cache, table, 499);
    kmem_cache_shrink(cache);
    assert_int_equal(arena_cache("shrinks").slabs, 1);
    assert_int_equal(arena_cache("shrinks").empty_slabs, 0);
    assert_true(all_bytes(table[499], 499 & 255, 200));
    arena_check();
    kmem_cache_free(cache, table[499]);
    assert_int_equal(kmem_cache_shrink(cache), 1);
    assert_int_equal(arena_cache("shrinks").slabs, 0);
    kmem_cache_destroy(cache);
}

static void at_a_slabs_edge_pages_neither_leak_nor_flutter(void **state)
{
    struct kmem_cache *cache = make("edge", 64, 0);
    unsigned char *table[512];
    void *last = kmem_cache_alloc(cache, GFP_KERNEL);
    uint32_t each = arena_cache("edge").slots_per_slab;

    (void)state;
    kmem_cache_free(cache, last);
    take(cache, table, each);   /* one slab, full: the next object opens another */
    for (int i = 0; i < 10000; i++)
        kmem_cache_free(cache, kmem_cache_alloc(cache, GFP_KERNEL));
    assert_in_range(arena_cache("edge").slabs, 1, 2);
    assert_int_equal(arena_cache("edge").peak_slabs, 2);
    give_back(cache, table, each);
    kmem_cache_destroy(cache);
}

/*
 * Without records the maps of the densest slabs lie apart, in slabs of their own.  At
 * some of these sizes memory ends just when a map is wanted, and looking for more takes
 * the empty slab of the second cache, and with it a map, away.
 */
static void memory_may_end_while_a_slab_wants_its_map(void **state)
{
    (void)state;
    mm_records = false;
    for (uint32_t pages = 8; pages < 250; pages++) {
        struct mm_stats start;
        void **chain = NULL, **p;

        arena_open(pages, 100);
        start = arena_stats();

        struct kmem_cache *idle = make("idle", 8, 0);

        if ((p = kmem_cache_alloc(idle, GFP_KERNEL | __GFP_NOWARN)))
            kmem_cache_free(idle, p);
        while ((p = kmalloc(8, GFP_KERNEL | __GFP_NOWARN))) {
            *p = chain;
            chain = p;
        }
        arena_check();
        for (; chain; chain = p) {
            p = *chain;
            kfree(chain);
        }
        kmem_cache_destroy(idle);
        assert_same_blocks(&start);
    }
}

/* Bonwick: at most an eighth of a slab holds no object. */
static void waste_in_a_slab_is_at_most_an_eighth(void **state)
{
    (void)state;
    mm_records = false;
    arena_open(1000, 0);
    for (size_t size = 8; size <= 512; size++) {
        struct kmem_cache *cache = make("dense", size, 0);
        struct mm_cache_info info = arena_cache("dense");
        size_t slab = info.pages_per_slab * PAGE_SIZE;
        size_t rounded = (size + 7) & ~(size_t)7;

        assert_int_equal(info.slot_size, rounded);
        assert_true(slab - rounded * info.slots_per_slab <= slab / 8);
        kmem_cache_destroy(cache);
    }
}

/* What Linux 6.1 takes for 10,000 objects, or 2 % more: tests/bench/peers.txt. */
static void ten_thousand_objects_take_the_pages_that_linux_takes(void **state)
{
    static const uint32_t linux_pages[][2] = {
        { 8, 20 }, { 24, 78 }, { 40, 157 }, { 64, 157 }, { 100, 312 }, { 200, 625 },
        { 500, 1250 }, { 1000, 2500 }, { 3000, 10000 } };

    (void)state;
    mm_records = false;
    for (size_t i = 0; i < sizeof(linux_pages) / sizeof(linux_pages[0]); i++) {
        uint32_t free_pages;

        arena_open(14000, 0);
        for (int warm = 0; warm < 2000; warm++)
            assert_non_null(kmalloc(linux_pages[i][0], GFP_KERNEL));
        free_pages = arena_stats().free_pages;
        for (int n = 0; n < 10000; n++)
            assert_non_null(kmalloc(linux_pages[i][0], GFP_KERNEL));
        assert_in_range(free_pages - arena_stats().free_pages, 1,
                        linux_pages[i][1] * 102 / 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(the_fullest_partial_slab_serves_first),
        ARENA_TEST(where_all_is_full_the_slab_of_a_free_is_served),
        ARENA_TEST(a_slab_with_a_free_slot_goes_on_being_served),
        ARENA_TEST(every_slab_goes_back_to_the_block),
        ARENA_TEST(shrink_gives_back_empty_slabs_and_only_those),
        ARENA_TEST(at_a_slabs_edge_pages_neither_leak_nor_flutter),
        ARENA_TEST(memory_may_end_while_a_slab_wants_its_map),
        ARENA_TEST(waste_in_a_slab_is_at_most_an_eighth),
        ARENA_TEST(ten_thousand_objects_take_the_pages_that_linux_takes),
    };

    return ARENA_RUN(tests);
}
