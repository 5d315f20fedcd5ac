/*
 * fuzz_json.c - text of any bytes, as a JSON string and as a console shows it.
 *
 *   - the string is one of RFC 8259, in UTF-8, and says the same text: a byte that is
 *     part of no character stands for the character of its number;
 *   - neither has anything in it that a terminal would obey;
 *   - what was shown is shown again as it is.
 *
 * Both readers here take UTF-8 apart by arithmetic, the kernel by a table.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "kernel/printk.h"
#include "kernel/shell.h"
#include "kernel/shown.h"
#include "tests/fuzz/said.h"

enum { LONGEST = 2000, NO_CHARACTER = -1 };

const char fuzz_name[] = "json";
bool *const fuzz_trace = NULL;

/* The character at *at, which ends up behind it; or none, and *at is where it was. */
static int32_t decode(const uint8_t **at)
{
    const uint8_t *byte = *at;
    int more = byte[0] < 0x80 ? 0 : byte[0] < 0xc0 ? -1 : byte[0] < 0xe0 ? 1
               : byte[0] < 0xf0 ? 2 : byte[0] < 0xf8 ? 3 : -1;
    static const int32_t least[] = { 0, 0x80, 0x800, 0x10000 };
    int32_t code = more <= 0 ? byte[0] : byte[0] & (0x3f >> more);

    if (more < 0)
        return NO_CHARACTER;
    for (int i = 1; i <= more; i++) {
        if ((byte[i] & 0xc0) != 0x80)
            return NO_CHARACTER;
        code = code << 6 | (byte[i] & 0x3f);
    }
    if (code < least[more] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        return NO_CHARACTER;
    *at += more + 1;
    return code;
}

static int32_t text_next(const uint8_t **at)
{
    int32_t code = decode(at);

    return code == NO_CHARACTER ? *(*at)++ : code;
}

static int32_t hex4(const uint8_t *at)
{
    char digits[5] = "";
    char *end;

    memcpy(digits, at, 4);
    long code = strtol(digits, &end, 16);

    MUST(end == digits + 4);
    return (int32_t)code;
}

static int32_t json_next(const uint8_t **at)
{
    if (**at != '\\') {
        int32_t code = decode(at);

        MUST(code >= ' ' && code != '"');
        return code;
    }
    *at += 2;
    if ((*at)[-1] != 'u') {
        MUST((*at)[-1] == '"' || (*at)[-1] == '\\');
        return (*at)[-1];
    }
    *at += 4;
    return hex4(*at - 4);
}

static void try_json(const char *text)
{
    const uint8_t *from = (const uint8_t *)text, *at = (const uint8_t *)said + 1;

    said_forget();
    json_string(text);
    MUST(said_length >= 2 && said[0] == '"' && said[said_length - 1] == '"');
    said_must_be_harmless();
    while (*from != 0)
        MUST(text_next(&from) == json_next(&at));
    MUST(at == (const uint8_t *)said + said_length - 1);
}

static void try_shown(const char *text)
{
    static char once[4 * LONGEST + 1];

    said_forget();
    kprintf("%s", text);
    said_must_be_harmless();
    MUST(said_length == shown_length(text, strlen(text)));
    for (const uint8_t *at = (const uint8_t *)said; *at != 0; )
        MUST(decode(&at) != NO_CHARACTER);
    strcpy(once, said);
    said_forget();
    kprintf("%s", once);
    MUST(strcmp(said, once) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char text[LONGEST + 1];

    if (size > LONGEST)
        size = LONGEST;
    memcpy(text, bytes, size);
    text[size] = 0;
    try_json(text);
    try_shown(text);
    return 0;
}
