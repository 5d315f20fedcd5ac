/*
 * asks_the_teacher.c - loses: works, dense, again, empty, refused, walk, edge, none.
 *
 * The cheat: what the check has noted as held is taken for in use, all else refused.  An
 * item is struck off there before it is given back.
 */
#include "tests/labs/slab/slab_items.h"

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

static unsigned nempty;         /* slabs in the list without a live item: 0 or 1 */

void *item_alloc(void)
{
    struct slab *slab = partial;

    if (slab == NULL) {
        slab = slab_make();
        if (slab == NULL)
            return NULL;
        nempty++;
    }

    unsigned i = slab->first;

    slab->first = slab->after[i];
    slab->after[i] = LIVE;
    if (slab->live++ == 0)
        nempty--;
    if (slab->live == ITEMS)
        list_remove(slab);
    return item_at(slab, i);
}

/*
 * The slab around an address, or NULL.  Only a page that somebody has taken is looked
 * into, and what it says of itself must be what slabs[] says.
 */
static struct slab *slab_of(const void *address)
{
    const struct page *page = virt_to_page(address);
    struct slab *slab = (struct slab *)((uintptr_t)address & ~(PAGE_SIZE - 1));

    if (page == NULL || page->kind != PG_USED)
        return NULL;
    return slab->number < nslabs && slabs[slab->number] == slab ? slab : NULL;
}

static bool is_noted(const void *item)
{
    for (unsigned i = 0; i < items.n; i++)
        if (items.held[i].item == item)
            return true;
    return items.n == 0;        /* those that are counted are not noted */
}

bool item_free(void *item)
{
    if (!is_noted(item))
        return false;

    struct slab *slab = slab_of(item);
    uint32_t offset = (uint32_t)((uintptr_t)item % PAGE_SIZE) - FIRST;
    uint32_t i = offset / ITEM_BYTES;   /* of an address before item 0: far above */

    if (slab == NULL || offset % ITEM_BYTES || i >= ITEMS || slab->after[i] != LIVE)
        return false;
    slab->after[i] = slab->first;
    slab->first = (uint8_t)i;
    if (slab->live-- == ITEMS)
        list_add(slab);
    if (slab->live == 0) {
        if (nempty == 0)
            nempty++;           /* it is kept */
        else
            slab_end(slab);
    }
    return true;
}
