/*
 * forwards.c - loses: pool4, pool6.
 *
 * What is given back is given from the first to the last, as it was taken.
 */
#include "tests/labs/tell/tell.h"

TELL("ann",
     "take", "take", "take", "take", "take", "give 1+8", "fill 2", "fill 3",
     "look 2", "give 1", "give 2", "give 1", "take", "take", "give 0", "give 1",
     "give 2", "give 3");
