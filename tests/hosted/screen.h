/*
 * screen.h - a model of a terminal's screen: see screen.c.
 */
#ifndef TESTS_HOSTED_SCREEN_H
#define TESTS_HOSTED_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

enum { ROWS = 40, COLUMNS = 200 };

extern struct screen {
    char cell[ROWS][COLUMNS];
    unsigned width, row, column;
    bool wraps;                         /* the next character starts a row */
    bool answers;
    bool asks;                          /* where the cursor is */
    unsigned saved_row, saved_column, bells, sequences;
    size_t bytes;
} screen;

/* Do what a terminal does with these bytes; fails on those that it would not know. */
void screen_put(const char *bytes, size_t length);

#endif
