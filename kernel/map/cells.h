/*
 * cells.h - what is drawn: memory as 512 cells in Z-order; see cells.c.
 */
#ifndef KERNEL_MAP_CELLS_H
#define KERNEL_MAP_CELLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CELLS_WIDTH = 32, CELLS_HEIGHT = 16, CELLS = CELLS_WIDTH * CELLS_HEIGHT };
enum { MAX_CLASSES = 13 };

/* What memory can be, in one view of it. */
struct class {
    char letter;                /* 0: there is no such class in this view */
    uint8_t colour;             /* of the background: kernel/line/colour.h */
    uint8_t rank;               /* the higher, the more is it to be seen; 0: not taken */
    const char *name;
};

/*
 * Begin a map of pages from `first` on, so many: a cell is the smallest power of two of
 * pages with which they fit.  For blocks to be squares, `first` is a multiple of 512 cells.
 * classes is an array of MAX_CLASSES, and stays the caller's.
 */
void cells_begin(const struct class *classes, uint32_t first, uint32_t pages);

/* These bytes are of that class; what lies outside of the map is left out. */
void cells_add(unsigned class, uint64_t start, uint32_t bytes);
/* And these, which were counted with another class, or will be. */
void cells_move(unsigned from, unsigned to, uint64_t start, uint32_t bytes);
/* Here begins a block of that order. */
void cells_begin_block(uint32_t pfn, unsigned order);

/* Pages a cell; and pages of a range that lie in the map. */
uint32_t cells_pages(void);
uint32_t cells_pages_shown(uint32_t pfn, uint32_t pages);
bool cells_show(uint32_t pfn);

/* The cell in column x of row y. */
unsigned cells_at(unsigned x, unsigned y);

/* What stands in a cell, at the left and at the right. */
struct cell {
    const struct class *left, *right;   /* NULL: behind the last page */
    char sign;                  /* at the right: 0, or the order of the block */
};
struct cell cells_look(unsigned cell);

#endif
