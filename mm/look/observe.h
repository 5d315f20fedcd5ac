/*
 * observe.h - look on while mm works: one's own debug code.
 *
 *     static void saw(const struct mm_event *event, void *arg)
 *     {
 *         if (event->kind == MM_ALLOCATED && event->bytes > 1000)
 *             kprintf("%s:%u takes %zu bytes\n", event->site->file, ...);
 *     }
 *     static struct mm_observer mine = { .saw = saw };
 *
 *     mm_observe(&mine);          from now on
 *     mm_unobserve(&mine);        no more
 *
 * An observer is called for each allocation, free, change of size and failure, by
 * whomever; of calls that are made of others it sees those (krealloc to another place is
 * a kmalloc and a kfree).  mm is busy meanwhile: an observer may ask mm_what_is and print,
 * and must not allocate or free.  As long as there is one, every call goes the long way
 * round.
 */
#ifndef MM_LOOK_OBSERVE_H
#define MM_LOOK_OBSERVE_H

#include "mm/gfp.h"

enum mm_event_kind {
    MM_ALLOCATED,               /* it is the caller's from now on */
    MM_FREEING,                 /* proved, and still as it was: freed next */
    MM_RESIZED,                 /* krealloc, in place */
    MM_FAILED,                  /* an allocation gives NULL */
};

struct mm_event {
    enum mm_event_kind kind;
    const char *call;           /* the function called: "kmalloc" */
    const struct alloc_site *site;      /* who called it; NULL: not known */
    const void *p;              /* NULL: MM_FAILED */
    size_t bytes;               /* asked for; MM_FREEING: when it was taken, or 0 */
    size_t room;                /* bytes taken for it; 0: MM_FAILED */
    gfp_t gfp;                  /* 0: MM_FREEING */
    uint32_t serial;            /* of the object or pages; 0: not known */
    const char *cache;          /* its cache; NULL: whole pages */
    bool is_pages;              /* of the page API, not of kmalloc */
};

typedef void mm_saw(const struct mm_event *event, void *arg);

struct mm_observer {
    mm_saw *saw;
    void *arg;
    struct mm_observer *next;   /* mm's while it is hung in */
};

/*
 * The observer stays the caller's, and must live until it is taken out again.  One that is
 * told something may take itself out.  False: not in an interrupt, nor while mm is busy.
 */
bool mm_observe(struct mm_observer *observer);
bool mm_unobserve(struct mm_observer *observer);

/* The one that was hung in last; behind it the others, by `next`.  NULL: nobody looks on. */
struct mm_observer *mm_newest_observer(void);

#endif
