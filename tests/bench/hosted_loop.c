/*
 * hosted_loop.c - the workloads of make bench-hosted around calls that do nothing.
 *
 * What is left of a workload's time without an allocator: the loop, the random numbers,
 * the table of what is live.
 */
#include <stddef.h>
#include <stdint.h>

static char place[65536];       /* of every object */

/* The compiler may not know what comes back, nor leave the call out. */
static inline void *take(size_t size)
{
    void *p = place;

    __asm__ volatile("" : "+r"(p) : "r"(size) : "memory");
    return p;
}

static inline void give(void *p)
{
    __asm__ volatile("" : : "r"(p) : "memory");
}

static inline void *take_object(void) { return take(100); }
static inline void give_object(void *p) { give(p); }
static inline void *take_block(unsigned order) { return take(order); }

static inline void give_block(void *block, unsigned order)
{
    (void)order;
    give(block);
}

static inline double heap_bytes(void) { return 0; }
static inline void close_heap(void) { }

static void open_heap(const char *who);

#include "tests/bench/hosted_work.h"

static void open_heap(const char *who)
{
    printf("{\"allocator\": \"%s\"}\n", who);
}
