/*
 * keys.h - from the bytes that a terminal sends to the keys that were pressed.
 */
#ifndef KERNEL_LINE_KEYS_H
#define KERNEL_LINE_KEYS_H

#include <stdbool.h>
#include <stdint.h>

/* Keys with an ASCII code are that code, control characters included. */
enum {
    KEY_CTRL_C = 3, KEY_TAB = 9, KEY_LF = 10, KEY_CR = 13, KEY_ESCAPE = 27,
    KEY_BACKSPACE = 127,
    KEY_NONE = 256,             /* in the middle of a sequence, or noise */
    KEY_UP, KEY_DOWN, KEY_RIGHT, KEY_LEFT, KEY_HOME, KEY_END, KEY_DELETE,
    KEY_WORD_LEFT, KEY_WORD_RIGHT, KEY_WORD_ERASE, KEY_WORD_DELETE,
    KEY_REPORT,                 /* the cursor is at row param[0], column param[1] */
    KEY_PASTE_BEGINS, KEY_PASTE_ENDS,
};

#define KEY_CTRL(letter) ((letter) - '@')

struct keys {
    enum { KEYS_PLAIN, KEYS_ESCAPE, KEYS_SS3, KEYS_CSI } state;
    bool after_cr;              /* the LF of CRLF is no key */
    bool pasting;               /* between the marks of a bracketed paste */
    unsigned params;            /* numbers of the sequence so far */
    unsigned param[2];
};

/* The key that this byte completes, or KEY_NONE. */
int keys_byte(struct keys *keys, uint8_t byte);

/* Is a sequence begun that no byte has ended yet? */
static inline bool keys_unfinished(const struct keys *keys)
{
    return keys->state != KEYS_PLAIN;
}

#endif
