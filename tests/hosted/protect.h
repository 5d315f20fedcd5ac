/*
 * protect.h - pages that are taken away in a program, by mprotect, and accesses that are
 * known to fault.
 */
#ifndef TESTS_HOSTED_PROTECT_H
#define TESTS_HOSTED_PROTECT_H

#include "tests/hosted/arena.h"

/* For mm_map_hook.  protect_fails: so often more pages are taken away, then no more. */
bool protect_map(void *start, size_t bytes, bool present);
extern long protect_fails;      /* below 0: all are done */

/* Does an access to that very byte fault?  A write leaves what was there. */
bool faults_on_read(const void *at);
bool faults_on_write(void *at);

/* arena_open(pages, 0), whatever is not there now. */
void protect_open(uint32_t pages);

/* A fresh heap in which pages can be taken away, and the end of it. */
int protect_setup(void **state);
int protect_teardown(void **state);
#define PROTECT_TEST(f) cmocka_unit_test_setup_teardown(f, protect_setup, protect_teardown)

#endif
