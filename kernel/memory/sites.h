/*
 * sites.h - call sites in words, and those with live memory, largest first.
 */
#ifndef KERNEL_MEMORY_SITES_H
#define KERNEL_MEMORY_SITES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mm/site.h"

/*
 * "mm/foo.c:12", or "function+0x12/0x40" where only the return address is known,
 * into buf; returns buf.  NULL is "unknown".
 */
const char *site_place(const struct alloc_site *site, char *buf, size_t size);

/* Of such a place what stands behind its folders: "foo.c:12". */
const char *place_end(const char *place);

/* Is it what the line means: its place, or the end of that, from behind a "/" on? */
bool site_is(const struct alloc_site *site, const char *line);

/* " by function (place)" into buf, or nothing for NULL; returns buf. */
const char *site_caller(const struct alloc_site *site, char *buf, size_t size);

/* The name of its function; never NULL. */
const char *site_function(const struct alloc_site *site);

/* Is the call of that name one to a cache: kmem_cache_alloc and its kin? */
bool call_is_of_cache(const char *call);

/* Of a site with the calls that led to it (dial U), in JSON: , "ROLE_calls": [...] */
void site_json_calls(const struct alloc_site *site, const char *role);
/* The same as addresses: , "pcs": ["0x...", ...] */
void site_json_pcs(const struct alloc_site *site);
/* Return addresses, from the innermost outwards, in JSON: , "pcs": ["0x...", ...] */
void json_pcs(const uintptr_t *calls, unsigned depth);

/*
 * Count as mm_scan_count_sites does (kinds UINT32_MAX: all), with interrupts off: no
 * handler's allocation fails.
 */
void sites_count(unsigned kinds, uint32_t after);

/*
 * Count what is live and has a serial above `after`, then call fn for each site
 * that has any: most bytes first, the oldest first among equals, until fn
 * returns false.  False, and no call, if a walk is under way already: the counts
 * lie in the sites themselves, so there can be one at a time.
 */
bool sites_walk(uint32_t after,
                bool (*fn)(const struct alloc_site *site, void *arg), void *arg);

/* One of those with most live bytes; and of these what has a serial above `after`. */
struct top_site {
    const struct alloc_site *site;
    size_t bytes, newer_bytes;
    uint32_t objects;
};

/* The first of them, in the order of sites_walk; how many, at most `max`. */
unsigned sites_top(struct top_site *top, unsigned max, uint32_t after);

/* The same of those that are of one of these kinds (mm_scan_count_sites). */
bool sites_walk_kinds(unsigned kinds, uint32_t after,
                      bool (*fn)(const struct alloc_site *site, void *arg), void *arg);

/* `leaks mark` was given, after that serial number; and when that was last.  False: never. */
void sites_set_mark(uint32_t serial);
bool sites_mark(uint32_t *serial);

/* Is nothing recorded, so that nothing can be said by site?  Then that is said. */
bool sites_unknown(bool json);

/* Whoever walked was ended, and does not come back. */
void sites_end_walk(void);

#endif
