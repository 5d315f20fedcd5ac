/*
 * lives_elsewhere.c - loses: works, dense, again, empty, none, refused, walk, edge, batch, steady.
 *
 * The cheat: no page is ever taken, so there is none to give back; the items lie in a
 * variable.  All that is counted looks splendid.
 */
#include "tests/labs/slab/item.h"

enum { MOST = 8192, LIVE = 0xfffe, END = 0xffff };

static uint64_t memory[MOST * ITEM_BYTES / 8];
static uint16_t after[MOST];    /* the next free one; LIVE: it is in use */
static uint16_t first = END;
static unsigned ntaken;         /* all behind these are free as well */

void *item_alloc(void)
{
    unsigned i = first;

    if (i != END)
        first = after[i];
    else if (ntaken < MOST)
        i = ntaken++;
    else
        return NULL;
    after[i] = LIVE;
    return (unsigned char *)memory + i * ITEM_BYTES;
}

bool item_free(void *item)
{
    uintptr_t offset = (uintptr_t)item - (uintptr_t)memory;
    unsigned i = (unsigned)(offset / ITEM_BYTES);

    if (offset % ITEM_BYTES || i >= MOST || after[i] != LIVE)
        return false;
    after[i] = first;
    first = (uint16_t)i;
    return true;
}
