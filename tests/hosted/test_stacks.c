/*
 * test_stacks.c - the table of call stacks (slub_debug=U), until it is full and beyond.
 * Nothing empties it, so this needs a program of its own.
 */
#include "mm/heap_priv.h"
#include "tests/hosted/arena.h"

#include <string.h>

#define ROOM 512u

static uintptr_t calls[MM_STACK_FRAMES];
static unsigned depth;
static uint32_t made;           /* different stacks so far */

static unsigned give_calls(uintptr_t *frames, unsigned max)
{
    assert_true(depth <= max);
    memcpy(frames, calls, depth * sizeof(frames[0]));
    return depth;
}

/* The site of an allocation by the calls there are now. */
static const struct alloc_site *take(void)
{
    return arena_what(kmalloc(8, GFP_KERNEL)).taken_by;
}

static void assert_calls(const struct alloc_site *site)
{
    unsigned n = 99;
    const uintptr_t *frames = mm_site_stack(site, &n);

    assert_int_equal(n, depth);
    assert_non_null(frames);
    assert_memory_equal(frames, calls, depth * sizeof(calls[0]));
}

static uint32_t listed(void)
{
    uint32_t n = 0;

    for (struct alloc_site *s = mm_next_site(mm_sites_end() - 1); s; s = mm_next_site(s))
        n++;
    return n;
}

/* A stack that was not there before: it gets a site of its own, and keeps it. */
static void assert_new(void)
{
    const struct alloc_site *site = take();

    assert_calls(site);
    assert_int_equal(listed(), ++made);
    assert_ptr_equal(take(), site);
    assert_int_equal(listed(), made);
}

/* Which address, where in the stack, and how many: all of it counts. */
static void try_every_frame(void)
{
    for (unsigned i = 0; i < MM_STACK_FRAMES; i++)
        calls[i] = 0x1000 + i;
    for (depth = 1; depth <= MM_STACK_FRAMES; depth++)
        assert_new();
    depth = MM_STACK_FRAMES;
    for (unsigned i = 0; i < depth; i++) {
        calls[i] = 0x2000;
        assert_new();
        calls[i] = 0x1000 + i;
    }
    calls[0] = 0x1001, calls[1] = 0x1000;       /* in another order */
    assert_new();
}

/* A call that is like another one in all but one thing has no stack of that one's. */
static void assert_lost(const struct alloc_site *site)
{
    static uint32_t lost = 100;
    unsigned n = 99;

    assert_null(mm_site_stack(site, &n));
    assert_int_equal(n, 0);
    assert_int_equal(mm_stacks_lost(), ++lost);
}

/* Two calls that only their return addresses tell apart. */
static __attribute__((noinline)) const struct alloc_site *take_here(void)
{
    void *p = (kmalloc)(8, GFP_KERNEL);

    return arena_what(p).taken_by;
}

static __attribute__((noinline)) const struct alloc_site *take_there(void)
{
    void *p = (kmalloc)(16, GFP_KERNEL);

    return arena_what(p).taken_by;
}

static void no_call_gets_the_stack_of_another(void)
{
    const struct alloc_site *here;

    depth = 2;
    calls[0] = 0x3000, calls[1] = 0x1000;
    assert_calls(take());
    assert_lost(arena_what(kmalloc(8, GFP_KERNEL)).taken_by);   /* another line */
    depth = 1;
    assert_lost(take());
    depth = 2;
    calls[1] = 0x1001;
    assert_lost(take());
    calls[1] = 0x4000;
    here = take_here();
    assert_calls(here);
    assert_lost(take_there());
    assert_ptr_equal(take_here(), here);
}

static void equal_stacks_share_a_site_and_a_full_table_counts_the_rest(void **state)
{
    const struct alloc_site *first, *site;
    unsigned n = 99;

    (void)state;
    mm_stack_hook = give_calls;
    assert_null(mm_set_dial("slub_debug", "U"));
    assert_int_equal(listed(), 0);
    site = take();                              /* depth 0: nothing is known */
    assert_null(mm_site_stack(site, &n));
    assert_int_equal(n, 0);
    assert_null(mm_site_stack(NULL, &n));
    assert_null(mm_site_stack(mm_sites_end() - 1, &n));     /* the last plain one */
    try_every_frame();
    depth = 2;
    calls[0] = 0x3000, calls[1] = 0x4000;
    assert_calls(take_here());
    made++;
    calls[1] = 0x1000;
    first = take();
    made++;
    site = arena_what(kmalloc(8, GFP_KERNEL)).taken_by;     /* from another line */
    made++;
    assert_ptr_not_equal(site, first);
    assert_int_equal(listed(), made);
    for (uintptr_t i = 1; made < ROOM; i++) {
        calls[1] = i << (i % 20);
        calls[0] = i;
        assert_new();
    }
    assert_int_equal(mm_stacks_lost(), 0);
    for (uintptr_t i = 1; i <= 100; i++) {
        calls[0] = 0x100000 + i;
        assert_null(mm_site_stack(take(), &n));
        assert_int_equal(mm_stacks_lost(), i);
    }
    assert_int_equal(listed(), ROOM);
    calls[0] = 0x3000, calls[1] = 0x1000;
    assert_ptr_equal(take(), first);            /* it is still found */
    assert_int_equal(mm_stacks_lost(), 100);
    no_call_gets_the_stack_of_another();
    arena_check();
    mm_stack_hook = NULL;
}

/* A record with a number that no site and no stack has, from a stray write. */
static void a_number_behind_the_last_stack_is_nobodys(void **state)
{
    uint32_t last = (uint32_t)(mm_sites_end() - mm_sites()) + ROOM;
    struct page *page = alloc_page(GFP_KERNEL);
    struct record *record = &heap.record[page - heap.buddy.page];
    uint16_t was = record->site;

    (void)state;
    record->site = (uint16_t)last;
    assert_int_equal(arena_what(page_address(page)).taken_by->number, last);
    assert_null(mm_check());
    record->site = (uint16_t)(last + 1);
    assert_null(arena_what(page_address(page)).taken_by);
    assert_memory_equal(mm_check(), "M4: ", 4);
    record->site = was;
    __free_page(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(equal_stacks_share_a_site_and_a_full_table_counts_the_rest),
        ARENA_TEST(a_number_behind_the_last_stack_is_nobodys),  /* the table is full */
    };

    return ARENA_RUN(tests);
}
