/*
 * catch.h - slots that are watched: see catch.c.
 */
#ifndef KERNEL_TRACE_CATCH_H
#define KERNEL_TRACE_CATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/cpu/debug.h"

enum { CATCH_SLOTS = DEBUG_REGISTERS, CATCH_NAME_SIZE = 48 };

struct catch_slot {
    char name[CATCH_NAME_SIZE]; /* as it was typed; "": this one is free */
    uintptr_t addr;             /* 0: its owner is not born yet */
    unsigned bytes;             /* 4, 2 or 1; 0: as many as are aligned there */
    uint32_t owner, offset;     /* serial number, and where in that; 0: a variable */
    int number;                 /* of the debug register; -1: none yet */
    uint32_t value;             /* that it had last */
    uint32_t stores;
};

/* Watch that one from now on; NULL, and why not. */
const struct catch_slot *catch_begin(const struct catch_slot *wanted, const char **why);
/* No more; 0: none.  False: that one was not watched. */
bool catch_end(unsigned number);

/* Its number, from 1. */
unsigned catch_number(const struct catch_slot *slot);
/* The first behind `previous` (NULL: of all) that is watched; NULL: no more. */
struct catch_slot *catch_next(const struct catch_slot *previous);

/* How many bytes are aligned at that address, 4 at most. */
unsigned catch_bytes_at(uintptr_t addr);

/* What it has now; and such a value in words. */
uint32_t catch_read(const struct catch_slot *slot);
const char *catch_value(const struct catch_slot *slot, uint32_t value, char *text,
                        size_t size);

#endif
