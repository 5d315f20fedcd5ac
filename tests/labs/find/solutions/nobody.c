/*
 * nobody.c - loses: answer, kind, file, line, serial.
 *
 * Without a name there is no server.
 */
#include "tests/labs/find/find.h"

FIND_ANSWER("", "pages", "server.c", 137, 63);
