/*
 * draw.h - how it is drawn: cells, and letters in their colours; see draw.c.
 */
#ifndef KERNEL_MAP_DRAW_H
#define KERNEL_MAP_DRAW_H

#include "kernel/map/cells.h"

/* All cells, in CELLS_HEIGHT rows. */
void draw_cells(void);

/* One sign in the colours of a class; NULL: in those of text. */
void draw_sign(const struct class *class, char sign);

/* Behind signs: what follows is text. */
void draw_text(void);

#endif
