/*
 * test_records.c - who took it, who gave it back: serial numbers, call sites, sizes;
 * the walks over what is live; and that without names the proof stays.
 */
#include "tests/hosted/arena.h"

#include <string.h>

static uint32_t serial_of(const void *p)
{
    return arena_what(p).serial;
}

static void serials_count_every_allocation_of_every_kind(void **state)
{
    struct kmem_cache *cache = kmem_cache_create("numbered", 50, 0, 0, NULL);

    (void)state;
    assert_int_equal(arena_stats().last_serial, 0);
    assert_int_equal(serial_of(kmalloc(10, GFP_KERNEL)), 1);
    assert_int_equal(serial_of(kmem_cache_alloc(cache, GFP_KERNEL)), 2);
    assert_int_equal(serial_of(page_address(alloc_page(GFP_KERNEL))), 3);
    assert_int_equal(serial_of(kmalloc(100000, GFP_KERNEL)), 4);
    assert_int_equal(serial_of(alloc_pages_exact(9000, GFP_KERNEL)), 5);
    assert_int_equal(serial_of(kstrdup("x", GFP_KERNEL)), 6);
    assert_int_equal(serial_of((void *)get_zeroed_page(GFP_KERNEL)), 7);
    assert_ptr_equal(kmalloc(0, GFP_KERNEL), ZERO_SIZE_PTR);
    assert_null(alloc_pages(GFP_KERNEL | __GFP_NOWARN, 11));
    kfree(kmalloc(10, GFP_KERNEL));                         /* 8 */
    assert_int_equal(serial_of(kmalloc(10, GFP_KERNEL)), 9);
    assert_int_equal(arena_stats().last_serial, 9);
}

static void the_same_input_gives_the_same_heap(void **state)
{
    struct arena_state first;

    (void)state;
    for (int round = 0; round < 2; round++) {
        arena_open(1000, 10);
        for (size_t i = 1; i < 400; i++) {
            void *p = kmalloc(i * 37 % 5000 + 1, GFP_KERNEL);

            if (i % 3 == 0)
                kfree(p);
        }
        if (round == 0)
            first = arena_state();
    }
    assert_same_state(&first);
}

/* One allocation of each kind, with the line it stands on. */
static void every_call_names_its_line(void **state)
{
    struct kmem_cache *cache = kmem_cache_create("lined", 50, 0, 0, NULL);
    struct { const void *p; uint32_t line; size_t asked; } taken[16];
    unsigned n = 0;

    (void)state;
#define TAKEN(expression, bytes) \
    (taken[n].p = (expression), taken[n].line = __LINE__, taken[n].asked = bytes, n++)
    TAKEN(kmalloc(11, GFP_KERNEL), 11);
    TAKEN(kzalloc(12, GFP_KERNEL), 12);
    TAKEN(kcalloc(3, 5, GFP_KERNEL), 15);
    TAKEN(kmalloc_array(3, 6, GFP_KERNEL), 18);
    TAKEN(krealloc(NULL, 14, GFP_KERNEL), 14);
    TAKEN(krealloc_array(NULL, 2, 7, GFP_KERNEL), 14);
    TAKEN(kstrdup("four", GFP_KERNEL), 5);
    TAKEN(kstrndup("four", 2, GFP_KERNEL), 3);
    TAKEN(kmemdup("four", 4, GFP_KERNEL), 4);
    TAKEN(kmalloc(20000, GFP_KERNEL), 20000);
    TAKEN(kmem_cache_alloc(cache, GFP_KERNEL), 50);
    TAKEN(kmem_cache_zalloc(cache, GFP_KERNEL), 50);
    TAKEN(page_address(alloc_pages(GFP_KERNEL, 1)), 8192);
    TAKEN((void *)__get_free_page(GFP_KERNEL), 4096);
    TAKEN((void *)get_zeroed_page(GFP_KERNEL), 4096);
    TAKEN(alloc_pages_exact(9000, GFP_KERNEL), 12288);
#undef TAKEN
    for (unsigned i = 0; i < n; i++) {
        struct mm_what what = arena_what(taken[i].p);

        assert_site(what.taken_by, taken[i].line);
        assert_string_equal(what.taken_by->func, __func__);
        assert_int_equal(what.asked, taken[i].asked);
        assert_null(what.freed_by);
    }
}

static void a_free_names_its_line(void **state)
{
    void *keep = kmalloc(64, GFP_KERNEL);
    void *p = kmalloc(64, GFP_KERNEL), *q = kmalloc(64, GFP_KERNEL);
    uint32_t line;

    (void)state;
    kfree(p); line = __LINE__;
    assert_site(arena_what(p).freed_by, line);
    kfree_sensitive(q); line = __LINE__;
    assert_site(arena_what(q).freed_by, line);
    p = kmalloc(64, GFP_KERNEL); line = __LINE__;
    assert_site(arena_what(p).taken_by, line);
    assert_null(arena_what(p).freed_by);        /* its former life is gone */
    kfree(p);
    kfree(keep);
}

/* ---- the functions behind the macros ------------------------------------------ */

static __attribute__((noinline)) void *take_by_function(size_t size)
{
    void *p = (kmalloc)(size, GFP_KERNEL);

    __asm__ volatile("" ::: "memory");          /* no tail call */
    return p;
}

static __attribute__((noinline)) void free_by_function(void *p)
{
    (kfree)(p);
    __asm__ volatile("" ::: "memory");
}

static void assert_inside(const struct alloc_site *site, uintptr_t function)
{
    assert_non_null(site);
    assert_null(site->file);
    assert_in_range(site->address, function + 1, function + 300);
}

static void functions_record_their_return_address(void **state)
{
    void *keep = take_by_function(33), *p = take_by_function(33);
    struct mm_what what = arena_what(p);

    (void)state;
    assert_int_equal(what.asked, 33);
    assert_inside(what.taken_by, (uintptr_t)take_by_function);
    assert_ptr_equal(arena_what(keep).taken_by, what.taken_by);
    free_by_function(p);
    assert_inside(arena_what(p).freed_by, (uintptr_t)free_by_function);
    free_by_function(keep);
    assert_int_equal(mm_sites_lost(), 0);
}

static void functions_do_what_the_macros_do(void **state)
{
    struct kmem_cache *cache = (kmem_cache_create)("plain", 40, 0, 0, NULL);
    void *(*take)(size_t, gfp_t) = kmalloc;     /* no macro without its arguments */
    void *p[] = {
        take(8, GFP_KERNEL), (kzalloc)(8, GFP_KERNEL), (kcalloc)(2, 4, GFP_KERNEL),
        (kmalloc_array)(2, 4, GFP_KERNEL), (krealloc)(NULL, 8, GFP_KERNEL),
        (krealloc_array)(NULL, 2, 4, GFP_KERNEL), (kstrdup)("abcdefg", GFP_KERNEL),
        (kstrndup)("abcdefghi", 7, GFP_KERNEL), (kmemdup)("abcdefg", 8, GFP_KERNEL),
        (kmem_cache_alloc)(cache, GFP_KERNEL), (kmem_cache_zalloc)(cache, GFP_KERNEL),
    };
    unsigned n = sizeof(p) / sizeof(p[0]);

    (void)state;
    assert_true(all_bytes(p[1], 0, 8) && all_bytes(p[2], 0, 8));
    assert_true(all_bytes(p[10], 0, 40));
    for (unsigned i = 6; i < 9; i++)
        assert_string_equal(p[i], "abcdefg");
    for (unsigned i = 0; i < n; i++) {
        assert_int_equal(serial_of(p[i]), i + 1);
        assert_null(arena_what(p[i]).taken_by->file);
    }
    for (unsigned i = 0; i < n - 2; i++)
        (kfree)(p[i]);
    (kmem_cache_free)(cache, p[n - 1]);
    (kmem_cache_free)(cache, p[n - 2]);
    (kfree_sensitive)((kmalloc)(9, GFP_KERNEL));
    (kmem_cache_destroy)(cache);
    (__free_pages)((alloc_pages)(GFP_KERNEL, 2), 2);
    (free_pages)((__get_free_pages)(GFP_KERNEL, 1), 1);
    (free_pages_exact)((alloc_pages_exact)(9000, GFP_KERNEL), 9000);
    assert_int_equal(arena_stats().live_objects, 0);
    assert_int_equal(arena_stats().live_pages, 0);
}

/* ---- counting by site --------------------------------------------------------- */

static struct alloc_site *site_on_line(uint32_t line)
{
    for (struct alloc_site *site = mm_sites(); site < mm_sites_end(); site++)
        if (site->file && strcmp(site->file, __FILE__) == 0 && site->line == line)
            return site;
    fail_msg("no site on line %u", (unsigned)line);
    return NULL;
}

static void sites_are_counted_exactly_and_since(void **state)
{
    void *table[10];
    uint32_t small, pages, mark;

    (void)state;
    for (int i = 0; i < 10; i++) {
        table[i] = kmalloc(10 + (size_t)i, GFP_KERNEL); small = __LINE__;
    }
    assert_non_null(alloc_pages(GFP_KERNEL, 1)); pages = __LINE__;
    kfree(table[0]), kfree(table[5]);
    mm_count_sites(0);
    assert_int_equal(site_on_line(small)->objects, 8);
    assert_int_equal(site_on_line(small)->bytes, 10 * 10 + 45 - 10 - 15);
    assert_int_equal(site_on_line(small)->oldest, 2);
    assert_int_equal(site_on_line(small)->newest, 10);
    assert_int_equal(site_on_line(pages)->objects, 1);
    assert_int_equal(site_on_line(pages)->bytes, 8192);
    assert_int_equal(site_on_line(pages)->oldest, 11);
    mark = 8;                   /* only 9, 10 and 11 came after */
    mm_count_sites(mark);
    assert_int_equal(site_on_line(small)->objects, 2);
    assert_int_equal(site_on_line(small)->oldest, 9);
    assert_int_equal(site_on_line(pages)->objects, 1);
    mm_count_sites(arena_stats().last_serial);
    assert_int_equal(site_on_line(small)->objects, 0);
    assert_int_equal(site_on_line(pages)->bytes, 0);
}

struct seen {
    uintptr_t last;
    uint32_t objects, pages, stop_at;
    size_t bytes;
    bool ascending;
};

static bool look(const struct mm_what *what, void *arg)
{
    struct seen *seen = arg;

    seen->ascending &= what->start > seen->last && what->offset == 0;
    seen->last = what->start;
    if (what->kind == MM_USED_PAGES)
        seen->pages += (uint32_t)(what->bytes / PAGE_SIZE);
    else
        seen->objects++, seen->bytes += what->asked;
    return seen->objects != seen->stop_at;
}

static struct seen walk(uint32_t stop_at)
{
    struct seen seen = { .ascending = true, .stop_at = stop_at };

    mm_walk_live(look, &seen);
    assert_true(seen.ascending);
    return seen;
}

static void the_walk_sees_each_live_thing_once_by_address(void **state)
{
    size_t bytes = 0;

    (void)state;
    for (size_t i = 1; i < 300; i++) {
        void *p = kmalloc(i * i % 20000 + 1, GFP_KERNEL);

        if (i % 4 == 0)
            kfree(p);
        else
            bytes += i * i % 20000 + 1;
    }
    assert_non_null(alloc_pages(GFP_KERNEL, 3));
    assert_non_null(alloc_pages_exact(5 * PAGE_SIZE, GFP_KERNEL));

    struct seen seen = walk(UINT32_MAX);

    assert_int_equal(seen.objects, 299 - 74);
    assert_int_equal(seen.bytes, bytes);
    assert_int_equal(seen.pages, 13);
    assert_int_equal(arena_stats().live_bytes, bytes);
    assert_int_equal(arena_stats().live_objects, 299 - 74);
    assert_int_equal(walk(7).objects, 7);       /* false stops it */
}

/* ---- kmemleak=off ------------------------------------------------------------- */

static void without_records_nothing_is_named_and_less_is_taken(void **state)
{
    uint32_t meta = arena_stats().meta_pages;

    (void)state;
    mm_records = false;
    arena_open(3000, 300);
    assert_true(arena_stats().meta_pages < meta);

    char *p = kmalloc(100, GFP_KERNEL), *large = kmalloc(9000, GFP_KERNEL);
    struct page *page = alloc_page(GFP_KERNEL);
    struct mm_what what = arena_what(p);

    assert_int_equal(what.kind, MM_SLAB_LIVE);
    assert_int_equal(what.start, (uintptr_t)p);
    assert_int_equal(what.serial, 0);
    assert_null(what.taken_by);
    assert_int_equal(arena_what(large).kind, MM_LARGE);
    assert_int_equal(arena_what(page_address(page)).kind, MM_USED_PAGES);
    assert_int_equal(arena_stats().live_objects, 2);
    assert_int_equal(arena_stats().live_bytes, 128 + 12288 + 4096);
    assert_int_equal(arena_stats().last_serial, 0);
    assert_int_equal(walk(UINT32_MAX).objects, 2);
    mm_count_sites(0);
    assert_ptr_equal(krealloc(p, 120, GFP_KERNEL), p);
    arena_check();
    kfree(p), kfree(large);
    __free_page(page);
    assert_int_equal(arena_stats().live_bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(serials_count_every_allocation_of_every_kind),
        ARENA_TEST(the_same_input_gives_the_same_heap),
        ARENA_TEST(every_call_names_its_line),
        ARENA_TEST(a_free_names_its_line),
        ARENA_TEST(functions_record_their_return_address),
        ARENA_TEST(functions_do_what_the_macros_do),
        ARENA_TEST(sites_are_counted_exactly_and_since),
        ARENA_TEST(the_walk_sees_each_live_thing_once_by_address),
        ARENA_TEST(without_records_nothing_is_named_and_less_is_taken),
    };

    return ARENA_RUN(tests);
}
