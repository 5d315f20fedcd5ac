/*
 * heap.c - what of the heap is whose, as mm tells those who look on.
 *
 *     kmalloc(20)     | 00 00 04 fc |         only what was asked for, to the byte
 *     kfree           | fb fb fb fb |         nothing, until it is handed out again
 *
 * All that was never handed out is closed from the start: free pages, slots not used
 * yet, and what lies between and behind the slots (mm_gaps makes room there).  mm
 * itself is not compiled with checks: its heart is what touches free memory.
 */
#include "kernel/san/san.h"
#include "kernel/san/san_priv.h"

#include "mm/look/observe.h"

static void open(const struct mm_event *event)
{
    size_t bytes = event->is_pages || event->bytes > event->room ? event->room
                                                                  : event->bytes;

    shadow_set(event->p, bytes, event->room,
               event->cache != NULL ? SHADOW_SLAB_REDZONE : SHADOW_PAGE_REDZONE);
}

static void saw(const struct mm_event *event, void *arg)
{
    (void)arg;
    if (event->kind == MM_ALLOCATED || event->kind == MM_RESIZED)
        open(event);
    else if (event->kind == MM_FREEING)
        shadow_set(event->p, 0, event->room,
                   event->cache != NULL ? SHADOW_SLAB_FREE : SHADOW_PAGE_FREE);
}

void san_watch_heap(void)
{
    static struct mm_observer observer = { .saw = saw };

    if (shadow_has_heap())
        mm_observe(&observer);
}
