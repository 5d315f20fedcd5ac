/*
 * line_view.h - a prompt and a line on the screen, changed with few bytes.
 */
#ifndef KERNEL_LINE_LINE_VIEW_H
#define KERNEL_LINE_LINE_VIEW_H

#include <stddef.h>

#include "kernel/line/terminal.h"

enum { LINE_VIEW_SIZE = 352 };          /* of prompt and line together */

struct line_view {
    struct terminal *terminal;
    char shown[LINE_VIEW_SIZE];
    size_t length;              /* of what is shown */
    size_t at;                  /* the cell with the cursor */
    size_t prompt;              /* cells in front that stand out */
};

/* The cursor is at the start of an empty row: nothing is shown. */
void line_view_begin(struct line_view *view);

/* Make the screen show this, with the cursor on text[cursor]. */
void line_view_show(struct line_view *view, const char *prompt, const char *text,
                    size_t length, size_t cursor);

/* Put the cursor behind what is shown, where the terminal can. */
void line_view_leave(struct line_view *view);

/* Wipe what is shown, after the terminal said another width than `before`. */
void line_view_refit(struct line_view *view, unsigned before);

#endif
