/*
 * fuzz_params.c - a kernel command line of any bytes, and one that is made of parameters.
 *
 *   - whatever the line is, values lie in its copy, and what is shown of it is harmless;
 *   - parameters written as params.h says arrive in their order with their values, those
 *     that are unknown are named, and nothing else is set.
 *
 * The first byte says which of the two.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "kernel/params.h"
#include "kernel/printk.h"
#include "tests/fuzz/said.h"

enum { LONGEST = 4200, MOST = 40, NAME_SIZE = 8, VALUE_SIZE = 24 };

const char fuzz_name[] = "params";
bool *const fuzz_trace = NULL;

/* ---- parameters that note what they are set to ----------------------------------- */

static struct set {
    char name;
    char value[LONGEST];
} sets[MOST + 1];
static unsigned count;

static bool note(char name, const char *value)
{
    MUST(strnlen(value, LONGEST) < LONGEST);
    if (count <= MOST) {
        sets[count].name = name;
        strcpy(sets[count].value, value);
    }
    count++;
    return true;
}

static bool set_a(const char *value)
{
    return note('a', value);
}

static bool set_b(const char *value)
{
    return note('b', value);
}

KERNEL_PARAM(a, "TEXT", "a text", set_a);
KERNEL_PARAM(b, "TEXT", "another one", set_b);

static void parse(const char *line)
{
    count = 0;
    console_loglevel = 7;
    printk_quiet = false;
    said_forget();
    params_parse(line);
    said_must_be_harmless();
}

/* ---- of any bytes ---------------------------------------------------------------- */

static void try_line(const uint8_t *bytes, size_t size)
{
    char line[LONGEST + 1];

    if (size > LONGEST)
        size = LONGEST;
    memcpy(line, bytes, size);
    line[size] = 0;
    parse(line);
    MUST(strlen(params_line()) < 4096);
    MUST(strncmp(line + strlen(line) - strlen(params_line()), params_line(), 1) == 0 ||
         strlen(line) > 4095);
    MUST(strnlen(params_run(), 4096) < 4096);
    MUST(console_loglevel >= 0 && console_loglevel <= 8);
    for (unsigned i = 0; i < count && i <= MOST; i++)
        MUST(strlen(sets[i].value) <= strlen(line));
}

/* ---- of parameters --------------------------------------------------------------- */

struct maker {
    const uint8_t *next, *end;
    char line[LONGEST];
    size_t length;
    unsigned unknown;
};

static unsigned take(struct maker *maker, unsigned below)
{
    return maker->next < maker->end ? *maker->next++ % below : 0;
}

static void put(struct maker *maker, char c)
{
    maker->line[maker->length++] = c;
    maker->line[maker->length] = 0;
}

/* Quoted, so that any byte but 0 may stand in it. */
static void put_value(struct maker *maker, char *value)
{
    unsigned n = take(maker, VALUE_SIZE);

    put(maker, '"');
    while (n-- > 0) {
        char c = (char)(1 + take(maker, 255));

        if (c == '"' || c == '\\')
            put(maker, '\\');
        put(maker, c);
        *value++ = c;
    }
    put(maker, '"');
    *value = 0;
}

static void try_parameters(const uint8_t *bytes, size_t size)
{
    static const char names[] = "abxy";
    struct maker maker = { .next = bytes, .end = bytes + size };
    struct set wanted[MOST];
    unsigned n = 0;

    put(&maker, ' ');
    while (maker.next < maker.end && n < MOST) {
        char name = names[take(&maker, 4)];

        put(&maker, name);
        put(&maker, '=');
        wanted[n].name = name;
        put_value(&maker, wanted[n].value);
        put(&maker, " \t\n\r"[take(&maker, 4)]);
        if (name == 'x' || name == 'y')
            maker.unknown++;
        else
            n++;
    }
    parse(maker.line);
    MUST(count == n && said_lines == maker.unknown);
    for (unsigned i = 0; i < n; i++)
        MUST(sets[i].name == wanted[i].name &&
             strcmp(sets[i].value, wanted[i].value) == 0);
    MUST(console_loglevel == 7 && !printk_quiet);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size > 0 && bytes[0] % 2 == 0)
        try_line(bytes + 1, size - 1);
    else if (size > 0 && size < 1000)
        try_parameters(bytes + 1, size - 1);
    return 0;
}
