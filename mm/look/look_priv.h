/*
 * look_priv.h - what the files of this wing know of each other.
 */
#ifndef MM_LOOK_LOOK_PRIV_H
#define MM_LOOK_LOOK_PRIV_H

#include "mm/hooks_priv.h"
#include "mm/look/observe.h"

/* ---- the rules, proved floor by floor: check.c puts them together ------------------ */

/*
 * NULL, or the rule that is broken; *pfn is the first page of the block whose page
 * structs break it, or NO_PAGE if it is a list or a counter.
 */
const char *buddy_check(const struct buddy *b, uint32_t *pfn);

/* The same of all caches and slabs; *where is set if it is known. */
const char *slab_check(const void **where);

/* slab_fault.c: can the record be that of anything?  NULL, or M3 or M4. */
const char *record_fault(const struct record *record);
/* The same of a slab's page structs and map: NULL, or S1 or S2. */
const char *slab_shape_fault(struct page *slab);

/* ---- former lives: former.c --------------------------------------------------------- */

void former_reset(void);
/*
 * The record of what started at this very address and was freed, if it is later than what
 * that one tells (NULL: nothing); else that one.
 */
const struct record *former_at(const void *addr, const struct record *found);
/*
 * Of all that had this byte and was freed, objects in slabs that are no more, start to end
 * of their slots, and blocks of pages: the record of the last one, and where it started.
 * NULL: none is known.
 */
const struct record *former_life(const void *addr, uintptr_t *start);

/* ---- for struct looker (hooks_priv.h says what they do): look.c -------------------- */

/* explain.c */
void explain_report(struct mm_report *report, const void *addr);
void explain_refusal(const struct mm_free_request *free, struct mm_report *report);
/* slab_fault.c */
const char *slab_fault(struct page *slab, const void **where);
bool slab_is_fit(struct page *slab);
void slab_mend(struct kmem_cache *cache);
/* former.c */
void former_slab_begins(const struct kmem_cache *cache, struct page *slab);
void former_slab_ends(const struct kmem_cache *cache, struct page *slab);
void former_guarded_ends(uint32_t pfn, uint32_t offset);
/* observe.c; for mm_recover: whoever was told something never came back */
/* Nobody is told any more.  Who was is taken out: its function, or NULL. */
mm_saw *observe_recover(void);
void observe_allocated(const struct mm_request *request, const void *p);
void observe_freeing(const struct mm_free_request *free);
void observe_resized(const struct mm_request *request, const void *p);
void observe_failed(const struct mm_request *request);

#endif
