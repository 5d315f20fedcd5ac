/*
 * starts_over.c - loses: twice.
 *
 * A card that runs is not asked for: the second start forgets the first.
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
    if (new->ring == NULL)
        goto free_card;
    new->name = kstrdup(name, GFP_KERNEL);
    if (new->name == NULL)
        goto free_ring;
    memset(new->ring, 0, RING_BYTES);
    card = new;
    return SHELL_OK;

free_ring:
    free_pages((unsigned long)new->ring, RING_ORDER);
free_card:
    kfree(new);
    return SHELL_FAILED;
}

static int stop(void)
{
    if (card == NULL)
        return SHELL_FAILED;
    kfree(card->name);
    free_pages((unsigned long)card->ring, RING_ORDER);
    kfree(card);
    card = NULL;
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
