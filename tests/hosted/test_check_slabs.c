/*
 * test_check_slabs.c - the checks are checked, as in test_check.c: what can be wrong
 * with a spare slab, and with the layout of a cache.
 */
#include "tests/hosted/arena.h"
#include "mm/slab_priv.h"

#include <string.h>

/* ---- a furnished heap -------------------------------------------------------- */

static struct kmem_cache *small;        /* with records: slabs of every kind */
static struct page *served, *partial;   /* of its slabs; the spare one went back */
static struct page *block;              /* of pages */

static uint32_t pfn(const struct page *page)
{
    return (uint32_t)(page - heap.buddy.page);
}

static struct page *slab_of(const void *object)
{
    return &heap.buddy.page[buddy_head(&heap.buddy, (uint32_t)pfn_of(object))];
}

static void furnish(void)
{
    void *object[256];

    arena_open(400, 100);
    block = alloc_pages(GFP_KERNEL, 3);
    small = kmem_cache_create("small", 128, 0, 0, NULL);
    assert_true(2 * small->slots <= 256);
    for (uint32_t i = 0; i + 1 < 2 * small->slots; i++)
        object[i] = kmem_cache_alloc(small, GFP_KERNEL);
    kmem_cache_free(small, object[0]);
    partial = slab_of(object[0]);
    served = small->slab;
    assert_null(mm_check());
}

/* ---- spare slabs, and whose a slab is ---------------------------------------- */

static void spare_slab_that_is_served(void)
{
    for (uint32_t i = 0; i + 1 < small->slots; i++)
        kmem_cache_free(small, slab_start(served) + i * small->slot_size);
    small->spare = pfn(served);
}

static void spare_slab_in_use(void) { small->spare = pfn(partial); }
static void spare_slab_that_is_none(void) { small->spare = pfn(block); }
static void spare_slab_beyond_the_heap(void) { small->spare = heap.buddy.npages; }

static void spare_slab_that_starts_inside_one(void)
{
    struct page *slab = slab_of(kmalloc(8192, GFP_KERNEL));

    cache_of(slab)->spare = pfn(slab + 1);
}

static void slab_whose_second_page_has_another_order(void)
{
    slab_of(kmalloc(8192, GFP_KERNEL))[1].order = 0;
}

/* ---- layouts ----------------------------------------------------------------- */

static void slots_of_no_size(void) { small->slot_size = small->object_size = 0; }
static void slots_larger_than_any(void) { small->slot_size = MAX_OBJECT_SIZE + 8; }
static void objects_larger_than_their_slots(void) { small->object_size = 129; }
static void fewer_slots(void) { small->slots--; }
static void records_elsewhere(void) { small->record_offset += 4; }
static void maps_elsewhere(void) { small->map_word++; }
static void records_in_another_place(void) { small->record_place = RECORD_OF_PAGE; }
static void few_slots_that_are_many(void) { small->many_end = small->slots_end; }
static void heads_of_slabs_elsewhere(void) { small->head_mask <<= 1; }

/* ---- running ----------------------------------------------------------------- */

static struct broken {
    const char *name, *rule;
    void (*how)(void);
} table[] = {
#define BREAK(rule, how) { #how, #rule ":", how }
    BREAK(S1, slab_whose_second_page_has_another_order),
    BREAK(S4, spare_slab_that_is_served),
    BREAK(S4, spare_slab_in_use),
    BREAK(S4, spare_slab_that_is_none),
    BREAK(S4, spare_slab_beyond_the_heap),
    BREAK(S4, spare_slab_that_starts_inside_one),
    BREAK(S8, slots_of_no_size),
    BREAK(S8, slots_larger_than_any),
    BREAK(S8, objects_larger_than_their_slots),
    BREAK(S8, fewer_slots),
    BREAK(S8, records_elsewhere),
    BREAK(S8, maps_elsewhere),
    BREAK(S8, records_in_another_place),
    BREAK(S8, few_slots_that_are_many),
    BREAK(S8, heads_of_slabs_elsewhere),
};

#define NTABLE (sizeof(table) / sizeof(table[0]))

static void the_broken_rule_is_named(void **state)
{
    const struct broken *broken = *state;
    const char *found;

    furnish();
    broken->how();
    found = mm_check();
    if (!found || strncmp(found, broken->rule, strlen(broken->rule)) != 0)
        fail_msg("%s is broken, mm_check says: %s", broken->rule,
                 found ? found : "all is well");
    arena_open(400, 100);
}

int main(void)
{
    struct CMUnitTest tests[NTABLE];

    for (size_t i = 0; i < NTABLE; i++)
        tests[i] = (struct CMUnitTest){ table[i].name, the_broken_rule_is_named,
                                        arena_setup, arena_teardown, &table[i] };
    return ARENA_RUN(tests);
}
