/*
 * first.h - a function's first instruction: see first.c.
 */
#ifndef KERNEL_TRACE_FIRST_H
#define KERNEL_TRACE_FIRST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Its length in bytes, at most 11; 0: it does not do the same elsewhere (it is relative, or
 * calls), or it is none of those that are known.
 */
size_t first_length(const uint8_t *code);

/* Does it go elsewhere: a ret, or a jump to where a register or memory says? */
bool first_goes_away(const uint8_t *code);

#endif
