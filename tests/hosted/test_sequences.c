/*
 * test_sequences.c - every sequence of up to eight calls of the page allocator, on a
 * heap of eight pages, against a model that only knows who has which page.
 *
 * There are 36 calls: take a block of order 0 to 3, and free any of the eight pages as
 * a block of order 0 to 3, which is right for live blocks and wrong for all else.  So
 * there are 36^8 sequences of eight calls, 2.8 million million.  Most of them lead to
 * states where others have been before, and from equal states all goes on equally: each
 * state is entered once, by the calls that first led there, and the 36 calls are tried
 * from it.
 *
 * Two states are equal if the same blocks are live, the same pages were handed out
 * before, and the free lists are the same.  The lists are not looked at; what they hand
 * out is, order by order, until nothing is left.
 */
#include "tests/hosted/arena.h"

#include <string.h>

enum { PAGES = 8, ORDERS = 4, CALLS = 8 };
enum { NO_BLOCK = ORDERS };     /* as an order */
enum { MAX_STATES = 4000 };

/* Who has which page. */
struct model {
    uint8_t block[PAGES];       /* order of the live block that starts here */
    uint8_t in_use[PAGES];      /* in a live block */
    uint8_t handed_out[PAGES];  /* was the first page of a block once */
};

struct call {
    bool is_free;
    unsigned order, page;       /* page: of a free */
};

/* All that what comes after depends on. */
struct view {
    struct model model;
    uint32_t free_blocks[ORDERS];
    uint8_t next[ORDERS][PAGES + 1];    /* pages in the order they are handed out */
};

struct state {
    struct view view;
    unsigned ncalls;            /* how it was reached first */
    struct call calls[CALLS];
};

static struct state states[MAX_STATES];
static unsigned nstates;

/* ---- a heap of eight pages --------------------------------------------------- */

static unsigned char *memory;

/* One free block of eight pages, behind those that mm takes for itself. */
static void open_eight_pages(void)
{
    static uint32_t meta;

    if (meta == 0) {
        arena_open(1u << MAX_PAGE_ORDER, 0);    /* page structs for as many pages */
        meta = arena_stats().meta_pages;
    }

    uint32_t offset = PAGES - meta % PAGES;

    arena_open(meta + PAGES, offset);
    memory = arena_memory() + (offset + meta) * PAGE_SIZE;
}

/* Number of the first page of a new block, or PAGES. */
static unsigned take(unsigned order)
{
    struct page *page = alloc_pages(GFP_KERNEL | __GFP_NOWARN, order);
    uintptr_t offset = (uintptr_t)page_address(page) - (uintptr_t)memory;

    if (!page)
        return PAGES;
    assert_true(offset < PAGES * PAGE_SIZE);
    return (unsigned)(offset / PAGE_SIZE);
}

/* ---- the model --------------------------------------------------------------- */

static bool is_room(const struct model *model, unsigned page, unsigned order)
{
    return all_bytes(&model->in_use[page], false, 1u << order);
}

static bool has_room(const struct model *model, unsigned order)
{
    for (unsigned page = 0; page < PAGES; page += 1u << order)
        if (is_room(model, page, order))
            return true;
    return false;
}

static bool is_right(const struct model *model, const struct call *call)
{
    return call->is_free ? model->block[call->page] == call->order
                         : has_room(model, call->order);
}

static enum mm_bug bug_of_free(const struct model *model, unsigned page)
{
    if (model->block[page] != NO_BLOCK)
        return MM_BUG_WRONG_ORDER;
    if (model->in_use[page])
        return MM_BUG_INTERIOR;
    return model->handed_out[page] ? MM_BUG_DOUBLE_FREE : MM_BUG_NOT_ALLOCATED;
}

static void take_in_model(struct model *model, unsigned page, unsigned order)
{
    assert_int_equal(page % (1u << order), 0);
    assert_true(is_room(model, page, order));
    memset(&model->in_use[page], true, 1u << order);
    model->block[page] = (uint8_t)order;
    model->handed_out[page] = true;
}

static void free_in_model(struct model *model, unsigned page)
{
    memset(&model->in_use[page], false, 1u << model->block[page]);
    model->block[page] = NO_BLOCK;
}

/* ---- one call, by both ------------------------------------------------------- */

static void do_take(struct model *model, unsigned order)
{
    bool room = has_room(model, order);
    unsigned page = take(order);

    assert_int_equal(page < PAGES, room);
    if (room)
        take_in_model(model, page, order);
}

static void do_free(struct model *model, const struct call *call)
{
    bool right = is_right(model, call);

    __free_pages(virt_to_page(memory + call->page * PAGE_SIZE), call->order);
    if (right)
        free_in_model(model, call->page);
    else
        expect_report(bug_of_free(model, call->page));
    expect_silence();
}

static void do_call(struct model *model, const struct call *call)
{
    if (call->is_free)
        do_free(model, call);
    else
        do_take(model, call->order);
}

/* The heap, and a model of it, after these calls. */
static struct model replay(const struct call *calls, unsigned n)
{
    struct model model = { { 0 }, { 0 }, { 0 } };

    memset(model.block, NO_BLOCK, sizeof(model.block));
    open_eight_pages();
    for (unsigned i = 0; i < n; i++)
        do_call(&model, &calls[i]);
    return model;
}

/* ---- states ------------------------------------------------------------------ */

static void assert_as_modelled(const struct model *model)
{
    uint32_t used = 0;

    arena_check();
    for (unsigned page = 0; page < PAGES; page++) {
        struct mm_what what = arena_what(memory + page * PAGE_SIZE);

        used += model->in_use[page];
        assert_int_equal(what.kind == MM_USED_PAGES, model->in_use[page]);
        if (model->block[page] != NO_BLOCK)
            assert_true(what.offset == 0 && what.order == model->block[page]);
    }
    assert_int_equal(arena_stats().live_pages, used);
}

/* What these calls lead to.  Looking takes all that is left, so it replays them. */
static struct view look(const struct call *calls, unsigned n)
{
    struct view view;

    memset(&view, 0, sizeof(view));
    for (unsigned order = 0; order < ORDERS; order++) {
        view.model = replay(calls, n);
        if (order == 0)
            assert_as_modelled(&view.model);
        view.free_blocks[order] = arena_stats().free_blocks[order];
        for (unsigned i = 0; i <= PAGES; i++)
            view.next[order][i] = (uint8_t)take(order);
    }
    return view;
}

static bool is_known(const struct view *view)
{
    for (unsigned i = 0; i < nstates; i++)
        if (memcmp(&states[i].view, view, sizeof(*view)) == 0)
            return true;
    return false;
}

/*
 * The call from this state: wrong frees change nothing, all others lead on.  When there
 * is no room, nobody has other pages than before, but free ones may have joined.
 */
static void try_call(const struct state *from, struct call call)
{
    struct state to = *from;
    bool right = is_right(&from->view.model, &call);

    to.calls[to.ncalls++] = call;
    to.view = look(to.calls, to.ncalls);
    if (!right)
        assert_memory_equal(&to.view.model, &from->view.model, sizeof(to.view.model));
    if (!right && call.is_free) {
        assert_memory_equal(&to.view, &from->view, sizeof(to.view));
    } else if (!is_known(&to.view)) {
        assert_true(nstates < MAX_STATES);
        states[nstates++] = to;
    }
}

static void try_all_calls(const struct state *from)
{
    for (unsigned order = 0; order < ORDERS; order++) {
        try_call(from, (struct call){ false, order, 0 });
        for (unsigned page = 0; page < PAGES; page++)
            try_call(from, (struct call){ true, order, page });
    }
}

static void every_sequence_of_eight_calls_does_as_the_model(void **state)
{
    (void)state;
    states[0].view = look(NULL, 0);
    assert_int_equal(states[0].view.free_blocks[ORDERS - 1], 1);
    nstates = 1;
    for (unsigned i = 0; i < nstates; i++)
        if (states[i].ncalls < CALLS)
            try_all_calls(&states[i]);
    print_message("  %u states\n", nstates);
    assert_in_range(nstates, 1000, MAX_STATES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(every_sequence_of_eight_calls_does_as_the_model),
    };

    return ARENA_RUN(tests);
}
