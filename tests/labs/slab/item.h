/*
 * item.h - items, objects of one size: what the lab gives, and its check asks for.
 */
#ifndef LABS_SLAB_ITEM_H
#define LABS_SLAB_ITEM_H

#include <stdbool.h>

#include "mm/gfp.h"

enum { ITEM_BYTES = 32 };

/*
 * An item, aligned to 8 bytes, in a page of __get_free_page; it is the caller's until
 * item_free, and what is in it is not looked at.  NULL: there is no page now.
 */
void *item_alloc(void);

/*
 * Give back what item_alloc gave.  False: the address is no item that is in use, and
 * nothing was changed.
 */
bool item_free(void *item);

#endif
