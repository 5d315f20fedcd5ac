/*
 * lines.h - lines of source for addresses of code: the line table inside the image.
 */
#ifndef KERNEL_LINES_H
#define KERNEL_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct line {
    const char *file;           /* as __FILE__ has it */
    unsigned number;
};

/*
 * The line of the instruction at addr or around it; false if there is none.  Of a call
 * one knows the address behind it: the call itself is around the byte before.
 */
bool line_find(uintptr_t addr, struct line *found);

/* Does a call return there?  It ends right before, by what the bytes there are. */
bool line_follows_call(uintptr_t addr);

enum { LINE_TEXT_SIZE = 160 };  /* for any place but one with a very long path */

/*
 * "name+0x12/0x40 (kernel/main.c:12)", or as much of it as is known, into buf; returns
 * buf.  The symbol and the line are those around `inside`, which is addr or, where a call
 * returns to addr, the byte before.
 */
const char *line_format(uintptr_t addr, uintptr_t inside, char *buf, size_t size);

#endif
