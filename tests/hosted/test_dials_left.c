/*
 * test_dials_left.c - what is left of a dial that was set, and what waits for one: until
 * the last object, red zone or held slot of it goes; and that frees do not pay for it.
 */
#include "mm/look/recover.h"
#include "tests/hosted/objects.h"

#include <time.h>

/* ---- until the last of it ---------------------------------------------------------- */

/* Its last object is freed, but its slot is held back: until others push it out. */
static void a_cache_waits_for_the_last_of_its_slots_in_quarantine(void **state)
{
    void *p = kmalloc(64, GFP_KERNEL);

    (void)state;
    assert_non_null(mm_set_dial("slub_debug", "Z,kmalloc-64"));
    set_dial("quarantine", "1K");
    kfree(p);
    assert_int_equal(arena_cache("kmalloc-64").slot_size, 64);
    for (int i = 0; i < 3; i++)
        kfree(kmalloc(500, GFP_KERNEL));
    assert_true(arena_cache("kmalloc-64").slot_size > 64);
    arena_check();
}

/* Some have red zones, some are from before: when the last of the former goes. */
static void the_last_large_red_zone_ends_the_long_way(void **state)
{
    void *before = kmalloc(20000, GFP_KERNEL), *zoned[3];

    (void)state;
    set_dial("slub_debug", "Z");
    for (int i = 0; i < 3; i++)
        zoned[i] = kmalloc(20000, GFP_KERNEL);
    set_dial("slub_debug", "-");
    kfree(before);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(mm_state, MM_LONG_WAY);
        kfree(zoned[i]);
    }
    assert_int_equal(mm_state, 0);
}

/* What a recovery finds counts, whatever was counted before. */
static void red_zones_are_counted_anew_after_a_recovery(void **state)
{
    struct mm_recovery recovery;
    void *zoned[2];

    (void)state;
    set_dial("slub_debug", "Z");
    for (int i = 0; i < 2; i++)
        zoned[i] = kmalloc(20000, GFP_KERNEL);
    mm_state_set(MM_BUSY);
    mm_recover(&recovery);
    set_dial("slub_debug", "-");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(mm_state, MM_LONG_WAY);
        kfree(zoned[i]);
    }
    assert_int_equal(mm_state, 0);
}

/* ---- the order of slabs ------------------------------------------------------------- */

/*
 * The last object of a cache that waits is freed in an interrupt, under another call: so
 * it is freed when the next one begins, which asks for one of the same cache.  Did the
 * order of its slabs change thereby?
 */
static bool a_put_off_free_changes_the_order(size_t size, const char *from,
                                             const char *to)
{
    uint32_t before, after;
    struct mm_what what;
    void *p;

    set_dial("slub_debug", from);
    p = kmalloc(size, GFP_KERNEL);
    what = arena_what(p);
    before = arena_cache(what.cache).pages_per_slab;
    assert_non_null(mm_set_dial("slub_debug", to));
    mm_state |= MM_IRQ | MM_BUSY;
    kfree(p);
    mm_state &= ~(MM_IRQ | MM_BUSY);
    p = kmalloc(size, GFP_KERNEL);
    after = arena_cache(what.cache).pages_per_slab;
    arena_check();
    kfree(p);
    mm_reclaim();
    set_dial("slub_debug", "-");
    return before != after;
}

static void a_new_slab_has_the_order_that_its_cache_has_by_then(void **state)
{
    unsigned grew = 0, shrank = 0;

    (void)state;
    for (size_t size = 8; size <= KMALLOC_MAX_CACHE_SIZE; size *= 2) {
        grew += a_put_off_free_changes_the_order(size, "-", "Z");
        shrank += a_put_off_free_changes_the_order(size, "Z", "-");
    }
    assert_true(grew > 0);
    assert_true(shrank > 0);
}

/* ---- what it costs ------------------------------------------------------------------ */

enum { PAIRS = 20000, ROUNDS = 5 };

/* Processor time of so many pairs, the least of some rounds. */
static clock_t time_of_pairs(void *(*take_one)(void), void (*give_one)(void *))
{
    clock_t least = 0;

    for (int round = 0; round < ROUNDS; round++) {
        clock_t start = clock(), took;

        for (int i = 0; i < PAIRS; i++)
            give_one(take_one());
        took = clock() - start;
        least = !round || took < least ? took : least;
    }
    return least;
}

static void *take_object(void) { return kmalloc(64, GFP_KERNEL); }
static void give_object(void *p) { kfree(p); }
static void *take_a_page(void) { return (void *)__get_free_page(GFP_KERNEL); }
static void give_page(void *p) { free_page((unsigned long)p); }

/* With one red zone left a free looks at no other block, however many there are. */
static void a_free_beside_a_red_zone_costs_the_same_in_a_full_heap(void **state)
{
    void *zoned, *keeps_slab;
    clock_t few[2], many[2];

    (void)state;
    arena_open(ARENA_PAGES, 0);
    set_dial("slub_debug", "Z");
    zoned = kmalloc(20000, GFP_KERNEL);
    set_dial("slub_debug", "-");
    keeps_slab = kmalloc(64, GFP_KERNEL);
    few[0] = time_of_pairs(take_object, give_object);
    few[1] = time_of_pairs(take_a_page, give_page);
    for (uint32_t i = 0; i < ARENA_PAGES - 2000; i++)
        assert_int_not_equal(__get_free_page(GFP_KERNEL), 0);
    many[0] = time_of_pairs(take_object, give_object);
    many[1] = time_of_pairs(take_a_page, give_page);
    assert_int_equal(mm_state, MM_LONG_WAY);
    for (int i = 0; i < 2; i++)
        assert_true(many[i] < 5 * few[i] + CLOCKS_PER_SEC / 100);
    kfree(keeps_slab);
    kfree(zoned);
    assert_int_equal(mm_state, 0);
}

/* While a cache waits, no free but that of a cache's last object compares names. */
static void a_free_beside_a_cache_that_waits_compares_no_names(void **state)
{
    static const char spec[] =
        "Z,kmalloc-64;Z,a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w,x,y,z,kmalloc-1k";
    void *keeps_slab, *keeps_waiting = kmalloc(1000, GFP_KERNEL);
    clock_t waiting, settled;

    (void)state;
    for (char name[] = "cache-A"; name[6] <= 'Z'; name[6]++)
        make(name, 100, 0);
    assert_non_null(mm_set_dial("slub_debug", spec));
    keeps_slab = kmalloc(64, GFP_KERNEL);
    waiting = time_of_pairs(take_object, give_object);
    kfree(keeps_waiting);
    settled = time_of_pairs(take_object, give_object);
    assert_true(arena_cache("kmalloc-1k").slot_size > 1024);
    assert_true(waiting < 5 * settled + CLOCKS_PER_SEC / 100);
    kfree(keeps_slab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(a_cache_waits_for_the_last_of_its_slots_in_quarantine),
        ARENA_TEST(the_last_large_red_zone_ends_the_long_way),
        ARENA_TEST(red_zones_are_counted_anew_after_a_recovery),
        ARENA_TEST(a_new_slab_has_the_order_that_its_cache_has_by_then),
        ARENA_TEST(a_free_beside_a_red_zone_costs_the_same_in_a_full_heap),
        ARENA_TEST(a_free_beside_a_cache_that_waits_compares_no_names),
    };

    return ARENA_RUN(tests);
}
