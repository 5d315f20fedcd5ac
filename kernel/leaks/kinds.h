/*
 * kinds.h - what is of a kind has its colour in every picture.
 */
#ifndef KERNEL_LEAKS_KINDS_H
#define KERNEL_LEAKS_KINDS_H

#include "kernel/line/colour.h"

enum { REACHABLE_COLOUR = GREEN, POSSIBLE_COLOUR = YELLOW, INDIRECT_COLOUR = MAGENTA,
       DEFINITE_COLOUR = RED, UNSEEN_COLOUR = WHITE };

#endif
