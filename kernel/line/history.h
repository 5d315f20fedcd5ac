/*
 * history.h - the lines typed before, the newest 64 of them.
 */
#ifndef KERNEL_LINE_HISTORY_H
#define KERNEL_LINE_HISTORY_H

#include "kernel/line/readline.h"

enum { HISTORY_LINES = 64 };            /* a power of two: the counter wraps */

struct history {
    char line[HISTORY_LINES][READLINE_SIZE];
    unsigned count;             /* lines ever kept */
};

/* Keep a line, unless it is blank or the last one again. */
void history_keep(struct history *history, const char *line);

/* The line `back` lines ago, 1 being the last; NULL: there is none. */
const char *history_line(const struct history *history, unsigned back);

/* How far back, at least `from` lines, stands a line with `part` in it?  0: none. */
unsigned history_find(const struct history *history, const char *part, unsigned from);

#endif
