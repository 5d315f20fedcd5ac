/*
 * wrap.h - text in rows of at most 80 columns: see wrap.c.
 */
#ifndef KERNEL_WRAP_H
#define KERNEL_WRAP_H

#include <stddef.h>

enum { WRAP_WIDTH = 80, WRAP_DEEPER = 6, WRAP_LEAST = 34 };

/*
 * Call `row` for each row of the text, which is one line.  The first begins in column 0,
 * those behind it in column `hang`; 0: WRAP_DEEPER behind where the text begins.
 */
void wrap(const char *text, size_t length, size_t hang,
          void (*row)(size_t column, const char *text, size_t length));

#endif
