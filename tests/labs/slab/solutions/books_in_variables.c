/*
 * books_in_variables.c - loses: nothing.
 *
 * Another right one: what is known of a slab lies in a variable, with a map of bits, so
 * that its page has items from its first byte on, 128 of them.
 */
#include "kernel/string.h"
#include "tests/labs/slab/item.h"

enum { BITS = 32, WORDS = PAGE_SIZE / ITEM_BYTES / BITS, ITEMS = WORDS * BITS };
enum { MOST_SLABS = 64, MOST_PAGES = 1 << 12, NO_SLAB = -1 };

static struct slab {
    unsigned char *page;        /* NULL: there is no such slab */
    uint32_t used[WORDS];       /* bit i: item i is in use */
    unsigned live;
    int next, prev;             /* in the list of partial ones; NO_SLAB: no more */
} slabs[MOST_SLABS];

static int partial = NO_SLAB;
static unsigned nempty;         /* slabs without a live item: 0 or 1 */
static uint8_t slab_in[MOST_PAGES];     /* by page number: 1 + its slab, or 0 */

static void list_add(int at)
{
    slabs[at].prev = NO_SLAB;
    slabs[at].next = partial;
    if (partial != NO_SLAB)
        slabs[partial].prev = at;
    partial = at;
}

static void list_remove(int at)
{
    const struct slab *slab = &slabs[at];

    if (slab->prev != NO_SLAB)
        slabs[slab->prev].next = slab->next;
    else
        partial = slab->next;
    if (slab->next != NO_SLAB)
        slabs[slab->next].prev = slab->prev;
}

/* A new slab, all of it free, in the list.  False: there is no page. */
static bool slab_make(void)
{
    int at = 0;

    while (at < MOST_SLABS && slabs[at].page != NULL)
        at++;
    if (at == MOST_SLABS)
        return false;

    unsigned char *page = (unsigned char *)__get_free_page(GFP_KERNEL);

    if (page == NULL)
        return false;
    memset(&slabs[at], 0, sizeof(slabs[at]));
    slabs[at].page = page;
    slab_in[(uintptr_t)page / PAGE_SIZE] = (uint8_t)(at + 1);
    list_add(at);
    nempty++;
    return true;
}

static void slab_end(int at)
{
    list_remove(at);
    slab_in[(uintptr_t)slabs[at].page / PAGE_SIZE] = 0;
    free_page((unsigned long)slabs[at].page);
    slabs[at].page = NULL;
}

void *item_alloc(void)
{
    unsigned word = 0;

    if (partial == NO_SLAB && !slab_make())
        return NULL;

    struct slab *slab = &slabs[partial];

    while (slab->used[word] == UINT32_MAX)
        word++;

    unsigned bit = (unsigned)__builtin_ctz(~slab->used[word]);

    slab->used[word] |= 1u << bit;
    if (slab->live++ == 0)
        nempty--;
    if (slab->live == ITEMS)
        list_remove(partial);
    return slab->page + (word * BITS + bit) * ITEM_BYTES;
}

bool item_free(void *item)
{
    uintptr_t page = (uintptr_t)item / PAGE_SIZE, offset = (uintptr_t)item % PAGE_SIZE;
    int at = page < MOST_PAGES ? slab_in[page] - 1 : NO_SLAB;
    uint32_t i = offset / ITEM_BYTES, bit = 1u << i % BITS;

    if (at == NO_SLAB || offset % ITEM_BYTES || !(slabs[at].used[i / BITS] & bit))
        return false;
    slabs[at].used[i / BITS] &= ~bit;
    if (slabs[at].live-- == ITEMS)
        list_add(at);
    if (slabs[at].live == 0) {
        if (nempty == 0)
            nempty++;           /* it is kept */
        else
            slab_end(at);
    }
    return true;
}
