/*
 * terminal.c - what is known of the terminal, and how to ask and to talk to it.
 *
 *     ESC 7                 keep where the cursor is
 *     ESC [ 999 ; 999 H     go as far down and right as it goes
 *     ESC [ 6 n             say where that is  -->  ESC [ 24 ; 80 R   comes in
 *     ESC 8                 go back                 among the keys, some time
 *
 * The question is asked and forgotten: the answer is a key like any other, so
 * nothing waits for it, nothing hangs without it, and what is typed meanwhile is
 * not lost.
 *
 * Pure: it talks through terminal->put.
 */
#include "kernel/line/terminal.h"

#include "kernel/string.h"

enum { MIN_SIZE = 2, MAX_SIZE = 1000, NUMBER_SIZE = 12 };

void terminal_puts(const struct terminal *terminal, const char *text)
{
    terminal->put(text, strlen(text));
}

void terminal_escape(const struct terminal *terminal, unsigned number, char last)
{
    char sequence[NUMBER_SIZE];
    size_t at = sizeof(sequence);

    sequence[--at] = last;
    for (; number > 0; number /= 10)
        sequence[--at] = (char)('0' + number % 10);
    sequence[--at] = '[';
    sequence[--at] = KEY_ESCAPE;
    terminal->put(sequence + at, sizeof(sequence) - at);
}

/* ESC and a byte, or ESC [ and all up to a byte from @ to ~ (ECMA-48, section 5.4). */
bool terminal_in_sequence(enum sequence *state, char c)
{
    enum sequence before = *state;

    if (before == NO_SEQUENCE)
        *state = c == KEY_ESCAPE ? AFTER_ESCAPE : NO_SEQUENCE;
    else if (before == AFTER_ESCAPE)
        *state = c == '[' ? IN_SEQUENCE : NO_SEQUENCE;
    else if (c >= '@' && c <= '~')
        *state = NO_SEQUENCE;
    return before != NO_SEQUENCE || *state != NO_SEQUENCE;
}

void terminal_ask(struct terminal *terminal)
{
    if (terminal->dumb)
        return;
    terminal->asked++;
    terminal_puts(terminal, "\x1b" "7\x1b[999;999H\x1b[6n\x1b" "8");
}

bool terminal_answer(struct terminal *terminal)
{
    unsigned height = terminal->keys.param[0], width = terminal->keys.param[1];

    if (terminal->asked == 0)
        return false;
    terminal->asked--;
    if (width < MIN_SIZE || width > MAX_SIZE || height < MIN_SIZE || height > MAX_SIZE)
        return false;
    terminal->width = width;
    terminal->height = height;
    return true;
}
