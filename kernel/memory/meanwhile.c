/*
 * meanwhile.c - what interrupt handlers took while another command ran.
 *
 *     drain start; lab          serials  7  8 | 9 10 11 | 12 13 | 14 15 16 | 17 ...
 *                                        lab    drain's    lab    drain's
 *                                               handler           handler
 *
 * If lab is ended, 9 to 11 and 14 to 16 are none of what it leaves: command numbers
 * (guard.h) tell that drain, which had set the handler up, began before it.
 *
 * A ring: the newest range is total - 1.  Ranges that follow upon each other are one, so
 * it is short unless lab allocates as well.  Only behind a command that was ended somebody
 * asks, so what was seen during others is forgotten.
 */
#include "kernel/memory/meanwhile.h"

enum { MAX_RANGES = 128 };

static struct range {
    uint32_t first, last;       /* serial numbers */
    uint32_t command;           /* whose handler */
} ranges[MAX_RANGES];
static uint32_t oldest, total, kept;
static uint32_t forgotten;      /* the last serial of a range that found no place */

void meanwhile_taken(uint32_t command, uint32_t first, uint32_t last)
{
    struct range *newest = &ranges[(total - 1) % MAX_RANGES];

    if (total > oldest && newest->command == command && newest->last + 1 == first) {
        newest->last = last;
        return;
    }
    if (total - oldest == MAX_RANGES)
        forgotten = ranges[oldest++ % MAX_RANGES].last;
    ranges[total++ % MAX_RANGES] = (struct range){ first, last, command };
}

bool meanwhile_is(uint32_t serial, uint32_t command)
{
    for (uint32_t i = oldest; i < total; i++) {
        const struct range *range = &ranges[i % MAX_RANGES];

        if (serial >= range->first && serial <= range->last)
            return range->command < command;
    }
    return false;
}

uint32_t meanwhile_forgotten(void)
{
    return forgotten;
}

void meanwhile_begin(void)
{
    total = kept > oldest ? kept : oldest;
}

void meanwhile_keep(void)
{
    kept = total;
}
