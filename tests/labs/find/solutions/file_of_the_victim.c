/*
 * file_of_the_victim.c - loses: file, line.
 *
 * A line is one of a file: that of another file is another line.
 */
#include "tests/labs/find/find.h"

FIND_ANSWER("ann", "pages", "post.c", 137, 63);
