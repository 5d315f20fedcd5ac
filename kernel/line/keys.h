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
    KEY_CHARACTER,              /* one that is not ASCII: code */
};

#define KEY_CTRL(letter) ((letter) - '@')

enum keys_state { KEYS_PLAIN, KEYS_ESCAPE, KEYS_SS3, KEYS_CSI, KEYS_ONE, KEYS_MOUSE,
                  KEYS_STRING, KEYS_STRING_ESCAPE };

struct keys {
    enum keys_state state;
    bool after_cr;              /* the LF of CRLF is no key */
    bool pasting;               /* between the marks of a bracketed paste */
    bool meta;                  /* a second ESC stands in front */
    bool is_private;            /* the sequence is: only programs send it */
    bool is_detail;             /* what comes is behind ":" */
    unsigned params;            /* numbers of the sequence so far */
    unsigned param[2];
    unsigned mouse;             /* characters that a report still has */

    uint32_t code;              /* of the character that came last, or is coming */
    uint32_t least;             /* what so many bytes are needed for */
    unsigned more;              /* bytes of it that have not come yet */
    uint8_t lead;               /* its first one */
    uint8_t stray;              /* such a byte, if in place of its rest this key came */
};

/* The key that this byte completes, or KEY_NONE. */
int keys_byte(struct keys *keys, uint8_t byte);

/* Is a sequence begun that no byte has ended yet? */
static inline bool keys_unfinished(const struct keys *keys)
{
    return keys->state != KEYS_PLAIN || keys->more > 0;
}

/* Nothing came for a while: a sequence that is not finished will not be. */
void keys_give_up(struct keys *keys);

#endif
