/*
 * another_tool.c - loses: kind.
 *
 * That something was lost on the way out of a function is seen, and what it was is not:
 * pages, by the page calls.
 */
#include "tests/labs/find/find.h"

FIND_ANSWER("ann", "error-path", "server.c", 137, 63);
