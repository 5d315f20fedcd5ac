/*
 * edit.h - editing a line: bytes from the terminal in, bytes for its screen out.
 */
#ifndef KERNEL_LINE_EDIT_H
#define KERNEL_LINE_EDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/line/history.h"
#include "kernel/line/line_view.h"
#include "kernel/line/readline.h"

enum { EDIT_PATTERN_SIZE = 32 };        /* of what Ctrl-R looks for */

enum edit_result { EDIT_GOES_ON, EDIT_DONE, EDIT_ABANDONED, EDIT_TOO_LONG };

struct edit {
    /* set once, by whoever makes it */
    struct terminal *terminal;
    struct history *history;
    readline_candidates candidates;     /* NULL: Tab does nothing */
    const char *leave_hint;     /* what Ctrl-D on an empty line says */

    /* the line */
    const char *prompt;
    char *text;                 /* always ended with 0 */
    size_t size, length, cursor;
    unsigned back;              /* lines back in the history; 0: the new line */
    char newest[READLINE_SIZE]; /* the new line, while an older one is shown */
    char killed[READLINE_SIZE]; /* what Ctrl-Y brings back */
    bool rang;                  /* the bell, for this line */
    bool marks_pastes;          /* the terminal does, for this line */

    /* Ctrl-R */
    bool searching;
    char pattern[EDIT_PATTERN_SIZE];
    unsigned found;             /* lines back; 0: nothing was found */

    struct line_view view;
};

/* Begin a line: at most size - 1 characters, at most READLINE_SIZE. */
void edit_begin(struct edit *edit, const char *prompt, char *text, size_t size);

/* Take a byte.  Nothing is shown before edit_draw, but for what ends the line. */
enum edit_result edit_byte(struct edit *edit, uint8_t byte);

/* Bring the screen up to date. */
void edit_draw(struct edit *edit);

/* Others have written on the screen, and left the cursor in an empty row. */
void edit_redraw(struct edit *edit);

#endif
