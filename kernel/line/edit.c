/*
 * edit.c - editing a line: bytes from the terminal in, bytes for its screen out.
 *
 *     bytes --keys.c--> key --bindings--> text[], cursor --line_view.c--> bytes
 *
 *     m e m i n f o            text[0 .. length), ended with 0
 *           ^                  cursor: the next character goes in front of this
 *
 * Each key changes text and cursor and nothing else; what the screen needs for it
 * is found by comparing, so that no key can get the screen wrong on its own.
 *
 * Rules:
 *   - cursor <= length < size, and text[length] is 0;
 *   - what has no room is refused, with one bell a line; then the line is not run,
 *     unless something was taken out of it;
 *   - nothing is shown while input waits: a paste is drawn once, not by the letter.
 *
 * The text alone is changed in edit_text.c; search is in edit_search.c, completion in
 * edit_complete.c.  All are pure:
 * the kernel's console is behind terminal->put, and the hosted tests put a model of
 * a screen there.
 */
#include "kernel/line/edit_priv.h"

#include "kernel/line/lookalike.h"
#include "kernel/string.h"

struct binding {
    int key;
    void (*run)(struct edit *edit);
};

/* ---- keys: moving -------------------------------------------------------- */

static void left(struct edit *edit)
{
    edit->cursor -= edit->cursor > 0;
}

static void right(struct edit *edit)
{
    edit->cursor += edit->cursor < edit->length;
}

static void home(struct edit *edit)
{
    edit->cursor = 0;
}

static void end(struct edit *edit)
{
    edit->cursor = edit->length;
}

static void move_word_left(struct edit *edit)
{
    edit->cursor = edit_word_left(edit);
}

static void move_word_right(struct edit *edit)
{
    edit->cursor = edit_word_right(edit);
}

/* ---- keys: deleting ------------------------------------------------------ */

static void erase_left(struct edit *edit)
{
    if (edit->cursor > 0)
        edit_take_out(edit, edit->cursor - 1, edit->cursor);
}

static void erase_right(struct edit *edit)
{
    if (edit->cursor < edit->length)
        edit_take_out(edit, edit->cursor, edit->cursor + 1);
}

static void kill_to_end(struct edit *edit)
{
    edit_kill(edit, edit->cursor, edit->length);
}

static void kill_to_start(struct edit *edit)
{
    edit_kill(edit, 0, edit->cursor);
}

static void kill_argument(struct edit *edit)
{
    edit_kill(edit, edit_argument_left(edit), edit->cursor);
}

static void kill_word_left(struct edit *edit)
{
    edit_kill(edit, edit_word_left(edit), edit->cursor);
}

static void kill_word_right(struct edit *edit)
{
    edit_kill(edit, edit->cursor, edit_word_right(edit));
}

static void yank(struct edit *edit)
{
    edit_insert(edit, edit->killed, strlen(edit->killed));
}

/* The two characters left of the cursor change places; inside a line it moves on. */
static void transpose(struct edit *edit)
{
    if (edit->cursor == 0 || edit->length < 2)
        return;
    right(edit);

    char *pair = edit->text + edit->cursor - 2, c = pair[0];

    pair[0] = pair[1];
    pair[1] = c;
}

/* Nobody leaves a kernel by Ctrl-D. */
static void delete_or_leave(struct edit *edit)
{
    if (edit->length > 0) {
        erase_right(edit);
    } else if (edit->leave_hint != NULL) {
        edit_begin_note(edit);
        terminal_puts(edit->terminal, edit->leave_hint);
        edit_end_note(edit);
    }
}

/* ---- keys: history, screen ----------------------------------------------- */

static void show_line_back(struct edit *edit, unsigned back)
{
    const char *line = back == 0 ? edit->newest : history_line(edit->history, back);

    if (line == NULL)
        return;
    if (edit->back == 0)
        memcpy(edit->newest, edit->text, edit->length + 1);
    edit->back = back;
    edit_replace(edit, line);
}

static void older(struct edit *edit)
{
    show_line_back(edit, edit->back + 1);
}

static void newer(struct edit *edit)
{
    if (edit->back > 0)
        show_line_back(edit, edit->back - 1);
}

static void clear_screen(struct edit *edit)
{
    if (edit->terminal->dumb)
        return;
    terminal_puts(edit->terminal, "\x1b[H\x1b[2J");
    line_view_begin(&edit->view);
    terminal_ask(edit->terminal);
}

/* From the first answer on the terminal may mark what is pasted. */
static void take_report(struct edit *edit)
{
    unsigned before = edit->terminal->width;

    if (!terminal_answer(edit->terminal))
        return;
    line_view_refit(&edit->view, before);
    if (!edit->marks_pastes)
        terminal_puts(edit->terminal, "\x1b[?2004h");
    edit->marks_pastes = true;
}

static const struct binding bindings[] = {
    { KEY_LEFT, left },                     { KEY_CTRL('B'), left },
    { KEY_RIGHT, right },                   { KEY_CTRL('F'), right },
    { KEY_HOME, home },                     { KEY_CTRL('A'), home },
    { KEY_END, end },                       { KEY_CTRL('E'), end },
    { KEY_WORD_LEFT, move_word_left },      { KEY_WORD_RIGHT, move_word_right },
    { KEY_BACKSPACE, erase_left },          { KEY_CTRL('H'), erase_left },
    { KEY_DELETE, erase_right },            { KEY_CTRL('D'), delete_or_leave },
    { KEY_CTRL('K'), kill_to_end },         { KEY_CTRL('U'), kill_to_start },
    { KEY_CTRL('W'), kill_argument },       { KEY_CTRL('Y'), yank },
    { KEY_WORD_ERASE, kill_word_left },     { KEY_WORD_DELETE, kill_word_right },
    { KEY_CTRL('T'), transpose },           { KEY_CTRL('L'), clear_screen },
    { KEY_UP, older },                      { KEY_CTRL('P'), older },
    { KEY_DOWN, newer },                    { KEY_CTRL('N'), newer },
    { KEY_CTRL('R'), edit_search_begin },   { KEY_TAB, edit_complete },
    { KEY_REPORT, take_report },
};

/* ---- the line as a whole ------------------------------------------------- */

void edit_begin(struct edit *edit, const char *prompt, char *text, size_t size)
{
    edit->prompt = prompt;
    edit->text = text;
    edit->size = size < READLINE_SIZE ? size : READLINE_SIZE;
    edit->length = edit->cursor = 0;
    edit->text[0] = 0;
    edit->back = 0;
    edit->rang = edit->searching = false;
    edit->view.terminal = edit->terminal;
    edit->marks_pastes = edit->terminal->width != 0;
    if (edit->marks_pastes)
        terminal_puts(edit->terminal, "\x1b[?2004h");
    line_view_begin(&edit->view);
    edit_draw(edit);
}

void edit_draw(struct edit *edit)
{
    if (edit->searching)
        edit_search_draw(edit);
    else
        line_view_show(&edit->view, edit->prompt, edit->text, edit->length,
                       edit->cursor);
}

void edit_redraw(struct edit *edit)
{
    line_view_begin(&edit->view);
    edit_draw(edit);
}

void edit_begin_note(struct edit *edit)
{
    edit_draw(edit);
    line_view_leave(&edit->view);
    terminal_puts(edit->terminal, "\n");
}

void edit_end_note(struct edit *edit)
{
    terminal_puts(edit->terminal, "\n");
    edit_redraw(edit);
}

static enum edit_result finish(struct edit *edit, int key)
{
    edit_draw(edit);
    line_view_leave(&edit->view);
    if (edit->marks_pastes)
        terminal_puts(edit->terminal, "\x1b[?2004l");
    terminal_puts(edit->terminal, key == KEY_CTRL_C ? "^C\n" : "\n");
    if (key == KEY_CTRL_C)
        return EDIT_ABANDONED;
    history_keep(edit->history, edit->text);
    return edit->rang ? EDIT_TOO_LONG : EDIT_DONE;
}

static void obey(struct edit *edit, int key)
{
    char c = (char)key;

    if (key >= ' ' && key <= '~')
        edit_insert(edit, &c, 1);
    for (unsigned i = 0; i < sizeof(bindings) / sizeof(bindings[0]); i++)
        if (bindings[i].key == key)
            bindings[i].run(edit);
}

static void take_character(struct edit *edit, uint32_t code)
{
    char room[LOOKALIKE_SIZE];

    for (const char *c = lookalike(code, room, sizeof(room)); *c != 0; c++)
        if (!edit->searching || !edit_search_key(edit, *c))
            obey(edit, *c);
}

enum edit_result edit_byte(struct edit *edit, uint8_t byte)
{
    struct keys *keys = &edit->terminal->keys;
    int key = keys_byte(keys, byte);

    if (keys->stray != 0)
        take_character(edit, keys->stray);
    if (key == KEY_CHARACTER)
        take_character(edit, keys->code);
    if (key == KEY_NONE || key == KEY_CHARACTER ||
        (edit->searching && edit_search_key(edit, key)))
        return EDIT_GOES_ON;
    if (key == KEY_CTRL_C || key == KEY_CR || key == KEY_LF)
        return finish(edit, key);
    obey(edit, key);
    return EDIT_GOES_ON;
}
