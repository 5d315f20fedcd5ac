/*
 * inject_priv.h - allocations that fail on purpose: inject.c, and what the dials' values
 * say: inject_value.c.
 */
#ifndef MM_WATCH_INJECT_PRIV_H
#define MM_WATCH_INJECT_PRIV_H

#include "mm/refuse_priv.h"
#include "mm/watch/inject.h"

/* For struct watcher. */
bool inject_fails(const struct mm_request *request, const struct kmem_cache *cache);

/* Is any of the dials on? */
bool inject_is_on(void);
/* They begin anew: mm_init was called. */
void inject_start(void);

/* The value of failslab or fail_page_alloc; NULL: that is neither. */
const char *inject_value(const char *name);
/* Set one of them.  NULL, or what is wrong with the value; then nothing has changed. */
const char *inject_set(const char *name, const char *value);

/* fail-nth: of the calls from now on the nth is to fail; 0: none. */
void inject_nth(uint32_t nth);
uint32_t inject_nth_set(void);

/* ---- inject_value.c ------------------------------------------------------------ */

/* Fill in what the value says.  NULL, or what is wrong with it. */
const char *fault_attr_read(struct mm_fault_attr *attr, const char *value);
/* Is a call from that site, for an object of that cache (NULL: pages), meant? */
bool fault_attr_means(const struct mm_fault_attr *attr, const struct alloc_site *site,
                      const char *cache);

#endif
