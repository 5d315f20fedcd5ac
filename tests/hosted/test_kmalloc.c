/*
 * test_kmalloc.c - kmalloc, kfree and their kin to Linux's semantics: sizes,
 * alignment, zeroing, overflow.
 */
#include "tests/hosted/arena.h"

#include <limits.h>
#include <string.h>

#define KINDS 4096

/* Sizes 0..129 and every power of two with what stands 32 around it. */
static uint32_t interesting_sizes(size_t *sizes)
{
    uint32_t n = 0;

    for (size_t size = 1; size < 130; size++)
        sizes[n++] = size;
    for (unsigned k = 7; k <= 20; k++)
        for (int around = -32; around <= 32; around++)
            sizes[n++] = ((size_t)1 << k) + (size_t)around;
    return n;
}

static void every_size_is_aligned_usable_and_alone(void **state)
{
    size_t sizes[KINDS];
    uint32_t n = interesting_sizes(sizes);
    struct mm_stats start = arena_stats();

    (void)state;
    for (uint32_t i = 0; i < n; i++) {
        size_t size = sizes[i];
        unsigned char *before = kmalloc(size, GFP_KERNEL);
        unsigned char *p = kmalloc(size, GFP_KERNEL);
        unsigned char *after = kmalloc(size, GFP_KERNEL);

        assert_true(before && p && after);
        assert_int_equal((uintptr_t)p % 8, 0);
        if ((size & (size - 1)) == 0)
            assert_int_equal((uintptr_t)p % size, 0);
        assert_true(ksize(p) >= size);
        assert_int_equal(kmalloc_size_roundup(size), ksize(p));
        memset(before, 1, ksize(before));
        memset(after, 3, ksize(after));
        memset(p, 2, ksize(p));
        assert_true(all_bytes(before, 1, ksize(before)));
        assert_true(all_bytes(after, 3, ksize(after)));
        arena_check();
        kfree(before), kfree(p), kfree(after);
    }
    assert_same_blocks(&start);
    assert_int_equal(arena_stats().kmallocs, 3 * n);
    assert_int_equal(arena_stats().live_objects, 0);
}

/* By Linux's table, written down here once more. */
static size_t linux_class(size_t size)
{
    size_t class = 8;

    if (size > 64 && size <= 96)
        return 96;
    if (size > 128 && size <= 192)
        return 192;
    while (class < size)
        class *= 2;
    return class;
}

static void size_classes_are_those_of_linux(void **state)
{
    static const char *const names[] = {
        "kmalloc-8", "kmalloc-16", "kmalloc-32", "kmalloc-64", "kmalloc-96",
        "kmalloc-128", "kmalloc-192", "kmalloc-256", "kmalloc-512", "kmalloc-1k",
        "kmalloc-2k", "kmalloc-4k", "kmalloc-8k" };
    static const uint32_t sizes[] = { 8, 16, 32, 64, 96, 128, 192, 256, 512, 1024,
                                      2048, 4096, 8192 };

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        void *p = kmalloc(sizes[i], GFP_KERNEL);

        assert_string_equal(arena_what(p).cache, names[i]);
        assert_int_equal(arena_cache(names[i]).object_size, sizes[i]);
        assert_int_equal(ksize(p), sizes[i]);
        assert_ptr_equal(mm_find_cache(names[i]), mm_find_cache(names[i]));
        assert_non_null(mm_find_cache(names[i]));
        kfree(p);
    }
    assert_null(mm_find_cache("kmalloc-3"));
    for (size_t size = 1; size <= KMALLOC_MAX_SIZE; size += 1 + size / 61)
        assert_int_equal(kmalloc_size_roundup(size), linux_class(size));
    assert_int_equal(kmalloc_size_roundup(0), 0);
    assert_int_equal(kmalloc_size_roundup(KMALLOC_MAX_SIZE + 1), KMALLOC_MAX_SIZE + 1);
    assert_int_equal(kmalloc_size_roundup(SIZE_MAX), SIZE_MAX);
}

static void large_sizes_are_whole_pages_up_to_four_megabytes(void **state)
{
    (void)state;
    for (size_t size = 8193; size <= KMALLOC_MAX_SIZE; size = size * 2 - 1) {
        void *p = kmalloc(size, GFP_KERNEL);
        struct mm_what what = arena_what(p);

        assert_non_null(p);
        assert_int_equal(what.kind, MM_LARGE);
        assert_int_equal((uintptr_t)p % ksize(p), 0);
        assert_int_equal(arena_stats().large_pages, ksize(p) / PAGE_SIZE);
        assert_int_equal(arena_stats().live_objects, 1);
        assert_int_equal(arena_stats().live_bytes, size);
        assert_int_equal(arena_stats().live_pages, 0);
        arena_check();
        kfree(p);
    }

    void *largest = kmalloc(KMALLOC_MAX_SIZE, GFP_KERNEL);

    assert_int_equal(ksize(largest), KMALLOC_MAX_SIZE);
    kfree(largest);
    assert_int_equal(arena_stats().large_pages, 0);
}

static void size_zero_and_null_are_no_allocations(void **state)
{
    struct arena_state before = arena_state();

    (void)state;
    assert_ptr_equal(kmalloc(0, GFP_KERNEL), ZERO_SIZE_PTR);
    assert_ptr_equal(kzalloc(0, GFP_KERNEL), ZERO_SIZE_PTR);
    assert_ptr_equal(kcalloc(0, opaque(SIZE_MAX), GFP_KERNEL), ZERO_SIZE_PTR);
    assert_ptr_equal(kcalloc(opaque(SIZE_MAX), 0, GFP_KERNEL), ZERO_SIZE_PTR);
    assert_ptr_equal(kmalloc_array(0, 0, GFP_KERNEL), ZERO_SIZE_PTR);
    assert_ptr_equal(ZERO_SIZE_PTR, (void *)16);
    kfree(NULL);
    kfree(ZERO_SIZE_PTR);
    kfree_sensitive(NULL);
    kfree_sensitive(ZERO_SIZE_PTR);
    assert_int_equal(ksize(NULL), 0);
    assert_int_equal(ksize(ZERO_SIZE_PTR), 0);
    assert_same_state(&before);
    assert_int_equal(arena_stats().bad_frees, 0);
    assert_int_equal(arena_stats().failed, 0);
}

/* `size` is too large: NULL, counted, reported once or not at all as gfp says. */
static void refused(size_t size)
{
    uint32_t failed = arena_stats().failed;

    assert_null(kmalloc(opaque(size), GFP_KERNEL));
    assert_int_equal(expect_report(MM_BUG_TOO_LARGE)->bytes, size);
    assert_null(kmalloc(opaque(size), GFP_KERNEL | __GFP_NOWARN));
    expect_silence();
    assert_int_equal(arena_stats().failed, failed + 2);
}

static void impossible_sizes_give_null_and_never_the_old_block(void **state)
{
    struct mm_stats start = arena_stats();

    (void)state;
    refused(KMALLOC_MAX_SIZE + 1);
    for (size_t i = 0; i <= 16384; i++) {
        kfree(kmalloc(16, GFP_KERNEL));
        assert_null(kmalloc(opaque(SIZE_MAX - i), GFP_KERNEL | __GFP_NOWARN));
        assert_null(kmalloc(opaque((size_t)INT_MAX + i), GFP_KERNEL | __GFP_NOWARN));
    }
    for (size_t size = SIZE_MAX; size > KMALLOC_MAX_SIZE; size /= 2)
        refused(size);
    assert_same_blocks(&start);
}

static void products_that_overflow_give_null(void **state)
{
    const size_t half = (size_t)1 << (sizeof(size_t) * 4);
    const size_t pairs[][2] = { { half, half }, { SIZE_MAX, 2 },
                                { SIZE_MAX / 2 + 1, 2 },
                                { 3, SIZE_MAX / 3 + 1 }, { SIZE_MAX, SIZE_MAX } };
    struct arena_state before = arena_state();
    void *held;

    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        size_t n = opaque(pairs[i][0]), size = opaque(pairs[i][1]);
        uint32_t failed = arena_stats().failed;

        assert_null(kmalloc_array(n, size, GFP_KERNEL));
        expect_report(MM_BUG_TOO_LARGE);
        assert_null(kcalloc(n, size, GFP_KERNEL));
        expect_report(MM_BUG_TOO_LARGE);
        assert_null(krealloc_array(NULL, n, size, GFP_KERNEL));
        expect_report(MM_BUG_TOO_LARGE);
        assert_null(kcalloc(n, size, GFP_KERNEL | __GFP_NOWARN));
        assert_int_equal(arena_stats().failed, failed + 4);
        assert_same_state(&before);
    }
    held = kmalloc_array(7, 9, GFP_KERNEL);
    assert_int_equal(arena_what(held).asked, 63);
    kfree(held);
}

static void zeroed_memory_is_zero_to_the_end_of_ksize(void **state)
{
    size_t sizes[KINDS];
    uint32_t n = interesting_sizes(sizes);

    (void)state;
    for (uint32_t i = 0; i < n; i += 3) {
        void *dirty[3], *p;

        for (int k = 0; k < 3; k++)
            memset(dirty[k] = kmalloc(sizes[i], GFP_KERNEL), 0xDD, sizes[i]);
        for (int k = 0; k < 3; k++)
            kfree(dirty[k]);
        p = kzalloc(sizes[i], GFP_KERNEL);
        assert_true(all_bytes(p, 0, ksize(p)));
        memset(p, 0xDD, ksize(p));
        kfree(p);
        p = kcalloc(sizes[i], 1, GFP_KERNEL);
        assert_true(all_bytes(p, 0, ksize(p)));
        kfree(p);
    }
}

/* The arena is dirty: so is what comes from it, unless it is asked to be zero. */
static void memory_is_not_cleared_unasked(void **state)
{
    struct kmem_cache *cache = kmem_cache_create("dirty", 60, 0, 0, NULL);

    (void)state;
    for (size_t size = 8; size <= KMALLOC_MAX_SIZE / 2; size *= 2) {
        void *first = kmalloc(size, GFP_KERNEL);        /* by the longer way */
        void *second = kmalloc(size, GFP_KERNEL);

        assert_true(all_bytes(first, ARENA_DIRT, size));
        assert_true(all_bytes(second, ARENA_DIRT, size));
        kfree(first), kfree(second);
    }
    for (int i = 0; i < 2; i++)
        assert_true(all_bytes(kmem_cache_alloc(cache, GFP_KERNEL), ARENA_DIRT, 60));
    assert_true(all_bytes(page_address(alloc_page(GFP_KERNEL)), ARENA_DIRT, PAGE_SIZE));
    assert_true(all_bytes(alloc_pages_exact(9000, GFP_KERNEL), ARENA_DIRT, 9000));
}

/* The kernel's leak scan needs it: an object holds no pointer to another one. */
static void no_link_is_left_in_a_recycled_object(void **state)
{
    unsigned char *table[200];

    (void)state;
    for (size_t size = 8; size <= 8192; size *= 2) {
        for (int i = 0; i < 200; i++)
            memset(table[i] = kmalloc(size, GFP_KERNEL), 0x33, size);
        arena_shuffle((void **)table, 200);
        for (int i = 0; i < 200; i++)
            kfree(table[i]);
        for (int i = 0; i < 100; i++) {
            unsigned char *p = kmalloc(size, GFP_KERNEL);

            /* mm's word is wiped; the rest is as its former owner left it */
            for (size_t k = 0; k < size; k++)
                assert_true(p[k] == 0x33 || p[k] == ARENA_DIRT || p[k] == 0);
            table[i] = p;
        }
        for (int i = 0; i < 100; i++)
            kfree(table[i]);
    }
}

static void copies_are_copies(void **state)
{
    char text[] = "marbles", *copy;
    char raw[3] = { 'a', 'b', 'c' };        /* no 0 at the end */

    (void)state;
    assert_string_equal(copy = kstrdup(text, GFP_KERNEL), "marbles");
    assert_int_equal(arena_what(copy).asked, 8);
    kfree(copy);
    assert_string_equal(copy = kstrndup(text, 3, GFP_KERNEL), "mar");
    assert_int_equal(arena_what(copy).asked, 4);
    kfree(copy);
    assert_string_equal(copy = kstrndup(text, 100, GFP_KERNEL), "marbles");
    kfree(copy);
    assert_string_equal(copy = kstrndup(raw, 3, GFP_KERNEL), "abc");
    kfree(copy);
    assert_string_equal(copy = kstrdup("", GFP_KERNEL), "");
    kfree(copy);
    assert_memory_equal(copy = kmemdup(raw, 3, GFP_KERNEL), raw, 3);
    kfree(copy);
    assert_null(kstrdup(NULL, GFP_KERNEL));
    assert_null(kstrndup(NULL, 4, GFP_KERNEL));
    assert_null(kmemdup(NULL, opaque(4), GFP_KERNEL));
    assert_ptr_equal(kmemdup(raw, 0, GFP_KERNEL), ZERO_SIZE_PTR);
    assert_int_equal(arena_stats().failed, 0);
    assert_int_equal(arena_stats().live_objects, 0);
}

static void sensitive_memory_is_cleared_before_it_goes(void **state)
{
    unsigned char *p = kmalloc(opaque(100), GFP_KERNEL);
    size_t usable = ksize(p);

    (void)state;
    memset(p, 0x99, usable);
    kfree_sensitive(p);
    for (size_t i = 0; i < usable; i++)
        assert_int_not_equal(p[i], 0x99);
    assert_int_equal(arena_what(p).kind, MM_SLAB_FREE);
    assert_int_equal(arena_stats().live_objects, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(every_size_is_aligned_usable_and_alone),
        ARENA_TEST(size_classes_are_those_of_linux),
        ARENA_TEST(large_sizes_are_whole_pages_up_to_four_megabytes),
        ARENA_TEST(size_zero_and_null_are_no_allocations),
        ARENA_TEST(impossible_sizes_give_null_and_never_the_old_block),
        ARENA_TEST(products_that_overflow_give_null),
        ARENA_TEST(zeroed_memory_is_zero_to_the_end_of_ksize),
        ARENA_TEST(memory_is_not_cleared_unasked),
        ARENA_TEST(no_link_is_left_in_a_recycled_object),
        ARENA_TEST(copies_are_copies),
        ARENA_TEST(sensitive_memory_is_cleared_before_it_goes),
    };

    return ARENA_RUN(tests);
}
