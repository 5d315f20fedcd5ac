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

enum { WORD_SIZE = 32, WHY_SIZE = 256 };

static const char *running_name(void)
{
    return shell_running != NULL ? shell_running->name : "shell";
}

/* The K of $N+K or $N-K, which is cut off; 0 if there is none, false if malformed. */
static bool take_offset(char *text, uint32_t *offset)
{
    char *sign = text;
    uint64_t number = 0;

    while (*sign != 0 && *sign != '+' && *sign != '-')
        sign++;

    bool minus = *sign == '-', none = *sign == 0;

    *sign = 0;
    if (!none && (!parse_size(sign + 1, &number) || number > UINT32_MAX))
        return false;
    *offset = minus ? 0 - (uint32_t)number : (uint32_t)number;
    return true;
}

/* $N: the address that the shell holds under that number; $N+K, so far from it. */
static bool held_number(const char *text, const char *what, uint32_t *value)
{
    char word[WORD_SIZE];
    uint64_t number;
    uint32_t offset = 0, address;

    if (strlcpy(word, text + 1, sizeof(word)) < sizeof(word) &&
        take_offset(word, &offset) && parse_size(word, &number) &&
        number <= UINT32_MAX && shell_hooks->held((uint32_t)number, &address)) {
        *value = address + offset;
        return true;
    }
    kprint_wrapped(0, "%s: %s: the shell holds nothing as \"%s\"", running_name(), what,
                   text);
    return false;
}

bool shell_number(const char *text, const char *what, uint32_t *value)
{
    uint64_t number;

    if (text[0] == '$')
        return held_number(text, what, value);
    if (!parse_size(text, &number)) {
        kprint_wrapped(0, "%s: %s: \"%s\" is not a number: 100, 0x64, 4K, 1M or $1",
                       running_name(), what, text);
        return false;
    }
    if (number > UINT32_MAX) {
        kprint_wrapped(0, "%s: %s: %s is too large: 0xffffffff at most", running_name(),
                       what, text);
        return false;
    }
    *value = (uint32_t)number;
    return true;
}

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

void json_string(const char *text)
{
    kprintf("\"");
    for (; *text != 0; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '"' || c == '\\')
            kprintf("\\%c", c);
        else if (c < ' ' || c > '~')
            kprintf("\\u%04x", c);
        else
            kprintf("%c", c);
    }
    kprintf("\"");
}
