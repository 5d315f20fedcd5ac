/*
 * test_model.c - random operations against the model (model.h): with plenty of
 * memory, with memory that runs out, with hardly any.  And the model itself: whatever
 * is broken behind its back, it says so.
 */
#include "tests/hosted/arena.h"
#include "tests/hosted/model_priv.h"
#include "tests/hosted/stream.h"

#include <string.h>

/* ---- runs -------------------------------------------------------------------- */

static void fail_test(const char *what)
{
    fail_msg("%s", what);
}

/*
 * All is checked after each operation; in the program with sanitizers, which does the same
 * ones several times slower, after so many.
 */
#define CHECK_EVERY (sizeof(void *) == 4 ? 1u : 4u)

/* Random operations in one range. */
static void run(uint32_t first, uint32_t pages, bool records, uint32_t steps)
{
    struct mm_range range = model_range(first, pages);
    struct model_mode mode = { .steps = steps, .check_every = CHECK_EVERY };
    struct model_stream stream = { NULL, NULL, stream_random };

    model_failed = fail_test;
    model_run_in(&range, 1, records, &stream, &mode);
    assert_int_equal(model_counts.steps, steps);
}

static void plenty_of_memory(void **state)
{
    (void)state;
    run(100, 4000, true, 8000);
    assert_true(model_counts.kmallocs > 4000);
    assert_true(model_counts.pages_allocated > 300);
    assert_true(model_counts.refused > 300);
}

static void memory_that_runs_out(void **state)
{
    (void)state;
    run(950, 160, true, 20000);
    assert_true(model_counts.failed > 1000);
    assert_true(model_counts.kmallocs > 4000);
}

static void memory_that_runs_out_without_records(void **state)
{
    (void)state;
    run(3, 130, false, 20000);
    assert_true(model_counts.failed > 1000);
    assert_true(model_counts.kmallocs > 4000);
}

static void hardly_any_memory(void **state)
{
    (void)state;
    for (uint32_t n = 20; n < 40; n++)
        run(n * 31, n, n % 2, 1000);
}

/* Where ranges begin and end, with holes and overlaps, is up to the bytes, too. */
static void memory_of_any_shape(void **state)
{
    struct model_mode mode = { .steps = 300, .check_every = CHECK_EVERY };
    struct model_stream stream = { NULL, NULL, stream_random };

    (void)state;
    model_failed = fail_test;
    for (int i = 0; i < 100; i++)
        model_run(&stream, &mode);
}

static void light_runs_are_the_same_operations(void **state)
{
    struct model_mode mode = { .steps = 50000, .check_every = 10000, .light = true };
    struct model_stream stream = { NULL, NULL, stream_random };
    struct mm_range range = model_range(7, 500);

    (void)state;
    model_failed = fail_test;
    model_run_in(&range, 1, true, &stream, &mode);
    assert_true(model_counts.kmallocs > 10000);
    assert_true(model_counts.refused > 2000);
}

/* ---- what the model must find ------------------------------------------------ */

#define BREAK_AT 500            /* the operation before which something is broken */

static const char *found;
static jmp_buf out_of_model;

/* The same bytes whatever the seed: which operation comes next is no chance here. */
static void more_of_the_same(struct model_stream *stream)
{
    static uint8_t bytes[256];
    static uint32_t state;

    if (!stream->next)
        state = 1;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        state ^= state << 13;   /* Marsaglia, Xorshift RNGs, 2003 */
        state ^= state >> 17;
        state ^= state << 5;
        bytes[i] = (uint8_t)(state >> 24);
    }
    stream->next = bytes;
    stream->end = bytes + sizeof(bytes);
}

static void keep_what_is_found(const char *what)
{
    static char text[400];

    strncpy(text, what, sizeof(text) - 1);
    found = text;
    longjmp(out_of_model, 1);
}

/* A run in which `break_it` is called once, ends with the model saying `what`. */
static void expect_found(void (*break_it)(uint32_t step), const char *what, bool light)
{
    struct mm_range range = model_range(0, 2000);
    struct model_mode mode = { .steps = 3000, .check_every = 1, .light = light };
    struct model_stream stream = { NULL, NULL, more_of_the_same };

    found = "nothing";
    model_failed = keep_what_is_found;
    model_before_step = break_it;
    if (setjmp(out_of_model) == 0)
        model_run_in(&range, 1, true, &stream, &mode);
    model_before_step = NULL;
    mm_state = 0;
    if (!strstr(found, what))
        fail_msg("found: %s; should be found: %s", found, what);
}

/* The first entry of the table with a thing of that kind. */
static struct thing *some(enum kind kind)
{
    struct thing *thing = model.things;

    while (thing->kind != kind || thing->size < 8)
        assert_true(++thing < model.things + THINGS);
    return thing;
}

static void change_a_byte_in_the_middle(uint32_t step)
{
    if (step == BREAK_AT)
        some(OBJECT)->p[some(OBJECT)->size / 2] ^= 1;
}

static void change_the_last_byte(uint32_t step)
{
    if (step == BREAK_AT)
        some(OBJECT)->p[some(OBJECT)->size - 1] ^= 1;
}

static void free_an_object(uint32_t step)
{
    if (step == BREAK_AT)
        kfree(some(OBJECT)->p);
}

static void take_an_object(uint32_t step)
{
    if (step == BREAK_AT)
        assert_non_null(kmalloc(50, GFP_KERNEL));
}

static void take_a_page(uint32_t step)
{
    if (step == BREAK_AT)
        assert_int_not_equal(__get_free_page(GFP_KERNEL), 0);
}

static void resize_an_object(uint32_t step)
{
    if (step == BREAK_AT)
        assert_non_null(krealloc(some(OBJECT)->p, 1, GFP_KERNEL));
}

/* Another one stands in its place: only its record tells. */
static void exchange_an_object(uint32_t step)
{
    if (step != BREAK_AT)
        return;
    some(OBJECT)->serial++;
    compare_all();
}

static void forget_an_object(uint32_t step)
{
    if (step != BREAK_AT)
        return;
    some(OBJECT)->kind = NOTHING;
    compare_all();
}

static void report_too_much(uint32_t step)
{
    if (step == BREAK_AT)
        kfree(&found);
}

static void report_nothing(uint32_t step)
{
    if (step == BREAK_AT)
        mm_report_hook = NULL;
}

static void leave_a_bit_in_mm_state(uint32_t step)
{
    if (step == BREAK_AT)
        mm_state |= MM_IRQ;          /* there is no interrupt */
}

static void give_it_twice(uint32_t step)
{
    struct thing *thing = &model.things[255];

    if (step != BREAK_AT)
        return;
    if (thing->kind)
        give_back_thing(thing);
    enter(thing, some(PAGES)->p, 1, PAGES, 0);
}

static void give_what_is_not_ours(uint32_t step)
{
    if (step == BREAK_AT)
        enter(&model.things[255], ground() + 2000 * PAGE_SIZE, 1, PAGES, 0);
}

static void fail_for_nothing(uint32_t step)
{
    if (step == BREAK_AT)
        judge_take(NULL, GFP_NOWAIT | __GFP_NOWARN, false, 0);
}

static void succeed_in_an_interrupt(uint32_t step)
{
    if (step != BREAK_AT)
        return;
    model.state = MM_IRQ;
    judge_take(&found, GFP_KERNEL, false, 0);
}

static void the_model_finds_what_is_broken(void **state)
{
    (void)state;
    expect_found(change_a_byte_in_the_middle, "were overwritten", false);
    expect_found(change_the_last_byte, "were overwritten", false);
    expect_found(change_the_last_byte, "were overwritten", true);
    expect_found(free_an_object, "kfrees is", false);
    expect_found(take_an_object, "kmallocs is", false);
    expect_found(take_a_page, "pages_allocated is", false);
    expect_found(resize_an_object, "live_bytes is", false);
    expect_found(exchange_an_object, "not true: what->serial", false);
    expect_found(forget_an_object, "is live, and nobody has it", false);
    expect_found(report_too_much, " reports, the last ", false);
    expect_found(report_nothing, "no report", false);
    expect_found(leave_a_bit_in_mm_state, "mm_state is", false);
    expect_found(give_it_twice, "overlap", false);
    expect_found(give_what_is_not_ours, "not true: is_given", false);
    expect_found(fail_for_nothing, "with free pages", false);
    expect_found(succeed_in_an_interrupt, "memory, where it should be", false);
}

static void nothing_broken(uint32_t step) { (void)step; }

static void the_model_finds_nothing_where_nothing_is_broken(void **state)
{
    (void)state;
    expect_found(nothing_broken, "nothing", false);
    expect_found(nothing_broken, "nothing", true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(plenty_of_memory),
        ARENA_TEST(memory_that_runs_out),
        ARENA_TEST(memory_that_runs_out_without_records),
        ARENA_TEST(hardly_any_memory),
        ARENA_TEST(memory_of_any_shape),
        ARENA_TEST(light_runs_are_the_same_operations),
        ARENA_TEST(the_model_finds_what_is_broken),
        ARENA_TEST(the_model_finds_nothing_where_nothing_is_broken),
    };

    return ARENA_RUN_WITH_DIALS(tests);
}
