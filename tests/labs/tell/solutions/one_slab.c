/*
 * one_slab.c - loses: pool3, pool4.
 *
 * Four slots are in one slab: that of a pool an older slab is forgotten is not seen.
 */
#include "tests/labs/tell/tell.h"

TELL("ann",
     "take", "take", "take", "take", "give 1+8", "fill 2", "fill 3", "look 2",
     "give 1", "give 2", "give 1", "take", "take", "give 2", "give 1", "take",
     "take", "give 0", "give 1", "give 2", "give 3");
