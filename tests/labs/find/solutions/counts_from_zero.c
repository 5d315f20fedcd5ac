/*
 * counts_from_zero.c - loses: serial.
 *
 * The serial number of the one before: serial numbers begin with 1.
 */
#include "tests/labs/find/find.h"

FIND_ANSWER("ann", "pages", "server.c", 137, 62);
