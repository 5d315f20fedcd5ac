/*
 * edit_text.c - the line being edited, as text: how keys, search, completion change it.
 *
 * text[0 .. length) ends with 0, and cursor is at most length, before and after each
 * call; what has no room is refused, with one bell a line.
 */
#include "kernel/line/edit_priv.h"

#include "kernel/string.h"

/* ---- changing the text --------------------------------------------------- */

static void ring(struct edit *edit)
{
    if (!edit->rang)
        terminal_puts(edit->terminal, "\a");
    edit->rang = true;
}

void edit_insert(struct edit *edit, const char *text, size_t length)
{
    size_t room = edit->size - 1 - edit->length;
    char *at = edit->text + edit->cursor;

    if (length > room) {
        length = room;
        ring(edit);
    }
    memmove(at + length, at, edit->length - edit->cursor + 1);
    memcpy(at, text, length);
    edit->length += length;
    edit->cursor += length;
}

void edit_take_out(struct edit *edit, size_t from, size_t to)
{
    memmove(edit->text + from, edit->text + to, edit->length - to + 1);
    edit->length -= to - from;
    edit->cursor = from;
    edit->rang = false;
}

void edit_kill(struct edit *edit, size_t from, size_t to)
{
    if (from == to)
        return;
    memcpy(edit->killed, edit->text + from, to - from);
    edit->killed[to - from] = 0;
    edit_take_out(edit, from, to);
}

void edit_replace(struct edit *edit, const char *text)
{
    edit_take_out(edit, 0, edit->length);
    edit_insert(edit, text, strlen(text));
}

/* ---- words --------------------------------------------------------------- */

static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
           c == '_';
}

size_t edit_word_left(const struct edit *edit)
{
    size_t at = edit->cursor;

    while (at > 0 && !is_word(edit->text[at - 1]))
        at--;
    while (at > 0 && is_word(edit->text[at - 1]))
        at--;
    return at;
}

size_t edit_word_right(const struct edit *edit)
{
    size_t at = edit->cursor;

    while (at < edit->length && !is_word(edit->text[at]))
        at++;
    while (at < edit->length && is_word(edit->text[at]))
        at++;
    return at;
}

size_t edit_argument_left(const struct edit *edit)
{
    size_t at = edit->cursor;

    while (at > 0 && edit->text[at - 1] == ' ')
        at--;
    while (at > 0 && edit->text[at - 1] != ' ')
        at--;
    return at;
}
