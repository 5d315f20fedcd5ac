/*
 * colour.h - letters on a colour, where the terminal has colours; see colour.c.
 */
#ifndef KERNEL_LINE_COLOUR_H
#define KERNEL_LINE_COLOUR_H

/* As ECMA-48 counts them.  BLACK is that of text: none. */
enum { BLACK, RED, GREEN, YELLOW, BLUE, MAGENTA, CYAN, WHITE };

/* What follows is a picture, and begins as text. */
void colour_begin(void);

/* What follows is black letters on that colour. */
void colour_set(unsigned colour);

#endif
