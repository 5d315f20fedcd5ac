/*
 * format_pointer.c - what may stand behind %p, as in Linux.
 *
 *     %p             0x001b1000; behind a 0x of the format's own: 001b1000
 *     %px %pK        001b1000
 *     %pS %pB        kmalloc_at+0x12/0x40, of the function or object there
 *     %ps            kmalloc_at
 *     %6ph %*ph      00 01 02 03 04 05, so many bytes there, 64 at most;
 *                    %phC with : between them, %phD with -, %phN with nothing
 *
 * All letters and digits behind %p belong to it.  Others that Linux knows, of drivers
 * and files that are not here, are printed as (%pM?), and nothing there is read.
 */
#include "kernel/format.h"

#include <stdbool.h>
#include <stdint.h>

#include "kernel/string.h"

enum { MAX_BYTES = 64 };

void (*format_symbol)(uintptr_t address, bool offset, char *text, size_t size);

static bool is_letters(const struct pointer_format *format, const char *letters)
{
    return format->length == strlen(letters) &&
           strncmp(format->letters, letters, format->length) == 0;
}

/* Behind what is in the text; cut if it is full. */
static void append(char *text, size_t size, const char *more, size_t length)
{
    size_t at = strlen(text);

    for (; length > 0 && at + 1 < size; length--)
        text[at++] = *more++;
    text[at] = 0;
}

static void append_hex(char *text, size_t size, uintptr_t value, size_t digits)
{
    while (digits-- > 0)
        append(text, size, &"0123456789abcdef"[value >> 4 * digits & 15], 1);
}

static void put_digits(const void *p, char *text, size_t size)
{
    append_hex(text, size, (uintptr_t)p, 2 * sizeof(p));
}

static void put_symbol(const void *p, bool offset, char *text, size_t size)
{
    if (format_symbol != NULL)
        format_symbol((uintptr_t)p, offset, text, size);
    else
        put_digits(p, text, size);
}

static void put_bytes(const uint8_t *bytes, size_t count, const char *between,
                      char *text, size_t size)
{
    for (size_t i = 0; i < count && i < MAX_BYTES; i++) {
        append(text, size, between, i == 0 ? 0 : strlen(between));
        append_hex(text, size, bytes[i], 2);
    }
}

/* What stands between bytes; NULL: these letters print none. */
static const char *between_bytes(const struct pointer_format *format)
{
    if (is_letters(format, "h"))
        return " ";
    if (is_letters(format, "hC"))
        return ":";
    if (is_letters(format, "hD"))
        return "-";
    return is_letters(format, "hN") ? "" : NULL;
}

static void put_unknown(const struct pointer_format *format, char *text, size_t size)
{
    append(text, size, "(%p", 3);
    append(text, size, format->letters, format->length);
    append(text, size, "?)", 2);
}

void format_pointer(const struct pointer_format *format, const void *p, char *text,
                    size_t size)
{
    const char *between = between_bytes(format);

    text[0] = 0;
    if (is_letters(format, "x") || is_letters(format, "K"))
        put_digits(p, text, size);
    else if (is_letters(format, "S") || is_letters(format, "B"))
        put_symbol(p, true, text, size);
    else if (is_letters(format, "s"))
        put_symbol(p, false, text, size);
    else if (between == NULL)
        put_unknown(format, text, size);
    else if (p == NULL)
        append(text, size, "(null)", 6);
    else
        put_bytes(p, format->bytes, between, text, size);
}
