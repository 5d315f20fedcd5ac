/*
 * heap.c - the state of the one kernel heap, and what waits for it.
 *
 * All of it is in struct heap and in mm_state: what mm is doing.  Frees that come
 * from an interrupt while mm is busy wait in a ring (irq.c says why):
 *
 *     waiting:  | done | done | waits | waits | free | ...
 *                              ^ got           ^ put     an interrupt adds here
 *
 * Rules, for any instruction at which an interrupt may come:
 *   - only interrupts write `put`, only the entered write `got`: nothing is lost;
 *   - an entry stays in the ring until it is free, so that it is not put off twice;
 *   - a full ring is no silent loss: what does not fit is refused and reported.
 *
 * Cost: putting off searches what waits, 64 at most.
 */
#include "mm/dials_priv.h"

enum { RING = 64 };             /* a power of two: put and got wrap */

struct heap heap;
uint32_t mm_state;

static struct mm_put_off waiting[RING];
static uint32_t put, got;

bool mm_is_put_off(const void *addr)
{
    for (uint32_t i = got; i != put; i++)
        if (waiting[i % RING].addr == addr)
            return true;
    return false;
}

bool mm_is_busy_and_full(void)
{
    return mm_state & MM_BUSY && put - got == RING;
}

bool mm_put_off(struct alloc_site *site, void *addr)
{
    if (put - got == RING)
        return false;
    waiting[put % RING] = (struct mm_put_off){ addr, site };
    mm_barrier();
    put++;
    mm_state |= MM_PUT_OFF;
    return true;
}

const struct mm_put_off *mm_next_put_off(void)
{
    return got == put ? NULL : &waiting[got % RING];
}

void mm_put_off_is_done(void)
{
    mm_barrier();
    got++;
    mm_barrier();
}

void heap_reset(void)
{
    memset(&heap, 0, sizeof(heap));
    mm_state &= MM_IRQ;
    quarantine_reset();
    put = 0;
    got = 0;
}

void pages_free_proved(struct alloc_site *site, uint32_t pfn)
{
    const struct page *page = &heap.buddy.page[pfn];
    uint32_t n = page->kind == PG_USED && page->run ? page->run : 1u << page->order;

    if (heap.record)
        heap.record[pfn].freed_by = site->number;
    if (page->kind == PG_LARGE)
        heap.large_frees++;
    else
        heap.pages_freed += n;
    if (watched())
        watch_pages_freed(pfn, n);
    if (page->kind == PG_USED && page->run)
        buddy_free_run(&heap.buddy, pfn);
    else
        buddy_free(&heap.buddy, pfn);
}
