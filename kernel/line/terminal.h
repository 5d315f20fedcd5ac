/*
 * terminal.h - what is known of the terminal, and how to ask and to talk to it.
 */
#ifndef KERNEL_LINE_TERMINAL_H
#define KERNEL_LINE_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/line/keys.h"

/*
 * A terminal that has told its size understands escape sequences.  One that has
 * not (width 0) may be a pipe or a log file, and gets none.
 */
struct terminal {
    void (*put)(const char *bytes, size_t length);      /* "\n" is CR LF */
    unsigned width, height;     /* in characters; 0: it never said */
    unsigned asked;             /* questions without an answer yet */
    bool dumb;                  /* term=dumb: never ask */
    bool mono;                  /* term=mono: no colour */
    struct keys keys;
};

/* Ask for the size: the answer comes in as KEY_REPORT. */
void terminal_ask(struct terminal *terminal);

/* Take the answer in terminal->keys.  False: nobody had asked, or it is nonsense. */
bool terminal_answer(struct terminal *terminal);

/*
 * Through a text, byte by byte from a zero state on: is this one part of an escape sequence,
 * and takes no column?
 */
enum sequence { NO_SEQUENCE, AFTER_ESCAPE, IN_SEQUENCE };
bool terminal_in_sequence(enum sequence *state, char c);

/* Put text. */
void terminal_puts(const struct terminal *terminal, const char *text);

/* Put ESC [ number last, such as 3 C: three columns to the right. */
void terminal_escape(const struct terminal *terminal, unsigned number, char last);

#endif
