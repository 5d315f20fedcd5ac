/*
 * san.h - the sanitizers of make SAN=1: see README.md.  In any other build each of
 * these is nothing.
 */
#ifndef KERNEL_SAN_SAN_H
#define KERNEL_SAN_SAN_H

#include <stdint.h>

#if defined(SAN) || defined(SAN_SHADOW)  /* what is checked; and who checks */

/* When paging is on: map the shadow, and know the globals.  No report before that. */
void san_init(void);

/* When mm has its memory: from now on it is known what of it is whose. */
void san_watch_heap(void);

/* Around each command: a place where it goes wrong is told once, and then counted. */
void san_begin_command(void);
void san_end_command(void);

/* Calls were left without returning: nothing below the caller is out of bounds now. */
void san_frames_gone(void);

#else

static inline void san_init(void) {}
static inline void san_watch_heap(void) {}
static inline void san_begin_command(void) {}
static inline void san_end_command(void) {}
static inline void san_frames_gone(void) {}

#endif
#endif
