/*
 * test_wrong_door.c - frees of what never was the heap's, or by another call than the
 * one that fits: told apart, reported, refused; the right free still works.
 *
 * Each case has its clean twin in the same test: what is freed rightly at its end
 * is taken back in silence (the teardown would hear any report).
 */
#include "tests/hosted/refusal.h"

/* ---- not from here ------------------------------------------------------------ */

static void a_function(void) { }

static void what_is_not_heap_memory_is_refused(void **state)
{
    static char data[64];
    static const char constant[] = "rodata";
    char local[64];
    const void *const wild[] = {
        data, data + 1, constant, local, local + 7, (void *)(uintptr_t)a_function,
        &refusal_before, (void *)24, (void *)0xb8000, (void *)UINTPTR_MAX,
        (void *)(UINTPTR_MAX - 4095), (void *)(uintptr_t)0xdeadbeef,
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
        const struct mm_report *report =
            REFUSED(kfree(wild[i]), MM_BUG_NOT_HEAP, "kfree");

        assert_int_equal(report->what.kind, MM_OUTSIDE);
        assert_ptr_equal(report->what.addr, wild[i]);
        assert_int_equal(report->what.pfn, NO_PAGE);
        REFUSED(free_pages((unsigned long)wild[i], 0), MM_BUG_NOT_HEAP, "free_pages");

        void *run = (void *)(uintptr_t)wild[i];

        REFUSED(free_pages_exact(run, 4096), MM_BUG_NOT_HEAP, "free_pages_exact");
    }
}

static void page_structs_that_are_none_are_refused(void **state)
{
    struct page local = { 0 }, *page = alloc_page(GFP_KERNEL);
    struct page *inside = (void *)((char *)page + 4);
    struct page *address = page_address(page);      /* the classic mix-up */

    (void)state;
    REFUSED(__free_page(&local), MM_BUG_NOT_HEAP, "__free_pages");
    REFUSED(__free_page(inside), MM_BUG_NOT_HEAP, "__free_pages");
    REFUSED(__free_page(address), MM_BUG_NOT_HEAP, "__free_pages");
    __free_page(page);
}

static void book_keeping_holes_and_a_slabs_rest_are_refused(void **state)
{
    char *p = kmalloc(96, GFP_KERNEL);
    struct mm_cache_info info = arena_cache("kmalloc-96");
    size_t slab = info.pages_per_slab * PAGE_SIZE;
    char *start = (char *)((uintptr_t)p & ~(slab - 1));
    size_t red = info.slot_size - 96;           /* dial Z: half of it is the last one's */
    char *first = start + info.slot_size * info.slots_per_slab + red / 2;
    char *last = start + slab - 1;
    unsigned char *hole = arena_memory() + 100 * PAGE_SIZE;
    const struct mm_report *report;

    (void)state;
    assert_true(first < last);
    report = REFUSED(kfree(virt_to_page(p)), MM_BUG_NOT_HEAP, "kfree");
    assert_int_equal(report->what.kind, MM_META);
    report = REFUSED(kfree(first), MM_BUG_INTERIOR, "kfree");
    assert_what(report, MM_SLAB_REST, first, 0);
    report = REFUSED(kfree(last), MM_BUG_INTERIOR, "kfree");
    assert_what(report, MM_SLAB_REST, first, (size_t)(last - first));
    assert_string_equal(report->what.cache, "kmalloc-96");
    report = REFUSED(kfree(hole), MM_BUG_NOT_HEAP, "kfree");
    assert_int_equal(report->what.kind, MM_HOLE);
    report = REFUSED(free_page((unsigned long)hole), MM_BUG_NOT_HEAP, "free_pages");
    assert_int_equal(report->what.kind, MM_HOLE);
    kfree(p);
}

static void what_was_never_handed_out_is_refused(void **state)
{
    char *p = kmalloc(64, GFP_KERNEL);
    char *page = (char *)arena_memory() + (300 + 2999) * PAGE_SIZE;
    char *other = p + arena_cache("kmalloc-64").slot_size;
    const struct mm_report *report;

    (void)state;
    report = REFUSED(kfree(other), MM_BUG_NOT_ALLOCATED, "kfree");
    assert_what(report, MM_SLAB_FREE, other, 0);
    assert_int_equal(report->what.serial, 0);
    assert_null(report->what.taken_by);
    report = REFUSED(kfree(page), MM_BUG_NOT_ALLOCATED, "kfree");
    assert_int_equal(report->what.kind, MM_FREE_PAGE);

    unsigned long address = (unsigned long)page;

    report = REFUSED(free_page(address), MM_BUG_NOT_ALLOCATED, "free_pages");
    assert_int_equal(report->what.serial, 0);
    kfree(p);
}

/* ---- by the wrong door -------------------------------------------------------- */

static void pages_are_not_taken_by_kfree(void **state)
{
    void *block = (void *)__get_free_pages(GFP_KERNEL, 1); const uint32_t at = __LINE__;
    void *run = alloc_pages_exact(5 * PAGE_SIZE, GFP_KERNEL);
    struct kmem_cache *cache = kmem_cache_create("any", 64, 0, 0, NULL);
    const struct mm_report *report;

    (void)state;
    report = REFUSED(kfree(block), MM_BUG_PAGES_TO_KFREE, "kfree");
    assert_what(report, MM_USED_PAGES, block, 0);
    assert_int_equal(report->what.bytes, 2 * PAGE_SIZE);
    assert_int_equal(report->what.serial, 1);
    assert_site(report->what.taken_by, at);
    report = REFUSED(kfree(run), MM_BUG_PAGES_TO_KFREE, "kfree");
    assert_int_equal(report->what.bytes, 5 * PAGE_SIZE);
    assert_true(report->what.exact);
    REFUSED(kfree_sensitive(block), MM_BUG_PAGES_TO_KFREE, "kfree_sensitive");
    REFUSED(kmem_cache_free(cache, block), MM_BUG_PAGES_TO_KFREE, "kmem_cache_free");
    free_pages((unsigned long)block, 1);
    free_pages_exact(run, 5 * PAGE_SIZE);
    kmem_cache_destroy(cache);
}

static void objects_are_not_taken_by_free_pages(void **state)
{
    static const size_t sizes[] = { 32, 4096, 8192, 10000 };

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        void *p = kmalloc(sizes[i], GFP_KERNEL); const uint32_t taken = __LINE__;
        const enum mm_bug bug = MM_BUG_OBJECT_TO_FREE_PAGES;
        const struct mm_report *report;

        report = REFUSED(free_pages((unsigned long)p, 0), bug, "free_pages");
        assert_what(report, sizes[i] > 8192 ? MM_LARGE : MM_SLAB_LIVE, p, 0);
        assert_site(report->what.taken_by, taken);
        assert_int_equal(report->what.serial, i + 1);
        REFUSED(__free_pages(virt_to_page(p), 2), bug, "__free_pages");
        REFUSED(free_pages_exact(p, sizes[i]), bug, "free_pages_exact");
        kfree(p);
    }
}

static void a_wrong_order_is_told_with_the_right_one(void **state)
{
    (void)state;
    for (unsigned order = 0; order < 6; order++) {
        struct page *page = alloc_pages(GFP_KERNEL, order);

        for (unsigned wrong = 0; wrong < 8; wrong++) {
            if (wrong == order)
                continue;

            const struct mm_report *report =
                REFUSED(__free_pages(page, wrong), MM_BUG_WRONG_ORDER, "__free_pages");

            assert_what(report, MM_USED_PAGES, page_address(page), 0);
            assert_int_equal(report->what.order, order);
            assert_int_equal(report->order, wrong);
        }
        REFUSED(__free_pages(page, 11), MM_BUG_WRONG_ORDER, "__free_pages");
        for (unsigned bit = 4; bit < 32; bit++) {   /* none of them is cut off */
            unsigned wrong = order | 1u << bit;

            REFUSED(__free_pages(page, wrong), MM_BUG_WRONG_ORDER, "__free_pages");
        }
        REFUSED(__free_pages(page, UINT32_MAX), MM_BUG_WRONG_ORDER, "__free_pages");
        __free_pages(page, order);
    }
}

static void an_exact_run_takes_only_its_own_number_of_pages(void **state)
{
    const enum mm_bug bug = MM_BUG_WRONG_ORDER;
    void *run = alloc_pages_exact(5 * PAGE_SIZE, GFP_KERNEL);
    static const size_t wrong[] = { 1, 4 * PAGE_SIZE, 5 * PAGE_SIZE + 1, 8 * PAGE_SIZE,
                                    SIZE_MAX, SIZE_MAX / 2 + 1 + 5 * PAGE_SIZE };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        const struct mm_report *report =
            REFUSED(free_pages_exact(run, wrong[i]), bug, "free_pages_exact");

        assert_true(report->what.exact);
        assert_int_equal(report->bytes, wrong[i]);
    }
    for (unsigned order = 0; order < 5; order++)
        REFUSED(free_pages((unsigned long)run, order), bug, "free_pages");
    free_pages_exact(run, 4 * PAGE_SIZE + 1);   /* five pages, too */
}

static void a_cache_takes_only_its_own_objects(void **state)
{
    struct kmem_cache *mine = kmem_cache_create("mine", 64, 0, 0, NULL);
    struct kmem_cache *same = kmem_cache_create("same-size", 64, 0, 0, NULL);
    struct kmem_cache *other = kmem_cache_create("other-size", 200, 0, 0, NULL);
    void *p = kmem_cache_alloc(mine, GFP_KERNEL); const uint32_t taken = __LINE__;
    void *k = kmalloc(64, GFP_KERNEL), *large = kmalloc(10000, GFP_KERNEL);
    const struct mm_report *report;

    (void)state;
    report = REFUSED(kmem_cache_free(same, p), MM_BUG_WRONG_CACHE, "kmem_cache_free");
    assert_string_equal(report->cache, "same-size");
    assert_string_equal(report->what.cache, "mine");
    assert_site(report->what.taken_by, taken);
    REFUSED(kmem_cache_free(other, p), MM_BUG_WRONG_CACHE, "kmem_cache_free");
    REFUSED(kmem_cache_free(mine, k), MM_BUG_WRONG_CACHE, "kmem_cache_free");
    REFUSED(kmem_cache_free(mine, large), MM_BUG_WRONG_CACHE, "kmem_cache_free");
    REFUSED(kmem_cache_free(mine, &refusal_before), MM_BUG_NOT_HEAP, "kmem_cache_free");
    REFUSED(kmem_cache_free(mine, (char *)p + 8), MM_BUG_INTERIOR, "kmem_cache_free");
    kmem_cache_free(mine, p);
    REFUSED(kmem_cache_free(mine, p), MM_BUG_DOUBLE_FREE, "kmem_cache_free");
    kfree(k), kfree(large);
    kmem_cache_destroy(mine), kmem_cache_destroy(same), kmem_cache_destroy(other);
}

/* ---- without records, and at random ------------------------------------------- */

static void without_records_every_wrong_free_is_refused_as_well(void **state)
{
    (void)state;
    mm_records = false;
    arena_open(1000, 13);

    char *p = kmalloc(100, GFP_KERNEL), *keep = kmalloc(100, GFP_KERNEL);
    unsigned long page = __get_free_page(GFP_KERNEL);

    assert_null(REFUSED(kfree(p + 8), MM_BUG_INTERIOR, "kfree")->what.taken_by);
    REFUSED(kfree((void *)page), MM_BUG_PAGES_TO_KFREE, "kfree");
    REFUSED(free_page((unsigned long)p), MM_BUG_OBJECT_TO_FREE_PAGES, "free_pages");
    REFUSED(free_pages(page, 1), MM_BUG_WRONG_ORDER, "free_pages");
    REFUSED(kfree(&refusal_before), MM_BUG_NOT_HEAP, "kfree");
    kfree(p);
    free_page(page);
    refusal_before = arena_state();
    kfree(p);                   /* only a record could tell freed from never taken */
    assert_int_equal(expect_either(MM_BUG_DOUBLE_FREE, MM_BUG_NOT_ALLOCATED)
                         ->what.serial, 0);
    free_page(page);
    expect_either(MM_BUG_DOUBLE_FREE, MM_BUG_NOT_ALLOCATED);
    assert_same_state(&refusal_before);
    assert_int_equal(arena_stats().bad_frees, refusal_before.stats.bad_frees + 2);
    kfree(keep);
}

static void without_a_hook_a_refusal_is_counted_all_the_same(void **state)
{
    void *p = kmalloc(100, GFP_KERNEL);

    (void)state;
    mm_report_hook = NULL;
    kfree((char *)p + 1);
    kfree(p);
    kfree(p);
    assert_null(kmalloc(opaque(SIZE_MAX), GFP_KERNEL));
    assert_int_equal(arena_stats().bad_frees, 2);
    assert_int_equal(arena_stats().failed, 1);
    assert_int_equal(arena_stats().live_objects, 0);
}

/* Any address at all: it is a start that is live, or it is refused. */
static void a_random_address_is_refused_whatever_it_is(void **state)
{
    (void)state;
    arena_open(400, 900);
    for (int i = 0; i < 60; i++)
        assert_non_null(kmalloc(arena_random_below(9000) + 1, GFP_KERNEL));
    for (int i = 0; i < 3000; i++) {
        uint32_t offset = 900 * 4096 - 8192 + arena_random_below(408 * 4096);
        char *wild = (char *)arena_memory() + offset;
        struct mm_what what = arena_what(wild);

        if (arena_random_below(2))
            wild = (char *)((uintptr_t)wild & ~(PAGE_SIZE - 1));
        what = arena_what(wild);
        if (what.kind == MM_SLAB_LIVE && what.offset == 0)
            continue;
        if (what.kind == MM_LARGE && what.offset == 0)
            continue;
        refusal_before = arena_state();
        kfree(wild);
        assert_int_equal(arena_drop_reports(), 1);
        free_pages((unsigned long)wild, arena_random_below(4));
        assert_int_equal(arena_drop_reports(), 1);
        assert_same_state(&refusal_before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(what_is_not_heap_memory_is_refused),
        ARENA_TEST(page_structs_that_are_none_are_refused),
        ARENA_TEST(book_keeping_holes_and_a_slabs_rest_are_refused),
        ARENA_TEST(what_was_never_handed_out_is_refused),
        ARENA_TEST(pages_are_not_taken_by_kfree),
        ARENA_TEST(objects_are_not_taken_by_free_pages),
        ARENA_TEST(a_wrong_order_is_told_with_the_right_one),
        ARENA_TEST(an_exact_run_takes_only_its_own_number_of_pages),
        ARENA_TEST(a_cache_takes_only_its_own_objects),
        ARENA_TEST(without_records_every_wrong_free_is_refused_as_well),
        ARENA_TEST(without_a_hook_a_refusal_is_counted_all_the_same),
        ARENA_TEST(a_random_address_is_refused_whatever_it_is),
    };

    return ARENA_RUN_WITH_DIALS(tests);
}
