/*
 * test_what.c - mm_what_is: any address at all, and every kind of memory; and the
 * names that reports print.
 */
#include "tests/hosted/arena.h"

#include <string.h>

static void assert_extent(const void *addr, enum mm_what_kind kind, const void *start,
                          size_t bytes)
{
    struct mm_what what = arena_what(addr);

    assert_int_equal(what.kind, kind);
    assert_ptr_equal(what.addr, addr);
    assert_int_equal(what.start, (uintptr_t)start);
    assert_int_equal(what.bytes, bytes);
    assert_int_equal(what.offset, (uintptr_t)addr - (uintptr_t)start);
}

static void outside_is_outside(void **state)
{
    int local = 0;

    (void)state;
    assert_int_equal(arena_what(&local).kind, MM_OUTSIDE);
    assert_int_equal(arena_what(NULL).kind, MM_OUTSIDE);
    assert_int_equal(arena_what((void *)UINTPTR_MAX).kind, MM_OUTSIDE);
    assert_int_equal(arena_what(arena_memory() - 1).kind, MM_OUTSIDE);
    assert_int_equal(arena_what(&local).pfn, NO_PAGE);
    assert_null(arena_what(&local).cache);
    assert_int_equal(arena_what(&local).serial, 0);
}

static void holes_and_book_keeping_are_told_apart(void **state)
{
    void *p = kmalloc(10, GFP_KERNEL);

    (void)state;
    assert_int_equal(arena_what(arena_memory()).kind, MM_HOLE);
    assert_int_equal(arena_what(arena_memory() + 300 * PAGE_SIZE - 1).kind, MM_HOLE);
    assert_int_equal(arena_what(arena_memory() + 3300 * PAGE_SIZE).kind, MM_HOLE);
    assert_int_equal(arena_what(virt_to_page(p)).kind, MM_META);
    kfree(p);
}

static void a_free_page_is_a_free_block(void **state)
{
    char *block = (char *)__get_free_pages(GFP_KERNEL, 4);
    char *middle = block + 5 * PAGE_SIZE + 77;
    struct mm_what what;

    (void)state;
    free_pages((unsigned long)block, 4);
    what = arena_what(middle);
    assert_int_equal(what.kind, MM_FREE_PAGE);
    assert_in_range(what.start, 1, (uintptr_t)middle);
    assert_true(what.start + what.bytes > (uintptr_t)middle);
    assert_int_equal(what.bytes, PAGE_SIZE << what.order);
    assert_int_equal(what.start % what.bytes, 0);
}

/* The first page of a slab that went back knows who had the object at its start. */
static void a_free_page_remembers_its_last_life(void **state)
{
    char *p = kmalloc(100, GFP_KERNEL); const uint32_t taken = __LINE__;
    uint32_t freed;
    struct mm_what what;

    (void)state;
    assert_int_equal(arena_what(p).slot, 0);
    kfree(p); freed = __LINE__;
    mm_reclaim();
    what = arena_what(p);
    assert_int_equal(what.kind, MM_FREE_PAGE);
    assert_true(what.used_before);
    assert_int_equal(what.serial, 1);
    assert_int_equal(what.asked, 100);
    assert_site(what.taken_by, taken);
    assert_site(what.freed_by, freed);
    for (size_t inside = 8; inside < PAGE_SIZE; inside *= 2) {
        assert_true(arena_what(p + inside).used_before);
        assert_int_equal(arena_what(p + inside).serial, 0);     /* of whom? */
    }
}

/* Only that they had objects is known of the other pages of a slab. */
static void the_other_pages_of_a_slab_remember_that_they_had_one(void **state)
{
    struct kmem_cache *cache = kmem_cache_create("wide", 1500, 0, 0, NULL);
    char *p = kmem_cache_alloc(cache, GFP_KERNEL);
    uint32_t pages = arena_cache("wide").pages_per_slab;

    (void)state;
    assert_true(pages > 1);
    assert_int_equal(arena_what(p).slot, 0);
    kmem_cache_free(cache, p);
    kmem_cache_destroy(cache);
    assert_int_equal(arena_what(p).serial, 1);
    for (size_t page = 1; page < pages; page++) {
        assert_true(arena_what(p + page * PAGE_SIZE).used_before);
        assert_int_equal(arena_what(p + page * PAGE_SIZE).serial, 0);
        assert_null(arena_what(p + page * PAGE_SIZE).taken_by);
    }
}

/* Pages that were taken singly, and are slots now: that is what was freed there last. */
static void slots_of_recycled_pages_tell_of_the_pages(void **state)
{
    char *p;

    (void)state;
    arena_open(64, 0);
    while (alloc_page(GFP_KERNEL | __GFP_NOWARN))
        ;
    for (uint32_t page = 0; page < 64; page++)
        if (arena_what(arena_memory() + page * PAGE_SIZE).kind == MM_USED_PAGES)
            free_page((unsigned long)(arena_memory() + page * PAGE_SIZE));
    p = kmalloc(8192, GFP_KERNEL);
    for (uint32_t slot = 0; slot < arena_cache("kmalloc-8k").slots_per_slab; slot++) {
        struct mm_what what = arena_what(p + slot * 8192);

        assert_int_equal(what.slot, slot);
        assert_int_equal(what.used_before, slot > 0);
        assert_int_equal(what.asked, slot == 0 ? 8192 : PAGE_SIZE);
        assert_int_equal(what.serial == arena_stats().last_serial, slot == 0);
    }
    kfree(p);
}

/* All of memory, page by page, adds up to what mm_get_stats() says. */
static void every_page_is_counted_as_what_it_is(void **state)
{
    (void)state;
    for (int records = 0; records < 2; records++) {
        uint32_t pages[MM_SLAB_REST + 1] = { 0 };
        struct mm_stats stats;

        mm_records = records;
        arena_open(3000, 300);
        for (size_t i = 1; i < 1000; i++)
            assert_non_null(kmalloc(i * 97 % 9000 + 1, GFP_KERNEL));
        assert_true(alloc_pages(GFP_KERNEL, 4) && alloc_pages_exact(20000, GFP_KERNEL));
        for (size_t page = 0; page < ARENA_PAGES; page++)
            pages[arena_what(arena_memory() + page * PAGE_SIZE).kind]++;
        stats = arena_stats();
        assert_int_equal(pages[MM_META], stats.meta_pages);
        assert_int_equal(pages[MM_FREE_PAGE], stats.free_pages);
        assert_int_equal(pages[MM_USED_PAGES], stats.live_pages);
        assert_int_equal(pages[MM_LARGE], stats.large_pages);
        assert_int_equal(stats.slab_pages, pages[MM_SLAB_LIVE] + pages[MM_SLAB_FREE] +
                                           pages[MM_SLAB_REST]);
    }
}

static void used_pages_are_known_from_every_byte(void **state)
{
    char *block = (char *)__get_free_pages(GFP_KERNEL, 3);
    char *run = alloc_pages_exact(11 * PAGE_SIZE, GFP_KERNEL);

    (void)state;
    for (size_t offset = 0; offset < 8 * PAGE_SIZE; offset += 4095)
        assert_extent(block + offset, MM_USED_PAGES, block, 8 * PAGE_SIZE);
    for (size_t offset = 0; offset < 11 * PAGE_SIZE; offset += 4095)
        assert_extent(run + offset, MM_USED_PAGES, run, 11 * PAGE_SIZE);
    assert_int_equal(arena_what(block).order, 3);
    assert_false(arena_what(block).exact);
    assert_true(arena_what(run + 10 * PAGE_SIZE).exact);
    assert_int_equal(arena_what(run + 10 * PAGE_SIZE).serial, 2);
    free_pages((unsigned long)block, 3);
    free_pages_exact(run, 11 * PAGE_SIZE);
}

static void objects_are_known_from_every_byte(void **state)
{
    static const size_t sizes[] = { 1, 8, 33, 96, 190, 700, 2048, 4000, 8192, 40000 };

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        char *p = kmalloc(sizes[i], GFP_KERNEL);
        size_t usable = ksize(p);
        enum mm_what_kind kind = sizes[i] > 8192 ? MM_LARGE : MM_SLAB_LIVE;

        for (size_t offset = 0; offset < usable; offset += 1 + usable / 100)
            assert_extent(p + offset, kind, p, usable);
        assert_extent(p + usable - 1, kind, p, usable);
        assert_int_equal(arena_what(p + usable - 1).asked, sizes[i]);
        kfree(p);
    }
}

static void slots_are_numbered_and_free_ones_known(void **state)
{
    char *p = kmalloc(128, GFP_KERNEL);
    struct mm_cache_info info = arena_cache("kmalloc-128");
    char *slab = (char *)((uintptr_t)p & ~(info.pages_per_slab * PAGE_SIZE - 1));

    (void)state;
    for (uint32_t slot = 0; slot < info.slots_per_slab; slot++) {
        struct mm_what what = arena_what(slab + slot * 128 + 5);

        assert_int_equal(what.slot, slot);
        assert_int_equal(what.offset, 5);
        assert_int_equal(what.kind, what.start == (uintptr_t)p ? MM_SLAB_LIVE
                                                               : MM_SLAB_FREE);
        assert_string_equal(what.cache, "kmalloc-128");
    }
    kfree(p);
}

/* Every byte belongs to exactly what its neighbours say. */
static void is_no_neighbour(void *object)
{
    assert_int_equal(arena_what(object).kind, MM_FREE_PAGE);
}

/* While its slab is made, of the pages that a large object left of its block: free. */
static void what_is_being_constructed_is_not_taken_for_the_block_before(void **state)
{
    (void)state;
    for (size_t pages = 3; pages < 16; pages++) {
        struct kmem_cache *cache;

        arena_open(64, 0);
        cache = kmem_cache_create("made", 100, 0, 0, is_no_neighbour);
        assert_non_null(kmalloc(pages * PAGE_SIZE, GFP_KERNEL));
        while (kmem_cache_alloc(cache, GFP_KERNEL | __GFP_NOWARN))
            ;
        arena_check();
    }
}

static void random_addresses_are_always_answered(void **state)
{
    (void)state;
    for (int i = 0; i < 300; i++)
        if (kmalloc(arena_random_below(10000) + 1, GFP_KERNEL) == NULL)
            fail();
    for (int i = 0; i < 200000; i++) {
        uint32_t random = arena_random();
        const char *addr = i % 4 ? (char *)arena_memory() + random % ARENA_BYTES
                                 : (char *)(uintptr_t)(random * (uintptr_t)0x10001);
        struct mm_what what = arena_what(addr);

        assert_ptr_equal(what.addr, addr);
        if (what.kind == MM_OUTSIDE)
            continue;
        assert_true(what.start <= (uintptr_t)addr);
        assert_true((uintptr_t)addr - what.start < what.bytes);
        assert_int_equal(what.offset, (uintptr_t)addr - what.start);
    }
}

static void every_bug_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (unsigned a = 0; a <= MM_NO_MORE_SERIALS; a++) {
        assert_true(strlen(mm_bug_name(a)) > 3);
        for (unsigned b = 0; b < a; b++)
            assert_string_not_equal(mm_bug_name(a), mm_bug_name(b));
    }
}

static void what_is_no_bug_has_no_name(void **state)
{
    (void)state;
    assert_string_equal(mm_bug_name((enum mm_bug)(MM_NO_MORE_SERIALS + 1)), "unknown");
    assert_string_equal(mm_bug_name((enum mm_bug)12345), "unknown");
}

static void gfp_names_are_linuxs_and_cut_to_the_buffer(void **state)
{
    char buf[64], small[8];

    (void)state;
    assert_string_equal(mm_gfp_name(GFP_KERNEL, buf, sizeof(buf)), "GFP_KERNEL");
    assert_string_equal(mm_gfp_name(GFP_ATOMIC, buf, sizeof(buf)), "GFP_ATOMIC");
    assert_string_equal(mm_gfp_name(GFP_NOWAIT, buf, sizeof(buf)), "GFP_NOWAIT");
    assert_string_equal(mm_gfp_name(GFP_KERNEL | __GFP_ZERO, buf, sizeof(buf)),
                        "GFP_KERNEL|__GFP_ZERO");
    assert_ptr_equal(mm_gfp_name(UINT32_MAX, small, sizeof(small)), small);
    assert_true(memchr(small, '\0', sizeof(small)) != NULL);
    small[0] = 'x';
    mm_gfp_name(GFP_KERNEL, small, 1);
    assert_int_equal(small[0], '\0');
    small[0] = 'x';
    assert_ptr_equal(mm_gfp_name(GFP_KERNEL, small, 0), small);
    assert_int_equal(small[0], 'x');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(outside_is_outside),
        ARENA_TEST(holes_and_book_keeping_are_told_apart),
        ARENA_TEST(a_free_page_is_a_free_block),
        ARENA_TEST(a_free_page_remembers_its_last_life),
        ARENA_TEST(the_other_pages_of_a_slab_remember_that_they_had_one),
        ARENA_TEST(slots_of_recycled_pages_tell_of_the_pages),
        ARENA_TEST(every_page_is_counted_as_what_it_is),
        ARENA_TEST(used_pages_are_known_from_every_byte),
        ARENA_TEST(objects_are_known_from_every_byte),
        ARENA_TEST(slots_are_numbered_and_free_ones_known),
        ARENA_TEST(what_is_being_constructed_is_not_taken_for_the_block_before),
        ARENA_TEST(random_addresses_are_always_answered),
        ARENA_TEST(every_bug_has_a_name_of_its_own),
        ARENA_TEST(what_is_no_bug_has_no_name),
        ARENA_TEST(gfp_names_are_linuxs_and_cut_to_the_buffer),
    };

    return ARENA_RUN(tests);
}
