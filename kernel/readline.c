/*
 * readline.c - a line typed at the console: echo, editing, history.
 *
 *     m e m i n f o            text[0 .. length)
 *           ^                  cursor: the next character goes here
 *
 * The terminal is told only what every terminal knows: characters, backspace
 * and bell.  A change in the middle of a line writes the rest of it again and
 * steps back.
 *
 *     Backspace, Ctrl-H     delete to the left      Left, Right   move
 *     Ctrl-U                delete the line         Up, Down      history
 *     Ctrl-C                abandon the line        CR, LF, CRLF  end it
 *
 * Anything else below space or above ~, and any other escape sequence, is
 * noise and ignored.  When a line is full further characters are refused, with
 * one bell.  The last 16 lines are kept in a fixed table; nothing allocates.
 *
 * It does not know how wide the terminal is: a line that wraps there is edited
 * rightly, but shows it badly.
 */
#include "kernel/readline.h"

#include "kernel/console.h"
#include "kernel/string.h"

enum { HISTORY_LINES = 16 };
enum { CTRL_C = 3, CTRL_H = 8, CTRL_U = 21, ESCAPE = 27, DEL = 127 };
enum { KEY_NOISE = 256, KEY_UP, KEY_DOWN, KEY_RIGHT, KEY_LEFT };

struct editor {
    char *text;
    size_t size, length, cursor;
    unsigned back;              /* lines back in the history; 0: the new line */
    bool rang;                  /* the bell, for this line */
};

static char history[HISTORY_LINES][READLINE_SIZE];
static unsigned history_count;  /* lines ever kept */

/* ---- the screen --------------------------------------------------------- */

static void show(const char *text)
{
    console_write(text, strlen(text));
}

static void show_times(const char *text, size_t times)
{
    while (times-- > 0)
        show(text);
}

/* Write the text from the cursor on, `blanks` behind it, and step back. */
static void show_rest(const struct editor *editor, size_t blanks)
{
    size_t rest = editor->length - editor->cursor;

    console_write(editor->text + editor->cursor, rest);
    show_times(" ", blanks);
    show_times("\b", rest + blanks);
}

/* ---- editing ------------------------------------------------------------ */

static void move_left(struct editor *editor)
{
    if (editor->cursor == 0)
        return;
    editor->cursor--;
    show("\b");
}

static void move_right(struct editor *editor)
{
    if (editor->cursor == editor->length)
        return;
    console_write(editor->text + editor->cursor, 1);
    editor->cursor++;
}

static void insert(struct editor *editor, char c)
{
    char *at = editor->text + editor->cursor;

    if (editor->length + 1 == editor->size) {
        if (!editor->rang)
            show("\a");
        editor->rang = true;
        return;
    }
    memmove(at + 1, at, editor->length - editor->cursor);
    *at = c;
    editor->length++;
    move_right(editor);
    show_rest(editor, 0);
}

static void erase_left(struct editor *editor)
{
    char *at = editor->text + editor->cursor;

    if (editor->cursor == 0)
        return;
    memmove(at - 1, at, editor->length - editor->cursor);
    editor->length--;
    move_left(editor);
    show_rest(editor, 1);
    editor->rang = false;
}

/* Put another text in place of all of this one. */
static void replace(struct editor *editor, const char *text)
{
    size_t erased = editor->length;

    show_times("\b", editor->cursor);
    editor->length = 0;
    editor->cursor = 0;
    show_rest(editor, erased);
    editor->rang = false;
    while (*text != 0)
        insert(editor, *text++);
}

/* ---- history ------------------------------------------------------------ */

static char *history_line(unsigned back)
{
    return history[(history_count - back) % HISTORY_LINES];
}

static void history_keep(const char *line)
{
    if (line[0] == 0)
        return;
    if (history_count > 0 && strcmp(history_line(1), line) == 0)
        return;
    strlcpy(history[history_count % HISTORY_LINES], line, READLINE_SIZE);
    history_count++;
}

static void history_up(struct editor *editor)
{
    if (editor->back == HISTORY_LINES || editor->back == history_count)
        return;
    editor->back++;
    replace(editor, history_line(editor->back));
}

static void history_down(struct editor *editor)
{
    if (editor->back == 0)
        return;
    editor->back--;
    replace(editor, editor->back == 0 ? "" : history_line(editor->back));
}

/* ---- keys --------------------------------------------------------------- */

/* What an escape sequence means; a control character inside ends it. */
static int read_escape(void)
{
    int c = console_read();

    if (c != '[' && c != 'O')
        return c < ' ' ? c : KEY_NOISE;
    do
        c = console_read();
    while (c >= '0' && c <= '?');       /* its parameters */
    if (c >= 'A' && c <= 'D')
        return KEY_UP + (c - 'A');
    return c < ' ' ? c : KEY_NOISE;
}

/* The next key; the LF of a CRLF is none. */
static int read_key(void)
{
    static bool after_cr;
    int c = console_read();

    if (c == '\n' && after_cr)
        c = KEY_NOISE;
    if (c == ESCAPE)
        c = read_escape();
    after_cr = c == '\r';
    return c;
}

static void edit(struct editor *editor, int key)
{
    switch (key) {
    case KEY_UP:    history_up(editor);     break;
    case KEY_DOWN:  history_down(editor);   break;
    case KEY_LEFT:  move_left(editor);      break;
    case KEY_RIGHT: move_right(editor);     break;
    case CTRL_U:    replace(editor, "");    break;
    case CTRL_H:
    case DEL:       erase_left(editor);     break;
    default:
        if (key >= ' ' && key <= '~')
            insert(editor, (char)key);
    }
}

bool readline(const char *prompt, char *line, size_t size)
{
    struct editor editor = { .text = line, .size = size };
    int key;

    show(prompt);
    for (key = read_key(); key != '\r' && key != '\n'; key = read_key()) {
        if (key == CTRL_C) {
            show("^C\n");
            return false;
        }
        edit(&editor, key);
    }
    show("\n");
    line[editor.length] = 0;
    history_keep(line);
    return true;
}
