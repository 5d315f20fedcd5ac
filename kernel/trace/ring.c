/*
 * ring.c - the newest events, in a ring that nobody need empty.
 *
 *     mm --observer--> saw() --filter--> ring[written % ROOM] --> text.c
 *
 * It looks on (mm/look/observe.h) and changes nothing: the dials, and who fails allocations,
 * decide by another hook, and what they decided is what is seen here.  While it looks each
 * call goes the long way round; while it does not, nobody knows of it.
 *
 * A full ring overwrites its oldest event.  Events have numbers, so who reads notices, and
 * how many are gone is written minus kept.  It is read event by event, with interrupts off
 * for each: a handler may go on writing meanwhile.
 *
 * A free that waited (mm was busy in an interrupt) is seen when it is done: its site is that
 * of the call which asked for it, its calls are those of the one that does it.
 */
#include "kernel/trace/ring.h"

#include "kernel/backtrace.h"
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/guard.h"
#include "kernel/cpu/timer.h"
#include "kernel/memory/sites.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/look/observe.h"

enum { ROOM = 1024 };

static struct trace_event ring[ROOM];
static uint32_t written;        /* since boot: tests/export counts on it, */
static uint32_t forgotten;      /*   and so many of them when the ring was cleared */
static unsigned kinds;

bool (*trace_ring_filter)(const struct trace_event *event);

/* ---- kinds ----------------------------------------------------------------------- */

static const char *const names[TRACE_KINDS] = {
    [TRACE_KMALLOC] = "kmalloc", [TRACE_KFREE] = "kfree",
    [TRACE_CACHE_ALLOC] = "kmem_cache_alloc", [TRACE_CACHE_FREE] = "kmem_cache_free",
    [TRACE_PAGE_ALLOC] = "mm_page_alloc", [TRACE_PAGE_FREE] = "mm_page_free",
    [TRACE_KREALLOC] = "krealloc", [TRACE_ALLOC_FAILED] = "mm_alloc_failed",
};

const char *trace_kind_name(enum trace_kind kind)
{
    return names[kind];
}

enum trace_kind trace_kind_of(const char *name, size_t length)
{
    unsigned kind = 0;

    while (kind < TRACE_KINDS &&
           (strlen(names[kind]) != length || strncmp(names[kind], name, length) != 0))
        kind++;
    return kind;
}

static enum trace_kind kind_of(const struct mm_event *event)
{
    bool by_cache = call_is_of_cache(event->call);

    switch (event->kind) {
    case MM_ALLOCATED:
        return event->is_pages ? TRACE_PAGE_ALLOC : by_cache ? TRACE_CACHE_ALLOC
                                                             : TRACE_KMALLOC;
    case MM_FREEING:
        return event->is_pages ? TRACE_PAGE_FREE : by_cache ? TRACE_CACHE_FREE : TRACE_KFREE;
    case MM_RESIZED:
        return TRACE_KREALLOC;
    default:
        return TRACE_ALLOC_FAILED;
    }
}

unsigned trace_order(const struct trace_event *event)
{
    size_t bytes = event->ptr != 0 ? event->bytes_alloc : event->bytes_req;
    unsigned order = 0;

    while (PAGE_SIZE << order < bytes)
        order++;
    return order;
}

/* ---- writing --------------------------------------------------------------------- */

static void fill(struct trace_event *to, const struct mm_event *event)
{
    *to = (struct trace_event){
        .kind = kind_of(event), .ticks = timer_ticks(),
        .task = shell_running != NULL ? shell_running->name : "shell",
        .command = guard_command(), .in_interrupt = mm_state & MM_IRQ,
        .irqs_off = !(cpu_flags() & EFLAGS_IF), .site = event->site,
        .ptr = (uintptr_t)event->p, .serial = event->serial, .bytes_req = event->bytes,
        .bytes_alloc = event->room, .gfp = event->gfp };
    if (event->cache != NULL)
        strlcpy(to->cache, event->cache, sizeof(to->cache));
    backtrace_to_mm(to->calls, TRACE_CALLS);
}

static void saw(const struct mm_event *event, void *unused)
{
    struct trace_event new;
    uint32_t flags;

    (void)unused;
    if (!(kinds >> kind_of(event) & 1))
        return;
    fill(&new, event);
    if (trace_ring_filter != NULL && !trace_ring_filter(&new))
        return;
    flags = irq_save();
    ring[written % ROOM] = new;
    cpu_barrier();                      /* whole, before it counts */
    written++;
    irq_restore(flags);
}

static struct mm_observer observer = { .saw = saw };

bool trace_ring_set(unsigned wanted)
{
    if (wanted != 0 ? !mm_observe(&observer) : kinds != 0 && !mm_unobserve(&observer))
        return false;
    kinds = wanted;
    return true;
}

unsigned trace_ring_kinds(void)
{
    return kinds;
}

/* ---- reading --------------------------------------------------------------------- */

void trace_ring_clear(void)
{
    forgotten = written;
}

bool trace_ring_next(uint32_t *number, struct trace_event *event)
{
    uint32_t flags = irq_save(), end = trace_ring_written();
    bool is_there;

    if (end > ROOM && *number < end - ROOM)
        *number = end - ROOM;
    is_there = *number < end;
    if (is_there)
        *event = ring[(forgotten + *number) % ROOM];
    irq_restore(flags);
    return is_there;
}

uint32_t trace_ring_written(void)
{
    return written - forgotten;
}

uint32_t trace_ring_room(void)
{
    return ROOM;
}
