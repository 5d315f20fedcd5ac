/*
 * line_view.c - a prompt and a line on the screen, changed with few bytes.
 *
 *     width 20      m a r b l e s >   k m a l l o c   1 0 0
 *                   0 0 ;   k f r e e   $ 1
 *     cell  20 -----^     ^---- at = 23: row 1, column 3
 *
 * Prompt and text are one string, laid in rows of the terminal's width.  To show
 * another string only what differs is written: from the first cell that differs to
 * the last, then what is too much is erased, then the cursor put where it belongs.
 *
 * Rules:
 *   V1  shown[0 .. length) is on the screen, and nothing behind it;
 *   V2  the cursor is in row at / width, column at % width: never in the state
 *       between two rows that terminals enter behind the last column;
 *   V3  width 0, a terminal that never said: no escape sequences, only characters,
 *       blanks and backspaces, as if the row had no end.
 *
 * A line with more rows than the screen is shown badly at its top.
 */
#include "kernel/line/line_view.h"

#include "kernel/string.h"

enum { FEW = 3 };               /* bytes: no escape sequence is shorter */

static void put(struct line_view *view, const char *bytes, size_t length)
{
    if (length > 0)
        view->terminal->put(bytes, length);
}

static void put_text(struct line_view *view, const char *text)
{
    put(view, text, strlen(text));
}

static void put_times(struct line_view *view, const char *text, size_t times)
{
    while (times-- > 0)
        put_text(view, text);
}

static void escape(struct line_view *view, size_t number, char last)
{
    terminal_escape(view->terminal, (unsigned)number, last);
}

static size_t row(const struct line_view *view, size_t cell)
{
    return view->terminal->width == 0 ? 0 : cell / view->terminal->width;
}

static size_t column(const struct line_view *view, size_t cell)
{
    return view->terminal->width == 0 ? cell : cell % view->terminal->width;
}

/* ---- moving -------------------------------------------------------------- */

/* In the row, to the cell; what is between is as shown (V1). */
static void move_in_row(struct line_view *view, size_t cell)
{
    bool plain = view->terminal->width == 0;

    if (cell < view->at) {
        size_t steps = view->at - cell;

        if (plain || steps <= FEW)
            put_times(view, "\b", steps);
        else if (column(view, cell) == 0)
            put_text(view, "\r");
        else
            escape(view, steps, 'D');
    } else if (cell > view->at) {
        size_t steps = cell - view->at;

        if (plain || (steps <= FEW && view->at >= view->prompt && cell <= view->length))
            put(view, view->shown + view->at, steps);
        else
            escape(view, steps, 'C');
    }
    view->at = cell;
}

/* A move between rows keeps the column. */
static void move(struct line_view *view, size_t cell)
{
    size_t from = row(view, view->at), to = row(view, cell);

    if (to < from) {
        escape(view, from - to, 'A');
        view->at -= (from - to) * view->terminal->width;
    } else if (to > from) {
        escape(view, to - from, 'B');
        view->at += (to - from) * view->terminal->width;
    }
    move_in_row(view, cell);
}

/* ---- writing ------------------------------------------------------------- */

/* The cells of the prompt stand out, where colour is wanted. */
static void put_cells(struct line_view *view, size_t from, size_t to)
{
    size_t bold = to < view->prompt ? to : view->prompt;

    if (from < bold && view->terminal->width != 0 && !view->terminal->mono) {
        put_text(view, "\x1b[1m");
        put(view, view->shown + from, bold - from);
        put_text(view, "\x1b[m");
        from = bold;
    }
    put(view, view->shown + from, to - from);
}

/*
 * Write shown[from .. to), with the cursor there.  When that fills a row the next
 * cell is written as well, to get the cursor into the next row (V2).
 */
static void write(struct line_view *view, size_t from, size_t to, size_t length)
{
    put_cells(view, from, to);
    view->at = to;
    if (view->terminal->width == 0 || column(view, to) != 0)
        return;
    if (to < length)
        put_cells(view, to, to + 1);
    else
        put_text(view, " ");
    put_text(view, "\r");
}

/* Erase `count` cells from the cursor on: all that is shown there. */
static void erase(struct line_view *view, size_t count)
{
    if (view->terminal->width == 0) {
        put_times(view, " ", count);
        put_times(view, "\b", count);
    } else {
        bool one_row = row(view, view->at) == row(view, view->at + count - 1);

        put_text(view, one_row ? "\x1b[K" : "\x1b[J");
    }
}

/* ---- from outside -------------------------------------------------------- */

void line_view_begin(struct line_view *view)
{
    view->length = 0;
    view->at = 0;
}

/* Make shown be `want`; what was shown is known by its first difference. */
static void change(struct line_view *view, const char *want, size_t length)
{
    size_t old = view->length, first = 0, last = length;

    while (first < length && first < old && view->shown[first] == want[first])
        first++;
    if (length == old)
        while (last > first && view->shown[last - 1] == want[last - 1])
            last--;

    if (first < last) {
        move(view, first);
        memcpy(view->shown + first, want + first, length - first);
        write(view, first, last, length);
    }
    view->length = length;
    if (old > length) {
        move(view, length);
        erase(view, old - length);
    }
}

void line_view_show(struct line_view *view, const char *prompt, const char *text,
                    size_t length, size_t cursor)
{
    char want[LINE_VIEW_SIZE];
    size_t front = strlen(prompt);

    if (front > LINE_VIEW_SIZE)
        front = LINE_VIEW_SIZE;
    if (length > LINE_VIEW_SIZE - front)
        length = LINE_VIEW_SIZE - front;
    memcpy(want, prompt, front);
    memcpy(want + front, text, length);
    view->prompt = front;
    change(view, want, front + length);
    move(view, front + (cursor < length ? cursor : length));
}

void line_view_leave(struct line_view *view)
{
    if (view->terminal->width != 0)
        move(view, view->length);
}

void line_view_refit(struct line_view *view, unsigned before)
{
    unsigned width = view->terminal->width;

    if (before == width)
        return;
    if (before == 0 && view->at > 0 && view->at % width == 0)
        put_text(view, " \r");              /* V2, which V3 did not keep */
    else if (view->at == view->length && view->at > 0)
        view->at--;             /* the terminal begins no row for a cursor alone */
    move(view, 0);
    put_text(view, "\r\x1b[J");
    view->length = 0;
}
