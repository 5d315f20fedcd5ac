/*
 * test_dials.c - the debugging dials: each finds what it is for, names the bytes,
 * restores them, and is silent about the clean twin.
 */
#include "tests/hosted/objects.h"
#include "mm/look/recover.h"
#include "mm/object_priv.h"

#include <string.h>

/* Wherever it points: the compiler must not warn of what is tried here. */
static unsigned char *beyond(void *p, long offset)
{
    volatile uintptr_t at = (uintptr_t)p;

    return (unsigned char *)(at + (uintptr_t)offset);
}

/* ---- red zones ------------------------------------------------------------------ */

/* A wrong byte: at object + offset, of an object of `size` bytes. */
struct write {
    size_t size;
    long offset;
    enum mm_bug bug;
};

static const struct write writes[] = {
    { 64, 64, MM_BUG_RIGHT_REDZONE },   { 64, 71, MM_BUG_RIGHT_REDZONE },
    { 64, -1, MM_BUG_LEFT_REDZONE },    { 64, -8, MM_BUG_LEFT_REDZONE },
    { 50, 50, MM_BUG_RIGHT_REDZONE },   { 50, 63, MM_BUG_RIGHT_REDZONE },
    { 1, 1, MM_BUG_RIGHT_REDZONE },     { 8, 8, MM_BUG_RIGHT_REDZONE },
    { 97, 97, MM_BUG_RIGHT_REDZONE },   { 96, 103, MM_BUG_RIGHT_REDZONE },
    { 4096, 4096, MM_BUG_RIGHT_REDZONE }, { 4096, -1, MM_BUG_LEFT_REDZONE },
    { 8192, 8192, MM_BUG_RIGHT_REDZONE }, { 8192, -8, MM_BUG_LEFT_REDZONE },
    { 5000, 8191, MM_BUG_RIGHT_REDZONE }, { 9000, 9000, MM_BUG_RIGHT_REDZONE },
    { 9000, 16383, MM_BUG_RIGHT_REDZONE }, { 100000, 131071, MM_BUG_RIGHT_REDZONE },
};
enum { WRITES = sizeof(writes) / sizeof(writes[0]) };

static void assert_damage(const struct mm_report *report, const unsigned char *first,
                          const unsigned char *last, int found, int expected)
{
    assert_ptr_equal((void *)report->damage.first, first);
    assert_ptr_equal((void *)report->damage.last, last);
    assert_int_equal(report->damage.found, found);
    assert_int_equal(report->damage.expected, expected);
    assert_true(report->damage.start <= report->damage.first &&
                report->damage.last < report->damage.end);
}

static void a_write_beside_an_object_is_found_when_it_is_freed(void **state)
{
    (void)state;
    set_dial("slub_debug", "Z");
    for (size_t i = 0; i < WRITES; i++) {
        unsigned char *p = kmalloc(writes[i].size, GFP_KERNEL);
        const uint32_t taken = __LINE__ - 1;
        unsigned char *at = beyond(p, writes[i].offset);

        *at = 0x41;
        kfree(p);

        const struct mm_report *report = expect_report(writes[i].bug);

        assert_damage(report, at, at, 0x41, 0xcc);
        assert_string_equal(report->call, "kfree");
        assert_string_equal(report->problem, "restored, and the object freed");
        assert_ptr_equal((void *)report->what.start, p);
        assert_int_not_equal(report->what.kind, MM_FREE_PAGE);
        assert_int_equal(report->what.asked, writes[i].size);
        assert_site(report->what.taken_by, taken);
        assert_int_equal(arena_stats().live_objects, 0);
        assert_int_equal(mm_find_damage(), 0);
    }
}

static void a_write_beside_an_object_is_found_by_looking_and_only_once(void **state)
{
    (void)state;
    set_dial("slub_debug", "Z");
    for (size_t i = 0; i < WRITES; i++) {
        unsigned char *p = kmalloc(writes[i].size, GFP_KERNEL);

        *beyond(p, writes[i].offset) = 0x11;
        assert_int_equal(mm_find_damage(), 1);
        assert_damage(expect_report(writes[i].bug), p + writes[i].offset,
                      p + writes[i].offset, 0x11, 0xcc);
        assert_int_equal(mm_find_damage(), 0);
        kfree(p);
        expect_silence();
    }
}

static void the_first_and_the_last_wrong_byte_are_named(void **state)
{
    unsigned char *p = NULL;

    (void)state;
    set_dial("slub_debug", "Z");
    p = kmalloc(opaque(40), GFP_KERNEL);
    memset(p + 43, 0x42, 9);
    p[46] = 0xcc;                       /* right by chance, in the middle */
    kfree(p);
    assert_damage(expect_report(MM_BUG_RIGHT_REDZONE), p + 43, p + 51, 0x42, 0xcc);
}

static void every_byte_asked_for_may_be_written(void **state)
{
    (void)state;
    set_dial("slub_debug", "FZPU");
    set_dial("debug_pagealloc", "on");
    for (size_t size = 1; size <= 20000; size += size < 600 ? 1 : 97) {
        unsigned char *p = kmalloc(size, GFP_KERNEL), *q = kzalloc(size, GFP_KERNEL);

        assert_true(all_bytes(q, 0, size));
        assert_int_equal(ksize(p), size);
        memset(p, 0x11, size);
        memset(q, 0x22, size);
        assert_int_equal(mm_find_damage(), 0);
        assert_true(all_bytes(p, 0x11, size));
        kfree(p);
        assert_true(all_bytes(q, 0x22, size));
        kfree(q);
    }
    arena_check();
}

static void powers_of_two_stay_aligned_to_themselves(void **state)
{
    void *p[40];

    (void)state;
    set_dial("slub_debug", "FZPU");
    for (size_t size = 8; size <= 1u << 20; size *= 2) {
        unsigned n = size < 16384 ? 40 : 2;

        for (unsigned i = 0; i < n; i++) {
            p[i] = kmalloc(size, GFP_KERNEL);
            assert_int_equal((uintptr_t)p[i] % size, 0);
        }
        for (unsigned i = 0; i < n; i++)
            kfree(p[i]);
    }
}

static void caches_of_programs_have_red_zones_and_their_alignment(void **state)
{
    static const size_t aligns[] = { 1, 8, 32, 128, 4096 };

    (void)state;
    set_dial("slub_debug", "Z,odd");
    for (size_t i = 0; i < 5; i++)
        for (size_t size = 1; size < 300; size += 7) {
            struct kmem_cache *cache = kmem_cache_create("odd", size, aligns[i], 0, NULL);
            unsigned char *p = kmem_cache_alloc(cache, GFP_KERNEL);
            unsigned char *q = kmem_cache_alloc(cache, GFP_KERNEL);

            assert_int_equal((uintptr_t)p % aligns[i], 0);
            memset(q, 0x77, size);
            memset(p, 0x77, size + 1);
            kmem_cache_free(cache, p);
            assert_damage(expect_report(MM_BUG_RIGHT_REDZONE), p + size, p + size, 0x77,
                          0xcc);
            kmem_cache_free(cache, q);
            kmem_cache_destroy(cache);
        }
    arena_check();
}

static void krealloc_moves_the_red_zone(void **state)
{
    unsigned char *p = NULL;

    (void)state;
    set_dial("slub_debug", "ZP");
    p = kmalloc(opaque(40), GFP_KERNEL);
    memset(p, 1, 40);
    assert_ptr_equal(krealloc(p, opaque(60), GFP_KERNEL), p);
    assert_int_equal(ksize(p), 60);
    memset(p, 2, 60);
    assert_int_equal(mm_find_damage(), 0);
    p[60] = 3;
    assert_ptr_equal(krealloc(p, opaque(20), GFP_KERNEL), p);
    assert_damage(expect_report(MM_BUG_RIGHT_REDZONE), p + 60, p + 60, 3, 0xcc);
    assert_true(all_bytes(p, 2, 20));
    p[20] = 4;
    assert_int_equal(mm_find_damage(), 1);
    assert_damage(expect_report(MM_BUG_RIGHT_REDZONE), p + 20, p + 20, 4, 0xcc);
    p = krealloc(p, 3000, GFP_KERNEL);
    assert_true(all_bytes(p, 2, 20));
    kfree(p);
}

static void the_slack_of_a_large_kmalloc_moves_with_krealloc(void **state)
{
    unsigned char *p = NULL;

    (void)state;
    set_dial("slub_debug", "Z");
    p = kmalloc(opaque(9000), GFP_KERNEL);
    assert_ptr_equal(krealloc(p, opaque(16000), GFP_KERNEL), p);
    memset(p, 1, 16000);
    assert_int_equal(mm_find_damage(), 0);
    p[16000] = 2;
    kfree(p);
    assert_damage(expect_report(MM_BUG_RIGHT_REDZONE), p + 16000, p + 16000, 2, 0xcc);
}

static void a_large_kmalloc_from_before_has_no_red_zone(void **state)
{
    unsigned char *p = kmalloc(opaque(9000), GFP_KERNEL);

    (void)state;
    assert_int_equal(ksize(p), 16384);
    memset(p, 7, 16384);
    set_dial("slub_debug", "Z");
    assert_int_equal(mm_find_damage(), 0);
    assert_int_equal(ksize(p), 16384);
    assert_true(all_bytes(p, 7, 16384));
    kfree(p);
}

static void growing_a_large_kmalloc_looks_at_its_red_zone_first(void **state)
{
    unsigned char *p = NULL;

    (void)state;
    set_dial("slub_debug", "Z");
    set_dial("init_on_alloc", "1");
    p = kmalloc(opaque(9000), GFP_KERNEL);
    p[9000] = 0x66;
    assert_ptr_equal(krealloc(p, opaque(9100), GFP_KERNEL), p);
    assert_damage(expect_report(MM_BUG_RIGHT_REDZONE), p + 9000, p + 9000, 0x66, 0xcc);
    assert_true(all_bytes(p, 0, 9100));
    kfree(p);
}

static void an_address_in_a_red_zone_is_told_from_its_object(void **state)
{
    unsigned char *p = NULL;
    struct mm_what what;

    (void)state;
    set_dial("slub_debug", "Z");
    p = kmalloc(64, GFP_KERNEL);
    for (long at = -32; at < 96; at++) {
        what = arena_what(p + at);
        assert_int_equal(what.kind, at < 0 || at >= 64 ? MM_SLAB_REDZONE : MM_SLAB_LIVE);
        assert_ptr_equal((void *)what.start, p);
        assert_int_equal((long)what.offset, at);
    }
    kfree(p - 8);
    expect_report(MM_BUG_INTERIOR);
    kfree(p);
}

/* ---- poison --------------------------------------------------------------------- */

static void a_write_after_kfree_is_found_at_the_next_allocation(void **state)
{
    unsigned char *p = NULL, *q;
    const struct mm_report *report;
    uint32_t taken, freed;

    (void)state;
    set_dial("slub_debug", "P");
    p = kmalloc(opaque(100), GFP_KERNEL); taken = __LINE__;
    kfree(p); freed = __LINE__;
    assert_true(all_bytes(p, 0x6b, 127));
    assert_int_equal(p[127], 0xa5);
    p[7] = 0x99;
    q = kmalloc(120, GFP_KERNEL);
    assert_ptr_equal(q, p);
    report = expect_report(MM_BUG_POISON);
    assert_damage(report, p + 7, p + 7, 0x99, 0x6b);
    assert_string_equal(report->call, "kmalloc");
    assert_site(report->what.taken_by, taken);
    assert_site(report->what.freed_by, freed);
    assert_int_equal(report->what.asked, 100);
    assert_true(all_bytes(q, 0x5a, 120));       /* new, and not written to yet */
    kfree(q);
}

static void a_write_after_kfree_is_found_by_looking(void **state)
{
    unsigned char *p = NULL;

    (void)state;
    set_dial("slub_debug", "P");
    for (size_t size = 8; size <= 8192; size *= 2) {
        p = kmalloc(size, GFP_KERNEL);
        kfree(p);
        p[size - 1] = 0x6b;             /* the last byte is another one */
        assert_int_equal(mm_find_damage(), 1);
        assert_damage(expect_report(MM_BUG_POISON), p + size - 1, p + size - 1, 0x6b,
                      0xa5);
        assert_int_equal(mm_find_damage(), 0);
    }
}

static void construct(void *object)
{
    memset(object, 0x3c, 48);
}

static void constructed_objects_stay_constructed(void **state)
{
    struct kmem_cache *cache = NULL;
    unsigned char *p;

    (void)state;
    set_dial("slub_debug", "FZPU");
    set_dial("init_on_free", "1");
    set_dial("init_on_alloc", "1");
    cache = kmem_cache_create("constructed", 48, 0, 0, construct);
    for (int i = 0; i < 3; i++) {
        p = kmem_cache_alloc(cache, GFP_KERNEL);
        assert_true(all_bytes(p, 0x3c, 48));
        kmem_cache_free(cache, p);
    }
    kmem_cache_destroy(cache);
}

/* What ksize tells may be used, and is cleared, whatever was asked for. */
static void init_on_free_clears_all_that_could_be_used(void **state)
{
    struct kmem_cache *cache = kmem_cache_create("odd", 100, 0, 0, NULL);
    unsigned char *p = kmem_cache_alloc(cache, GFP_KERNEL);
    size_t bytes = ksize(p);

    (void)state;
    set_dial("init_on_free", "1");
    assert_int_equal(bytes, 104);
    memset(p, 0xff, bytes);
    kmem_cache_free(cache, p);
    assert_true(all_bytes(p, 0, bytes));
    kmem_cache_destroy(cache);
}

/* On the long way, too: no page costs what only __GFP_ZERO must. */
static void pages_are_cleared_only_if_asked_for(void **state)
{
    unsigned char *p = (void *)__get_free_pages(GFP_KERNEL, 2);

    (void)state;
    memset(p, 0x5c, 4 * PAGE_SIZE);
    free_pages((unsigned long)p, 2);
    set_dial("page_owner", "on");
    assert_ptr_equal((void *)__get_free_pages(GFP_KERNEL, 2), p);
    assert_true(all_bytes(p, 0x5c, 4 * PAGE_SIZE));
    free_pages((unsigned long)p, 2);
    assert_ptr_equal((void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, 2), p);
    assert_true(all_bytes(p, 0, 4 * PAGE_SIZE));
    free_pages((unsigned long)p, 2);
}

static void poison_is_laid_over_what_is_free_when_the_dial_is_set(void **state)
{
    unsigned char *p = kmalloc(64, GFP_KERNEL), *q = kmalloc(64, GFP_KERNEL);

    (void)state;
    kfree(p);
    memset(q, 0x12, 64);
    set_dial("slub_debug", "P");
    assert_true(all_bytes(p, 0x6b, 63));
    assert_true(all_bytes(q, 0x12, 64));
    assert_int_equal(mm_find_damage(), 0);
    p[0] = 0;
    assert_int_equal(mm_find_damage(), 1);
    expect_report(MM_BUG_POISON);
    kfree(q);
}

/* ---- pages ----------------------------------------------------------------------- */

static void a_write_to_a_free_page_is_found(void **state)
{
    unsigned char *p = NULL;
    const struct mm_report *report;
    uint32_t taken, freed, found;

    (void)state;
    set_dial("debug_pagealloc", "on");
    p = (void *)__get_free_pages(GFP_KERNEL, 2); taken = __LINE__;
    memset(p, 0x55, 4 * PAGE_SIZE);
    free_pages((unsigned long)p, 2); freed = __LINE__;
    assert_true(all_bytes(p, 0xaa, 4 * PAGE_SIZE));
    p[5000] = 0x56;
    assert_int_equal(mm_find_damage(), 1);
    assert_damage(expect_report(MM_BUG_PAGE_POISON), p + 5000, p + 5000, 0x56, 0xaa);
    p[3] = 0x57;
    assert_ptr_equal((void *)__get_free_pages(GFP_KERNEL, 2), p); found = __LINE__;
    report = expect_report(MM_BUG_PAGE_POISON);
    assert_damage(report, p + 3, p + 3, 0x57, 0xaa);
    assert_int_equal(report->what.kind, MM_FREE_PAGE);  /* as when it was written to */
    assert_int_equal(report->what.start, (uintptr_t)p);
    assert_int_equal(report->what.bytes, 4 * PAGE_SIZE);
    assert_int_equal(report->what.order, 2);
    assert_site(report->what.taken_by, taken);
    assert_site(report->what.freed_by, freed);
    assert_site(report->caller, found);
    free_pages((unsigned long)p, 2);
}

static void all_that_the_heap_hands_out_can_be_cleared(void **state)
{
    (void)state;
    set_dial("init_on_alloc", "1");
    for (size_t size = 1; size < 70000; size = size * 3 / 2 + 1) {
        unsigned char *p = kmalloc(size, GFP_KERNEL);

        assert_true(all_bytes(p, 0, size));
        memset(p, 0xff, size);
        kfree(p);
    }
    for (unsigned order = 0; order < 6; order++) {
        void *p = (void *)__get_free_pages(GFP_KERNEL, order);

        assert_true(all_bytes(p, 0, PAGE_SIZE << order));
        memset(p, 0xff, PAGE_SIZE << order);
        free_pages((unsigned long)p, order);
    }
}

static void all_that_is_freed_can_be_cleared(void **state)
{
    unsigned char *keeps_slab = kmalloc(500, GFP_KERNEL);

    (void)state;
    set_dial("init_on_free", "1");
    for (size_t size = 400; size < 70000; size *= 3) {
        unsigned char *p = kmalloc(size, GFP_KERNEL);

        memset(p, 0xff, size);
        kfree(p);
        assert_true(all_bytes(p, 0, size));
    }
    kfree(keeps_slab);
}

/* ---- quarantine ------------------------------------------------------------------ */

static void a_freed_object_is_not_handed_out_while_it_waits(void **state)
{
    unsigned char *p = NULL, *q[100];

    (void)state;
    set_dial("quarantine", "1K");
    set_dial("slub_debug", "P");
    p = kmalloc(64, GFP_KERNEL);
    assert_false(arena_what(p).quarantined);
    kfree(p);
    assert_int_equal(arena_what(p).kind, MM_SLAB_FREE);
    assert_true(arena_what(p).quarantined);
    assert_int_equal(arena_stats().live_objects, 0);
    for (int i = 0; i < 15; i++) {      /* 16 x 64 bytes fill it */
        q[i] = kmalloc(64, GFP_KERNEL);
        assert_ptr_not_equal(q[i], p);
        kfree(q[i]);
    }
    kfree(p);
    expect_report(MM_BUG_DOUBLE_FREE);
    p[1] = 0;
    assert_int_equal(mm_find_damage(), 1);
    expect_report(MM_BUG_POISON);
    for (int i = 0; i < 100; i++) {
        q[i] = kmalloc(64, GFP_KERNEL);
        assert_ptr_not_equal(q[i], p);          /* nothing left the quarantine */
    }
    for (int i = 0; i < 100; i++)
        kfree(q[i]);                    /* and now everything before did */
    arena_check();
    set_dial("quarantine", "0");
    assert_false(arena_what(p).quarantined);
    arena_check();
    mm_reclaim();
    assert_int_equal(arena_stats().slab_pages, 0);
}

static void quarantine_gives_way_when_memory_is_short(void **state)
{
    uint32_t n = 0;

    (void)state;
    set_dial("quarantine", "64M");
    arena_open(64, 0);
    for (int i = 0; i < 4000; i++) {
        void *p = kmalloc(1000, GFP_KERNEL);

        assert_non_null(p);
        kfree(p);
    }
    while (alloc_page(GFP_KERNEL | __GFP_NOWARN))
        n++;
    assert_true(n > 50);
    assert_int_equal(arena_stats().free_pages, 0);
    arena_check();
}

/*
 * A cache wants a slab, and no memory is left until the quarantine gives way: that frees
 * an object in each slab of that very cache, and then one slab as a whole.
 */
static void what_leaves_quarantine_for_a_new_slab_is_not_lost(void **state)
{
    void *table[256];
    uint32_t n = 0, each;
    struct mm_cache_info info;

    (void)state;
    set_dial("quarantine", "64M");
    arena_open(64, 0);
    while (n < 256 && (table[n] = kmalloc(1000, GFP_KERNEL | __GFP_NOWARN)))
        n++;
    info = arena_cache("kmalloc-1k");
    each = info.slots_per_slab;
    assert_in_range(n, 3 * each, 255);
    for (uint32_t i = each; i < n; i += each)
        kfree(table[i]);
    for (uint32_t i = 0; i < each; i++)
        kfree(table[i]);
    assert_true(arena_stats().free_pages < info.pages_per_slab);
    assert_non_null(kmalloc(1000, GFP_KERNEL));
    arena_check();
}

static void a_cache_can_end_while_its_objects_wait(void **state)
{
    struct kmem_cache *cache = make("short", 100, 0);

    (void)state;
    set_dial("quarantine", "64K");
    kmem_cache_free(cache, kmem_cache_alloc(cache, GFP_KERNEL));
    kmem_cache_destroy(cache);
    arena_check();
}

/* ---- who ------------------------------------------------------------------------- */

static uintptr_t calls[MM_STACK_FRAMES];
static unsigned depth;

static unsigned give_calls(uintptr_t *frames, unsigned max)
{
    assert_true(depth <= max);
    memcpy(frames, calls, depth * sizeof(frames[0]));
    return depth;
}

static void assert_calls(const struct alloc_site *site, uintptr_t first)
{
    unsigned n;
    const uintptr_t *frames = mm_site_stack(site, &n);

    assert_non_null(frames);
    assert_int_equal(n, 2);
    assert_int_equal(frames[0], first);
    assert_int_equal(frames[1], 0x2000);
}

static void the_calls_that_took_and_freed_are_known(void **state)
{
    void *p[3], *keeps_slab = kmalloc(30, GFP_KERNEL);
    struct mm_what what;
    uint32_t objects = 0;

    (void)state;
    mm_stack_hook = give_calls;
    set_dial("slub_debug", "U");
    depth = 2;
    calls[1] = 0x2000;
    for (uintptr_t i = 0; i < 3; i++) {
        calls[0] = 0x1000 + i / 2;      /* two from one place, one from another */
        p[i] = kmalloc(30, GFP_KERNEL);
    }
    what = arena_what(p[0]);
    assert_site(what.taken_by, __LINE__ - 3);
    assert_calls(what.taken_by, 0x1000);
    what = arena_what(p[2]);
    assert_calls(what.taken_by, 0x1001);
    mm_count_sites(0);
    for (struct alloc_site *site = mm_sites_end() - 1; (site = mm_next_site(site)); )
        objects += site->objects * (site->objects == 2 ? 10 : 1);
    assert_int_equal(objects, 21);
    calls[0] = 0x1005;
    kfree(p[0]);
    what = arena_what(p[0]);
    assert_calls(what.freed_by, 0x1005);
    arena_check();
    kfree(p[1]), kfree(p[2]), kfree(keeps_slab);
    mm_stack_hook = NULL;
}

static void stacks_that_find_no_room_are_counted(void **state)
{
    uint32_t before = mm_stacks_lost();

    (void)state;
    mm_stack_hook = give_calls;
    set_dial("slub_debug", "U");
    depth = 1;
    for (uintptr_t i = 0; i < 2000; i++) {
        void *p;

        calls[0] = 0x5000 + i;
        p = kmalloc(8, GFP_KERNEL);
        assert_int_equal(arena_what(p).taken_by->line, __LINE__ - 1);
        calls[0] = 0x5000;
        kfree(p);
    }
    assert_true(mm_stacks_lost() - before > 1000);
    arena_check();
    mm_stack_hook = NULL;
}

/* ---- which, and when ------------------------------------------------------------- */

/* Does writing beside an object of that size, and into a freed one, come out? */
static void assert_watched(size_t size, bool zones, bool poison)
{
    unsigned char *p = kmalloc(size, GFP_KERNEL);

    *beyond(p, -1) ^= 0xff;
    kfree(p);
    assert_int_equal(arena_drop_reports(), zones);
    if (!zones)
        *beyond(p, -1) ^= 0xff;
    p[1] = 0x13;
    assert_int_equal(mm_find_damage(), poison);
    assert_int_equal(arena_drop_reports(), poison);
}

static void slub_debug_can_name_caches(void **state)
{
    (void)state;
    set_dial("slub_debug", "ZP,kmalloc-64,kmalloc-5*;P;-,kmalloc-32");
    assert_watched(64, true, true);
    assert_watched(512, true, true);
    assert_watched(100, false, true);
    assert_watched(32, false, false);
    set_dial("slub_debug", "Z,kmalloc-6");
    assert_watched(64, false, false);
    set_dial("slab_debug", "z");
    assert_watched(64, true, false);
    set_dial("slub_debug", "");
    assert_watched(64, true, true);
    assert_string_equal(mm_dial("slub_debug"), "FZPU");
    set_dial("slub_debug", "-");
    assert_watched(64, false, false);
    assert_int_equal(mm_state, 0);      /* the short ways are open again */
}

static void red_zones_wait_for_a_cache_without_objects(void **state)
{
    void *p = kmalloc(64, GFP_KERNEL);

    (void)state;
    assert_non_null(mm_set_dial("slub_debug", "ZP"));
    assert_watched(128, true, true);
    kfree(p);                           /* the last one: now it has them */
    assert_watched(64, true, true);
    p = kmalloc(64, GFP_KERNEL);
    assert_non_null(mm_set_dial("slub_debug", "-"));
    assert_int_equal(mm_state, MM_LONG_WAY);       /* this cache is still watched */
    *beyond(p, 64) = 0x12;
    kfree(p);
    assert_damage(expect_report(MM_BUG_RIGHT_REDZONE), beyond(p, 64), beyond(p, 64),
                  0x12, 0xcc);
    assert_int_equal(mm_state, 0);
    arena_check();
}

/* Whatever was left of Z: with the last of it the short ways are open again. */
static void the_short_ways_come_back_with_the_last_red_zone(void **state)
{
    void *p[3], *in_quarantine;

    (void)state;
    set_dial("slub_debug", "Z");
    set_dial("quarantine", "64K");
    p[0] = kmalloc(64, GFP_KERNEL);
    p[1] = kmalloc(1000, GFP_KERNEL);
    p[2] = kmalloc(10000, GFP_KERNEL);
    in_quarantine = kmalloc(64, GFP_KERNEL);
    kfree(in_quarantine);
    assert_non_null(mm_set_dial("slub_debug", "-"));
    set_dial("quarantine", "0");
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(mm_state, MM_LONG_WAY);
        kfree(p[i]);
        arena_check();
    }
    assert_int_equal(mm_state, 0);
    assert_int_equal(arena_cache("kmalloc-64").slot_size, 64);
}

static void a_busy_mm_keeps_its_dials(void **state)
{
    void *p = NULL;

    (void)state;
    set_dial("quarantine", "64K");
    p = kmalloc(64, GFP_KERNEL);
    kfree(p);
    mm_state |= MM_BUSY;
    assert_non_null(mm_set_dial("quarantine", "0"));
    assert_non_null(mm_set_dial("slub_debug", "Z"));
    mm_state &= ~MM_BUSY;
    assert_int_equal(mm_state, MM_LONG_WAY);
    kfree(p);
    expect_report(MM_BUG_DOUBLE_FREE);
}

static void a_free_that_was_put_off_has_no_calls_of_others(void **state)
{
    void *keeps_slab = NULL, *p;
    unsigned n;

    (void)state;
    mm_stack_hook = give_calls;
    set_dial("slub_debug", "U");
    depth = 1;
    keeps_slab = kmalloc(64, GFP_KERNEL);
    p = kmalloc(64, GFP_KERNEL);
    mm_state |= MM_IRQ | MM_BUSY;
    kfree(p); const uint32_t freed = __LINE__;
    mm_state &= ~(MM_IRQ | MM_BUSY);
    kfree(keeps_slab);                  /* the free that waits is done now */
    assert_site(arena_what(p).freed_by, freed);
    assert_null(mm_site_stack(arena_what(p).freed_by, &n));
    mm_stack_hook = NULL;
}

static void a_destroyed_cache_leaves_no_dial_on(void **state)
{
    (void)state;
    set_dial("slub_debug", "Z");
    kmem_cache_destroy(make("gone", 100, 0));
    set_dial("slub_debug", "-");
    assert_int_equal(mm_state, 0);
}

static void wrong_values_are_refused_in_words(void **state)
{
    static const char *const wrong[][2] = {
        { "slub_debug", "X" }, { "slub_debug", "Z P" }, { "slub_debug", "ZP;Q,a" },
        { "init_on_alloc", "yes" }, { "init_on_free", "2" }, { "page_owner", "o" },
        { "debug_pagealloc", "onn" }, { "quarantine", "" }, { "quarantine", "x" },
        { "quarantine", "1KK" }, { "quarantine", "99999999999999999999999" },
        { "poison", "1" }, { "", "" },
    };
    char longer[200];

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_non_null(mm_set_dial(wrong[i][0], wrong[i][1]));
    memset(longer, 'Z', sizeof(longer));
    longer[199] = '\0';
    assert_non_null(mm_set_dial("slub_debug", longer));
    assert_int_equal(mm_state, 0);
}

static void dials_hold_from_the_start_if_set_before(void **state)
{
    (void)state;
    set_dial("slub_debug", "ZP,kmalloc-64");
    set_dial("debug_pagealloc", "1");
    arena_open(200, 5);
    assert_watched(64, true, true);
    assert_watched(32, false, false);
    mm_reset_dials();
    assert_int_equal(mm_state, 0);
    assert_string_equal(mm_dial("slub_debug"), "");
}

/* The dial is off again, but a large kmalloc still has the red zone it was given. */
static void what_is_left_of_a_dial_is_still_watched(void **state)
{
    unsigned char *p;

    (void)state;
    set_dial("slub_debug", "Z");
    p = kmalloc(20000, GFP_KERNEL);
    set_dial("slub_debug", "-");
    assert_int_equal(mm_state, MM_LONG_WAY);
    p = krealloc(p, 10000, GFP_KERNEL);
    assert_int_equal(ksize(p), 10000);
    *beyond(p, 10000) = 0x41;
    kfree(p);
    assert_int_equal(expect_report(MM_BUG_RIGHT_REDZONE)->damage.first,
                     (uintptr_t)p + 10000);
    set_dial("slub_debug", "-");
    assert_int_equal(mm_state, 0);
}

/* ---- F --------------------------------------------------------------------------- */

static void a_broken_slab_is_reported_and_set_aside(void **state)
{
    unsigned char *p = NULL, *q;
    struct page *page;

    (void)state;
    set_dial("slub_debug", "F");
    p = kmalloc(512, GFP_KERNEL);
    page = virt_to_page(p);
    page->order ^= 1;                   /* a stray write into its page struct */
    q = kmalloc(512, GFP_KERNEL);
    assert_string_equal(expect_report(MM_BUG_CORRUPTED)->problem,
                        "S1: a slab's pages do not name one cache of their order");
    assert_non_null(q);
    assert_ptr_not_equal(virt_to_page(q), page);
    kfree(p);                           /* it stays: nothing there can be believed */
    expect_report(MM_BUG_CORRUPTED);
    assert_int_equal(arena_stats().live_objects, 2);
    page->order ^= 1;
    kfree(q);
    kfree(p);                           /* its slab is found whole, but on no list */
    assert_string_equal(expect_report(MM_BUG_CORRUPTED)->problem, "S3: a slab's "
                        "countdown does not end where the next level begins");
    expect_silence();
    assert_int_equal(arena_stats().live_objects, 0);
}

/* ---- when memory is short ------------------------------------------------------ */

static void what_quarantine_lets_go_serves_the_call_that_needed_it(void **state)
{
    static void *p[20000];
    uint32_t n = 0;

    (void)state;
    set_dial("quarantine", "1M");
    arena_open(40, 0);
    while ((p[n] = kmalloc(64, GFP_KERNEL | __GFP_NOWARN)))
        n++;
    kfree(p[n / 3]);
    kfree(p[n / 2]);
    p[n / 3] = kmalloc(64, GFP_KERNEL);
    p[n / 2] = kmalloc(64, GFP_KERNEL);
    assert_non_null(p[n / 3]);
    assert_non_null(p[n / 2]);
    while (n)
        kfree(p[--n]);
}

static void a_recovery_knows_how_much_is_in_quarantine(void **state)
{
    struct mm_recovery recovery;
    void *p[3];
    size_t bytes;

    (void)state;
    set_dial("quarantine", "64K");
    for (int i = 0; i < 3; i++)
        p[i] = kmalloc((size_t)100 << i, GFP_KERNEL);
    for (int i = 0; i < 3; i++)
        kfree(p[i]);
    bytes = heap.quarantined_bytes;
    assert_in_range(bytes, 700, 64 << 10);
    mm_state_set(MM_BUSY);
    mm_recover(&recovery);
    assert_int_equal(heap.quarantined, 3);
    assert_int_equal(heap.quarantined_bytes, bytes);
}

/* With red zones it says how much may be used: a wrong one is not believed. */
static void a_size_larger_than_the_object_is_not_believed(void **state)
{
    void *p, *large;

    (void)state;
    set_dial("slub_debug", "Z");
    arena_open(100, 0);
    p = kmalloc(60, GFP_KERNEL);
    large = kmalloc(9000, GFP_KERNEL);
    object_at(p).record->size = 60 | 1u << 22;
    object_at(large).record->size = 9000 | 1u << 22;
    assert_int_equal(ksize(p), 64);
    assert_int_equal(ksize(large), 16384);
    object_at(p).record->size = 60;
    object_at(large).record->size = 9000;
    kfree(p);
    kfree(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(a_write_beside_an_object_is_found_when_it_is_freed),
        ARENA_TEST(a_write_beside_an_object_is_found_by_looking_and_only_once),
        ARENA_TEST(the_first_and_the_last_wrong_byte_are_named),
        ARENA_TEST(every_byte_asked_for_may_be_written),
        ARENA_TEST(powers_of_two_stay_aligned_to_themselves),
        ARENA_TEST(caches_of_programs_have_red_zones_and_their_alignment),
        ARENA_TEST(krealloc_moves_the_red_zone),
        ARENA_TEST(the_slack_of_a_large_kmalloc_moves_with_krealloc),
        ARENA_TEST(a_large_kmalloc_from_before_has_no_red_zone),
        ARENA_TEST(growing_a_large_kmalloc_looks_at_its_red_zone_first),
        ARENA_TEST(a_busy_mm_keeps_its_dials),
        ARENA_TEST(a_free_that_was_put_off_has_no_calls_of_others),
        ARENA_TEST(a_destroyed_cache_leaves_no_dial_on),
        ARENA_TEST(an_address_in_a_red_zone_is_told_from_its_object),
        ARENA_TEST(a_write_after_kfree_is_found_at_the_next_allocation),
        ARENA_TEST(a_write_after_kfree_is_found_by_looking),
        ARENA_TEST(constructed_objects_stay_constructed),
        ARENA_TEST(init_on_free_clears_all_that_could_be_used),
        ARENA_TEST(pages_are_cleared_only_if_asked_for),
        ARENA_TEST(poison_is_laid_over_what_is_free_when_the_dial_is_set),
        ARENA_TEST(a_write_to_a_free_page_is_found),
        ARENA_TEST(all_that_the_heap_hands_out_can_be_cleared),
        ARENA_TEST(all_that_is_freed_can_be_cleared),
        ARENA_TEST(a_freed_object_is_not_handed_out_while_it_waits),
        ARENA_TEST(quarantine_gives_way_when_memory_is_short),
        ARENA_TEST(what_leaves_quarantine_for_a_new_slab_is_not_lost),
        ARENA_TEST(a_cache_can_end_while_its_objects_wait),
        ARENA_TEST(the_calls_that_took_and_freed_are_known),
        ARENA_TEST(stacks_that_find_no_room_are_counted),
        ARENA_TEST(slub_debug_can_name_caches),
        ARENA_TEST(red_zones_wait_for_a_cache_without_objects),
        ARENA_TEST(the_short_ways_come_back_with_the_last_red_zone),
        ARENA_TEST(wrong_values_are_refused_in_words),
        ARENA_TEST(dials_hold_from_the_start_if_set_before),
        ARENA_TEST(what_is_left_of_a_dial_is_still_watched),
        ARENA_TEST(a_broken_slab_is_reported_and_set_aside),
        ARENA_TEST(what_quarantine_lets_go_serves_the_call_that_needed_it),
        ARENA_TEST(a_size_larger_than_the_object_is_not_believed),
        ARENA_TEST(a_recovery_knows_how_much_is_in_quarantine),
    };

    return ARENA_RUN(tests);
}
