/*
 * boxes.h - what points to what, as a picture with words beside it; see boxes.c.
 */
#ifndef KERNEL_LEAKS_BOXES_H
#define KERNEL_LEAKS_BOXES_H

#include <stddef.h>

/*
 * Something with words in it, one of which leads to the box below.  bytes 0: there is no
 * box, only the line to the one below, and its head stands for who is not there.
 */
struct box {
    size_t bytes, at;           /* its own; and where in them the sign stands: */
    char sign;                  /*   '*' a pointer, 'x' what was one, 'o' no pointer */
    unsigned colour;            /* kernel/line/colour.h */
    char head;                  /* of the line: 'v', or ':' where it leads no more; 0: none */
    size_t to_bytes, to_at;     /* of the box below, and where in it the line ends */
};

void box_print(const struct box *box, const char *text);

#endif
