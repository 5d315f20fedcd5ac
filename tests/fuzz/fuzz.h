/*
 * fuzz.h - what each fuzz_NAME.c has, for libFuzzer and for replay.c.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

extern const char fuzz_name[];
/* Set for replay -v; NULL: there is nothing to tell. */
extern bool *const fuzz_trace;

/* Try these bytes; always 0.  What must hold and does not ends the program. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define MUST(truth)                                                                \
    ((truth) ? (void)0                                                             \
             : (fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, \
                        #truth),                                                   \
                abort()))

#endif
