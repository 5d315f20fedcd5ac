/*
 * no_pointer_inside.c - loses: pool4, pool5.
 *
 * Nothing is given back but what was taken: that a pool takes any pointer is not seen.
 */
#include "tests/labs/tell/tell.h"

TELL("ann",
     "take", "take", "take", "take", "take", "fill 2", "fill 3", "look 2", "give 1",
     "give 2", "give 1", "take", "take", "give 2", "give 1", "take", "take",
     "give 0", "give 1", "give 2", "give 3");
