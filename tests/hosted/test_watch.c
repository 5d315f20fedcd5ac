/*
 * test_watch.c - the debugging dials: each does what it is for, and nothing else.  What
 * one dial lays over memory, another leaves alone; whose calls are recorded is told by
 * the dial for just that kind of memory.  What they find is for test_dials.c.
 */
#include "tests/hosted/objects.h"
#include "mm/object_priv.h"
#include "mm/slab_priv.h"

#include <string.h>

/* Wherever it points: the compiler must not warn of what is tried here. */
static unsigned char *beyond(void *p, long offset)
{
    volatile uintptr_t at = (uintptr_t)p;

    return (unsigned char *)(at + (uintptr_t)offset);
}

/* ---- what is laid over memory ------------------------------------------------ */

static void only_poison_writes_to_memory_that_comes_and_goes(void **state)
{
    static const char *const others[] = { "F", "Z", "U", "FZU" };

    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        unsigned char *p;

        set_dial("slub_debug", others[i]);
        p = kmalloc(opaque(64), GFP_KERNEL);
        memset(p, 0x11, 64);
        kfree(p);
        assert_true(all_bytes(p, 0x11, 64));
        assert_ptr_equal(kmalloc(opaque(64), GFP_KERNEL), p);
        assert_true(all_bytes(p, 0x11, 64));
        kfree(p);
    }
}

/* Without red zones all of ksize() is the program's, also when krealloc stays. */
static void krealloc_in_place_keeps_every_byte_that_may_be_used(void **state)
{
    static const char *const others[] = { "F", "P", "U", "FPU" };

    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        unsigned char *p;

        set_dial("slub_debug", others[i]);
        p = kmalloc(opaque(40), GFP_KERNEL);
        assert_int_equal(ksize(p), 64);
        memset(p, 0x22, 64);
        assert_ptr_equal(krealloc(p, opaque(60), GFP_KERNEL), p);
        assert_true(all_bytes(p, 0x22, 64));
        kfree(p);
    }
}

enum { LARGE = 16384 };                 /* a block of pages that kmalloc takes */

/* A large kmalloc of 9000 bytes with another one right behind it. */
static unsigned char *take_neighbours(unsigned char **behind)
{
    unsigned char *p[8];

    for (int i = 0; i < 8; i++)
        p[i] = kmalloc(opaque(9000), GFP_KERNEL);
    for (int i = 0; i < 8; i++)
        for (int k = 0; k < 8; k++)
            if (p[k] == p[i] + LARGE) {
                *behind = p[k];
                return p[i];
            }
    fail_msg("eight blocks, and no two side by side");
    return NULL;
}

/* With a red zone: what was asked for, to the last byte of the block. */
static void growing_a_large_kmalloc_writes_to_its_new_bytes_only(void **state)
{
    unsigned char *p, *behind = NULL;

    (void)state;
    set_dial("slub_debug", "Z");
    p = take_neighbours(&behind);
    memset(p, 0x33, 9000);
    memset(behind, 0x44, 9000);
    assert_ptr_equal(krealloc(p, opaque(9001), GFP_KERNEL), p);
    assert_true(all_bytes(p, 0x33, 9000));
    assert_true(all_bytes(behind, 0x44, 9000));
    assert_ptr_equal(krealloc(p, opaque(LARGE), GFP_KERNEL), p);
    memset(p, 0x55, LARGE);
    assert_ptr_equal(krealloc(p, opaque(LARGE), GFP_KERNEL), p);
    assert_true(all_bytes(p, 0x55, LARGE));
    assert_true(all_bytes(behind, 0x44, 9000));
    assert_int_equal(mm_find_damage(), 0);
}

/* ---- looking ----------------------------------------------------------------- */

static void every_damage_around_a_free_object_counts(void **state)
{
    unsigned char *keeps_slab, *p;

    (void)state;
    set_dial("slub_debug", "ZP");
    keeps_slab = kmalloc(64, GFP_KERNEL);
    p = kmalloc(64, GFP_KERNEL);
    kfree(p);
    *beyond(p, -1) = 0x11;
    assert_int_equal(mm_find_damage(), 1);
    expect_report(MM_BUG_LEFT_REDZONE);
    *beyond(p, 64) = 0x11;
    assert_int_equal(mm_find_damage(), 1);
    expect_report(MM_BUG_RIGHT_REDZONE);
    *beyond(p, -1) = *beyond(p, 64) = p[5] = 0x11;
    assert_int_equal(mm_find_damage(), 3);
    assert_int_equal(arena_drop_reports(), 3);
    assert_int_equal(mm_find_damage(), 0);
    kfree(keeps_slab);
}

/* What is poisoned or red already is not laid anew: it would hide what was written. */
static void setting_further_dials_hides_no_damage(void **state)
{
    unsigned char *keeps_slab, *p;

    (void)state;
    set_dial("slub_debug", "ZP");
    keeps_slab = kmalloc(64, GFP_KERNEL);
    p = kmalloc(64, GFP_KERNEL);
    kfree(p);
    p[7] = 0x11;
    set_dial("slub_debug", "ZPU");
    expect_report(MM_BUG_POISON);
    set_dial("slub_debug", "FZP");
    *beyond(p, 64) = 0x11;
    set_dial("slub_debug", "Z");
    expect_report(MM_BUG_RIGHT_REDZONE);
    set_dial("slub_debug", "FZ");
    assert_int_equal(mm_find_damage(), 0);
    kfree(keeps_slab);
}

/* Where a slab has no room for red zones, the other dials hold without them. */
static void the_largest_objects_are_watched_without_red_zones(void **state)
{
    enum { LARGEST = 32768, ROOM = LARGEST - 24 };      /* a zone and a half */

    (void)state;
    set_dial("slub_debug", "ZPU");
    for (size_t size = ROOM; size <= LARGEST; size += 8) {
        struct kmem_cache *cache = kmem_cache_create("largest", size, 8, 0, NULL);
        unsigned char *p = kmem_cache_alloc(cache, GFP_KERNEL);

        assert_non_null(p);
        assert_true(all_bytes(p, 0x5a, size));
        assert_int_equal(arena_cache("largest").slot_size,
                         size == ROOM ? size + 16 : size);
        kmem_cache_free(cache, p);
        assert_true(all_bytes(p, 0x6b, size - 1));
        kmem_cache_destroy(cache);
    }
}

static void nobody_looks_under_a_busy_mm(void **state)
{
    unsigned char *p;

    (void)state;
    set_dial("slub_debug", "Z");
    p = kmalloc(64, GFP_KERNEL);
    *beyond(p, 64) = 0x11;
    mm_state |= MM_BUSY | MM_IRQ;
    assert_int_equal(mm_find_damage(), 0);
    assert_int_equal(mm_state, MM_BUSY | MM_IRQ | MM_LONG_WAY);
    mm_state &= ~(MM_BUSY | MM_IRQ);
    assert_int_equal(mm_find_damage(), 1);
    expect_report(MM_BUG_RIGHT_REDZONE);
    kfree(p);
}

/* A serial number from the future: harmless, but S1 to M4 are proved with F. */
static void only_f_proves_the_slab_at_each_call(void **state)
{
    static const struct {
        const char *dials;
        bool proves;
    } cases[] = { { "F", true }, { "ZPU", false }, { "-", false }, { "FZPU", true } };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        void *broken, *p;
        const struct mm_report *report;
        struct slot slot = { 0 };
        uint32_t serial;

        set_dial("slub_debug", cases[i].dials);
        broken = kmalloc(64, GFP_KERNEL);
        p = kmalloc(64, GFP_KERNEL);
        slot = object_at(broken).slot;
        serial = slot_record(&slot)->serial;
        slot_record(&slot)->serial = serial + 1000;
        if (!cases[i].proves)
            kfree(kmalloc(64, GFP_KERNEL));
        kfree(p);
        slot_record(&slot)->serial = serial;
        if (cases[i].proves) {
            report = expect_report(MM_BUG_CORRUPTED);
            assert_memory_equal(report->problem, "M3: ", 4);
            assert_string_equal(report->cache, "kmalloc-64");
            kfree(p);           /* the slab was set aside without a fault, so it says */
            assert_memory_equal(expect_report(MM_BUG_CORRUPTED)->problem, "S3: ", 4);
        }
        kfree(broken);
        expect_silence();
        assert_int_equal(arena_stats().live_objects, 0);
    }
}

/* ---- whose calls ------------------------------------------------------------- */

static unsigned give_calls(uintptr_t *frames, unsigned max)
{
    assert_true(max > 0);
    frames[0] = 0x1234;
    return 1;
}

static bool has_calls(const struct alloc_site *site)
{
    unsigned n;

    assert_non_null(site);
    return mm_site_stack(site, &n) != NULL;
}

/* The calls that took it are recorded if they should be, and those that free it. */
static void assert_who(void *p, bool pages, bool who)
{
    assert_int_equal(has_calls(arena_what(p).taken_by), who);
    if (pages)
        free_page((unsigned long)p);
    else
        kfree(p);
    assert_int_equal(has_calls(arena_what(p).freed_by), who);
}

static void calls_are_recorded_for_what_the_dial_names(void **state)
{
    static const struct {
        const char *slub_debug, *page_owner;
        bool small, large, pages;
    } cases[] = {
        { "Z", "off", false, false, false },
        { "F", "on", false, true, true },
        { "U", "off", true, true, false },
        { "U", "on", true, true, true },
        { "Z,kmalloc-large", "off", false, false, false },
        { "U,kmalloc-large", "off", false, true, false },
        { "U,kmalloc-64", "off", true, false, false },
        { "FP;U,kmalloc-64", "on", true, true, true },
    };

    (void)state;
    mm_stack_hook = give_calls;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        void *keeps_slab;

        set_dial("slub_debug", cases[i].slub_debug);
        set_dial("page_owner", cases[i].page_owner);
        keeps_slab = kmalloc(64, GFP_KERNEL);
        assert_who(kmalloc(64, GFP_KERNEL), false, cases[i].small);
        assert_who(kmalloc(10000, GFP_KERNEL), false, cases[i].large);
        assert_who((void *)__get_free_page(GFP_KERNEL), true, cases[i].pages);
        kfree(keeps_slab);
    }
    mm_stack_hook = NULL;
}

/* A record that was overwritten says that it is freed; nobody waits for anything. */
static void nothing_is_in_quarantine_without_one(void **state)
{
    void *p = kmalloc(64, GFP_KERNEL);
    struct slot slot = { 0 };

    (void)state;
    slot = object_at(p).slot;
    slot_record(&slot)->freed_by = 1;
    assert_int_equal(arena_what(p).kind, MM_SLAB_FREE);
    assert_false(arena_what(p).quarantined);
    slot_record(&slot)->freed_by = 0;
    kfree(p);
}

static void a_red_zone_is_not_in_quarantine(void **state)
{
    unsigned char *p = NULL;

    (void)state;
    set_dial("slub_debug", "Z");
    set_dial("quarantine", "64K");
    p = kmalloc(64, GFP_KERNEL);
    kfree(p);
    assert_true(arena_what(p).quarantined);
    assert_int_equal(arena_what(p - 4).kind, MM_SLAB_REDZONE);
    assert_false(arena_what(p - 4).quarantined);
}

/* Its slab's page struct was overwritten: the others go back all the same. */
static void quarantine_forgets_what_cannot_be_found(void **state)
{
    void *lost, *others[3];

    (void)state;
    set_dial("quarantine", "64K");
    lost = kmalloc(2048, GFP_KERNEL);
    for (int i = 0; i < 3; i++)
        others[i] = kmalloc(64, GFP_KERNEL);
    kfree(lost);
    for (int i = 0; i < 3; i++)
        kfree(others[i]);
    virt_to_page(lost)->cache = 0;
    set_dial("quarantine", "0");
    assert_int_equal(heap.quarantined, 0);
    assert_int_equal(heap.quarantined_bytes, 0);
    for (int i = 0; i < 3; i++)
        assert_false(arena_what(others[i]).quarantined);
    arena_open(3000, 300);
}

static void shrink_it(struct kmem_cache *cache) { kmem_cache_shrink(cache); }
static void destroy_it(struct kmem_cache *cache) { kmem_cache_destroy(cache); }
static void reclaim_all(struct kmem_cache *cache) { (void)cache, mm_reclaim(); }
static void switch_off(struct kmem_cache *cache)
{
    (void)cache;
    mm_set_dial("slub_debug", "-");
}

/* Before the slab goes, or nobody looks at it any more: told once, and not in its twin. */
static void damage_is_told_before_nobody_looks_any_more(void **state)
{
    static void (*const ends[])(struct kmem_cache *cache) = {
        shrink_it, destroy_it, reclaim_all, switch_off };

    (void)state;
    for (size_t i = 0; i < 8; i++) {
        struct kmem_cache *cache;
        unsigned char *p, *q;

        set_dial("slub_debug", "ZP");
        cache = make("going", 100, 0);
        p = kmem_cache_alloc(cache, GFP_KERNEL);
        q = kmem_cache_alloc(cache, GFP_KERNEL);
        kmem_cache_free(cache, p);
        kmem_cache_free(cache, q);
        if (i % 2) {
            p[7] ^= 1;
            *beyond(q, -1) ^= 1;
        }
        ends[i / 2](cache);
        if (i % 2) {
            assert_ptr_equal(expect_report(MM_BUG_POISON)->what.addr, p);
            expect_report(MM_BUG_LEFT_REDZONE);
        }
        expect_silence();
        set_dial("slub_debug", "-");
        if (i / 2 != 1)
            kmem_cache_destroy(cache);
    }
}

/* A slab goes by itself, too, when another empty one is kept already. */
static void damage_is_told_when_a_slab_goes_by_itself(void **state)
{
    struct kmem_cache *cache;
    unsigned char *p[200];
    uint32_t each, n;

    (void)state;
    set_dial("slub_debug", "P");
    cache = make("going", 100, 0);
    each = arena_cache("going").slots_per_slab;
    n = 3 * each + 1;                   /* the fourth is being served */
    assert_true(n <= 200);
    take(cache, p, n);
    kmem_cache_free(cache, p[0]);
    p[0][5] ^= 1;
    for (uint32_t i = n; i-- > 1; )
        kmem_cache_free(cache, p[i]);
    assert_ptr_equal(expect_report(MM_BUG_POISON)->what.addr, p[0]);
    expect_silence();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(only_poison_writes_to_memory_that_comes_and_goes),
        ARENA_TEST(krealloc_in_place_keeps_every_byte_that_may_be_used),
        ARENA_TEST(growing_a_large_kmalloc_writes_to_its_new_bytes_only),
        ARENA_TEST(every_damage_around_a_free_object_counts),
        ARENA_TEST(setting_further_dials_hides_no_damage),
        ARENA_TEST(damage_is_told_before_nobody_looks_any_more),
        ARENA_TEST(damage_is_told_when_a_slab_goes_by_itself),
        ARENA_TEST(the_largest_objects_are_watched_without_red_zones),
        ARENA_TEST(nobody_looks_under_a_busy_mm),
        ARENA_TEST(only_f_proves_the_slab_at_each_call),
        ARENA_TEST(calls_are_recorded_for_what_the_dial_names),
        ARENA_TEST(nothing_is_in_quarantine_without_one),
        ARENA_TEST(a_red_zone_is_not_in_quarantine),
        ARENA_TEST(quarantine_forgets_what_cannot_be_found),
    };

    return ARENA_RUN(tests);
}
