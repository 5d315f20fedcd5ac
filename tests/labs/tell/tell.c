/*
 * tell.c - tell them apart: your session.
 *
 * Your name, by which the pools have their numbers, and the commands that tell all six
 * apart, without "pool N": each pool gets all of them.  README.md tells how one goes about
 * it.
 */
#include "tests/labs/tell/tell.h"

TELL("yourname",
     "take", "fill 0", "look 0", "give 0");
