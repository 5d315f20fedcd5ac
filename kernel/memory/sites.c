/*
 * sites.c - the call sites with live memory, largest first.
 *
 *     alloc_sites:   | a.c:10 | a.c:20 | b.c:7 | ... |   one struct a call
 *     mm_count_sites:   2 x 64   none    9 x 8           counted when asked
 *     sites_walk:       1st              2nd             ranked here
 *
 * The table stays as the linker made it.  Ranking is selection: each step looks
 * for the largest site behind the one before, so it needs no memory, and takes
 * time in the square of the sites with live memory: some dozen.
 *
 * An interrupt handler that runs out of memory wants the top sites too, perhaps
 * in the middle of a listing: `walking` sends it away.
 */
#include "kernel/memory/sites.h"

#include "kernel/backtrace.h"
#include "kernel/cpu/cpu.h"
#include "kernel/lines.h"
#include "kernel/printk.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "kernel/symbols.h"
#include "mm/scan/scan.h"
#include "mm/watch/inject.h"
#include "mm/watch/stack.h"

enum { NAME_SIZE = 96 };

static volatile bool walking;

const char *site_place(const struct alloc_site *site, char *buf, size_t size)
{
    if (site == NULL)
        strlcpy(buf, "unknown", size);
    else if (site->file == NULL)
        symbol_format(site->address, buf, size);
    else
        ksnprintf(buf, size, "%s:%u", site->file, (unsigned)site->line);
    return buf;
}

const char *place_end(const char *place)
{
    const char *slash = strrchr(place, '/');

    return slash != NULL ? slash + 1 : place;
}

bool site_is(const struct alloc_site *site, const char *line)
{
    char place[NAME_SIZE];

    return strcmp(site_place(site, place, sizeof(place)), line) == 0 ||
           (site != NULL && mm_site_matches(site, line));
}

const char *site_function(const struct alloc_site *site)
{
    struct symbol symbol;

    if (site == NULL)
        return "unknown";
    if (site->func != NULL)
        return site->func;
    return symbol_find(site->address, &symbol) ? symbol.name : "unknown";
}

const char *site_caller(const struct alloc_site *site, char *buf, size_t size)
{
    char place[NAME_SIZE];

    buf[0] = 0;
    if (site != NULL)
        ksnprintf(buf, size, " by %s (%s)", site_function(site),
                  site_place(site, place, sizeof(place)));
    return buf;
}

void site_json_calls(const struct alloc_site *site, const char *role)
{
    unsigned depth;
    const uintptr_t *calls = mm_site_stack(site, &depth);
    char name[LINE_TEXT_SIZE];

    if (depth == 0)
        return;
    kprintf(", \"%s_calls\": [", role);
    for (unsigned i = 0; i < depth; i++) {
        kprintf("%s", i == 0 ? "" : ", ");
        json_string(backtrace_format(calls, i, name, sizeof(name)));
    }
    kprintf("]");
}

void json_pcs(const uintptr_t *calls, unsigned depth)
{
    kprintf(", \"pcs\": [");
    for (unsigned i = 0; i < depth; i++)
        kprintf("%s\"0x%08x\"", i > 0 ? ", " : "", (unsigned)calls[i]);
    kprintf("]");
}

void site_json_pcs(const struct alloc_site *site)
{
    unsigned depth;
    const uintptr_t *calls = mm_site_stack(site, &depth);

    if (depth > 0)
        json_pcs(calls, depth);
}

/* Their order in every listing; two sites never rank alike. */
static bool ranks_before(const struct alloc_site *a, const struct alloc_site *b)
{
    if (a->bytes != b->bytes)
        return a->bytes > b->bytes;
    if (a->oldest != b->oldest)
        return a->oldest < b->oldest;
    return a < b;
}

/* The better of the two, if `site` has anything and comes behind `previous`. */
static const struct alloc_site *better(const struct alloc_site *best,
                                       const struct alloc_site *site,
                                       const struct alloc_site *previous)
{
    if (site->objects == 0 || (previous != NULL && !ranks_before(previous, site)))
        return best;
    return best == NULL || ranks_before(site, best) ? site : best;
}

/* The first site in order behind `previous` (NULL: of all), or NULL. */
static const struct alloc_site *next_site(const struct alloc_site *previous)
{
    const struct alloc_site *best = NULL;

    for (const struct alloc_site *site = NULL; (site = mm_next_site(site)) != NULL; )
        best = better(best, site, previous);
    return best;
}

static bool is_marked;
static uint32_t mark;

void sites_set_mark(uint32_t serial)
{
    is_marked = true;
    mark = serial;
}

bool sites_mark(uint32_t *serial)
{
    *serial = mark;
    return is_marked;
}

bool sites_unknown(bool json)
{
    const char *why = "nothing is recorded: the kernel runs with kmemleak=off";

    if (!mm_records)
        kprintf(json ? "{\"error\": \"%s\"}\n" : "%s\n", why);
    return !mm_records;
}

bool call_is_of_cache(const char *call)
{
    return strncmp(call, "kmem_cache_", sizeof("kmem_cache_") - 1) == 0;
}

void sites_count(unsigned kinds, uint32_t after)
{
    uint32_t flags = irq_save();

    mm_scan_count_sites(kinds, after);
    irq_restore(flags);
}

void sites_end_walk(void)
{
    walking = false;
}

/* By the counts as they are now. */
static void walk_counted(bool (*fn)(const struct alloc_site *site, void *arg), void *arg)
{
    for (const struct alloc_site *site = next_site(NULL); site != NULL;
         site = next_site(site))
        if (!fn(site, arg))
            break;
}

bool sites_walk(uint32_t after,
                bool (*fn)(const struct alloc_site *site, void *arg), void *arg)
{
    if (walking)
        return false;
    walking = true;
    sites_count(UINT32_MAX, after);
    walk_counted(fn, arg);
    walking = false;
    return true;
}

bool sites_walk_kinds(unsigned kinds, uint32_t after,
                      bool (*fn)(const struct alloc_site *site, void *arg), void *arg)
{
    if (walking)
        return false;
    walking = true;
    sites_count(kinds, after);
    walk_counted(fn, arg);
    walking = false;
    return true;
}

unsigned sites_top(struct top_site *top, unsigned max, uint32_t after)
{
    const struct alloc_site *site = NULL;
    unsigned n = 0;

    if (walking)
        return 0;
    walking = true;
    sites_count(UINT32_MAX, 0);
    for (; n < max && (site = next_site(site)) != NULL; n++)
        top[n] = (struct top_site){ site, site->bytes, 0, site->objects };
    sites_count(UINT32_MAX, after);
    for (unsigned i = 0; i < n; i++)
        top[i].newer_bytes = top[i].site->bytes;
    walking = false;
    return n;
}
