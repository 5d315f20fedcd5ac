/*
 * scan.h - looking for leaks: from which roots, and how long it took; see scan.c.
 */
#ifndef KERNEL_LEAKS_SCAN_H
#define KERNEL_LEAKS_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mm/scan/scan.h"

/* What is a root, in the order in which they are looked at. */
enum root_kind {
    ROOT_VARIABLES,             /* of labs, lessons, and a few of the kernel */
    ROOT_HELD,                  /* what the shell holds: $1 ... */
    ROOT_STACK,                 /* of the commands that have called the one which scans */
};

/* Call fn for each range of words that is one. */
void scan_each_root(void (*fn)(enum root_kind kind, const void *start, const void *end,
                               void *arg), void *arg);

/*
 * Call wanted->fn for each word that points there, in a root or in what is live, with
 * interrupts off: it does not print.
 */
void scan_refs(struct mm_wanted *wanted);

/* Does nothing but what is lost hold it? */
static inline bool is_lost(const struct mm_live *live)
{
    return live->kind == MM_DEFINITE || live->kind == MM_INDIRECT;
}

/* mm_scan_find, with interrupts off: no handler gives it back while it is described. */
bool scan_find(uintptr_t address, struct mm_live *live);

/* The same by its serial number; linear in what is live. */
bool scan_find_serial(uint32_t serial, struct mm_live *live);

/*
 * Each live thing, by ascending address.  look is called with interrupts off, and reads what
 * it needs.  If it returns true tell is called, with interrupts on: handlers allocate as
 * ever, and the thing itself may be gone.  tell returns false to stop.
 */
typedef bool scan_fn(const struct mm_live *live, void *arg);
void scan_each(scan_fn *look, scan_fn *tell, void *arg);

struct scan_report {
    struct mm_scan found;
    uint32_t microseconds;      /* 0: there is no clock to tell */
    uint32_t lost_ticks;        /* of the timer, since interrupts were off */
};

/* Sort all that is live.  False after a line that says why not. */
bool scan_leaks(struct scan_report *report);

/*
 * Look at what a scan has found, with interrupts off: fn(arg), which does not print.  How
 * long that takes is added to what the report tells.
 */
void scan_look(struct scan_report *report, void (*fn)(void *arg), void *arg);

struct scan_range {
    const void *start, *end;
};

/*
 * Sort all that is live, from the usual roots and from these ranges, and say nothing: for
 * who asks in between, with interrupts off.  False: the allocator is busy.
 */
bool scan_from(const struct scan_range *more, unsigned count, struct mm_scan *found);

/*
 * While something runs that has no memory: bytes that nothing points to, neither it nor who
 * has called it; 0: none, or it cannot be looked now.  Interrupts as in scan_leaks.
 */
size_t scan_lost_bytes(void);

/*
 * Was it taken after the scan before the last one?  Then no scan before the last has seen it:
 * what a pointer was seen in there is another one.
 */
bool scan_is_newer(const struct mm_live *live);

/* What was looked at and how long it took; and which dials that are off may hide leaks. */
void scan_print(const struct scan_report *report);

#endif
