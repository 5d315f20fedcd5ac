/*
 * shown.h - text from memory, for a terminal that is to show it: see shown.c.
 */
#ifndef KERNEL_SHOWN_H
#define KERNEL_SHOWN_H

#include <stddef.h>

enum { SHOWN_BYTE = 4 };        /* characters of a byte as \x1b */

/* Bytes of the printable character at `text`, of `length` at most; 0: there is none. */
size_t shown_character(const char *text, size_t length);

/* Bytes from `text` on, of `length` at most, that may go out as they are. */
size_t shown_run(const char *text, size_t length);

/* How many characters the text has, shown. */
size_t shown_length(const char *text, size_t length);

/* Of a byte beside its hex: itself, or a dot. */
static inline char shown_in_dump(unsigned char byte)
{
    return byte >= ' ' && byte <= '~' ? (char)byte : '.';
}

/* A byte that is not to go out as it is. */
void shown_byte(char byte, char as[SHOWN_BYTE]);

#endif
