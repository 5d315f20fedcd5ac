/*
 * format.h - printf's formats, made into pieces of text: see format.c.
 */
#ifndef KERNEL_FORMAT_H
#define KERNEL_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

/* Where the text goes: called with one piece after the other. */
struct format_sink {
    void (*put)(struct format_sink *sink, const char *text, size_t length);
};

/* Returns the number of characters put. */
int format(struct format_sink *sink, const char *fmt, va_list args)
    __attribute__((format(printf, 2, 0)));

#endif
