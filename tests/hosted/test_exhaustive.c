/*
 * test_exhaustive.c - where there are few enough cases, all of them: blocks of every
 * order at every page number, the size class of every size, the slot at every offset
 * in slabs of every slot size.
 *
 * A case takes some nanoseconds only, so what is wrong is counted, and the count is
 * asserted after a row of cases.
 */
#include "tests/hosted/arena.h"
#include "mm/look/look_priv.h"
#include "mm/slab_priv.h"

#include <stdlib.h>
#include <string.h>

/* ---- 2^20 page numbers x 11 orders ------------------------------------------- */

#define NPAGES (1u << 20)       /* 4 GiB, of which only the page structs exist */

static struct buddy buddy;
static unsigned char *taken;    /* by page number: the first page of a block */

static uint32_t align_down(uint32_t pfn, unsigned order)
{
    return pfn & UINT32_MAX << order;
}

static void assert_whole(uint32_t nfree)
{
    uint32_t where;
    const char *broken = buddy_check(&buddy, &where);

    if (broken)
        fail_msg("%s", broken);
    assert_int_equal(buddy.nfree, nfree);
}

/* All pages, as blocks of one order: aligned, none twice, none left out. */
static void take_all(unsigned order)
{
    uint32_t wrong = 0, blocks = 0, pfn;

    memset(taken, 0, NPAGES);
    for (; (pfn = buddy_alloc(&buddy, order)) != NO_PAGE; blocks++) {
        buddy_own(&buddy, pfn, PG_USED, order);
        assert_true(pfn < NPAGES && !taken[pfn]);
        wrong += pfn != align_down(pfn, order);
        taken[pfn] = 1;
    }
    assert_int_equal(blocks, NPAGES >> order);
    for (pfn = 0; pfn < NPAGES; pfn++)
        wrong += buddy_head(&buddy, pfn) != align_down(pfn, order);
    assert_int_equal(wrong, 0);
    assert_whole(0);
}

/* Does pfn lie in a free block of this order? */
static bool is_free_in(uint32_t pfn, unsigned order)
{
    uint32_t head = buddy_head(&buddy, pfn);

    return head == align_down(pfn, order) && buddy.page[head].kind == PG_FREE &&
           buddy.page[head].order == order;
}

/*
 * Free all blocks of one order, one after the other.  Upwards, block n finds all below
 * it free, and joins once for each 1 at the end of n; downwards, once for each 0.
 */
static void free_all(unsigned order, bool upwards)
{
    uint32_t blocks = NPAGES >> order, wrong = 0;

    for (uint32_t i = 0; i < blocks; i++) {
        uint32_t n = upwards ? i : blocks - 1 - i;
        uint32_t joins = (upwards ? ~n : n) | 1u << (MAX_PAGE_ORDER - order);

        buddy_free(&buddy, n << order);
        wrong += !is_free_in(n << order, order + (unsigned)__builtin_ctz(joins));
        if (i == blocks / 3)
            assert_whole((i + 1) << order);
    }
    assert_int_equal(wrong, 0);
    assert_whole(NPAGES);
}

static void blocks_of_every_order_split_and_join_at_every_page(void **state)
{
    struct page *pages = calloc(NPAGES, sizeof(*pages));

    (void)state;
    taken = malloc(NPAGES);
    assert_true(pages && taken);
    buddy_init(&buddy, pages, NPAGES);
    buddy_add(&buddy, 0, NPAGES);
    for (unsigned order = 0; order <= MAX_PAGE_ORDER; order++) {
        take_all(order);
        free_all(order, true);
        take_all(order);
        free_all(order, false);
    }
    free(taken);
    free(pages);
}

/* ---- sizes 1 .. 4 MiB -------------------------------------------------------- */

/* The size class of each size, as in Linux; called with 1, 2, 3 and so on. */
static size_t next_class(size_t size)
{
    static const size_t small[] = { 8, 16, 32, 64, 96, 128, 192, 256 };
    static size_t class;
    static unsigned i;

    if (size == 1)
        class = small[i = 0];
    while (class < size)
        class = class < 256 ? small[++i] : 2 * class;
    return class;
}

static void every_size_has_the_smallest_class_that_holds_it(void **state)
{
    size_t wrong = 0;

    (void)state;
    for (size_t size = 1; size <= KMALLOC_MAX_SIZE; size++)
        wrong += kmalloc_size_roundup(size) != next_class(size);
    assert_int_equal(wrong, 0);
}

static size_t wrong_sizes(void)
{
    size_t wrong = 0;

    for (size_t size = 1; size <= KMALLOC_MAX_SIZE; size++) {
        size_t align = size > 8 && (size & (size - 1)) == 0 ? size : 8;
        void *p = kmalloc(size, GFP_KERNEL);

        wrong += ksize(p) != next_class(size) || (uintptr_t)p % align != 0;
        kfree(p);
    }
    return wrong;
}

/* In a heap where every cache, mm's own too, has an object to give by mistake. */
static void every_size_is_given_the_memory_of_its_class(void **state)
{
    (void)state;
    for (int records = 0; records < 2; records++) {
        mm_records = records;
        arena_open(3000, 300);
        for (size_t size = 8; size <= KMALLOC_MAX_CACHE_SIZE; size += 8)
            assert_non_null(kmalloc(size, GFP_KERNEL));
        assert_int_equal(wrong_sizes(), 0);
    }
}

/* ---- 4,096 slot sizes x 32,768 offsets --------------------------------------- */

/* The number of the slot is the quotient, whatever the offset. */
static uint32_t wrong_quotients(const struct kmem_cache *cache, uint32_t size)
{
    uint32_t wrong = 0;

    for (uint32_t offset = 0; offset < MAX_OBJECT_SIZE; offset++)
        wrong += slot_index(cache, offset) != offset / size;
    return wrong;
}

/* An address of a slab is a slot's start if and only if nothing remains. */
static uint32_t wrong_slots(const struct mm_cache_info *info)
{
    const struct kmem_cache *cache = mm_find_cache(info->name);
    uint32_t bytes = info->pages_per_slab * (uint32_t)PAGE_SIZE, wrong = 0, found;

    for (uint32_t offset = 0; offset < bytes; offset++) {
        uint32_t index = offset / info->slot_size;
        bool is_slot = offset % info->slot_size == 0 && index < info->slots_per_slab;

        if (offset < cache->slots_end && starts_slot(cache, offset, &found))
            wrong += !is_slot || found != index;
        else
            wrong += is_slot;
    }
    return wrong;
}

static void every_offset_has_its_slot_in_slabs_of_every_slot_size(void **state)
{
    uint32_t wrong = 0;

    (void)state;
    for (uint32_t size = 8; size <= MAX_OBJECT_SIZE; size += 8) {
        struct kmem_cache *cache = kmem_cache_create("every", size, 0, 0, NULL);
        char *object = kmem_cache_alloc(cache, GFP_KERNEL);
        struct mm_cache_info info = arena_cache("every");

        assert_int_equal(info.slot_size, size);
        assert_int_equal(arena_what(object).slot, 0);
        wrong += wrong_quotients(cache, size);
        wrong += wrong_slots(&info);
        kmem_cache_free(cache, object);
        kmem_cache_destroy(cache);
    }
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(blocks_of_every_order_split_and_join_at_every_page),
        ARENA_TEST(every_size_has_the_smallest_class_that_holds_it),
        ARENA_TEST(every_size_is_given_the_memory_of_its_class),
        ARENA_TEST(every_offset_has_its_slot_in_slabs_of_every_slot_size),
    };

    return ARENA_RUN(tests);
}
