/*
 * test_buddy.c - struct buddy alone: every sequence of operations there is, on an
 * arena of eight pages, and the arithmetic of blocks at every page number.
 *
 * The sequences are walked as states: from each state that was reached, each operation
 * that is possible is tried, and each state not seen before is queued.  When the queue
 * is empty, every sequence of any length has been covered.
 */
#include "tests/hosted/arena.h"
#include "mm/look/look_priv.h"

#include <stdlib.h>
#include <string.h>

#define NPAGES (1u << MAX_PAGE_ORDER)   /* an arena is at least one largest block */
#define PAGES 8u
#define FIRST 16u                       /* the eight pages, amid holes */
#define MAX_STATES 200000u
#define SLOTS (1u << 19)

struct world {
    struct buddy buddy;
    struct page page[PAGES];
};

static struct page arena[NPAGES];
static struct world *worlds;
static uint32_t nworlds, *seen;

/* ---- states ------------------------------------------------------------------- */

static void load(struct buddy *b, const struct world *world)
{
    *b = world->buddy;
    memcpy(&arena[FIRST], world->page, sizeof(world->page));
}

/* A world with all that does not count (links of used blocks ...) set to zero. */
static struct world plain(const struct buddy *b)
{
    struct world world;

    memset(&world, 0, sizeof(world));
    world.buddy.page = b->page;
    world.buddy.npages = b->npages;
    world.buddy.nfree = b->nfree;
    world.buddy.nonempty = b->nonempty;
    memcpy(world.buddy.free, b->free, sizeof(b->free));
    world.buddy.kept = b->kept;
    world.buddy.nkept = b->nkept;
    world.buddy.keep = b->keep;
    for (uint32_t i = 0; i < PAGES; i++) {
        const struct page *page = &arena[FIRST + i];

        world.page[i].kind = page->kind;
        if (page->kind == PG_TAIL)
            continue;
        world.page[i].order = page->order;
        if (page->kind == PG_FREE) {
            world.page[i].next = page->next;
            world.page[i].prev = page->prev;
        } else if (page->kind == PG_KEPT) {
            world.page[i].next = page->next;
        } else {
            world.page[i].run = page->run;
        }
    }
    return world;
}

static uint32_t hash_of(const struct world *world)
{
    const unsigned char *byte = (const unsigned char *)world;
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < sizeof(*world); i++)
        hash = (hash ^ byte[i]) * 16777619u;
    return hash;
}

/* Queue it unless it was there before. */
static void reach(const struct buddy *b)
{
    struct world world = plain(b);
    uint32_t at = hash_of(&world) % SLOTS;

    for (; seen[at]; at = (at + 1) % SLOTS)
        if (memcmp(&worlds[seen[at] - 1], &world, sizeof(world)) == 0)
            return;
    assert_true(nworlds < MAX_STATES);
    worlds[nworlds++] = world;
    seen[at] = nworlds;
}

/* ---- operations --------------------------------------------------------------- */

/* Which rule is broken, at which page? */
static void assert_broken(const struct buddy *b, const char *rule, uint32_t pfn)
{
    uint32_t where = 0;

    assert_memory_equal(buddy_check(b, &where), rule, strlen(rule));
    assert_int_equal(where, pfn);
}

static void assert_rules(const struct buddy *b)
{
    uint32_t where = 0;
    const char *broken = buddy_check(b, &where);

    if (broken)
        fail_msg("%s", broken);
    assert_int_equal(where, NO_PAGE);
}

static void assert_whole(const struct buddy *b)
{
    assert_rules(b);
    for (uint32_t i = 0; i < NPAGES; i++)
        if (i < FIRST || i >= FIRST + PAGES)
            assert_int_equal(arena[i].kind, PG_HOLE);
}

/* Is there room for a block of this order?  Free pages side by side are one. */
static bool has_room(const struct buddy *b, unsigned order)
{
    for (uint32_t i = FIRST; i < FIRST + PAGES; i += 1u << order) {
        uint32_t n = 0;

        while (n < 1u << order && is_free_block(&arena[buddy_head(b, i + n)]))
            n++;
        if (n == 1u << order)
            return true;
    }
    return false;
}

static void try_alloc(const struct world *world, unsigned order, uint32_t keep)
{
    struct buddy b;
    uint32_t pfn;
    bool room;

    load(&b, world);
    room = has_room(&b, order);
    pfn = buddy_alloc(&b, order);
    assert_int_equal(pfn != NO_PAGE, room);
    if (!room) {
        assert_int_equal(b.nfree, world->buddy.nfree);
        assert_int_equal(b.nkept, 0);           /* they joined, in vain */
        assert_whole(&b);
        reach(&b);
        return;
    }
    assert_int_equal(pfn % (1u << order), 0);
    assert_int_equal(b.nfree, world->buddy.nfree - (1u << order));
    for (uint32_t i = 0; i < 1u << order; i++)
        assert_int_equal(arena[pfn + i].kind, PG_TAIL);
    if (keep) {
        order = buddy_trim(&b, pfn, order, keep);
        assert_int_equal(b.nfree, world->buddy.nfree - keep);
    }
    buddy_own(&b, pfn, PG_USED, order);
    assert_whole(&b);
    reach(&b);
}

static void try_free(const struct world *world, uint32_t pfn)
{
    struct buddy b;
    uint32_t pages;

    load(&b, world);
    pages = arena[pfn].run ? arena[pfn].run : 1u << arena[pfn].order;
    if (arena[pfn].run)
        buddy_free_run(&b, pfn);
    else
        buddy_free(&b, pfn);
    assert_int_equal(b.nfree, world->buddy.nfree + pages);
    assert_whole(&b);
    reach(&b);
}

static void try_join(const struct world *world)
{
    struct buddy b;

    load(&b, world);
    buddy_join_kept(&b);
    assert_int_equal(b.nkept, 0);
    assert_int_equal(b.nfree, world->buddy.nfree);
    assert_whole(&b);
    reach(&b);
}

static void try_all(const struct world *world)
{
    for (unsigned order = 0; order <= 3; order++)
        try_alloc(world, order, 0);
    try_alloc(world, 2, 3);             /* alloc_pages_exact of 3, 5 and 7 pages */
    try_alloc(world, 3, 5);
    try_alloc(world, 3, 7);
    for (uint32_t i = 0; i < PAGES; i++)
        if (world->page[i].kind == PG_USED)
            try_free(world, FIRST + i);
    try_join(world);
}

/* With at most so many single pages kept from joining. */
static uint32_t walk_all(uint32_t keep)
{
    struct buddy b;

    worlds = calloc(MAX_STATES, sizeof(*worlds));
    seen = calloc(SLOTS, sizeof(*seen));
    nworlds = 0;
    memset(arena, 0, sizeof(arena));
    buddy_init(&b, arena, NPAGES);
    b.keep = keep;
    buddy_add(&b, FIRST, PAGES);
    assert_int_equal(b.free[3], FIRST);         /* eight pages are one block */
    reach(&b);
    for (uint32_t i = 0; i < nworlds; i++) {
        struct world world = worlds[i];

        try_all(&world);
    }
    print_message("  %u kept: %u states\n", (unsigned)keep, (unsigned)nworlds);
    assert_true(nworlds > 100);
    free(worlds);
    free(seen);
    return nworlds;
}

static void every_sequence_on_eight_pages_keeps_the_rules(void **state)
{
    uint32_t joined = walk_all(0);

    (void)state;
    assert_true(walk_all(1) > joined);
    assert_true(walk_all(3) > joined);
}

/* ---- arithmetic --------------------------------------------------------------- */

/* A free block of every order at every place joins with its buddy and no other. */
static void blocks_join_with_their_buddy_at_every_place(void **state)
{
    struct buddy b;

    (void)state;
    for (unsigned order = 0; order < MAX_PAGE_ORDER; order++) {
        for (uint32_t pfn = 0; pfn < NPAGES; pfn += 1u << order) {
            uint32_t buddy = pfn ^ (1u << order), parent = pfn & ~(1u << order);

            memset(arena, 0, sizeof(arena));
            buddy_init(&b, arena, NPAGES);
            buddy_add(&b, pfn, 1u << order);
            assert_int_equal(b.free[order], pfn);
            buddy_add(&b, buddy, 1u << order);
            assert_int_equal(b.free[order], NO_PAGE);
            assert_int_equal(b.free[order + 1], parent);
            assert_int_equal(b.nonempty, 1u << (order + 1));
        }
    }
}

static void neighbours_that_are_no_buddies_stay_apart(void **state)
{
    struct buddy b;

    (void)state;
    for (uint32_t pfn = 1; pfn + 1 < NPAGES; pfn += 2) {
        memset(arena, 0, sizeof(arena));
        buddy_init(&b, arena, NPAGES);
        buddy_add(&b, pfn, 1);
        buddy_add(&b, pfn + 1, 1);      /* side by side, across a boundary */
        assert_int_equal(b.nonempty, 1);
        assert_int_equal(b.nfree, 2);
        assert_rules(&b);
    }
}

static void any_run_of_pages_becomes_the_fewest_blocks(void **state)
{
    struct buddy b;

    (void)state;
    for (int round = 0; round < 3000; round++) {
        uint32_t start = arena_random_below(NPAGES);
        uint32_t n = 1 + arena_random_below(NPAGES - start);

        memset(arena, 0, sizeof(arena));
        buddy_init(&b, arena, NPAGES);
        buddy_add(&b, start, n);
        assert_int_equal(b.nfree, n);
        assert_rules(&b);   /* B4: no two buddies, so it is the fewest */
        for (uint32_t i = 0; i < n; i += 1 + n / 10)
            assert_int_equal(arena[buddy_head(&b, start + i)].kind, PG_FREE);
    }
}

/* ---- runs that are none ------------------------------------------------------- */

static void put_run(struct page *page, enum page_kind kind, unsigned order,
                    uint32_t run)
{
    page->kind = kind & 15;
    page->order = order & 15;
    page->run = run;
    for (uint32_t i = 1; i < 1u << order; i++)
        page[i].kind = PG_TAIL;
}

/* Two runs of eight pages: the first takes the other one's first block for its part. */
static void a_run_is_made_of_its_own_parts(void **state)
{
    struct buddy b;

    (void)state;
    memset(arena, 0, sizeof(arena));
    buddy_init(&b, arena, NPAGES);
    put_run(&arena[8], PG_USED, 2, 0);
    put_run(&arena[12], PG_USED, 2, 8);
    put_run(&arena[16], PG_PART, 2, 12);
    assert_rules(&b);
    arena[8].run = 8;
    assert_broken(&b, "B7: ", 8);
}

static void a_run_ends_with_the_arena(void **state)
{
    struct page page[NPAGES + 1];
    struct buddy b;

    (void)state;
    memset(page, 0, sizeof(page));
    buddy_init(&b, page, NPAGES);
    put_run(&page[NPAGES - 1], PG_USED, 0, 0);
    assert_rules(&b);
    page[NPAGES - 1].run = 2;
    put_run(&page[NPAGES], PG_PART, 0, NPAGES - 1);
    assert_broken(&b, "B7: ", NPAGES - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(every_sequence_on_eight_pages_keeps_the_rules),
        ARENA_TEST(blocks_join_with_their_buddy_at_every_place),
        ARENA_TEST(neighbours_that_are_no_buddies_stay_apart),
        ARENA_TEST(any_run_of_pages_becomes_the_fewest_blocks),
        ARENA_TEST(a_run_is_made_of_its_own_parts),
        ARENA_TEST(a_run_ends_with_the_arena),
    };

    return ARENA_RUN(tests);
}
