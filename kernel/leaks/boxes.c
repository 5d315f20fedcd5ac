/*
 * boxes.c - what points to what, as a picture with words beside it.
 *
 *      [*]                     the variable head
 *       v
 *      [....*.........]        0x0021c080, 56 bytes, serial 3, taken by list.c:20:
 *       v---'                  next at offset 16
 *      [o.............]        0x0021c0c0, 56 bytes, serial 2, taken by list.c:20:
 *                              this is it, offset 0
 *
 * A box is as long as what it stands for, a sign a word: so one sees where in it the pointer
 * lies, and where the next one is pointed to.  What has more words than there is room for is
 * drawn SIGNS long, and each sign is a part of it.
 *
 * It is ASCII, and so the same in a log, on a terminal and on the VGA screen.
 */
#include "kernel/leaks/boxes.h"

#include <stdint.h>

#include "kernel/leaks/beside.h"
#include "kernel/line/colour.h"
#include "kernel/printk.h"

enum { INDENT = 1, SIGNS = 16, TEXT_COLUMN = INDENT + SIGNS + 3 };

static size_t words_of(size_t bytes)
{
    return bytes > 0 ? (bytes + sizeof(uintptr_t) - 1) / sizeof(uintptr_t) : 1;
}

static unsigned signs_of(size_t bytes)
{
    return words_of(bytes) < SIGNS ? (unsigned)words_of(bytes) : SIGNS;
}

/* Which sign stands for that byte; for the room behind its bytes, the last one. */
static unsigned sign_at(size_t bytes, size_t at)
{
    unsigned signs = signs_of(bytes);
    size_t sign = at / sizeof(uintptr_t) * signs / words_of(bytes);

    return sign < signs ? (unsigned)sign : signs - 1;
}

static size_t draw_box(const struct box *box)
{
    unsigned signs = signs_of(box->bytes), at = sign_at(box->bytes, box->at);

    kprintf("%*s[", INDENT, "");
    colour_set(box->colour);
    for (unsigned i = 0; i < signs; i++)
        kprintf("%c", i == at ? box->sign : '.');
    colour_set(BLACK);
    kprintf("]");
    return INDENT + 1 + signs + 1;
}

/* From the sign straight down; in its last row across, to where it ends. */
static size_t draw_line(const struct box *box, bool is_last)
{
    unsigned from = INDENT + 1 + sign_at(box->bytes, box->at);
    unsigned to = is_last ? INDENT + 1 + sign_at(box->to_bytes, box->to_at) : from;
    unsigned left = from < to ? from : to, right = from < to ? to : from;
    bool leads = box->head == 'v';

    kprintf("%*s", (int)left, "");
    for (unsigned i = left; i <= right; i++)
        kprintf("%c", !is_last ? leads ? '|' : ':' : i == to ? box->head :
                      i == from ? '\'' : leads ? '-' : '.');
    return right + 1;
}

static size_t draw(unsigned row, bool is_last, const void *arg)
{
    const struct box *box = arg;

    if (row == 0 && box->bytes > 0)
        return draw_box(box);
    return box->head != 0 ? draw_line(box, is_last) : 0;
}

void box_print(const struct box *box, const char *text)
{
    colour_begin();
    beside_print(TEXT_COLUMN, box->bytes > 0 && box->head != 0 ? 2 : 1, text, draw, box);
}
