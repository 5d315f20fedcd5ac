/*
 * test_cache.c - object caches: layout, constructors, counters, making, ending.
 */
#include "tests/hosted/objects.h"

#include <string.h>

static void try_layout(size_t size, size_t align)
{
    unsigned char *table[40];
    struct kmem_cache *cache = make("layout", size, align);
    struct mm_cache_info info = arena_cache("layout");

    assert_int_equal(info.object_size, size);
    assert_true(info.slot_size >= size && info.slots_per_slab >= 1);
    assert_true((size_t)info.slot_size * info.slots_per_slab <=
                info.pages_per_slab * PAGE_SIZE);
    take(cache, table, 40);
    for (int i = 0; i < 40; i++)
        assert_int_equal((uintptr_t)table[i] & ((align ? align : 8) - 1), 0);
    info = arena_cache("layout");
    assert_int_equal(info.live, 40);
    assert_int_equal(info.slots, info.slabs * info.slots_per_slab);
    arena_check();
    give_back(cache, table, 40);
    kmem_cache_destroy(cache);
}

static void objects_of_every_size_and_alignment_are_apart(void **state)
{
    struct mm_stats start = arena_stats();

    (void)state;
    for (size_t size = 1; size <= PAGE_SIZE; size += 1 + size / 50)
        try_layout(size, 0);
    for (size_t align = 1; align <= PAGE_SIZE; align *= 2)
        for (size_t size = 1; size <= 2 * PAGE_SIZE; size = size * 3 + 1)
            try_layout(size, align);
    for (size_t size = 6 * PAGE_SIZE + 1; size <= 8 * PAGE_SIZE; size += 511)
        try_layout(size, PAGE_SIZE);
    assert_same_blocks(&start);
}

static void bad_caches_are_refused_with_a_reason(void **state)
{
    static const struct {
        const char *name;
        size_t size, align;
    } bad[] = {
        { NULL, 8, 0 }, { "", 8, 0 }, { "zero", 0, 0 }, { "huge", SIZE_MAX, 0 },
        { "huge", (size_t)1 << 24, 0 }, { "odd", 8, 3 }, { "odd", 8, 24 },
        { "far", 8, 8192 }, { "wraps", SIZE_MAX - 8, 4096 }, { "larger", 32769, 0 },
    };
    struct arena_state before = arena_state();

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_null(kmem_cache_create(bad[i].name, bad[i].size, bad[i].align, 0, NULL));

        const struct mm_report *report = expect_report(MM_BUG_BAD_CACHE);

        assert_non_null(report->problem);
        assert_false(report->fatal);
        assert_ptr_equal(report->cache, bad[i].name);
        assert_string_equal(report->call, "kmem_cache_create");
        assert_same_state(&before);
    }
}

static void a_flag_that_does_not_exist_is_refused(void **state)
{
    (void)state;
    assert_null(kmem_cache_create("odd", 8, 0, 0x80, NULL));
    assert_non_null(expect_report(MM_BUG_BAD_CACHE)->problem);
    assert_null(mm_find_cache("odd"));
}

static jmp_buf out_of_fatal;

static void leave_by_jump(const struct mm_report *report)
{
    if (report->fatal)
        longjmp(out_of_fatal, 1);
}

static void a_bad_cache_with_slab_panic_is_fatal(void **state)
{
    (void)state;
    mm_report_hook = leave_by_jump;
    if (setjmp(out_of_fatal) == 0) {
        assert_null(kmem_cache_create("zero", 0, 0, SLAB_PANIC, NULL));
        fail_msg("SLAB_PANIC came back");
    }
}

struct walk {
    uint32_t n, stop_at, last_size;
    bool other_seen, in_order;
};

static bool look(const struct mm_cache_info *info, void *arg)
{
    struct walk *walk = arg;
    bool is_kmalloc = strncmp(info->name, "kmalloc-", 8) == 0;

    if (is_kmalloc)
        walk->in_order &= !walk->other_seen && info->object_size > walk->last_size;
    walk->other_seen |= !is_kmalloc;
    walk->last_size = info->object_size;
    return ++walk->n != walk->stop_at;
}

static void the_walk_shows_the_kmalloc_caches_first_by_size(void **state)
{
    struct walk walk = { .in_order = true }, stopped = { .stop_at = 3 };
    uint32_t before;

    (void)state;
    mm_walk_caches(look, &walk);
    assert_true(walk.in_order && walk.n >= 13);
    before = walk.n;
    walk.n = 0;
    make("one-more", 40, 0);
    mm_walk_caches(look, &walk);
    assert_int_equal(walk.n, before + 1);
    mm_walk_caches(look, &stopped);
    assert_int_equal(stopped.n, 3);
}

static bool look_for(const struct mm_cache_info *info, void *arg)
{
    assert_non_null(mm_find_cache(info->name));
    (*(uint32_t *)arg)++;
    return true;
}

static void every_cache_is_found_by_its_name(void **state)
{
    uint32_t n = 0;

    (void)state;
    make("one-more", 40, 0);
    mm_walk_caches(look_for, &n);
    assert_int_equal(n, 14);
}

struct odd_one {
    char text[12];
    uint64_t number __attribute__((aligned(32)));
};

static void kmem_cache_takes_name_size_and_alignment_of_a_struct(void **state)
{
    struct kmem_cache *cache = KMEM_CACHE(odd_one, SLAB_HWCACHE_ALIGN);
    struct odd_one *one = kmem_cache_zalloc(cache, GFP_KERNEL);

    (void)state;
    assert_int_equal(kmem_cache_size(cache), sizeof(struct odd_one));
    assert_ptr_equal(mm_find_cache("odd_one"), cache);
    assert_int_equal((uintptr_t)one % 64, 0);
    assert_true(all_bytes(one, 0, sizeof(*one)));
    kmem_cache_free(cache, one);
    kmem_cache_destroy(cache);
    assert_null(mm_find_cache("odd_one"));
}

static uint32_t constructed;

static void construct(void *object)
{
    memset(object, 0x6B, 100);
    constructed++;
}

static void constructed_state_survives_a_free(void **state)
{
    unsigned char *table[200];
    struct kmem_cache *cache = kmem_cache_create("made", 100, 0, 0, construct);

    (void)state;
    constructed = 0;
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 200; i++) {
            table[i] = kmem_cache_alloc(cache, GFP_KERNEL);
            assert_true(all_bytes(table[i], 0x6B, 100));
            memset(table[i], i, 100);
        }
        arena_shuffle((void **)table, 200);
        for (int i = 0; i < 200; i++) {
            memset(table[i], 0x6B, 100);        /* freed as it was made */
            kmem_cache_free(cache, table[i]);
        }
        arena_check();
    }
    assert_int_equal(constructed % arena_cache("made").slots_per_slab, 0);
    assert_true(constructed < 20 * 200);        /* not at each allocation */
    kmem_cache_destroy(cache);
}

static void a_constructor_runs_once_an_object_while_its_slab_lives(void **state)
{
    struct kmem_cache *cache = kmem_cache_create("made", 100, 0, 0, construct);
    void *keeps_the_slab = kmem_cache_alloc(cache, GFP_KERNEL);
    uint32_t made = arena_cache("made").slots_per_slab;

    (void)state;
    constructed = 0;
    for (int i = 0; i < 1000; i++)
        kmem_cache_free(cache, kmem_cache_alloc(cache, GFP_KERNEL));
    assert_int_equal(constructed, 0);
    assert_int_equal(arena_cache("made").slots, made);
    kmem_cache_free(cache, keeps_the_slab);
    kmem_cache_destroy(cache);
}

static void counters_equal_a_walk_after_every_operation(void **state)
{
    unsigned char *table[100] = { NULL };
    struct kmem_cache *cache = make("counted", 300, 0);
    uint32_t live = 0, allocs = 0, peak = 0;

    (void)state;
    for (int step = 0; step < 2000; step++) {
        uint32_t i = arena_random_below(100);

        if (table[i]) {
            kmem_cache_free(cache, table[i]);
            table[i] = NULL;
            live--;
        } else {
            table[i] = kmem_cache_alloc(cache, GFP_KERNEL);
            live++, allocs++;
        }

        struct mm_cache_info info = arena_cache("counted");

        assert_int_equal(info.live, live);
        assert_int_equal(info.allocs, allocs);
        assert_int_equal(info.frees, allocs - live);
        assert_int_equal(info.slabs, info.full_slabs + info.partial_slabs +
                                     info.empty_slabs);
        assert_true(info.peak_slabs >= info.slabs && info.peak_slabs >= peak);
        peak = info.peak_slabs;
        if (step % 10 == 0)
            arena_check();
    }
    for (int i = 0; i < 100; i++)
        if (table[i])
            kmem_cache_free(cache, table[i]);
    kmem_cache_destroy(cache);
}

static void destroy_with_live_objects_is_refused(void **state)
{
    struct kmem_cache *cache = make("busy", 50, 0);
    void *one = kmem_cache_alloc(cache, GFP_KERNEL);
    void *two = kmem_cache_alloc(cache, GFP_KERNEL);
    struct arena_state before = arena_state();
    uint32_t line;

    (void)state;
    kmem_cache_destroy(cache); line = __LINE__;

    const struct mm_report *report = expect_report(MM_BUG_CACHE_IN_USE);

    assert_int_equal(report->live, 2);
    assert_string_equal(report->cache, "busy");
    assert_string_equal(report->call, "kmem_cache_destroy");
    assert_site(report->caller, line);
    assert_same_state(&before);
    kmem_cache_free(cache, one);
    kmem_cache_destroy(cache);
    assert_int_equal(expect_report(MM_BUG_CACHE_IN_USE)->live, 1);
    kmem_cache_free(cache, two);
    kmem_cache_destroy(cache);
    expect_silence();
}

static void destroy_gives_all_pages_back_and_ends_the_cache(void **state)
{
    struct mm_stats start = arena_stats();
    struct kmem_cache *cache = make("gone", 700, 0);
    unsigned char *table[300];

    (void)state;
    take(cache, table, 300);
    give_back(cache, table, 300);
    kmem_cache_destroy(cache);
    assert_int_equal(arena_stats().free_pages, start.free_pages);
    assert_null(mm_find_cache("gone"));
    kmem_cache_destroy(NULL);
    expect_silence();
    kmem_cache_destroy(cache);
    expect_report(MM_BUG_NO_CACHE);
    assert_null(kmem_cache_alloc(cache, GFP_KERNEL));
    expect_report(MM_BUG_NO_CACHE);
    kmem_cache_shrink(cache);
    expect_report(MM_BUG_NO_CACHE);
    arena_check();
}

/* Its place in the table is used again only when all others have been. */
static void a_destroyed_cache_is_known_as_such_for_long(void **state)
{
    struct kmem_cache *gone = make("gone", 40, 0);

    (void)state;
    kmem_cache_destroy(gone);
    for (int i = 0; i < 100; i++) {
        struct kmem_cache *other = make("other", 40, 0);

        assert_ptr_not_equal(other, gone);
        if (i % 2)
            kmem_cache_destroy(other);
        assert_null(kmem_cache_alloc(gone, GFP_KERNEL));
        expect_report(MM_BUG_NO_CACHE);
    }
}

static void what_is_no_cache_is_refused(void **state)
{
    char local[512] __attribute__((aligned(64))) = { 0 };
    void *p = kmalloc(30, GFP_KERNEL);
    struct arena_state before = arena_state();

    (void)state;
    kmem_cache_free((struct kmem_cache *)(void *)local, p);
    expect_report(MM_BUG_NO_CACHE);
    assert_null(kmem_cache_alloc(NULL, GFP_KERNEL));
    expect_report(MM_BUG_NO_CACHE);
    assert_same_state(&before);
    kfree(p);
}

static void the_kmalloc_caches_cannot_be_destroyed(void **state)
{
    struct arena_state before = arena_state();

    (void)state;
    kmem_cache_destroy(mm_find_cache("kmalloc-64"));
    assert_int_equal(arena_drop_reports(), 1);
    assert_same_state(&before);
    kfree(kmalloc(64, GFP_KERNEL));
}

static void the_table_of_caches_ends_with_a_report_and_is_reused(void **state)
{
    struct kmem_cache *caches[1000];
    uint32_t n = 0;

    (void)state;
    while (n < 1000 && (caches[n] = kmem_cache_create("many", 64, 0, 0, NULL)))
        n++;
    expect_report(MM_BUG_BAD_CACHE);
    assert_true(n >= 100);
    for (uint32_t i = 7; i < n; i += n / 3) {   /* the one place left is found */
        kmem_cache_destroy(caches[i]);
        assert_ptr_equal(make("again", 64, 0), caches[i]);
    }
    assert_null(kmem_cache_create("many", 64, 0, 0, NULL));
    expect_report(MM_BUG_BAD_CACHE);
    for (uint32_t i = 0; i < n; i++)
        assert_non_null(kmem_cache_alloc(caches[i], GFP_KERNEL));
    arena_check();
    for (uint32_t i = 0; i < n; i++)
        arena_check(), kmem_cache_shrink(caches[i]);
}

/* Its table has 127 entries; 13 are those of mm. */
static void every_entry_of_a_full_table_can_be_used_again(void **state)
{
    enum { MOST = 114 };
    void *made[MOST];

    (void)state;
    for (int i = 0; i < MOST; i++)
        assert_non_null(made[i] = kmem_cache_create("one of many", 64, 0, 0, NULL));
    assert_null(kmem_cache_create("too many", 64, 0, 0, NULL));
    assert_string_equal(expect_report(MM_BUG_BAD_CACHE)->problem,
                        "the table of caches is full");
    arena_shuffle(made, MOST);
    for (int i = 0; i < MOST; i++) {
        kmem_cache_destroy(made[i]);
        assert_non_null(kmem_cache_create("another", 64, 0, 0, NULL));
    }
}

/* It may be built on the caller's stack. */
static void a_cache_has_a_name_of_its_own(void **state)
{
    struct kmem_cache *cache[2];
    char name[80] = "built";

    (void)state;
    cache[0] = kmem_cache_create(name, 100, 0, 0, NULL);
    memset(name, 'x', sizeof(name) - 1);
    assert_non_null(mm_find_cache("built"));
    cache[1] = kmem_cache_create("built", 100, 0, 0, NULL);

    void *p = kmem_cache_alloc(cache[0], GFP_KERNEL);
    void *q = kmem_cache_alloc(cache[1], GFP_KERNEL);

    assert_ptr_not_equal(arena_what(p).cache, arena_what(q).cache);
    assert_string_equal(arena_what(p).cache, arena_what(q).cache);
    kmem_cache_destroy(cache[0]);
    assert_ptr_equal(expect_report(MM_BUG_CACHE_IN_USE)->cache, arena_what(p).cache);
    assert_null(kmem_cache_create(name, 100, 0, 0, NULL));
    assert_non_null(expect_report(MM_BUG_BAD_CACHE)->problem);
    name[63] = '\0';
    cache[0] = kmem_cache_create(name, 100, 0, 0, NULL);
    assert_non_null(mm_find_cache(name));
    kmem_cache_destroy(cache[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(objects_of_every_size_and_alignment_are_apart),
        ARENA_TEST(bad_caches_are_refused_with_a_reason),
        ARENA_TEST(a_flag_that_does_not_exist_is_refused),
        ARENA_TEST(a_bad_cache_with_slab_panic_is_fatal),
        ARENA_TEST(the_walk_shows_the_kmalloc_caches_first_by_size),
        ARENA_TEST(every_cache_is_found_by_its_name),
        ARENA_TEST(a_cache_has_a_name_of_its_own),
        ARENA_TEST(kmem_cache_takes_name_size_and_alignment_of_a_struct),
        ARENA_TEST(constructed_state_survives_a_free),
        ARENA_TEST(a_constructor_runs_once_an_object_while_its_slab_lives),
        ARENA_TEST(counters_equal_a_walk_after_every_operation),
        ARENA_TEST(destroy_with_live_objects_is_refused),
        ARENA_TEST(destroy_gives_all_pages_back_and_ends_the_cache),
        ARENA_TEST(a_destroyed_cache_is_known_as_such_for_long),
        ARENA_TEST(what_is_no_cache_is_refused),
        ARENA_TEST(the_kmalloc_caches_cannot_be_destroyed),
        ARENA_TEST(the_table_of_caches_ends_with_a_report_and_is_reused),
        ARENA_TEST(every_entry_of_a_full_table_can_be_used_again),
    };

    return ARENA_RUN(tests);
}
