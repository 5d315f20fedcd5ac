/*
 * shown.c - text from memory, made so that a terminal shows it and does not obey it.
 *
 *     kmalloc-64  Größe         as it is: printable characters, in UTF-8
 *     a ESC [2J                 a\x1b[2J
 *     latin ED                  latin\xed    part of no character in UTF-8
 *     C2 9B                     \xc2\x9b     U+009B, which some terminals take for ESC [
 *
 * Names of caches, what was typed, what a loader or a lab left in memory: any of it may
 * hold what clears a screen, renames a window, or is answered by the terminal as if
 * it were typed.  So whatever comes to a console out of an argument goes through here:
 * format.c does it, for %s and %c.  What a format says itself goes out as it is.  So do
 * newlines, carriage returns and tabs of an argument, which often is a whole text.  A
 * backslash is not doubled, so that what was shown may be shown again.
 *
 * Pure: it runs in hosted tests.
 */
#include "kernel/shown.h"

#include <stdbool.h>
#include <stdint.h>

/* RFC 3629, section 4: by its first byte, how long, and what the second may be. */
static const struct head {
    uint8_t first, last, low, high;
    uint8_t length;
} heads[] = {
    { 0x20, 0x7e, 0, 0xff, 1 },     { 0xc2, 0xc2, 0xa0, 0xbf, 2 },
    { 0xc3, 0xdf, 0x80, 0xbf, 2 },  { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
    { 0xe1, 0xec, 0x80, 0xbf, 3 },  { 0xed, 0xed, 0x80, 0x9f, 3 },
    { 0xee, 0xef, 0x80, 0xbf, 3 },  { 0xf0, 0xf0, 0x90, 0xbf, 4 },
    { 0xf1, 0xf3, 0x80, 0xbf, 4 },  { 0xf4, 0xf4, 0x80, 0x8f, 4 },
};

static bool is_whole(const uint8_t *at, size_t length, const struct head *head)
{
    if (length < head->length || at[0] < head->first || at[0] > head->last)
        return false;
    for (unsigned i = 1; i < head->length; i++)
        if (at[i] < (i == 1 ? head->low : 0x80) || at[i] > (i == 1 ? head->high : 0xbf))
            return false;
    return true;
}

size_t shown_character(const char *text, size_t length)
{
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
        if (is_whole((const uint8_t *)text, length, &heads[i]))
            return heads[i].length;
    return 0;
}

/* What only places the text behind it; a command may print it on purpose. */
static bool is_layout(char c)
{
    return c == '\n' || c == '\r' || c == '\t';
}

size_t shown_run(const char *text, size_t length)
{
    size_t run = 0;

    while (run < length) {
        size_t n = is_layout(text[run]) ? 1 : shown_character(text + run, length - run);

        if (n == 0)
            break;
        run += n;
    }
    return run;
}

size_t shown_length(const char *text, size_t length)
{
    size_t shown = 0, at = 0;

    while (at < length) {
        size_t run = shown_run(text + at, length - at);

        at += run;
        shown += run;
        if (at < length) {
            at++;
            shown += SHOWN_BYTE;
        }
    }
    return shown;
}

void shown_byte(char byte, char as[SHOWN_BYTE])
{
    static const char digits[] = "0123456789abcdef";

    as[0] = '\\';
    as[1] = 'x';
    as[2] = digits[(uint8_t)byte >> 4];
    as[3] = digits[byte & 15];
}
