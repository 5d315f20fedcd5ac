/*
 * utf8.c - from bytes to the characters that a terminal sent.
 *
 *     e2 80 93      U+2013                    its lead says how many bytes follow
 *     9b            U+009B                    by itself: an old 8-bit control
 *     e9 41         0xe9 as a stray, then A   no UTF-8: the byte is Latin-1's character
 *
 * A place that a mouse reports has two bytes at most.  Nothing is lost: what is no UTF-8 is handed on byte by byte.
 *
 * RFC 3629.
 */
#include "kernel/line/utf8.h"

static bool begin(struct keys *keys, uint8_t byte)
{
    if (byte < 0xc2 || byte > (keys->state == KEYS_MOUSE ? 0xdf : 0xf4)) {
        keys->code = byte;
        return true;
    }
    keys->lead = byte;
    keys->more = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    keys->least = keys->more == 1 ? 0x80 : keys->more == 2 ? 0x800 : 0x10000;
    keys->code = byte & (0x3fu >> keys->more);
    return false;
}

bool utf8_byte(struct keys *keys, uint8_t byte)
{
    keys->stray = 0;
    if (keys->more == 0)
        return begin(keys, byte);
    if ((byte & 0xc0) != 0x80) {
        keys->more = 0;
        keys->stray = keys->lead;
        return begin(keys, byte);
    }
    keys->code = keys->code << 6 | (byte & 0x3f);
    if (--keys->more > 0)
        return false;
    if (keys->code < keys->least || keys->code > 0x10ffff)
        keys->code = 0xfffd;            /* what stands for a character that is none */
    return true;
}
