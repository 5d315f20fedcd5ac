/*
 * looks_at_the_first.c - loses: pool1, pool4.
 *
 * Of the slots only the first two are filled: all are whole but the last of a slab.
 */
#include "tests/labs/tell/tell.h"

TELL("ann",
     "take", "take", "take", "take", "take", "give 1+8", "fill 0", "fill 1",
     "look 0", "give 1", "give 2", "give 1", "take", "take", "give 2", "give 1",
     "take", "take", "give 0", "give 1", "give 2", "give 3");
