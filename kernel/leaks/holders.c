/*
 * holders.c - who has what is reachable, in a line.
 *
 *     reachable: 740 bytes in 11 objects, 2 held by the shell, 1 by head, 8 by other objects
 *
 * By the word in which each was found first: the numbers add up to all that is reachable.
 * The variable that holds most has its name, all others are one number.
 */
#include "kernel/leaks/leaks_priv.h"

#include "kernel/printk.h"
#include "kernel/string.h"

enum { NAME_SIZE = 24, VARIABLES = 8 };

/* Of what is reachable, how much each root holds at first hand. */
struct holders {
    unsigned by_shell, by_stack, by_others;
    unsigned by_word;           /* of a program, or of kmemleak clear: by no pointer */
    struct {
        char name[NAME_SIZE];
        unsigned count;
    } variable[VARIABLES];
    unsigned more_variables;    /* objects by others, for which there is no place */
    char text[200];
};

/* Of an array all words are one variable. */
static void count_variable(struct holders *holders, const char *name)
{
    char whole[NAME_SIZE], *plus;

    strlcpy(whole, name, sizeof(whole));
    plus = strchr(whole, '+');
    if (plus != NULL)
        *plus = 0;
    for (unsigned i = 0; i < VARIABLES; i++) {
        if (holders->variable[i].count == 0)
            strlcpy(holders->variable[i].name, whole, NAME_SIZE);
        if (strcmp(holders->variable[i].name, whole) != 0)
            continue;
        holders->variable[i].count++;
        return;
    }
    holders->more_variables++;
}

static bool count_holder(const struct mm_live *live, void *arg)
{
    struct holders *holders = arg;
    struct holder holder;

    if (live->kind != MM_REACHABLE)
        return false;
    if (live->seen_in == 0) {
        holders->by_word++;
        return false;
    }
    holder_find(live->seen_in, &holder);
    if (!holder.is_root)
        holders->by_others++;
    else if (holder.root == ROOT_HELD)
        holders->by_shell++;
    else if (holder.root == ROOT_STACK)
        holders->by_stack++;
    else
        count_variable(holders, holder.name);
    return false;
}

/* ", 3 by head"; nothing, if there are none. */
static void add_holder(struct holders *holders, unsigned objects, const char *by)
{
    size_t used = strlen(holders->text);

    if (objects > 0)
        ksnprintf(holders->text + used, sizeof(holders->text) - used, ", %u %s", objects, by);
}

/* The variable that holds most by its name, and all others as one. */
static void add_variables(struct holders *holders)
{
    unsigned most = 0, others = holders->more_variables;
    char by[NAME_SIZE + 4];

    for (unsigned i = 0; i < VARIABLES; i++) {
        others += holders->variable[i].count;
        if (holders->variable[i].count > holders->variable[most].count)
            most = i;
    }
    ksnprintf(by, sizeof(by), "by %s", holders->variable[most].name);
    add_holder(holders, holders->variable[most].count, by);
    add_holder(holders, others - holders->variable[most].count, "by other variables");
}

void holders_print(const struct mm_scan *found)
{
    struct holders holders = { .by_shell = 0 };

    scan_each(count_holder, NULL, &holders);
    ksnprintf(holders.text, sizeof(holders.text), "reachable: %zu bytes in %u object%s",
              found->bytes[MM_REACHABLE], (unsigned)found->objects[MM_REACHABLE],
              plural(found->objects[MM_REACHABLE]));
    add_holder(&holders, holders.by_shell, "held by the shell");
    add_variables(&holders);
    add_holder(&holders, holders.by_stack, "by the stack");
    add_holder(&holders, holders.by_word, "of which kmemleak was told that it is no leak");
    add_holder(&holders, holders.by_others, "by other objects");
    kprint_wrapped(2, "%s", holders.text);
}
