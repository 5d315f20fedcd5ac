/*
 * inject.h - allocations that fail on purpose: what is set, and what was done (inject.c).
 *
 * It is set as all dials are:
 *
 *     mm_set_dial("failslab", "1,10,0,-1");           interval, probability, space, times
 *     mm_set_dial("failslab", "probability=10,seed=7,site=list.c,cache=kmalloc-*");
 *     mm_set_dial("fail-nth", "3");
 */
#ifndef MM_WATCH_INJECT_H
#define MM_WATCH_INJECT_H

#include "mm/gfp.h"
#include "mm/watch/stack.h"

enum { MM_FAULT_TEXT = 128 };           /* of a value, its 0 included */

#define MM_NO_LIMIT UINT32_MAX

enum mm_fault_dial { MM_FAILSLAB, MM_FAIL_PAGE_ALLOC, MM_FAULT_DIALS,
                     MM_FAIL_NTH = MM_FAULT_DIALS };

/* What one of the two is set to, as Linux's struct fault_attr, and how far it has come. */
struct mm_fault_attr {
    char text[MM_FAULT_TEXT];   /* the value given; "" is off */
    uint32_t interval, probability, space, times;       /* times: or MM_NO_LIMIT */
    uint32_t seed, min_order, ignore_gfp_wait;
    uint32_t site, cache;       /* where in text their patterns begin; 0: all are meant */

    uint32_t space_left, times_left, turns, random;
    uint32_t calls, failed;     /* that were meant; and of these, failed */
};

const struct mm_fault_attr *mm_fault_attr(enum mm_fault_dial dial);
const char *mm_fault_name(enum mm_fault_dial dial);

/* How often one of the three was set, to whatever: MM_FAIL_NTH is one of them here. */
uint32_t mm_fault_sets(enum mm_fault_dial dial);

/* Does the pattern, as one of the two has it, mean that site?  Or any name: * is any text. */
bool mm_site_matches(const struct alloc_site *site, const char *pattern);
bool mm_name_matches(const char *pattern, const char *name);

/* Calls since fail-nth was set; if they are as many as it says, that one was failed. */
uint32_t mm_nth_calls(void);

/* An allocation that was failed on purpose. */
struct mm_failed {
    const char *by;             /* the dial; NULL: none was failed so far */
    const struct mm_fault_attr *attr;   /* what it is set to; NULL: by fail-nth */
    uint32_t calls;             /* that it has seen, this one included */
    const char *call;           /* as in struct mm_report, up to gfp */
    const struct alloc_site *site;
    size_t bytes;
    gfp_t gfp;
    const char *cache;          /* of the object asked for; NULL: whole pages */
    unsigned depth;             /* the calls that led to it, as far as they are known */
    uintptr_t frames[MM_STACK_FRAMES];
};

/* The last one, until the next. */
const struct mm_failed *mm_last_failed(void);

#endif
