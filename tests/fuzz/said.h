/*
 * said.h - the kernel's output, for fuzzers of what prints: kprintf, kprint_wrapped and
 * printk put it here.
 */
#ifndef TESTS_FUZZ_SAID_H
#define TESTS_FUZZ_SAID_H

#include <stdbool.h>
#include <stddef.h>

/* Since said_forget; ended with a 0, cut where there is no more room. */
extern char said[1 << 16];
extern size_t said_length;
extern unsigned said_lines;             /* calls that end a line */

void said_forget(void);

/* Nothing that a terminal would obey, but what places text. */
void said_must_be_harmless(void);

#endif
