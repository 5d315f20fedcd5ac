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
#include "mm/heap_priv.h"
#include "mm/watch/stack_priv.h"
#include "mm/watcher_priv.h"

enum { RING = 64 };             /* a power of two: put and got wrap */
enum { KEPT_PAGES = 32 };       /* single pages that wait unjoined: buddy.c */

struct heap heap;
bool mm_records = true;
uintptr_t mm_state;
const struct watcher *mm_watcher;

static struct mm_put_off waiting[RING];
static uint32_t put, got;

bool mm_is_put_off(const void *addr)
{
    for (uint32_t i = got; i != put; i++)
        if (waiting[i % RING].free.addr == addr)
            return true;
    return false;
}

bool mm_is_busy_and_full(void)
{
    return mm_state & MM_BUSY && put - got == RING;
}

bool mm_put_off(const struct mm_refusal *free, mm_proof *is_right)
{
    if (put - got == RING)
        return false;
    waiting[put % RING] = (struct mm_put_off){ *free, is_right };
    mm_barrier();
    put++;
    mm_state_set(MM_PUT_OFF);
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
    mm_watcher = NULL;
    put = 0;
    got = 0;
}

/* The one place where either is changed: they never disagree. */
void mm_watch_with(const struct watcher *watcher)
{
    mm_watcher = watcher;
    if (watcher) {
        mm_state_set(MM_DIALS);
        heap.buddy.keep = 0;            /* nothing is quick now, so let it be plain */
        buddy_join_kept(&heap.buddy);
    } else {
        mm_state_clear(MM_DIALS);
        heap.buddy.keep = KEPT_PAGES;
    }
}

/* ---- what a record may say ---------------------------------------------- */

/* M3; serial numbers may have wrapped. */
static bool is_newer(uint32_t serial)
{
    return (int32_t)(serial - heap.serial) > 0;
}

const char *record_fault(const struct record *record)
{
    if (is_newer(record->serial))
        return "M3: a serial number is newer than the newest";
    if ((record->site && !site_of(record->site)) ||
        (record->freed_by && !site_of(record->freed_by)))
        return "M4: a record names a call site that does not exist";
    return NULL;
}

/* ---- pages -------------------------------------------------------------- */

void pages_free_proved(struct alloc_site *site, uint32_t pfn)
{
    const struct page *page = &heap.buddy.page[pfn];
    uint32_t n = used_pages(page);

    if (heap.record)
        heap.record[pfn].freed_by = site->number;
    if (page->kind == PG_LARGE)
        heap.large_frees++;
    else
        heap.pages_freed += n;
    if (unlikely(mm_watcher))
        mm_watcher->pages_freed(pfn, n);
    if (page->kind == PG_USED && page->run)
        buddy_free_run(&heap.buddy, pfn);
    else
        buddy_free(&heap.buddy, pfn);
}
