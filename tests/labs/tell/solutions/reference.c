/*
 * reference.c - loses: nothing.
 *
 * Each rule is obeyed once and broken once: an order, a pointer, a limit at a time.
 */
#include "tests/labs/tell/tell.h"

TELL("ann",
     "take", "take", "take", "take", "take", "give 1+8", "fill 2", "fill 3",
     "look 2", "give 1", "give 2", "give 1", "take", "take", "give 2", "give 1",
     "take", "take", "give 0", "give 1", "give 2", "give 3");
