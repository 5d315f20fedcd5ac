/*
 * zone_priv.h - bytes that must all be the same: see zone.c.
 */
#ifndef MM_WATCH_ZONE_PRIV_H
#define MM_WATCH_ZONE_PRIV_H

#include "mm/refuse_priv.h"

/* As in Linux: of red zones, of new and of free objects, of free pages. */
enum { RED_INACTIVE = 0xbb, RED_ACTIVE = 0xcc, POISON_NEW = 0x5a,
       POISON_FREE = 0x6b, POISON_END = 0xa5, PAGE_POISON = 0xaa };

/* Bytes that must all be the same, but the last, and what it means if they are not. */
struct zone {
    unsigned char *start, *end;
    unsigned char byte, last;
    enum mm_bug bug;
};

/* Who looks: for the report. */
struct look {
    const char *call;
    const struct alloc_site *site;
    const void *object;
    const char *then;           /* what happens afterwards */
};

void zone_fill(const struct zone *zone);
/* Report what is wrong in it, and restore it.  How much is wrong: 0 or 1. */
uint32_t zone_look(const struct look *look, const struct zone *zone);

#endif
