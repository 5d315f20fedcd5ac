/*
 * test_edges.c - the first and the last of everything: ranges that end a byte or a
 * page too early, the page behind the last, what lies behind the page structs, memory
 * that ends where mm's reach ends.
 */
#define _GNU_SOURCE             /* MAP_ANONYMOUS */
#include "tests/hosted/arena.h"
#include "mm/heap_priv.h"

#include <string.h>
#include <sys/mman.h>

#define BLOCK ((size_t)PAGE_SIZE << MAX_PAGE_ORDER)

static uintptr_t start(void)
{
    return (uintptr_t)arena_memory();
}

static void open_ranges(const struct mm_range *ranges, size_t count)
{
    arena_open_ranges(ranges, count, 4 * BLOCK);
    arena_check();
}

/* Pages that mm takes for itself in a heap of one largest block. */
static uint32_t meta_pages(void)
{
    arena_open(1u << MAX_PAGE_ORDER, 0);
    return arena_stats().meta_pages;
}

/* ---- ranges ------------------------------------------------------------------ */

/* 100 pages, less `less` bytes at one end, are 99; the next range begins there. */
static void a_range_loses_the_page_that_is_not_whole(void **state)
{
    static const size_t less[] = { 1, 2, 3, 8, 2048, 4093, 4094, 4095 };

    (void)state;
    for (size_t i = 0; i < sizeof(less) / sizeof(less[0]); i++) {
        const struct mm_range at_end = { start() + PAGE_SIZE,
                                         100 * PAGE_SIZE - less[i] };
        const struct mm_range at_start = { start() + PAGE_SIZE + less[i],
                                           100 * PAGE_SIZE - less[i] };
        const struct mm_range both = { start() + PAGE_SIZE + less[i],
                                       100 * PAGE_SIZE };

        open_ranges(&at_end, 1);
        assert_int_equal(arena_stats().total_pages, 99);
        assert_int_equal(arena_what((void *)(start() + 100 * PAGE_SIZE)).kind, MM_HOLE);
        open_ranges(&at_start, 1);
        assert_int_equal(arena_stats().total_pages, 99);
        assert_int_equal(arena_what((void *)(start() + PAGE_SIZE)).kind, MM_HOLE);
        open_ranges(&both, 1);
        assert_int_equal(arena_stats().total_pages, 99);
    }
}

static void a_range_of_one_page_is_a_page(void **state)
{
    const struct mm_range ranges[] = { { start() + BLOCK, 100 * PAGE_SIZE },
                                       { start() + 7 * PAGE_SIZE, PAGE_SIZE } };

    (void)state;
    open_ranges(ranges, 2);
    assert_int_equal(arena_stats().total_pages, 101);
    assert_int_equal(arena_stats().skipped, 0);
    assert_int_equal(arena_what((void *)(start() + 7 * PAGE_SIZE)).kind, MM_FREE_PAGE);
}

/* The book-keeping and one page more; one page less, and there is no heap. */
static void the_smallest_heap_has_one_page(void **state)
{
    uint32_t meta = meta_pages();

    (void)state;
    arena_open(meta, 1);
    assert_int_equal(arena_stats().total_pages, 0);
    assert_int_equal(arena_stats().skipped, 1);
    arena_open(meta + 1, 1);
    assert_int_equal(arena_stats().total_pages, meta + 1);
    assert_int_equal(arena_stats().free_pages, 1);
    assert_non_null(alloc_page(GFP_KERNEL));
    assert_null(alloc_page(GFP_KERNEL | __GFP_NOWARN));
}

/*
 * One page less than the book-keeping of both needs: the smaller range is left out,
 * be it by one page.  What stands behind the table of ranges is not looked at.
 */
static void only_the_smallest_range_is_left_out(void **state)
{
    uint32_t meta = meta_pages();
    const struct mm_range near = { start() + PAGE_SIZE, (meta + 1) * PAGE_SIZE };
    const struct mm_range far = { start() + 8 * BLOCK, meta * PAGE_SIZE };
    const struct mm_range farther = { start() + 12 * BLOCK, (meta - 1) * PAGE_SIZE };
    const struct mm_range decoy = { start() + 2 * PAGE_SIZE, PAGE_SIZE };
    const struct mm_range ranges[] = { farther, far, near, decoy };

    (void)state;
    for (size_t first = 0; first < 2; first++) {
        arena_open_ranges(ranges + first, 3 - first, ARENA_BYTES);
        arena_check();
        assert_int_equal(arena_stats().skipped, 2 - first);
        assert_int_equal(arena_stats().total_pages, meta + 1);
    }
}

/* ---- addresses --------------------------------------------------------------- */

static void assert_outside(void *addr)
{
    assert_null(virt_to_page(addr));
    assert_int_equal(arena_what(addr).kind, MM_OUTSIDE);
    assert_int_equal(arena_what(addr).pfn, NO_PAGE);
    assert_int_equal(ksize(addr), 0);
    expect_report(MM_BUG_NOT_HEAP);
    kfree(addr);
    expect_report(MM_BUG_NOT_HEAP);
    for (size_t n = 1; n <= 8; n++) {
        free_pages_exact(addr, n * PAGE_SIZE);
        expect_report(MM_BUG_NOT_HEAP);
    }
    for (unsigned order = 0; order <= 3; order++) {
        free_pages((unsigned long)addr, order);
        expect_report(MM_BUG_NOT_HEAP);
    }
}

/*
 * Without records the memory behind the page structs is a program's.  Whatever it
 * writes there is never taken for the struct of the page behind the last.
 */
static void what_lies_behind_the_page_structs_is_none(void **state)
{
    const struct mm_range last_page_too = { start() + BLOCK / 2, BLOCK / 2 };
    unsigned char *end = arena_memory() + BLOCK, *page;

    (void)state;
    mm_records = false;
    for (int byte = 0; byte < 256; byte++) {
        memset(arena_memory(), byte, BLOCK);
        mm_init(&last_page_too, 1);
        arena_check();
        assert_int_equal(arena_stats().total_pages, 512);
        while ((page = (void *)__get_free_page(GFP_KERNEL | __GFP_NOWARN)))
            memset(page, byte, PAGE_SIZE);
        assert_outside(end);
        assert_outside(arena_memory() - PAGE_SIZE);
        __free_page(virt_to_page(end - PAGE_SIZE) + 1);
        assert_true(expect_report(MM_BUG_NOT_HEAP)->problem != NULL);
        arena_check();
    }
}

/* The same, with the structs of pages that are in use behind the last one. */
static void a_copy_of_a_page_struct_is_none(void **state)
{
    const struct mm_range last_page_too = { start() + BLOCK / 2, BLOCK / 2 };
    struct page copies[10], *behind = NULL;
    struct kmem_cache *cache;
    unsigned n = 0;

    (void)state;
    mm_records = false;
    memset(arena_memory(), 0, BLOCK);
    mm_init(&last_page_too, 1);
    cache = kmem_cache_create("copied", 64, 0, 0, NULL);
    copies[n++] = *virt_to_page(kmem_cache_alloc(cache, GFP_KERNEL));
    copies[n++] = *virt_to_page(kmalloc(64, GFP_KERNEL));
    copies[n++] = *virt_to_page(kmalloc(200, GFP_KERNEL));
    copies[n++] = *virt_to_page(kmalloc(4096, GFP_KERNEL));
    copies[n++] = *virt_to_page(kmalloc(10000, GFP_KERNEL));
    copies[n++] = *virt_to_page(alloc_pages_exact(5 * PAGE_SIZE, GFP_KERNEL));
    for (unsigned order = 0; order <= 3; order++)
        copies[n++] = *alloc_pages(GFP_KERNEL, order);
    while (alloc_page(GFP_KERNEL | __GFP_NOWARN))
        ;                       /* the memory behind is in use, too */
    behind = virt_to_page(arena_memory() + BLOCK - PAGE_SIZE) + 1;
    for (unsigned i = 0; i < n; i++) {
        *behind = copies[i];
        assert_outside(arena_memory() + BLOCK);
        kmem_cache_free(cache, arena_memory() + BLOCK);
        expect_report(MM_BUG_NOT_HEAP);
        arena_check();
    }
}

/* ---- page 0 at address 0 ------------------------------------------------------- */

/*
 * As in a kernel: the memory begins within the first largest block.  A program may have
 * what is above 64 KiB (vm.mmap_min_addr), and in 64 bits nobody else is there.
 */
static void a_heap_may_begin_at_address_0(void **state)
{
    const struct mm_range range = { 64 << 10, 2 * BLOCK - (64 << 10) };
    void *map = mmap((void *)range.start, range.bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    void *p, *q;

    (void)state;
    assert_ptr_equal(map, (void *)range.start);
    mm_init(&range, 1);
    assert_int_equal(heap.base, 0);
    assert_int_equal(arena_stats().total_pages, range.bytes / PAGE_SIZE);
    p = kmalloc(100, GFP_KERNEL);
    q = (void *)__get_free_pages(GFP_KERNEL, 3);
    assert_true((uintptr_t)p < 2 * BLOCK && (uintptr_t)q < 2 * BLOCK);
    assert_int_equal(arena_what(p).pfn, (uintptr_t)p / PAGE_SIZE);
    arena_check();
    kfree(p);
    kfree(p);
    expect_report(MM_BUG_DOUBLE_FREE);
    kfree((void *)(uintptr_t)100);
    expect_report(MM_BUG_NOT_HEAP);
    free_pages((unsigned long)q, 3);
    arena_check();
    arena_open(100, 0);
    munmap(map, range.bytes);
}

/* ---- where mm's reach ends --------------------------------------------------- */

#if UINTPTR_MAX > UINT32_MAX

#define REACH ((size_t)16 << 30)        /* 32 bits name every four bytes */

/* Address space of more than that, aligned; nothing is behind it until it is used. */
static uintptr_t wide_space(void)
{
    static void *map;

    if (!map)
        map = mmap(NULL, REACH + 4 * BLOCK, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_true(map != MAP_FAILED);
    return ((uintptr_t)map + BLOCK - 1) & ~(BLOCK - 1);
}

/* As long as there is room for the page structs, it does not matter how far apart. */
static void ranges_more_than_sixteen_gigabytes_apart_are_both_used(void **state)
{
    const size_t room = (size_t)80 << 20;       /* for the page structs of all */
    uintptr_t base = wide_space();
    const struct mm_range ranges[] = {
        { base, room },
        { base + REACH - 2 * PAGE_SIZE, 9 * PAGE_SIZE },
        { UINTPTR_MAX - 2 * PAGE_SIZE + 1, 0x10000 },   /* for whom there is none */
    };

    (void)state;
    mm_records = false;
    mm_init(ranges, 3);
    arena_check();
    assert_int_equal(arena_stats().skipped, 1);
    assert_int_equal(arena_stats().total_pages, room / PAGE_SIZE + 9);
    assert_int_equal(arena_what((void *)(base + REACH - 1)).kind, MM_FREE_PAGE);
    assert_int_equal(arena_what((void *)(base + REACH + 7 * PAGE_SIZE - 1)).kind,
                     MM_FREE_PAGE);
    assert_int_equal(arena_what((void *)(base + REACH + 7 * PAGE_SIZE)).kind, MM_HOLE);
    arena_open(100, 0);
}

/* One by one, and of equal ones the last: the others are not lost with it. */
static void of_equal_ranges_too_far_apart_one_is_left_out(void **state)
{
    const size_t each = (size_t)16 << 20;
    uintptr_t base = wide_space();
    const struct mm_range ranges[] = {
        { base + REACH, each }, { base, each }, { base + 2 * BLOCK + each, each },
        { base + REACH + each / 2, PAGE_SIZE },         /* inside the first */
    };

    (void)state;
    mm_init(ranges, 4);
    arena_check();
    assert_int_equal(arena_stats().skipped, 3);
    assert_int_equal(arena_stats().total_pages, each / PAGE_SIZE);
    assert_int_equal(arena_what((void *)(base + REACH + 100)).kind, MM_META);
    arena_open(100, 0);
}

#else

/* The last page there is belongs to a range that would wrap. */
static void a_range_ends_where_addresses_end(void **state)
{
    const struct mm_range ranges[] = { { start(), ARENA_BYTES },
                                       { UINTPTR_MAX - 2 * PAGE_SIZE + 1, 0x10000 } };

    (void)state;
    mm_init(ranges, 2);
    arena_check();
    assert_int_equal(arena_stats().total_pages, ARENA_PAGES + 2);
    assert_int_equal(arena_what((void *)UINTPTR_MAX).kind, MM_FREE_PAGE);
    arena_open(100, 0);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(a_range_loses_the_page_that_is_not_whole),
        ARENA_TEST(a_range_of_one_page_is_a_page),
        ARENA_TEST(the_smallest_heap_has_one_page),
        ARENA_TEST(only_the_smallest_range_is_left_out),
        ARENA_TEST(what_lies_behind_the_page_structs_is_none),
        ARENA_TEST(a_copy_of_a_page_struct_is_none),
        ARENA_TEST(a_heap_may_begin_at_address_0),
#if UINTPTR_MAX > UINT32_MAX
        ARENA_TEST(ranges_more_than_sixteen_gigabytes_apart_are_both_used),
        ARENA_TEST(of_equal_ranges_too_far_apart_one_is_left_out),
#else
        ARENA_TEST(a_range_ends_where_addresses_end),
#endif
    };

    return ARENA_RUN(tests);
}
