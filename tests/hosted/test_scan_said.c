/*
 * test_scan_said.c - what a program says of its objects, and pieces of its own allocators.
 */
#include "tests/hosted/arena.h"
#include "mm/look/recover.h"
#include "mm/scan/kmemleak.h"
#include "mm/scan/scan.h"
#include "tests/hosted/step.h"

#include <setjmp.h>
#include <string.h>

static uintptr_t root[2];

static void open_heap(void)
{
    arena_open(2000, 0);
    memset(root, 0, sizeof(root));
}

static void scan(void)
{
    assert_true(mm_scan_begin());
    mm_scan_root(root, root + 2);
    mm_scan_end();
    assert_null(mm_check());
}

static uintptr_t *object(size_t bytes)
{
    uintptr_t *p = kzalloc(bytes, GFP_KERNEL);

    assert_non_null(p);
    return p;
}

static enum mm_scan_kind kind(const void *p)
{
    struct mm_live live;

    assert_true(mm_scan_find(p, &live));
    return live.kind;
}

/* Of two objects, the first of which holds the other at that word. */
static uintptr_t *pair(size_t bytes, unsigned word)
{
    uintptr_t *p = object(bytes);

    p[word] = (uintptr_t)object(40);
    return p;
}

#define HELD(p, word) ((void *)(p)[word])

/* ---- objects --------------------------------------------------------------------- */

static const size_t sizes[] = { 64, 200, 4096, 20000 };

#define EACH_SIZE(i) for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)

static void nothing_said_is_nothing_changed(void **state)
{
    (void)state;
    EACH_SIZE(i) {
        open_heap();

        uintptr_t *p = pair(sizes[i], 1);

        scan();
        assert_int_equal(kind(p), MM_DEFINITE);
        assert_int_equal(kind(HELD(p, 1)), MM_INDIRECT);
        assert_int_equal(mm_scan_get_said().entries, 0);
    }
}

static void what_is_no_leak_is_a_root(void **state)
{
    (void)state;
    EACH_SIZE(i) {
        open_heap();

        uintptr_t *p = pair(sizes[i], 1), *other = pair(sizes[i], 1);
        struct mm_live live;

        kmemleak_not_leak(p);
        kmemleak_not_leak(p);
        for (int again = 0; again < 3; again++) {
            scan();
            assert_int_equal(kind(p), MM_REACHABLE);
            assert_int_equal(kind(HELD(p, 1)), MM_REACHABLE);
            assert_int_equal(kind(other), MM_DEFINITE);
            assert_int_equal(mm_scan_last()->objects[MM_REACHABLE], 2);
        }
        assert_true(mm_scan_find(p, &live));
        assert_int_equal(live.seen_in, 0);
        assert_int_equal(mm_scan_get_said().entries, 1);
    }
}

static void what_is_ignored_is_no_leak_and_holds_nothing(void **state)
{
    (void)state;
    EACH_SIZE(i) {
        open_heap();

        uintptr_t *p = pair(sizes[i], 1), *q = pair(sizes[i], 1);

        kmemleak_ignore(p);
        kmemleak_free(q);                       /* of an object of mm it is the same */
        scan();
        assert_int_equal(kind(p), MM_REACHABLE);
        assert_int_equal(kind(q), MM_REACHABLE);
        assert_int_equal(kind(HELD(p, 1)), MM_DEFINITE);
        assert_int_equal(kind(HELD(q, 1)), MM_DEFINITE);
    }
}

static void what_is_not_scanned_can_be_lost_and_holds_nothing(void **state)
{
    (void)state;
    EACH_SIZE(i) {
        open_heap();

        uintptr_t *p = pair(sizes[i], 1), *lost = pair(sizes[i], 1);

        kmemleak_no_scan(p);
        kmemleak_no_scan(lost);
        root[0] = (uintptr_t)p;
        scan();
        assert_int_equal(kind(p), MM_REACHABLE);
        assert_int_equal(kind(HELD(p, 1)), MM_DEFINITE);
        assert_int_equal(kind(lost), MM_DEFINITE);
        assert_int_equal(kind(HELD(lost, 1)), MM_DEFINITE);
    }
}

static void only_areas_are_looked_into_if_there_are_some(void **state)
{
    (void)state;
    EACH_SIZE(i) {
        open_heap();

        uintptr_t *p = pair(sizes[i], 1);

        p[3] = (uintptr_t)object(40);
        p[5] = (uintptr_t)object(40);
        root[0] = (uintptr_t)p;
        kmemleak_scan_area(&p[3], sizeof(p[3]), GFP_KERNEL);
        scan();
        assert_int_equal(kind(HELD(p, 1)), MM_DEFINITE);
        assert_int_equal(kind(HELD(p, 3)), MM_REACHABLE);
        assert_int_equal(kind(HELD(p, 5)), MM_DEFINITE);
        kmemleak_scan_area((char *)&p[4] + 1, 2 * sizeof(p[0]), GFP_KERNEL);
        scan();
        assert_int_equal(kind(HELD(p, 1)), MM_DEFINITE);
        assert_int_equal(kind(HELD(p, 3)), MM_REACHABLE);
        assert_int_equal(kind(HELD(p, 5)), MM_REACHABLE);
    }
}

static void no_scan_is_said_of_the_areas_too_before_and_after(void **state)
{
    (void)state;
    for (int first = 0; first < 2; first++) {
        open_heap();

        uintptr_t *p = pair(64, 1);

        root[0] = (uintptr_t)p;
        if (first)
            kmemleak_no_scan(p);
        kmemleak_scan_area(&p[1], sizeof(p[1]), GFP_KERNEL);
        if (!first)
            kmemleak_no_scan(p);
        scan();
        assert_int_equal(kind(p), MM_REACHABLE);
        assert_int_equal(kind(HELD(p, 1)), MM_DEFINITE);
    }
}

static void what_was_said_ends_with_the_life_it_was_said_of(void **state)
{
    (void)state;
    EACH_SIZE(i) {
        open_heap();

        uintptr_t *p = object(sizes[i]), *again;

        kmemleak_not_leak(p);
        kfree(p);
        again = object(sizes[i]);
        assert_ptr_equal(again, p);
        scan();
        assert_int_equal(kind(p), MM_DEFINITE);
        assert_int_equal(mm_scan_get_said().entries, 0);
    }
}

static void calls_without_effect_are_counted(void **state)
{
    uintptr_t *p;

    (void)state;
    open_heap();
    p = object(64);
    kmemleak_not_leak(root);
    kmemleak_not_leak(NULL);
    kmemleak_ignore(p + 1);
    kmemleak_scan_area(p + 1, 64, GFP_KERNEL);
    kmemleak_alloc(p, 64, 1, GFP_KERNEL);               /* too small to be cut up */
    assert_int_equal(mm_scan_get_said().unknown, 5);
    assert_true(mm_scan_begin());
    kmemleak_not_leak(p);
    kmemleak_free(p);
    mm_scan_end();
    assert_int_equal(mm_scan_get_said().busy, 2);
    assert_int_equal(mm_scan_get_said().entries, 0);
}

static void a_full_table_is_told_and_has_room_again_when_objects_die(void **state)
{
    static void *p[300];

    (void)state;
    open_heap();
    for (int i = 0; i < 300; i++) {
        p[i] = object(64);
        kmemleak_not_leak(p[i]);
    }
    assert_int_equal(mm_scan_get_said().no_room, 300 - 256);
    scan();
    assert_int_equal(mm_scan_last()->objects[MM_REACHABLE], 256);
    kfree(p[7]);
    kmemleak_not_leak(p[299]);
    assert_int_equal(mm_scan_get_said().no_room, 300 - 256);
    scan();
    assert_int_equal(kind(p[299]), MM_REACHABLE);
}

/* ---- cleared --------------------------------------------------------------------- */

static void what_was_cleared_is_no_leak_until_its_end(void **state)
{
    (void)state;
    EACH_SIZE(i) {
        open_heap();

        uintptr_t *p = pair(sizes[i], 1), *child = HELD(p, 1), *young;

        scan();
        mm_scan_clear();
        assert_int_equal(mm_scan_get_said().cleared, 2);
        young = object(sizes[i]);
        for (int again = 0; again < 3; again++) {
            scan();
            assert_int_equal(kind(p), MM_REACHABLE);
            assert_int_equal(kind(child), MM_REACHABLE);
            assert_int_equal(kind(young), MM_DEFINITE);
        }
        root[0] = (uintptr_t)child;             /* found, and lost again */
        scan();
        root[0] = 0;
        kfree(p);
        scan();
        assert_int_equal(kind(child), MM_REACHABLE);
        kfree(child);
        while (object(40) != child)             /* another life */
            assert_true(arena_stats().live_objects < 100);
        scan();
        assert_int_equal(kind(child), MM_DEFINITE);
        assert_int_equal(mm_scan_get_said().cleared, 0);
    }
}

/* ---- pieces of one's own allocator ----------------------------------------------- */

static unsigned nlost;
static uintptr_t last_lost;

static bool note_lost(const struct mm_live *live, void *arg)
{
    (void)arg;
    nlost++;
    last_lost = live->start;
    return true;
}

static unsigned lost_pieces(void)
{
    nlost = 0;
    scan();
    mm_scan_walk_lost_own(note_lost, NULL);
    return nlost;
}

static char *pool_of_four(uintptr_t *piece[4])
{
    char *pool = (char *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, 1);

    assert_non_null(pool);
    for (int i = 0; i < 4; i++) {
        piece[i] = (uintptr_t *)(void *)(pool + 1000 + 1000 * i);
        kmemleak_alloc(piece[i], 64, 1, GFP_KERNEL);
    }
    return pool;
}

static void a_piece_is_lost_if_no_word_that_counts_points_into_it(void **state)
{
    uintptr_t *piece[4], *held;
    char *pool;

    (void)state;
    open_heap();
    pool = pool_of_four(piece);
    root[0] = (uintptr_t)pool;
    root[1] = (uintptr_t)piece[0];
    piece[0][1] = (uintptr_t)piece[1] + 8;
    piece[1][1] = (uintptr_t)(held = object(64));
    held[2] = (uintptr_t)piece[2];              /* and through an object of mm */
    piece[2][0] = (uintptr_t)piece[3];
    assert_int_equal(lost_pieces(), 0);
    assert_int_equal(kind(held), MM_REACHABLE);
    *(uintptr_t *)(void *)pool = (uintptr_t)piece[3];   /* between pieces: nobody's word */
    piece[2][0] = 0;
    assert_int_equal(lost_pieces(), 1);
    assert_ptr_equal(last_lost, piece[3]);
    piece[0][1] = 0;
    assert_int_equal(lost_pieces(), 3);
    assert_int_equal(kind(held), MM_INDIRECT);          /* a lost piece has it */
    kmemleak_free(piece[1]);
    kmemleak_free(piece[2]);
    kmemleak_free(piece[3]);
    assert_int_equal(lost_pieces(), 0);
    assert_int_equal(kind(held), MM_DEFINITE);
    assert_int_equal(kind(pool), MM_REACHABLE);
}

static void what_is_kept_holds_pieces_as_anything_else(void **state)
{
    uintptr_t *piece[4], *p, *cleared;

    (void)state;
    open_heap();
    root[0] = (uintptr_t)pool_of_four(piece);
    p = object(64);
    p[1] = (uintptr_t)piece[0];
    cleared = object(64);
    cleared[1] = (uintptr_t)piece[1];
    kmemleak_free(piece[2]);
    kmemleak_free(piece[3]);
    kmemleak_alloc(piece[3], 64, 2, GFP_KERNEL);
    cleared[2] = (uintptr_t)piece[3];
    assert_int_equal(lost_pieces(), 3);
    kmemleak_not_leak(p);
    assert_int_equal(lost_pieces(), 2);
    mm_scan_clear();                            /* and these pieces with it */
    kmemleak_alloc(piece[3], 64, 2, GFP_KERNEL);
    kmemleak_alloc(piece[1], 64, 1, GFP_KERNEL);
    assert_int_equal(lost_pieces(), 1);
    assert_ptr_equal(last_lost, piece[3]);
}

/* It was cleared, and then said of it: what it holds is looked at once. */
static void what_is_kept_twice_is_looked_into_once(void **state)
{
    uintptr_t *piece[4], *p;

    (void)state;
    open_heap();
    root[0] = (uintptr_t)pool_of_four(piece);
    for (int i = 0; i < 4; i++)
        kmemleak_free(piece[i]);
    p = object(64);
    scan();
    mm_scan_clear();
    kmemleak_not_leak(p);
    kmemleak_alloc(piece[0], 64, 2, GFP_KERNEL);
    p[1] = (uintptr_t)piece[0];
    assert_int_equal(lost_pieces(), 1);
    p[2] = (uintptr_t)piece[0];
    assert_int_equal(lost_pieces(), 0);
}

static void a_new_life_where_pieces_lay_is_looked_into(void **state)
{
    uintptr_t *piece[4], *again;
    char *pool;

    (void)state;
    open_heap();
    pool = pool_of_four(piece);
    free_pages((unsigned long)pool, 1);
    again = (uintptr_t *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, 1);
    assert_ptr_equal(again, pool);
    again[1] = (uintptr_t)object(64);
    kmemleak_not_leak(again);
    scan();
    assert_int_equal(kind(HELD(again, 1)), MM_REACHABLE);
}

static void pieces_go_with_their_block(void **state)
{
    uintptr_t *piece[4];
    char *pool;

    (void)state;
    open_heap();
    pool = pool_of_four(piece);
    assert_int_equal(lost_pieces(), 4);
    free_pages((unsigned long)pool, 1);
    assert_int_equal(lost_pieces(), 0);
    assert_int_equal(mm_scan_get_said().own, 0);
}

static void how_many_words_a_piece_needs_is_its_owners_to_say(void **state)
{
    uintptr_t *piece[4], *held;
    char *pool;

    (void)state;
    open_heap();
    pool = pool_of_four(piece);
    root[0] = (uintptr_t)pool;
    for (int i = 0; i < 4; i++)
        kmemleak_free(piece[i]);
    kmemleak_alloc(piece[0], 64, 0, GFP_KERNEL);        /* never lost, and looked into */
    kmemleak_alloc(piece[1], 64, -1, GFP_KERNEL);       /* nor that */
    kmemleak_alloc(piece[2], 64, 2, GFP_KERNEL);
    kmemleak_alloc(piece[3], 64, 1, GFP_KERNEL);
    kmemleak_not_leak(piece[3]);
    piece[0][0] = (uintptr_t)piece[2];
    piece[1][0] = (uintptr_t)piece[2];
    piece[1][1] = (uintptr_t)(held = object(64));
    assert_int_equal(lost_pieces(), 1);
    assert_ptr_equal(last_lost, piece[2]);
    assert_int_equal(kind(held), MM_DEFINITE);
    piece[3][0] = (uintptr_t)piece[2];
    assert_int_equal(lost_pieces(), 0);
    piece[3][0] = 0;
    assert_int_equal(lost_pieces(), 1);
    mm_scan_clear();
    assert_int_equal(lost_pieces(), 0);
}

static void pieces_that_overlap_are_refused_and_too_many_are_told(void **state)
{
    char *pool;

    (void)state;
    open_heap();
    pool = (char *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, 2);
    kmemleak_alloc(pool + 64, 64, 1, GFP_KERNEL);
    kmemleak_alloc(pool + 32, 64, 1, GFP_KERNEL);
    kmemleak_alloc(pool + 120, 64, 1, GFP_KERNEL);
    kmemleak_alloc(pool + (PAGE_SIZE << 2) - 8, 16, 1, GFP_KERNEL);     /* beyond its end */
    assert_int_equal(mm_scan_get_said().unknown, 3);
    assert_int_equal(mm_scan_get_said().own, 1);
    kmemleak_alloc(pool + 64, 32, 1, GFP_KERNEL);       /* it began anew */
    assert_int_equal(mm_scan_get_said().own, 1);
    for (int i = 0; i < 520; i++)
        kmemleak_alloc(pool + 1024 + 8 * i, 8, 1, GFP_KERNEL);
    assert_int_equal(mm_scan_get_said().own, 512);
    assert_int_equal(mm_scan_get_said().no_room, 9);
    assert_int_equal(lost_pieces(), 512);
}

/* ---- dropped midway -------------------------------------------------------------- */

static sigjmp_buf out;

static void drop(void)
{
    siglongjmp(out, 1);
}

static bool dropped_at(unsigned stop)
{
    if (sigsetjmp(out, 1) == 0)
        return step_run(stop, scan, drop);
    return true;
}

static void a_scan_that_is_dropped_anywhere_keeps_what_was_said(void **state)
{
    struct mm_recovery recovery;
    uintptr_t *piece[4], *p, *q;
    unsigned stops;

    (void)state;
    open_heap();
    root[0] = (uintptr_t)pool_of_four(piece);
    root[1] = (uintptr_t)piece[0];
    p = pair(64, 1);
    q = pair(64, 1);
    kmemleak_not_leak(p);
    kmemleak_no_scan(p);
    kmemleak_scan_area(&q[3], sizeof(q[3]), GFP_KERNEL);
    step_open();
    stops = step_trace(scan, 3);
    for (unsigned stop = 0; stop < stops; stop += 7) {
        if (!dropped_at(stop))
            continue;
        mm_recover(&recovery);
        assert_int_equal(recovery.lost, 0);
        assert_int_equal(lost_pieces(), 3);
        assert_int_equal(kind(p), MM_REACHABLE);
        assert_int_equal(kind(HELD(p, 1)), MM_DEFINITE);
        assert_int_equal(kind(q), MM_DEFINITE);
        assert_int_equal(kind(HELD(q, 1)), MM_DEFINITE);
    }
    step_close();
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        ARENA_TEST(nothing_said_is_nothing_changed),
        ARENA_TEST(what_is_no_leak_is_a_root),
        ARENA_TEST(what_is_ignored_is_no_leak_and_holds_nothing),
        ARENA_TEST(what_is_not_scanned_can_be_lost_and_holds_nothing),
        ARENA_TEST(only_areas_are_looked_into_if_there_are_some),
        ARENA_TEST(no_scan_is_said_of_the_areas_too_before_and_after),
        ARENA_TEST(what_was_said_ends_with_the_life_it_was_said_of),
        ARENA_TEST(calls_without_effect_are_counted),
        ARENA_TEST(a_full_table_is_told_and_has_room_again_when_objects_die),
        ARENA_TEST(what_was_cleared_is_no_leak_until_its_end),
        ARENA_TEST(a_piece_is_lost_if_no_word_that_counts_points_into_it),
        ARENA_TEST(what_is_kept_holds_pieces_as_anything_else),
        ARENA_TEST(what_is_kept_twice_is_looked_into_once),
        ARENA_TEST(a_new_life_where_pieces_lay_is_looked_into),
        ARENA_TEST(pieces_go_with_their_block),
        ARENA_TEST(how_many_words_a_piece_needs_is_its_owners_to_say),
        ARENA_TEST(pieces_that_overlap_are_refused_and_too_many_are_told),
        ARENA_TEST(a_scan_that_is_dropped_anywhere_keeps_what_was_said),
    };

    return ARENA_RUN(tests);
}
