/*
 * lists.c - lists that are kept, and what falls off them.
 *
 *     lists keep N        N nodes on a list that `head` holds, linked by their first word
 *     lists members N     N on one that `members` holds, linked through a member at 8
 *     lists unlink K      every K-th node of the first one is taken out, and forgotten
 *     lists ring N        a ring of N that nothing holds
 *     lists circle N      a ring of N, the last of which `circle` holds
 *     lists cut           `circle` forgets
 *     lists tree N        a leak that holds N, each of which holds one more
 *     lists singles N     N that nothing holds, and that hold nothing
 *     lists grow N        N more on a list that only gets longer
 *     lists free          all that is still held is given back
 */
#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/slab.h"

struct node {
    struct node *next;
    struct member {
        struct member *next;
    } member;
    char text[48];
};

static struct node *volatile head, *volatile longer, *volatile circle;
static struct member *volatile members;

static void keep(unsigned n)
{
    while (n-- > 0) {
        struct node *node = kzalloc(sizeof(*node), GFP_KERNEL);

        node->next = head;
        head = node;
    }
}

static void keep_members(unsigned n)
{
    while (n-- > 0) {
        struct node *node = kzalloc(sizeof(*node), GFP_KERNEL);

        node->member.next = members;
        members = &node->member;
    }
}

static void grow(unsigned n)
{
    while (n-- > 0) {
        struct node *node = kzalloc(sizeof(*node), GFP_KERNEL);

        node->next = longer;
        longer = node;
    }
}

static void take_out(unsigned k)
{
    unsigned i = 1;

    for (struct node *node = head; node != NULL && node->next != NULL; i++) {
        if (i % k == 0) {
            struct node *lost = node->next;

            node->next = lost->next;
            lost->next = NULL;
        } else {
            node = node->next;
        }
    }
}

/* A ring; its last node. */
static struct node *make_ring(unsigned n)
{
    struct node *first = kzalloc(sizeof(*first), GFP_KERNEL), *last = first;

    for (unsigned i = 1; i < n; i++) {
        last->next = kzalloc(sizeof(*first), GFP_KERNEL);
        last = last->next;
    }
    last->next = first;
    return last;
}

static void lose_ring(unsigned n) { make_ring(n); }
static void keep_circle(unsigned n) { circle = make_ring(n); }
static void cut_circle(unsigned unused) { circle = NULL; (void)unused; }

static void lose_tree(unsigned n)
{
    struct node **top = kcalloc(n, sizeof(*top), GFP_KERNEL);

    for (unsigned i = 0; i < n; i++) {
        top[i] = kzalloc(sizeof(struct node), GFP_KERNEL);
        top[i]->next = kzalloc(sizeof(struct node), GFP_KERNEL);
    }
    __asm__ volatile("" : : "r"(top) : "memory");
}

static void lose_singles(unsigned n)
{
    while (n-- > 0) {
        void *p = kzalloc(sizeof(struct node), GFP_KERNEL);

        __asm__ volatile("" : : "r"(p));
    }
}

static void free_list(struct node *node)
{
    for (struct node *next; node != NULL; node = next) {
        next = node->next;
        kfree(node);
    }
}

static void free_all(unsigned unused)
{
    free_list(head);
    free_list(longer);
    for (struct member *member = members, *next; member != NULL; member = next) {
        next = member->next;
        kfree((char *)member - offsetof(struct node, member));
    }
    head = longer = NULL;
    members = NULL;
}

static const struct word {
    const char *name;
    void (*run)(unsigned n);
} words[] = {
    { "keep", keep }, { "members", keep_members }, { "unlink", take_out },
    { "ring", lose_ring }, { "tree", lose_tree }, { "singles", lose_singles },
    { "grow", grow }, { "circle", keep_circle }, { "cut", cut_circle },
    { "free", free_all },
};

static int cmd_lists(int argc, char **argv)
{
    uint32_t n = 1;

    if (argc > 2 && !shell_number(argv[2], "N", &n))
        return SHELL_USAGE;
    for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (argc > 1 && strcmp(argv[1], words[i].name) == 0) {
            words[i].run(n);
            return SHELL_OK;
        }
    return shell_usage("what to do is missing");
}

SHELL_COMMAND(lists, "keep|members|unlink|ring|circle|cut|tree|singles|grow|free [N]",
              "lists, and what falls off them", cmd_lists);
