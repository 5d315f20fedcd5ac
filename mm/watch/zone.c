/*
 * zone.c - bytes that must all be the same: filled, and looked at later.
 *
 * What was overwritten is reported once, with the first and last wrong byte, and then
 * restored; the call goes on, for nothing of mm's lies in there.
 *
 * Cost: linear in the bytes.
 */
#include "mm/watch/zone_priv.h"

#include "mm/hooks_priv.h"
#include "mm/watch/dials.h"

static unsigned char expected(const struct zone *zone, const unsigned char *at)
{
    return at + 1 == zone->end ? zone->last : zone->byte;
}

/* The first byte from `at` on that is not as it must be; zone->end: all are. */
static unsigned char *first_wrong(const struct zone *zone, unsigned char *at)
{
    const uint32_t word = zone->byte * 0x01010101u;

    for (; at < zone->end; at++) {
        while ((uintptr_t)at % sizeof(word) == 0 &&
               (size_t)(zone->end - at) > sizeof(word) &&
               *(const uint32_t *)(const void *)at == word)
            at += sizeof(word);
        if (*at != expected(zone, at))
            break;
    }
    return at;
}

const char *mm_poison_name(uintptr_t addr)
{
    static const struct {
        uint32_t word;
        const char *name;
    } fills[] = {
        { POISON_FREE * 0x01010101u, "an object that was freed (poison 0x6b)" },
        { (POISON_FREE * 0x010101u) | (uint32_t)POISON_END << 24,
          "the end of an object that was freed (poison 0x6b, 0xa5)" },
        { POISON_NEW * 0x01010101u, "a new object that nobody wrote to yet (0x5a)" },
        { PAGE_POISON * 0x01010101u, "a page that was freed (poison 0xaa)" },
        { RED_ACTIVE * 0x01010101u, "the red zone of a live object (0xcc)" },
        { RED_INACTIVE * 0x01010101u, "the red zone of a freed object (0xbb)" },
    };

    for (size_t i = 0; i < sizeof(fills) / sizeof(fills[0]); i++)
        if ((uint32_t)addr - fills[i].word + PAGE_SIZE < 2 * PAGE_SIZE)
            return fills[i].name;
    return NULL;
}

void zone_fill(const struct zone *zone)
{
    if (zone->start < zone->end) {
        memset(zone->start, zone->byte, (size_t)(zone->end - zone->start));
        zone->end[-1] = zone->last;
    }
}

uint32_t zone_look(const struct look *look, const struct zone *zone)
{
    unsigned char *first = first_wrong(zone, zone->start);
    struct mm_report report = { .bug = zone->bug, .call = look->call,
                                .caller = look->site, .problem = look->then };

    if (first == zone->end)
        return 0;
    report.damage.first = (uintptr_t)first;
    report.damage.found = *first;
    report.damage.expected = expected(zone, first);
    report.damage.start = (uintptr_t)zone->start;
    report.damage.end = (uintptr_t)zone->end;
    for (unsigned char *at = first; at < zone->end; at++)
        if (*at != expected(zone, at))
            report.damage.last = (uintptr_t)at;
    mm_looker->report(&report, look->object);
    zone_fill(zone);
    return 1;
}
