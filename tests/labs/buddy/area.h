/*
 * area.h - an area of pages, and its books: what the lab and its check share.
 *
 *     page      0   1   2   3   4   5   6   7   8 ...
 *     block   |       0       |   4   | 6 | 7 |         the number of its first page
 *     order           2           1     0   0
 *     kind      U   I   I   I   F   I   U   F           U used, F free, I inside
 *
 *     free[1] -> 4        free[0] -> 7        the books lie beside the pages
 *
 * Rules, each of which buddy_check.c looks at:
 *   A1  a block is 2^order pages whose first number is a multiple of 2^order; blocks
 *       lie side by side, from page 0 to the end;
 *   A2  its first page is USED or FREE, all others are INSIDE;
 *   A3  a block is on free[order], linked both ways, if and only if it is FREE;
 *   A4  no two buddies are both FREE and of one order: they would have joined.
 */
#ifndef LABS_BUDDY_AREA_H
#define LABS_BUDDY_AREA_H

#include <stdbool.h>

#include "mm/gfp.h"

enum { LARGEST = 6 };           /* order of the largest block there may be */

enum frame_kind { INSIDE, FREE, USED };

struct frame {
    enum frame_kind kind;
    unsigned order;             /* of the block, in its first page; else nothing */
    uint32_t next, prev;        /* FREE: on the list of its order; NO_PAGE: no more */
};

struct area {
    unsigned char *start;       /* aligned to the largest block */
    uint32_t npages;            /* any number: the last blocks may be small */
    struct frame *frame;        /* one a page, and no more */
    uint32_t free[LARGEST + 1]; /* the first free block of each order; NO_PAGE: none */
};

/* A block of 2^order pages, the caller's until area_free; NULL: there is none now. */
void *area_alloc(struct area *area, unsigned order);

/*
 * Give back what area_alloc gave.  False: the address is no block that is USED, and
 * nothing was changed.
 */
bool area_free(struct area *area, void *block);

#endif
