/*
 * said.c - the kernel's output by its own formats, into a buffer; and a console that has
 * every place it is asked for.
 */
#include "tests/fuzz/said.h"

#include "kernel/console.h"
#include "kernel/format.h"
#include "kernel/printk.h"
#include "kernel/string.h"
#include "tests/fuzz/fuzz.h"

char said[1 << 16];
size_t said_length;
unsigned said_lines;

void said_forget(void)
{
    said[0] = 0;
    said_length = said_lines = 0;
}

static void put(struct format_sink *sink, const char *text, size_t length)
{
    (void)sink;
    if (length > sizeof(said) - 1 - said_length)
        length = sizeof(said) - 1 - said_length;
    memcpy(said + said_length, text, length);
    said_length += length;
    said[said_length] = 0;
}

static int say(const char *fmt, va_list args, bool ends) PRINTF_LIKE(1, 0);
static int say(const char *fmt, va_list args, bool ends)
{
    struct format_sink sink = { put, true };
    int length = format(&sink, fmt, args);

    if (ends)
        put(&sink, "\n", 1);
    said_lines += ends;
    return length;
}

int kprintf(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    int length = say(fmt, args, false);
    va_end(args);
    return length;
}

void kprint_wrapped(size_t hang, const char *fmt, ...)
{
    va_list args;

    (void)hang;
    va_start(args, fmt);
    say(fmt, args, true);
    va_end(args);
}

int printk(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    int length = say(fmt + 2, args, true);      /* behind its level */
    va_end(args);
    return length;
}

void said_must_be_harmless(void)
{
    for (size_t i = 0; i < said_length; i++) {
        unsigned char c = (unsigned char)said[i];

        MUST(c >= ' ' || c == '\n' || c == '\r' || c == '\t');
        MUST(c != 0x7f);
        MUST(c != 0xc2 || ((unsigned char)said[i + 1] & 0xe0) != 0x80);
    }
}

/* ---- and what else params.c and shell_args.c want ------------------------------- */

int console_loglevel = 7;
bool printk_quiet;

bool console_choose(enum console_place place)
{
    (void)place;
    return true;
}

bool console_set_baud(uint32_t baud)
{
    return baud == 115200;
}

/* Not all C libraries have them. */
size_t strlcpy(char *to, const char *from, size_t size)
{
    size_t length = strlen(from);

    if (size > 0) {
        size_t n = length < size ? length : size - 1;

        memcpy(to, from, n);
        to[n] = 0;
    }
    return length;
}

size_t strlcat(char *to, const char *from, size_t size)
{
    size_t length = strnlen(to, size);

    return length + strlcpy(to + length, from, size - length);
}
