/*
 * buddy_check.c - the teacher's: one test of area_free after the other, by command.
 *
 * A test returns NULL, or in words what is wrong.  A4 is looked at where joining is the
 * question, so that a free that joins nothing can do the rest well.
 */
#include "kernel/lessons/lesson.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "tests/labs/buddy/buddy_books.h"

enum { MEMORY_ORDER = 9, LARGE = 1 << LARGEST };

static struct area *const area = &books_area;

/* All four rules. */
static const char *any_fault(void)
{
    const char *fault = books_fault();

    return fault ? fault : books_joined_fault();
}

/* ---- tests -------------------------------------------------------------- */

static const char *test_back(void)
{
    const char *fault = NULL;

    books_begin(LARGE);
    for (int round = 0; round < 3 && fault == NULL; round++) {
        fault = books_take_all(0);
        if (fault == NULL)
            fault = books_give_all();
    }
    return fault;
}

/* Give back a page: then a free block of that order begins at page `head`. */
struct step {
    uint32_t page, head;
    unsigned order;
};

static const char *take_steps(const struct step *step, const struct step *end)
{
    for (; step < end; step++) {
        const struct frame *head = &area->frame[step->head];
        const char *fault = books_give(step->page);

        if (fault == NULL)
            fault = books_fault();
        if (fault != NULL)
            return fault;
        if (head->kind != FREE || head->order != step->order)
            return books_say("page %u was freed: no free block of order %u at page %u",
                             (unsigned)step->page, step->order, (unsigned)step->head);
    }
    return NULL;
}

static const char *test_joins(void)
{
    static const struct step steps[] = {
        { 6, 6, 0 }, { 7, 6, 1 },       /* with the one below */
        { 9, 9, 0 }, { 8, 8, 1 },       /* with the one above */
        { 10, 10, 0 }, { 11, 8, 2 },    /* and then the pair with another pair */
        { 5, 5, 0 }, { 4, 4, 2 },
    };
    const char *fault;

    books_begin(LARGE);
    fault = books_take_all(0);
    return fault ? fault : take_steps(steps, steps + sizeof(steps) / sizeof(*steps));
}

/* 18 is taken as a pair, given back, and taken again as two pages. */
static const char *test_apart(void)
{
    static const struct step steps[] = {
        { 22, 22, 1 }, { 24, 24, 1 },   /* neighbours, and no buddies */
        { 18, 18, 0 }, { 16, 16, 1 },   /* buddies, but 19 is in use */
    };
    const char *fault;
    uint32_t page;

    books_begin(LARGE);
    fault = books_take_all(1);
    if (fault == NULL)
        fault = books_give(18);
    for (int i = 0; i < 2 && fault == NULL; i++)
        fault = books_take(0, &page);
    return fault ? fault : take_steps(steps, steps + sizeof(steps) / sizeof(*steps));
}

static const char *test_largest(void)
{
    const char *fault;

    books_begin(7 * LARGE);
    fault = books_take_all(0);
    if (fault == NULL)
        fault = books_give_all();
    return fault ? fault : books_joined_fault();
}

/* Of 500 pages the last blocks have 32, 16 and 4.  From the end on. */
static const char *test_end(void)
{
    const char *fault;

    books_begin(500);
    fault = books_take_all(0);
    for (uint32_t page = area->npages; page-- > 0 && fault == NULL; ) {
        fault = books_give(page);
        if (fault == NULL)
            fault = books_fault();
    }
    return fault ? fault : books_joined_fault();
}

/* All pages of the area are used, 0 to 3 in one block, the others singly. */
static const char *take_four_and_singles(void)
{
    const char *fault;
    uint32_t page;

    books_begin(LARGE);
    fault = books_take_all(2);
    for (page = 4; page < LARGE && fault == NULL; page += 4)
        fault = books_give(page);
    for (page = 0; page != NO_PAGE && fault == NULL; )
        fault = books_take(0, &page);
    return fault;
}

/* Addresses in a page whose block is in use. */
static const char *refuse_offsets(unsigned char *page)
{
    static const uint32_t offsets[] = { 1, 4, 8, 16, 64, 512, PAGE_SIZE / 2, PAGE_SIZE - 1 };
    const char *fault = NULL;

    for (unsigned i = 0; i < sizeof(offsets) / sizeof(*offsets) && fault == NULL; i++)
        fault = books_refuse(page + offsets[i], "the middle of a page");
    return fault;
}

static const char *test_refused(void)
{
    const char *fault = take_four_and_singles();
    struct { void *block; const char *what; } bad[] = {
        { books_address(1), "the second page of a block" },
        { books_address(3), "the last page of a block" },
        { books_address(9), "a page that is free" },
        { books_address(40), "a page that is free" },
        { books_address(41), "a page in a free block" },
        { area->start - PAGE_SIZE, "the page below the area" },
        { books_address(area->npages), "the page behind the area" },
        { books_address(1 << 18), "a page far behind the area" },
        { NULL, "no address" },
        { area, "an address that is no page's" },
        { (void *)0xfffff000, "the last page of all" },
    };

    books_lead_astray(USED, 0);
    for (uint32_t page = 40; page < 42 && fault == NULL; page++)
        fault = books_give(page);
    if (fault == NULL)
        fault = books_give(9);
    if (fault == NULL)
        fault = refuse_offsets(books_address(0));
    if (fault == NULL)
        fault = refuse_offsets(books_address(5));
    for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad) && fault == NULL; i++)
        fault = books_refuse(bad[i].block, bad[i].what);
    return fault ? fault : books_give_all();
}

/* ---- at random ---------------------------------------------------------- */

enum { STEPS = 1000 };

static uint32_t random_state;

static uint32_t draw(uint32_t below)
{
    return lesson_draw(&random_state, 0, below - 1);
}

/* Give back the first that is held from a random page on. */
static const char *give_any(void)
{
    uint32_t from = draw(area->npages);

    for (uint32_t i = 0; i < area->npages; i++)
        if (books_is_held((from + i) % area->npages))
            return books_give((from + i) % area->npages);
    return NULL;
}

/* An area of any size; small blocks are wanted more often than large ones. */
static const char *walk(uint32_t seed)
{
    const char *fault = NULL;
    uint32_t page;

    random_state = seed * 2654435769u | 1;
    books_begin(1 + draw(MOST_PAGES));
    for (int i = 0; i < STEPS && fault == NULL; i++) {
        if (draw(2))
            fault = books_take(draw(1 + draw(LARGEST + 1)), &page);
        else
            fault = give_any();
        if (fault == NULL)
            fault = any_fault();
    }
    if (fault == NULL)
        fault = books_give_all();
    return fault ? fault : books_joined_fault();
}

/* ---- how fast ----------------------------------------------------------- */

/*
 * What is counted: first every other page, of which none can join, and then those
 * between, all of which do.  Not static, so that the lab has no other of this name.
 */
bool buddy_check_frees(void);

__attribute__((noinline)) bool buddy_check_frees(void)
{
    bool all = true;

    for (uint32_t page = 0; page < MOST_PAGES; page += 2)
        all &= area_free(area, books_address(page));
    for (uint32_t page = 1; page < MOST_PAGES; page += 2)
        all &= area_free(area, books_address(page));
    return all;
}

static const char *test_fast(void)
{
    const char *fault;

    books_begin(MOST_PAGES);
    fault = books_take_all(0);
    if (fault != NULL)
        return fault;
    books_forget();
    if (!buddy_check_frees())
        return "a page was refused that had been handed out";
    return any_fault();
}

/* ---- the command -------------------------------------------------------- */

static const struct {
    const char *name;
    const char *(*run)(void);
} tests[] = {
    { "back", test_back }, { "joins", test_joins }, { "apart", test_apart },
    { "largest", test_largest }, { "end", test_end }, { "refused", test_refused },
    { "fast", test_fast },
};

static int tell(const char *name, const char *fault)
{
    kprintf("%s: %s\n", name, fault ? fault : "right");
    return fault ? SHELL_FAILED : SHELL_OK;
}

/* What is still held in the end must have what was written there. */
static int run_test(const char *name, uint32_t seed)
{
    const char *fault;
    unsigned i = 0;

    if (strcmp(name, "walk") == 0) {
        fault = walk(seed);
    } else {
        while (i < sizeof(tests) / sizeof(*tests) && strcmp(name, tests[i].name) != 0)
            i++;
        if (i == sizeof(tests) / sizeof(*tests))
            return shell_usage("there is no test %s", name);
        fault = tests[i].run();
    }
    return tell(name, fault ? fault : books_contents_fault());
}

/* With pages to do it with, which are given back. */
static int run(const char *name, uint32_t seed)
{
    int status;

    area->start = (unsigned char *)__get_free_pages(GFP_KERNEL, MEMORY_ORDER);
    if (area->start == NULL)
        return SHELL_FAILED;
    status = run_test(name, seed);
    free_pages((unsigned long)area->start, MEMORY_ORDER);
    return status;
}

static int cmd_buddy(int argc, char **argv)
{
    bool walks = argc > 1 && strcmp(argv[1], "walk") == 0;
    uint32_t seed = 0;

    if (argc != (walks ? 3 : 2))
        return shell_usage("one of these is missing");
    if (walks && !shell_number(argv[2], "SEED", &seed))
        return SHELL_USAGE;
    return run(argv[1], seed);
}

SHELL_COMMAND(buddy, "back|joins|apart|largest|end|refused|walk SEED|fast",
              "one test of the lab's area_free", cmd_buddy);
