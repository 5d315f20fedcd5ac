/*
 * complete.c - the words that may stand at a place of a command line.
 *
 *     check; help |            usage of help:  "[NAME] [-j]"
 *            ^ command             NAME, CMD   any command's name
 *                                  NAME[=...]  any parameter's name
 *                                  -j, since   itself: what is not in capitals
 *                                  $N, ...     nothing
 *                                  KIND        what the command says (SHELL_COMMAND_WORDS)
 *
 * A command's usage line says what its arguments are, so it is all that Tab needs,
 * and a command of a lab completes like the others.  CMD begins a command: what
 * stands behind its name is completed by that command's own usage.
 */
#include "kernel/shell/complete.h"

#include "kernel/params.h"
#include "kernel/shell.h"
#include "kernel/string.h"

enum { MAX_WORDS = 8, WORD_SIZE = 16, NAME_SIZE = 24 };

static const char *const prompt = "marbles> ";
static const char *const separators = " []|.";

/* The words of a usage that are to be typed as they stand. */
struct usage {
    char word[MAX_WORDS][WORD_SIZE];
    unsigned count;
    bool names;                 /* and command names */
    bool params;                /* or those of parameters */
};

static size_t span(const char *text, const char *of, bool in)
{
    size_t length = 0;

    while (text[length] != 0 && (strchr(of, text[length]) != NULL) == in)
        length++;
    return length;
}

static bool is_literal(const char *word)
{
    return word[0] == '-' || (word[0] >= 'a' && word[0] <= 'z');
}

static void read_usage(struct usage *usage, const char *text)
{
    usage->count = 0;
    usage->names = usage->params = false;
    while (text += span(text, separators, true), *text != 0) {
        size_t length = span(text, separators, false);

        if (strncmp(text, "NAME[=", 6) == 0)
            usage->params = true;
        else if ((length == 4 && strncmp(text, "NAME", length) == 0) ||
                 (length == 3 && strncmp(text, "CMD", length) == 0))
            usage->names = true;
        if (is_literal(text) && length < WORD_SIZE && usage->count < MAX_WORDS) {
            memcpy(usage->word[usage->count], text, length);
            usage->word[usage->count++][length] = 0;
        }
        text += length;
    }
}

/* ---- the command that the word belongs to -------------------------------- */

/* The command named by the word at `at`, or NULL. */
static const struct shell_command *command_at(const char *at)
{
    char name[NAME_SIZE];
    size_t length = span(at, " ;", false);

    if (length >= sizeof(name))
        return NULL;
    memcpy(name, at, length);
    name[length] = 0;
    return shell_find(name);
}

static const char *last_command(const char *line, const char *word)
{
    const char *begin = line;

    for (; line < word; line++)
        if (*line == ';')
            begin = line + 1;
    begin += span(begin, " ", true);
    if (strncmp(begin, prompt, strlen(prompt)) == 0)    /* pasted with the line */
        begin += strlen(prompt);
    return begin;
}

static bool takes_command(const struct shell_command *command)
{
    return command != NULL && strstr(command->usage, "CMD") != NULL;
}

/* The command of which `word` is an argument; NULL: it is the name of one. */
static const char *command_of(const char *line, const char *word)
{
    const char *at = last_command(line, word);
    const char *outer = NULL;

    while (at < word) {
        outer = at;
        if (!takes_command(command_at(at)))
            return at;
        at += span(at, " ", false);
        at += span(at, " 0123456789", true);
    }
    return outer;
}

static const char *named(const struct usage *usage, unsigned n)
{
    if (usage->params)
        return n < (unsigned)(params_end() - params_begin())
               ? params_begin()[n].assigned : NULL;
    return usage->names && n < (unsigned)(shell_commands_end() - shell_commands_begin())
           ? shell_commands_begin()[n].name : NULL;
}

const char *complete_candidate(const char *line, size_t start, unsigned n)
{
    static struct usage usage;  /* the caller keeps pointers to its words */
    const char *at = command_of(line, line + start);
    const struct shell_command *command = at != NULL ? command_at(at) : NULL;

    usage = (struct usage){ .names = at == NULL };
    if (command != NULL)
        read_usage(&usage, command->usage);
    if (n < usage.count)
        return usage.word[n];
    if (command != NULL && command->words != NULL)
        return command->words(n - usage.count);
    return named(&usage, n - usage.count);
}
