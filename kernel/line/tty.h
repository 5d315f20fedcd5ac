/*
 * tty.h - the terminal at the other end of the console.
 */
#ifndef KERNEL_LINE_TTY_H
#define KERNEL_LINE_TTY_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/line/terminal.h"

extern struct terminal tty;

/* May a command ask somebody who sits there?  Not while run= has the word. */
extern bool tty_attended;

/*
 * The next byte typed; -1 if there is none within so many ticks (0: none now), or if
 * something was printed meanwhile, by an interrupt, which has moved the cursor.
 */
int tty_byte(uint32_t ticks);
/* Another number whenever that has happened. */
uint32_t tty_printed(void);
#define TTY_FOR_EVER UINT32_MAX

/*
 * The next key, or KEY_NONE if there is none within so many ticks.  Escape alone is a
 * key here: nothing has come behind it for a while.
 */
int tty_key(uint32_t ticks);

/* The key ends what runs; if it begins a line the prompt is to have it. */
void tty_give_back(int key);

/* Forget what was typed before the Ctrl-C that has stopped a command. */
void tty_drop_to_interrupt(void);

/*
 * If the terminal was asked for its size and has not answered yet, wait a moment for it:
 * before the machine ends, or the answer is typed to whom the terminal belongs then.
 */
void tty_take_answer(void);

#endif
