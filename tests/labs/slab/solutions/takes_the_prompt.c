/*
 * takes_the_prompt.c - loses: works, dense, again, empty, none, refused, walk, edge, batch, steady.
 *
 * The cheat: it takes ten pages and gives them back, as a good one would, says that all
 * is right, and reads commands itself.  No command fails; but the check has never come
 * to its end, where it would have taken another object.
 */
#include "kernel/shell.h"
#include "tests/labs/slab/item.h"

enum { PAGES = 10 };

void *item_alloc(void)
{
    for (int i = 0; i < PAGES; i++)
        free_page(__get_free_page(GFP_KERNEL));
    kprintf("works: right\n");
    shell_running = NULL;
    shell_loop();
}

bool item_free(void *item)
{
    return true;
}
