/*
 * format_buffer.c - formats into a buffer, as snprintf: cut to its size, ended with 0.
 */
#include "kernel/format.h"

#include "kernel/printk.h"
#include "kernel/string.h"

struct buffer_sink {
    struct format_sink sink;            /* first: the sink is the buffer_sink */
    char *at;
    size_t room;                        /* without the final 0 */
};

static void put_in_buffer(struct format_sink *sink, const char *text, size_t length)
{
    struct buffer_sink *buffer = (struct buffer_sink *)sink;

    if (length > buffer->room)
        length = buffer->room;
    if (length == 0)
        return;                         /* of size 0, the buffer may be NULL */
    memcpy(buffer->at, text, length);
    buffer->at += length;
    buffer->room -= length;
}

static int PRINTF_LIKE(4, 0) print(bool shows, char *buf, size_t size, const char *fmt,
                                   va_list args)
{
    struct buffer_sink buffer = { { put_in_buffer, shows }, buf,
                                  size > 0 ? size - 1 : 0 };
    int length = format(&buffer.sink, fmt, args);

    if (size > 0)
        *buffer.at = 0;
    return length;
}

int kvsnprintf(char *buf, size_t size, const char *fmt, va_list args)
{
    return print(false, buf, size, fmt, args);
}

int format_shown(char *buf, size_t size, const char *fmt, va_list args)
{
    return print(true, buf, size, fmt, args);
}

int ksnprintf(char *buf, size_t size, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    int length = kvsnprintf(buf, size, fmt, args);
    va_end(args);
    return length;
}
