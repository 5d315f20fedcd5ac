/*
 * format.h - printf's formats, made into pieces of text: see format.c.
 */
#ifndef KERNEL_FORMAT_H
#define KERNEL_FORMAT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where the text goes: called with one piece after the other. */
struct format_sink {
    void (*put)(struct format_sink *sink, const char *text, size_t length);
    bool shows;                 /* what arguments hold is made harmless: see shown.c */
};

/* What stands behind %p, as in Linux (format_pointer.c), and its text. */
struct pointer_format {
    const char *letters;
    size_t length;
    size_t bytes;               /* for %*ph */
};
void format_pointer(const struct pointer_format *format, const void *p, char *text,
                    size_t size);

/* The name of what is at an address, with the offset or without; NULL: no names. */
extern void (*format_symbol)(uintptr_t address, bool offset, char *text, size_t size);

/* Returns the number of characters put. */
int format(struct format_sink *sink, const char *fmt, va_list args)
    __attribute__((format(printf, 2, 0)));

/* As kvsnprintf, of text that is going to be shown. */
int format_shown(char *buf, size_t size, const char *fmt, va_list args)
    __attribute__((format(printf, 3, 0)));

#endif
