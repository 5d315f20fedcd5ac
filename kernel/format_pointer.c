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

#include "kernel/printk.h"
#include "kernel/string.h"

enum { MAX_BYTES = 64 };

void (*format_symbol)(uintptr_t address, bool offset, char *text, size_t size);

static bool is_letters(const struct pointer_format *format, const char *letters)
{
    return format->length == strlen(letters) &&
           strncmp(format->letters, letters, format->length) == 0;
}

static void put_digits(const void *p, char *text, size_t size)
{
    ksnprintf(text, size, "%0*lx", (int)(2 * sizeof(p)), (unsigned long)(uintptr_t)p);
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
    size_t length = 0;

    text[0] = 0;
    for (size_t i = 0; i < count && i < MAX_BYTES; i++)
        length += (size_t)ksnprintf(text + length, size - length, "%s%02x",
                                    i == 0 ? "" : between, bytes[i]);
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

void format_pointer(const struct pointer_format *format, const void *p, char *text,
                    size_t size)
{
    const char *between = between_bytes(format);

    if (is_letters(format, "x") || is_letters(format, "K"))
        put_digits(p, text, size);
    else if (is_letters(format, "S") || is_letters(format, "B"))
        put_symbol(p, true, text, size);
    else if (is_letters(format, "s"))
        put_symbol(p, false, text, size);
    else if (between == NULL)
        ksnprintf(text, size, "(%%p%.*s?)", (int)format->length, format->letters);
    else if (p == NULL)
        ksnprintf(text, size, "(null)");
    else
        put_bytes(p, format->bytes, between, text, size);
}
