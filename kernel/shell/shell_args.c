/*
 * shell_args.c - what commands do with their words: numbers, options, the one
 * line that says what is wrong.
 *
 *     kmalloc 4K 3 -j          argv after shell_option(&argc, argv, "-j"):
 *                              kmalloc  4K  3
 *
 * A wrong argument costs the reader one line: which command, which argument,
 * what was expected.  Nothing here keeps state or allocates.
 */
#include "kernel/console.h"
#include "kernel/params.h"
#include "kernel/shell.h"
#include "kernel/shell/hooks.h"
#include "kernel/string.h"
#include "kernel/symbols.h"

enum { WORD_SIZE = 128, WHY_SIZE = 256, PLACE_SIZE = 12 };

static const char *running_name(void)
{
    return shell_running != NULL ? shell_running->name : "shell";
}

static bool no_number(const char *text, const char *what, const char *expected)
{
    kprint_wrapped(0, "%s: %s: \"%s\" is not a number: %s", running_name(), what, text,
                   expected);
    return false;
}

bool shell_number(const char *text, const char *what, uint32_t *value)
{
    uint64_t number;

    if (text[0] == '$')
        return shell_address(text, what, value);
    if (!parse_size(text, &number))
        return no_number(text, what, "100, 0x64, 4K, 1M or $1");
    if (number > UINT32_MAX) {
        kprint_wrapped(0, "%s: %s: %s is too large: 0xffffffff at most", running_name(),
                       what, text);
        return false;
    }
    *value = (uint32_t)number;
    return true;
}

/* ---- addresses ----------------------------------------------------------- */

static const char *const an_address = "100, 0x64, 4K, 1M or $1, nor a symbol";

/*
 * The K of BASE+K or BASE-K, which is cut off with the size that backtraces print behind
 * it; 0 if there is none, false if malformed.
 */
static bool take_offset(char *text, uint32_t *offset)
{
    char *sign = text, *slash = strchr(text, '/');
    uint64_t number = 0;

    if (slash != NULL) {
        if (!parse_size(slash + 1, &number))
            return false;
        *slash = 0;
    }
    while (*sign != 0 && *sign != '+' && *sign != '-')
        sign++;

    bool minus = *sign == '-', none = *sign == 0;

    *sign = 0;
    number = 0;
    if (!none && (!parse_size(sign + 1, &number) || number > UINT32_MAX))
        return false;
    *offset = minus ? 0 - (uint32_t)number : (uint32_t)number;
    return true;
}

/* $N, or $: the last pointer, which the hook knows as number 0. */
static bool held_number(const char *base, const char *text, const char *what,
                        uint32_t *address)
{
    uint64_t number = 0;
    bool known = base[1] == 0 || (parse_size(base + 1, &number) && number != 0);

    if (known && number <= UINT32_MAX && shell_hooks->held((uint32_t)number, address))
        return true;
    kprint_wrapped(0, "%s: %s: the shell holds nothing as \"%s\"", running_name(), what,
                   text);
    return false;
}

/* Several functions may be static and have one name: then the user must choose. */
static bool named_address(const char *name, const char *what, uint32_t *address)
{
    struct symbol symbol = { 0 };
    char places[WHY_SIZE] = "", place[PLACE_SIZE];
    unsigned count = 0, exact = 0;

    for (; symbol_next(name, &symbol); count++) {
        bool is_exact = strcmp(symbol.name, name) == 0;

        if (is_exact || exact == 0)
            *address = (uint32_t)symbol.start;
        exact += is_exact;
        ksnprintf(place, sizeof(place), " 0x%08x", (unsigned)symbol.start);
        strlcat(places, place, sizeof(places));
    }
    if (count == 0)
        return no_number(name, what, an_address);
    if (count == 1 || exact == 1)
        return true;
    kprint_wrapped(0, "%s: %s: %u symbols are called %s:%s", running_name(), what, count,
                   name, places);
    return false;
}

bool shell_address(const char *text, const char *what, uint32_t *value)
{
    char base[WORD_SIZE];
    uint32_t offset;

    if (strlcpy(base, text, sizeof(base)) >= sizeof(base) || !take_offset(base, &offset) ||
        base[0] == 0)
        return no_number(text, what, an_address);

    bool is_number = base[0] >= '0' && base[0] <= '9';
    bool known = base[0] == '$' ? held_number(base, text, what, value)
                 : is_number ? shell_number(base, what, value)
                             : named_address(base, what, value);

    if (known)
        *value += offset;
    return known;
}

/* ---- options, usage ------------------------------------------------------- */

bool shell_option(int *argc, char **argv, const char *option)
{
    for (int i = 1; i < *argc; i++) {
        if (strcmp(argv[i], option) != 0)
            continue;
        for (; i < *argc; i++)
            argv[i] = argv[i + 1];      /* argv[argc] is NULL */
        --*argc;
        return true;
    }
    return false;
}

int shell_usage(const char *fmt, ...)
{
    char why[WHY_SIZE];
    va_list args;

    va_start(args, fmt);
    kvsnprintf(why, sizeof(why), fmt, args);
    va_end(args);
    if (shell_running != NULL)
        kprint_wrapped(0, "%s: %s; usage: %s%s%s", shell_running->name, why,
                       shell_running->name, shell_running->usage[0] != 0 ? " " : "",
                       shell_running->usage);
    else
        kprint_wrapped(0, "%s: %s", running_name(), why);
    return SHELL_USAGE;
}

bool shell_at_most(int argc, char **argv, int words)
{
    if (argc <= words)
        return true;
    shell_usage("unexpected \"%s\"", argv[words]);
    return false;
}

bool shell_unwanted;

bool shell_interrupted(void)
{
    return shell_unwanted || console_interrupted() != 0;
}
