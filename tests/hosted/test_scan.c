/*
 * test_scan.c - what points where: the scan's kinds against a model's, to the object.
 *
 * A graph is made of everything that can be live (objects of all sizes and of a cache,
 * large ones, blocks and runs of pages), and of words that point to starts, to middles, to
 * page structs.  The model knows the edges that were laid, and sorts the nodes by what the
 * kinds mean (scan.h) with other means than the scan: a table of who reaches whom.  Then
 * edges change, things are freed and taken, and it is sorted again: what an older scan
 * left must not matter.
 */
#include "tests/hosted/arena.h"
#include "mm/look/recover.h"
#include "mm/scan/scan.h"
#include "tests/hosted/step.h"

#include <setjmp.h>
#include <string.h>

#define NODES 60u
#define ROOTS 8u
#define HEAP_PAGES 2000u
#define GRAPHS (sizeof(void *) == 4 ? 300u : 60u)     /* with sanitizers it takes longer */
#define ROUNDS 4u

/* ---- the graph ---------------------------------------------------------------------- */

enum how { OBJECT, FROM_CACHE, PAGES, EXACT };

static struct node {
    uintptr_t *p;               /* NULL: there is none */
    struct page *page;          /* of a block of pages */
    size_t bytes;
    enum how how;
    unsigned order;
} nodes[NODES];

static uintptr_t *roots;        /* behind the heap */
static struct kmem_cache *cache;

/* Who points to whom: 0, not at all; 1, to its middle; 2, to its start.  Row NODES: roots. */
static uint8_t edges[NODES + 1][NODES];

/* 40 bytes and more: room for some words, and a middle. */
static void take(struct node *node)
{
    static const size_t sizes[] = { 40, 48, 64, 100, 192, 256, 500, 1024, 2000, 4096, 8000,
                                    20000 };

    *node = (struct node){ .how = arena_random_below(8) };
    switch (node->how) {
    case FROM_CACHE:
        node->bytes = 56;
        node->p = kmem_cache_zalloc(cache, GFP_KERNEL);
        break;
    case PAGES:
        node->order = arena_random_below(3);
        node->bytes = PAGE_SIZE << node->order;
        node->page = alloc_pages(GFP_KERNEL | __GFP_ZERO, node->order);
        node->p = page_address(node->page);
        break;
    case EXACT:
        node->bytes = 3 * PAGE_SIZE;
        node->p = alloc_pages_exact(3 * PAGE_SIZE, GFP_KERNEL | __GFP_ZERO);
        node->page = virt_to_page(node->p);
        break;
    default:
        node->how = OBJECT;
        node->bytes = sizes[arena_random_below(sizeof(sizes) / sizeof(sizes[0]))];
        node->p = kzalloc(node->bytes, GFP_KERNEL);
    }
    assert_non_null(node->p);
}

static void give_back(struct node *node)
{
    if (node->how == FROM_CACHE)
        kmem_cache_free(cache, node->p);
    else if (node->how == PAGES)
        __free_pages(node->page, node->order);
    else if (node->how == EXACT)
        free_pages_exact(node->p, node->bytes);
    else
        kfree(node->p);
    node->p = NULL;
}

static uintptr_t pointer_to(const struct node *node, bool to_start)
{
    bool by_struct = node->page && arena_random_below(2);
    uintptr_t middle = 1 + arena_random_below((uint32_t)node->bytes - 1);

    if (!to_start)
        return (uintptr_t)node->p + middle;
    return by_struct ? (uintptr_t)node->page : (uintptr_t)node->p;
}

/* Each word of a node or of the roots is one edge, or none. */
static void lay_edges(unsigned from, uintptr_t *words, size_t count, unsigned density)
{
    memset(edges[from], 0, sizeof(edges[from]));
    for (size_t i = 0; i < count; i++) {
        unsigned to = arena_random_below(NODES);
        bool to_start = arena_random_below(3) != 0;

        words[i] = arena_random_below(100000);          /* below all addresses */
        if (arena_random_below(100) >= density || !nodes[to].p)
            continue;
        words[i] = pointer_to(&nodes[to], to_start);
        if (edges[from][to] < 1 + to_start)
            edges[from][to] = (uint8_t)(1 + to_start);
    }
}

static void lay_all(unsigned density)
{
    lay_edges(NODES, roots, ROOTS, density);
    for (unsigned n = 0; n < NODES; n++)
        if (nodes[n].p)
            lay_edges(n, nodes[n].p, 4, density);
}

/* Edges to what is gone are none; the words stay, for who takes its place. */
static void forget_edges_to(unsigned gone)
{
    for (unsigned n = 0; n <= NODES; n++)
        edges[n][gone] = 0;
}

/* ---- the model ------------------------------------------------------------------------ */

static bool reaches[NODES][NODES];      /* by any edges, each itself */

static void find_who_reaches_whom(void)
{
    for (unsigned a = 0; a < NODES; a++)
        for (unsigned b = 0; b < NODES; b++)
            reaches[a][b] = a == b || edges[a][b];
    for (unsigned via = 0; via < NODES; via++)
        for (unsigned a = 0; a < NODES; a++)
            for (unsigned b = 0; b < NODES; b++)
                reaches[a][b] |= reaches[a][via] && reaches[via][b];
}

/* How many steps from a root by pointers to starts; 0: there is no way. */
static unsigned distance[NODES];

static void find_distances(void)
{
    memset(distance, 0, sizeof(distance));
    for (unsigned step = 1; step <= NODES; step++)
        for (unsigned b = 0; b < NODES; b++) {
            bool reached = step == 1 && edges[NODES][b] == 2;

            for (unsigned a = 0; a < NODES && step > 1; a++)
                reached |= distance[a] == step - 1 && edges[a][b] == 2;
            if (reached && !distance[b])
                distance[b] = step;
        }
}

/* By any pointers, and not reachable. */
static bool is_possible(unsigned n)
{
    for (unsigned a = 0; a < NODES; a++)
        if ((distance[a] || edges[NODES][a]) && reaches[a][n])
            return !distance[n];
    return false;
}

/* Nothing but what it reaches itself, and of these it is the lowest, holds it. */
static bool is_definite(unsigned n)
{
    for (unsigned a = 0; a < NODES; a++)
        if (nodes[a].p && reaches[a][n] && (!reaches[n][a] || nodes[a].p < nodes[n].p))
            return false;
    return true;
}

static enum mm_scan_kind kind_of_node(unsigned n)
{
    if (distance[n])
        return MM_REACHABLE;
    if (is_possible(n))
        return MM_POSSIBLE;
    return is_definite(n) ? MM_DEFINITE : MM_INDIRECT;
}

/* ---- comparing -------------------------------------------------------------------------- */

static const struct mm_scan *scan(void)
{
    assert_true(mm_scan_begin());
    mm_scan_root(roots, roots + ROOTS);
    return mm_scan_end();
}

static unsigned visited;
static uint32_t counted[MM_SCAN_KINDS];
static size_t counted_bytes[MM_SCAN_KINDS];

static void compare(const struct mm_live *live)
{
    unsigned n = 0;

    while (n < NODES && (uintptr_t)nodes[n].p != live->start)
        n++;
    assert_true(n < NODES);
    assert_int_equal(live->asked, nodes[n].bytes);
    assert_int_equal(live->kind, kind_of_node(n));
    counted[live->kind]++;
    counted_bytes[live->kind] += live->asked;
    visited++;
}

static void compare_all(void)
{
    struct mm_live live;

    for (uintptr_t from = 0; mm_scan_next(from, &live); from = live.start + 1) {
        assert_true(live.start >= from);
        assert_false(mm_state & MM_BUSY);
        compare(&live);
    }
}

/* As many steps back to a root as the model says there must be. */
static void assert_shortest_way(unsigned n)
{
    struct mm_live live;
    uintptr_t at = (uintptr_t)nodes[n].p;

    for (unsigned left = distance[n]; left > 0; left--) {
        assert_true(mm_scan_find((void *)at, &live));
        at = live.seen_in;
        assert_true(at);
    }
    assert_in_range(at, (uintptr_t)roots, (uintptr_t)(roots + ROOTS) - 1);
}

static void assert_as_the_model_says(void)
{
    const struct mm_scan *result = scan();
    unsigned live = 0;

    find_who_reaches_whom();
    find_distances();
    visited = 0;
    memset(counted, 0, sizeof(counted));
    memset(counted_bytes, 0, sizeof(counted_bytes));
    compare_all();
    for (unsigned n = 0; n < NODES; n++)
        live += nodes[n].p != NULL;
    assert_int_equal(visited, live);
    for (unsigned kind = MM_REACHABLE; kind < MM_SCAN_KINDS; kind++) {
        assert_int_equal(result->objects[kind], counted[kind]);
        assert_int_equal(result->bytes[kind], counted_bytes[kind]);
    }
    for (unsigned n = 0; n < NODES; n++)
        if (nodes[n].p && distance[n])
            assert_shortest_way(n);
    assert_null(mm_check());
}

static void open_heap(void)
{
    memset(nodes, 0, sizeof(nodes));
    memset(edges, 0, sizeof(edges));
    arena_open(HEAP_PAGES, 0);
    roots = (uintptr_t *)(void *)(arena_memory() + ARENA_BYTES - PAGE_SIZE);
    memset(roots, 0, PAGE_SIZE);
    cache = kmem_cache_create("nodes", 56, 8, 0, NULL);
    assert_non_null(cache);
}

static void take_all(void)
{
    for (unsigned n = 0; n < NODES; n++)
        if (!nodes[n].p)
            take(&nodes[n]);
}

static void every_graph_is_sorted_as_the_model_sorts_it(void **state)
{
    (void)state;
    for (unsigned graph = 0; graph < GRAPHS; graph++) {
        open_heap();
        for (unsigned round = 0; round < ROUNDS; round++) {
            unsigned density = 10 + arena_random_below(60);

            take_all();
            lay_all(density);
            assert_as_the_model_says();
            for (unsigned n = 0; n < NODES; n++)
                if (arena_random_below(4) == 0) {
                    give_back(&nodes[n]);
                    memset(edges[n], 0, sizeof(edges[n]));
                    forget_edges_to(n);
                }
            assert_as_the_model_says();
        }
    }
}

/* ---- one shape at a time ------------------------------------------------------------------ */

static enum mm_scan_kind kind(const void *p)
{
    struct mm_live live;

    assert_true(mm_scan_find(p, &live));
    return live.kind;
}

static uintptr_t *object(size_t size)
{
    uintptr_t *p = kzalloc(size, GFP_KERNEL);

    assert_non_null(p);
    return p;
}

static void a_list_of_a_hundred_thousand_is_followed_to_its_end(void **state)
{
    const uint32_t length = 100000;
    uintptr_t *first = NULL;
    struct mm_live live;

    (void)state;
    arena_open((uint32_t)(ARENA_BYTES / PAGE_SIZE) - 1, 0);
    roots = (uintptr_t *)(void *)(arena_memory() + ARENA_BYTES - PAGE_SIZE);
    memset(roots, 0, PAGE_SIZE);
    for (uint32_t i = 0; i < length; i++) {
        uintptr_t *node = object(64);

        node[0] = (uintptr_t)first;
        first = node;
    }
    roots[3] = (uintptr_t)first;
    assert_int_equal(scan()->objects[MM_REACHABLE], length);
    roots[3] = 0;
    assert_int_equal(scan()->objects[MM_INDIRECT], length - 1);
    assert_int_equal(kind(first), MM_DEFINITE);
    assert_true(mm_scan_find(first, &live));
    assert_ptr_equal(live.seen_in, &roots[3]);          /* there it was last seen */
}

static void of_a_lost_ring_one_is_definite_and_who_holds_it_takes_its_place(void **state)
{
    uintptr_t *ring[3], *holder;

    (void)state;
    open_heap();
    for (int i = 0; i < 3; i++)
        ring[i] = object(64);
    for (int i = 0; i < 3; i++)
        ring[i][0] = (uintptr_t)ring[(i + 1) % 3];
    holder = object(64);                                /* above them all */
    scan();
    assert_int_equal(kind(ring[0]), MM_DEFINITE);
    assert_int_equal(kind(ring[1]), MM_INDIRECT);
    assert_int_equal(kind(holder), MM_DEFINITE);
    holder[1] = (uintptr_t)ring[1];                     /* by another way in */
    scan();
    for (int i = 0; i < 3; i++)
        assert_int_equal(kind(ring[i]), MM_INDIRECT);
    assert_int_equal(kind(holder), MM_DEFINITE);
}

static void what_was_resized_or_taken_since_is_unseen(void **state)
{
    uintptr_t *old, *young;
    unsigned long pages;

    (void)state;
    open_heap();
    old = object(64);
    scan();
    young = object(64);
    pages = __get_free_page(GFP_KERNEL);
    assert_int_equal(kind(old), MM_DEFINITE);
    assert_int_equal(kind(young), MM_UNSEEN);
    assert_int_equal(kind((void *)pages), MM_UNSEEN);
    scan();
    assert_int_equal(kind((void *)pages), MM_DEFINITE);
    free_page(pages);
    assert_int_equal(__get_free_page(GFP_KERNEL), pages);   /* the same, another life */
    assert_int_equal(kind((void *)pages), MM_UNSEEN);
    assert_ptr_equal(krealloc(old, 60, GFP_KERNEL), old);
    assert_int_equal(kind(old), MM_UNSEEN);
    assert_int_equal(arena_what(old).asked, 60);
}

/* Of these sizes, blocks of pages among them: each that stays is met, and what goes is not. */
static void all_that_stays_is_met_whatever_comes_and_goes_between_two_steps(void **state)
{
    enum { THINGS = 400 };
    static const size_t sizes[] = { 8, 40, 64, 1000, 3000, 5000, 9000, 40000 };
    static void *thing[THINGS];
    static bool stays[THINGS], met[THINGS];
    struct mm_live live;
    unsigned n = 0;

    (void)state;
    open_heap();
    memset(met, 0, sizeof(met));
    for (unsigned i = 0; i < THINGS; i++) {
        thing[i] = kzalloc(sizes[arena_random_below(i % 8 ? 6 : 8)], GFP_KERNEL);
        assert_non_null(thing[i]);
        stays[i] = arena_random_below(2);
    }
    for (uintptr_t from = 0; mm_scan_next(from, &live); from = live.start + 1, n++) {
        unsigned i = 0;

        assert_true(live.start >= from);
        while (i < THINGS && (uintptr_t)thing[i] != live.start)
            i++;
        if (i < THINGS)
            met[i] = true;
        for (i = n % 7; i < THINGS; i += 7)     /* one goes, and one comes */
            if (!stays[i] && thing[i]) {
                kfree(thing[i]);
                thing[i] = NULL;
                assert_non_null(kzalloc(sizes[arena_random_below(6)], GFP_KERNEL));
                break;
            }
        assert_true(n < 3 * THINGS);
    }
    for (unsigned i = 0; i < THINGS; i++)
        assert_true(met[i] || !stays[i]);
    assert_null(mm_check());
}

static void page_structs_may_lie_behind_all_that_is_live(void **state)
{
    struct mm_range ranges[] = { { (uintptr_t)arena_memory(), 8 * PAGE_SIZE },
                                 { (uintptr_t)arena_memory() + (4u << 20), 4u << 20 } };
    struct page *page, *all[1024], **taken = all;

    (void)state;
    open_heap();
    arena_open_ranges(ranges, 2, 8u << 20);             /* the structs need more than 8 */
    while ((page = alloc_page(GFP_KERNEL | __GFP_ZERO)) != NULL &&
           (uintptr_t)page_address(page) > ranges[1].start)
        *taken++ = page;
    assert_non_null(page);
    while (taken > all)
        __free_page(*--taken);
    assert_true((void *)page > page_address(page));
    roots[0] = (uintptr_t)page;
    assert_int_equal(scan()->objects[MM_REACHABLE], 1);
}

static void sizes_are_what_they_were_after_a_scan(void **state)
{
    void *small, *large;

    (void)state;
    open_heap();
    small = kmalloc(33, GFP_KERNEL);
    large = kmalloc(100000, GFP_KERNEL);
    scan();
    assert_int_equal(arena_what(small).asked, 33);
    assert_int_equal(arena_what(large).asked, 100000);
    assert_int_equal(arena_stats().live_bytes, 100033);
    kfree(small);
    kfree(large);
    assert_int_equal(arena_what(small).asked, 33);      /* and of what was freed */
    mm_reclaim();
    assert_int_equal(arena_what(small).asked, 33);
    assert_int_equal(arena_what(large).asked, 100000);
}

static void without_records_or_in_a_busy_mm_there_is_no_scan(void **state)
{
    (void)state;
    mm_records = false;
    arena_open(HEAP_PAGES, 0);
    assert_false(mm_scan_begin());
    mm_records = true;
    open_heap();
    assert_true(mm_scan_begin());
    assert_false(mm_scan_begin());
    mm_scan_end();
    assert_int_equal(mm_scan_last()->roots, 0);
}

static void an_empty_heap_has_nothing_and_no_root_is_too_short(void **state)
{
    uintptr_t words[2] = { 0, 0 };

    (void)state;
    open_heap();
    assert_true(mm_scan_begin());
    mm_scan_root(words, words);
    mm_scan_root((char *)words + 1, (char *)words + 7);

    const struct mm_scan *result = mm_scan_end();

    for (unsigned kind = MM_REACHABLE; kind < MM_SCAN_KINDS; kind++)
        assert_int_equal(result->objects[kind], 0);
    assert_int_equal(result->roots, 2);
}

/* ---- sums ----------------------------------------------------------------------------------- */

static void sums_by_site_are_of_the_kinds_and_serials_that_are_wanted(void **state)
{
    struct alloc_site *site = NULL;
    struct mm_live live;
    uint32_t after = 0;

    (void)state;
    open_heap();
    for (int i = 0; i < 10; i++) {
        roots[0] = (uintptr_t)object(40);               /* nine of them are lost */
        if (i == 4)
            after = arena_stats().last_serial;
    }
    scan();
    assert_true(mm_scan_find((void *)roots[0], &live));
    site = live.site;
    mm_scan_count_sites(1u << MM_DEFINITE, 0);
    assert_int_equal(site->objects, 9);
    assert_int_equal(site->bytes, 9 * 40);
    assert_int_equal(site->newest - site->oldest, 8);
    mm_scan_count_sites(1u << MM_DEFINITE, after);
    assert_int_equal(site->objects, 4);
    mm_scan_count_sites(1u << MM_REACHABLE, 0);
    assert_int_equal(site->objects, 1);
    mm_scan_count_sites(1u << MM_REACHABLE | 1u << MM_DEFINITE, 0);
    assert_int_equal(site->objects, 10);
}

/* ---- who points there ------------------------------------------------------------------------- */

static const uintptr_t *found[8];
static unsigned nfound;

static void note_word(const uintptr_t *word, void *arg)
{
    (void)arg;
    assert_true(nfound < 8);
    found[nfound++] = word;
}

static void every_word_that_points_there_is_told(void **state)
{
    uintptr_t *wanted, *holder, *next;
    struct page *page;

    (void)state;
    open_heap();
    wanted = object(64);
    next = object(64);
    holder = object(64);
    page = alloc_page(GFP_KERNEL);
    assert_non_null(page);
    holder[0] = (uintptr_t)wanted;
    holder[3] = (uintptr_t)wanted + 63;
    holder[4] = (uintptr_t)wanted + 64;                 /* right behind */
    holder[5] = (uintptr_t)wanted - 1;
    next[7] = (uintptr_t)wanted;
    roots[2] = (uintptr_t)page;
    roots[5] = (uintptr_t)wanted;

    struct mm_wanted who = { (uintptr_t)wanted, 64, note_word, NULL };

    nfound = 0;
    mm_refs_in(&who, roots, roots + ROOTS);
    mm_refs_in_heap(&who);
    assert_int_equal(nfound, 4);
    assert_ptr_equal(found[0], &roots[5]);
    assert_ptr_equal(found[1], &next[7]);
    assert_ptr_equal(found[2], &holder[0]);
    assert_ptr_equal(found[3], &holder[3]);

    struct mm_wanted of_page = { (uintptr_t)page_address(page), PAGE_SIZE, note_word, NULL };

    nfound = 0;
    mm_refs_in(&of_page, roots, roots + ROOTS);
    assert_int_equal(nfound, 1);
    assert_ptr_equal(found[0], &roots[2]);
}

/* ---- dropped midway ------------------------------------------------------------------------------ */

static sigjmp_buf out;

static void drop(void)
{
    siglongjmp(out, 1);
}

static void run_scan(void)
{
    scan();
}

static bool dropped_at(unsigned stop)
{
    if (sigsetjmp(out, 1) == 0)
        return step_run(stop, run_scan, drop);
    return true;
}

static void a_scan_that_is_dropped_anywhere_leaves_all_as_it_was(void **state)
{
    struct mm_recovery recovery;
    struct arena_state before;
    unsigned stops;

    (void)state;
    open_heap();
    take_all();
    lay_all(40);
    find_who_reaches_whom();
    find_distances();
    step_open();
    stops = step_trace(run_scan, 3);
    assert_true(stops > 500);
    before = arena_state();
    for (unsigned stop = 0; stop < stops; stop += sizeof(void *) == 4 ? 1 : 5) {
        if (!dropped_at(stop))
            continue;
        mm_recover(&recovery);
        assert_int_equal(recovery.lost, 0);
        assert_int_equal(recovery.records, 0);
        assert_same_state(&before);
        assert_as_the_model_says();
    }
    step_close();
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        ARENA_TEST(every_graph_is_sorted_as_the_model_sorts_it),
        ARENA_TEST(a_list_of_a_hundred_thousand_is_followed_to_its_end),
        ARENA_TEST(of_a_lost_ring_one_is_definite_and_who_holds_it_takes_its_place),
        ARENA_TEST(what_was_resized_or_taken_since_is_unseen),
        ARENA_TEST(all_that_stays_is_met_whatever_comes_and_goes_between_two_steps),
        ARENA_TEST(page_structs_may_lie_behind_all_that_is_live),
        ARENA_TEST(sizes_are_what_they_were_after_a_scan),
        ARENA_TEST(without_records_or_in_a_busy_mm_there_is_no_scan),
        ARENA_TEST(an_empty_heap_has_nothing_and_no_root_is_too_short),
        ARENA_TEST(sums_by_site_are_of_the_kinds_and_serials_that_are_wanted),
        ARENA_TEST(every_word_that_points_there_is_told),
        ARENA_TEST(a_scan_that_is_dropped_anywhere_leaves_all_as_it_was),
    };

    return ARENA_RUN(tests);
}
