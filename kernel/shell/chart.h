/*
 * chart.h - a number of a listing, over time: see chart.c.
 */
#ifndef KERNEL_SHELL_CHART_H
#define KERNEL_SHELL_CHART_H

#include <stdbool.h>
#include <stdint.h>

/* A new chart: no samples.  One is to come each so many seconds. */
void chart_begin(const char *key, uint32_t seconds);

/*
 * One more sample: the first number under that key in what the command prints with -j.  Then
 * draw them all; or, with as_row, this one, as a row.  The command's status, after a line if
 * there is no such number: which keys have one, if it is the first sample.
 */
int chart_take(int argc, char **argv, bool as_row);

/* How often something was printed that was taken, and not shown. */
uint32_t chart_swallowed(void);

#endif
