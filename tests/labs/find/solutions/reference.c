/*
 * reference.c - loses: nothing.
 *
 * What `leaks` and `why-lost 63 "find run ann"` say of ann's server.
 */
#include "tests/labs/find/find.h"

FIND_ANSWER("ann", "pages", "server.c", 137, 63);
