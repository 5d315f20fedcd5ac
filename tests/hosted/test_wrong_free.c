/*
 * test_wrong_free.c - double frees and interior pointers: recognised, reported with
 * what it really is, counted once, refused; the right free still works.
 *
 * Each case has its clean twin in the same test: what is freed rightly at its end
 * is taken back in silence (the teardown would hear any report).
 */
#include "tests/hosted/refusal.h"

/* ---- double ------------------------------------------------------------------- */

static void a_double_kfree_is_told_with_both_sites(void **state)
{
    void *keeps_slab = kmalloc(100, GFP_KERNEL);
    void *p = kmalloc(100, GFP_KERNEL); const uint32_t taken = __LINE__;
    const struct mm_report *report;
    uint32_t freed;
    void *none;

    (void)state;
    kfree(p); freed = __LINE__;
    report = REFUSED(kfree(p), MM_BUG_DOUBLE_FREE, "kfree");
    assert_what(report, MM_SLAB_FREE, p, 0);
    assert_string_equal(report->what.cache, "kmalloc-128");
    assert_int_equal(report->what.serial, 2);
    assert_int_equal(report->what.asked, 100);
    assert_site(report->what.taken_by, taken);
    assert_site(report->what.freed_by, freed);
    REFUSED(kfree_sensitive(p), MM_BUG_DOUBLE_FREE, "kfree_sensitive");
    REFUSED(none = krealloc(p, 0, GFP_KERNEL), MM_BUG_DOUBLE_FREE, "krealloc");
    assert_ptr_equal(none, ZERO_SIZE_PTR);
    kfree(keeps_slab);
}

static void the_first_and_last_of_a_slab_cannot_be_freed_twice(void **state)
{
    unsigned char *table[200];
    uint32_t n = 0;

    (void)state;
    do
        table[n++] = kmalloc(200, GFP_KERNEL);
    while (arena_cache("kmalloc-256").full_slabs == 0);
    kfree(table[0]);
    REFUSED(kfree(table[0]), MM_BUG_DOUBLE_FREE, "kfree");
    kfree(table[n - 1]);
    REFUSED(kfree(table[n - 1]), MM_BUG_DOUBLE_FREE, "kfree");
    REFUSED(kfree(table[0]), MM_BUG_DOUBLE_FREE, "kfree");
    for (uint32_t i = 1; i < n - 1; i++)
        kfree(table[i]);
}

static void a_double_kfree_is_seen_after_the_slab_is_gone(void **state)
{
    static const size_t sizes[] = { 8, 100, 512, 4096, 8192, 10000 };

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        void *other = kmalloc(sizes[i], GFP_KERNEL), *p = kmalloc(sizes[i], GFP_KERNEL);

        kfree(p);
        kfree(other);
        mm_reclaim();

        const struct mm_report *report = REFUSED(kfree(p), MM_BUG_DOUBLE_FREE, "kfree");

        assert_int_equal(report->what.kind, MM_FREE_PAGE);
        assert_ptr_equal(report->what.addr, p);
    }
}

static void a_double_free_of_pages_is_told_with_both_sites(void **state)
{
    struct page *page = alloc_pages(GFP_KERNEL, 2); const uint32_t taken = __LINE__;
    unsigned long addr = (unsigned long)page_address(page);
    const struct mm_report *report;
    uint32_t freed;

    (void)state;
    __free_pages(page, 2); freed = __LINE__;
    report = REFUSED(__free_pages(page, 2), MM_BUG_DOUBLE_FREE, "__free_pages");
    assert_int_equal(report->what.kind, MM_FREE_PAGE);
    assert_ptr_equal(report->what.addr, (void *)addr);
    assert_int_equal(report->order, 2);
    assert_int_equal(report->what.serial, 1);
    assert_site(report->what.taken_by, taken);
    assert_site(report->what.freed_by, freed);
    REFUSED(free_pages(addr, 2), MM_BUG_DOUBLE_FREE, "free_pages");
    REFUSED(free_page(addr), MM_BUG_DOUBLE_FREE, "free_pages");
    REFUSED(kfree((void *)addr), MM_BUG_DOUBLE_FREE, "kfree");
}

static void a_double_free_of_pages_is_seen_with_others_between(void **state)
{
    unsigned long a = __get_free_pages(GFP_KERNEL, 1);
    unsigned long b = __get_free_pages(GFP_KERNEL, 1);
    unsigned long c = __get_free_pages(GFP_KERNEL, 1);

    (void)state;
    free_pages(b, 1);
    free_pages(a, 1);
    REFUSED(free_pages(b, 1), MM_BUG_DOUBLE_FREE, "free_pages");
    free_pages(c, 1);
    REFUSED(free_pages(c, 1), MM_BUG_DOUBLE_FREE, "free_pages");
    REFUSED(free_pages(a, 1), MM_BUG_DOUBLE_FREE, "free_pages");
}

static void an_exact_run_cannot_be_freed_twice(void **state)
{
    size_t bytes = 3 * PAGE_SIZE;
    void *run = alloc_pages_exact(bytes, GFP_KERNEL);

    (void)state;
    free_pages_exact(run, bytes);
    REFUSED(free_pages_exact(run, bytes), MM_BUG_DOUBLE_FREE, "free_pages_exact");
}

/* ---- interior ----------------------------------------------------------------- */

static void an_interior_pointer_is_told_with_the_objects_start(void **state)
{
    static const size_t sizes[] = { 16, 64, 96, 500, 4096, 8192, 10000 };

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        char *p = kmalloc(sizes[i], GFP_KERNEL); const uint32_t taken = __LINE__;
        const size_t inside[] = { 1, 4, 8, sizes[i] / 2, sizes[i] - 1 };
        enum mm_what_kind kind = sizes[i] > 8192 ? MM_LARGE : MM_SLAB_LIVE;

        for (size_t k = 0; k < sizeof(inside) / sizeof(inside[0]); k++) {
            char *wrong = p + inside[k];
            const struct mm_report *report =
                REFUSED(kfree(wrong), MM_BUG_INTERIOR, "kfree");

            assert_what(report, kind, p, inside[k]);
            assert_int_equal(report->what.asked, sizes[i]);
            assert_site(report->what.taken_by, taken);
            assert_null(report->what.freed_by);
        }
        kfree(p);
    }
}

static void a_pointer_before_an_object_belongs_to_its_neighbour(void **state)
{
    char *table[3];

    (void)state;
    for (int i = 0; i < 3; i++)
        table[i] = kmalloc(64, GFP_KERNEL);

    char *low = table[0] < table[1] ? table[0] : table[1];
    const struct mm_report *report =
        REFUSED(kfree(low + 64 - 8), MM_BUG_INTERIOR, "kfree");

    assert_what(report, MM_SLAB_LIVE, low, 56);
    for (int i = 0; i < 3; i++)
        kfree(table[i]);
}

static void an_interior_page_is_told_with_the_blocks_start(void **state)
{
    char *block = (char *)__get_free_pages(GFP_KERNEL, 3);
    char *run = alloc_pages_exact(7 * PAGE_SIZE, GFP_KERNEL);
    const struct mm_report *report;

    (void)state;
    for (size_t page = 1; page < 8; page++) {
        unsigned long wrong = (unsigned long)(block + page * PAGE_SIZE);

        report = REFUSED(free_pages(wrong, 0), MM_BUG_INTERIOR, "free_pages");
        assert_what(report, MM_USED_PAGES, block, page * PAGE_SIZE);
        assert_int_equal(report->what.order, 3);
    }
    for (size_t page = 1; page < 7; page++) {
        struct page *wrong = virt_to_page(run + page * PAGE_SIZE);

        report = REFUSED(__free_page(wrong), MM_BUG_INTERIOR, "__free_pages");
        assert_what(report, MM_USED_PAGES, run, page * PAGE_SIZE);
        assert_int_equal(report->what.bytes, 7 * PAGE_SIZE);
    }
    REFUSED(free_pages((unsigned long)block + 8, 3), MM_BUG_INTERIOR, "free_pages");
    free_pages((unsigned long)block, 3);
    free_pages_exact(run, 7 * PAGE_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(a_double_kfree_is_told_with_both_sites),
        ARENA_TEST(the_first_and_last_of_a_slab_cannot_be_freed_twice),
        ARENA_TEST(a_double_kfree_is_seen_after_the_slab_is_gone),
        ARENA_TEST(a_double_free_of_pages_is_told_with_both_sites),
        ARENA_TEST(a_double_free_of_pages_is_seen_with_others_between),
        ARENA_TEST(an_exact_run_cannot_be_freed_twice),
        ARENA_TEST(an_interior_pointer_is_told_with_the_objects_start),
        ARENA_TEST(a_pointer_before_an_object_belongs_to_its_neighbour),
        ARENA_TEST(an_interior_page_is_told_with_the_blocks_start),
    };

    return ARENA_RUN_WITH_DIALS(tests);
}
