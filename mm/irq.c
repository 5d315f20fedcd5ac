/*
 * irq.c - interrupts: when a call comes while another one is under way.
 *
 * There is one CPU, and mm does not turn interrupts off.  Instead mm_state says
 * that it is busy, and whoever comes in between is served without touching
 * anything:
 *
 *     an allocation   fails (NULL, counted): GFP_ATOMIC may always fail
 *     a free          is proved by reading only, then put off: noted in a ring,
 *                     and done when mm is entered again
 *
 *     put_off:  | done | done | waits | waits | free | ...
 *                              ^ got           ^ put     an interrupt adds here
 *
 * What waits is live until then.  It is proved once more before it is freed: the
 * call that was interrupted may have freed the very same thing.
 *
 * Rules, for any instruction at which an interrupt may come:
 *   - only interrupts write `put`, only the entered write `got`: nothing is lost;
 *   - an entry stays in the ring until it is free, so that it is not put off twice;
 *   - a full ring is no silent loss: the free is refused and reported.
 *
 * mm_state is changed by single instructions, as compilers make them from -Og on;
 * in a build without optimization handlers must not free.
 *
 * Cost: one compare on the fast path.  Putting off searches what is put off.
 */
#include "mm/slab_priv.h"

enum { PUT_OFF_MAX = 64 };      /* a power of two: put and got wrap */

uint32_t mm_state;

static struct put_off {
    void *addr;
    struct alloc_site *site;
} put_off[PUT_OFF_MAX];
static uint32_t put, got;

bool mm_is_put_off(const void *addr)
{
    for (uint32_t i = got; i != put; i++)
        if (put_off[i % PUT_OFF_MAX].addr == addr)
            return true;
    return false;
}

static bool add(struct alloc_site *site, void *addr)
{
    if (mm_is_put_off(addr) || put - got == PUT_OFF_MAX)
        return false;
    put_off[put % PUT_OFF_MAX] = (struct put_off){ addr, site };
    mm_barrier();
    put++;
    mm_state |= MM_PUT_OFF;
    return true;
}

/* Proved: a live object, large kmalloc, or block of pages starts at addr. */
static void free_proved(struct alloc_site *site, const void *addr)
{
    struct slot slot;

    if (find_slot(addr, &slot))
        give_back_slot(&slot, site);
    else
        pages_free_proved(site, (uint32_t)pfn_of(addr));
}

static bool is_anything_live(const void *addr)
{
    uintptr_t pfn = pfn_of(addr);

    if (mm_is_live_object(addr, NULL))
        return true;
    return pfn < heap.buddy.npages && ((uintptr_t)addr & (PAGE_SIZE - 1)) == 0 &&
           heap.buddy.page[pfn].kind == PG_USED;
}

static void do_put_off(void)
{
    mm_state &= ~(uint32_t)MM_PUT_OFF;
    for (; got != put; got++) {
        const struct put_off *entry = &put_off[got % PUT_OFF_MAX];

        if (is_anything_live(entry->addr))
            free_proved(entry->site, entry->addr);
        else
            mm_refuse(&(struct mm_refusal){ .call = "kfree", .site = entry->site,
                                            .addr = entry->addr, .is_free = true });
        mm_barrier();
    }
}

void mm_forget_put_off(void)
{
    put = 0;
    got = 0;
}

bool mm_enter(void)
{
    if (mm_state & MM_BUSY)
        return false;
    mm_state |= MM_BUSY;
    mm_barrier();
    do_put_off();
    return true;
}

bool mm_free_if(bool (*is_right)(const void *addr, const void *arg), const void *arg,
                struct alloc_site *site, void *addr)
{
    bool entered = mm_enter();
    bool done = is_right(addr, arg);

    if (done && entered)
        free_proved(site, addr);
    else if (done)
        done = add(site, addr);
    if (entered)
        mm_leave();
    return done;
}
