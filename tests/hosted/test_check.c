/*
 * test_check.c - the checks are checked: each rule of mm is broken by one write, and
 * mm_check() must name that rule.  The heap is the same each time and rich enough to
 * break: see furnish().  More of S is broken in test_check_slabs.c.
 *
 * Of M4, that 16 bits number all call sites is decided by the linker; it cannot be
 * broken from here.
 */
#include "tests/hosted/arena.h"
#include "mm/slab_priv.h"

#include <string.h>

#define HEAP_PAGES 400u

/* ---- a furnished heap --------------------------------------------------------- */

static struct page *block, *run, *part, *free_block, *large;
static struct kmem_cache *small;        /* of 128 bytes, with slabs of every kind */
static struct page *served, *partial, *other_partial, *spare;
static void *live_object, *freed_object;

static struct page *slab_of(const void *object)
{
    return &heap.buddy.page[buddy_head(&heap.buddy, (uint32_t)pfn_of(object))];
}

/* One served slab, with a free slot, two partial ones of one level, one spare. */
static void furnish_cache(void)
{
    void *object[256];
    uint32_t each;

    small = kmem_cache_create("small", 128, 0, 0, NULL);
    object[0] = kmem_cache_alloc(small, GFP_KERNEL);
    each = small->slots;
    assert_true(5 * each <= 256);
    for (uint32_t i = 1; i + 1 < 5 * each; i++)
        object[i] = kmem_cache_alloc(small, GFP_KERNEL);
    for (uint32_t i = 0; i < each; i++)         /* the first becomes spare */
        kmem_cache_free(small, object[i]);
    for (uint32_t slab = 1; slab <= 2; slab++)  /* two have four free slots */
        for (uint32_t i = 0; i < 4; i++)
            kmem_cache_free(small, object[slab * each + i]);
    spare = slab_of(object[0]);
    partial = slab_of(object[each]);
    other_partial = slab_of(object[2 * each]);
    served = small->slab;
    freed_object = object[each];
    live_object = object[each + 4];
}

static void furnish(bool records)
{
    mm_records = records;
    arena_open(HEAP_PAGES, 100);
    block = alloc_pages(GFP_KERNEL, 3);
    run = virt_to_page(alloc_pages_exact(7 * PAGE_SIZE, GFP_KERNEL));
    part = run + 4;
    large = virt_to_page(kmalloc(20000, GFP_KERNEL));
    assert_true(block && run && large && part->kind == PG_PART);
    furnish_cache();
    for (unsigned order = 1; order <= 4; order++)
        if (heap.buddy.free[order] != NO_PAGE)
            free_block = &heap.buddy.page[heap.buddy.free[order]];
    assert_non_null(free_block);
    assert_null(mm_check());
}

static uint32_t pfn(const struct page *page)
{
    return (uint32_t)(page - heap.buddy.page);
}

static struct record *record_of(const void *object)
{
    struct slot slot = slot_of_slab(slab_of(object), 0);

    slot.index = (uint32_t)((const char *)object - slab_start(slot.slab)) /
                 slot.cache->slot_size;
    return slot_record(&slot);
}

/* ---- B: blocks of pages ------------------------------------------------------- */

static void block_with_the_order_of_a_larger_one(void)
{
    block[0].order = 10;
}

static void block_with_an_order_that_no_block_has(void) { block[0].order = 12; }
static void block_with_a_second_first_page(void) { block[5].kind = PG_USED; }
static void block_with_a_hole(void) { block[7].kind = PG_HOLE; }
static void block_without_a_first_page(void) { block[0].kind = PG_TAIL; }
static void hole_that_is_inside_a_block(void) { heap.buddy.page[0].kind = PG_TAIL; }
static void kind_that_does_not_exist(void) { block[0].kind = 14; }
static void free_block_that_is_on_no_list(void) { block[0].kind = PG_FREE; }
static void used_block_that_is_on_a_list(void) { free_block->kind = PG_USED; }
static void free_block_linked_to_itself(void) { free_block->next = pfn(free_block); }
static void free_block_linked_beyond_the_end(void) { free_block->next = 0x7fffffff; }
static void free_block_with_a_wrong_back_link(void) { free_block->prev = pfn(block); }

static void list_that_lost_its_blocks(void)
{
    heap.buddy.free[free_block->order] = NO_PAGE;
}

static void nfree_one_too_many(void) { heap.buddy.nfree++; }
static void nfree_one_too_few(void) { heap.buddy.nfree--; }
static void nonempty_without_a_block(void) { heap.buddy.nonempty |= 1u << 10; }

static void block_that_nonempty_does_not_tell(void)
{
    heap.buddy.nonempty &= ~(1u << free_block->order);
}

static void kept_page_that_is_on_no_stack(void) { block[0].kind = PG_KEPT; }
static void kept_page_too_many(void) { heap.buddy.nkept++; }

static void kept_page_that_is_used(void)
{
    __free_page(alloc_page(GFP_KERNEL));
    heap.buddy.page[heap.buddy.kept].kind = PG_USED;
}

static void kept_block_of_two_pages(void)
{
    struct page *two = alloc_pages(GFP_KERNEL, 1);

    two->kind = PG_KEPT;
}

static void kept_page_beyond_the_end(void)
{
    __free_page(alloc_page(GFP_KERNEL));
    heap.buddy.page[heap.buddy.kept].next = heap.buddy.npages;
}

static void kept_page_behind_the_last(void)
{
    struct buddy *b = &heap.buddy;

    __free_page(alloc_page(GFP_KERNEL));
    b->page[b->npages] = b->page[b->kept];      /* the same, and it is no page */
    b->kept = b->npages;
}

static void kept_page_that_the_stack_lost(void)
{
    __free_page(alloc_page(GFP_KERNEL));
    heap.buddy.kept = NO_PAGE;
}

static void put_on_list(struct page *page)
{
    struct buddy *b = &heap.buddy;

    page->kind = PG_FREE;
    page->order = 0;
    page->prev = NO_PAGE;
    page->next = b->free[0];
    if (b->free[0] != NO_PAGE)
        b->page[b->free[0]].prev = pfn(page);
    b->free[0] = pfn(page);
    b->nonempty |= 1;
    b->nfree++;
}

static void free_block_linked_to_a_used_one(void)
{
    free_block->next = pfn(block);
    block->prev = pfn(free_block);
}

/* Two free pages that know each other only: both links are right. */
static void circle_of_free_blocks_beside_the_list(void)
{
    struct page *one = alloc_pages(GFP_KERNEL, 2), *two = one + 2;

    for (unsigned i = 0; i < 4; i++)
        one[i].kind = i % 2 ? PG_USED : PG_FREE, one[i].order = 0, one[i].run = 0;
    one->next = one->prev = pfn(two);
    two->next = two->prev = pfn(one);
}

static void circle_beside_a_list_of_used_blocks(void)
{
    while (heap.buddy.free[0] != NO_PAGE)
        assert_non_null(alloc_page(GFP_KERNEL));
    circle_of_free_blocks_beside_the_list();
    heap.buddy.free[0] = pfn(block);
}

static void list_of_blocks_that_are_not_there(void)
{
    heap.buddy.free[10] = pfn(block);
}

static void two_halves_that_were_not_joined(void)
{
    struct page *pair = alloc_pages(GFP_KERNEL, 1);

    put_on_list(&pair[0]);
    put_on_list(&pair[1]);
}

static void run_longer_than_its_parts(void) { run->run++; }
static void run_shorter_than_its_parts(void) { run->run = 4; }
static void run_of_one_block(void) { block->run = 1u << block->order; }
static void run_without_its_last_part(void) { run->run = 6; }
static void part_of_another_run(void) { part->run = pfn(block); }
static void part_of_a_later_run(void) { part->run = pfn(part) + 1; }
static void part_behind_its_run(void) { run->run = 4; part->run = pfn(part); }
static void part_of_a_hole(void) { run->run = 4; part->run = 0; }
static void part_that_became_a_block(void) { part->kind = PG_USED; part->run = 0; }

/* ---- S: slabs ----------------------------------------------------------------- */

static void slab_of_another_order(void) { partial->cache = cache_name(&caches[12]); }

static void slab_whose_second_page_names_another_cache(void)
{
    slab_of(kmalloc(8192, GFP_KERNEL))[1].cache = 3;
}

static void slab_of_no_cache(void) { partial->cache = 254; }
static void block_that_names_a_cache(void) { block->cache = 3; }
static void end_of_slots_too_far(void) { small->slots_end += 128; }
static void records_closer_together(void) { small->record_step++; }
static void slab_of_number_255(void) { partial->cache = 255; }
static void cache_of_another_order(void) { small->order++; }
static void cache_with_another_reciprocal(void) { small->reciprocal--; }
static void cache_with_another_mask(void) { small->offset_mask >>= 1; }
static void number_of_another_cache(void) { cache_named[cache_name(small)]++; }
static void spare_slab_that_is_served(void) { small->spare = pfn(small->slab); }
static void countdown_one_too_long(void) { partial->countdown++; }
static void countdown_that_is_over(void) { partial->countdown = 0; }
static void map_with_one_bit_too_many(void) { partial->map |= 1u << 9; }
static void map_with_one_bit_too_few(void) { partial->map &= partial->map - 1; }
static void level_that_is_not_told(void) { small->levels = 0; }
static void level_that_is_told_and_empty(void) { small->levels |= 1u << 4; }
static void partial_slab_that_is_on_no_list(void) { other_partial->next = NO_PAGE; }
static void partial_slab_with_a_wrong_back_link(void) { partial->prev = pfn(spare); }

static void partial_list_of_the_wrong_level(void)
{
    small->partial[2] = small->partial[1];
    small->partial[1] = NO_PAGE;
    small->levels = 1u << 2;
}

/* Each level has one slab, and it is the other one's. */
static void partial_slabs_that_changed_places(void)
{
    struct slot slot = slot_of_slab(other_partial, 0);
    uint32_t first = 0;

    for (; slab_count_free(small, other_partial) < 16; slot.index++)
        if (is_live_slot(&slot))
            kmem_cache_free(small, object_address(&slot));
    assert_int_equal(small->levels, 1u << 1 | 1u << 2);
    assert_null(mm_check());
    first = small->partial[1];
    small->partial[1] = small->partial[2];
    small->partial[2] = first;
}

static void partial_list_that_starts_elsewhere(void)
{
    small->partial[1] = pfn(block);
}

static void empty_slab_that_nobody_keeps(void) { small->spare = NO_PAGE; }
static void spare_slab_that_is_not_empty(void) { small->spare = pfn(served); }
static void group_of_another_slot(void) { small->group += 8; }
static void record_of_another_slot(void) { small->group_record++; }
static void word_of_another_slab(void) { small->word = &partial->map; }
static void served_slab_of_another_cache(void) { small->slab = block; }
static void slot_that_nobody_waits_for(void) { heap.quarantined++; }
static void objects_one_too_many(void) { small->allocs++; }
static void frees_one_too_many(void) { small->frees++; }
static void slabs_one_too_many(void) { small->slabs++; }

static void live_slot_whose_record_is_freed(void)
{
    record_of(live_object)->freed_by = 1;
}

static void live_slot_never_handed_out(void) { record_of(live_object)->site = 0; }

static void free_slot_whose_record_is_live(void)
{
    record_of(freed_object)->freed_by = 0;
}

/* ---- M: the heap -------------------------------------------------------------- */

static void total_one_too_many(void) { heap.total_pages++; }
static void book_keeping_one_too_few(void) { heap.meta_pages--; }
static void hole_that_became_book_keeping(void) { heap.buddy.page[0].kind = PG_META; }
static void pages_allocated_one_too_many(void) { heap.pages_allocated++; }
static void pages_freed_one_too_many(void) { heap.pages_freed++; }
static void object_from_the_future(void) { record_of(live_object)->serial += 100000; }
static void pages_from_the_future(void) { heap.record[pfn(block)].serial += 100000; }
static void object_of_no_call_site(void) { record_of(live_object)->site = 0x5555; }
static void object_freed_by_no_call_site(void)
{
    record_of(freed_object)->freed_by = 0x5555;
}
static void pages_of_no_call_site(void) { heap.record[pfn(block)].site = 0x5555; }
static void heap_from_the_past(void) { heap.serial = 1; }
static void block_whose_record_is_freed(void) { heap.record[pfn(block)].freed_by = 1; }

static void large_one_whose_record_is_freed(void)
{
    heap.record[pfn(large)].freed_by = 1;
}

/* ---- without records: maps behind the slots ----------------------------------- */

static struct page *dense;      /* a slab of kmalloc-8, which are many */

static void map_in_the_wrong_place_too(void) { dense->map = 1; }

static void map_with_a_bit_past_the_last_slot(void)
{
    struct kmem_cache *cache = cache_of(dense);

    assert_int_not_equal(cache->slots % 32, 0);
    map_of(cache, dense)[cache->slots / 32] |= 1u << 31;
}

static void map_with_a_flipped_bit(void)
{
    map_of(cache_of(dense), dense)[3] ^= 1;
}

/* Its words are full: the next one would be of slots behind the last. */
static void word_behind_the_last(void)
{
    struct kmem_cache *cache = cache_of(dense);
    struct slot slot = slot_of_slab(dense, cache->slots);

    assert_ptr_equal(cache->slab, dense);
    cache->word = map_of(cache, dense) + map_words(cache);
    cache->group = object_address(&slot);
    assert_null(cache->group_record);
}

/* ---- running ------------------------------------------------------------------ */

struct broken {
    const char *name;
    const char *rule;
    void (*how)(void);
    bool no_records;
};

#define BREAK(rule, how) { #how, #rule, how, false }
#define BREAK_PLAIN(rule, how) { #how, #rule, how, true }

static struct broken table[] = {
    BREAK(B1, block_with_the_order_of_a_larger_one),
    BREAK(B1, block_with_an_order_that_no_block_has),
    BREAK(B2, block_with_a_second_first_page),
    BREAK(B2, block_with_a_hole),
    BREAK(B2, block_without_a_first_page),
    BREAK(B2, hole_that_is_inside_a_block),
    BREAK(B2, kind_that_does_not_exist),
    BREAK(B3, free_block_that_is_on_no_list),
    BREAK(B3, used_block_that_is_on_a_list),
    BREAK(B3, free_block_linked_to_itself),
    BREAK(B3, free_block_linked_beyond_the_end),
    BREAK(B3, free_block_with_a_wrong_back_link),
    BREAK(B3, list_that_lost_its_blocks),
    BREAK(B3, free_block_linked_to_a_used_one),
    BREAK(B3, circle_of_free_blocks_beside_the_list),
    BREAK(B3, circle_beside_a_list_of_used_blocks),
    BREAK(B3, list_of_blocks_that_are_not_there),
    BREAK(B4, two_halves_that_were_not_joined),
    BREAK(B5, nfree_one_too_many),
    BREAK(B5, nfree_one_too_few),
    BREAK(B6, nonempty_without_a_block),
    BREAK(B6, block_that_nonempty_does_not_tell),
    BREAK(B7, run_longer_than_its_parts),
    BREAK(B7, run_shorter_than_its_parts),
    BREAK(B7, run_of_one_block),
    BREAK(B7, run_without_its_last_part),
    BREAK(B7, part_of_another_run),
    BREAK(B7, part_of_a_later_run),
    BREAK(B7, part_behind_its_run),
    BREAK(B7, part_of_a_hole),
    BREAK(B7, part_that_became_a_block),
    BREAK(B8, kept_page_that_is_on_no_stack),
    BREAK(B8, kept_page_too_many),
    BREAK(B8, kept_page_that_is_used),
    BREAK(B8, kept_block_of_two_pages),
    BREAK(B8, kept_page_beyond_the_end),
    BREAK(B8, kept_page_behind_the_last),
    BREAK(B8, kept_page_that_the_stack_lost),
    BREAK(S1, slab_of_another_order),
    BREAK(S1, slab_whose_second_page_names_another_cache),
    BREAK(S1, slab_of_no_cache),
    BREAK(S1, block_that_names_a_cache),
    BREAK(S1, slab_of_number_255),
    BREAK(S8, cache_of_another_order),
    BREAK(S8, cache_with_another_reciprocal),
    BREAK(S8, end_of_slots_too_far),
    BREAK(S8, records_closer_together),
    BREAK(S8, cache_with_another_mask),
    BREAK(S8, number_of_another_cache),
    BREAK(S4, spare_slab_that_is_served),
    BREAK(S3, countdown_one_too_long),
    BREAK(S3, countdown_that_is_over),
    BREAK(S3, map_with_one_bit_too_many),
    BREAK(S3, map_with_one_bit_too_few),
    BREAK(S3, level_that_is_not_told),
    BREAK(S3, level_that_is_told_and_empty),
    BREAK(S3, partial_slab_that_is_on_no_list),
    BREAK(S3, partial_slab_with_a_wrong_back_link),
    BREAK(S3, partial_list_of_the_wrong_level),
    BREAK(S3, partial_slabs_that_changed_places),
    BREAK(S3, partial_list_that_starts_elsewhere),
    BREAK(S4, empty_slab_that_nobody_keeps),
    BREAK(S4, spare_slab_that_is_not_empty),
    BREAK(S5, group_of_another_slot),
    BREAK(S5, record_of_another_slot),
    BREAK(S5, word_of_another_slab),
    BREAK(S5, served_slab_of_another_cache),
    BREAK(S6, objects_one_too_many),
    BREAK(S6, frees_one_too_many),
    BREAK(S6, slabs_one_too_many),
    BREAK(S7, live_slot_whose_record_is_freed),
    BREAK(S7, live_slot_never_handed_out),
    BREAK(S7, free_slot_whose_record_is_live),
    BREAK(S9, slot_that_nobody_waits_for),
    BREAK(M1, total_one_too_many),
    BREAK(M1, book_keeping_one_too_few),
    BREAK(M1, hole_that_became_book_keeping),
    BREAK(M2, pages_allocated_one_too_many),
    BREAK(M2, pages_freed_one_too_many),
    BREAK(M3, object_from_the_future),
    BREAK(M4, object_of_no_call_site),
    BREAK(M4, object_freed_by_no_call_site),
    BREAK(M4, pages_of_no_call_site),
    BREAK(M3, pages_from_the_future),
    BREAK(M3, heap_from_the_past),
    BREAK(M5, block_whose_record_is_freed),
    BREAK(M5, large_one_whose_record_is_freed),
    BREAK_PLAIN(S2, map_in_the_wrong_place_too),
    BREAK_PLAIN(S2, map_with_a_bit_past_the_last_slot),
    BREAK_PLAIN(S6, map_with_a_flipped_bit),
    BREAK_PLAIN(S5, word_behind_the_last),
};

#define NTABLE (sizeof(table) / sizeof(table[0]))

static void the_broken_rule_is_named(void **state)
{
    const struct broken *broken = *state;
    const char *found;

    furnish(!broken->no_records);
    if (broken->no_records)
        dense = slab_of(kmalloc(8, GFP_KERNEL));
    broken->how();
    found = mm_check();
    if (!found || strncmp(found, broken->rule, 2) != 0 || found[2] != ':')
        fail_msg("%s is broken, mm_check says: %s", broken->rule,
                 found ? found : "all is well");
    arena_open(HEAP_PAGES, 100);
}

/* A record, a slab, a block, or nowhere; with more than one, the first. */
static void the_place_is_told(void **state)
{
    struct record *first, *later;

    (void)state;
    furnish(true);
    assert_null(mm_check_where());
    first = &heap.record[pfn(block < large ? block : large)];
    later = &heap.record[pfn(block < large ? large : block)];
    first->freed_by = later->freed_by = 1;
    assert_memory_equal(mm_check(), "M5: ", 4);
    assert_ptr_equal(mm_check_where(), first);
    first->freed_by = 0;
    first->serial += 0x40000000;
    assert_memory_equal(mm_check(), "M3: ", 4);
    assert_ptr_equal(mm_check_where(), first);
    first->serial -= 0x40000000;
    assert_memory_equal(mm_check(), "M5: ", 4);
    assert_ptr_equal(mm_check_where(), later);
    later->freed_by = 0;
    partial->countdown++;
    assert_memory_equal(mm_check(), "S3: ", 4);
    assert_ptr_equal(mm_check_where(), slab_start(partial));
    partial->countdown--;
    block[5].kind = PG_USED;
    assert_memory_equal(mm_check(), "B2: ", 4);
    assert_ptr_equal(mm_check_where(), page_address(block));
    block[5].kind = PG_TAIL;
    heap.buddy.nfree++;
    assert_memory_equal(mm_check(), "B5: ", 4);
    assert_null(mm_check_where());
    heap.buddy.nfree--;
    assert_null(mm_check());
    assert_null(mm_check_where());
    arena_open(HEAP_PAGES, 100);
}

int main(void)
{
    struct CMUnitTest tests[NTABLE + 1] = { [NTABLE] = ARENA_TEST(the_place_is_told) };

    for (size_t i = 0; i < NTABLE; i++)
        tests[i] = (struct CMUnitTest){ table[i].name, the_broken_rule_is_named,
                                        arena_setup, arena_teardown, &table[i] };
    return ARENA_RUN(tests);
}
