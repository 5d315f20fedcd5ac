/*
 * stats.h - the heap in numbers, with interrupts off: all of it is walked, and a handler that
 * allocates meanwhile would find mm busy, and get NULL.
 */
#ifndef KERNEL_MEMORY_STATS_H
#define KERNEL_MEMORY_STATS_H

#include "kernel/cpu/cpu.h"
#include "mm/mm.h"

static inline void stats_get(struct mm_stats *stats)
{
    uint32_t flags = irq_save();

    mm_get_stats(stats);
    irq_restore(flags);
}

#endif
