/*
 * second_day.c - loses: serial.
 *
 * The serial number of the second day: it is the first one behind a boot that counts.
 */
#include "tests/labs/find/find.h"

FIND_ANSWER("ann", "pages", "server.c", 137, 386);
