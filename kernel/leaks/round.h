/*
 * round.h - a command run with one of its allocations failing: see round.c.
 */
#ifndef KERNEL_LEAKS_ROUND_H
#define KERNEL_LEAKS_ROUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mm/scan/scan.h"

struct alloc_site;
struct mm_failed;

struct round {
    uint32_t number;            /* the allocation that was to fail; from 1 */
    uint32_t calls;             /* that there were */
    const struct mm_failed *failed;     /* the one, until the next round; NULL: none did */
    int status;                 /* of the command */
    bool set_nth, set_others;   /* it set fail-nth itself; failslab or fail_page_alloc */
    uint32_t began;             /* the newest serial number then */
    unsigned objects;           /* that it leaked, */
    size_t bytes;               /*   and what was asked for them; */
    unsigned earlier;           /*   of these, taken before it and held until then */
    unsigned kept;              /* objects that it left, but something points to them */
};

/* Before the first one.  False after a line that says why there can be none. */
bool rounds_begin(void);

/* Run these words with their number-th allocation failing; shown: with what they print. */
struct round round_run(uint32_t number, int argc, char **argv, bool shown);

/* What it left of that kind, by site, most bytes first: for sites_walk's fn. */
void round_walk_left(const struct round *round, enum mm_scan_kind kind,
                     bool (*fn)(const struct alloc_site *site, void *arg), void *arg);

/* Of what was taken before it, by site, what was held then and is lost by now. */
void round_walk_earlier(void (*fn)(const struct alloc_site *site, unsigned objects,
                                   size_t bytes, void *arg), void *arg);

#endif
