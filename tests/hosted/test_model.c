/*
 * test_model.c - random operations against the simplest possible model: a table of
 * {pointer, size, pattern byte}.  After each step mm_check() finds nothing, and mm's
 * counters are the table's; now and then every byte of it is looked at.
 */
#include "tests/hosted/arena.h"

#include <string.h>

#define SLOTS 256u

enum { OBJECT, CACHED, BLOCK, RUN };

struct slot {
    unsigned char *p;           /* NULL: nothing here */
    size_t size;
    int kind, byte;
    unsigned number;            /* of the cache, or order of the block */
};

static struct slot slots[SLOTS];
static struct kmem_cache *caches[3];
static uint32_t objects, pages, refused, failed;
static size_t bytes;

static const size_t cache_sizes[3] = { 24, 120, 1500 };

/* ---- the model ---------------------------------------------------------------- */

static uint32_t pages_in(const struct slot *slot)
{
    return (uint32_t)((slot->size + PAGE_SIZE - 1) / PAGE_SIZE);
}

/* It is taken: count it, and fill it with a byte of its own. */
static void enter(struct slot *slot, void *p, size_t size, int kind, unsigned number)
{
    if (!p) {
        failed++;
        return;
    }
    *slot = (struct slot){ p, size, kind, (int)arena_random_below(256), number };
    memset(p, slot->byte, size);
    if (kind >= BLOCK)
        pages += pages_in(slot);
    else
        objects++, bytes += size;
}

static void remove_from_model(struct slot *slot)
{
    if (slot->kind >= BLOCK)
        pages -= pages_in(slot);
    else
        objects--, bytes -= slot->size;
    slot->p = NULL;
}

static void assert_intact(const struct slot *slot)
{
    assert_true(!slot->p || all_bytes(slot->p, slot->byte, slot->size));
}

static void compare(void)
{
    struct mm_stats stats = arena_stats();

    assert_int_equal(stats.live_objects, objects);
    assert_int_equal(stats.live_pages, pages);
    assert_int_equal(stats.bad_frees, refused);
    assert_int_equal(stats.failed, failed);
    if (mm_records)
        assert_int_equal(stats.live_bytes, bytes);
    arena_check();
}

/* ---- operations --------------------------------------------------------------- */

static size_t random_size(void)
{
    unsigned e = 3 + arena_random_below(9);

    if (arena_random_below(40) == 0)
        return 1 + arena_random_below(60000);
    return ((size_t)1 << e) + (arena_random() & ((1u << e) - 1)) - 7;
}

static gfp_t random_gfp(void)
{
    static const gfp_t some[] = { GFP_KERNEL, GFP_ATOMIC, GFP_NOWAIT,
                                  GFP_KERNEL | __GFP_NORETRY };

    return some[arena_random_below(4)] | __GFP_NOWARN;
}

static void take(struct slot *slot)
{
    size_t size = random_size();
    gfp_t gfp = random_gfp();
    unsigned which = arena_random_below(3), order = arena_random_below(4);
    void *p;

    switch (arena_random_below(8)) {
    case 0:
        p = kmem_cache_alloc(caches[which], gfp);
        enter(slot, p, cache_sizes[which], CACHED, which);
        break;
    case 1:
        p = (void *)__get_free_pages(gfp, order);
        enter(slot, p, PAGE_SIZE << order, BLOCK, order);
        break;
    case 2:
        size = size % 30000 + 1;
        enter(slot, alloc_pages_exact(size, gfp), size, RUN, 0);
        break;
    case 3:
        p = kzalloc(size, gfp);
        assert_true(!p || all_bytes(p, 0, size));
        enter(slot, p, size, OBJECT, 0);
        break;
    default:
        enter(slot, kmalloc(size, gfp), size, OBJECT, 0);
    }
}

static void give_back(struct slot *slot)
{
    assert_intact(slot);
    switch (slot->kind) {
    case OBJECT: kfree(slot->p); break;
    case CACHED: kmem_cache_free(caches[slot->number], slot->p); break;
    case BLOCK:  free_pages((unsigned long)slot->p, slot->number); break;
    default:     free_pages_exact(slot->p, slot->size); break;
    }
    remove_from_model(slot);
}

static void resize(struct slot *slot)
{
    size_t size = random_size(), kept = size < slot->size ? size : slot->size;
    int byte = slot->byte;
    void *p = krealloc(slot->p, size, random_gfp());

    if (!p) {
        failed++;
        assert_intact(slot);            /* it is still there, and still ours */
        return;
    }
    assert_true(all_bytes(p, byte, kept));
    remove_from_model(slot);
    enter(slot, p, size, OBJECT, 0);
}

/* Free wrongly what this slot holds: it must still be there afterwards. */
static void free_wrongly(const struct slot *slot)
{
    switch (arena_random_below(4)) {
    case 0: kfree(slot->p + 1 + arena_random_below(7)); break;
    case 1: free_pages((unsigned long)slot->p, slot->kind == BLOCK ? slot->number + 1
                                                                       : 9);
            break;
    case 2: kmem_cache_free(caches[(slot->number + 1) % 3], slot->p); break;
    default: kfree(&slots); break;
    }
    assert_int_equal(arena_drop_reports(), 1);
    refused++;
    assert_intact(slot);
}

static void step(void)
{
    struct slot *slot = &slots[arena_random_below(SLOTS)];
    uint32_t dice = arena_random_below(100);

    if (dice == 0)
        mm_reclaim();
    else if (dice == 1)
        kmem_cache_shrink(caches[arena_random_below(3)]);
    else if (!slot->p)
        take(slot);
    else if (dice < 8)
        free_wrongly(slot);
    else if (dice < 20 && slot->kind == OBJECT)
        resize(slot);
    else
        give_back(slot);
    compare();
}

/* ---- runs --------------------------------------------------------------------- */

static void run(uint32_t heap_pages, uint32_t offset, bool records, unsigned steps)
{
    struct mm_stats start;

    mm_records = records;
    arena_open(heap_pages, offset);
    start = arena_stats();
    objects = pages = refused = failed = 0;
    bytes = 0;
    memset(slots, 0, sizeof(slots));
    for (unsigned i = 0; i < 3; i++)
        caches[i] = kmem_cache_create("model", cache_sizes[i], 0, 0, NULL);
    for (unsigned i = 0; i < steps; i++) {
        step();
        if (i % 500 == 0)
            for (unsigned k = 0; k < SLOTS; k++)
                assert_intact(&slots[k]);
    }
    for (unsigned i = 0; i < SLOTS; i++)
        if (slots[i].p)
            give_back(&slots[i]);
    for (unsigned i = 0; i < 3; i++)
        kmem_cache_destroy(caches[i]);
    compare();
    assert_same_blocks(&start);
}

static void plenty_of_memory(void **state)
{
    (void)state;
    run(4000, 100, true, 8000);
    assert_int_equal(failed, 0);
}

static void memory_that_runs_out(void **state)
{
    (void)state;
    run(160, 950, true, 20000);
    assert_true(failed > 100);
}

static void memory_that_runs_out_without_records(void **state)
{
    (void)state;
    run(130, 3, false, 20000);
    assert_true(failed > 100);
}

static void hardly_any_memory(void **state)
{
    (void)state;
    for (uint32_t n = 20; n < 40; n++)
        run(n, n * 31, n % 2, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(plenty_of_memory),
        ARENA_TEST(memory_that_runs_out),
        ARENA_TEST(memory_that_runs_out_without_records),
        ARENA_TEST(hardly_any_memory),
    };

    return ARENA_RUN_WITH_DIALS(tests);
}
