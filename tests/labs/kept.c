/*
 * kept.c - what a command keeps from one time to the next: `keep NAME`, and without the
 * mistake, if there is one, `keep NAME right`.
 *
 *     marbles> fail each keep hold
 *
 * Each takes an object that a variable holds until the next time, and then one that it
 * gives back: so there is a round that keeps the first, and has no memory for the second.
 */
#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/slab.h"

enum { RUNS = 2 };

struct link {
    struct link *next;
};

struct entry {
    int number;
    struct link link;
    char text[28];
};

static void *volatile hold, *volatile last;
static struct link *volatile middle, *volatile first;
static unsigned runs;

/* The second of each; the status. */
static int take_other(void)
{
    void *other = kmalloc(8, GFP_KERNEL);

    kfree(other);
    return other != NULL ? SHELL_OK : SHELL_FAILED;
}

static struct entry *entry_of(struct link *link)
{
    return link != NULL ? (struct entry *)((char *)link - offsetof(struct entry, link))
                        : NULL;
}

/* Overwritten each time, and what it held is lost. */
static int keep_hold(bool right)
{
    if (right)
        kfree(hold);
    hold = kmalloc(40, GFP_KERNEL);
    return hold != NULL ? take_other() : SHELL_FAILED;
}

/* The same through a pointer to its middle. */
static int keep_middle(bool right)
{
    struct entry *entry;

    if (right)
        kfree(entry_of(middle));
    entry = kmalloc(sizeof(*entry), GFP_KERNEL);
    middle = entry != NULL ? &entry->link : NULL;
    return entry != NULL ? take_other() : SHELL_FAILED;
}

/* A list through a member: all of it stays, and nothing is wrong with that. */
static int keep_list(bool right)
{
    struct entry *entry = kzalloc(sizeof(*entry), GFP_KERNEL);

    (void)right;
    if (entry == NULL)
        return SHELL_FAILED;
    entry->link.next = first;
    first = &entry->link;
    return take_other();
}

/* Taken once; the next time it is forgotten, where nothing else fails. */
static int keep_last(bool right)
{
    if (last == NULL && runs == 0)
        last = kmalloc(24, GFP_KERNEL);
    if (last != NULL && ++runs == RUNS) {
        if (right)
            kfree(last);
        last = NULL;
        runs = 0;
    }
    return take_other();
}

static int cmd_keep(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(bool right);
    } ways[] = { { "hold", keep_hold }, { "middle", keep_middle },
                 { "list", keep_list }, { "last", keep_last } };
    bool right = argc == 3 && strcmp(argv[2], "right") == 0;

    for (unsigned i = 0; argc > 1 && i < sizeof(ways) / sizeof(ways[0]); i++)
        if (strcmp(argv[1], ways[i].name) == 0)
            return ways[i].run(right);
    return shell_usage("NAME is missing");
}

SHELL_COMMAND(keep, "hold|middle|list|last [right]",
    "keeps something until the next time", cmd_keep);
