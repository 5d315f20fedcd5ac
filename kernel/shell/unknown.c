/*
 * unknown.c - the answer to what is no command: what it may have been meant for.
 *
 *     mmeinfo     two letters changed places: one slip
 *     kfre        one is missing: one slip
 *     foo         nothing is near: no guess is better than a wrong one
 *
 * Slips are counted as in optimal string alignment (Damerau 1964): a character too
 * many, too few, another one, or two that changed places; upper case is no slip.
 */
#include "kernel/shell/unknown.h"

#include "kernel/shell.h"
#include "kernel/string.h"

enum { MAX_NAME = 24, ROWS = 3 };

const char *const leave_hint = "\"exit\" ends QEMU, \"poweroff\" the machine";

static unsigned lesser(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static bool same(char a, char b)
{
    return (a | 0x20) == (b | 0x20);
}

/* The slips that make a[0 .. i) into b[0 .. j), from those of shorter pieces. */
static unsigned cell(unsigned row[ROWS][MAX_NAME + 1], const char *a, const char *b,
                     size_t i, size_t j)
{
    const unsigned *before = row[(i + ROWS - 1) % ROWS];
    unsigned best = before[j - 1] + !same(a[i - 1], b[j - 1]);

    best = lesser(best, lesser(before[j], row[i % ROWS][j - 1]) + 1);
    if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
        best = lesser(best, row[(i + ROWS - 2) % ROWS][j - 2] + 1);
    return best;
}

static unsigned count_slips(const char *a, const char *b)
{
    unsigned row[ROWS][MAX_NAME + 1];
    size_t length = strlen(a), columns = strlen(b);

    if (columns > MAX_NAME)
        return MAX_NAME;
    for (size_t j = 0; j <= columns; j++)
        row[0][j] = (unsigned)j;
    for (size_t i = 1; i <= length; i++) {
        row[i % ROWS][0] = (unsigned)i;
        for (size_t j = 1; j <= columns; j++)
            row[i % ROWS][j] = cell(row, a, b, i, j);
    }
    return row[length % ROWS][columns];
}

/* In a short word every letter counts. */
static unsigned most_slips(const char *name)
{
    size_t length = strlen(name);

    return length < 3 ? 0 : length < 6 ? 1 : 2;
}

const char *shell_nearest(const char *text, const char *(*words)(unsigned n))
{
    const char *nearest = NULL, *word;
    unsigned best = most_slips(text) + 1;

    for (unsigned n = 0; (word = words(n)) != NULL; n++) {
        unsigned slips = count_slips(text, word);

        if (slips < best) {
            best = slips;
            nearest = word;
        }
    }
    return nearest;
}

static const char *command_name(unsigned n)
{
    return n < (unsigned)(shell_commands_end() - shell_commands_begin())
           ? shell_commands_begin()[n].name : NULL;
}

/* Who wants to leave calls it by what it is called elsewhere. */
static bool is_to_leave(const char *name)
{
    static const char *const words[] = { "q", "quit", "bye", "logout", "halt", "shutdown",
                                         ":q" };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(name, words[i]) == 0)
            return true;
    return false;
}

int unknown_command(const char *name)
{
    const char *nearest = shell_nearest(name, command_name);

    if (name[0] == '$' || (name[0] >= '0' && name[0] <= '9'))
        kprint_wrapped(0, "%s: unknown command; what an address is: whatis %s", name,
                       name);
    else if (is_to_leave(name))
        kprint_wrapped(0, "%s: unknown command; %s", name, leave_hint);
    else if (nearest != NULL && strcmp(nearest, name) == 0)
        kprint_wrapped(0, "%s: two commands are named so, and neither is run", name);
    else if (nearest != NULL)
        kprint_wrapped(0, "%s: unknown command; did you mean \"%s\"?  \"help\" lists all",
                       name, nearest);
    else
        kprint_wrapped(0, "%s: unknown command; \"help\" lists all", name);
    return SHELL_UNKNOWN;
}
