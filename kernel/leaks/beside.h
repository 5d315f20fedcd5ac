/*
 * beside.h - words beside a picture; see beside.c.
 */
#ifndef KERNEL_LEAKS_BESIDE_H
#define KERNEL_LEAKS_BESIDE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Print the text in rows that begin in that column, up to WRAP_WIDTH; at least so many rows.
 * At the left of each stands what `draw` prints, without a newline: it returns how many
 * columns that takes, fewer than `column`.
 */
typedef size_t beside_fn(unsigned row, bool is_last, const void *arg);
void beside_print(size_t column, unsigned least, const char *text, beside_fn *draw,
                  const void *arg);

#endif
