/*
 * bag.h - is every marble accounted for, and can each be put back?  See bag.c.
 */
#ifndef LABS_BAG_H
#define LABS_BAG_H

#include <stdbool.h>

/* At a time when nothing is live: what an empty bag looks like. */
void bag_remember(void);

/* What does not add up, or is broken; NULL: nothing. */
const char *bag_fault(void);

/*
 * Give back whatever is live, whoever took it, and end the caches that commands have made.
 * What went wrong, or NULL: then the bag is as bag_remember() found it.
 */
const char *bag_empty(void);

#endif
