/*
 * irq.c - entering mm, and interrupts that come while it is entered.
 *
 * There is one CPU, and mm does not turn interrupts off.  Instead mm_state says
 * that it is busy, and whoever comes in between is served without touching
 * anything:
 *
 *     an allocation   fails (NULL, counted): GFP_ATOMIC may always fail
 *     a free          is proved by reading only, then put off: it waits (heap.c)
 *                     until mm is entered again
 *
 * What waits is live until then.  It is proved once more before it is freed: the
 * call that was interrupted may have freed the very same thing.
 *
 * mm_state is changed by single instructions (mm_state_set, mm_state_clear), as
 * compilers make them from -Og on; in a build without optimization handlers must not
 * free.
 *
 * Cost: one compare on the fast path.
 */
#include "mm/slab_priv.h"
#include "mm/watcher_priv.h"

bool mm_is_live_object(const struct mm_refusal *free)
{
    struct slot slot;

    if (find_object(free->addr, &slot))
        return is_live_slot(&slot) && (!free->cache || slot.cache == free->cache);
    return !free->cache && large_at(free->addr) != NO_PAGE;
}

/* Proved: a live object, large kmalloc, or block of pages starts at free->addr. */
static void free_proved(const struct mm_refusal *free, bool late)
{
    struct alloc_site *site = free->site;
    struct slot slot;

    if (unlikely(mm_watcher) && !(site = mm_watcher->freeing(free, late)))
        return;
    if (find_object(free->addr, &slot))
        slab_free(&slot, site);
    else
        pages_free_proved(site, (uint32_t)pfn_of(free->addr));
}

static void do_put_off(void)
{
    const struct mm_put_off *next;

    mm_state_clear(MM_PUT_OFF);
    while ((next = mm_next_put_off())) {
        if (next->is_right(&next->free))
            free_proved(&next->free, true);
        else
            mm_refuse(&next->free);
        mm_put_off_is_done();
    }
}

bool mm_enter(const struct alloc_site *site)
{
    if (mm_state & MM_BUSY)
        return false;
    mm_state_set(site ? (uintptr_t)site : MM_BUSY);
    do_put_off();
    return true;
}

/* Under a busy mm: prove, then put off.  False: refused, and `free` says why. */
static bool free_later(struct mm_refusal *free, mm_proof *is_right)
{
    if (mm_is_put_off(free->addr) || !is_right(free))
        return false;
    free->no_room = !mm_put_off(free, is_right);
    return !free->no_room;
}

void mm_free(struct mm_refusal *free, mm_proof *is_right)
{
    bool done;

    if (mm_enter(free->site)) {
        done = is_right(free);
        if (done)
            free_proved(free, false);
        mm_leave();
    } else {
        done = free_later(free, is_right);
    }
    if (!done)
        mm_refuse(free);
}
