/*
 * probe.h - which functions are called, and when they return: see probe.c.
 */
#ifndef KERNEL_TRACE_PROBE_H
#define KERNEL_TRACE_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PROBE_ROOM = 1536, PROBE_DEPTH = 128 };

/* ---- the set --------------------------------------------------------------------- */

/* It may be changed while it is off. */
void probe_clear(void);

/*
 * One more function, of so many bytes.  As a root it is where a call begins that is
 * followed, see probe_on.  False: there are PROBE_ROOM already.
 */
bool probe_add(uintptr_t function, bool is_root);

/* Can that be one, by its first instruction (first.h)? */
bool probe_can(uintptr_t function, size_t bytes);

/* ---- on and off ------------------------------------------------------------------ */

/*
 * Note each call of these functions; only_below: which was made, at whatever depth, by one
 * of the roots, or in an interrupt.  False: somebody else has int3, or it is on already.
 */
bool probe_on(bool only_below);
void probe_off(void);
bool probe_is_on(void);

/* What a return address in that word of a stack was before it was replaced, if it was. */
uintptr_t probe_return_of(const uintptr_t *slot);

/*
 * So many calls are under way: they have not returned, and their command has not been ended.
 * When it is off: so many were, when it was switched off.
 */
unsigned probe_under_way(void);

/* Calls too deep, or on an unknown stack, to be followed, since it was switched on. */
uint32_t probe_too_deep(void);

#endif
