/*
 * by_number.c - loses: lines, pool1, pool2, pool3, pool4, pool5, pool6.
 *
 * The cheat: a line for one pool alone.  A line does not say of which pool it is.
 */
#include "tests/labs/tell/tell.h"

TELL("ann",
     "take", "pool 1 give 0", "give 0");
