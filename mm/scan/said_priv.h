/*
 * said_priv.h - between the mark, what is said of things, and pieces of one's own
 * allocators: mark.c, said.c, own.c.
 */
#ifndef MM_SCAN_SAID_PRIV_H
#define MM_SCAN_SAID_PRIV_H

#include "mm/scan/scan_priv.h"

enum { SAID_NOT_LEAK = 1, SAID_IGNORE = 2, SAID_NO_SCAN = 4, SAID_AREA = 8 };

/* ---- said.c ---------------------------------------------------------------------- */

/* 0: all is looked into as a whole. */
extern uint32_t said_looks;
/* Look into that thing, if not as a whole.  False: nothing was done. */
bool said_look(uintptr_t start, size_t room);
/* A scan begins: forget the dead, and keep what is no leak. */
void said_begin(void);

/* Around what changes the tables.  False: not now, or nothing is recorded. */
bool said_enter(void);
void said_leave(void);
/* A call had no effect, for want of room, or since nothing is there. */
void said_count_refused(bool no_room);

/* ---- own.c: pieces, which are found as words point into them --------------------- */

extern uint32_t own_count;

/* Of a piece that starts there: false, there is none. */
bool own_say(uintptr_t start, unsigned what);
bool own_end(uintptr_t start);
bool own_is_in(uintptr_t start, size_t room);
/* What was lost by the last scan is never reported again. */
void own_clear(void);
void own_start(void);

/*
 * In a scan: it begins; a word points there; look into one more that was found; what points
 * there now is lost itself; look into one more that is lost.  False: there is none.
 */
void own_begin(void);
void own_refer(uintptr_t addr, const uintptr_t *word);
bool own_look_into_next(void);
void own_close(void);
bool own_look_into_lost(void);

/* ---- mark.c, while a scan is on its way ------------------------------------------ */

/* It is reachable, whoever holds it.  False: that was known.  mark: CLEARED or 0. */
bool scan_keep(const struct thing *thing, uint16_t mark);
/* And so is what it holds. */
void scan_look_into(const struct thing *thing);
/* The words in there. */
void scan_look_at(uintptr_t start, size_t bytes);

#endif
