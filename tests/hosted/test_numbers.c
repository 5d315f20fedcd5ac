/*
 * test_numbers.c - every number that mm tells, against what the test did to make it:
 * slabs by how full they are, pages that go back, refusals, reports, serial numbers
 * up to the last.
 */
#include "tests/hosted/objects.h"
#include "mm/heap_priv.h"

#include <string.h>

/* ---- slabs ------------------------------------------------------------------- */

#define SLABS 8u

/* Slab i gets gives[i] of its objects back; the last one is being served. */
static struct kmem_cache *make_slabs(const uint32_t *gives)
{
    static unsigned char *table[SLABS * 64];
    struct kmem_cache *cache = make("told", 120, 0);
    uint32_t each = arena_cache("told").slots_per_slab;

    assert_true(each >= 20 && each <= 64);
    take(cache, table, SLABS * each);
    for (uint32_t slab = 0; slab < SLABS; slab++)
        for (uint32_t i = 0; i < gives[slab] && i < each; i++)
            kmem_cache_free(cache, table[slab * each + i]);
    return cache;
}

static void assert_slabs(uint32_t full, uint32_t partial, uint32_t empty)
{
    struct mm_cache_info info = arena_cache("told");
    struct mm_stats stats = arena_stats();

    assert_int_equal(info.full_slabs, full);
    assert_int_equal(info.partial_slabs, partial);
    assert_int_equal(info.empty_slabs, empty);
    assert_int_equal(info.slabs, full + partial + empty);
    assert_int_equal(info.slots, info.slabs * info.slots_per_slab);
    assert_int_equal(stats.slab_pages, info.slabs * info.pages_per_slab);
    assert_int_equal(stats.empty_slab_pages, empty * info.pages_per_slab);
}

/* In a new heap, when each slab gives so many objects back. */
static void assert_slabs_of(const uint32_t *gives, uint32_t full, uint32_t partial,
                            uint32_t empty)
{
    arena_open(3000, 300);
    make_slabs(gives);
    assert_slabs(full, partial, empty);
}

static void slabs_are_counted_by_how_full_they_are(void **state)
{
    static const uint32_t none[SLABS] = { 0 };
    static const uint32_t levels[SLABS] = { 1, 2, 3, 5, 9, 0, 1, 0 };
    static const uint32_t served[SLABS] = { 0, 2, 0, 0, 0, 0, 0, 3 };
    static const uint32_t one_empty[SLABS] = { 64, 0, 0, 0, 1, 0, 0, 0 };
    static const uint32_t two_empty[SLABS] = { 64, 0, 0, 0, 0, 0, 0, 64 };

    (void)state;
    assert_slabs_of(none, 8, 0, 0);
    assert_slabs_of(levels, 2, 6, 0);
    assert_slabs_of(served, 6, 2, 0);
    assert_slabs_of(one_empty, 6, 1, 1);
    assert_slabs_of(two_empty, 6, 0, 2);
}

static void reclaim_tells_how_many_pages_went(void **state)
{
    static const uint32_t gives[SLABS] = { 64, 0, 0, 0, 0, 0, 0, 64 };
    struct kmem_cache *cache = make_slabs(gives);
    uint32_t before = arena_stats().free_pages;
    uint32_t each = arena_cache("told").pages_per_slab;

    (void)state;
    assert_int_equal(mm_reclaim(), 2 * each);
    assert_int_equal(arena_stats().free_pages, before + 2 * each);
    assert_int_equal(mm_reclaim(), 0);
    assert_int_equal(kmem_cache_shrink(cache), 0);
    assert_slabs(6, 0, 0);
}

static void what_an_ended_cache_did_stays_counted(void **state)
{
    struct kmem_cache *cache = make("ended", 50, 0);
    unsigned char *table[77];

    (void)state;
    take(cache, table, 77);
    give_back(cache, table, 77);
    kmem_cache_destroy(cache);
    assert_int_equal(arena_stats().kmallocs, 77);
    assert_int_equal(arena_stats().kfrees, 77);
    kfree(kmalloc(8, GFP_KERNEL));
    assert_int_equal(arena_stats().kmallocs, 78);
}

/* ---- refusals ---------------------------------------------------------------- */

static void calls_on_what_is_no_cache_are_counted(void **state)
{
    void *p = kmalloc(50, GFP_KERNEL);

    (void)state;
    assert_null(kmem_cache_alloc(NULL, GFP_KERNEL));
    assert_int_equal(arena_stats().failed, 1);
    kmem_cache_free(NULL, p);
    assert_int_equal(arena_stats().bad_frees, 1);
    assert_int_equal(kmem_cache_size(NULL), 0);
    assert_int_equal(kmem_cache_shrink(NULL), 0);
    for (int i = 0; i < 4; i++)
        assert_null(expect_report(MM_BUG_NO_CACHE)->what.addr);
    assert_null(krealloc(&p, 100, GFP_KERNEL));
    expect_report(MM_BUG_NOT_HEAP);
    assert_int_equal(arena_stats().failed, 2);
    kfree(p);
}

static void assert_request(enum mm_bug bug, unsigned order, size_t bytes)
{
    const struct mm_report *report = expect_report(bug);

    assert_int_equal(report->order, order);
    assert_int_equal(report->bytes, bytes);
    if (bug == MM_BUG_TOO_LARGE)
        assert_string_equal(report->problem, "the largest block has 4 MiB, order 10");
    else
        assert_null(report->problem);
}

static void reports_of_failures_say_what_was_asked(void **state)
{
    (void)state;
    assert_null(kmalloc(opaque(KMALLOC_MAX_SIZE + 1), GFP_KERNEL));
    assert_request(MM_BUG_TOO_LARGE, MAX_PAGE_ORDER + 1, KMALLOC_MAX_SIZE + 1);
    assert_null(alloc_pages_exact(opaque(KMALLOC_MAX_SIZE + 1), GFP_KERNEL));
    assert_request(MM_BUG_TOO_LARGE, MAX_PAGE_ORDER + 1, KMALLOC_MAX_SIZE + 1);
    arena_open(64, 0);
    for (unsigned order = 6; order <= MAX_PAGE_ORDER; order++) {
        assert_null(alloc_pages(GFP_KERNEL, order));
        assert_request(MM_OUT_OF_MEMORY, order, PAGE_SIZE << order);
        assert_null(kmalloc(PAGE_SIZE << order, GFP_KERNEL));
        assert_request(MM_OUT_OF_MEMORY, order, PAGE_SIZE << order);
        assert_null(alloc_pages_exact((PAGE_SIZE << order) - 1, GFP_KERNEL));
        assert_request(MM_OUT_OF_MEMORY, order, (PAGE_SIZE << order) - 1);
    }
}

static void a_failure_under_a_busy_mm_says_that_it_is_busy(void **state)
{
    (void)state;
    mm_state = MM_BUSY | MM_IRQ;
    assert_null(kmalloc(8, GFP_ATOMIC));
    assert_null(alloc_page(GFP_ATOMIC));
    mm_state = 0;
    for (int i = 0; i < 2; i++)
        assert_non_null(expect_report(MM_OUT_OF_MEMORY)->problem);
}

/* ---- serial numbers ---------------------------------------------------------- */

static uint32_t next_serial(void)
{
    void *p = kmalloc(30, GFP_KERNEL);

    return arena_what(p).serial;
}

/* They do not wrap: the last one serves for ever, and that is said once. */
static void serial_numbers_end_with_the_last(void **state)
{
    (void)state;
    next_serial();
    heap.serial = UINT32_MAX - 2;
    assert_non_null(kmalloc(64, GFP_KERNEL));   /* a new slab: few are left */
    assert_int_equal(arena_stats().last_serial, UINT32_MAX - 1);
    for (int i = 0; i < 200; i++)
        assert_int_equal(next_serial(), UINT32_MAX);
    assert_non_null(alloc_page(GFP_KERNEL));
    assert_int_equal(arena_stats().last_serial, UINT32_MAX);
    assert_int_equal(arena_stats().live_objects, 202);
    expect_report(MM_NO_MORE_SERIALS);
    assert_null(mm_check());
    assert_int_equal(arena_drop_reports(), 0);
}

/* However they are used up: here by single pages, which come and go the shortest way. */
static void serial_numbers_do_not_wrap_behind_pages(void **state)
{
    (void)state;
    next_serial();                      /* a slab is at hand */
    free_page(__get_free_page(GFP_KERNEL));
    heap.serial = UINT32_MAX - 3;
    for (int i = 0; i < 5; i++)
        free_page(__get_free_page(GFP_KERNEL));
    assert_int_equal(next_serial(), UINT32_MAX);
    assert_int_equal(heap.buddy.nkept, 0);      /* nothing is quick now */
    assert_null(mm_check());
    mm_count_sites(0);
    expect_report(MM_NO_MORE_SERIALS);
}

/* In the middle of 32 bits, and with every dial on, nothing is newer than anything. */
static void serial_numbers_have_no_middle(void **state)
{
    (void)state;
    for (int dials = 0; dials < 2; dials++) {
        arena_open(2000, 0);
        if (dials)
            assert_null(mm_set_dial("slub_debug", "FZPU"));
        void *old = kmalloc(64, GFP_KERNEL);
        heap.serial = (1u << 31) - 2;
        for (size_t i = 0; i < 20; i++) {
            void *p = kmalloc(8u << i % 10, GFP_KERNEL);

            assert_int_equal(arena_what(p).serial, (1u << 31) - 1 + i);
            assert_null(mm_check());
            if (i % 3)
                kfree(p);
        }
        kfree(old);
        assert_null(mm_check());
    }
}

/* The oldest object of a line need not lie first. */
static void the_oldest_and_newest_of_a_site_are_found_wherever_they_lie(void **state)
{
    struct alloc_site *site;
    void *p[8];

    (void)state;
    for (int i = 0; i < 12; i++) {
        if (i >= 8)
            kfree(p[11 - i]);           /* the places of 4, 3, 2, 1 for 9 to 12 */
        p[i < 8 ? i : 11 - i] = kmalloc(64, GFP_KERNEL);
    }
    site = (struct alloc_site *)(uintptr_t)arena_what(p[0]).taken_by;
    mm_count_sites(0);
    assert_int_equal(site->objects, 8);
    assert_int_equal(site->oldest, 5);
    assert_int_equal(site->newest, 12);
    mm_count_sites(10);
    assert_int_equal(site->objects, 2);
    assert_int_equal(site->oldest, 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(slabs_are_counted_by_how_full_they_are),
        ARENA_TEST(reclaim_tells_how_many_pages_went),
        ARENA_TEST(what_an_ended_cache_did_stays_counted),
        ARENA_TEST(calls_on_what_is_no_cache_are_counted),
        ARENA_TEST(reports_of_failures_say_what_was_asked),
        ARENA_TEST(a_failure_under_a_busy_mm_says_that_it_is_busy),
        ARENA_TEST(serial_numbers_end_with_the_last),
        ARENA_TEST(serial_numbers_do_not_wrap_behind_pages),
        ARENA_TEST(serial_numbers_have_no_middle),
        ARENA_TEST(the_oldest_and_newest_of_a_site_are_found_wherever_they_lie),
    };

    return ARENA_RUN(tests);
}
