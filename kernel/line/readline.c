/*
 * readline.c - a line typed at the console, with editing and history.
 *
 *     tty_byte --> edit_byte ... edit_byte --> edit_draw --> sleep
 *                  as long as input waits      once
 *
 * What the keys do is in edit.c; here is when.
 *
 * Who sits there?  The terminal is asked for its size when a hand pauses inside a
 * line, and not before: a script sends its lines whole, so neither a pipe nor a test
 * that waits for the prompt ever sees an escape sequence.  Who does not answer is
 * not asked again (Ctrl-L asks), and gets characters and backspaces only.
 *
 * Windows change their size, and no serial line tells.  Who has answered is asked again
 * at the first key after each pause, and what the key does is drawn when the answer is
 * there: a change is known before anything is drawn by the old size.
 *
 * What an interrupt prints meanwhile ends the row; the line is shown again below.
 */
#include "kernel/line/readline.h"

#include "kernel/console.h"
#include "kernel/cpu/timer.h"
#include "kernel/line/edit.h"
#include "kernel/line/tty.h"
#include "kernel/printk.h"

enum { PAUSE_TICKS = TIMER_HZ / 10, SEQUENCE_TICKS = TIMER_HZ / 2 };

static struct history history;
static struct edit editor = { .terminal = &tty, .history = &history };

void readline_init(readline_candidates candidates, const char *leave_hint)
{
    editor.candidates = candidates;
    editor.leave_hint = leave_hint;
}

const struct history *readline_history(void)
{
    return &history;
}

/* If something was printed since: the line, below it. */
static bool show_again(uint32_t *printed)
{
    if (tty_printed() == *printed)
        return false;
    console_fresh_line();
    edit_redraw(&editor);
    *printed = tty_printed();
    return true;
}

/* Once for all who never said; later those who have. */
static void ask_who_is_there(void)
{
    static bool asked_before;

    if (!asked_before)
        terminal_ask(&tty);
    asked_before = true;
}

/* Bytes as long as some wait; a line that ends leaves the others waiting. */
static enum edit_result take_waiting(int byte)
{
    enum edit_result result = EDIT_GOES_ON;

    for (; byte >= 0 && result == EDIT_GOES_ON; byte = tty_byte(0)) {
        result = edit_byte(&editor, (uint8_t)byte);
        if (result != EDIT_GOES_ON)
            break;
    }
    return result;
}

/* The first key after a pause: how large is the window now? */
static enum edit_result ask_again(void)
{
    enum edit_result result = EDIT_GOES_ON;
    uint32_t begin = timer_ticks(), gone;

    if (tty.width == 0)
        return result;
    terminal_ask(&tty);
    for (unsigned asked = tty.asked; result == EDIT_GOES_ON && tty.asked == asked; ) {
        gone = timer_ticks() - begin;

        int byte = gone < PAUSE_TICKS ? tty_byte(PAUSE_TICKS - gone) : -1;

        if (byte < 0)
            break;
        result = take_waiting(byte);
    }
    return result;
}

static uint32_t patience(bool paused)
{
    if (keys_unfinished(&tty.keys))
        return SEQUENCE_TICKS;
    return paused ? TTY_FOR_EVER : PAUSE_TICKS;
}

/* Nobody types. */
static void pause(bool touched)
{
    if (keys_unfinished(&tty.keys))
        keys_give_up(&tty.keys);
    else if (touched)
        ask_who_is_there();
}

bool readline(const char *prompt, char *line, size_t size)
{
    enum edit_result result = EDIT_GOES_ON;
    uint32_t printed = tty_printed();
    bool touched = false, paused = true;

    tty_attended = true;
    edit_begin(&editor, prompt, line, size);
    while (result == EDIT_GOES_ON) {
        int byte = tty_byte(patience(paused));

        if (!show_again(&printed) && byte < 0) {
            pause(touched);
            paused = true;
        }
        result = take_waiting(byte);
        if (byte >= 0 && paused && result == EDIT_GOES_ON)
            result = ask_again();
        touched |= byte >= 0;
        paused &= byte < 0;
        if (result == EDIT_GOES_ON)
            edit_draw(&editor);
    }
    if (result == EDIT_TOO_LONG)
        kprint_wrapped(0, "shell: the line is not run: it has more than %d characters.  "
                       "Up brings it back, without its end", READLINE_SIZE - 1);
    return result == EDIT_DONE;
}
