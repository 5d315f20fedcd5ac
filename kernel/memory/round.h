/*
 * round.h - a command run with one of its allocations failing: see round.c.
 */
#ifndef KERNEL_MEMORY_ROUND_H
#define KERNEL_MEMORY_ROUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct alloc_site;
struct mm_failed;

struct round {
    uint32_t number;            /* the allocation that was to fail; from 1 */
    uint32_t calls;             /* that there were */
    const struct mm_failed *failed;     /* the one, until the next round; NULL: none did */
    int status;                 /* of the command */
    uint32_t began;             /* the newest serial number then */
    unsigned objects;           /* that it left, */
    size_t bytes;               /*   and what was asked for them */
};

/* Run these words with their number-th allocation failing; shown: with what they print. */
struct round round_run(uint32_t number, int argc, char **argv, bool shown);

/* What it left, by site, most bytes first, in the fields of each: for sites_walk's fn. */
void round_walk_left(const struct round *round,
                     bool (*fn)(const struct alloc_site *site, void *arg), void *arg);

#endif
