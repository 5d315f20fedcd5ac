/*
 * enter.c - entering mm, and who comes while it is entered.
 *
 * There is one CPU, and mm does not turn interrupts off.  Instead mm_state says
 * that it is busy, and whoever comes in between is served without touching
 * anything:
 *
 *     an allocation   fails (NULL, counted): GFP_ATOMIC may always fail
 *     a free          is proved by reading only, then put off: it stays in a ring
 *                     until mm is entered again
 *
 *     put_off:  | done | done | to do | to do | free | ...
 *                              ^ got           ^ put     an interrupt adds here
 *
 * What is put off is live until then.  It is proved once more before it is freed: the
 * call that was interrupted may have freed the very same thing.
 *
 * Rules, for any instruction at which an interrupt may come:
 *   - whoever comes while mm is busy writes `put`, only the entered write `got`;
 *   - an entry stays in the ring until it is free, so that it is not put off twice;
 *   - a full ring is no silent loss: what does not fit is refused and reported.
 *
 * mm_state is changed by single instructions (mm_state_set, mm_state_clear), as
 * compilers make them from -Og on; in a build without optimization handlers must not
 * free.
 *
 * Cost: one compare on the short ways; putting off searches the ring, 64 at most.
 */
#include "mm/enter_priv.h"

enum { RING = 64 };             /* a power of two: put and got wrap */

static struct mm_free_request put_off[RING];
static uint32_t put, got;

/* ---- the ring ---------------------------------------------------------------- */

bool mm_is_put_off(const void *addr)
{
    for (uint32_t i = got; i != put; i++)
        if (put_off[i % RING].addr == addr)
            return true;
    return false;
}

bool mm_is_busy_and_full(void)
{
    return mm_state & MM_BUSY && put - got == RING;
}

/* The place is taken before it is filled: another may come in between. */
bool mm_put_off(const struct mm_free_request *free)
{
    uint32_t at = put;

    do
        if (at - got == RING)
            return false;
    while (!__atomic_compare_exchange_n(&put, &at, at + 1, false, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED));
    put_off[at % RING] = *free;
    mm_state_set(MM_PUT_OFF);
    return true;
}

const struct mm_free_request *mm_next_put_off(void)
{
    return got == put ? NULL : &put_off[got % RING];
}

void mm_put_off_is_done(void)
{
    mm_barrier();
    got++;
    mm_barrier();
}

void mm_forget_put_off(void)
{
    put = 0;
    got = 0;
}

/* ---- entering ---------------------------------------------------------------- */

bool mm_enter(const struct alloc_site *site)
{
    if (mm_state & MM_BUSY)
        return false;
    mm_state_set(site ? (uintptr_t)site : MM_BUSY);
    mm_state_clear(MM_PUT_OFF);
    if (got != put)
        heap.do_put_off();
    return true;
}
