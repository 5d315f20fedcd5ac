/*
 * of_a_neighbour.c - loses: kind, file, line, serial.
 *
 * Dan's answer, with one's own name on it: his server makes another mistake.
 */
#include "tests/labs/find/find.h"

FIND_ANSWER("ann", "double-free", "post.c", 114, 73);
