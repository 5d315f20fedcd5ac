/*
 * utf8.h - from bytes to the characters that a terminal sent.
 */
#ifndef KERNEL_LINE_UTF8_H
#define KERNEL_LINE_UTF8_H

#include "kernel/line/keys.h"

/*
 * Does this byte complete a character?  It is then keys->code.  If it came in place of
 * the rest of another one, that one's first byte is keys->stray, else that is 0.
 */
bool utf8_byte(struct keys *keys, uint8_t byte);

#endif
