/*
 * report_damage.c - what was overwritten, byte by byte, in the form of Linux's slub.
 *
 *     BUG kmalloc-64 (0x00523140): Right Redzone overwritten: kfree by cmd_kfree (...)
 *       0x00523172-0x00523173: 2 bytes, at offset 50.  First byte 0x41 instead of 0xcc
 *       0x00523140: a live object: slot 2 of cache kmalloc-64, 64 bytes
 *         taken for 50 bytes by cmd_kmalloc (kernel/memory/cmd_alloc.c:74), serial 7
 *       Object  0x00523140  6162 63...                              |abc...|
 *       Redzone 0x00523172      4141 cc...                          |  AA..|
 *       Before   0x005230c0: a live object ... taken by ...
 *       Behind   0x005231c0: a free slot ...
 *     FIX kmalloc-64: restored 0x00523172-0x00523173=0xcc, and the object freed
 *
 * The first line is for programs: bug, cache, object, call.  The bytes are read before
 * mm restores them.  Of a large object or zone only the lines around the damage are
 * shown.
 */
#include "kernel/memory/report.h"
#include "kernel/memory/sites.h"
#include "kernel/memory/whatis.h"
#include "kernel/printk.h"
#include "kernel/shown.h"
#include "kernel/string.h"
#include "mm/mm.h"

enum { LINE_BYTES = 16, TEXT_SIZE = 160, NAME_SIZE = 64 };
enum { OBJECT_LINES = 4, MOST_LINES = 4 };

static void log_line(const char *text)
{
    pr_err("  %s", text);
}

static const char *cache_of(const struct mm_report *report, char name[NAME_SIZE])
{
    const char *cache = report->what.cache;

    if (report->bug == MM_BUG_PAGE_POISON)
        cache = "pages";
    strlcpy(name, cache != NULL ? cache : "kmalloc-large", NAME_SIZE);
    return printable(name);
}

/* ---- bytes -------------------------------------------------------------- */

/* Bytes [at, end) of one line of 16, each in its column. */
static void log_bytes(const char *name, uintptr_t at, uintptr_t end)
{
    char hex[LINE_BYTES / 2 * 5 + 1], text[LINE_BYTES + 1];
    uintptr_t line = at & ~(uintptr_t)(LINE_BYTES - 1);

    for (unsigned i = 0; i < LINE_BYTES; i++) {
        const unsigned char *byte = (const unsigned char *)(line + i);
        bool in = line + i >= at && line + i < end;

        char *at_hex = hex + i / 2 * 5 + i % 2 * 2;     /* two bytes and a blank */

        if (in)
            ksnprintf(at_hex, 4, "%02x ", *byte);
        else
            ksnprintf(at_hex, 4, "   ");
        text[i] = in ? shown_in_dump(*byte) : ' ';
    }
    text[LINE_BYTES] = 0;
    pr_err("  %-7s 0x%08x %s|%s|", name, (unsigned)line, hex, text);
}

/* At most so many lines of [at, end). */
static void log_dump(const char *name, uintptr_t at, uintptr_t end, unsigned lines)
{
    while (at < end && lines-- > 0) {
        uintptr_t next = (at | (LINE_BYTES - 1)) + 1;

        log_bytes(name, at, next < end ? next : end);
        at = next;
    }
    if (at < end)
        pr_err("  %-7s ... and %u byte%s more", name, (unsigned)(end - at),
               plural(end - at));
}

static void log_dumps(const struct mm_report *report)
{
    const struct mm_damage *damage = &report->damage;
    uintptr_t start = report->what.start;
    uintptr_t from = damage->first & ~(uintptr_t)(LINE_BYTES - 1);
    bool in_zone = report->bug == MM_BUG_RIGHT_REDZONE ||
                   report->bug == MM_BUG_LEFT_REDZONE;
    const char *name = report->bug == MM_BUG_POISON    ? "Object"
                       : report->bug == MM_BUG_GUARDED ? "Redzone" : "Page";

    from = from > damage->start ? from : damage->start;
    if (report->bug == MM_BUG_LEFT_REDZONE)
        log_dump("Redzone", from, damage->end, MOST_LINES);
    if (in_zone)
        log_dump("Object", start, start + report->what.asked, OBJECT_LINES);
    if (report->bug == MM_BUG_RIGHT_REDZONE)
        log_dump("Redzone", from, damage->end, MOST_LINES);
    if (!in_zone)
        log_dump(name, from, damage->end, MOST_LINES);
}

/* ---- neighbours --------------------------------------------------------- */

static bool in_slab(const struct mm_what *what)
{
    return what->kind == MM_SLAB_LIVE || what->kind == MM_SLAB_FREE ||
           what->kind == MM_SLAB_REDZONE;
}

/* The object before (-1) or behind (1) this one, in the same cache. */
static void log_neighbour(const struct mm_what *object, int side)
{
    struct mm_what what;
    char place[TEXT_SIZE], who[2 * TEXT_SIZE];
    uintptr_t edge = side < 0 ? object->start : object->start + object->bytes - 1;

    for (uintptr_t step = 1; step <= 2 * object->bytes + LINE_BYTES; step *= 2) {
        mm_what_is((const void *)(side < 0 ? edge - step : edge + step), &what);
        if (!in_slab(&what) || what.cache != object->cache)
            return;
        if (what.start == object->start)
            continue;           /* its own red zone, yet */
        mm_what_is((const void *)what.start, &what);
        ksnprintf(who, sizeof(who), ", %s by %s (%s), serial %u",
                  what.kind == MM_SLAB_LIVE ? "taken" : "last taken",
                  site_function(what.taken_by),
                  site_place(what.taken_by, place, sizeof(place)),
                  (unsigned)what.serial);
        pr_err("  %-7s 0x%08x  a %s%s", side < 0 ? "Before" : "Behind",
               (unsigned)what.start,
               what.kind == MM_SLAB_LIVE ? "live object" : "free slot",
               what.serial != 0 ? who : "");
        return;
    }
}

/* ---- all of it ---------------------------------------------------------- */

static void log_range(const struct mm_report *report)
{
    const struct mm_damage *damage = &report->damage;
    unsigned count = (unsigned)(damage->last - damage->first + 1);
    long offset = (long)(damage->first - report->what.start);
    char where[TEXT_SIZE];

    if (offset < 0)
        ksnprintf(where, sizeof(where), "%ld before the object", -offset);
    else
        ksnprintf(where, sizeof(where), "at offset %ld", offset);
    pr_err("  0x%08x-0x%08x: %u byte%s, %s.  First byte 0x%02x instead of 0x%02x",
           (unsigned)damage->first, (unsigned)damage->last, count,
           count == 1 ? "" : "s", where, damage->found, damage->expected);
}

/* In whose call: who called is seldom who wrote. */
static void found_in(const struct alloc_site *caller, char *text, size_t size)
{
    char place[TEXT_SIZE];

    text[0] = 0;
    if (caller != NULL)
        ksnprintf(text, size, " in %s (%s)", site_function(caller),
                  site_place(caller, place, sizeof(place)));
}

void report_damage(const struct mm_report *report)
{
    char caller[TEXT_SIZE], name[NAME_SIZE];
    const char *cache = cache_of(report, name);

    found_in(report->caller, caller, sizeof(caller));
    if (report->bug == MM_BUG_GUARDED)  /* as Linux's kfence says it */
        pr_err("BUG: KFENCE: %s in %s: found by %s%s", mm_bug_name(report->bug),
               report->caller != NULL ? site_function(report->caller) : report->call,
               report->call, caller);
    else
        pr_err("BUG %s (0x%08x): %s: found by %s%s", cache,
               (unsigned)report->what.start, mm_bug_name(report->bug), report->call,
               caller);
    log_range(report);
    whatis_describe(&report->what, log_line);
    log_dumps(report);
    if (report->what.cache != NULL) {
        log_neighbour(&report->what, -1);
        log_neighbour(&report->what, 1);
    }
    pr_err("FIX %s: 0x%08x-0x%08x=0x%02x %s", cache,
           (unsigned)report->damage.first, (unsigned)report->damage.last,
           report->damage.expected, report->problem);
}
