/*
 * test_mend.c - stray writes into mm's own lists: found before they are followed,
 * reported once, mended, and nothing is lost.
 */
#include "mm/hooks_priv.h"
#include "mm/object_priv.h"
#include "mm/slab_priv.h"
#include "tests/hosted/objects.h"

#include <string.h>

/* ---- lists of free blocks ------------------------------------------------------- */

static uint32_t first_free(unsigned order)
{
    uint32_t pfn = heap.buddy.free[order];

    assert_true(pfn < heap.buddy.npages);
    return pfn;
}

/* Free blocks of order 0 that cannot join: every other page of eight. */
static void make_single_pages(struct page **used)
{
    struct page *page[8];

    for (int i = 0; i < 8; i++)
        page[i] = alloc_page(GFP_KERNEL);
    for (int i = 0; i < 8; i += 2)
        __free_page(page[i]);
    for (int i = 0; i < 4; i++)
        used[i] = page[2 * i + 1];
}

/* What lies behind the last page struct looks like a free block that links back. */
static uint32_t phantom(uint32_t pfn)
{
    uint32_t npages = heap.buddy.npages;

    heap.buddy.page[npages] = heap.buddy.page[pfn];
    heap.buddy.page[npages].prev = heap.buddy.page[npages].next = pfn;
    return npages;
}

static void head_to_nowhere(void) { heap.buddy.free[0] = 0x7fffffff; }

static void head_behind_the_last(void)
{
    heap.buddy.free[0] = phantom(first_free(0));
    heap.buddy.page[heap.buddy.npages].next = NO_PAGE;
}

static void head_to_a_used_page(void) { heap.buddy.free[0] = first_free(0) ^ 1; }
static void next_to_nowhere(void) { heap.buddy.page[first_free(0)].next = 0x12345678; }

static void next_behind_the_last(void)
{
    heap.buddy.page[first_free(0)].next = phantom(first_free(0));
}

static void next_to_itself(void) { heap.buddy.page[first_free(0)].next = first_free(0); }

static void next_to_another_list(void)
{
    heap.buddy.page[first_free(0)].next = first_free(MAX_PAGE_ORDER);
}

static void next_skips_one(void)
{
    struct page *page = &heap.buddy.page[first_free(0)];

    page->next = heap.buddy.page[page->next].next;
}

static void (*const page_breaks[])(void) = {
    head_to_nowhere, head_behind_the_last, next_behind_the_last, head_to_a_used_page,
    next_to_nowhere, next_to_itself,
    next_to_another_list, next_skips_one,
};

static void a_broken_list_of_blocks_is_mended_when_a_page_is_taken(void **state)
{
    struct mm_stats start = arena_stats();

    (void)state;
    heap.buddy.keep = 0;
    for (size_t i = 0; i < sizeof(page_breaks) / sizeof(page_breaks[0]); i++) {
        struct page *used[4], *page;
        const struct mm_report *report;

        make_single_pages(used);
        page_breaks[i]();
        assert_non_null(mm_check());
        page = alloc_page(GFP_KERNEL);
        assert_non_null(page);
        report = expect_report(MM_BUG_CORRUPTED);
        assert_memory_equal(report->problem, "B3: ", 4);
        assert_int_not_equal(report->what.addr ? report->what.kind : MM_HOLE,
                             MM_OUTSIDE);       /* NULL: there is no such page */
        arena_check();
        __free_page(page);
        for (int k = 0; k < 4; k++)
            __free_page(used[k]);
        assert_same_blocks(&start);
    }
}

/* Nobody counts for ever, or more than there is. */
static void a_list_that_bites_its_tail_is_counted_once(void **state)
{
    struct page *used[4];
    uint32_t was;

    (void)state;
    heap.buddy.keep = 0;
    make_single_pages(used);
    was = heap.buddy.page[first_free(0)].next;
    next_to_itself();
    assert_true(arena_stats().free_blocks[0] <= heap.buddy.npages);
    heap.buddy.page[first_free(0)].next = was;
}

/* Numbers are for looking at what is broken: they end where a list leads nowhere. */
static void numbers_do_not_follow_a_link_to_nowhere(void **state)
{
    struct page *used[4];
    uint32_t was;

    (void)state;
    heap.buddy.keep = 0;
    make_single_pages(used);
    was = heap.buddy.free[0];
    head_to_nowhere();
    assert_int_equal(arena_stats().free_blocks[0], 0);
    heap.buddy.free[0] = was;
    head_behind_the_last();
    assert_int_equal(arena_stats().free_blocks[0], 0);
    heap.buddy.free[0] = was;
    was = heap.buddy.page[first_free(0)].next;
    next_to_nowhere();
    assert_int_equal(arena_stats().free_blocks[0], 1);
    heap.buddy.page[first_free(0)].next = was;
}

static void a_broken_link_is_mended_when_blocks_join(void **state)
{
    struct mm_stats start = arena_stats();
    struct page *used[4];

    (void)state;
    heap.buddy.keep = 0;
    for (int at = 0; at < 4; at++) {
        make_single_pages(used);
        heap.buddy.page[(used[at] - heap.buddy.page) ^ 1].prev = 77;
        for (int i = 0; i < 4; i++)
            __free_page(used[i]);
        assert_memory_equal(expect_report(MM_BUG_CORRUPTED)->problem, "B3: ", 4);
        arena_check();
        assert_same_blocks(&start);
    }
}

/* Of one order: free blocks that cannot join, and the used buddy of one of them. */
static uint32_t make_single_blocks(unsigned order, struct page **used)
{
    struct page *block[8];

    for (int i = 0; i < 8; i++)
        assert_non_null(block[i] = alloc_pages(GFP_KERNEL, order));
    for (int i = 0; i < 8; i += 2)
        __free_pages(block[i], order);
    for (int i = 0; i < 4; i++)
        used[i] = block[2 * i + 1];
    return (uint32_t)(used[0] - heap.buddy.page) ^ 1u << order;
}

static void link_to_itself(uint32_t pfn) { heap.buddy.page[pfn].next = pfn; }

static void link_back_to_nowhere(uint32_t pfn)
{
    heap.buddy.page[pfn].prev = 0x7fffffff;
}

static void link_behind_the_last(uint32_t pfn)
{
    heap.buddy.page[pfn].next = phantom(pfn);
}

static void link_back_behind_the_last(uint32_t pfn)
{
    heap.buddy.page[pfn].prev = phantom(pfn);
}

/* The report says which block: the one that was to be joined. */
static void a_broken_link_of_any_order_is_found_before_it_is_followed(void **state)
{
    static void (*const breaks[])(uint32_t pfn) = {
        link_to_itself, link_back_to_nowhere, link_behind_the_last,
        link_back_behind_the_last };
    struct mm_stats start = arena_stats();

    (void)state;
    heap.buddy.keep = 0;
    for (unsigned order = 0; order < 4; order++)
        for (size_t i = 0; i < sizeof(breaks) / sizeof(breaks[0]); i++) {
            struct page *used[4];
            uint32_t pfn = make_single_blocks(order, used);
            const struct mm_report *report;

            breaks[i](pfn);
            __free_pages(used[0], order);
            report = expect_report(MM_BUG_CORRUPTED);
            assert_memory_equal(report->problem, "B3: ", 4);
            assert_ptr_equal(report->what.addr, page_address(&heap.buddy.page[pfn]));
            for (int k = 1; k < 4; k++)
                __free_pages(used[k], order);
            expect_silence();
            assert_same_blocks(&start);
        }
}

static void an_order_told_without_a_block_is_mended(void **state)
{
    unsigned order = 0;

    (void)state;
    while (heap.buddy.free[order] != NO_PAGE)
        order++;
    heap.buddy.nonempty |= 1u << order;
    __free_pages(alloc_pages(GFP_KERNEL, order), order);
    assert_memory_equal(expect_report(MM_BUG_CORRUPTED)->problem, "B3: ", 4);
}

static void the_head_of_the_largest_blocks_is_told_when_it_is_broken(void **state)
{
    struct page *block = alloc_pages(GFP_KERNEL, MAX_PAGE_ORDER);

    (void)state;
    assert_true(heap.buddy.free[MAX_PAGE_ORDER] != NO_PAGE);
    heap.buddy.free[MAX_PAGE_ORDER] = (uint32_t)(block - heap.buddy.page);
    __free_pages(alloc_pages(GFP_KERNEL, MAX_PAGE_ORDER), MAX_PAGE_ORDER);
    assert_ptr_equal(expect_report(MM_BUG_CORRUPTED)->what.addr, page_address(block));
    __free_pages(block, MAX_PAGE_ORDER);
}

/* The block is the only one of its order that will be free. */
static void add_behind_broken_head(struct page *block, uint32_t head)
{
    heap.buddy.free[5] = head;
    __free_pages(block, 5);
    assert_memory_equal(expect_report(MM_BUG_CORRUPTED)->problem, "B3: ", 4);
    arena_check();
    assert_ptr_equal(alloc_pages(GFP_KERNEL, 5), block);
}

static void a_broken_head_is_mended_when_a_block_is_added(void **state)
{
    struct mm_stats start = arena_stats();
    struct page *block, *taken[ARENA_PAGES / 32];
    uint32_t behind;
    size_t n = 0;

    (void)state;
    while ((block = alloc_pages(GFP_KERNEL | __GFP_NOWARN, 5)))
        taken[n++] = block;             /* all, so that none can join */
    block = taken[--n];
    for (uint32_t head = 1; head < NO_PAGE / 100; head = head * 77 + 1)
        add_behind_broken_head(block, head);
    __free_pages(block, 5);
    behind = phantom((uint32_t)(block - heap.buddy.page));
    assert_ptr_equal(alloc_pages(GFP_KERNEL, 5), block);
    add_behind_broken_head(block, behind);
    __free_pages(block, 5);
    while (n)
        __free_pages(taken[--n], 5);
    assert_same_blocks(&start);
}

static void a_broken_head_is_mended_while_a_block_is_split(void **state)
{
    struct mm_stats start = arena_stats();
    struct page *page;

    (void)state;
    for (unsigned order = 0; order < MAX_PAGE_ORDER; order++) {
        mm_reclaim();
        if (heap.buddy.nonempty >> order & 1)
            break;              /* that block is split, and no larger one */
        heap.buddy.free[order] = 0x7ffffff0;
        page = alloc_page(GFP_KERNEL | __GFP_NOWARN);
        assert_non_null(page);
        assert_memory_equal(expect_report(MM_BUG_CORRUPTED)->problem, "B3: ", 4);
        arena_check();
        __free_page(page);
    }
    assert_same_blocks(&start);
}

/* ---- the stack of kept pages ----------------------------------------------------- */

static struct page *second_kept(void)
{
    return &heap.buddy.page[heap.buddy.page[heap.buddy.kept].next];
}

static void kept_from_nowhere(void) { heap.buddy.kept = 0x7fffffff; }
static void kept_behind_the_last(void) { heap.buddy.kept = phantom(heap.buddy.kept); }
static void kept_is_a_used_page(void) { heap.buddy.kept ^= 1; }
static void kept_is_a_free_block(void) { heap.buddy.kept = first_free(MAX_PAGE_ORDER); }
static void kept_ends_early(void) { second_kept()->next = NO_PAGE; }
static void kept_leads_nowhere(void) { second_kept()->next = 0x12345678; }
static void kept_is_a_circle(void) { second_kept()->next = heap.buddy.kept; }

static void kept_skips_one(void)
{
    heap.buddy.page[heap.buddy.kept].next = second_kept()->next;
}

static void kept_is_a_page_more(void) { heap.buddy.nkept++; }

static void (*const kept_breaks[])(void) = {
    kept_from_nowhere, kept_behind_the_last, kept_is_a_used_page, kept_is_a_free_block,
    kept_ends_early, kept_leads_nowhere, kept_is_a_circle, kept_skips_one,
    kept_is_a_page_more,
};

static void a_broken_stack_of_kept_pages_is_mended_as_pages_are_taken(void **state)
{
    struct mm_stats start = arena_stats();

    (void)state;
    for (size_t i = 0; i < sizeof(kept_breaks) / sizeof(kept_breaks[0]); i++) {
        struct page *used[4], *page[5];

        make_single_pages(used);
        assert_int_equal(heap.buddy.nkept, 4);
        kept_breaks[i]();
        assert_memory_equal(mm_check(), "B8: ", 4);
        for (int k = 0; k < 5; k++) {
            page[k] = alloc_page(GFP_KERNEL);
            assert_non_null(page[k]);
        }
        assert_memory_equal(expect_report(MM_BUG_CORRUPTED)->problem, "B8: ", 4);
        arena_check();
        for (int k = 0; k < 5; k++)
            __free_page(page[k]);
        for (int k = 0; k < 4; k++)
            __free_page(used[k]);
        assert_same_blocks(&start);
    }
}

static void a_broken_stack_of_kept_pages_is_mended_when_they_join(void **state)
{
    struct mm_stats start = arena_stats();
    struct page *used[4];

    (void)state;
    make_single_pages(used);
    kept_leads_nowhere();
    mm_reclaim();
    assert_memory_equal(expect_report(MM_BUG_CORRUPTED)->problem, "B8: ", 4);
    arena_check();
    for (int k = 0; k < 4; k++)
        __free_page(used[k]);
    assert_same_blocks(&start);
}

/* ---- lists of partial slabs ------------------------------------------------------ */

enum { OBJECTS = 400 };
static struct kmem_cache *cache;
static unsigned char *objects[OBJECTS];

/* Partial slabs of several levels, and a spare one. */
static void furnish(void)
{
    cache = make("broken", 200, 0);
    take(cache, objects, OBJECTS);
    for (uint32_t i = 0; i < OBJECTS; i++)
        if (i % 3 == 0 || i < 40)
            kmem_cache_free(cache, objects[i]), objects[i] = NULL;
}

static uint32_t *some_head(void)
{
    return &cache->partial[__builtin_ctz(cache->levels)];
}

static struct page *some_partial(void) { return &heap.buddy.page[*some_head()]; }

static void partial_head_to_nowhere(void) { *some_head() = 0x7fffffff; }
static void partial_head_to_page_0(void) { *some_head() = 0; }

static void partial_head_behind_the_last(void)
{
    uint32_t npages = heap.buddy.npages;

    heap.buddy.page[npages] = *some_partial();
    heap.buddy.page[npages].prev = heap.buddy.page[npages].next = NO_PAGE;
    *some_head() = npages;
}

static void partial_next_to_nowhere(void) { some_partial()->next = 0x7fffffff; }
static void partial_prev_to_itself(void) { some_partial()->prev = *some_head(); }
static void partial_next_to_itself(void) { some_partial()->next = *some_head(); }

static void (*const slab_breaks[])(void) = {
    partial_head_to_nowhere, partial_head_to_page_0, partial_head_behind_the_last,
    partial_next_to_nowhere, partial_prev_to_itself, partial_next_to_itself,
};

/* Take what the slabs have room for: it takes no new one. */
static void fill_up(const struct mm_cache_info *info)
{
    uint32_t room = info->slots - info->live;

    for (uint32_t k = 0; k < OBJECTS && room; k++)
        if (!objects[k]) {
            objects[k] = kmem_cache_alloc(cache, GFP_KERNEL);
            assert_non_null(objects[k]);
            room--;
        }
    assert_int_equal(room, 0);
    assert_int_equal(arena_cache("broken").slabs, info->slabs);
}

static void a_broken_list_of_slabs_is_mended_when_a_slab_is_needed(void **state)
{
    struct mm_stats start = arena_stats();

    (void)state;
    for (size_t i = 0; i < sizeof(slab_breaks) / sizeof(slab_breaks[0]); i++) {
        struct mm_cache_info info;

        furnish();
        info = arena_cache("broken");
        slab_breaks[i]();
        assert_non_null(mm_check());
        fill_up(&info);
        assert_memory_equal(expect_report(MM_BUG_CORRUPTED)->problem, "S3: ", 4);
        expect_silence();
        arena_check();
        for (unsigned n = 0; n < OBJECTS; n++)
            if (objects[n])
                kmem_cache_free(cache, objects[n]);
        kmem_cache_destroy(cache);
        assert_same_blocks(&start);
    }
}

/* Only the head is wrong: nobody looks at it but who adds a slab. */
static void a_broken_head_is_mended_when_a_slab_is_added(void **state)
{
    struct mm_stats start = arena_stats();

    (void)state;
    for (uint32_t head = 1; head < NO_PAGE / 100; head = head * 77 + 1) {
        cache = make("broken", 200, 0);
        take(cache, objects, OBJECTS);          /* full slabs, but for the last */
        cache->partial[0] = head;
        kmem_cache_free(cache, objects[0]);
        assert_memory_equal(expect_report(MM_BUG_CORRUPTED)->problem, "S3: ", 4);
        arena_check();
        for (uint32_t k = 1; k < OBJECTS; k++)
            kmem_cache_free(cache, objects[k]);
        kmem_cache_destroy(cache);
        assert_same_blocks(&start);
    }
}

static void free_all(void)
{
    for (uint32_t k = 0; k < OBJECTS; k++)
        if (objects[k])
            kmem_cache_free(cache, objects[k]), objects[k] = NULL;
}

/* It is not what it says: that is seen before it goes back. */
static void shrink_with_spare(uint32_t spare)
{
    assert_int_not_equal(cache->spare, NO_PAGE);
    cache->spare = spare;
    assert_memory_equal(mm_check(), "S4: ", 4);
    kmem_cache_shrink(cache);
    assert_memory_equal(expect_report(MM_BUG_CORRUPTED)->problem, "S4: ", 4);
    expect_silence();
    arena_check();
}

static void a_spare_slab_that_is_none_is_sought_anew(void **state)
{
    struct mm_stats start = arena_stats();

    (void)state;
    for (uint32_t spare = 0; spare < NO_PAGE / 100; spare = spare * 77 + 1) {
        furnish();
        free_all();
        shrink_with_spare(spare);
        kmem_cache_destroy(cache);
        assert_same_blocks(&start);
    }
}

static void a_spare_slab_that_is_in_use_is_not_given_back(void **state)
{
    struct mm_stats start = arena_stats();

    (void)state;
    for (int which = 0; which < 3; which++) {
        furnish();
        if (which == 0)
            free_all();         /* the served one: empty, and then with objects */
        shrink_with_spare(which == 2 ? *some_head() : pfn_of_page(cache->slab));
        free_all();
        kmem_cache_destroy(cache);
        assert_same_blocks(&start);
    }
}

static void numbers_of_a_cache_do_not_follow_a_link_to_nowhere(void **state)
{
    uint32_t was, n;

    (void)state;
    furnish();
    n = arena_cache("broken").partial_slabs;
    was = *some_head();
    partial_head_to_nowhere();
    assert_true(arena_cache("broken").partial_slabs < n);
    *some_head() = was;
    assert_int_equal(arena_cache("broken").partial_slabs, n);
}

static void a_broken_list_of_slabs_is_mended_when_one_moves(void **state)
{
    struct mm_stats start = arena_stats();

    (void)state;
    for (size_t i = 3; i < sizeof(slab_breaks) / sizeof(slab_breaks[0]); i++) {
        furnish();
        slab_breaks[i]();
        free_all();
        assert_memory_equal(expect_report(MM_BUG_CORRUPTED)->problem, "S3: ", 4);
        arena_drop_reports();
        arena_check();
        kmem_cache_destroy(cache);
        assert_same_blocks(&start);
    }
}

static void slabs_on_a_list_that_bites_its_tail_are_counted_once(void **state)
{
    struct mm_cache_info info;
    uint32_t was;

    (void)state;
    furnish();
    was = some_partial()->next;
    partial_next_to_itself();
    info = arena_cache("broken");
    assert_true(info.partial_slabs <= info.slabs);
    some_partial()->next = was;
}

/* A record that calls the object live again: then it is not handed out twice. */
static void what_waits_in_quarantine_is_proved_before_it_goes_back(void **state)
{
    unsigned char *p = NULL;
    struct slot slot = { 0 };
    uint16_t was;

    (void)state;
    assert_null(mm_set_dial("quarantine", "64K"));
    p = kmalloc(64, GFP_KERNEL);
    kfree(p);
    slot = object_at(p).slot;
    was = slot_record(&slot)->freed_by;
    slot_record(&slot)->freed_by = 0;
    assert_null(mm_set_dial("quarantine", "0"));
    for (int i = 0; i < 100; i++)
        assert_ptr_not_equal(kmalloc(64, GFP_KERNEL), p);
    slot_record(&slot)->freed_by = was;
    slab_put_back(&slot);
}

/* Its head is gone: what is behind it must not be taken for slabs. */
static void a_slab_without_its_head_is_lost_and_no_other(void **state)
{
    unsigned char *p[60];
    uint32_t free_pages;

    (void)state;
    for (int round = 0; round < 60; round++)
        p[round] = kmalloc(256, GFP_KERNEL);
    for (int round = 0; round < 60; round++)
        kfree(p[round]);
    mm_reclaim();
    for (int i = 0; i < 60; i++)
        p[i] = kmalloc(2048, GFP_KERNEL);
    kfree(p[0]);
    memset(virt_to_page((void *)((uintptr_t)p[0] & ~(uintptr_t)0x7fff)), 0,
           sizeof(struct page));
    free_pages = arena_stats().free_pages;
    for (int i = 0; i < 40; i++) {
        unsigned char *q = kmalloc(2048, GFP_KERNEL);

        assert_non_null(q);
        for (int k = 1; k < 60; k++)
            assert_ptr_not_equal(q, p[k]);
    }
    assert_true(arena_stats().free_pages <= free_pages);
    arena_drop_reports();
    assert_non_null(mm_check());
    arena_open(100, 0);                 /* and away with it */
}

/* ---- slabs that are not fit to be served ----------------------------------------- */

static struct slot slot_at(const void *p)
{
    struct object object = object_at(p);

    assert_ptr_equal(object.start, p);
    return object.slot;
}

static struct page *slab_at(const void *p) { return slot_at(p).slab; }

static void the_record_says_free(struct record *record) { record->freed_by = 1; }
static void the_record_is_of_tomorrow(struct record *record) { record->serial += 1000; }
static void the_record_names_nobody(struct record *record) { record->site = 0xfff0; }

static const struct {
    void (*harm)(struct record *record);
    const char *rule;
} record_breaks[] = {
    { the_record_says_free, "S7: " },
    { the_record_is_of_tomorrow, "M3: " },
    { the_record_names_nobody, "M4: " },
};

/* All of them taken and freed, lists made anew: nobody gets a slot of that slab. */
static void serve_everything_but(const struct page *aside)
{
    for (int round = 0; round < 2; round++) {
        for (uint32_t k = 0; k < OBJECTS; k++)
            if (!objects[k]) {
                objects[k] = kmem_cache_alloc(cache, GFP_KERNEL);
                assert_non_null(objects[k]);
                assert_ptr_not_equal(slab_at(objects[k]), aside);
            }
        expect_silence();
        for (uint32_t k = 0; k < OBJECTS; k++)
            if (k % 5 && slab_at(objects[k]) != aside)
                kmem_cache_free(cache, objects[k]), objects[k] = NULL;
        expect_silence();
        partial_next_to_nowhere();
        mm_looker->mend(cache);
    }
}

/* The object whose record is broken: in the slab being served, or in a partial one. */
static uint32_t victim_in(bool served)
{
    uint32_t k = 0;

    while (!objects[k] || (slab_at(objects[k]) == cache->slab) != served ||
           (!served && slab_count_free(cache, slab_at(objects[k])) == 0))
        assert_true(++k < OBJECTS);
    return k;
}

static void take_the_rest(void)
{
    for (uint32_t k = 0; k < OBJECTS; k++)
        if (!objects[k])
            objects[k] = kmem_cache_alloc(cache, GFP_KERNEL);
}

static void give_all_back(void)
{
    for (uint32_t k = 0; k < OBJECTS; k++)
        if (objects[k])
            kmem_cache_free(cache, objects[k]);
    kmem_cache_destroy(cache);
}

static void check_set_aside(uint32_t victim, void (*harm)(struct record *record),
                            const char *rule)
{
    struct slot slot = slot_at(objects[victim]);
    struct record *record = slot_record(&slot), before = *record;

    harm(record);
    take_the_rest();
    assert_memory_equal(expect_report(MM_BUG_CORRUPTED)->problem, rule, 4);
    expect_silence();
    serve_everything_but(slot.slab);
    assert_memory_equal(mm_check(), rule, 4);

    *record = before;                   /* it is found whole, and placed again */
    kmem_cache_free(cache, objects[victim]);
    objects[victim] = NULL;
    assert_memory_equal(expect_report(MM_BUG_CORRUPTED)->problem, "S3: ", 4);
    arena_check();
}

static void a_slab_with_a_broken_record_is_set_aside_once(void **state)
{
    const size_t n = sizeof(record_breaks) / sizeof(record_breaks[0]);
    struct mm_stats start = arena_stats();

    (void)state;
    for (size_t i = 0; i < 2 * n; i++) {
        assert_null(mm_set_dial("slub_debug", "F,broken"));
        furnish();
        objects[0] = kmem_cache_alloc(cache, GFP_KERNEL);   /* of the slab served */
        check_set_aside(victim_in(i % 2), record_breaks[i / 2].harm,
                        record_breaks[i / 2].rule);
        give_all_back();
        assert_null(mm_set_dial("slub_debug", "-"));
        assert_same_blocks(&start);
    }
}

/* Its clean twin: with F on, and nothing broken, every slab is served. */
static void a_slab_without_a_fault_is_served(void **state)
{
    struct page *slab;
    uint32_t victim;

    (void)state;
    assert_null(mm_set_dial("slub_debug", "F,broken"));
    furnish();
    victim = victim_in(false);
    slab = slab_at(objects[victim]);
    take_the_rest();
    assert_int_equal(slab_count_free(cache, slab), 0);
    expect_silence();
    give_all_back();
    assert_null(mm_set_dial("slub_debug", "-"));
}

/* A slab that is aside for its record: what frees do to it hides that from nobody. */
static void a_slab_set_aside_is_named_by_its_fault_and_comes_back(void **state)
{
    struct mm_stats start = arena_stats();
    struct record *record;
    struct slot slot = { 0 };
    uint32_t serial;

    (void)state;
    cache = make("broken", 200, 0);
    take(cache, objects, OBJECTS);
    slot = object_at(objects[0]).slot;
    record = slot_record(&slot);
    serial = record->serial;
    record->serial = serial + 0x40000000;
    mm_looker->mend(cache);
    assert_memory_equal(mm_check(), "M3: ", 4);
    kmem_cache_free(cache, objects[1]);
    assert_memory_equal(mm_check(), "M3: ", 4);
    record->serial = serial;
    for (uint32_t k = 0; k < OBJECTS; k++)
        if (k != 1)
            kmem_cache_free(cache, objects[k]);
    kmem_cache_destroy(cache);          /* it is fit again, and goes */
    expect_silence();
    assert_same_blocks(&start);
}

/* A stray bit in nonempty, with no list behind it, when all memory is taken. */
static void an_order_that_does_not_exist_is_not_looked_up(void **state)
{
    static struct page *taken[ARENA_PAGES];

    (void)state;
    for (unsigned bit = MAX_PAGE_ORDER + 1; bit < 32; bit++) {
        size_t n = 0;

        while ((taken[n] = alloc_page(GFP_KERNEL | __GFP_NOWARN)))
            n++;
        arena_drop_reports();
        heap.buddy.nonempty |= 1u << bit;
        assert_null(alloc_page(GFP_KERNEL | __GFP_NOWARN));
        assert_memory_equal(expect_report(MM_BUG_CORRUPTED)->problem, "B3: ", 4);
        arena_check();
        while (n)
            __free_page(taken[--n]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(a_broken_list_of_blocks_is_mended_when_a_page_is_taken),
        ARENA_TEST(a_list_that_bites_its_tail_is_counted_once),
        ARENA_TEST(numbers_do_not_follow_a_link_to_nowhere),
        ARENA_TEST(a_broken_link_is_mended_when_blocks_join),
        ARENA_TEST(a_broken_head_is_mended_when_a_block_is_added),
        ARENA_TEST(a_broken_head_is_mended_while_a_block_is_split),
        ARENA_TEST(a_broken_stack_of_kept_pages_is_mended_as_pages_are_taken),
        ARENA_TEST(a_broken_stack_of_kept_pages_is_mended_when_they_join),
        ARENA_TEST(a_broken_link_of_any_order_is_found_before_it_is_followed),
        ARENA_TEST(an_order_told_without_a_block_is_mended),
        ARENA_TEST(the_head_of_the_largest_blocks_is_told_when_it_is_broken),
        ARENA_TEST(a_broken_list_of_slabs_is_mended_when_a_slab_is_needed),
        ARENA_TEST(numbers_of_a_cache_do_not_follow_a_link_to_nowhere),
        ARENA_TEST(a_broken_list_of_slabs_is_mended_when_one_moves),
        ARENA_TEST(a_broken_head_is_mended_when_a_slab_is_added),
        ARENA_TEST(a_spare_slab_that_is_none_is_sought_anew),
        ARENA_TEST(a_spare_slab_that_is_in_use_is_not_given_back),
        ARENA_TEST(slabs_on_a_list_that_bites_its_tail_are_counted_once),
        ARENA_TEST(what_waits_in_quarantine_is_proved_before_it_goes_back),
        ARENA_TEST(a_slab_without_its_head_is_lost_and_no_other),
        ARENA_TEST(a_slab_with_a_broken_record_is_set_aside_once),
        ARENA_TEST(a_slab_without_a_fault_is_served),
        ARENA_TEST(a_slab_set_aside_is_named_by_its_fault_and_comes_back),
        ARENA_TEST(an_order_that_does_not_exist_is_not_looked_up),
    };

    return ARENA_RUN(tests);
}
