/*
 * observe.c - telling those who look on.
 *
 * What an event says is read from the object itself (object.c), so whoever tells it needs
 * to know little.  mm is busy while observers run: what they allocate all the same fails,
 * and of that they are not told again.
 *
 * Cost: none while there is no observer.
 */
#include "mm/look/observe.h"

#include "mm/enter_priv.h"
#include "mm/look/look_priv.h"
#include "mm/object_priv.h"

/* Are they told now: at rest, and in an interrupt that came meanwhile? */
static bool telling[2];
static struct mm_observer *told[2];     /* who runs now, there */

static struct mm_observer **link_to(const struct mm_observer *observer)
{
    struct mm_observer **link = &mm_observers;

    while (*link && *link != observer)
        link = &(*link)->next;
    return link;
}

struct mm_observer *mm_newest_observer(void)
{
    return mm_observers;
}

bool mm_observe(struct mm_observer *observer)
{
    if (mm_state & MM_IRQ || !mm_enter(NULL))   /* mm_state changes hands: enter.c */
        return false;
    if (!*link_to(observer)) {
        observer->next = mm_observers;
        mm_observers = observer;
    }
    mm_hooks_changed();
    mm_leave();
    return true;
}

bool mm_unobserve(struct mm_observer *observer)
{
    bool is_told = telling[0] && !(mm_state & MM_IRQ);
    struct mm_observer **link;

    if (mm_state & MM_IRQ || (!is_told && !mm_enter(NULL)))
        return false;
    link = link_to(observer);
    if (*link)
        *link = observer->next;
    if (!is_told) {
        mm_hooks_changed();
        mm_leave();
    }
    return true;
}

mm_saw *observe_recover(void)
{
    struct mm_observer *one = told[1] ? told[1] : told[0];
    struct mm_observer **link = link_to(one);

    if (one && *link)
        *link = one->next;
    telling[0] = telling[1] = false;
    told[0] = told[1] = NULL;
    return one ? one->saw : NULL;
}

static void describe(struct mm_event *event)
{
    struct object object = object_at(event->p);

    if (event->kind == MM_FAILED)
        return;
    event->room = object.room;
    event->is_pages = object.kind == MM_USED_PAGES;
    if (object.kind == MM_SLAB_LIVE || object.kind == MM_GUARDED)
        event->cache = object.slot.cache->name;
    if (!object.record)
        return;
    event->serial = object.record->serial;
    if (event->kind == MM_FREEING)
        event->bytes = record_size(object.record);
}

static void call_observers(const struct mm_event *event)
{
    struct mm_observer **here = &told[(mm_state & MM_IRQ) != 0], *next;
    bool was_outside = mm_go_outside();

    for (struct mm_observer *one = mm_observers; one; one = next) {
        next = one->next;               /* it may take itself out */
        *here = one;
        one->saw(event, one->arg);
    }
    *here = NULL;
    mm_come_back(was_outside);
}

static void tell(struct mm_event event)
{
    bool *here = &telling[(mm_state & MM_IRQ) != 0];
    bool was_idle = !(mm_state & MM_BUSY);

    if (*here)
        return;
    *here = true;
    if (was_idle)
        mm_state_set(MM_BUSY | MM_READING);
    describe(&event);
    call_observers(&event);
    *here = false;
    if (!mm_observers && !(mm_state & MM_IRQ))
        mm_hooks_changed();             /* the last one took itself out */
    if (was_idle)
        mm_leave();
}

static struct mm_event event_of(enum mm_event_kind kind,
                                const struct mm_request *request, const void *p)
{
    return (struct mm_event){ .kind = kind, .call = request->call,
                              .site = request->site, .p = p,
                              .bytes = request->bytes, .gfp = request->gfp };
}

void observe_allocated(const struct mm_request *request, const void *p)
{
    tell(event_of(MM_ALLOCATED, request, p));
}

void observe_resized(const struct mm_request *request, const void *p)
{
    tell(event_of(MM_RESIZED, request, p));
}

void observe_failed(const struct mm_request *request)
{
    tell(event_of(MM_FAILED, request, NULL));
}

void observe_freeing(const struct mm_free_request *free)
{
    tell((struct mm_event){ .kind = MM_FREEING, .call = free->call, .site = free->site,
                            .p = free->addr });
}
