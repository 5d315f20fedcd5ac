/*
 * json.c - text as a JSON string.
 *
 * Characters in UTF-8 go out as they are: JSON is UTF-8.  A byte that is part of none is
 * not to break the line for its reader: it goes out as the character of that number,
 * which is what it was if the text was in Latin-1.
 */
#include "kernel/shell.h"
#include "kernel/string.h"

/* RFC 3629, section 4: by its first byte, how long, and what the second may be. */
static const struct head {
    uint8_t first, last, low, high;
    uint8_t length;
} heads[] = {
    { 0x20, 0x7e, 0, 0xff, 1 },     { 0xc2, 0xdf, 0x80, 0xbf, 2 },
    { 0xe0, 0xe0, 0xa0, 0xbf, 3 },  { 0xe1, 0xec, 0x80, 0xbf, 3 },
    { 0xed, 0xed, 0x80, 0x9f, 3 },  { 0xee, 0xef, 0x80, 0xbf, 3 },
    { 0xf0, 0xf0, 0x90, 0xbf, 4 },  { 0xf1, 0xf3, 0x80, 0xbf, 4 },
    { 0xf4, 0xf4, 0x80, 0x8f, 4 },
};

static bool is_whole(const uint8_t *at, const struct head *head)
{
    if (at[0] < head->first || at[0] > head->last)
        return false;
    for (unsigned i = 1; i < head->length; i++)
        if (at[i] < (i == 1 ? head->low : 0x80) || at[i] > (i == 1 ? head->high : 0xbf))
            return false;
    return true;
}

/* Bytes of the printable character there; 0: there is none. */
static int character(const char *text)
{
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
        if (is_whole((const uint8_t *)text, &heads[i]))
            return heads[i].length;
    return 0;
}

void json_string(const char *text)
{
    kprintf("\"");
    while (*text != 0) {
        int length = character(text);

        if (*text == '"' || *text == '\\')
            kprintf("\\%c", *text);
        else if (length > 0)
            kprintf("%.*s", length, text);
        else
            kprintf("\\u%04x", (uint8_t)*text);
        text += length > 0 ? length : 1;
    }
    kprintf("\"");
}
