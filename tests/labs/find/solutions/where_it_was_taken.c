/*
 * where_it_was_taken.c - loses: line.
 *
 * The line that took the pages, as `leaks` lists it, and not the one that lost them.
 */
#include "tests/labs/find/find.h"

FIND_ANSWER("ann", "pages", "server.c", 133, 63);
