/*
 * test_layout.c - how a slab is laid out, for every slot size: by the rule that
 * mm/layout.c states in words, written down here once more.
 *
 *     | slots | records, one for each slot below a page | map of more than 32 slots |
 */
#include "tests/hosted/arena.h"

#include <string.h>

#define LARGEST_SLOT 32768u
#define RECORD (uint32_t)(sizeof(struct record) + sizeof(uint32_t))      /* with its note */
#define MAP_BYTES(slots) (((slots) + 31) / 32 * 4)

/*
 * The lowest order that holds 8 slots and wastes a 16th at most; if none does, the one
 * that wastes least, and of these the largest.  tail: bytes behind the last slot.
 */
static uint32_t pages_by_the_rule(uint32_t stride, uint32_t tail)
{
    uint32_t best = 8, least = UINT32_MAX;

    for (uint32_t pages = 1; pages <= 8; pages *= 2) {
        uint32_t bytes = pages * (uint32_t)PAGE_SIZE - tail;
        uint32_t waste = bytes % stride * (8 / pages);

        if (bytes / stride >= 8 && waste * 16 <= 8 * PAGE_SIZE)
            return pages;
        if (bytes >= stride && waste <= least) {
            least = waste;
            best = pages;
        }
    }
    return best;
}

/* As many slots as fit; of many the map lies behind them. */
static uint32_t slots_by_the_rule(uint32_t stride, uint32_t bytes)
{
    uint32_t slots = bytes / stride;

    while (slots > 32 && slots * stride + MAP_BYTES(slots) > bytes)
        slots--;
    return slots;
}

/* With red zones of so many bytes, where a slab has room for them; 0: without. */
static void try_every_slot_size(bool records, uint32_t zone)
{
    mm_records = records;
    arena_open(3000, 0);
    for (uint32_t size = 8; size <= LARGEST_SLOT; size += 8) {
        bool zones = size + zone + zone / 2 <= LARGEST_SLOT;
        uint32_t slot = size + (zones ? zone : 0), tail = zones ? zone / 2 : 0;
        uint32_t stride = slot + (records && slot < PAGE_SIZE ? RECORD : 0);
        uint32_t pages = pages_by_the_rule(stride, tail);
        struct kmem_cache *cache = kmem_cache_create("layout", size, 0, 0, NULL);
        struct mm_cache_info info = arena_cache("layout");

        assert_int_equal(info.slot_size, slot);
        assert_int_equal(info.pages_per_slab, pages);
        assert_true(info.slots_per_slab <= 32 || pages == 1);   /* short.c: many */
        assert_int_equal(info.slots_per_slab,
                         slots_by_the_rule(stride, pages * (uint32_t)PAGE_SIZE - tail));
        kmem_cache_destroy(cache);
    }
}

static void slabs_of_every_slot_size_are_laid_out_by_the_rule(void **state)
{
    (void)state;
    try_every_slot_size(true, 0);
    try_every_slot_size(false, 0);
}

static void slabs_with_red_zones_are_laid_out_by_the_rule(void **state)
{
    (void)state;
    assert_null(mm_set_dial("slub_debug", "Z,layout"));
    try_every_slot_size(true, 16);
    try_every_slot_size(false, 16);
}

/* With gaps as with red zones, but that nobody fills or looks at them. */
static void slabs_with_gaps_are_laid_out_as_with_red_zones(void **state)
{
    (void)state;
    mm_gaps = true;
    try_every_slot_size(true, 16);
    try_every_slot_size(false, 16);
    mm_gaps = false;
    arena_open(1000, 0);
}

/* The compiler is not to know that it writes before and behind. */
static __attribute__((noinline, noclone)) void spill(char *object, size_t size)
{
    for (uintptr_t at = (uintptr_t)object - 8; at < (uintptr_t)object + size + 8; at++)
        *(char *)at = 'x';
}

static void what_is_written_into_a_gap_is_nobodys(void **state)
{
    (void)state;
    mm_gaps = true;
    arena_open(1000, 0);
    for (size_t size = 8; size <= 4096; size *= 2) {
        char *one = kmalloc(size, GFP_KERNEL), *other = kmalloc(size, GFP_KERNEL);

        assert_int_equal((uintptr_t)one % size, 0);
        assert_true((size_t)(other > one ? other - one : one - other) >= size + 16);
        assert_int_equal(ksize(one), size);
        memset(other, 0x11, size);
        spill(one, size);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(other[i], 0x11);
        assert_int_equal(arena_what(one + size).kind, MM_SLAB_REDZONE);
        assert_null(mm_check());
        kfree(one);
        kfree(other);
    }
    mm_gaps = false;
    arena_open(1000, 0);
}

/* To a line of 64 bytes; objects of half a line or less share it. */
static uint32_t slot_in_lines(uint32_t size)
{
    uint32_t line = 64;

    while (line > 8 && size * 2 <= line)
        line /= 2;
    return (size + line - 1) / line * line;
}

static void hwcache_align_keeps_objects_in_as_few_lines_as_they_need(void **state)
{
    (void)state;
    for (uint32_t size = 1; size <= 300; size++) {
        struct kmem_cache *cache = kmem_cache_create("lines", size, 0,
                                                     SLAB_HWCACHE_ALIGN, NULL);

        assert_int_equal(arena_cache("lines").slot_size, slot_in_lines(size));
        kmem_cache_destroy(cache);
        cache = kmem_cache_create("lines", size, 128, SLAB_HWCACHE_ALIGN, NULL);
        assert_int_equal(arena_cache("lines").slot_size % 128, 0);
        kmem_cache_destroy(cache);
    }
}

/* Behind the last slot, to the end of the slab, there is no object. */
static void what_is_behind_the_last_slot_is_the_slabs_rest(void **state)
{
    static const size_t sizes[] = { 40, 96, 500, 1500, 3000, 9000 };

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct kmem_cache *cache = kmem_cache_create("rest", sizes[i], 0, 0, NULL);
        char *slab = kmem_cache_alloc(cache, GFP_KERNEL);
        struct mm_cache_info info = arena_cache("rest");
        uint32_t bytes = info.pages_per_slab * (uint32_t)PAGE_SIZE;
        uint32_t end = info.slots_per_slab * info.slot_size;

        assert_int_equal(arena_what(slab).slot, 0);
        assert_true(end < bytes);
        assert_int_equal(arena_what(slab + end - 1).kind, MM_SLAB_FREE);
        for (uint32_t offset = end; offset < bytes; offset += 1 + (bytes - end) / 20) {
            struct mm_what what = arena_what(slab + offset);

            assert_int_equal(what.kind, MM_SLAB_REST);
            assert_int_equal(what.start, (uintptr_t)slab + end);
            assert_int_equal(what.bytes, bytes - end);
            assert_int_equal(what.offset, offset - end);
            assert_string_equal(what.cache, "rest");
        }
        kmem_cache_free(cache, slab);
        kmem_cache_destroy(cache);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(slabs_of_every_slot_size_are_laid_out_by_the_rule),
        ARENA_TEST(slabs_with_red_zones_are_laid_out_by_the_rule),
        ARENA_TEST(slabs_with_gaps_are_laid_out_as_with_red_zones),
        ARENA_TEST(what_is_written_into_a_gap_is_nobodys),
        ARENA_TEST(hwcache_align_keeps_objects_in_as_few_lines_as_they_need),
        ARENA_TEST(what_is_behind_the_last_slot_is_the_slabs_rest),
    };

    return ARENA_RUN(tests);
}
