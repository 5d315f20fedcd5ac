/*
 * test_unmap.c - debug_pagealloc where pages can be taken away: who touches a free page
 * faults, at that very access, and nobody else does.
 */
#include "tests/hosted/protect.h"
#include "mm/heap_priv.h"
#include "mm/look/fault.h"
#include "mm/look/recover.h"

#include <string.h>

/* The compiler must not warn of what is tried here. */
static unsigned char *hidden(void *p)
{
    volatile uintptr_t at = (uintptr_t)p;

    return (unsigned char *)at;
}

/* Every free page is absent, or none; every page of a live block is there. */
static void assert_free_is_absent(bool absent)
{
    for (uint32_t pfn = 0; pfn < heap.buddy.npages; pfn++) {
        struct mm_what what = arena_what(address_of(pfn));

        if (what.kind != MM_HOLE)
            assert_int_equal(faults_on_read(address_of(pfn)),
                             absent && what.kind == MM_FREE_PAGE);
    }
}

/* ---- at the access ------------------------------------------------------------ */

static void a_stale_access_to_pages_faults(void **state)
{
    (void)state;
    set_dial("debug_pagealloc", "on");

    unsigned char *p = hidden((void *)__get_free_pages(GFP_KERNEL, 1));

    memset(p, 1, 2 * PAGE_SIZE);
    free_pages((unsigned long)p, 1);
    assert_true(faults_on_write(p) && faults_on_read(p + 2 * PAGE_SIZE - 1));
    assert_free_is_absent(true);
}

static void a_stale_access_to_a_large_kmalloc_faults(void **state)
{
    (void)state;
    set_dial("debug_pagealloc", "on");

    unsigned char *p = hidden(kmalloc(opaque(20000), GFP_KERNEL));

    memset(p, 1, 20000);
    kfree(p);
    assert_true(faults_on_write(p + 19999));
}

static void what_alloc_pages_exact_left_over_is_absent(void **state)
{
    (void)state;
    set_dial("debug_pagealloc", "on");

    unsigned char *p = hidden(alloc_pages_exact(3 * PAGE_SIZE, GFP_KERNEL));

    memset(p, 1, 3 * PAGE_SIZE);
    assert_true(faults_on_read(p + 3 * PAGE_SIZE));
    free_pages_exact(p, 3 * PAGE_SIZE);
    assert_true(faults_on_write(p + 2 * PAGE_SIZE));
}

static void new_pages_hold_poison_and_no_look_is_needed(void **state)
{
    (void)state;
    set_dial("debug_pagealloc", "on");

    unsigned char *p = hidden((void *)__get_free_pages(GFP_KERNEL, 3));

    assert_true(all_bytes(p, 0xaa, 8 * PAGE_SIZE));
    free_pages((unsigned long)p, 3);
    assert_int_equal(mm_find_damage(), 0);
}

static void random_work_never_faults(void **state)
{
    void *things[64] = { NULL };

    (void)state;
    set_dial("debug_pagealloc", "on");
    set_dial("slub_debug", "FZP");
    for (unsigned i = 0; i < 20000; i++) {
        void **thing = &things[arena_random_below(64)];
        size_t size = 1 + arena_random_below(arena_random_below(2) ? 300 : 30000);

        kfree(*thing);
        *thing = kmalloc(opaque(size), GFP_KERNEL);
        if (*thing)
            memset(*thing, 0x11, size);
        if (i % 1000 == 0)
            mm_reclaim();
    }
    for (unsigned i = 0; i < 64; i++)
        kfree(things[i]);
    arena_check();
    assert_int_equal(mm_find_damage(), 0);
    assert_free_is_absent(true);
}

/* ---- the dial ----------------------------------------------------------------- */

static void it_can_be_turned_while_pages_are_free_and_live(void **state)
{
    unsigned char *p = hidden((void *)__get_free_pages(GFP_KERNEL, 4));

    (void)state;
    memset(p, 0x33, 16 * PAGE_SIZE);
    assert_free_is_absent(false);
    for (int i = 0; i < 3; i++) {
        set_dial("debug_pagealloc", "on");
        assert_free_is_absent(true);
        set_dial("debug_pagealloc", "off");
        assert_free_is_absent(false);
    }
    assert_true(all_bytes(p, 0x33, 16 * PAGE_SIZE));
    free_pages((unsigned long)p, 4);
}

static void before_mm_init_it_holds_from_the_start(void **state)
{
    (void)state;
    set_dial("debug_pagealloc", "on");
    set_dial("debug_pagealloc", "off");
    heap.buddy.page = NULL;             /* as if there was no heap yet */
    set_dial("debug_pagealloc", "on");
    arena_open(1000, 0);
    assert_free_is_absent(true);
}

static void where_it_cannot_be_done_poison_serves(void **state)
{
    (void)state;
    for (long most = 0; most < 8; most++) {
        protect_fails = most;
        set_dial("debug_pagealloc", "on");

        unsigned char *p = hidden((void *)__get_free_page(GFP_KERNEL));

        for (int i = 0; i < 8; i++) {   /* sooner or later it cannot */
            free_pages((unsigned long)p, 0);
            p = hidden((void *)__get_free_page(GFP_KERNEL));
        }
        free_pages((unsigned long)p, 0);
        assert_free_is_absent(false);
        p[7] = 1;
        assert_int_equal(mm_find_damage(), 1);
        expect_report(MM_BUG_PAGE_POISON);
        set_dial("debug_pagealloc", "off");
        protect_fails = -1;
    }
}

/* ---- who was there ------------------------------------------------------------- */

static void assert_was(unsigned char *at, void *start, size_t size, uint32_t line)
{
    uint32_t reports = mm_reports();
    struct mm_what what;

    assert_true(mm_explain_fault(at, &what));
    assert_int_equal(mm_reports(), reports + 1);
    assert_int_equal(what.kind, MM_FREE_PAGE);
    assert_true(what.used_before);
    assert_ptr_equal((void *)what.start, start);
    assert_int_equal(what.asked, size);
    assert_int_equal(what.offset, at - (unsigned char *)start);
    assert_site(what.taken_by, line);
    assert_site(what.freed_by, line + 2);
}

static void a_fault_is_explained_by_who_was_there_last(void **state)
{
    (void)state;
    set_dial("debug_pagealloc", "on");

    unsigned char *p = hidden((void *)__get_free_pages(GFP_KERNEL, 3)); uint32_t at = __LINE__;

    free_pages((unsigned long)p, 3);
    assert_was(p, p, 8 * PAGE_SIZE, at);
    assert_was(p + 5 * PAGE_SIZE + 17, p, 8 * PAGE_SIZE, at);

    unsigned char *large = hidden(kmalloc(opaque(30000), GFP_KERNEL)); at = __LINE__;

    kfree(large);
    assert_was(large + 29999, large, 30000, at);

    unsigned char *small = hidden(kmalloc(opaque(100), GFP_KERNEL)); at = __LINE__;

    kfree(small);
    mm_reclaim();               /* its slab goes */
    assert_was(small + 5, small, 100, at);
}

static void what_nobody_ever_had_is_told_as_that(void **state)
{
    struct mm_what what;

    (void)state;
    set_dial("debug_pagealloc", "on");
    assert_true(mm_explain_fault(address_of(heap.buddy.npages / 2), &what));
    assert_false(what.serial || what.used_before);
}

static void other_faults_are_not_its_business(void **state)
{
    unsigned char *p = hidden(kmalloc(opaque(100), GFP_KERNEL));
    struct mm_what what;

    (void)state;
    assert_false(mm_explain_fault(address_of(heap.buddy.npages / 2), &what));   /* off */
    set_dial("debug_pagealloc", "on");
    assert_false(mm_explain_fault(p, &what));
    assert_false(mm_explain_fault(&what, &what));
    assert_false(mm_explain_fault(NULL, &what));
    assert_int_equal(mm_reports(), 0);
    kfree(p);
}

/* ---- an operation that was dropped ----------------------------------------------- */

static bool drop_it;

/* The program is gone in the middle of taking away, or giving back. */
static sigjmp_buf dropped;

static bool drop(void *start, size_t bytes, bool present)
{
    protect_map(start, drop_it ? PAGE_SIZE : bytes, present);
    if (drop_it)
        siglongjmp(dropped, 1);
    return true;
}

static void assert_recovers(void (*work)(void *p), void *p)
{
    struct mm_recovery told;

    mm_map_hook = drop;
    drop_it = true;
    if (sigsetjmp(dropped, 0) == 0)
        work(p);
    assert_true(mm_state & MM_BUSY);
    drop_it = false;
    mm_recover(&told);
    arena_check();
    assert_free_is_absent(true);
}

static void take_pages(void *p)
{
    (void)p;
    p = (void *)__get_free_pages(GFP_KERNEL, 2);
}

static void give_pages(void *p)
{
    free_pages((unsigned long)p, 2);
}

static void a_dropped_operation_leaves_what_is_live_there_and_what_is_free_not(void **state)
{
    (void)state;
    set_dial("debug_pagealloc", "on");

    void *p = (void *)__get_free_pages(GFP_KERNEL, 2);

    assert_recovers(take_pages, NULL);
    assert_recovers(give_pages, p);
    if (arena_what(p).kind == MM_USED_PAGES)
        free_pages((unsigned long)p, 2);
    assert_int_equal(arena_stats().live_pages, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROTECT_TEST(a_stale_access_to_pages_faults),
        PROTECT_TEST(a_stale_access_to_a_large_kmalloc_faults),
        PROTECT_TEST(what_alloc_pages_exact_left_over_is_absent),
        PROTECT_TEST(new_pages_hold_poison_and_no_look_is_needed),
        PROTECT_TEST(random_work_never_faults),
        PROTECT_TEST(it_can_be_turned_while_pages_are_free_and_live),
        PROTECT_TEST(before_mm_init_it_holds_from_the_start),
        PROTECT_TEST(where_it_cannot_be_done_poison_serves),
        PROTECT_TEST(a_fault_is_explained_by_who_was_there_last),
        PROTECT_TEST(what_nobody_ever_had_is_told_as_that),
        PROTECT_TEST(other_faults_are_not_its_business),
        PROTECT_TEST(a_dropped_operation_leaves_what_is_live_there_and_what_is_free_not),
    };

    return ARENA_RUN(tests);
}
