/*
 * said.c - what a program has said of its objects (kmemleak.h), and what was cleared.
 *
 *     table, by address:   start   serial   what was said     area
 *                          0x1000  3        not a leak
 *                          0x2040  7        an area           8 to 16
 *                          0x2040  7        an area           40 to 48
 *
 * A scan begins with what is no leak, whoever holds it, as if it were a root; and asks
 * here before it looks into a thing, but only if of some thing there is something to say.
 * What was reported and then cleared (mm_scan_clear) has a bit in its mark: that needs no
 * room here.
 *
 *   S1  the table is in order of addresses; entries of one object are side by side, its
 *       areas last;
 *   S2  an entry is of a life: when its serial number is another it is forgotten.
 *
 * If a scan is dropped (mm_recover) what was cleared is reported again.
 *
 * Cost: for a thing of a scan none; some 40 instructions if anything was said of any, but
 * that it is no leak.
 */
#include "mm/scan/said_priv.h"

#include "mm/scan/kmemleak.h"

enum { MAX_SAID = 256 };

static struct said {
    uintptr_t start;
    uint32_t serial;
    unsigned what;              /* SAID_... */
    size_t from, bytes;         /* of an area */
} table[MAX_SAID];

static uint32_t count, looks;   /* entries; those for which said_look has something to do */
static struct mm_scan_said told;

uint32_t said_looks;

static void count_looks(void)
{
    said_looks = looks + own_count;
}

/* ---- the table ------------------------------------------------------------------- */

/* Of the first entry at or above that start. */
static uint32_t place_of(uintptr_t start)
{
    uint32_t low = 0, high = count;

    while (low < high) {
        uint32_t middle = (low + high) / 2;

        if (table[middle].start < start)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* S2 */
static bool thing_of_entry(const struct said *entry, struct thing *thing)
{
    return thing_around(entry->start, thing) && thing->start == entry->start &&
           thing->record->serial == entry->serial;
}

static void forget_dead(void)
{
    uint32_t kept = 0;
    struct thing thing;

    looks = 0;
    for (uint32_t i = 0; i < count; i++)
        if (thing_of_entry(&table[i], &thing)) {
            table[kept++] = table[i];
            looks += table[i].what != SAID_NOT_LEAK;
        }
    count = kept;
    count_looks();
}

/* Once more, if it is not there yet and not an area. */
static void add(const struct said *entry)
{
    uint32_t i = place_of(entry->start);

    if (entry->what != SAID_AREA)
        for (uint32_t same = i; same < count && table[same].start == entry->start; same++)
            if (table[same].serial == entry->serial && table[same].what != SAID_AREA) {
                looks += table[same].what == SAID_NOT_LEAK && entry->what != SAID_NOT_LEAK;
                table[same].what |= entry->what;
                return;
            }
    if (count == MAX_SAID) {
        told.no_room++;
        return;
    }
    while (entry->what == SAID_AREA && i < count && table[i].start == entry->start)
        i++;
    for (uint32_t to = count++; to > i; to--)
        table[to] = table[to - 1];
    table[i] = *entry;
    looks += entry->what != SAID_NOT_LEAK;
}

/* ---- saying it ------------------------------------------------------------------- */

bool said_enter(void)
{
    if (!heap.record)
        return false;
    if (mm_enter(NULL))
        return true;
    told.busy++;
    return false;
}

void said_leave(void)
{
    count_looks();
    mm_leave();
}

static void say_of_thing(uintptr_t addr, unsigned what, size_t bytes)
{
    struct thing thing;
    bool is_there = thing_around(addr, &thing) &&
                    (what == SAID_AREA ? bytes <= thing.room - (addr - thing.start)
                                       : addr == thing.start);

    if (!is_there) {
        told.unknown++;
        return;
    }
    if (count == MAX_SAID)
        forget_dead();
    add(&(struct said){ thing.start, thing.record->serial, what, addr - thing.start,
                        bytes });
}

static void say(const void *ptr, unsigned what, size_t bytes)
{
    if (!said_enter())
        return;
    if (!own_say((uintptr_t)ptr, what))
        say_of_thing((uintptr_t)ptr, what, bytes);
    said_leave();
}

void kmemleak_not_leak(const void *ptr)
{
    say(ptr, SAID_NOT_LEAK, 0);
}

void kmemleak_ignore(const void *ptr)
{
    say(ptr, SAID_IGNORE, 0);
}

void kmemleak_no_scan(const void *ptr)
{
    say(ptr, SAID_NO_SCAN, 0);
}

void kmemleak_scan_area(const void *ptr, size_t size, gfp_t gfp)
{
    (void)gfp;
    say(ptr, SAID_AREA, size);
}

void kmemleak_free(const void *ptr)
{
    if (!said_enter())
        return;
    if (!own_end((uintptr_t)ptr))
        say_of_thing((uintptr_t)ptr, SAID_IGNORE, 0);
    said_leave();
}

/* ---- in a scan ------------------------------------------------------------------- */

bool said_look(uintptr_t start, size_t room)
{
    bool is_whole = !own_is_in(start, room);

    for (uint32_t i = place_of(start); i < count && table[i].start == start; i++) {
        if (table[i].what & (SAID_IGNORE | SAID_NO_SCAN))
            return true;
        if (table[i].what != SAID_AREA)
            continue;
        is_whole = false;
        scan_look_at(start + table[i].from, table[i].bytes);
    }
    return !is_whole;
}

static bool keep_if_cleared(const struct thing *thing, void *cleared)
{
    if (*thing->mark & CLEARED)
        *(uint32_t *)cleared += scan_keep(thing, CLEARED);
    return true;
}

static bool look_if_cleared(const struct thing *thing, void *arg)
{
    (void)arg;
    if (*thing->mark & CLEARED)
        scan_look_into(thing);
    return true;
}

/* All of them are marked before one is looked into, or they would lose their mark. */
void said_begin(void)
{
    struct thing thing;
    bool was_cleared = told.cleared;

    if (!count && !own_count && !was_cleared)
        return;
    own_begin();
    forget_dead();
    told.cleared = 0;
    if (was_cleared)
        each_thing(whole_heap(), ALL_MARKS, keep_if_cleared, &told.cleared);
    for (uint32_t i = 0; i < count; i++)
        if (table[i].what & (SAID_NOT_LEAK | SAID_IGNORE) &&
            thing_of_entry(&table[i], &thing))
            scan_keep(&thing, 0);
    if (was_cleared)
        each_thing(whole_heap(), ALL_MARKS, look_if_cleared, NULL);
    for (uint32_t i = 0; i < count; i++)
        if (table[i].what & SAID_NOT_LEAK && thing_of_entry(&table[i], &thing) &&
            !(*thing.mark & CLEARED))
            scan_look_into(&thing);
}

/* ---- clear; how much was said ---------------------------------------------------- */

static bool clear(const struct thing *thing, void *arg)
{
    (void)arg;
    *thing->mark |= CLEARED;
    told.cleared++;
    return true;
}

void mm_scan_clear(void)
{
    if (!said_enter())
        return;
    each_thing(whole_heap(), 1u << MM_DEFINITE | 1u << MM_INDIRECT, clear, NULL);
    own_clear();
    said_leave();
}

void said_count_refused(bool no_room)
{
    if (no_room)
        told.no_room++;
    else
        told.unknown++;
}

struct mm_scan_said mm_scan_get_said(void)
{
    told.entries = count;
    told.own = own_count;
    return told;
}

void mm_scan_start(void)
{
    count = looks = 0;
    told = (struct mm_scan_said){ .entries = 0 };
    own_start();
    count_looks();
}
