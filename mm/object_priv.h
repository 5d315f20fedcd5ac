/*
 * object_priv.h - from an address to what is there: object.c.
 */
#ifndef MM_OBJECT_PRIV_H
#define MM_OBJECT_PRIV_H

#include "mm/slot_priv.h"

/* What is around an address: a slot, a block of pages, or nothing of ours. */
struct object {
    enum mm_what_kind kind;     /* all but MM_SLAB_REDZONE */
    bool is_broken;             /* a block that is longer than it can be (B1, B2) */
    uint32_t pfn;               /* of its first page, or the slab's; NO_PAGE: outside */
    struct page *page;          /* and its struct */
    char *start;                /* of the object, block, or rest of a slab */
    size_t room;                /* bytes that are its own */
    struct record *record;      /* of its life now or last; NULL: none is kept */
    struct slot slot;           /* MM_SLAB_LIVE, MM_SLAB_FREE; guarded: its cache */
};

/* Any address, in any state of mm; nothing is believed that was not checked. */
struct object object_at(const void *addr);

/* Bytes that may be used at a live object: with red zones only those asked for. */
size_t object_usable(const struct object *object);
/* Of the new object or block at p all that may be used is cleared. */
void object_clear(void *p);

#endif
