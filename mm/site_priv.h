/*
 * site_priv.h - call sites, as mm's own files see them: site.c.
 */
#ifndef MM_SITE_PRIV_H
#define MM_SITE_PRIV_H

#include "mm/site.h"

/* Of the linker section. */
extern struct alloc_site __start_alloc_sites[], __stop_alloc_sites[];

/* NULL: 0, or the number of none. */
const struct alloc_site *site_of(uint16_t number);

/* Number the call sites. */
void sites_init(void);
#endif
