/*
 * takes_its_third_word.c - loses: refused.
 *
 * An address 8 bytes behind the begin of a page is taken for the page.
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

    if ((offset % PAGE_SIZE != 0 && offset % PAGE_SIZE != 8) ||
        page >= area->npages || area->frame[page].kind != USED)
        return NO_PAGE;
    return page;
}

/* Is the buddy there, free and whole?  What begins in the area ends in it (A1). */
static bool can_join(const struct area *area, uint32_t page, unsigned order)
{
    uint32_t buddy = page ^ 1u << order;

    return order < LARGEST && buddy < area->npages &&
           area->frame[buddy].kind == FREE && area->frame[buddy].order == order;
}

/* Join for as long as that can be; then A4 holds. */
bool area_free(struct area *area, void *block)
{
    uint32_t page = page_of_block(area, block);

    if (page == NO_PAGE)
        return false;

    unsigned order = area->frame[page].order;

    area->frame[page].kind = INSIDE;    /* it may end up inside its parent (A2) */
    while (can_join(area, page, order)) {
        list_remove(area, page ^ 1u << order);
        page &= ~(1u << order);         /* the lower half heads the pair */
        order++;
    }
    list_add(area, page, order);
    return true;
}
