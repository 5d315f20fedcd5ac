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
 * The object stays live until then.  Its first eight bytes are the link (in units
 * of eight bytes from the heap's base) and the site that freed it; the first word
 * of an object is its owner's no more once he has called kfree.
 *
 * Cost: one compare on the fast path.  Putting off searches the short list of what
 * is put off already, so that a double free cannot tie it into a knot.
 */
#include "mm/slab_priv.h"

uint32_t mm_state;

struct put_off {
    uint32_t next;              /* (address - heap.base) / 8; of the last: itself */
    uint16_t site;
};

static uint32_t link_to(const void *addr)
{
    return (uint32_t)(((uintptr_t)addr - heap.base) >> 3);
}

static void *linked(uint32_t link)
{
    return (void *)(heap.base + ((uintptr_t)link << 3));
}

bool mm_is_put_off(const void *addr)
{
    const struct put_off *entry = heap.put_off_list;

    for (uint32_t i = 0; i < heap.put_off; i++) {
        if (entry == addr)
            return true;
        entry = linked(entry->next);
    }
    return false;
}

bool mm_put_off(struct alloc_site *site, void *addr)
{
    struct put_off *entry = addr;

    if (mm_is_put_off(addr))
        return false;
    entry->next = link_to(heap.put_off ? heap.put_off_list : addr);
    entry->site = site_number(site);
    heap.put_off_list = entry;
    heap.put_off++;
    mm_state |= MM_PUT_OFF;
    return true;
}

/* One at a time and from the front, so that an interrupt may add meanwhile. */
static void do_put_off(void)
{
    mm_state &= ~(uint32_t)MM_PUT_OFF;
    while (heap.put_off) {
        struct put_off *entry = heap.put_off_list;
        struct alloc_site *site = &__start_alloc_sites[entry->site - 1];

        heap.put_off_list = linked(entry->next);
        heap.put_off--;
        if (heap.buddy.page[pfn_of(entry)].kind == PG_SLAB)
            slab_free_put_off(site, entry);
        else
            pages_free_proved(site, (uint32_t)pfn_of(entry));
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
