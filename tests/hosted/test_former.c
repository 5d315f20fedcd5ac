/*
 * test_former.c - what was freed last at an address is told, whatever became of its slab:
 * it went back, came again, for other sizes; and with it, a second free is known.
 */
#include "tests/hosted/objects.h"
#include "tests/hosted/step.h"

/* The newest free of p, which was taken for so many bytes, is refused as a double one. */
static void assert_double_free(void *p, size_t asked)
{
    const struct mm_report *report;

    kfree(p);
    report = expect_report(MM_BUG_DOUBLE_FREE);
    assert_true(report->what.before.serial || report->what.serial);
    assert_int_equal(report->what.before.serial ? report->what.before.asked
                                                : report->what.asked, asked);
    arena_check();
}

static const size_t sizes[] = { 8, 10, 64, 96, 500, 700, 1500, 3000, 4096, 6000, 8192 };
enum { SIZES = sizeof(sizes) / sizeof(sizes[0]) };

/* All objects of a slab are freed, and their slab goes: each is known for what it was. */
static void every_object_of_a_slab_that_went_is_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZES; i++) {
        void *p[4];

        for (size_t k = 0; k < 4; k++)
            p[k] = kmalloc(sizes[i], GFP_KERNEL);
        for (size_t k = 0; k < 4; k++)
            kfree(p[k]);
        mm_reclaim();
        for (size_t k = 0; k < 4; k++) {
            assert_int_equal(arena_what(p[k]).kind, MM_FREE_PAGE);
            assert_double_free(p[k], sizes[i]);
        }
    }
}

/* Of free memory each byte is known by what it last was part of, pages as well. */
static void what_was_around_a_byte_of_free_memory_is_known(void **state)
{
    static const size_t more[] = { 64, 500, 3000, 8192, 20000, 100000 };

    (void)state;
    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
        char *p = kmalloc(more[i], GFP_KERNEL);
        uint32_t serial = arena_what(p).serial;

        kfree(p);
        mm_reclaim();
        for (size_t offset = 1; offset < more[i]; offset += more[i] / 7) {
            struct mm_what what = arena_what(p + offset);

            assert_int_equal(what.kind, MM_FREE_PAGE);
            assert_int_equal(what.serial, 0);
            assert_int_equal(what.around.serial, serial);
            assert_int_equal(what.around.asked, more[i]);
            assert_ptr_equal((void *)what.around_start, p);
            assert_non_null(what.around.freed_by);
        }
        assert_int_equal(arena_what(p).around.serial, 0);       /* it is the start itself */
        p = kmalloc(more[i], GFP_KERNEL);
        assert_int_equal(arena_what(p + 1).around.serial, 0);   /* live again */
        kfree(p);
    }
}

/* The same pages are a slab again, of the same size or of another. */
static void it_is_known_in_the_next_slab_as_well(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZES; i++)
        for (size_t k = 0; k < SIZES; k++) {
            void *p[2], *next;

            arena_open(100, 0);
            p[0] = kmalloc(sizes[i], GFP_KERNEL);
            p[1] = kmalloc(sizes[i], GFP_KERNEL);
            kfree(p[0]);
            kfree(p[1]);
            mm_reclaim();
            next = kmalloc(sizes[k], GFP_KERNEL);

            struct mm_what what = arena_what(p[1]);

            if (what.kind == MM_SLAB_FREE || what.kind == MM_SLAB_REST ||
                what.kind == MM_FREE_PAGE)
                assert_double_free(p[1], sizes[i]);
            else
                assert_int_equal(what.before.asked, sizes[i]);  /* inside the next */
            kfree(next);
        }
}

/* Of two lives at an address it is the later one, wherever each is recorded. */
static void the_later_of_two_lives_is_told(void **state)
{
    void *first, *p;
    unsigned same = 0;

    (void)state;
    for (size_t i = 0; i < SIZES; i++)
        for (size_t k = 0; k < SIZES; k++) {
            arena_open(100, 0);
            first = kmalloc(sizes[i], GFP_KERNEL);
            kfree(first);
            mm_reclaim();
            p = kmalloc(sizes[k], GFP_KERNEL);
            kfree(p);
            mm_reclaim();
            assert_int_equal(arena_what(p).serial, 2);
            assert_double_free(p, sizes[k]);
            same += p == first;
        }
    assert_true(same > SIZES);
}

/* A page that was handed out whole, and is a slot's now. */
static void pages_of_a_former_block_are_known_in_a_slab(void **state)
{
    void *page[16], *p;

    (void)state;
    arena_open(100, 0);
    for (size_t i = 0; i < 16; i++)
        page[i] = (void *)__get_free_page(GFP_KERNEL);
    for (size_t i = 0; i < 16; i++)
        free_page((unsigned long)page[i]);
    p = kmalloc(8192, GFP_KERNEL);
    for (size_t i = 0; i < 16; i++) {
        struct mm_what what = arena_what(page[i]);

        assert_int_equal(page[i] == p ? what.asked : what.serial ? what.serial
                                                   : what.before.serial,
                         page[i] == p ? 8192 : i + 1);
    }
    kfree(p);
}

/* What was never handed out is not said to have been. */
static void what_had_no_life_has_none(void **state)
{
    char *p, *keeps;

    (void)state;
    keeps = kmalloc(64, GFP_KERNEL);
    p = kmalloc(64, GFP_KERNEL);
    kfree(p);
    kfree(p + 64);
    assert_int_equal(expect_report(MM_BUG_NOT_ALLOCATED)->what.before.serial, 0);
    kfree(p + 8);
    assert_int_equal(expect_report(MM_BUG_INTERIOR)->what.before.serial, 0);
    kfree(keeps);
    mm_reclaim();
    kfree(p + 8);
    assert_int_equal(expect_report(MM_BUG_DOUBLE_FREE)->what.serial, 0);
    assert_null(arena_what(p + 64).taken_by);
}

/* There is room for so many: what was lost is not known, but that there was something. */
static void the_oldest_are_forgotten_and_no_more_is_said(void **state)
{
    enum { MANY = 3000 };
    static void *p[MANY];
    uint32_t known = 0;

    (void)state;
    for (uint32_t i = 0; i < MANY; i++)
        p[i] = kmalloc(24, GFP_KERNEL);
    for (uint32_t i = 0; i < MANY; i++)
        kfree(p[i]);
    mm_reclaim();
    for (uint32_t i = 0; i < MANY; i++) {
        struct mm_what what = arena_what(p[i]);

        assert_true(what.used_before);
        if (what.serial) {
            known++;
            assert_int_equal(what.serial, i + 1);
            assert_non_null(what.freed_by);
        }
    }
    assert_in_range(known, 500, MANY - 1);
}

/* ---- asked while a slab goes ------------------------------------------------------- */

enum { NEIGHBOURS = 10 };

static char *only;

/* Where the records of its slab will be left lie those of another, from another heap. */
static void only_one_of_a_slab_was_handed_out(void)
{
    void *p[NEIGHBOURS];

    arena_open(64, 0);
    for (int i = 0; i < NEIGHBOURS; i++)
        p[i] = kmalloc(64, GFP_KERNEL);
    for (int i = 0; i < NEIGHBOURS; i++)
        kfree(p[i]);
    mm_reclaim();
    arena_open(64, 0);
    only = kmalloc(64, GFP_KERNEL);
    kfree(only);
}

static void reclaim(void) { mm_reclaim(); }

static void ask_in_handler(void)
{
    mm_state |= MM_IRQ;
    for (int i = 0; i < NEIGHBOURS; i++) {
        struct mm_what what = arena_what(only + i * 64);

        assert_int_equal(what.serial, i == 0);
        assert_int_equal(what.before.serial, 0);
    }
    mm_state &= ~MM_IRQ;
}

static void an_interrupt_is_told_the_truth_while_a_slab_goes(void **state)
{
    unsigned asked = 0, stops;

    (void)state;
    step_open();
    only_one_of_a_slab_was_handed_out();
    stops = step_trace(reclaim, 1);
    for (unsigned stop = 0; stop < stops; stop++) {
        only_one_of_a_slab_was_handed_out();
        asked += step_run(stop, reclaim, ask_in_handler);
    }
    step_close();
    assert_true(asked > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(every_object_of_a_slab_that_went_is_known),
        ARENA_TEST(what_was_around_a_byte_of_free_memory_is_known),
        ARENA_TEST(it_is_known_in_the_next_slab_as_well),
        ARENA_TEST(the_later_of_two_lives_is_told),
        ARENA_TEST(pages_of_a_former_block_are_known_in_a_slab),
        ARENA_TEST(what_had_no_life_has_none),
        ARENA_TEST(an_interrupt_is_told_the_truth_while_a_slab_goes),
        ARENA_TEST(the_oldest_are_forgotten_and_no_more_is_said),
    };

    return ARENA_RUN(tests);
}
