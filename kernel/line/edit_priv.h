/*
 * edit_priv.h - what the files of the editor share: see edit.c.
 */
#ifndef KERNEL_LINE_EDIT_PRIV_H
#define KERNEL_LINE_EDIT_PRIV_H

#include "kernel/line/edit.h"

/* ---- the text: edit_text.c ---- */

/* Put text in at the cursor; what has no room is refused with a bell. */
void edit_insert(struct edit *edit, const char *text, size_t length);

/* Put another text in place of all of this one. */
void edit_replace(struct edit *edit, const char *text);

/* Take text[from .. to) out; the cursor goes where it was. */
void edit_take_out(struct edit *edit, size_t from, size_t to);

/* The same, kept for Ctrl-Y. */
void edit_kill(struct edit *edit, size_t from, size_t to);

/* Where the word left of the cursor begins, and that right of it ends; where the
 * argument left of it begins: blanks part arguments. */
size_t edit_word_left(const struct edit *edit);
size_t edit_word_right(const struct edit *edit);
size_t edit_argument_left(const struct edit *edit);

/* ---- the rest ---- */

/* Write text below the line; the line is then shown again below it. */
void edit_begin_note(struct edit *edit);
void edit_end_note(struct edit *edit);

void edit_search_begin(struct edit *edit);
/* A key while searching.  True: it is done with; false: the search is over, and the
 * key still to be obeyed. */
bool edit_search_key(struct edit *edit, int key);
void edit_search_draw(struct edit *edit);

void edit_complete(struct edit *edit);

#endif
