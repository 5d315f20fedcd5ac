/*
 * dials.h - what mm does beyond its work when asked: Linux's debug parameters.
 *
 *     slub_debug=FLAGS[,CACHE...][;FLAGS,CACHE...]    for all caches, or those named;
 *                F  prove a slab at each call            "kmalloc-*" names several
 *                Z  red zones around objects, and over the slack beyond the size asked
 *                P  poison: free objects, and new ones that nobody wrote to yet
 *                U  who: the calls that led to an allocation and a free
 *                -  none of them
 *     init_on_alloc=1     all new memory is zero
 *     init_on_free=1      all freed memory is zero
 *     debug_pagealloc=on  poison for free pages, which are taken away if that can be
 *                         (mm_map_hook): then who touches one faults
 *     page_owner=on       U for pages
 *     quarantine=BYTES    freed objects wait until so many bytes wait, then are reused
 *     kfence.every=N      objects stand against a page that is not there: each (1), or
 *                         one of N times that a slab's free slots are used up
 *     failslab=...        calls for objects fail on purpose, fail_page_alloc=... those for
 *                pages; fail-nth=N: the Nth call of either from now on (inject.h)
 *
 * With any of them on, all calls go the long way round, which looks here (MM_LONG_WAY);
 * with none, and with kfence.every above 1, the short ways do not know of them.
 */
#ifndef MM_WATCH_DIALS_H
#define MM_WATCH_DIALS_H

#include "mm/port.h"

/*
 * Set one.  Before mm_init it holds from the start; later from now on, where that is
 * possible.  NULL, or what is wrong, in words; then all that is possible was done.
 * Values: those above; "" and "1" are on, "0" and "off" are off.
 */
const char *mm_set_dial(const char *name, const char *value);

/* The value now, for a listing: "" is off.  Until the next call. */
const char *mm_dial(const char *name);

/* Is any of them on, or something left of one that was? */
bool mm_dials_are_on(void);

/*
 * Up to this serial number memory was handed out with what was in it before, unless zeroes
 * were asked for.  0: none was (init_on_alloc, or init_on_free from the start); UINT32_MAX:
 * it still is.
 */
uint32_t mm_uncleared_until(void);

/* All off, as before the first mm_set_dial. */
void mm_reset_dials(void);

/*
 * Look at every red zone, every poisoned object and page.  What was overwritten is
 * reported, then restored; how many that were.  Linear in the heap.
 */
uint32_t mm_find_damage(void);

/*
 * An address that is what dials fill memory with, or so near to it as a member of a
 * struct: in words, what it was read from ("an object that was freed ...").  NULL: none.
 */
const char *mm_poison_name(uintptr_t addr);

/* For mm_init: there are pages, but no caches yet.  Watch, if there is anything to. */
void dials_start(void);

#endif
