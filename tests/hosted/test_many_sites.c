/*
 * test_many_sites.c - more call sites than 16 bits can number: those beyond have one site
 * together, which says so, and what they took is as live as anything.
 */
#include "tests/hosted/arena.h"

#include <string.h>

static struct alloc_site many[70000] __attribute__((section("alloc_sites"), used));

/* Of the section: the sites with numbers, and those without. */
static struct alloc_site *first_beyond(void)
{
    return mm_sites() + 65534;
}

static void those_beyond_share_a_site_that_says_so(void **state)
{
    struct alloc_site *beyond = first_beyond();

    (void)state;
    assert_true(beyond < mm_sites_end());
    assert_int_equal(beyond[-1].number, 65534);
    assert_int_equal(beyond->number, 65535);
    assert_int_equal(mm_sites_end()[-1].number, 65535);

    void *p = kmalloc_at(&beyond[-1], 10, GFP_KERNEL);
    void *q = kmalloc_at(beyond, 20, GFP_KERNEL);
    void *r = kmalloc_at(mm_sites_end() - 1, 30, GFP_KERNEL);

    assert_ptr_equal(arena_what(p).taken_by, &beyond[-1]);
    assert_ptr_equal(arena_what(q).taken_by, arena_what(r).taken_by);
    assert_non_null(strstr(arena_what(q).taken_by->file, "65534"));
    arena_check();
    kfree_at(&beyond[2], p);
    assert_ptr_equal(arena_what(p).freed_by, arena_what(q).taken_by);
    q = krealloc_at(&beyond[1], q, 25, GFP_KERNEL);
    assert_int_equal(arena_what(q).asked, 25);
    arena_check();
    kfree(q);
    kfree(r);
    kfree(r);
    expect_report(MM_BUG_DOUBLE_FREE);
}

static void the_sum_over_all_sites_is_what_is_live(void **state)
{
    uint32_t objects = 0, sites = 0;
    size_t bytes = 0;

    (void)state;
    for (size_t i = 0; i < 10; i++)
        assert_non_null(kmalloc_at(first_beyond() - 5 + i, 100, GFP_KERNEL));
    mm_count_sites(0);
    for (struct alloc_site *site = NULL; (site = mm_next_site(site)); ) {
        objects += site->objects;
        bytes += site->bytes;
        sites += site->objects > 0;
    }
    assert_int_equal(objects, 10);
    assert_int_equal(bytes, 1000);
    assert_int_equal(sites, 5 + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(those_beyond_share_a_site_that_says_so),
        ARENA_TEST(the_sum_over_all_sites_is_what_is_live),
    };

    return ARENA_RUN(tests);
}
