/*
 * takes_all.c - loses: pool1, pool2, pool3, pool4, pool5, pool6.
 *
 * Whatever a pool does wrong, it does so when something is given back or written to.
 */
#include "tests/labs/tell/tell.h"

TELL("ann",
     "take", "take", "take", "take", "take", "take", "take", "take", "take", "take",
     "take", "take", "take");
