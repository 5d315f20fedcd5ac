/*
 * screen.c - a model of a terminal's screen: what VT100s do with the bytes they get.
 *
 * It wraps as they do, only when a character comes behind one in the last column, and
 * fails on every byte and every sequence that the editor has no business to send, a
 * move beyond an edge among them.
 */
#include "tests/hosted/screen.h"
#include "tests/hosted/arena.h"

#include <stdlib.h>
#include <string.h>

enum { ESCAPE = 27 };

struct screen screen;

static void scroll(void)
{
    memmove(screen.cell[0], screen.cell[1], sizeof(screen.cell) - COLUMNS);
    memset(screen.cell[ROWS - 1], ' ', COLUMNS);
}

static void next_row(void)
{
    if (screen.row == ROWS - 1)
        scroll();
    else
        screen.row++;
    screen.wraps = false;
}

static void show_character(char c)
{
    if (screen.wraps) {
        next_row();
        screen.column = 0;
    }
    screen.cell[screen.row][screen.column] = c;
    if (screen.column == screen.width - 1)
        screen.wraps = true;
    else
        screen.column++;
}

static void erase_behind(bool and_below)
{
    memset(&screen.cell[screen.row][screen.column], ' ', COLUMNS - screen.column);
    for (unsigned row = screen.row + 1; and_below && row < ROWS; row++)
        memset(screen.cell[row], ' ', COLUMNS);
}

/* A move beyond an edge is the editor's mistake, but for the one to 999;999. */
static void sequence(const char *text, size_t length)
{
    unsigned n = length > 3 ? (unsigned)atoi(text + 2) : 1;
    unsigned last_row = ROWS - 1, last_column = screen.width - 1;

    screen.sequences++;
    if (strchr("ABCDKJH", text[length - 1]) != NULL)
        screen.wraps = false;           /* colours and modes leave it */
    switch (text[length - 1]) {
    case 'A': assert_true(n <= screen.row); screen.row -= n; break;
    case 'B': screen.row += n; assert_true(screen.row <= last_row); break;
    case 'C': screen.column += n; assert_true(screen.column <= last_column); break;
    case 'D': assert_true(n <= screen.column); screen.column -= n; break;
    case 'K': erase_behind(false); break;
    case 'J':
        if (length > 3)
            memset(screen.cell, ' ', sizeof(screen.cell));
        else
            erase_behind(true);
        break;
    case 'H':
        screen.row = length > 3 ? last_row : 0;
        screen.column = length > 3 ? last_column : 0;
        break;
    case 'n': screen.asks = true; break;
    case '7': screen.saved_row = screen.row, screen.saved_column = screen.column; break;
    case '8': screen.row = screen.saved_row, screen.column = screen.saved_column; break;
    case 'h': case 'l': case 'm': break;
    default: fail_msg("the editor sent ESC %s", text + 1);
    }
}

static size_t sequence_length(const char *bytes, size_t length)
{
    size_t n = 2;

    if (bytes[1] == '[')
        for (n = 3; n < length && (bytes[n - 1] < '@' || bytes[n - 1] == '['); )
            n++;
    return n;
}

static void screen_byte(char c)
{
    if (c == '\n') {
        next_row();
        screen.column = 0;
    } else if (c == '\r' || c == '\b') {
        assert_true(c == '\r' || screen.width == COLUMNS ||
                    (screen.column > 0 && !screen.wraps));
        screen.column = c == '\r' || screen.column == 0 ? 0 : screen.column - 1;
        screen.wraps = false;
    } else if (c == '\a') {
        screen.bells++;
    } else {
        assert_in_range(c, ' ', '~');
        show_character(c);
    }
}

void screen_put(const char *bytes, size_t length)
{
    screen.bytes += length;
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] != ESCAPE) {
            screen_byte(bytes[i]);
            continue;
        }
        size_t n = sequence_length(bytes + i, length - i);
        char text[32] = { 0 };

        memcpy(text, bytes + i, n);
        sequence(text, n);
        i += n - 1;
    }
}
