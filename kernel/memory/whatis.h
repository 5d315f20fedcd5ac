/*
 * whatis.h - what an address is, in sentences; for `whatis` and for reports.
 */
#ifndef KERNEL_MEMORY_WHATIS_H
#define KERNEL_MEMORY_WHATIS_H

#include "mm/mm.h"

/* Control characters become "_": the name of a cache may have any.  Returns text. */
char *printable(char *text);

/*
 * Say what the address is, who took it and who freed it: one to three lines,
 * each passed to `line` without its newline.
 */
void whatis_describe(const struct mm_what *what, void (*line)(const char *text));

/* The calls that led to this site, a line each, where they were recorded (dial U). */
void whatis_calls(const struct alloc_site *site, void (*line)(const char *text));

#endif
