/*
 * lookalike.h - characters that are not ASCII, as a command line can have them.
 */
#ifndef KERNEL_LINE_LOOKALIKE_H
#define KERNEL_LINE_LOOKALIKE_H

#include <stddef.h>
#include <stdint.h>

enum { LOOKALIKE_SIZE = 12 };

/* What the character looks like in ASCII; text is room for it. */
const char *lookalike(uint32_t code, char *text, size_t size);

#endif
