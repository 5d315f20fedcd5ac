/*
 * words.c - a line of text, cut into the words of one command after the other.
 *
 *     kmalloc 100; dump $1 "32"     # what follows is a comment
 *     \_________/  \__________/
 *      a command    a command of three words: name, argument, argument
 *
 * Blanks separate words; ";" and the end of a line separate commands.  Between '...'
 * every character is itself; between "..." and outside of quotes a backslash makes the
 * next one so.  A word that begins with # starts a comment.
 *
 * Rules:
 *   - the words, each with its final 0, lie side by side in the text, in their order;
 *   - what is too long, too much or not closed is a problem: its words are not to be
 *     run, and where the next command begins is the same as without it.
 *
 * Pure: it runs in hosted tests.
 */
#include "kernel/shell/words.h"

#include <stdbool.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool ends_line(char c)
{
    return c == 0 || c == '\n' || c == '\r';
}

static bool ends_command(char c)
{
    return c == ';' || ends_line(c);
}

static void put(struct words *words, char c)
{
    if (words->used == MAX_TEXT)
        words->problem = "the command is too long: 511 characters at most";
    else
        words->text[words->used++] = c;
}

/* Copy the word at `at`; returns what follows it. */
static const char *take_word(const char *at, struct words *words)
{
    char quote = 0;

    if (words->count == MAX_WORDS)
        words->problem = "too many words: 32 at most";
    else
        words->word[words->count++] = &words->text[words->used];

    for (; *at != 0; at++) {
        if (quote == 0 && (is_blank(*at) || ends_command(*at)))
            break;
        if (*at == quote) {
            quote = 0;
        } else if (quote == 0 && (*at == '"' || *at == '\'')) {
            quote = *at;
        } else {
            if (*at == '\\' && quote != '\'' && at[1] != 0)
                at++;
            put(words, *at);
        }
    }
    if (quote != 0)
        words->problem = "a quote is not closed";
    put(words, 0);
    return at;
}

const char *words_take(const char *line, struct words *words)
{
    words->count = 0;
    words->used = 0;
    words->problem = NULL;

    for (;;) {
        while (is_blank(*line))
            line++;
        if (*line == '#')
            while (!ends_line(*line))
                line++;
        if (ends_command(*line))
            break;
        line = take_word(line, words);
    }
    words->word[words->count] = NULL;
    return *line == 0 ? line : line + 1;
}
