/*
 * test_guarded.c - kfence.every: objects that stand against a page that is not there.  The
 * very access past one, or after its kfree, faults; all else is as with other objects.
 */
#include "tests/hosted/protect.h"
#include "mm/heap_priv.h"
#include "mm/look/fault.h"
#include "mm/look/recover.h"
#include "mm/object_priv.h"

#include <string.h>

enum { OBJECTS = 64, WAITING = 256 };

/* The compiler must not warn of what is tried here. */
static unsigned char *hidden(void *p)
{
    volatile uintptr_t at = (uintptr_t)p;

    return (unsigned char *)at;
}

static void *take(size_t size)
{
    void *p = kmalloc(opaque(size), GFP_KERNEL);

    assert_non_null(p);
    return hidden(p);
}

static bool is_guarded_object(const void *p)
{
    return arena_what(p).kind == MM_GUARDED;
}

/* ---- at the access ------------------------------------------------------------ */

static void every_object_stands_against_a_page_that_is_not_there(void **state)
{
    static const size_t sizes[] = { 8, 16, 64, 96, 104, 1000, 2048, 4088, 5000, 8184 };

    (void)state;
    set_dial("kfence.every", "1");
    for (size_t i = 0; i < 16 * sizeof(sizes) / sizeof(sizes[0]); i++) {
        size_t size = sizes[i / 16];
        unsigned char *p = take(size);

        assert_true(is_guarded_object(p));
        assert_true(faults_on_read(p + size) && faults_on_write(p + size));
        assert_false(faults_on_write(p) || faults_on_write(p + size - 1));
        memset(p, 7, size);
    }
}

static void an_object_that_was_freed_is_not_there(void **state)
{
    (void)state;
    set_dial("kfence.every", "1");
    for (size_t size = 1; size <= 8192; size = size * 3 + 1) {
        unsigned char *p = take(size);

        kfree(p);
        assert_true(faults_on_read(p) && faults_on_write(p + size - 1));
    }
}

static void it_is_aligned_as_others_are(void **state)
{
    (void)state;
    set_dial("kfence.every", "1");
    for (size_t size = 1; size <= 8192; size += size < 300 ? 1 : 77) {
        void *p = take(size);

        assert_int_equal((uintptr_t)p % 8, 0);
        kfree(p);
    }
    for (size_t size = 8; size <= 8192; size *= 2)
        for (int i = 0; i < 4; i++)
            assert_int_equal((uintptr_t)take(size) % size, 0);
    for (size_t align = 8; align <= PAGE_SIZE; align *= 2) {
        struct kmem_cache *cache = kmem_cache_create("aligned", 100, align, 0, NULL);

        for (int i = 0; i < 4; i++) {
            void *p = kmem_cache_alloc(cache, GFP_KERNEL);

            assert_int_equal((uintptr_t)p % align, 0);
            assert_true(is_guarded_object(p));
            kmem_cache_free(cache, p);
        }
        kmem_cache_destroy(cache);
    }
}

static void objects_larger_than_kmalloc_s_are_guarded_in_caches(void **state)
{
    struct kmem_cache *cache = kmem_cache_create("large", 20000, 0, 0, NULL);

    (void)state;
    set_dial("kfence.every", "1");
    for (int i = 0; i < 2; i++) {
        unsigned char *p = hidden(kmem_cache_alloc(cache, GFP_KERNEL));

        memset(p, 1, 20000);
        assert_true(faults_on_read(p + 20000));
        kmem_cache_free(cache, p);
        assert_true(faults_on_read(p + 10000));
    }
    kmem_cache_destroy(cache);
}

static void large_kmallocs_and_pages_are_not_guarded(void **state)
{
    (void)state;
    set_dial("kfence.every", "1");
    assert_int_equal(arena_what(take(8193)).kind, MM_LARGE);

    void *p = (void *)__get_free_page(GFP_KERNEL);

    assert_int_equal(arena_what(p).kind, MM_USED_PAGES);
    free_pages((unsigned long)p, 0);
    assert_int_equal(arena_stats().guarded_pages, 0);
}

/* ---- slack ---------------------------------------------------------------------- */

static void a_write_into_its_slack_is_found_when_it_is_freed(void **state)
{
    static const struct { size_t size; long at; } writes[] = {
        { 100, -1 }, { 101, 101 }, { 101, 103 }, { 5000, -3000 }, { 1, 1 }, { 20, -4000 },
    };

    (void)state;
    set_dial("kfence.every", "1");
    for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
        unsigned char *p = take(writes[i].size), *at = p + writes[i].at;

        *at = 0x41;
        kfree(p);

        const struct mm_report *report = expect_report(MM_BUG_GUARDED);

        assert_ptr_equal((void *)report->damage.first, at);
        assert_int_equal(report->damage.found, 0x41);
        assert_int_equal(report->damage.expected, 0xcc);
        assert_ptr_equal((void *)report->what.start, p);
        assert_string_equal(report->call, "kfree");
        assert_true(faults_on_read(p));         /* and it was freed */
    }
}

static void it_is_found_by_looking_once_and_the_clean_twin_is_silent(void **state)
{
    (void)state;
    set_dial("kfence.every", "1");

    unsigned char *p = take(100), *clean = take(100);

    memset(clean, 0x41, 100);
    p[-8] = 1;
    assert_int_equal(mm_find_damage(), 1);
    expect_report(MM_BUG_GUARDED);
    assert_int_equal(mm_find_damage(), 0);
    kfree(clean);
    kfree(p);
    assert_int_equal(mm_find_damage(), 0);
}

/* ---- what it holds ---------------------------------------------------------------- */

static void is_made(void *object)
{
    memset(object, 0x77, 40);
}

static void it_comes_new_zero_or_constructed(void **state)
{
    struct kmem_cache *made = kmem_cache_create("made", 40, 0, 0, is_made);

    (void)state;
    set_dial("kfence.every", "1");
    for (int i = 0; i < 4; i++) {
        assert_true(all_bytes(take(100), 0x5a, 100));
        assert_true(all_bytes(kzalloc(opaque(100), GFP_KERNEL), 0, 100));

        unsigned char *p = kmem_cache_alloc(made, GFP_KERNEL);

        assert_true(all_bytes(p, 0x77, 40));
        memset(p, 1, 40);
        kmem_cache_free(made, p);
    }
    set_dial("init_on_alloc", "1");
    assert_true(all_bytes(take(100), 0, 100));
}

static void ksize_is_what_was_asked_and_krealloc_moves_to_grow(void **state)
{
    (void)state;
    set_dial("kfence.every", "1");
    for (int i = 0; i < 4; i++) {
        unsigned char *p = take(100), *q;

        assert_int_equal(ksize(p), 100);
        memset(p, 0x33, 100);
        assert_ptr_equal(krealloc(p, opaque(60), GFP_KERNEL), p);
        assert_int_equal(ksize(p), 60);
        q = hidden(krealloc(p, opaque(64), GFP_KERNEL | __GFP_ZERO));
        assert_ptr_not_equal(q, p);
        assert_true(faults_on_read(p));
        assert_true(all_bytes(q, 0x33, 60) && all_bytes(q + 60, 0, 4));
        kfree_sensitive(q);
        assert_true(faults_on_read(q));
    }
}

static void what_krealloc_gave_up_is_slack(void **state)
{
    (void)state;
    set_dial("kfence.every", "1");

    unsigned char *p = take(100);

    assert_ptr_equal(krealloc(p, opaque(60), GFP_KERNEL | __GFP_ZERO), p);
    p[60] = 1;
    kfree(p);
    assert_ptr_equal((void *)expect_report(MM_BUG_GUARDED)->damage.first, p + 60);
}

/* ---- an object like others -------------------------------------------------------- */

static bool count_one(const struct mm_what *what, void *arg)
{
    assert_int_equal(what->kind, MM_GUARDED);
    assert_int_equal(what->offset, 0);
    ++*(int *)arg;
    return true;
}

static void counters_and_walks_know_it(void **state)
{
    struct mm_stats before = arena_stats(), after;
    uint32_t line;
    int live = 0;

    (void)state;
    set_dial("kfence.every", "1");

    void *p = kmalloc(100, GFP_KERNEL); line = __LINE__;
    void *q = take(64);
    struct mm_what what = arena_what((char *)p + 5);

    assert_string_equal(what.cache, "kmalloc-128");
    assert_int_equal(what.offset, 5);
    assert_int_equal(what.bytes, 100);
    assert_int_equal(what.asked, 100);
    assert_site(what.taken_by, line);
    kfree(q);
    mm_walk_live(count_one, &live);
    assert_int_equal(live, 1);
    after = arena_stats();
    assert_int_equal(after.live_objects, before.live_objects + 1);
    assert_int_equal(after.live_bytes, before.live_bytes + 100);
    assert_int_equal(after.kmallocs, before.kmallocs + 2);
    assert_int_equal(after.kfrees, before.kfrees + 1);
    assert_int_equal(after.guarded_pages, 4);
    assert_int_equal(arena_cache("kmalloc-128").live, 1);
    arena_check();
    kfree(p);
    mm_reclaim();
    after = arena_stats();
    assert_int_equal(after.guarded_pages, 0);
    assert_int_equal(after.free_pages, before.free_pages);
    assert_same_blocks(&before);
}

static void a_wrong_free_is_told_as_of_others(void **state)
{
    struct kmem_cache *cache = kmem_cache_create("mine", 64, 0, 0, NULL);
    struct kmem_cache *other = kmem_cache_create("other", 64, 0, 0, NULL);

    (void)state;
    set_dial("kfence.every", "1");
    for (int i = 0; i < 2; i++) {
        unsigned char *p = take(100);
        void *mine = kmem_cache_alloc(cache, GFP_KERNEL);

        kfree(p + 8);
        assert_int_equal(expect_report(MM_BUG_INTERIOR)->what.offset, 8);
        kfree(p - 8);
        expect_report(MM_BUG_INTERIOR);
        free_pages((unsigned long)p, 1);
        expect_report(MM_BUG_OBJECT_TO_FREE_PAGES);
        kmem_cache_free(other, mine);
        expect_report(MM_BUG_WRONG_CACHE);
        kmem_cache_free(cache, mine);
        kmem_cache_free(cache, mine);
        expect_report(MM_BUG_DOUBLE_FREE);
        kfree(p); const uint32_t freed = __LINE__;
        kfree(p);

        const struct mm_report *report = expect_report(MM_BUG_DOUBLE_FREE);

        assert_site(report->what.freed_by, freed);
        assert_int_equal(report->what.asked, 100);
        assert_int_equal(ksize(p), 0);
        expect_report(MM_BUG_USE_AFTER_FREE);
        assert_null(krealloc(p, opaque(10), GFP_KERNEL));
        expect_report(MM_BUG_USE_AFTER_FREE);
        mm_reclaim();                   /* its pages went back: it is known yet */
        kfree(p);
        report = expect_report(MM_BUG_DOUBLE_FREE);
        assert_site(report->what.freed_by, freed);
        assert_int_equal(report->what.asked, 100);
    }
    kmem_cache_destroy(cache);
    kmem_cache_destroy(other);
}

static void a_cache_with_a_live_one_stays_and_freed_ones_do_not_hold_it(void **state)
{
    struct kmem_cache *cache = kmem_cache_create("mine", 64, 0, 0, NULL);

    (void)state;
    set_dial("kfence.every", "1");

    void *p = kmem_cache_alloc(cache, GFP_KERNEL);

    kmem_cache_destroy(cache);
    assert_int_equal(expect_report(MM_BUG_CACHE_IN_USE)->live, 1);
    kmem_cache_free(cache, p);
    assert_int_equal(arena_stats().guarded_pages, 2);
    kmem_cache_destroy(cache);
    assert_int_equal(arena_stats().guarded_pages, 0);
    assert_null(mm_find_cache("mine"));
}

/* ---- how many -------------------------------------------------------------------- */

static void one_of_n_refills_is_guarded_and_the_short_ways_stay(void **state)
{
    const uint32_t every = 7, objects = 3000;
    uint32_t guarded = 0, refills = 0;
    bool is_used_up = true;             /* the next one is a refill */

    (void)state;
    set_dial("kfence.every", "7");
    assert_false(mm_state & MM_LONG_WAY);
    for (uint32_t i = 0; i < objects; i++) {
        const struct kmem_cache *cache = mm_find_cache("kmalloc-64");
        bool is_guarded_now = is_guarded_object(take(64));

        refills += is_used_up;
        assert_int_equal(is_guarded_now, is_used_up && refills % every == 0);
        guarded += is_guarded_now;
        is_used_up = *cache->word == 0;
    }
    assert_in_range(guarded, objects / 32 / every, objects / 8 / every);
    assert_int_equal(arena_stats().live_objects, objects);
    arena_check();
}

static void the_same_calls_guard_the_same_objects(void **state)
{
    uint64_t seen[2] = { 1, 1 };

    (void)state;
    for (int run = 0; run < 2; run++) {
        protect_open(3000);
        set_dial("kfence.every", "3");
        for (int i = 0; i < 1000; i++) {
            void *p = take(8 + (size_t)i % 200);

            seen[run] = seen[run] * 31 + (uintptr_t)p;
        }
        mm_reset_dials();
    }
    assert_true(seen[0] == seen[1]);
}

static void freed_ones_wait_and_the_oldest_goes(void **state)
{
    static unsigned char *p[WAITING + 8];

    (void)state;
    set_dial("kfence.every", "1");
    for (int i = 0; i < WAITING + 8; i++)
        p[i] = take(64);
    for (int i = 0; i < WAITING + 8; i++)
        kfree(p[i]);
    for (int i = 0; i < WAITING + 8; i++)
        assert_int_equal(faults_on_read(p[i]), i >= 8);
    arena_check();
}

static void without_pages_it_is_an_ordinary_object_and_counted(void **state)
{
    enum { MOST = 4000 };
    static void *p[MOST];
    uint32_t guarded = 0, n = 0;

    (void)state;
    protect_open(300);
    set_dial("kfence.every", "1");
    kfree(take(64));                    /* it waits, and will go */
    while (n < MOST && (p[n] = kmalloc(64, GFP_KERNEL | __GFP_NOWARN)))
        guarded += is_guarded_object(p[n++]);
    assert_in_range(guarded, 100, 150);
    assert_int_equal(arena_stats().unguarded, n - guarded + (n < MOST));
    arena_check();
    while (n--)
        kfree(p[n]);
    mm_reclaim();
    arena_check();
    assert_int_equal(arena_stats().live_objects, 0);
}

static void turned_off_it_goes_with_its_last_object(void **state)
{
    (void)state;
    set_dial("kfence.every", "1");

    unsigned char *p = take(64), *q = take(64);

    kfree(q);
    set_dial("kfence.every", "0");
    assert_false(faults_on_read(q));
    assert_false(is_guarded_object(take(64)));
    assert_true(mm_dials_are_on() && !(mm_state & MM_LONG_WAY));
    assert_true(faults_on_read(p + 64));
    kfree(p);
    assert_false(mm_dials_are_on());
    assert_int_equal(arena_stats().guarded_pages, 0);
}

static void values_are_read_and_wrong_ones_named(void **state)
{
    (void)state;
    assert_string_equal(mm_dial("kfence.every"), "");
    set_dial("kfence.every", "12");
    assert_string_equal(mm_dial("kfence.every"), "12");
    assert_non_null(mm_set_dial("kfence.every", ""));
    assert_non_null(mm_set_dial("kfence.every", "1x"));
    assert_non_null(mm_set_dial("kfence.every", "-1"));
    assert_non_null(mm_set_dial("kfence.every", "99999999999999999999999"));
    assert_string_equal(mm_dial("kfence.every"), "12");
    set_dial("kfence.every", "0");
    mm_map_hook = NULL;
    assert_non_null(mm_set_dial("kfence.every", "1"));
    mm_map_hook = protect_map;
    mm_records = false;
    assert_non_null(mm_set_dial("kfence.every", "1"));
    mm_records = true;
    assert_false(mm_dials_are_on());
}

static void where_pages_cannot_be_taken_away_it_is_an_ordinary_object(void **state)
{
    (void)state;
    set_dial("kfence.every", "1");
    for (long most = 0; most < 4; most++) {
        protect_fails = most;
        for (int i = 0; i < 4; i++) {
            unsigned char *p = take(64);

            memset(p, 1, 64);
            kfree(p);
            arena_check();
        }
        protect_fails = -1;
    }
    assert_in_range(arena_stats().unguarded, 1, 16);
}

/* ---- with the others --------------------------------------------------------------- */

static void random_work_is_right_with_every_dial(void **state)
{
    static const char *const every[] = { "1", "2", "5" };
    static unsigned char *p[OBJECTS];
    static size_t sizes[OBJECTS];

    (void)state;
    for (size_t d = 0; arena_every_dial[d][0].name; d++) {
        for (const struct arena_dial *dial = arena_every_dial[d]; dial->name; dial++)
            set_dial(dial->name, dial->value);
        set_dial("kfence.every", every[d % 3]);
        for (unsigned i = 0; i < 3000; i++) {
            unsigned n = arena_random_below(OBJECTS);

            assert_true(!p[n] || all_bytes(p[n], (int)n, sizes[n]));
            if (arena_random_below(3) == 0 && p[n]) {
                size_t size = 1 + arena_random_below(9000);
                size_t kept = size < sizes[n] ? size : sizes[n];

                p[n] = krealloc(p[n], size, GFP_KERNEL);
                assert_true(all_bytes(p[n], (int)n, kept));
                sizes[n] = size;
            } else {
                kfree(p[n]);
                sizes[n] = 1 + arena_random_below(arena_random_below(3) ? 300 : 9000);
                p[n] = kmalloc(sizes[n], GFP_KERNEL);
            }
            memset(p[n], (int)n, sizes[n]);
            if (i % 500 == 0)
                arena_check();
        }
        for (unsigned n = 0; n < OBJECTS; n++) {
            kfree(p[n]);
            p[n] = NULL;
        }
        assert_int_equal(mm_find_damage(), 0);
        arena_check();
        mm_reset_dials();
        mm_reclaim();
        assert_int_equal(arena_stats().guarded_pages, 0);
        assert_false(mm_dials_are_on());
        arena_check();
    }
}

/* ---- who it was -------------------------------------------------------------------- */

static void a_fault_is_explained_by_its_object(void **state)
{
    struct mm_what what;

    (void)state;
    set_dial("kfence.every", "1");

    unsigned char *p = take(64);

    assert_true(mm_explain_fault(p + 64, &what));
    assert_int_equal(what.kind, MM_GUARDED);
    assert_ptr_equal((void *)what.start, p);
    assert_int_equal(mm_reports(), 1);
    kfree(p);
    assert_true(mm_explain_fault(p + 5, &what));
    assert_int_equal(what.kind, MM_GUARDED_FREE);
    assert_int_equal(what.asked, 64);
    assert_non_null(what.freed_by);
    assert_int_equal(mm_reports(), 2);
}

/* ---- broken, and dropped ------------------------------------------------------------ */

static bool heard_corruption;

static void hear_corruption(const struct mm_report *report)
{
    heard_corruption = report->bug == MM_BUG_CORRUPTED;
}

static void each_rule_is_named_when_it_is_broken(void **state)
{
    (void)state;
    set_dial("kfence.every", "1");

    struct page *page = virt_to_page(take(64));

    page->guard ^= 8 << 8;              /* it is still where one may be */
    assert_null(mm_check());
    page->guard ^= 8 << 8;
    page->guard ^= 1 << 8;
    assert_memory_equal(mm_check(), "M6", 2);
    page->guard ^= 1 << 8;
    page->guard ^= 4;                   /* a name of no cache, by its parity */
    assert_memory_equal(mm_check(), "M6", 2);
    mm_report_hook = hear_corruption;   /* arena's own would have mm whole */
    kfree(page_address(page));
    assert_true(heard_corruption);
    page->guard ^= 4;
    heap.guarded_pages++;
    assert_memory_equal(mm_check(), "M7", 2);
    heap.guarded_pages--;
    heap.guarded_freed++;
    assert_memory_equal(mm_check(), "M7", 2);
    heap.guarded_freed--;
}

static long until_drop;
static sigjmp_buf dropped;

/* The program is gone before, or behind, the n-th call. */
static bool drop(void *start, size_t bytes, bool present)
{
    if (until_drop-- == 0)
        siglongjmp(dropped, 1);

    bool done = protect_map(start, bytes, present);

    if (until_drop-- == 0)
        siglongjmp(dropped, 1);
    return done;
}

static void assert_as_it_must_be(bool free_is_absent)
{
    for (uint32_t pfn = 0; pfn < heap.buddy.npages; pfn++) {
        struct mm_what what = arena_what(address_of(pfn));
        const struct page *page = &heap.buddy.page[pfn];

        if (what.kind == MM_GUARDED) {
            unsigned char *p = (unsigned char *)what.start;

            assert_int_equal(faults_on_read(p - 1) + faults_on_read(p + 64), 1);
            assert_false(faults_on_read(p));
            pfn += (1u << page->order) - 1;
        } else if (what.kind != MM_HOLE) {
            bool is_absent = free_is_absent && what.kind == MM_FREE_PAGE;

            assert_int_equal(faults_on_read(address_of(pfn)), is_absent);
        }
    }
    assert_int_equal(mm_find_damage(), 0);
}

static void drop_and_mend(bool free_is_absent)
{
    for (volatile long at = 0; at < 48; at++) {
        void *volatile p = NULL;
        struct mm_recovery told;

        protect_open(1000);
        set_dial("kfence.every", "1");
        if (free_is_absent)
            set_dial("debug_pagealloc", "on");
        kfree(take(64));
        until_drop = at;
        mm_map_hook = drop;
        if (sigsetjmp(dropped, 0) == 0) {
            for (int i = 0; i < 3; i++) {
                p = take(64);
                kfree(p);
            }
            mm_reclaim();
        }
        until_drop = -1;
        mm_map_hook = protect_map;
        if (mm_state & MM_BUSY)
            mm_recover(&told);
        arena_check();
        assert_as_it_must_be(free_is_absent);
        mm_reset_dials();
        arena_check();
    }
}

static void what_was_dropped_anywhere_is_mended(void **state)
{
    (void)state;
    drop_and_mend(false);
}

static void it_is_where_free_pages_are_not_there_either(void **state)
{
    (void)state;
    drop_and_mend(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROTECT_TEST(every_object_stands_against_a_page_that_is_not_there),
        PROTECT_TEST(an_object_that_was_freed_is_not_there),
        PROTECT_TEST(it_is_aligned_as_others_are),
        PROTECT_TEST(objects_larger_than_kmalloc_s_are_guarded_in_caches),
        PROTECT_TEST(large_kmallocs_and_pages_are_not_guarded),
        PROTECT_TEST(a_write_into_its_slack_is_found_when_it_is_freed),
        PROTECT_TEST(it_is_found_by_looking_once_and_the_clean_twin_is_silent),
        PROTECT_TEST(it_comes_new_zero_or_constructed),
        PROTECT_TEST(ksize_is_what_was_asked_and_krealloc_moves_to_grow),
        PROTECT_TEST(what_krealloc_gave_up_is_slack),
        PROTECT_TEST(counters_and_walks_know_it),
        PROTECT_TEST(a_wrong_free_is_told_as_of_others),
        PROTECT_TEST(a_cache_with_a_live_one_stays_and_freed_ones_do_not_hold_it),
        PROTECT_TEST(one_of_n_refills_is_guarded_and_the_short_ways_stay),
        PROTECT_TEST(the_same_calls_guard_the_same_objects),
        PROTECT_TEST(freed_ones_wait_and_the_oldest_goes),
        PROTECT_TEST(without_pages_it_is_an_ordinary_object_and_counted),
        PROTECT_TEST(turned_off_it_goes_with_its_last_object),
        PROTECT_TEST(values_are_read_and_wrong_ones_named),
        PROTECT_TEST(where_pages_cannot_be_taken_away_it_is_an_ordinary_object),
        PROTECT_TEST(random_work_is_right_with_every_dial),
        PROTECT_TEST(a_fault_is_explained_by_its_object),
        PROTECT_TEST(each_rule_is_named_when_it_is_broken),
        PROTECT_TEST(what_was_dropped_anywhere_is_mended),
        PROTECT_TEST(it_is_where_free_pages_are_not_there_either),
    };

    return ARENA_RUN(tests);
}
