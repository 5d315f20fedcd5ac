/*
 * joins_neighbours.c - loses: joins, apart, end, walk.
 *
 * Whoever lies beside it and is free and as large is taken for the buddy.  Where pages
 * are freed upwards, as largest and fast do, the one below is the buddy.
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

/* The block that is USED and begins there; NO_PAGE: none does. */
static uint32_t page_of_block(const struct area *area, const void *block)
{
    uintptr_t offset = (uintptr_t)block - (uintptr_t)area->start;
    uint32_t page = (uint32_t)(offset / PAGE_SIZE);     /* below the area: far above */

    if (offset % PAGE_SIZE || page >= area->npages || area->frame[page].kind != USED)
        return NO_PAGE;
    return page;
}

/* Is there such a block, free and whole? */
static bool is_free(const struct area *area, uint32_t page, unsigned order)
{
    return page < area->npages && area->frame[page].kind == FREE &&
           area->frame[page].order == order;
}

/* The block beside it that is free and as large, the lower one first; NO_PAGE: none. */
static uint32_t neighbour(const struct area *area, uint32_t page, unsigned order)
{
    if (is_free(area, page - (1u << order), order))
        return page - (1u << order);
    if (is_free(area, page + (1u << order), order))
        return page + (1u << order);
    return NO_PAGE;
}

/* Join for as long as that can be; then A4 holds. */
bool area_free(struct area *area, void *block)
{
    uint32_t page = page_of_block(area, block);

    if (page == NO_PAGE)
        return false;

    unsigned order = area->frame[page].order;

    area->frame[page].kind = INSIDE;    /* it may end up inside its parent (A2) */
    while (order < LARGEST) {
        uint32_t other = neighbour(area, page, order);

        if (other == NO_PAGE)
            break;
        list_remove(area, other);
        if (other < page)
            page = other;
        order++;
    }
    list_add(area, page, order);
    return true;
}
