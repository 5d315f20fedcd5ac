/*
 * many_lines.c - loses: lines, pool1, pool2, pool3, pool4, pool5, pool6.
 *
 * Forty-one lines, one too many.
 */
#include "tests/labs/tell/tell.h"

TELL("ann",
     "take", "take", "take", "take", "take", "give 1+8", "fill 2", "fill 3",
     "look 2", "give 1", "give 2", "give 1", "take", "take", "give 2", "give 1",
     "take", "take", "give 0", "give 1", "give 2", "give 3", "take", "take", "take",
     "take", "take", "take", "take", "take", "take", "take", "take", "take", "take",
     "take", "take", "take", "take", "take", "take");
