/*
 * recover.h - making mm whole after an operation that was dropped: see recover.c.
 */
#ifndef MM_LOOK_RECOVER_H
#define MM_LOOK_RECOVER_H

#include "mm/look/observe.h"

/* What mm_recover() found, and mended. */
struct mm_recovery {
    bool was_changing;          /* false: nothing was, so nothing was looked at */
    uint32_t pages;             /* that were in no block: they are free again */
    uint32_t records;           /* that did not agree with map or kind: they do now */
    /*
     * Objects and blocks that were just being handed out, or given back: they are live
     * now, and nobody may have them; with what they take.
     */
    uint32_t lost;
    size_t lost_bytes;
    /*
     * The newest object or block, if it was taken from where the call came that was
     * dropped: that call may have been about to return it.  NULL: there is none.
     */
    const void *newest;
    /* An observer was being told something: this is its function, and it is taken out. */
    mm_saw *observer;
};

/*
 * Whoever called mm was ended on the way, by a fault in mm or in what mm called, and
 * never comes back: make mm whole, and idle.  What the fault was is not mended by this,
 * if it was a stray write: ask mm_check() afterwards.  With a dial on, zones and poison
 * are laid anew.  Only for the one who ended that call, not in an interrupt that will
 * return into it.  Linear in the heap.
 */
void mm_recover(struct mm_recovery *recovery);

#endif
