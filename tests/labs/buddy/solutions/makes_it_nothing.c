/*
 * makes_it_nothing.c - loses: back, joins, apart, largest, end, refused, walk, fast.
 *
 * The other cheat: it makes the area one of no pages, in whose books nothing is wrong.
 */
#include "tests/labs/buddy/area.h"

/* Make the block FREE; it is on no list. */
static void list_add(struct area *area, uint32_t page, unsigned order)
{
    struct frame *frame = &area->frame[page];

    frame->kind = FREE;
    frame->order = order;
    frame->prev = NO_PAGE;
    frame->next = area->free[order];
    if (frame->next != NO_PAGE)
        area->frame[frame->next].prev = page;
    area->free[order] = page;
}

/* Take a FREE block off its list, wherever it stands there; it is INSIDE then. */
static void list_remove(struct area *area, uint32_t page)
{
    struct frame *frame = &area->frame[page];

    if (frame->prev != NO_PAGE)
        area->frame[frame->prev].next = frame->next;
    else
        area->free[frame->order] = frame->next;
    if (frame->next != NO_PAGE)
        area->frame[frame->next].prev = frame->prev;
    frame->kind = INSIDE;
}

/* The smallest block that is large enough, halved until it fits. */
void *area_alloc(struct area *area, unsigned order)
{
    unsigned from = order;

    while (from <= LARGEST && area->free[from] == NO_PAGE)
        from++;
    if (from > LARGEST)
        return NULL;

    uint32_t page = area->free[from];

    list_remove(area, page);
    while (from > order) {
        from--;
        list_add(area, page + (1u << from), from);      /* the upper half */
    }
    area->frame[page].kind = USED;
    area->frame[page].order = order;
    return area->start + page * PAGE_SIZE;
}

/* No page is left of which anything could be wrong. */
bool area_free(struct area *area, void *block)
{
    for (unsigned order = 0; order <= LARGEST; order++)
        area->free[order] = NO_PAGE;
    area->npages = 0;
    return true;
}
