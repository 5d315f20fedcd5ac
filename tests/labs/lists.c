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
 *     lists point N       N on a list that `pointing` holds, which all point to one more
 *     lists fault         takes one, and writes to address 0
 *     lists shrinking 1   from now on each tick gives back the first of what `head` holds; 0:
 *                         that ends
 *     lists ticking N     from now on each tick takes N bytes and gives them back; 0: that
 *                         ends, and how many ticks did and how many could not is told
 */
#include "kernel/cpu/timer.h"
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

static struct node *volatile head, *volatile longer, *volatile circle, *volatile pointing;
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

static void point(unsigned n)
{
    struct node *to = kzalloc(sizeof(*to), GFP_KERNEL);

    pointing = to;
    while (n-- > 0) {
        struct node *one = kzalloc(sizeof(*one), GFP_KERNEL);

        one->next = pointing;
        one->member.next = &to->member;
        pointing = one;
    }
}

static void fault(unsigned unused)
{
    head = kzalloc(sizeof(*head), GFP_KERNEL);
    *(volatile unsigned *)(uintptr_t)(unused & 0) = 0;
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

static void give_back_first(void *unused)
{
    struct node *first = head;

    (void)unused;
    if (first != NULL)
        head = first->next;
    kfree(first);
}

static void shrink(unsigned on)
{
    timer_stop(give_back_first, NULL);
    if (on)
        timer_every_tick(give_back_first, NULL);
}

static unsigned size, served, failed;

static void at_tick(void *unused)
{
    void *p = kmalloc(size, GFP_ATOMIC);

    (void)unused;
    if (p != NULL)
        served++;
    else
        failed++;
    kfree(p);
}

static void tick(unsigned n)
{
    timer_stop(at_tick, NULL);
    if (n == 0)
        kprintf("served %u, failed %u\n", served, failed);
    size = n;
    served = failed = 0;
    if (n > 0)
        timer_every_tick(at_tick, NULL);
}

static const struct word {
    const char *name;
    void (*run)(unsigned n);
} words[] = {
    { "keep", keep }, { "members", keep_members }, { "unlink", take_out },
    { "ring", lose_ring }, { "tree", lose_tree }, { "singles", lose_singles },
    { "grow", grow }, { "circle", keep_circle }, { "cut", cut_circle },
    { "free", free_all }, { "ticking", tick }, { "point", point },
    { "fault", fault }, { "shrinking", shrink },
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

SHELL_COMMAND(lists, "WORD [N]", "lists, and what falls off them", cmd_lists);
