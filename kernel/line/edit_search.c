/*
 * edit_search.c - Ctrl-R: looking for an earlier line by a part of it.
 *
 *     (search) 'leak': kmalloc 100; leaks since
 *               ^ pattern           ^ the newest line that has it; cursor there
 *
 * Characters make the pattern longer, Backspace shorter, Ctrl-R goes further
 * back.  Ctrl-G leaves the line as it was before; any other key takes the line that is
 * shown and then does what it always does, so Enter runs it.
 */
#include "kernel/line/edit_priv.h"
#include "kernel/string.h"

enum { PROMPT_SIZE = EDIT_PATTERN_SIZE + 24 };

void edit_search_begin(struct edit *edit)
{
    edit->searching = true;
    edit->pattern[0] = 0;
    edit->found = 0;
}

static void look(struct edit *edit, unsigned from)
{
    edit->found = edit->pattern[0] == 0
                  ? 0 : history_find(edit->history, edit->pattern, from);
}

/* The same pattern further back; at the oldest the search stays there. */
static void look_further(struct edit *edit)
{
    unsigned found = edit->found;

    look(edit, found + 1);
    if (edit->found == 0)
        edit->found = found;
}

static void lengthen(struct edit *edit, char c)
{
    size_t length = strlen(edit->pattern);

    if (length + 1 == EDIT_PATTERN_SIZE)
        return;
    edit->pattern[length] = c;
    edit->pattern[length + 1] = 0;
    look(edit, edit->found > 0 ? edit->found : 1);
}

static void shorten(struct edit *edit)
{
    size_t length = strlen(edit->pattern);

    if (length > 0)
        edit->pattern[length - 1] = 0;
    look(edit, 1);
}

/* The line found is now the line; the cursor is where the pattern is. */
static void take(struct edit *edit)
{
    edit->searching = false;
    if (edit->found == 0)
        return;
    edit_replace(edit, history_line(edit->history, edit->found));

    const char *at = strstr(edit->text, edit->pattern);

    if (at != NULL)
        edit->cursor = (size_t)(at - edit->text);
    edit->back = 0;
}

bool edit_search_key(struct edit *edit, int key)
{
    if (key >= ' ' && key <= '~')
        lengthen(edit, (char)key);
    else if (key == KEY_BACKSPACE || key == KEY_CTRL('H'))
        shorten(edit);
    else if (key == KEY_CTRL('R'))
        look_further(edit);
    else if (key == KEY_CTRL('G'))
        edit->searching = false;
    else if (key == KEY_REPORT)
        return false;
    else {
        take(edit);
        return false;
    }
    return true;
}

static size_t append(char *to, size_t at, const char *text)
{
    size_t length = strlen(text);

    memcpy(to + at, text, length + 1);
    return at + length;
}

void edit_search_draw(struct edit *edit)
{
    const char *text = edit->found > 0 ? history_line(edit->history, edit->found)
                                       : edit->text;
    const char *part = edit->found > 0 ? strstr(text, edit->pattern) : NULL;
    bool failed = edit->found == 0 && edit->pattern[0] != 0;
    char prompt[PROMPT_SIZE];
    size_t at = append(prompt, 0, failed ? "(not found) '" : "(search) '");

    at = append(prompt, at, edit->pattern);
    append(prompt, at, "': ");
    line_view_show(&edit->view, prompt, text, strlen(text),
                   part != NULL ? (size_t)(part - text) : edit->cursor);
}
