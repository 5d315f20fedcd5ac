/*
 * twice_in_a_row.c - loses: pool2, pool4.
 *
 * The same slot is given twice in a row, which all refuse: one of them knows only what was
 * given last.
 */
#include "tests/labs/tell/tell.h"

TELL("ann",
     "take", "take", "take", "take", "take", "give 1+8", "fill 2", "fill 3",
     "look 2", "give 1", "give 1", "take", "give 2", "give 1", "take", "take",
     "give 0", "give 1", "give 2", "give 3");
