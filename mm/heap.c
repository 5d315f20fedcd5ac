/*
 * heap.c - the state of the one kernel heap: all of it is in struct heap, in the tables
 * of caches and call sites, and in mm_state, which says what mm is doing.
 */
#include "mm/heap_priv.h"

#include "mm/hooks_priv.h"

enum { KEPT_PAGES = 32 };       /* single pages that are kept unjoined: buddy.c */

struct heap heap;
bool mm_records = true;
bool mm_gaps;
uintptr_t mm_state, mm_interrupted;
const struct watcher *mm_watcher;
const struct looker *mm_looker;
struct mm_observer *mm_observers;
void (*mm_scan_dropped)(void);

void heap_reset(void)
{
    memset(&heap, 0, sizeof(heap));
    mm_state &= MM_IRQ;
    mm_watcher = NULL;
}

/* What the bit says of hooks and serial numbers, and which pages are kept, agree here. */
void mm_hooks_changed(void)
{
    if (heap.watches_all || mm_observers || heap.serial >= FEW_SERIALS) {
        mm_state_set(MM_LONG_WAY);
        heap.buddy.keep = 0;            /* nothing is quick now, so let it be plain */
        buddy_join_kept(&heap.buddy);
    } else {
        mm_state_clear(MM_LONG_WAY);
        heap.buddy.keep = KEPT_PAGES;
    }
}

void serials_run_out(void)
{
    if (heap.buddy.keep)
        mm_hooks_changed();
    if (heap.serial < UINT32_MAX || heap.serials_told)
        return;
    heap.serials_told = true;
    mm_report(&(struct mm_report){ .bug = MM_NO_MORE_SERIALS, .call = "mm" });
}

void mm_watch_with(const struct watcher *watcher, bool all)
{
    mm_watcher = watcher;
    heap.watches_all = all;
    mm_hooks_changed();
}
