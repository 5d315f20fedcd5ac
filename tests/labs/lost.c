/*
 * lost.c - fourteen ways to lose the last pointer, each with the line that does it, and a
 * twin that does not.
 *
 *     make run LAB=tests/labs/lost.c
 *     marbles> lose head; leaks
 *     marbles> why-lost 1 lose head           the line that ends with LOST(head)
 *     marbles> lose head twin; leaks          nothing
 *
 * Each takes the object that is lost first, but where there is a comment that it is another
 * one.  A twin does the same and keeps the pointer, or gives the object back.
 *
 *     lose chain      eight on a list, and then the list is forgotten
 *     lose fault      writes to address 0, with a pointer in a register
 *     lose arm        from now on a handler of each tick, which faults in
 *     lose armed      and that goes on with its pointer
 *     lose handed     gives it back in a handler, by a pointer that was xor'ed
 *     lose nested     runs `lose fault`, or with twin `lose memset`, and goes on
 *     lose overflow   calls itself until the stack is full, with a pointer in a register
 *     lose spin       never ends, with a pointer in a register
 *     lose hang       never ends, with a pointer in a variable
 */
#include "kernel/cpu/timer.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/gfp.h"
#include "mm/slab.h"

struct node {
    struct node *next, *other;
    uint32_t value;
    char text[20];
};

static struct node *volatile head;
static struct node **table;
static void *kept;
static volatile uintptr_t hidden;
static volatile uint32_t sum;

#define NOINLINE __attribute__((noinline))

#define new_node() ((struct node *)kzalloc(sizeof(struct node), GFP_KERNEL))

/* A local variable gets another value. */
NOINLINE static void lose_local(bool twin)
{
    struct node *node = new_node();

    node->value = 1;
    sum += node->value;
    if (twin)
        kfree(node);
    node = new_node();                                          /* LOST(local) */
    node->value = 2;
    sum += node->value;
    kfree(node);
}

/* The first of a list is taken off, and not given back. */
NOINLINE static void lose_head(bool twin)
{
    struct node *node = new_node();

    head = node;
    node = new_node();
    head->next = node;
    node = head;
    if (twin)
        kept = node;
    head = head->next;                                          /* LOST(head) */
    kfree(head);
    kfree(kept);
    head = NULL;
    kept = NULL;
}

/* The object that has the pointer is freed.  Lost is the second one. */
NOINLINE static void lose_owner(bool twin)
{
    head = new_node();
    head->other = new_node();
    sum += head->other->value;
    if (twin)
        kfree(head->other);
    kfree(head);                                                /* LOST(owner) */
    head = NULL;
}

/* The object that has the pointer is moved, and only part of it is.  The second one. */
NOINLINE static void lose_moved(bool twin)
{
    table = kcalloc(100, sizeof(*table), GFP_KERNEL);
    table[90] = new_node();
    sum += table[90]->value;
    if (twin)
        kfree(table[90]);
    table = krealloc(table, 10 * sizeof(*table), GFP_KERNEL);   /* LOST(moved) */
    kfree(table);
    table = NULL;
}

NOINLINE static struct node *make(uint32_t value)
{
    struct node *node = new_node();

    node->value = value;
    sum += node->value;
    return node;
}

/* A function returns it, and nobody listens. */
NOINLINE static void lose_returned(bool twin)
{
    if (twin)
        kfree(make(3));
    else
        make(4);                                                /* LOST(returned) */
    sum++;
}

/* An interrupt handler drops it. */
static void tick(void *unused)
{
    (void)unused;
    if (head != NULL)
        sum += head->value;
    head = NULL;                                                /* LOST(interrupt) */
}

NOINLINE static void lose_interrupt(bool twin)
{
    struct node *node = new_node();

    if (twin)
        kept = node;
    head = node;
    node = NULL;
    timer_every_tick(tick, NULL);
    while (head != NULL)
        sum++;
    timer_stop(tick, NULL);
    kfree(kept);
    kept = NULL;
}

/* A ring of three, and what led to it is gone.  All three are. */
NOINLINE static void lose_ring(bool twin)
{
    head = new_node();
    head->next = new_node();
    head->next->next = new_node();
    head->next->next->next = head;
    for (int i = 0; twin && i < 2; i++) {
        struct node *node = head->next;

        head->next = node->next;
        kfree(node);
    }
    if (twin)
        kfree(head);
    head = NULL;                                                /* LOST(ring) */
}

/* It is kept in a page, and that is freed.  The second one. */
NOINLINE static void lose_page(bool twin)
{
    head = (struct node *)__get_free_page(GFP_KERNEL);
    memset(head, 0, 4096);
    head->other = new_node();
    sum += head->other->value;
    if (twin)
        kfree(head->other);
    free_page((unsigned long)head);                             /* LOST(page) */
    head = NULL;
}

/* Its pointer is kept, but xor'ed with something. */
NOINLINE static void lose_xor(bool twin)
{
    struct node *node = new_node();

    head = node;
    hidden = (uintptr_t)head ^ 0x5a5a5a5a;
    head = NULL;                                                /* LOST(xor) */
    sum++;
    if (twin)
        kfree((void *)(hidden ^ 0x5a5a5a5a));
}

/* It is never anywhere but in a register, until the function is over. */
NOINLINE static bool lose_register(bool twin)
{
    struct node *node = new_node();

    node->value = sum;
    strlcpy(node->text, "in a register", sizeof(node->text));
    if (node->text[3] == 'a' && !twin)
        return false;
    kfree(node);
    return true;
}                                                               /* LOST(register) */

/* What has it is cleared as a whole.  The second one. */
NOINLINE static void lose_memset(bool twin)
{
    head = new_node();
    head->other = new_node();
    sum += head->other->value;
    if (twin)
        kfree(head->other);
    memset(head, (int)(sum & 0), sizeof(*head) + (sum & 0));    /* LOST(memset) */
    kfree(head);
    head = NULL;
}

/* krealloc moves the object, and the old pointer is kept.  The third one: where it is now. */
NOINLINE static void lose_krealloc(bool twin)
{
    void *moved;

    head = new_node();
    kept = new_node();
    moved = krealloc(head, 2000, GFP_KERNEL);
    sum += *(uint32_t *)moved;
    head = moved;
    if (twin)
        kfree(head);
    head = kept;                                                /* LOST(krealloc) */
    kfree(head);
    head = NULL;
    kept = NULL;
}

/* A word of an array on the stack is overwritten, while a register still has it. */
NOINLINE static void lose_array(bool twin)
{
    struct node *volatile nodes[4] = { new_node() };

    nodes[1] = nodes[0];
    nodes[0] = NULL;
    sum += nodes[1]->value;
    if (twin)
        kfree(nodes[1]);
    nodes[1] = NULL;                                            /* LOST(array) */
    sum++;
    sum += (uintptr_t)nodes[2];
}

/* What kzalloc returns nobody wants. */
NOINLINE static void lose_ignored(bool twin)
{
    if (twin)
        head = new_node();
    else
        (void)new_node();                                       /* LOST(ignored) */
    sum++;
    kfree(head);
    head = NULL;
}

NOINLINE static void lose_chain(bool twin)
{
    for (int i = 0; i < 8; i++) {
        struct node *node = new_node();

        node->next = head;
        head = node;
    }
    for (struct node *node = head, *next; twin && node != NULL; node = next) {
        next = node->next;
        kfree(node);
    }
    head = NULL;                                                /* LOST(chain) */
}

NOINLINE static void lose_by_fault(bool twin)
{
    struct node *node = new_node();

    *(volatile unsigned *)(uintptr_t)(sum & 0) = twin;          /* LOST(fault) */
    node->value = sum;
    kfree(node);
}

static volatile bool is_to_fault;

static void faulty_tick(void *unused)
{
    (void)unused;
    if (is_to_fault)
        *(volatile unsigned *)(uintptr_t)(sum & (is_to_fault = false)) = 1;
}

static void arm(bool unused) { (void)unused, timer_every_tick(faulty_tick, NULL); }

NOINLINE static void lose_armed(bool twin)
{
    struct node *node = new_node();

    is_to_fault = !twin;
    while (is_to_fault)
        node->value++;
    head = node;
    head = NULL;                                                /* LOST(armed) */
}

static void free_tick(void *unused)
{
    (void)unused;
    kfree((void *)(hidden ^ 0x5a5a5a5a));
    hidden = 0x5a5a5a5a;
}

/* Nothing is lost: a handler gives it back, while a register has it. */
NOINLINE static void lose_handed(bool unused)
{
    struct node *node = new_node();

    (void)unused;
    node->value = sum;
    hidden = (uintptr_t)node ^ 0x5a5a5a5a;
    timer_every_tick(free_tick, NULL);
    while (hidden != 0x5a5a5a5a)
        sum += (uintptr_t)node;
    timer_stop(free_tick, NULL);
}

NOINLINE static void lose_nested(bool twin)
{
    struct node *node = new_node();
    char *words[] = { "lose", twin ? "memset" : "fault" };

    node->value = sum;
    shell_run_words(2, words);
    node->value++;
    head = node;
    head = NULL;                                                /* LOST(nested) */
}

NOINLINE static uint32_t overflow(struct node *node, uint32_t deep)
{
    node->value++;
    return deep == 0 ? 0 : overflow(node, deep - 1) + node->value;      /* LOST(overflow) */
}

static void lose_overflow(bool twin)
{
    sum += overflow(new_node(), twin ? 1 : 1000000);
}

NOINLINE static void spin(bool twin)
{
    struct node *node = new_node();

    kprintf("on its way\n");
    while (node->value == sum || !twin)
        node->value++;
    kfree(node);
}

NOINLINE static void hang(bool twin)
{
    head = new_node();
    kprintf("on its way\n");
    while (!twin)
        sum++;
}

static void register_way(bool twin) { sum += lose_register(twin); }

static const struct way {
    const char *name;
    void (*run)(bool twin);
} ways[] = {
    { "local", lose_local }, { "head", lose_head }, { "owner", lose_owner },
    { "moved", lose_moved }, { "returned", lose_returned },
    { "interrupt", lose_interrupt }, { "ring", lose_ring }, { "page", lose_page },
    { "xor", lose_xor }, { "register", register_way }, { "memset", lose_memset },
    { "krealloc", lose_krealloc }, { "array", lose_array },
    { "ignored", lose_ignored }, { "chain", lose_chain }, { "fault", lose_by_fault },
    { "arm", arm }, { "armed", lose_armed }, { "nested", lose_nested },
    { "handed", lose_handed }, { "overflow", lose_overflow }, { "spin", spin }, { "hang", hang },
};

static int cmd_lose(int argc, char **argv)
{
    bool twin = argc == 3 && strcmp(argv[2], "twin") == 0;

    for (unsigned i = 0; argc > 1 && i < sizeof(ways) / sizeof(ways[0]); i++)
        if (strcmp(argv[1], ways[i].name) == 0) {
            ways[i].run(twin);
            return SHELL_OK;
        }
    return shell_usage("which WAY?");
}

SHELL_COMMAND(lose, "WAY [twin]", "lose the last pointer, or do not", cmd_lose);
