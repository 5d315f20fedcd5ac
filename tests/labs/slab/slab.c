/*
 * slab.c - objects of one size, cut from pages.
 *
 *     a slab    | struct slab | item 0 | item 1 | item 2 | ... | item 122 |
 *               ^ a page        ^ FIRST bytes from there
 *
 *     partial -> slab <-> slab        those that have a free item
 *     slabs[]    slab 0, slab 1 ...   all of them, each at its number
 *
 * A slab knows which of its items are free: `first` is one of them, after[first] the
 * next, and so on to END.  An item in use has LIVE there.  So nothing is written into
 * items, which their owners may have filled with anything.
 *
 * What is here takes and gives back slabs.  But each item has a slab of its own, and
 * item_free believes what it is given: read README.md, and write these two.
 */
#include "tests/labs/slab/item.h"

enum { FIRST = 160, ITEMS = (4096 - FIRST) / ITEM_BYTES, MOST_SLABS = 64 };
enum { LIVE = 0xfe, END = 0xff };

struct slab {
    struct slab *next, *prev;   /* in the list of partial ones; NULL: no more */
    uint16_t number;            /* slabs[number] is this slab */
    uint8_t live;               /* items in use */
    uint8_t first;              /* a free item, or END */
    uint8_t after[ITEMS];       /* the next free item, or END; LIVE: it is in use */
};

_Static_assert(sizeof(struct slab) <= FIRST, "the items begin behind their slab");

static struct slab *partial;
static struct slab *slabs[MOST_SLABS];
static unsigned nslabs;

static void list_add(struct slab *slab)
{
    slab->prev = NULL;
    slab->next = partial;
    if (partial != NULL)
        partial->prev = slab;
    partial = slab;
}

static void list_remove(struct slab *slab)
{
    if (slab->prev != NULL)
        slab->prev->next = slab->next;
    else
        partial = slab->next;
    if (slab->next != NULL)
        slab->next->prev = slab->prev;
}

/* A new slab, all of it free, in the list; NULL: there is no page. */
static struct slab *slab_make(void)
{
    struct slab *slab = NULL;

    if (nslabs < MOST_SLABS)
        slab = (struct slab *)__get_free_page(GFP_KERNEL);
    if (slab == NULL)
        return NULL;
    slab->number = (uint16_t)nslabs;
    slabs[nslabs++] = slab;
    slab->live = 0;
    slab->first = 0;
    for (unsigned i = 0; i < ITEMS; i++)
        slab->after[i] = (uint8_t)(i + 1 < ITEMS ? i + 1 : END);
    list_add(slab);
    return slab;
}

/* Give back the page of a slab that is in the list.  The last one gets its number. */
static void slab_end(struct slab *slab)
{
    struct slab *last = slabs[--nslabs];

    list_remove(slab);
    slabs[slab->number] = last;
    last->number = slab->number;
    free_page((unsigned long)slab);
}

static void *item_at(struct slab *slab, unsigned i)
{
    return (unsigned char *)slab + FIRST + i * ITEM_BYTES;
}

void *item_alloc(void)
{
    struct slab *slab = slab_make();

    return slab != NULL ? item_at(slab, 0) : NULL;
}

bool item_free(void *item)
{
    slab_end((struct slab *)((uintptr_t)item & ~(PAGE_SIZE - 1)));
    return true;
}
