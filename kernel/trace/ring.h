/*
 * ring.h - what mm did, event by event: the newest of them.  See ring.c.
 */
#ifndef KERNEL_TRACE_RING_H
#define KERNEL_TRACE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mm/gfp.h"

/* Named as Linux's events of group kmem; the last two are ours. */
enum trace_kind {
    TRACE_KMALLOC, TRACE_KFREE, TRACE_CACHE_ALLOC, TRACE_CACHE_FREE, TRACE_PAGE_ALLOC,
    TRACE_PAGE_FREE, TRACE_KREALLOC, TRACE_ALLOC_FAILED,
    TRACE_KINDS,
};

enum { TRACE_CALLS = 5, TRACE_ALL = (1 << TRACE_KINDS) - 1, TRACE_NAME_SIZE = 20 };

struct trace_event {
    enum trace_kind kind;
    uint32_t ticks;             /* since boot */
    const char *task;           /* the command that runs, or is interrupted; "shell": none */
    uint32_t command;           /* its number */
    bool in_interrupt, irqs_off;
    const struct alloc_site *site;      /* NULL: not known */
    uintptr_t ptr;              /* 0: it failed */
    uint32_t serial;            /* 0: not known */
    size_t bytes_req, bytes_alloc;
    gfp_t gfp;
    char cache[TRACE_NAME_SIZE];        /* its name then, cut; "": whole pages */
    uintptr_t calls[TRACE_CALLS];       /* return addresses, from who called mm outwards */
};

/* "kmalloc"; and the kind of that name, or TRACE_KINDS. */
const char *trace_kind_name(enum trace_kind kind);
enum trace_kind trace_kind_of(const char *name, size_t length);

/* Of its pages, or of those that it was asked for and failed. */
unsigned trace_order(const struct trace_event *event);

/* Put events of these kinds (bits) into the ring from now on; 0: none.  False: not now. */
bool trace_ring_set(unsigned kinds);
unsigned trace_ring_kinds(void);

/* Only those that the filter means: called in interrupts, too.  NULL: all. */
extern bool (*trace_ring_filter)(const struct trace_event *event);

/* Forget all. */
void trace_ring_clear(void);

/*
 * The oldest that has this number or a later one, by which it is told then: events are
 * numbered from 0.  False: there is none.
 */
bool trace_ring_next(uint32_t *number, struct trace_event *event);
/* How many were put in since it was cleared; and that is how many of them it can keep. */
uint32_t trace_ring_written(void);
uint32_t trace_ring_room(void);

#endif
