/*
 * dials_priv.h - for mm_init: see dials.c.
 */
#ifndef MM_WATCH_DIALS_PRIV_H
#define MM_WATCH_DIALS_PRIV_H

/* There are pages, but no caches yet: watch, if there is anything to watch. */
void dials_start(void);

#endif
