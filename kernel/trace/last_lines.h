/*
 * last_lines.h - the last lines of code that were executed: see last_lines.c.
 */
#ifndef KERNEL_TRACE_LAST_LINES_H
#define KERNEL_TRACE_LAST_LINES_H

#include <stdint.h>

#include "kernel/lines.h"

enum { LAST_LINES = 10 };

/* Each line once, the one that was executed last behind the others. */
struct last_lines {
    struct line lines[LAST_LINES];
    uintptr_t inside[LAST_LINES];       /* an address of it */
    unsigned count;
};

/* An instruction there was executed. */
void last_lines_add(struct last_lines *last, uintptr_t inside);
/* Print them, the oldest first. */
void last_lines_print(const struct last_lines *last);

#endif
