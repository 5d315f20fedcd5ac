/*
 * enter_priv.h - entering mm, leaving it, and what comes while it is entered: enter.c.
 *
 * How a call runs: it enters (mm_state says busy), proves its arguments, changes the
 * structures, leaves; reports are made after leaving, when all is whole.
 */
#ifndef MM_ENTER_PRIV_H
#define MM_ENTER_PRIV_H

#include "mm/refuse_priv.h"

/*
 * Enter from anywhere but the short ways, for the call at `site`, or NULL: for no call.
 * False: mm is busy under us.  Frees that were put off are done now.
 */
bool mm_enter(const struct alloc_site *site);

static inline void mm_leave(void) { mm_state_clear(MM_BUSY | MM_READING | MM_CALLED_OUT); }

/*
 * The short way in, only if nothing at all is going on.  The site is never NULL, which
 * would say idle.  (More than 1 is as good as not 0, for no flag that is there when mm is
 * idle is 1; but 0 would be compared in a register.)
 */
static inline bool mm_enter_at_once(const struct alloc_site *site)
{
    if (unlikely(mm_state > 1))
        return false;
    mm_state = (uintptr_t)site;
    mm_barrier();
    return true;
}

/* Whose call entered at once: the short ways have no register to keep it in. */
static inline struct alloc_site *mm_caller(void)
{
    return (struct alloc_site *)(mm_state & MM_BUSY);
}

/*
 * Around a call of what is not mm's code, while mm is entered.  They nest: an observer
 * may be told of what an interrupt does in a constructor.
 */
static inline bool mm_go_outside(void)
{
    bool was_outside = mm_state & MM_CALLED_OUT;

    mm_state_set(MM_CALLED_OUT);
    return was_outside;
}

static inline void mm_come_back(bool was_outside)
{
    if (!was_outside)
        mm_state_clear(MM_CALLED_OUT);
}

/* ---- frees that are put off while mm is busy ----------------------------------- */

bool mm_is_put_off(const void *addr);
/* Would a free be refused now, for want of room to put it off? */
bool mm_is_busy_and_full(void);
/* False: there is no room. */
bool mm_put_off(const struct mm_free_request *free);
/* The first that is put off, or NULL; it stays in the ring until it is done. */
const struct mm_free_request *mm_next_put_off(void);
void mm_put_off_is_done(void);
/* Nothing is put off. */
void mm_forget_put_off(void);

#endif
