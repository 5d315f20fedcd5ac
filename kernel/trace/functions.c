/*
 * functions.c - which functions are noticed: a list of names and files.
 *
 *     list = word { "," word }        word = [ "!" ] pattern
 *
 *     kmalloc*,slab_refill            functions of these names; * is any text
 *     mm/slab.c,kernel/line/          all functions of these files; a folder ends with /
 *     !mm/look/                       but not these; as the first word: all but these
 *
 * The last word that means a function decides, as in Linux writing to set_ftrace_filter and
 * set_ftrace_notrace in this order would.
 *
 * Some are never noticed: by which exceptions come and are dealt with (kernel/cpu, boot,
 * the probes themselves), what asks for its own return address, and what has no line.
 */
#include "kernel/trace/functions.h"

#include "kernel/lines.h"
#include "kernel/printk.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "kernel/symbols.h"
#include "kernel/trace/probe.h"
#include "mm/watch/inject.h"

enum { WORD_SIZE = 64 };

/* All but the kernel around it, and but a counter that who prints asks twice for each. */
const char functions_usual[] = "!kernel/,!drivers/,!mm_reports,kernel/lessons/";

static const char *const never[] = {
    "boot/", "kernel/cpu/", "kernel/san/", "kernel/trace/probe", "kernel/trace/calls.c",
    "mm/front/functions.c",
};

/* ---- one function ---------------------------------------------------------------- */

static bool begins_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static bool is_never(const char *file)
{
    for (unsigned i = 0; i < sizeof(never) / sizeof(never[0]); i++)
        if (begins_with(file, never[i]))
            return true;
    return false;
}

/* What a compiler has put apart of a function is jumped to, and has no return address. */
static bool is_cold(const char *name)
{
    const char *dot = strchr(name, '.');

    return dot != NULL && begins_with(dot, ".cold");
}

/* Can it be noticed at all?  Then its file is known. */
static bool is_possible(const struct symbol *symbol, struct line *line)
{
    return symbol->is_code && line_find(symbol->start, line) && !is_never(line->file) &&
           !is_cold(symbol->name) && probe_can(symbol->start, symbol->size);
}

/* A compiler's other one of it (name.part.0) is meant as well. */
static bool has_name(const char *pattern, const char *name)
{
    char bare[WORD_SIZE];
    size_t length = 0;

    while (name[length] != 0 && name[length] != '.' && length < sizeof(bare) - 1)
        length++;
    memcpy(bare, name, length);
    bare[length] = 0;
    return mm_name_matches(pattern, bare) || mm_name_matches(pattern, name);
}

static bool is_of_files(const char *pattern)
{
    size_t length = strlen(pattern);

    return strchr(pattern, '/') != NULL ||
           (length > 2 && strcmp(pattern + length - 2, ".c") == 0);
}

/* Its path, or the end of it, from behind a "/" on. */
static bool has_file(const char *pattern, const char *file)
{
    size_t length = strlen(pattern);

    if (pattern[length - 1] == '/')
        return begins_with(file, pattern);
    for (const char *at = file; at != NULL; at = strchr(at, '/')) {
        at += at != file;
        if (mm_name_matches(pattern, at))
            return true;
    }
    return false;
}

static bool means(const char *pattern, const struct symbol *symbol, const struct line *line)
{
    return is_of_files(pattern) ? has_file(pattern, line->file)
                                : has_name(pattern, symbol->name);
}

/* ---- the list -------------------------------------------------------------------- */

/* The next word, without its "!", into word; what follows it.  NULL: it is too long. */
static const char *next_word(const char *at, char *word, bool *is_not)
{
    size_t length = 0;

    *is_not = *at == '!';
    at += *is_not;
    while (at[length] != 0 && at[length] != ',')
        length++;
    if (length >= WORD_SIZE)
        return NULL;
    memcpy(word, at, length);
    word[length] = 0;
    return at + length + (at[length] == ',');
}

static bool is_chosen(const char *list, const struct symbol *symbol, const struct line *line)
{
    bool chosen = list[0] == '!', is_not;
    char word[WORD_SIZE];

    for (const char *at = list; *at != 0;) {
        at = next_word(at, word, &is_not);
        if (means(word, symbol, line))
            chosen = !is_not;
    }
    return chosen;
}

/* How many functions can be noticed of those that the word means? */
static unsigned count_of(const char *word)
{
    struct symbol symbol;
    struct line line;
    unsigned count = 0;

    for (size_t n = 0; symbol_at(n, &symbol); n++)
        count += is_possible(&symbol, &line) && means(word, &symbol, &line);
    return count;
}

bool functions_try(const char *list)
{
    char word[WORD_SIZE];
    bool is_not;

    for (const char *at = list; *at != 0;) {
        at = next_word(at, word, &is_not);
        if (at == NULL || word[0] == 0) {
            pr_err("ftrace_filter=%s: %s", list,
                   at == NULL ? "a word is too long" : "a word is empty");
            return false;
        }
        if (count_of(word) == 0) {
            pr_err("ftrace_filter=%s: no function that can be traced is meant by %s", list,
                   word);
            return false;
        }
    }
    return true;
}

static bool add_roots(void)
{
    const struct shell_command *command = shell_commands_begin();
    struct symbol symbol;
    struct line line;

    for (; command < shell_commands_end(); command++)
        if (symbol_find((uintptr_t)command->run, &symbol) && is_possible(&symbol, &line) &&
            !probe_add(symbol.start, true))
            return false;
    return true;
}

static bool add_chosen(const char *list)
{
    struct symbol symbol;
    struct line line;

    for (size_t n = 0; symbol_at(n, &symbol); n++)
        if (is_possible(&symbol, &line) && is_chosen(list, &symbol, &line) &&
            !probe_add(symbol.start, false))
            return false;
    return true;
}

bool functions_choose(const char *list, bool roots)
{
    probe_clear();
    if (add_chosen(list) && (!roots || add_roots()))
        return true;
    kprintf("trace: more than %u functions are meant: ftrace_filter= is to name fewer\n",
            (unsigned)PROBE_ROOM);
    return false;
}
