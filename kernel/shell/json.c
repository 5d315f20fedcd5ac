/*
 * json.c - text as a JSON string.
 *
 * Printable characters in UTF-8 go out as they are: JSON is UTF-8.  Others go out by
 * their number, as \u001b; so does a byte that is part of no character, which is not to
 * break the line for its reader: in Latin-1 it was the character of that number.
 */
#include "kernel/shell.h"

#include "kernel/shown.h"

/* U+0080 to U+009F: characters that JSON may have as they are, and terminals obey. */
static bool is_control(const char *text)
{
    return (uint8_t)text[0] == 0xc2 && (text[1] & 0xe0) == 0x80;
}

void json_string(const char *text)
{
    kprintf("\"");
    while (*text != 0) {
        size_t length = shown_character(text, SIZE_MAX);

        if (is_control(text))
            text++;                     /* its second byte is its number */
        if (*text == '"' || *text == '\\')
            kprintf("\\%c", *text);
        else if (length > 0)
            kprintf("%.*s", (int)length, text);
        else
            kprintf("\\u%04x", (uint8_t)*text);
        text += length > 0 ? length : 1;
    }
    kprintf("\"");
}
