/*
 * edit_complete.c - Tab: the rest of the word that the cursor is behind.
 *
 *     kma|           kmalloc |         one candidate: it, and a blank
 *     k|             kfree  kmalloc    several, with nothing more in common: a list
 *     me|            mem|              several: as far as they agree
 *
 * The candidates come from whoever made the editor, in any order; the list is
 * sorted by taking the smallest name behind the last one, again and again.
 */
#include "kernel/line/edit_priv.h"
#include "kernel/string.h"

enum { GAP = 2, PLAIN_WIDTH = 80 };

/* The word being completed, and what its candidates have in common. */
struct word {
    const char *line;
    size_t start, length;
    const char *first;          /* candidate by name; NULL: none */
    size_t common, longest;     /* lengths */
    unsigned count;
};

static const char *candidate(const struct edit *edit, const struct word *word,
                             const char *behind)
{
    const char *best = NULL, *name;

    for (unsigned n = 0;
         (name = edit->candidates(word->line, word->start, n)) != NULL; n++) {
        if (strncmp(name, word->line + word->start, word->length) != 0)
            continue;
        if (behind != NULL && strcmp(name, behind) <= 0)
            continue;
        if (best == NULL || strcmp(name, best) < 0)
            best = name;
    }
    return best;
}

static void compare(struct edit *edit, struct word *word)
{
    word->first = candidate(edit, word, NULL);
    if (word->first == NULL)
        return;
    word->common = strlen(word->first);
    for (const char *name = word->first; name != NULL;
         name = candidate(edit, word, name)) {
        size_t length = strlen(name), same = 0;

        while (same < word->common && name[same] == word->first[same])
            same++;
        word->common = same;
        word->longest = length > word->longest ? length : word->longest;
        word->count++;
    }
}

static void pad(const struct terminal *terminal, size_t count)
{
    while (count-- > 0)
        terminal_puts(terminal, " ");
}

/* The candidates below the line, in columns. */
static void list(struct edit *edit, const struct word *word)
{
    unsigned width = edit->terminal->width != 0 ? edit->terminal->width : PLAIN_WIDTH;
    size_t step = word->longest + GAP, column = 0;

    edit_begin_note(edit);
    for (const char *name = word->first; name != NULL;
         name = candidate(edit, word, name)) {
        if (column > 0 && column + word->longest >= width) {
            terminal_puts(edit->terminal, "\n");
            column = 0;
        } else if (column > 0) {
            pad(edit->terminal, GAP);
        }
        terminal_puts(edit->terminal, name);
        pad(edit->terminal, word->longest - strlen(name));
        column += step;
    }
    edit_end_note(edit);
}

void edit_complete(struct edit *edit)
{
    struct word word = { .line = edit->text, .start = edit->cursor };

    if (edit->candidates == NULL)
        return;
    while (word.start > 0 && strchr(" ;", edit->text[word.start - 1]) == NULL)
        word.start--;
    word.length = edit->cursor - word.start;
    compare(edit, &word);
    if (word.count > 1 && word.common == word.length) {
        list(edit, &word);
        return;
    }
    if (word.count > 0)
        edit_insert(edit, word.first + word.length, word.common - word.length);
    if (word.count == 1 && edit->text[edit->cursor] != ' ' &&
        word.first[word.common - 1] != '=')
        edit_insert(edit, " ", 1);
}
