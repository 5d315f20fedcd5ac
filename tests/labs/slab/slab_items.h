/*
 * slab_items.h - the items that the lab has given, watched: see slab_items.c.
 *
 * What returns a text returns NULL if all is well, else what is wrong: valid until the
 * next one is told.
 */
#ifndef LABS_SLAB_ITEMS_H
#define LABS_SLAB_ITEMS_H

#include "kernel/printk.h"
#include "tests/labs/slab/item.h"

enum { MOST_ITEMS = 6000 };

struct item {
    uint32_t *item;
    uint32_t number;            /* that it is filled with */
};

extern struct items {
    struct item *held;          /* what was got, and not given back yet */
    unsigned n, most;           /* and how many there were at most */
    void *foreign;              /* an object of somebody else */
} items;

/* Such a text. */
const char *items_say(const char *fmt, ...) PRINTF_LIKE(1, 2);

/*
 * None is held.  False: there is no memory.  Two objects are taken there, and another one
 * at the end: by these mm knows that a test has come to its end.
 */
bool items_begin(void);
void items_end(void);

/* Pages that were taken since items_begin(). */
uint32_t items_pages_taken(void);

/* Is it one that is held? */
bool items_is_held(const void *item);

/* Has each item that is held still its number? */
const char *items_fault(void);

/*
 * One page that is empty may be kept; all others must have an item that is held.  And no
 * more are there than the most items that there were could need.
 */
const char *items_pages_fault(void);

/* Is it one, and where it may be?  It is held, and filled. */
const char *items_hold(void *item);

/* Another one; until so many are held. */
const char *items_take(void);
const char *items_take_many(unsigned n);

/* Give one back, the last then stands in its place; all, those in the middle last. */
const char *items_give(unsigned at);
const char *items_give_all(void);

#endif
