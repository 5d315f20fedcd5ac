/*
 * slab_check.c - the teacher's: one test of item_alloc and item_free after the other.
 *
 * A test returns NULL, or in words what is wrong.
 */
#include "kernel/lessons/lesson.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "tests/labs/slab/slab_items.h"

enum { SOME = 1200, PAGES_OF_SOME = 10, FEW = 50, PAIRS = 1000 };

/* ---- tests -------------------------------------------------------------- */

static const char *test_works(void)
{
    const char *fault = items_take_many(FEW);

    return fault ? fault : items_give_all();
}

static const char *take_densely(void)
{
    const char *fault = items_take_many(SOME);

    if (fault == NULL && items_pages_taken() > PAGES_OF_SOME)
        return items_say("%u items took %u pages: %u are enough", SOME,
                         (unsigned)items_pages_taken(), PAGES_OF_SOME);
    return fault;
}

static const char *test_dense(void)
{
    const char *fault = take_densely();

    return fault ? fault : items_give_all();
}

/* One of two is given back; then there is room for as many. */
static const char *test_again(void)
{
    const char *fault = take_densely();

    for (unsigned i = SOME / 2; i > 0 && fault == NULL; i--)
        fault = items_give(2 * i - 2);
    if (fault == NULL)
        fault = take_densely();
    return fault ? fault : items_give_all();
}

/* Upwards, so that one page after the other gets empty. */
static const char *test_empty(void)
{
    const char *fault = take_densely();

    for (unsigned i = 0; i < SOME && fault == NULL; i++) {
        void *item = items.held[i].item;

        items.held[i] = items.held[SOME - 1];   /* which is the last to go */
        if (!item_free(item))
            return items_say("item %p is in use, and was refused", item);
        if (i % FEW == 0)
            fault = items_pages_fault();
    }
    items.n = 0;
    return fault ? fault : items_pages_fault();
}

/* As many as one can get, which is less if there is no memory. */
static const char *take_and_give(unsigned n, bool *got_all)
{
    const char *fault = NULL;
    void *item = NULL;

    while (items.n < n && fault == NULL && (item = item_alloc()) != NULL)
        fault = items_hold(item);
    *got_all = items.n == n;
    if (fault == NULL)
        fault = items_fault();
    return fault ? fault : items_give_all();
}

/* ---- bad frees ---------------------------------------------------------- */

static const char *refuse(void *address, const char *what)
{
    if (item_free(address))
        return items_say("%s (%p) was not refused", what, address);
    return NULL;
}

/* All addresses in an item but the first; and its page, if no item begins there. */
static const char *refuse_around(unsigned char *item)
{
    void *start = (void *)((uintptr_t)item & ~(PAGE_SIZE - 1));
    const char *fault = NULL;

    if (!items_is_held(start))
        fault = refuse(start, "the page of an item");
    for (unsigned i = 1; i < ITEM_BYTES && fault == NULL; i++)
        fault = refuse(item + i, "the middle of an item");
    return fault;
}

/* Addresses that are no items, around one that is held, and elsewhere. */
static const char *refuse_addresses(unsigned char *item, unsigned char *copy)
{
    uintptr_t start = (uintptr_t)item & ~(PAGE_SIZE - 1);
    int local = 0;
    const struct { void *address; const char *what; } bad[] = {
        { (void *)(start + PAGE_SIZE - ITEM_BYTES / 2), "the end of a page" },
        { NULL, "no address" },
        { (void *)16, "address 16" },
        { items.foreign, "an object of kmalloc" },
        { (void *)test_works, "a function" },
        { &local, "a variable on the stack" },
        { &items, "another variable" },
        { copy, "a page of somebody else" },
        { copy + ((uintptr_t)item - start), "the copy of an item, in another page" },
        { (void *)0xfffff000, "the last page of all" },
    };
    const char *fault = refuse_around(item);

    memcpy(copy, (void *)start, PAGE_SIZE);
    for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad) && fault == NULL; i++)
        fault = refuse(bad[i].address, bad[i].what);
    return fault;
}

/* An item that has the bytes of a free one is in use all the same. */
static const char *looks_free(const void *freed)
{
    struct item *one = &items.held[0];

    memcpy(one->item, freed, ITEM_BYTES);
    if (!item_free(one->item))
        return "an item that looks like a free one was refused";
    items.held[0] = items.held[--items.n];
    return NULL;
}

/* Some are freed, and then freed again, at once and later; and their pages are gone. */
static const char *refuse_freed(void)
{
    static void *freed[SOME];
    const char *fault = NULL;
    unsigned n = 0;

    while (items.n > FEW && fault == NULL) {
        freed[n] = items.held[items.n - 1].item;
        fault = items_give(items.n - 1);
        if (fault == NULL)
            fault = refuse(freed[n++], "what was just freed");
    }
    for (unsigned i = 0; i < n && fault == NULL; i++)
        fault = refuse(freed[i], "what was freed before");
    if (fault == NULL)
        fault = looks_free(freed[n - 1]);
    return fault;
}

/* Nothing may have changed: there is room for the same items in the same pages. */
static const char *test_refused(void)
{
    unsigned char *copy = (unsigned char *)__get_free_page(GFP_KERNEL);
    const char *fault = copy != NULL ? items_take_many(SOME) : "no page for the test";

    if (fault == NULL)
        fault = refuse_addresses((unsigned char *)items.held[FEW / 2].item, copy);
    if (fault == NULL)
        fault = refuse_freed();
    free_page((unsigned long)copy);
    if (fault == NULL)
        fault = items_take_many(SOME);
    return fault ? fault : items_give_all();
}

/* ---- at random ---------------------------------------------------------- */

enum { STEPS = 4000, LOOK_EACH = 50, TIDE = 1000 };

static uint32_t random_state;

static uint32_t draw(uint32_t below)
{
    return lesson_draw(&random_state, 0, below - 1);
}

/* In turn more are taken than given, and fewer. */
static const char *walk(uint32_t seed)
{
    const char *fault = NULL;

    random_state = seed * 2654435769u | 1;
    for (int i = 0; i < STEPS && fault == NULL; i++) {
        bool takes = draw(10) < (i / TIDE % 2 ? 2 : 8);

        if (takes && items.n < MOST_ITEMS)
            fault = items_take();
        else if (items.n > 0)
            fault = items_give(draw(items.n));
        if (fault == NULL && i % LOOK_EACH == 0)
            fault = items_fault();
        if (fault == NULL && i % LOOK_EACH == 0)
            fault = items_pages_fault();
    }
    if (fault == NULL)
        fault = items_give_all();
    return fault ? fault : items_pages_fault();
}

/* ---- how fast ----------------------------------------------------------- */

/* Where the next item needs a page, and where there is none, one item to and fro. */
static const char *test_edge(void)
{
    const char *fault = items_take();
    uint32_t before = items_pages_taken();

    while (items.n < SOME && fault == NULL && items_pages_taken() == before)
        fault = items_take();
    before = items_pages_taken();
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < PAIRS && fault == NULL; i++) {
            fault = items_give(items.n - 1);
            if (fault == NULL)
                fault = items_take();
        }
        while (items.n > 1 && fault == NULL)
            fault = items_give(items.n - 1);
    }
    if (fault == NULL && items_pages_taken() - before > 2)
        return items_say("%u times one item to and fro took %u pages", 2 * PAIRS,
                         (unsigned)(items_pages_taken() - before));
    return fault ? fault : items_give_all();
}

enum { STEP = 2017, STEADY = 2 * MOST_ITEMS };  /* by such steps one comes to each */

/* What is counted.  Not static, so that the lab has no others of these names. */
bool slab_check_batch(void);
bool slab_check_steady(void);

/* Six thousand are taken; then they are given back, but not in that order. */
__attribute__((noinline)) bool slab_check_batch(void)
{
    bool right = true;

    for (unsigned i = 0; i < MOST_ITEMS; i++) {
        items.held[i].item = item_alloc();
        if (items.held[i].item == NULL)
            return false;
        *items.held[i].item = i;
    }
    for (unsigned i = 0, at = 0; i < MOST_ITEMS; i++, at = (at + STEP) % MOST_ITEMS) {
        right &= *items.held[at].item == at;
        right &= item_free(items.held[at].item);
    }
    return right;
}

/* Of six thousand one is given back and another one taken, and so on. */
__attribute__((noinline)) bool slab_check_steady(void)
{
    bool right = true;

    for (unsigned i = 0, at = 0; i < STEADY; i++, at = (at + STEP) % MOST_ITEMS) {
        right &= item_free(items.held[at].item);
        items.held[at].item = item_alloc();
        if (items.held[at].item == NULL)
            return false;
    }
    for (unsigned i = 0; i < MOST_ITEMS; i++)
        right &= item_free(items.held[i].item);
    return right;
}

static const char *test_batch(void)
{
    if (!slab_check_batch())
        return "an item was refused, or is another one's, too";
    return NULL;
}

static const char *test_steady(void)
{
    const char *fault = items_take_many(MOST_ITEMS);

    if (fault != NULL)
        return fault;
    items.n = 0;
    if (!slab_check_steady())
        return "an item was refused, or there is none";
    return NULL;
}

/* ---- the command -------------------------------------------------------- */

static const struct {
    const char *name;
    const char *(*run)(void);
} tests[] = {
    { "works", test_works }, { "dense", test_dense }, { "again", test_again },
    { "empty", test_empty }, { "refused", test_refused }, { "edge", test_edge },
    { "batch", test_batch }, { "steady", test_steady },
};

static int tell(const char *name, const char *fault)
{
    kprintf("%s: %s\n", name, fault ? fault : "right");
    return fault ? SHELL_FAILED : SHELL_OK;
}

/* Without memory it fails, as it should; it says so only if something is wrong. */
static int run_some(void)
{
    bool got_all;
    const char *fault = take_and_give(SOME / 4, &got_all);

    if (fault != NULL)
        return tell("some", fault);
    return got_all ? SHELL_OK : SHELL_FAILED;
}

static int run(const char *name, uint32_t seed)
{
    if (strcmp(name, "walk") == 0)
        return tell(name, walk(seed));
    if (strcmp(name, "some") == 0)
        return run_some();
    for (unsigned i = 0; i < sizeof(tests) / sizeof(*tests); i++)
        if (strcmp(name, tests[i].name) == 0)
            return tell(name, tests[i].run());
    return shell_usage("there is no test %s", name);
}

static int cmd_slab(int argc, char **argv)
{
    bool walks = argc > 1 && strcmp(argv[1], "walk") == 0;
    uint32_t seed = 0;
    int status = SHELL_FAILED;

    if (argc != (walks ? 3 : 2))
        return shell_usage("one of these is missing");
    if (walks && !shell_number(argv[2], "SEED", &seed))
        return SHELL_USAGE;
    if (items_begin())
        status = run(argv[1], seed);
    items_end();
    return status;
}

SHELL_COMMAND(slab, "works|dense|again|empty|some|refused|walk SEED|edge|batch|steady",
              "one test of the lab's items", cmd_slab);
