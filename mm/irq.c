/*
 * irq.c - interrupts: when a call comes while another one is under way.
 *
 * There is one CPU, and mm does not turn interrupts off.  Instead mm_state says
 * that it is busy, and whoever comes in between is served without touching
 * anything:
 *
 *     an allocation   fails (NULL, counted): GFP_ATOMIC may always fail
 *     a free          is proved by reading only, then put off: the object itself
 *                     holds the link to the next one, until mm is entered again
 *
 *     heap.put_off -> object -> object     what interrupts add to, at the front
 *     heap.taken   -> object -> object     what is being freed now, from the front
 *
 * The object stays live until then.  Its first eight bytes are the link (in units
 * of eight bytes from the heap's base, plus 1; 0 ends the list) and the number of
 * the site that freed it; they are its owner's no more once he has called kfree.
 *
 * Rules, for any instruction at which an interrupt may come:
 *   - heap.put_off is taken as a whole, by one exchange, so nothing that is added
 *     meanwhile is lost;
 *   - what is put off is found on one of the two lists, or is heap.freeing, until
 *     it is free: a double free cannot tie the lists into a knot.
 *
 * Cost: one compare on the fast path.  Putting off searches what is put off.
 */
#include "mm/slab_priv.h"

uint32_t mm_state;

struct put_off {
    uint32_t next;
    uint16_t site;
};

static uint32_t link_to(const void *addr)
{
    return (uint32_t)(((uintptr_t)addr - heap.base) >> 3) + 1;
}

static struct put_off *linked(uint32_t link)
{
    return (struct put_off *)(heap.base + ((uintptr_t)(link - 1) << 3));
}

static bool is_on(uint32_t list, const void *addr)
{
    for (; list; list = linked(list)->next)
        if (linked(list) == addr)
            return true;
    return false;
}

bool mm_is_put_off(const void *addr)
{
    return (addr && addr == heap.freeing) || is_on(heap.put_off, addr) ||
           is_on(heap.taken, addr);
}

bool mm_put_off(struct alloc_site *site, void *addr)
{
    struct put_off *entry = addr;

    if (mm_is_put_off(addr))
        return false;
    entry->next = heap.put_off;
    entry->site = site_number(site);
    heap.put_off = link_to(addr);
    mm_state |= MM_PUT_OFF;
    return true;
}

/* The first of the taken ones.  It is `freeing` before it leaves the list. */
static void free_first(void)
{
    struct put_off *entry = linked(heap.taken);
    struct alloc_site *site = &__start_alloc_sites[entry->site - 1];

    heap.freeing = entry;
    mm_barrier();
    heap.taken = entry->next;
    mm_barrier();
    if (heap.buddy.page[pfn_of(entry)].kind == PG_SLAB)
        slab_free_put_off(site, entry);
    else
        pages_free_proved(site, (uint32_t)pfn_of(entry));
    mm_barrier();
    heap.freeing = NULL;
}

/* Take the whole list; until that is done, it is both. */
static void take_put_off(void)
{
    uint32_t list;

    do {
        list = heap.put_off;
        heap.taken = list;
    } while (!__atomic_compare_exchange_n(&heap.put_off, &list, 0, false,
                                          __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
}

static void do_put_off(void)
{
    mm_state &= ~(uint32_t)MM_PUT_OFF;
    while (heap.put_off) {
        take_put_off();
        while (heap.taken)
            free_first();
    }
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
