/*
 * find.c - find it: your answer.
 *
 * Your name, and of the mistake in your server its kind, file and line, and the serial
 * number of the object that it loses or hurts.  README.md tells how one finds them.
 */
#include "tests/labs/find/find.h"

FIND_ANSWER("yourname", "?", "?", 0, 0);
