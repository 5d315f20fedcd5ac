/*
 * graph.c - things that hold each other, for the leak detective to sort.
 *
 *     graph list N     N nodes on a list that begins in `head`
 *     graph cut        the second node is unlinked, and forgotten
 *     graph members    ten nodes, linked through a member in their middle (`chain`)
 *     graph ring       three that hold each other, and nobody them
 *     graph tree       a parent with two children; the parent is forgotten
 *     graph pages      a block of pages, held by its struct page (`pages`)
 *     graph stack      an object that only the stack of a command knew
 *     graph inside     the same, and that command looks for leaks itself
 *     graph looks      the same, in text
 *     graph stale      a list is freed; objects in its memory, filled in part; one is lost
 *     graph partly     1,000 nodes on a list, not cleared, filled in part; 100 of them are
 *                      unlinked and forgotten, and their addresses told
 *     graph end        an object with a pointer to its end, where the next one, lost, begins
 *     graph text       a text that is the address of something lost (from 514 MiB on)
 *     graph ticking    a scan of 50,000, while each tick of the timer gives one back
 *     graph drop       all variables forget
 */
#include "kernel/cpu/timer.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/gfp.h"
#include "mm/slab.h"

struct link {
    struct link *next;
};

struct node {
    struct node *next;
    unsigned value;
    struct link link;
    char name[52];
};

enum { WORDS = 16, STALE = 40, PARTLY = 1000, UNLINKED = 100, TICKING = 50000 };
enum { BLOCK_ORDER = 10 };

static struct node *head;
static struct link *chain;
/* Nobody reads them: without volatile they would be optimized away, and hold nothing. */
static struct page *volatile pages;
static uintptr_t **volatile kept[STALE];
static char *volatile text;
static unsigned freed;                          /* by the handler */

static struct node *new_node(const char *name)
{
    struct node *node = kzalloc(sizeof(*node), GFP_KERNEL);

    if (node != NULL)
        strlcpy(node->name, name, sizeof(node->name));
    return node;
}

static int add(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct node *node = new_node("listed");

        if (node == NULL)
            return SHELL_FAILED;
        node->next = head;
        node->value = i;
        head = node;
    }
    return SHELL_OK;
}

static int cut(void)
{
    if (head == NULL || head->next == NULL)
        return SHELL_FAILED;
    head->next = head->next->next;
    return SHELL_OK;
}

static int link_members(void)
{
    for (unsigned i = 0; i < 10; i++) {
        struct node *node = new_node("linked");

        node->link.next = chain;
        chain = &node->link;
    }
    return SHELL_OK;
}

static int lose_ring(void)
{
    struct node *ring[3];

    for (int i = 0; i < 3; i++)
        ring[i] = new_node("ring");
    for (int i = 0; i < 3; i++)
        ring[i]->next = ring[(i + 1) % 3];
    return SHELL_OK;
}

static int lose_tree(void)
{
    struct node *parent = new_node("parent");

    parent->next = new_node("child");
    parent->link.next = (struct link *)(void *)new_node("child");
    return SHELL_OK;
}

static __attribute__((noinline)) int on_stack(const char *command)
{
    void *volatile only = new_node("local");
    int status = shell_run(command);

    return only != NULL ? status : SHELL_FAILED;
}

/* Each of the first ones points to the next; freed, their memory still does. */
static int make_stale(void)
{
    uintptr_t **before[STALE];

    for (unsigned i = 0; i < STALE; i++)
        before[i] = kmalloc(WORDS * sizeof(uintptr_t), GFP_KERNEL);
    for (unsigned i = 0; i < STALE; i++)
        for (unsigned word = 0; word < WORDS; word++)
            before[i][word] = (uintptr_t *)before[(i + word) % STALE];
    for (unsigned i = 0; i < STALE; i++)
        kfree(before[i]);
    for (unsigned i = 0; i < STALE; i++) {
        kept[i] = kmalloc(WORDS * sizeof(uintptr_t), GFP_KERNEL);
        kept[i][0] = NULL;
    }
    kept[STALE / 2] = NULL;                     /* lost */
    return SHELL_OK;
}

/* 37 has no factor of 1,000: so 100 of these are, strewn about. */
static bool is_unlinked(unsigned value) { return value * 37 % PARTLY < UNLINKED; }

/* Of each node the first two words are written, and no more. */
static int lose_of_partly_written(void)
{
    for (unsigned i = 0; i < PARTLY; i++) {
        struct node *node = kmalloc(sizeof(*node), GFP_KERNEL);

        node->next = head;
        node->value = i;
        head = node;
    }
    for (struct node *node = head; node != NULL; node = node->next)
        while (node->next != NULL && is_unlinked(node->next->value)) {
            kprintf("lost 0x%08x\n", (unsigned)(uintptr_t)node->next);
            node->next = node->next->next;
        }
    return SHELL_OK;
}

static int point_to_end(void)
{
    uintptr_t *buffer = kzalloc(64, GFP_KERNEL), *next = kzalloc(64, GFP_KERNEL);

    if (next != buffer + 64 / sizeof(*buffer))
        return SHELL_FAILED;
    buffer[2] = (uintptr_t)buffer;              /* where it begins, */
    buffer[3] = (uintptr_t)next;                /*   and ends */
    head = (struct node *)(void *)buffer;
    return SHELL_OK;
}

/* Blocks are taken and held until one has the address that the text is. */
static int point_by_text(void)
{
    const uintptr_t address = 0x24242424;       /* "$$$$" */
    uintptr_t **held = NULL, **block;

    while ((block = (uintptr_t **)__get_free_pages(GFP_KERNEL | __GFP_ZERO,
                                                   BLOCK_ORDER)) != NULL) {
        if (address - (uintptr_t)block < PAGE_SIZE << BLOCK_ORDER)
            break;
        *block = (uintptr_t *)(void *)held;
        held = block;
    }
    head = (struct node *)(void *)held;
    text = kzalloc(16, GFP_KERNEL);
    memset(text + 4, '$', 8);
    return block != NULL ? SHELL_OK : SHELL_FAILED;
}

static void free_one(void *unused)
{
    struct node *node = head;

    (void)unused;
    if (node == NULL)
        return;
    head = node->next;
    kfree(node);
    freed++;
}

static int scan_while_it_ticks(void)
{
    uint32_t before;

    if (add(TICKING) != SHELL_OK || !timer_every_tick(free_one, NULL))
        return SHELL_FAILED;
    freed = 0;
    before = timer_ticks();
    while (timer_ticks() == before || freed == 0)
        shell_run("kmemleak scan");
    timer_stop(free_one, NULL);
    kprintf("freed %u, %u left\n", freed, TICKING - freed);
    return SHELL_OK;
}

static int drop_all(void)
{
    head = NULL;
    text = NULL;
    chain = NULL;
    pages = NULL;
    return SHELL_OK;
}

static int hold_pages(void)
{
    pages = alloc_pages(GFP_KERNEL | __GFP_ZERO, 1);
    return pages != NULL ? SHELL_OK : SHELL_FAILED;
}

static int lose_local(void) { return on_stack(""); }
static int look_inside(void) { return on_stack("leaks -j"); }
static int look_in_text(void) { return on_stack("leaks"); }

static const struct shape {
    const char *name;
    int (*make)(void);
} shapes[] = {
    { "cut", cut }, { "members", link_members }, { "ring", lose_ring },
    { "tree", lose_tree }, { "pages", hold_pages }, { "stack", lose_local },
    { "inside", look_inside }, { "looks", look_in_text }, { "stale", make_stale },
    { "partly", lose_of_partly_written }, { "end", point_to_end },
    { "text", point_by_text }, { "ticking", scan_while_it_ticks }, { "drop", drop_all },
};

static int cmd_graph(int argc, char **argv)
{
    uint32_t n = 10;
    const char *what = argc > 1 ? argv[1] : "";

    if (argc > 2 && !shell_number(argv[2], "N", &n))
        return SHELL_USAGE;
    if (strcmp(what, "list") == 0)
        return add(n);
    for (unsigned i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
        if (strcmp(what, shapes[i].name) == 0)
            return shapes[i].make();
    return shell_usage("\"%s\" is no shape", what);
}

SHELL_COMMAND(graph, "SHAPE [N]", "things that hold each other", cmd_graph);
