/*
 * wrap.c - text in rows of at most 80 columns, whatever names are in it.
 *
 *     |  0x001e2010: byte 16 of a live object: slot 0 of cache kmalloc-96, 96 bytes|
 *     |        from 0x001e2000                                                     |
 *              ^ hang
 *
 * A row ends at the last blank that lets it fit; a word that is longer than a row is
 * broken where the row ends, between two characters.  Pure: it runs in hosted tests.
 */
#include "kernel/wrap.h"

#include <stdbool.h>

static size_t blanks_at(const char *text, size_t length)
{
    size_t n = 0;

    while (n < length && text[n] == ' ')
        n++;
    return n;
}

/* In UTF-8, any byte of a character but its first. */
static bool is_inside_character(char c)
{
    return (c & 0xc0) == 0x80;
}

/* How much of the text makes a row of that many columns. */
static size_t row_length(const char *text, size_t length, size_t columns)
{
    size_t end = columns;

    if (length <= columns)
        return length;
    while (end > 0 && text[end] != ' ')
        end--;
    while (end > 0 && text[end - 1] == ' ')
        end--;
    if (end > 0)
        return end;
    for (end = columns; end > 0 && is_inside_character(text[end]); end--)
        ;
    return end > 0 ? end : columns;
}

void wrap(const char *text, size_t length, size_t hang,
          void (*row)(size_t column, const char *text, size_t length))
{
    size_t column = 0, margin = blanks_at(text, length);

    if (hang == 0)
        hang = margin + WRAP_DEEPER;
    if (hang > WRAP_WIDTH - WRAP_LEAST)
        hang = WRAP_WIDTH - WRAP_LEAST;
    do {
        size_t n = row_length(text, length, WRAP_WIDTH - column);

        row(column, text, n);
        n += blanks_at(text + n, length - n);
        text += n;
        length -= n;
        column = hang;
    } while (length > 0);
}
