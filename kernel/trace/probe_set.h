/*
 * probe_set.h - the int3s in the code, for probe.c: see probe_set.c.
 */
#ifndef KERNEL_TRACE_PROBE_SET_H
#define KERNEL_TRACE_PROBE_SET_H

#include <stdbool.h>
#include <stdint.h>

enum { PROBE_COPY = 16 };

struct probe {
    uint32_t at;
    uint8_t byte;               /* what int3 stands for */
    uint8_t length;             /* of the first instruction */
    bool is_root, goes_away;    /* away: the jump is not run */
    uint8_t copy[PROBE_COPY];   /* it, and a jump behind it */
};

/* The one that begins there, or NULL. */
const struct probe *probe_at(uint32_t at);

/* All of them into the code, and out of it. */
void probe_plant(void);
void probe_take_out(void);

/* What is meant by an address of code, if it is one of a copy. */
uint32_t probe_behind_copy(uint32_t eip);

#endif
