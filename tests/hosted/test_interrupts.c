/*
 * test_interrupts.c - an interrupt at every single instruction of mm.
 *
 * An operation is run again and again (step.h), and at each of its instructions in turn
 * a handler comes, which takes and frees as a driver's would.  Afterwards mm must be
 * whole, and what was taken and freed must add up.
 */
#include "mm/enter_priv.h"
#include "mm/watch/dials.h"
#include "tests/hosted/arena.h"
#include "tests/hosted/step.h"

#include <string.h>

#define HANDLERS_BYTE 0x77      /* what the handler writes to its object */

/* A second pointer to what the operation frees. */
static void *same;
static unsigned long same_page;

/* What operation and handler hold; NULL: nothing, or given back. */
static void *object, *handlers_object, *victim;
static unsigned long page, handlers_page, page_victim;
static struct kmem_cache *cache;

/* The handler comes, at one instruction of the operation. */
static void (*handler)(void);
static bool came;

static void interrupt(void)
{
    mm_state |= MM_IRQ;
    handler();
    mm_state &= ~MM_IRQ;
}

/* ---- handlers ----------------------------------------------------------------- */

static void take_in_handler(void)
{
    handlers_object = kmalloc(100, GFP_ATOMIC | __GFP_NOWARN);
    if (handlers_object)
        memset(handlers_object, HANDLERS_BYTE, 100);
    handlers_page = __get_free_page(GFP_ATOMIC | __GFP_NOWARN);
}

static void free_in_handler(void)
{
    kfree(victim);
    free_page(page_victim);
    victim = NULL;
    page_victim = 0;
}

/* The very thing that the operation is freeing: one of the two is refused. */
static void free_the_same_in_handler(void)
{
    kfree(same);
    free_page(same_page);
}

static void do_both_in_handler(void)
{
    take_in_handler();
    free_in_handler();
}

/* ---- operations --------------------------------------------------------------- */

static void kmalloc_operation(void) { object = kmalloc(100, GFP_KERNEL); }
static void large_operation(void) { object = kmalloc(20000, GFP_KERNEL); }
static void function_operation(void) { object = (kmalloc)(100, GFP_KERNEL); }
static void cache_operation(void) { object = kmem_cache_alloc(cache, GFP_KERNEL); }
static void page_operation(void) { page = __get_free_page(GFP_KERNEL); }
static void reclaim_operation(void) { mm_reclaim(); }
static void krealloc_operation(void) { object = krealloc(object, 500, GFP_KERNEL); }

static void kfree_operation(void)
{
    kfree(object);
    object = NULL;
}

static void free_page_operation(void)
{
    free_page(page);
    page = 0;
}

/* ---- what was before ---------------------------------------------------------- */

static void nothing_before(void) { }

static void object_before(void) { object = kmalloc(100, GFP_KERNEL); }
static void large_before(void) { object = kmalloc(20000, GFP_KERNEL); }
static void page_before(void) { page = __get_free_page(GFP_KERNEL); }

/* kmalloc-128 is warm: a request takes the shortest way. */
static void warm_before(void)
{
    object = kmalloc(100, GFP_KERNEL);
    kfree(object);
    object = NULL;
}

/* Frees wait to be done: the operation begins with them. */
static void put_off_before(void)
{
    void *waiting[3];

    for (int i = 0; i < 3; i++)
        waiting[i] = kmalloc(100, GFP_KERNEL);
    mm_state |= MM_IRQ | MM_BUSY;
    for (int i = 0; i < 3; i++)
        kfree(waiting[i]);
    mm_state &= ~(MM_IRQ | MM_BUSY);
}

/* ---- with dials on, and while they are set ------------------------------------ */

static void poison_operation(void) { mm_set_dial("slub_debug", "P,kmalloc-128"); }
static void no_quarantine_operation(void) { mm_set_dial("quarantine", "0"); }

static void off_before(void)
{
    mm_reset_dials();
    object_before();
}

static void quarantine_before(void)
{
    mm_reset_dials();
    mm_set_dial("quarantine", "64K");
    warm_before();
}

static void watched_before(void)
{
    mm_set_dial("slub_debug", "FZPU");
    object_before();
}

/* ---- every instruction -------------------------------------------------------- */

static void prepare(void (*before)(void))
{
    arena_open(64, 0);
    object = handlers_object = NULL;
    page = handlers_page = 0;
    cache = kmem_cache_create("stepped", 200, 0, 0, NULL);
    victim = kmalloc(64, GFP_KERNEL);
    page_victim = __get_free_page(GFP_KERNEL);
    before();
    same = object;
    same_page = page;
}

/* The next call must know that it cannot be short. */
static void assert_what_waits_is_told(void)
{
    if (mm_next_put_off())
        assert_int_equal(mm_state & MM_PUT_OFF, MM_PUT_OFF);
}

/* Everything that is held is live, nothing else is, and all of it goes back. */
static void assert_nothing_lost(const struct mm_stats *fresh, unsigned refused,
                                unsigned stop)
{
    struct mm_stats now;
    uint32_t objects = 0u + (object != NULL) + (handlers_object != NULL) +
                       (victim != NULL);
    uint32_t pages = 0u + (page != 0) + (handlers_page != 0) + (page_victim != 0);

    assert_what_waits_is_told();
    mm_count_sites(0);          /* mm is entered: what was put off is done */
    now = arena_stats();
    if (now.live_objects != objects || now.live_pages != pages)
        fail_msg("interrupt at address %#lx: %u objects and %u pages are live, "
                 "%u and %u are held", step_address(stop), (unsigned)now.live_objects,
                 (unsigned)now.live_pages, (unsigned)objects, (unsigned)pages);
    arena_check();
    if (handlers_object)
        assert_true(all_bytes(handlers_object, HANDLERS_BYTE, 100));
    kfree(object), kfree(handlers_object), kfree(victim);
    free_page(page), free_page(handlers_page), free_page(page_victim);
    assert_int_equal(arena_stats().bad_frees, refused);
    assert_int_equal(arena_drop_reports(), refused);
    assert_same_blocks(fresh);
}

static void try_stops(unsigned stops, void (*before)(void), void (*operation)(void),
                      const struct mm_stats *fresh, unsigned refused)
{
    unsigned interrupts = 0;

    for (unsigned stop = 0; stop < stops; stop++) {
        prepare(before);
        came = step_run(stop, operation, interrupt);
        interrupts += came;
        assert_nothing_lost(fresh, refused * came, stop);
    }
    assert_true(interrupts > 20);       /* it really works here */
}

/* Each handler in turn; `refused` frees are refused in each run. */
static void with_handlers(void (*const *handlers)(void), size_t n, unsigned refused,
                          void (*before)(void), void (*operation)(void))
{
    struct mm_stats fresh;
    unsigned stops;

    step_open();
    arena_open(64, 0);
    fresh = arena_stats();
    prepare(before);
    stops = step_trace(operation, 4);
    for (size_t i = 0; i < n; i++) {
        handler = handlers[i];
        try_stops(stops, before, operation, &fresh, refused);
    }
    step_close();
}

static void at_every_instruction(void (*before)(void), void (*operation)(void))
{
    static void (*const handlers[])(void) = { take_in_handler, free_in_handler,
                                              do_both_in_handler };

    with_handlers(handlers, 3, 0, before, operation);
}

static void freed_twice_at_every_instruction(void (*before)(void),
                                             void (*operation)(void))
{
    static void (*const handlers[])(void) = { free_the_same_in_handler };

    with_handlers(handlers, 1, 1, before, operation);
}

#define AT_EVERY_INSTRUCTION(name, before, operation)                         \
    static void name(void **state)                                            \
    {                                                                         \
        (void)state;                                                          \
        at_every_instruction(before, operation);                              \
    }

static void a_double_free_from_an_interrupt_is_refused_once(void **state)
{
    (void)state;
    freed_twice_at_every_instruction(object_before, kfree_operation);
    freed_twice_at_every_instruction(large_before, kfree_operation);
    freed_twice_at_every_instruction(page_before, free_page_operation);
}

AT_EVERY_INSTRUCTION(kmalloc_from_a_warm_cache, warm_before, kmalloc_operation)
AT_EVERY_INSTRUCTION(kmalloc_that_needs_a_slab, nothing_before, kmalloc_operation)
AT_EVERY_INSTRUCTION(kmalloc_with_frees_put_off, put_off_before, kmalloc_operation)
AT_EVERY_INSTRUCTION(kmalloc_of_whole_pages, nothing_before, large_operation)
AT_EVERY_INSTRUCTION(kmalloc_by_its_function, warm_before, function_operation)
AT_EVERY_INSTRUCTION(kfree_of_an_object, object_before, kfree_operation)
AT_EVERY_INSTRUCTION(kfree_of_whole_pages, large_before, kfree_operation)
AT_EVERY_INSTRUCTION(kmem_cache_alloc_of_the_first, nothing_before, cache_operation)
AT_EVERY_INSTRUCTION(krealloc_that_moves, object_before, krealloc_operation)
AT_EVERY_INSTRUCTION(alloc_pages_that_splits, nothing_before, page_operation)
AT_EVERY_INSTRUCTION(free_pages_that_joins, page_before, free_page_operation)
AT_EVERY_INSTRUCTION(mm_reclaim_of_a_slab, warm_before, reclaim_operation)
AT_EVERY_INSTRUCTION(setting_poison, off_before, poison_operation)
AT_EVERY_INSTRUCTION(ending_quarantine, quarantine_before, no_quarantine_operation)
AT_EVERY_INSTRUCTION(kfree_of_a_watched_object, watched_before, kfree_operation)

/* ---- a page freed long ago, once more -------------------------------------------- */

static unsigned long stale;

static void free_stale_in_handler(void) { free_page(stale); }
static void two_pages_operation(void) { page = __get_free_pages(GFP_KERNEL, 1); }

/* The only free pages are two buddies that have not joined. */
static void unjoined_before(void)
{
    unsigned long taken[64], next;
    unsigned n = 0;

    while ((next = __get_free_page(GFP_KERNEL | __GFP_NOWARN)))
        taken[n++] = next;
    arena_drop_reports();
    for (unsigned i = 0; i < n; i++)
        if (taken[i] % (2 * PAGE_SIZE) == 0)
            stale = taken[i];
    free_page(stale + PAGE_SIZE);
    free_page(stale);
}

static void stale_before(void)
{
    stale = __get_free_page(GFP_KERNEL);
    free_page(stale);
}

/* Whatever the operation makes of that page meanwhile, it keeps what it took. */
static void try_stale_frees(void (*before)(void), void (*operation)(void),
                            const void *(*taken)(void), enum mm_what_kind kind)
{
    unsigned interrupts = 0, stops;

    step_open();
    prepare(before);
    stops = step_trace(operation, 4);
    handler = free_stale_in_handler;
    for (unsigned stop = 0; stop < stops; stop++) {
        prepare(before);
        came = step_run(stop, operation, interrupt);
        interrupts += came;
        assert_what_waits_is_told();
        mm_count_sites(0);              /* mm is entered: what was put off is done */
        assert_int_equal(arena_what(taken()).kind, kind);
        assert_int_equal(arena_stats().bad_frees, came);
        arena_check();
        arena_drop_reports();
    }
    step_close();
    assert_true(interrupts > 20);
}

static const void *the_page(void) { return (const void *)page; }
static const void *the_object(void) { return object; }

static void a_page_that_is_joining_is_not_freed_again(void **state)
{
    (void)state;
    try_stale_frees(unjoined_before, two_pages_operation, the_page, MM_USED_PAGES);
}

static void a_page_that_becomes_a_slab_is_not_freed_as_an_object(void **state)
{
    (void)state;
    try_stale_frees(stale_before, kmalloc_operation, the_object, MM_SLAB_LIVE);
}

static void set_dial_in_handler(void)
{
    assert_non_null(mm_set_dial("page_owner", "on"));
}

static void no_dial_is_set_in_a_handler(void **state)
{
    unsigned interrupts = 0, stops;

    (void)state;
    step_open();
    prepare(warm_before);
    stops = step_trace(kmalloc_operation, 1);
    handler = set_dial_in_handler;
    for (unsigned stop = 0; stop < stops; stop++) {
        prepare(warm_before);
        interrupts += step_run(stop, kmalloc_operation, interrupt);
        assert_string_equal(mm_dial("page_owner"), "");
        assert_int_equal(mm_state, 0);
    }
    step_close();
    assert_true(interrupts > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(a_double_free_from_an_interrupt_is_refused_once),
        ARENA_TEST(kmalloc_from_a_warm_cache),
        ARENA_TEST(kmalloc_that_needs_a_slab),
        ARENA_TEST(kmalloc_with_frees_put_off),
        ARENA_TEST(kmalloc_of_whole_pages),
        ARENA_TEST(kmalloc_by_its_function),
        ARENA_TEST(kfree_of_an_object),
        ARENA_TEST(kfree_of_whole_pages),
        ARENA_TEST(kmem_cache_alloc_of_the_first),
        ARENA_TEST(krealloc_that_moves),
        ARENA_TEST(alloc_pages_that_splits),
        ARENA_TEST(free_pages_that_joins),
        ARENA_TEST(mm_reclaim_of_a_slab),
        ARENA_TEST(setting_poison),
        ARENA_TEST(ending_quarantine),
        ARENA_TEST(kfree_of_a_watched_object),
        ARENA_TEST(a_page_that_is_joining_is_not_freed_again),
        ARENA_TEST(a_page_that_becomes_a_slab_is_not_freed_as_an_object),
        ARENA_TEST(no_dial_is_set_in_a_handler),
    };

    return ARENA_RUN(tests);
}
