/*
 * test_scan_tree.c - what goes with what is lost: each indirect thing in one tree, once.
 *
 * Random graphs of objects and blocks, of which a root holds few or none.  A tree must be
 * made of edges that were laid, and the trees together of all that is lost.
 */
#include "tests/hosted/arena.h"
#include "mm/scan/scan.h"

#include <string.h>

#define NODES 80u
#define WORDS 6u
#define GRAPHS 150u

static uintptr_t *node[NODES];
static bool is_block[NODES];
static uintptr_t root[2];
static unsigned met[NODES];             /* how many trees it is in */

static unsigned number_of(uintptr_t start)
{
    unsigned n = 0;

    while (n < NODES && (uintptr_t)node[n] != start)
        n++;
    assert_true(n < NODES);
    return n;
}

static enum mm_scan_kind kind(unsigned n)
{
    struct mm_live live;

    assert_true(mm_scan_find(node[n], &live));
    return live.kind;
}

static void make_graph(void)
{
    unsigned density = 1 + arena_random_below(arena_random_below(2) ? 60 : 12);

    arena_open(1000, 0);
    for (unsigned n = 0; n < NODES; n++) {
        is_block[n] = arena_random_below(6) == 0;
        node[n] = is_block[n]
                      ? (uintptr_t *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, n % 2)
                      : kzalloc(48 + 8 * arena_random_below(500), GFP_KERNEL);
        assert_non_null(node[n]);
    }
    for (unsigned n = 0; n < NODES; n++)
        for (unsigned i = 0; i < WORDS; i++) {
            unsigned to = arena_random_below(NODES);

            if (arena_random_below(100) >= density)
                continue;
            node[n][i] = (uintptr_t)node[to] + (arena_random_below(3) ? 0 : 13);
            if (is_block[to] && arena_random_below(2))
                node[n][i] = (uintptr_t)virt_to_page(node[to]);
        }
    for (unsigned i = 0; i < 2; i++)
        root[i] = arena_random_below(2) ? (uintptr_t)node[arena_random_below(NODES)] : 0;
}

static void scan(void)
{
    assert_true(mm_scan_begin());
    mm_scan_root(root, root + 2);
    mm_scan_end();
}

static bool points_to(uintptr_t word, unsigned to)
{
    size_t bytes = is_block[to] ? PAGE_SIZE << to % 2 : ksize(node[to]);

    if (is_block[to] && word == (uintptr_t)virt_to_page(node[to]))
        return true;
    return word - (uintptr_t)node[to] < bytes;
}

/* Does a word of a point to b? */
static bool has_edge(unsigned a, unsigned b)
{
    for (unsigned i = 0; i < WORDS; i++)
        if (points_to(node[a][i], b))
            return true;
    return false;
}

/* ---- one tree -------------------------------------------------------------------- */

static struct {
    unsigned path[NODES + 1];   /* from the leak to where the walk is */
    unsigned objects;
    size_t bytes;
    bool is_ring;
} tree;
static unsigned rings, deepest;

static void visit(const struct mm_live *live, unsigned depth)
{
    unsigned n = number_of(live->start);

    assert_int_equal(live->kind, depth ? MM_INDIRECT : MM_DEFINITE);
    tree.path[depth] = n;
    deepest = depth > deepest ? depth : deepest;
    if (depth) {
        unsigned holder = tree.path[depth - 1];

        assert_in_range(live->seen_in, (uintptr_t)node[holder],
                        (uintptr_t)&node[holder][WORDS - 1]);
        assert_true(points_to(*(uintptr_t *)live->seen_in, n));
        tree.is_ring |= has_edge(n, tree.path[0]);
    }
    met[n]++;
    tree.objects++;
    tree.bytes += live->asked;
}

static uintptr_t previous;

static bool compare(const struct mm_lost *lost, void *trees)
{
    assert_true(lost->start > previous);
    previous = lost->start;
    struct mm_scan_tree at = { .top = lost->start };
    struct mm_live live;

    memset(&tree, 0, sizeof(tree));
    while (mm_scan_next_in_tree(&at, &live))
        visit(&live, at.depth);
    assert_int_equal(lost->objects, tree.objects);
    assert_int_equal(lost->bytes, tree.bytes);
    assert_int_equal(lost->is_ring, tree.is_ring);
    rings += lost->is_ring;
    ++*(unsigned *)trees;
    return true;
}

static void trees_are_of_edges_and_hold_each_lost_thing_once(void **state)
{
    (void)state;
    rings = deepest = 0;
    for (unsigned graph = 0; graph < GRAPHS; graph++) {
        unsigned trees = 0;

        make_graph();
        scan();
        memset(met, 0, sizeof(met));
        previous = 0;
        mm_scan_each_lost(compare, &trees);
        assert_int_equal(trees, mm_scan_last()->objects[MM_DEFINITE]);
        for (unsigned n = 0; n < NODES; n++)
            assert_int_equal(met[n], kind(n) == MM_DEFINITE || kind(n) == MM_INDIRECT);
    }
    assert_true(rings > 10 && deepest > 5);
}

/* ---- one shape at a time --------------------------------------------------------- */

static struct mm_lost only;
static unsigned told;

static bool keep(const struct mm_lost *lost, void *arg)
{
    (void)arg;
    only = *lost;
    told++;
    return true;
}

static uintptr_t *object(void)
{
    uintptr_t *p = kzalloc(64, GFP_KERNEL);

    assert_non_null(p);
    return p;
}

static void what_points_to_itself_alone_is_no_ring(void **state)
{
    uintptr_t *p;

    (void)state;
    arena_open(1000, 0);
    memset(root, 0, sizeof(root));
    p = object();
    p[0] = p[1] = (uintptr_t)p;
    scan();
    told = 0;
    mm_scan_each_lost(keep, NULL);
    assert_int_equal(told, 1);
    assert_int_equal(only.objects, 1);
    assert_false(only.is_ring);
    p[3] = (uintptr_t)object();
    ((uintptr_t *)p[3])[2] = (uintptr_t)p + 8;
    scan();
    mm_scan_each_lost(keep, NULL);
    assert_int_equal(only.objects, 2);
    assert_true(only.is_ring);
}

static void a_list_of_a_hundred_thousand_is_one_tree(void **state)
{
    uintptr_t *first = NULL;

    (void)state;
    arena_open((uint32_t)(ARENA_BYTES / PAGE_SIZE) - 1, 0);
    memset(root, 0, sizeof(root));
    for (uint32_t i = 0; i < 100000; i++) {
        uintptr_t *p = object();

        p[0] = (uintptr_t)first;
        first = p;
    }
    scan();
    told = 0;
    mm_scan_each_lost(keep, NULL);
    assert_int_equal(told, 1);
    assert_int_equal(only.objects, 100000);
    assert_int_equal(only.bytes, 6400000);
    assert_ptr_equal(only.start, first);
}

static unsigned members(const void *start)
{
    struct mm_scan_tree at = { .top = (uintptr_t)start };
    struct mm_live live;
    unsigned n = 0;

    while (mm_scan_next_in_tree(&at, &live))
        n++;
    return n;
}

static void what_is_not_lost_or_not_there_any_more_has_no_tree(void **state)
{
    uintptr_t *held, *lost, *child;

    (void)state;
    arena_open(1000, 0);
    held = object();
    lost = object();
    child = object();
    held[0] = (uintptr_t)object();
    lost[0] = (uintptr_t)child;
    root[0] = (uintptr_t)held;
    root[1] = 0;
    scan();
    assert_int_equal(members(held), 0);
    assert_int_equal(members(child), 0);
    assert_int_equal(members(root), 0);
    assert_int_equal(members(lost), 2);
    kfree(child);                               /* as it was, but for this */
    assert_int_equal(members(lost), 1);
    kfree(lost);
    told = 0;
    mm_scan_each_lost(keep, NULL);
    assert_int_equal(told, 0);
}

static void a_tree_ends_where_what_was_found_last_goes(void **state)
{
    uintptr_t *lost, *child;
    struct mm_scan_tree at;
    struct mm_live live;

    (void)state;
    arena_open(1000, 0);
    lost = object();
    child = object();
    lost[0] = (uintptr_t)child;
    lost[1] = (uintptr_t)object();
    memset(root, 0, sizeof(root));
    scan();
    at = (struct mm_scan_tree){ .top = (uintptr_t)lost };
    assert_true(mm_scan_next_in_tree(&at, &live));
    assert_false(mm_state & MM_BUSY);
    assert_true(mm_scan_next_in_tree(&at, &live));
    assert_ptr_equal(live.start, child);
    kfree(child);
    assert_false(mm_scan_next_in_tree(&at, &live));
    assert_ptr_equal(object(), child);          /* the same place, another life */
    assert_false(mm_scan_next_in_tree(&at, &live));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        ARENA_TEST(trees_are_of_edges_and_hold_each_lost_thing_once),
        ARENA_TEST(what_points_to_itself_alone_is_no_ring),
        ARENA_TEST(a_list_of_a_hundred_thousand_is_one_tree),
        ARENA_TEST(what_is_not_lost_or_not_there_any_more_has_no_tree),
        ARENA_TEST(a_tree_ends_where_what_was_found_last_goes),
    };

    return ARENA_RUN(tests);
}
