/*
 * test_abandoned.c - an operation is dropped in the middle, at each of its
 * instructions, and mm_recover() mends what it left.
 *
 * That is what happens when a command is ended by a fault inside mm: whoever called
 * never comes back.  Every operation of mm is dropped at each instruction (step.h), in
 * every configuration.  Then:
 *
 *     - no rule is broken, no dial finds damage, nothing is reported;
 *     - what others hold is live and untouched;
 *     - what is live beside that was told: no more was lost than mm_recover() says;
 *     - 1,000 operations of the model (model.h) work as ever, in the heap as it is now;
 *     - and when all is given back, the free blocks are those of a fresh heap.
 */
#include "tests/hosted/arena.h"
#include "mm/look/recover.h"
#include "tests/hosted/model.h"
#include "tests/hosted/step.h"
#include "tests/hosted/stream.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAP_PAGES 80u
#define HEAP_OFFSET 37u         /* of its first page from a block's start */
#define MAX_HELD 300u
/* One stop of so many is tried; the program with sanitizers is ten times slower. */
#define EVERY arena_every(sizeof(void *) == 4 ? 3u : 59u)
/* And of these of their settings. */
#define CONFIGS_STEP (sizeof(void *) == 4 ? 1u : 3u)
/* Operations of the model; and with a dial on, or if nothing was changed. */
#define STEPS 1000u
#define FEW_STEPS 20u
/* Visits of an instruction in a loop that are stops. */
#define VISITS (has_dials() ? 2u : 4u)

/* ---- who holds what ------------------------------------------------------------ */

/* What others hold, filled with a byte of its own. */
static struct { unsigned char *p; size_t size; } held[MAX_HELD];
static unsigned nheld;

/* What the operation is about; NULL and 0: nothing. */
static unsigned char *object;
static unsigned long page;
static struct kmem_cache *cache;
static unsigned char *waiting[3];       /* frees that were put off */

static void *hold(void *p, size_t size)
{
    assert_non_null(p);
    assert_true(nheld < MAX_HELD);
    held[nheld].p = memset(p, (int)(nheld & 127), size);
    held[nheld++].size = size;
    return p;
}

static void *hold_object(size_t size) { return hold(kmalloc(size, GFP_KERNEL), size); }

/* The entry goes, and with it what was held. */
static void drop_held(unsigned number)
{
    kfree(held[number].p);
    held[number].p = NULL;
}

static bool is_held(uintptr_t start)
{
    for (unsigned i = 0; i < nheld; i++)
        if ((uintptr_t)held[i].p == start)
            return true;
    return false;
}

static bool is_operand(uintptr_t start)
{
    for (int i = 0; i < 3; i++)
        if ((uintptr_t)waiting[i] == start)
            return true;
    return start == (uintptr_t)object || start == page;
}

/* ---- dropping it --------------------------------------------------------------- */

static sigjmp_buf out;

static void drop(void) { siglongjmp(out, 1); }

/* False: it ended before the stop. */
static bool abandoned_at(unsigned stop, void (*operation)(void))
{
    if (sigsetjmp(out, 1) == 0)
        return step_run(stop, operation, drop);
    return true;
}

/* ---- what is said of a failure ------------------------------------------------- */

struct config {
    bool records;
    const char *dials[3][2];    /* name, value */
};

static struct trial {
    const char *operation;
    const struct config *config;
    unsigned stop;
} trial;

static bool has_dials(void) { return trial.config->dials[0][0]; }

static unsigned reports;

static void hear(const struct mm_report *report)
{
    reports++;
    print_error("  reported: %s, %s\n", mm_bug_name(report->bug),
                report->problem ? report->problem : "");
}

static _Noreturn void failed(const char *what)
{
    print_error("%s, dropped at address %#lx (records %s, %s=%s): %s\n",
                trial.operation, step_address(trial.stop),
                trial.config->records ? "on" : "off",
                trial.config->dials[0][0] ? trial.config->dials[0][0] : "no dial",
                trial.config->dials[0][1] ? trial.config->dials[0][1] : "", what);
    mm_state = 0;
    fail();
    abort();
}

static void failed_model(const char *what) { failed(what); }

#define demand(truth) ((truth) ? (void)0 : failed("not true: " #truth))

/* ---- what must hold afterwards ------------------------------------------------- */

struct seen {
    unsigned held, operands, others;
};

static bool look(const struct mm_what *what, void *arg)
{
    struct seen *seen = arg;

    if (is_held(what->start))
        seen->held++;
    else if (is_operand(what->start))
        seen->operands++;
    else
        seen->others++;
    if (what->taken_by == NULL && mm_records)
        failed("an object is live, and nobody took it");
    return true;
}

static void check_held(const struct seen *seen)
{
    unsigned n = 0;

    for (unsigned i = 0; i < nheld; i++) {
        n += held[i].p != NULL;
        if (held[i].p && !all_bytes(held[i].p, (int)(i & 127), held[i].size))
            failed("what others hold was overwritten");
    }
    demand(seen->held == n);
}

static void check_whole(void)
{
    const char *broken = mm_check();

    if (broken)
        failed(broken);
    if (*mm_dial("slub_debug") || *mm_dial("debug_pagealloc"))
        demand(mm_find_damage() == 0);
    demand(reports == 0);
}

/* What is live and nobody's was told, or mm had left already, and it was in no hand. */
static void check_lost(const struct mm_recovery *recovery, const struct seen *seen)
{
    unsigned told = recovery->lost + (recovery->newest != NULL);

    if (seen->others > (recovery->was_changing && mm_records ? told : told + 1))
        failed("an object was lost, and nobody told");
    demand(recovery->lost <= seen->others + seen->operands);
    demand((recovery->lost == 0) == (recovery->lost_bytes == 0));
    demand(recovery->was_changing || (!recovery->pages && !recovery->records &&
                                      !told));
}

static void go_on(uint32_t steps)
{
    struct model_stream stream = { NULL, NULL, stream_random };
    struct model_mode mode = { .steps = steps, .check_every = steps, .light = true };

    model_failed = failed_model;
    model_go_on(&stream, &mode);
}

static void recover_and_check(void)
{
    struct mm_recovery recovery;
    struct seen seen = { 0, 0, 0 };

    mm_recover(&recovery);
    demand(!(mm_state & MM_BUSY));
    check_whole();
    mm_count_sites(0);          /* mm is entered: what was put off is done */
    mm_walk_live(look, &seen);
    check_whole();
    check_held(&seen);
    check_lost(&recovery, &seen);
    go_on(recovery.was_changing && !has_dials() ? STEPS : FEW_STEPS);
}

/* ---- every instruction of an operation ------------------------------------------ */

static void nothing_before(void) { }

static void prepare(void (*before)(void))
{
    struct mm_range range = model_range(HEAP_OFFSET, HEAP_PAGES);

    mm_reset_dials();
    model_open(&range, 1, trial.config->records);
    mm_report_hook = hear;
    reports = 0;
    for (unsigned i = 0; trial.config->dials[i][0]; i++)
        set_dial(trial.config->dials[i][0], trial.config->dials[i][1]);
    nheld = 0;
    object = NULL;
    page = 0;
    memset(waiting, 0, sizeof(waiting));
    hold_object(8), hold_object(100), hold_object(1000), hold_object(4000);
    hold_object(10000);
    hold((void *)__get_free_page(GFP_KERNEL), PAGE_SIZE);
    hold(alloc_pages_exact(3 * PAGE_SIZE, GFP_KERNEL), 3 * PAGE_SIZE);
    before();
}

/* How many of its stops were reached. */
static unsigned in_one_config(void (*before)(void), void (*operation)(void))
{
    unsigned n, every = EVERY;
    volatile unsigned dropped = 0;

    prepare(before);
    n = step_trace(operation, VISITS);
    for (trial.stop = n % every; trial.stop < n; trial.stop += every) {
        prepare(before);
        if (abandoned_at(trial.stop, operation)) {
            dropped++;
            recover_and_check();
        }
    }
    return dropped;
}

static const struct config configs[] = {
    { true, { { NULL, NULL } } },
    { false, { { NULL, NULL } } },
    { true, { { "slub_debug", "ZU" } } },
    { true, { { "slub_debug", "FZPU" }, { "quarantine", "4K" } } },
    { false, { { "slub_debug", "ZP" }, { "debug_pagealloc", "on" } } },
};

#define NR_CONFIGS (sizeof(configs) / sizeof(configs[0]))

static void at_every_instruction(const char *name, size_t first, size_t n,
                                 void (*before)(void), void (*operation)(void))
{
    unsigned dropped = 0;

    step_open();
    for (size_t i = first; i < first + n; i += CONFIGS_STEP) {
        trial = (struct trial){ .operation = name, .config = &configs[i] };
        dropped += in_one_config(before, operation);
    }
    step_close();
    assert_true(dropped > 20);          /* it really works here */
    arena_open(64, 0);
    mm_reset_dials();
}

#define DROPPED_IN(first, n, name, before, operation)                         \
    static void name(void **state)                                            \
    {                                                                         \
        (void)state;                                                          \
        at_every_instruction(#name, first, n, before, operation);             \
    }
#define DROPPED(name, before, operation)                                      \
    DROPPED_IN(0, NR_CONFIGS, name, before, operation)

/* ---- objects: taking ------------------------------------------------------------ */

#define SIZE 500u               /* of few to a slab, which has two pages */

static unsigned slots_of_slab(void)
{
    return arena_cache("kmalloc-512").slots_per_slab;
}

static void take_small(void) { object = kmalloc(100, GFP_KERNEL); }
static void take_tiny(void) { object = kmalloc(8, GFP_KERNEL); }
static void take_zeroed(void) { object = kzalloc(300, GFP_KERNEL); }
static void take_one(void) { object = kmalloc(SIZE, GFP_KERNEL); }
static void take_page_sized(void) { object = kmalloc(8000, GFP_KERNEL); }
static void take_large(void) { object = kmalloc(20000, GFP_KERNEL); }
static void take_by_function(void) { object = (kmalloc)(100, GFP_KERNEL); }

static void word_used_up_before(void)
{
    for (int i = 0; i < 31; i++)
        hold_object(8);
}

/* So many slabs are full; in `held` from the entry returned on. */
static unsigned full_slabs(unsigned n)
{
    unsigned first = nheld;

    for (unsigned i = 0; i < n * slots_of_slab(); i++)
        hold_object(SIZE);
    return first;
}

static void full_slab_before(void) { full_slabs(1); }

static void partial_slab_before(void)
{
    unsigned first = full_slabs(2);

    drop_held(first + 1);
    drop_held(first + 2);
}

/* An empty slab is spare, and the one that is being served is full. */
static void spare_slab_before(void)
{
    unsigned first = full_slabs(2);

    for (unsigned i = 0; i < slots_of_slab(); i++)
        drop_held(first + i);
}

DROPPED(kmalloc_from_a_warm_cache, nothing_before, take_small)
DROPPED(kmalloc_from_the_next_word, word_used_up_before, take_tiny)
DROPPED(kmalloc_that_needs_a_slab, full_slab_before, take_one)
DROPPED(kmalloc_that_needs_a_slab_of_pages, nothing_before, take_page_sized)
DROPPED(kmalloc_from_a_partial_slab, partial_slab_before, take_one)
DROPPED(kmalloc_from_the_spare_slab, spare_slab_before, take_one)
DROPPED(kzalloc_that_needs_a_slab, nothing_before, take_zeroed)
DROPPED(kmalloc_of_whole_pages, nothing_before, take_large)
DROPPED(kmalloc_by_its_function, nothing_before, take_by_function)

/* ---- objects: giving back ------------------------------------------------------- */

static void free_object(void) { kfree(object); }
static void free_sensitive(void) { kfree_sensitive(object); }
static void resize_in_place(void) { object = krealloc(object, 120, GFP_KERNEL); }
static void resize_elsewhere(void) { object = krealloc(object, 700, GFP_KERNEL); }

static void large_before(void) { take_large(); }
static void page_sized_before(void) { take_page_sized(); }
static void small_before(void) { take_small(); }

/* The object is the first of full slabs; the others are not held from here on. */
static void first_of(unsigned slabs)
{
    unsigned first = full_slabs(slabs);

    object = held[first].p;
    held[first].p = NULL;
}

static void in_full_slab_before(void) { first_of(2); }

/* One more free, and its slab belongs on another list. */
static void before_next_level_before(void)
{
    first_of(2);
    for (unsigned i = 1; i < 4; i++)
        drop_held(nheld - 2 * slots_of_slab() + i);
}

/* It is the last one in its slab, and no slab is spare. */
static void last_of_slab_before(void)
{
    first_of(2);
    for (unsigned i = 1; i < slots_of_slab(); i++)
        drop_held(nheld - 2 * slots_of_slab() + i);
}

/* The same, and another one is spare: the slab goes. */
static void last_with_spare_before(void)
{
    first_of(3);
    for (unsigned i = 1; i < 2 * slots_of_slab(); i++)
        drop_held(nheld - 3 * slots_of_slab() + i);
}

DROPPED(kfree_of_an_object, small_before, free_object)
DROPPED(kfree_into_a_full_slab, in_full_slab_before, free_object)
DROPPED(kfree_that_moves_a_slab, before_next_level_before, free_object)
DROPPED(kfree_that_empties_a_slab, last_of_slab_before, free_object)
DROPPED(kfree_that_ends_a_slab, last_with_spare_before, free_object)
DROPPED(kfree_of_whole_pages, large_before, free_object)
DROPPED(kfree_of_a_page_sized_object, page_sized_before, free_object)
DROPPED(kfree_sensitive_of_an_object, small_before, free_sensitive)
DROPPED(krealloc_in_place, small_before, resize_in_place)
DROPPED(krealloc_that_moves, small_before, resize_elsewhere)

/* ---- caches --------------------------------------------------------------------- */

static void construct(void *p) { memset(p, 0x77, 400); }

static void create(void)
{
    cache = kmem_cache_create("model-0", 400, 0, 0, NULL);
}

static void create_constructed(void)
{
    cache = kmem_cache_create("model-0", 400, 0, 0, construct);
}

static void take_cached(void) { object = kmem_cache_alloc(cache, GFP_KERNEL); }
static void free_cached(void) { kmem_cache_free(cache, object); }
static void shrink(void) { kmem_cache_shrink(cache); }
static void destroy(void) { kmem_cache_destroy(cache); }

static void cached_before(void)
{
    create();
    take_cached();
}

/* It has a spare slab and an empty one that is being served. */
static void empty_slabs_before(void)
{
    unsigned char *p[100];
    unsigned n = 2 * arena_cache("kmalloc-512").slots_per_slab;

    create_constructed();
    for (unsigned i = 0; i < n; i++)
        p[i] = kmem_cache_alloc(cache, GFP_KERNEL);
    for (unsigned i = 0; i < n; i++)
        kmem_cache_free(cache, p[i]);
}

DROPPED(creating_a_cache, nothing_before, create)
DROPPED(a_slab_of_a_new_cache, create_constructed, take_cached)
DROPPED(kmem_cache_free_of_an_object, cached_before, free_cached)
DROPPED(shrinking_a_cache, empty_slabs_before, shrink)
DROPPED(destroying_a_cache, empty_slabs_before, destroy)

/* ---- pages ---------------------------------------------------------------------- */

static void take_page(void) { page = __get_free_page(GFP_KERNEL); }
static void take_pages(void) { page = __get_free_pages(GFP_KERNEL, 2); }
static void free_one_page(void) { free_page(page); }
static void free_block(void) { free_pages(page, 2); }
static void free_run(void) { free_pages_exact((void *)page, 5 * PAGE_SIZE); }

static void take_run(void)
{
    page = (unsigned long)alloc_pages_exact(5 * PAGE_SIZE, GFP_KERNEL);
}

/* A single page is kept, and not joined. */
static void kept_page_before(void)
{
    take_page();
    free_one_page();
    page = 0;
}

/* The largest free block is split, and its other half is free. */
static void take_largest(void) { page = __get_free_pages(GFP_KERNEL, 3); }

/* All free pages are kept ones: a larger block must be joined of them. */
static void all_kept_before(void)
{
    unsigned long next, taken[HEAP_PAGES], n = 0;

    while ((next = __get_free_page(GFP_KERNEL | __GFP_NOWARN)))
        taken[n++] = next;
    for (unsigned long i = 0; i < n; i++)
        if (i < n - 12)
            hold((void *)taken[i], PAGE_SIZE);
        else
            free_page(taken[i]);
}

static void reclaim(void) { mm_reclaim(); }

static void reserve_before(void)
{
    spare_slab_before();
    kept_page_before();
    last_of_slab_before();
    free_object();
    object = NULL;
}

DROPPED(alloc_page_of_the_kept, kept_page_before, take_page)
DROPPED(alloc_page_that_splits, nothing_before, take_page)
DROPPED(alloc_pages_that_split, nothing_before, take_pages)
DROPPED(alloc_pages_of_many, nothing_before, take_largest)
DROPPED(alloc_pages_that_must_join, all_kept_before, take_pages)
DROPPED(alloc_pages_exact_of_five, nothing_before, take_run)
DROPPED(free_page_that_is_kept, take_page, free_one_page)
DROPPED(free_pages_that_join, take_pages, free_block)
DROPPED(free_pages_exact_of_five, take_run, free_run)
DROPPED(giving_back_what_is_in_reserve, reserve_before, reclaim)

/* ---- memory that runs out ------------------------------------------------------- */

/* Free memory is in empty slabs only: these must go back first. */
static void only_empty_slabs_before(void)
{
    unsigned long next;

    spare_slab_before();
    while ((next = __get_free_page(GFP_KERNEL | __GFP_NOWARN | __GFP_NORETRY)))
        hold((void *)next, PAGE_SIZE);
}

static void take_page_quietly(void)
{
    page = __get_free_page(GFP_KERNEL | __GFP_NOWARN);
}

DROPPED(alloc_page_that_ends_slabs, only_empty_slabs_before, take_page_quietly)

/* ---- frees that wait ------------------------------------------------------------ */

static void put_off_before(void)
{
    for (int i = 0; i < 3; i++)
        waiting[i] = kmalloc(100, GFP_KERNEL);
    mm_state |= MM_IRQ | MM_BUSY;
    for (int i = 0; i < 3; i++)
        kfree(waiting[i]);
    mm_state &= ~(MM_IRQ | MM_BUSY);
}

DROPPED(kmalloc_with_frees_put_off, put_off_before, take_small)

/* ---- looking: one configuration is like another ---------------------------------- */

static bool see(const struct mm_what *what, void *arg)
{
    ++*(uintptr_t *)arg;
    return what->start != 0;
}

static void walk(void)
{
    uintptr_t n = 0;

    mm_walk_live(see, &n);
}

static void check(void) { (void)!mm_check(); }
static void look_for_damage(void) { mm_find_damage(); }

static void count(void)
{
    struct mm_stats stats;

    mm_get_stats(&stats);
}

DROPPED_IN(0, 1, walking, nothing_before, walk)
DROPPED_IN(0, 1, checking, nothing_before, check)
DROPPED_IN(0, 1, counting, nothing_before, count)
DROPPED_IN(2, 1, looking_for_damage, nothing_before, look_for_damage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(kmalloc_from_a_warm_cache),
        ARENA_TEST(kmalloc_from_the_next_word),
        ARENA_TEST(kmalloc_that_needs_a_slab),
        ARENA_TEST(kmalloc_that_needs_a_slab_of_pages),
        ARENA_TEST(kmalloc_from_a_partial_slab),
        ARENA_TEST(kmalloc_from_the_spare_slab),
        ARENA_TEST(kzalloc_that_needs_a_slab),
        ARENA_TEST(kmalloc_of_whole_pages),
        ARENA_TEST(kmalloc_by_its_function),
        ARENA_TEST(kfree_of_an_object),
        ARENA_TEST(kfree_into_a_full_slab),
        ARENA_TEST(kfree_that_moves_a_slab),
        ARENA_TEST(kfree_that_empties_a_slab),
        ARENA_TEST(kfree_that_ends_a_slab),
        ARENA_TEST(kfree_of_whole_pages),
        ARENA_TEST(kfree_of_a_page_sized_object),
        ARENA_TEST(kfree_sensitive_of_an_object),
        ARENA_TEST(krealloc_in_place),
        ARENA_TEST(krealloc_that_moves),
        ARENA_TEST(creating_a_cache),
        ARENA_TEST(a_slab_of_a_new_cache),
        ARENA_TEST(kmem_cache_free_of_an_object),
        ARENA_TEST(shrinking_a_cache),
        ARENA_TEST(destroying_a_cache),
        ARENA_TEST(alloc_page_of_the_kept),
        ARENA_TEST(alloc_page_that_splits),
        ARENA_TEST(alloc_pages_that_split),
        ARENA_TEST(alloc_pages_of_many),
        ARENA_TEST(alloc_pages_that_must_join),
        ARENA_TEST(alloc_pages_exact_of_five),
        ARENA_TEST(free_page_that_is_kept),
        ARENA_TEST(free_pages_that_join),
        ARENA_TEST(free_pages_exact_of_five),
        ARENA_TEST(giving_back_what_is_in_reserve),
        ARENA_TEST(alloc_page_that_ends_slabs),
        ARENA_TEST(kmalloc_with_frees_put_off),
        ARENA_TEST(walking),
        ARENA_TEST(checking),
        ARENA_TEST(counting),
        ARENA_TEST(looking_for_damage),
    };

    return ARENA_RUN(tests);
}
