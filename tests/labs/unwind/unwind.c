/*
 * unwind.c - a card that starts, or does not.
 *
 *     card -> | name | ring | -> 16384 bytes of pages
 *                |
 *              "eth0"
 *
 * start takes three pieces of memory, one after the other, and each time there may be
 * none.  Then it must fail, and all must be as if it had never been called.  As long as
 * there is memory this works; read README.md, and mend the rest.  What the commands do
 * stays:
 *
 *     unwind start NAME   fails without memory, and if a card runs already
 *     unwind show         prints its name; fails if none runs
 *     unwind stop         gives all back; fails if none runs
 */
#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/slab.h"

enum { RING_ORDER = 2, RING_BYTES = 16384 };

struct card {
    char *name;
    uint8_t *ring;
};

static struct card *card;

static int start(const char *name)
{
    struct card *new = kmalloc(sizeof(*new), GFP_KERNEL);

    if (new == NULL)
        return SHELL_FAILED;
    new->ring = (uint8_t *)__get_free_pages(GFP_KERNEL, RING_ORDER);
    new->name = kstrdup(name, GFP_KERNEL);
    if (new->name == NULL)
        return SHELL_FAILED;
    memset(new->ring, 0, RING_BYTES);
    card = new;
    return SHELL_OK;
}

static int stop(void)
{
    if (card == NULL)
        return SHELL_FAILED;
    kfree(card->name);
    free_pages((unsigned long)card->ring, RING_ORDER);
    kfree(card);
    return SHELL_OK;
}

static int show(void)
{
    if (card == NULL)
        return SHELL_FAILED;
    kprintf("%s: a ring of %d bytes\n", card->name, RING_BYTES);
    return SHELL_OK;
}

static int cmd_unwind(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";

    if (argc == 3 && strcmp(what, "start") == 0)
        return start(argv[2]);
    if (argc == 2 && strcmp(what, "stop") == 0)
        return stop();
    if (argc == 2 && strcmp(what, "show") == 0)
        return show();
    return shell_usage("one of these is missing");
}

SHELL_COMMAND(unwind, "start NAME|stop|show", "a card that starts, or does not",
              cmd_unwind);
