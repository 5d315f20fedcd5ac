/*
 * test_broken.c - mm's own memory overwritten, as a stray pointer would: looking at it
 * still comes back, and so does mm_check(); nothing loops, nothing follows a wild link.
 * That the right rule is named is for test_check.c.
 */
#include "tests/hosted/arena.h"

#include <string.h>

#define KINDS 12

/* A page of every kind there is. */
static void *pages[KINDS];

static void furnish(bool records)
{
    char *slab, *run, *block;
    unsigned n = 0;

    mm_records = records;
    arena_open(100, 924);               /* to the end of the page structs */
    run = alloc_pages_exact(7 * PAGE_SIZE, GFP_KERNEL);
    block = (char *)__get_free_pages(GFP_KERNEL, 2);
    slab = kmalloc(8192, GFP_KERNEL);
    pages[n++] = arena_memory();                        /* a hole */
    pages[n++] = virt_to_page(run);                     /* book-keeping */
    pages[n++] = run;
    pages[n++] = run + 4 * PAGE_SIZE;                   /* a part of it */
    pages[n++] = block;
    pages[n++] = block + PAGE_SIZE;
    pages[n++] = kmalloc(10000, GFP_KERNEL);
    pages[n++] = slab;
    pages[n++] = slab + PAGE_SIZE;
    pages[n++] = kmalloc(64, GFP_KERNEL);               /* its map apart, or behind */
    pages[n++] = kmalloc(200, GFP_KERNEL);              /* its map in the page struct */
    pages[n++] = arena_memory() + 1023 * PAGE_SIZE;     /* free, and the last */
    assert_int_equal(n, KINDS);
    arena_check();
}

static bool count(const struct mm_what *what, void *arg)
{
    assert_true(what->kind <= MM_SLAB_REST);
    ++*(unsigned *)arg;
    return true;
}

/* True if mm_check() finds a rule broken. */
static bool look_at_everything(void)
{
    const char *broken = mm_check();
    unsigned n = 0;

    mm_walk_live(count, &n);
    for (unsigned i = 0; i < KINDS; i++) {
        arena_what(pages[i]);
        arena_what((char *)pages[i] + 4000);
    }
    assert_int_equal(mm_state, 0);
    return broken != NULL;
}

static void try_every_byte(bool records)
{
    unsigned found = 0;

    furnish(records);
    for (unsigned i = 0; i < KINDS; i++) {
        unsigned char *bytes = (unsigned char *)virt_to_page(pages[i]);

        for (size_t at = 0; at < sizeof(struct page); at++) {
            unsigned char was = bytes[at];

            for (int byte = 0; byte < 256; byte++) {
                bytes[at] = (unsigned char)byte;
                found += look_at_everything();
            }
            bytes[at] = was;
        }
    }
    assert_true(found > KINDS * 256);
    arena_check();
}

static void any_byte_of_a_page_struct_may_become_any_other(void **state)
{
    (void)state;
    try_every_byte(true);
    try_every_byte(false);
}

/* A hole and book-keeping are single pages, whatever order was written there. */
static void an_order_in_a_page_that_is_no_block_hides_nothing(void **state)
{
    unsigned char *hit = NULL;

    (void)state;
    assert_null(mm_set_dial("debug_pagealloc", "on"));
    furnish(true);
    hit = arena_memory() + 1023 * PAGE_SIZE;    /* free, and the last */
    for (unsigned i = 0; i < 2; i++) {
        unsigned before = 0, now = 0;

        mm_walk_live(count, &before);
        virt_to_page(pages[i])->order = 10;
        mm_walk_live(count, &now);
        assert_true(now == before && now > 0);
        assert_null(mm_check());
        *hit ^= 1;
        assert_int_equal(mm_find_damage(), 1);
        expect_report(MM_BUG_PAGE_POISON);
        virt_to_page(pages[i])->order = 0;
    }
}

/*
 * A write past the last object of a slab reaches its records and its map.  A map of
 * zeroes has no free slot, although the slab is on the list of those that do: it is
 * passed over.
 */
static void a_slab_whose_map_was_overwritten_is_passed_over(void **state)
{
    struct kmem_cache *cache = kmem_cache_create("hit", 64, 0, 0, NULL);
    char *first = kmem_cache_alloc(cache, GFP_KERNEL), *p;
    struct mm_cache_info info = arena_cache("hit");
    size_t bytes = info.pages_per_slab * PAGE_SIZE;
    size_t end = info.slots_per_slab * info.slot_size;

    (void)state;
    assert_true(info.slots_per_slab > 32);      /* so the map lies behind the slots */
    for (uint32_t i = 1; i <= info.slots_per_slab; i++)
        assert_non_null(kmem_cache_alloc(cache, GFP_KERNEL));
    kmem_cache_free(cache, first);              /* on the list, with one free slot */
    memset(first + end, 0, bytes - end);
    for (uint32_t i = 0; i < info.slots_per_slab; i++) {
        p = kmem_cache_alloc(cache, GFP_KERNEL);
        assert_non_null(p);
        assert_true(p < first || p >= first + bytes);
    }
    assert_non_null(mm_check());
    arena_open(100, 0);
}

/* ---- frees, by page structs that a stray write has changed --------------------- */

static enum mm_bug told;
static const char *told_problem;

/* The heap is broken, so it is not checked now. */
static void note(const struct mm_report *report)
{
    told = report->bug;
    told_problem = report->problem;
}

#define REFUSED(statement, bug)                                               \
    do {                                                                      \
        void (*hook_)(const struct mm_report *) = mm_report_hook;             \
        uint32_t before_ = arena_stats().bad_frees;                           \
                                                                              \
        mm_report_hook = note;                                                \
        statement;                                                            \
        mm_report_hook = hook_;                                               \
        assert_int_equal(told, bug);                                          \
        if (told == MM_BUG_CORRUPTED)                                         \
            assert_memory_equal(told_problem, "B2: ", 4);                     \
        else                                                                  \
            assert_null(told_problem);                                        \
        assert_int_equal(arena_stats().bad_frees, before_ + 1);               \
    } while (0)

static void a_run_that_is_not_what_it_says_is_refused(void **state)
{
    char *run = alloc_pages_exact(3 * PAGE_SIZE, GFP_KERNEL);
    struct page *page = virt_to_page(run);

    (void)state;
    page->run |= 1u << 20;              /* in bytes that is the same, in 32 bits */
    REFUSED(free_pages_exact(run, 3 * PAGE_SIZE), MM_BUG_CORRUPTED);
    page->run &= ~(1u << 20);
    page[2].order ^= 8;
    REFUSED(free_pages_exact(run, 3 * PAGE_SIZE), MM_BUG_CORRUPTED);
    page[2].order ^= 8;
    page[2].run ^= 1;
    REFUSED(free_pages_exact(run, 3 * PAGE_SIZE), MM_BUG_CORRUPTED);
    page[2].run ^= 1;
    free_pages_exact(run, 3 * PAGE_SIZE);
}

static void a_part_is_not_freed_by_itself(void **state)
{
    char *run = alloc_pages_exact(3 * PAGE_SIZE, GFP_KERNEL);
    struct page *part = virt_to_page(run) + 2;
    uint32_t first = part->run;

    (void)state;
    part->run = UINT32_MAX;             /* so it does not lead to the run's first */
    REFUSED(free_pages_exact(run + 2 * PAGE_SIZE, PAGE_SIZE), MM_BUG_WRONG_ORDER);
    part->run = first;
    free_pages_exact(run, 3 * PAGE_SIZE);
}

/* Larger than it is, or than any: neither by its order, nor as a large kmalloc. */
static void a_block_whose_order_cannot_be_right_is_refused(void **state)
{
    struct page *block = alloc_pages(GFP_KERNEL, 2), *behind = alloc_pages(GFP_KERNEL, 2);
    void *large = kmalloc(16384, GFP_KERNEL), *other = kmalloc(16384, GFP_KERNEL);
    struct page *larges = virt_to_page(large);

    (void)state;
    block->order = 12;
    REFUSED(__free_pages(block, 12), MM_BUG_CORRUPTED);
    block->order = 2;
    larges->order = 15;
    REFUSED(kfree(large), MM_BUG_CORRUPTED);
    larges->order = 3;
    REFUSED(kfree(large), MM_BUG_CORRUPTED);
    larges->order = 2;
    kfree(large);
    kfree(other);
    __free_pages(block, 2);
    __free_pages(behind, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(any_byte_of_a_page_struct_may_become_any_other),
        ARENA_TEST(an_order_in_a_page_that_is_no_block_hides_nothing),
        ARENA_TEST(a_slab_whose_map_was_overwritten_is_passed_over),
        ARENA_TEST(a_run_that_is_not_what_it_says_is_refused),
        ARENA_TEST(a_part_is_not_freed_by_itself),
        ARENA_TEST(a_block_whose_order_cannot_be_right_is_refused),
    };

    return ARENA_RUN(tests);
}
