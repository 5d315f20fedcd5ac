/*
 * own.c - pieces that an allocator of one's own has cut from a block (kmemleak_alloc).
 *
 *     block of pages   | header | piece | free | piece | free ... |
 *                                 ^ a word that points here is the piece's, and the block's
 *
 * Pieces have no records, so they have a table, in order of addresses.  They have no part
 * in the chain of mark.c either: what was found of them is looked into when the chain is
 * done, and then the chain goes on.  There are two kinds of them only, lost or not: what
 * only a lost one holds is lost as well.
 *
 *   W1  pieces do not overlap, and each lies in one block or object of a page and more;
 *   W2  a piece goes with its block: when the block's life ends it is forgotten.
 *
 * Cost: for a word that points into a large object or block some 30 instructions.
 */
#include "mm/scan/said_priv.h"

#include "mm/scan/kmemleak.h"

enum { MAX_OWN = 512 };

enum found { NOT_FOUND, FOUND, LOOKED_INTO };

static struct own {
    uintptr_t start;
    size_t bytes;
    struct alloc_site *site;
    uintptr_t host;             /* start of what it lies in, and its serial number */
    uint32_t host_serial;
    uint32_t serial;            /* of the newest allocation when it began */
    int need;                   /* words that must point into it; -1: it is ignored */
    bool no_scan;
    int refs;                   /* such words, by this scan */
    enum found found;
    bool is_lost;               /* by the last one that came to an end */
    uintptr_t seen_in;
} table[MAX_OWN];

uint32_t own_count;
static bool is_open;            /* a scan still counts words */

/* ---- the table ------------------------------------------------------------------- */

/* Of the first that ends above that address. */
static uint32_t place_of(uintptr_t addr)
{
    uint32_t low = 0, high = own_count;

    while (low < high) {
        uint32_t middle = (low + high) / 2;

        if (table[middle].start + table[middle].bytes > addr)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static struct own *own_at(uintptr_t start)
{
    struct own *own = &table[place_of(start)];

    return own < table + own_count && own->start == start ? own : NULL;
}

bool own_is_in(uintptr_t start, size_t room)
{
    uint32_t i = place_of(start);

    return i < own_count && table[i].start < start + room;
}

/* Such that all pointers to it are followed slowly: mark.c. */
static bool can_be_host(uintptr_t start, size_t bytes, struct thing *host)
{
    struct object object = object_at((void *)start);

    return thing_of(&object, host) && start - host->start < host->room && bytes > 0 &&
           bytes <= host->room - (start - host->start) &&
           (object.kind != MM_SLAB_LIVE ||
            object.slot.cache->record_place != RECORD_IN_SLAB);
}

/* W2 */
static void forget_dead(void)
{
    uint32_t kept = 0;
    struct thing host;

    for (uint32_t i = 0; i < own_count; i++)
        if (can_be_host(table[i].start, table[i].bytes, &host) &&
            host.start == table[i].host && host.record->serial == table[i].host_serial)
            table[kept++] = table[i];
    own_count = kept;
}

static void add(const struct own *own)
{
    uint32_t i;

    if (own_count == MAX_OWN)
        forget_dead();
    i = place_of(own->start);
    if (own_count == MAX_OWN || own_is_in(own->start, own->bytes)) {
        said_count_refused(own_count == MAX_OWN);
        return;
    }
    for (uint32_t to = own_count++; to > i; to--)
        table[to] = table[to - 1];
    table[i] = *own;
}

static void drop(struct own *own)
{
    own_count--;
    for (; own < table + own_count; own++)
        own[0] = own[1];
}

/* ---- beginning, ending, saying --------------------------------------------------- */

void kmemleak_alloc_at(struct alloc_site *site, const void *ptr, size_t size, int min_count,
                       gfp_t gfp)
{
    struct own own = { .start = (uintptr_t)ptr, .bytes = size, .site = site,
                       .need = min_count < 0 ? -1 : min_count, .no_scan = min_count < 0 };
    struct thing host;

    (void)gfp;
    if (!ptr || !said_enter())
        return;
    if (own_at(own.start))
        drop(own_at(own.start));        /* that life is over, and nobody said so */
    if (can_be_host(own.start, size, &host)) {
        own.host = host.start;
        own.host_serial = host.record->serial;
        own.serial = heap.serial;
        add(&own);
    } else {
        said_count_refused(false);
    }
    said_leave();
}

bool own_end(uintptr_t start)
{
    struct own *own = own_at(start);

    if (own)
        drop(own);
    return own;
}

bool own_say(uintptr_t start, unsigned what)
{
    struct own *own = own_at(start);

    if (!own || what == SAID_AREA)
        return false;
    if (what & SAID_NOT_LEAK)
        own->need = 0;
    if (what & SAID_IGNORE)
        own->need = -1;
    own->no_scan |= !(what & SAID_NOT_LEAK);
    return true;
}

void own_clear(void)
{
    for (uint32_t i = 0; i < own_count; i++)
        if (table[i].is_lost) {
            table[i].need = 0;
            table[i].is_lost = false;
        }
}

void own_start(void)
{
    own_count = 0;
}

/* ---- in a scan ------------------------------------------------------------------- */

void own_begin(void)
{
    forget_dead();
    is_open = true;
    for (uint32_t i = 0; i < own_count; i++) {
        table[i].refs = 0;
        table[i].is_lost = false;
        table[i].found = table[i].need <= 0 ? FOUND : NOT_FOUND;
    }
}

void own_refer(uintptr_t addr, const uintptr_t *word)
{
    struct own *own = &table[place_of(addr)];

    if (!is_open || own == table + own_count || addr - own->start >= own->bytes ||
        own->found != NOT_FOUND)
        return;
    own->seen_in = (uintptr_t)word;
    if (++own->refs >= own->need)
        own->found = FOUND;
}

static void look_into(struct own *own)
{
    own->found = LOOKED_INTO;
    if (!own->no_scan)
        scan_look_at(own->start, own->bytes);
}

bool own_look_into_next(void)
{
    for (uint32_t i = 0; i < own_count; i++)
        if (table[i].found == FOUND) {
            look_into(&table[i]);
            return true;
        }
    return false;
}

void own_close(void)
{
    is_open = false;
}

bool own_look_into_lost(void)
{
    for (uint32_t i = 0; i < own_count; i++)
        if (table[i].found == NOT_FOUND) {
            table[i].is_lost = true;
            look_into(&table[i]);
            return true;
        }
    return false;
}

void mm_scan_walk_lost_own(bool (*fn)(const struct mm_live *live, void *arg), void *arg)
{
    for (uint32_t i = 0; i < own_count; i++) {
        const struct own *own = &table[i];
        struct mm_live live = { .start = own->start, .room = own->bytes,
                                .asked = own->bytes, .serial = own->serial,
                                .site = own->site, .kind = MM_DEFINITE,
                                .seen_in = own->seen_in };

        if (own->is_lost && !fn(&live, arg))
            break;
    }
}
