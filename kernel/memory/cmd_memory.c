/*
 * cmd_memory.c - how much memory: meminfo, buddyinfo, slabinfo.
 *
 *     MemTotal  =  MemFree  +  MemUsed          to the kilobyte, always
 *                              MemUsed  =  Slab + Large + Pages + Guarded + Metadata
 *
 * The first rows are those of Linux's /proc files of these names, to the blank;
 * below them is what Marbles knows more.  With -j each row is a JSON object.
 *
 * All numbers come from one stats_get, which recounts the heap by walking it:
 * they are true together.
 */
#include "kernel/cpu/paging.h"
#include "kernel/memory/stats.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/mm.h"

enum { NAME_SIZE = 64, NAME_COLUMNS = 17 };

static unsigned kilobytes(uint32_t pages)
{
    return (unsigned)pages << (PAGE_SHIFT - 10);
}

/* ---- meminfo ------------------------------------------------------------ */

struct row {
    const char *label, *key;    /* as text, in JSON */
    unsigned value;
    bool is_kb;
};

static void print_row(const struct row *row)
{
    kprintf("%s:%*s%8u%s\n", row->label, 15 - (int)strlen(row->label), "",
            row->value, row->is_kb ? " kB" : "");
}

static void print_rows_json(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        kprintf("%s\"%s\": %u", i == 0 ? "{" : ", ", rows[i].key, rows[i].value);
    kprintf("}\n");
}

static void print_meminfo(const struct mm_stats *s, bool json)
{
    uint32_t unreclaimable = s->slab_pages - s->empty_slab_pages;
    const struct row rows[] = {
        { "MemTotal", "total_kb", kilobytes(s->total_pages), true },
        { "MemFree", "free_kb", kilobytes(s->free_pages), true },
        { "MemAvailable", "available_kb",
          kilobytes(s->free_pages + s->empty_slab_pages), true },
        { "Slab", "slab_kb", kilobytes(s->slab_pages), true },
        { "SReclaimable", "reclaimable_kb", kilobytes(s->empty_slab_pages), true },
        { "SUnreclaim", "unreclaimable_kb", kilobytes(unreclaimable), true },
        { "MemUsed", "used_kb", kilobytes(s->total_pages - s->free_pages), true },
        { "LargeKmallocs", "large_kb", kilobytes(s->large_pages), true },
        { "Pages", "pages_kb", kilobytes(s->live_pages), true },
        { "Guarded", "guarded_kb", kilobytes(s->guarded_pages), true },
        { "Metadata", "meta_kb", kilobytes(s->meta_pages), true },
        { "Kmallocs", "kmallocs", s->kmallocs, false },
        { "Kfrees", "kfrees", s->kfrees, false },
        { "LiveObjects", "live_objects", s->live_objects, false },
        { "LiveBytes", "live_bytes", s->live_bytes, false },
        { "PagesAllocated", "pages_allocated", s->pages_allocated, false },
        { "PagesFreed", "pages_freed", s->pages_freed, false },
        { "LivePages", "live_pages", s->live_pages, false },
        { "Failed", "failed", s->failed, false },
        { "BadFrees", "bad_frees", s->bad_frees, false },
        { "Reports", "reports", s->reports, false },
        { "LastSerial", "last_serial", s->last_serial, false },
        { "SkippedRanges", "skipped_ranges", s->skipped, false },
        { "Unguarded", "unguarded", s->unguarded, false },
        { "PageTables", "page_tables_kb", kilobytes(paging_table_pages()), true },
    };
    const size_t count = sizeof(rows) / sizeof(rows[0]);

    if (json)
        print_rows_json(rows, count);
    for (size_t i = 0; i < count && !json; i++)
        print_row(&rows[i]);
}

static int cmd_meminfo(int argc, char **argv)
{
    bool json = shell_option(&argc, argv, "-j");
    struct mm_stats stats;

    if (!shell_at_most(argc, argv, 1))
        return SHELL_USAGE;
    stats_get(&stats);
    print_meminfo(&stats, json);
    return SHELL_OK;
}

SHELL_COMMAND_IN("memory", meminfo, "[-j]", "how much memory is free and used",
    "The rows of Linux's /proc/meminfo, then those of Marbles:\n"
    "    MemTotal = MemFree + MemUsed        exactly\n"
    "    MemUsed = Slab + LargeKmallocs + Pages + Guarded + Metadata\n"
    "    LiveObjects = Kmallocs - Kfrees, LivePages = PagesAllocated - PagesFreed\n"
    "LiveBytes is what was asked for, Slab what it takes.  PageTables were taken\n"
    "before the rest became MemTotal.  Take one, look again:\n"
    "    meminfo; kmalloc 100; meminfo",
    cmd_meminfo);

/* ---- buddyinfo ---------------------------------------------------------- */

static void print_total(const struct mm_stats *stats)
{
    uint32_t blocks = 0;
    int largest = -1;

    for (int order = 0; order <= MAX_PAGE_ORDER; order++) {
        blocks += stats->free_blocks[order];
        if (stats->free_blocks[order] != 0)
            largest = order;
    }
    kprintf("%u kB free in %u block%s", kilobytes(stats->free_pages), (unsigned)blocks,
            plural(blocks));
    if (largest >= 0)
        kprintf(", the largest of %u kB", kilobytes(1u << largest));
    kprintf("\n");
}

static void print_blocks(const struct mm_stats *stats)
{
    kprintf("order   a block   free blocks         free\n");
    for (unsigned order = 0; order <= MAX_PAGE_ORDER; order++)
        kprintf("%5u %6u kB %13u %9u kB\n", order, kilobytes(1u << order),
                (unsigned)stats->free_blocks[order],
                kilobytes(stats->free_blocks[order] << order));
    print_total(stats);
}

/* As in Linux's /proc/buddyinfo. */
static void print_zone(const struct mm_stats *stats)
{
    kprintf("Node 0, zone %8s ", "Normal");
    for (unsigned order = 0; order <= MAX_PAGE_ORDER; order++)
        kprintf("%6u ", (unsigned)stats->free_blocks[order]);
    kprintf("\n");
}

static void print_zone_json(const struct mm_stats *stats)
{
    kprintf("{\"node\": 0, \"zone\": \"Normal\", \"free_blocks\": [");
    for (unsigned order = 0; order <= MAX_PAGE_ORDER; order++)
        kprintf("%s%u", order == 0 ? "" : ", ", (unsigned)stats->free_blocks[order]);
    kprintf("], \"free_kb\": %u}\n", kilobytes(stats->free_pages));
}

static int cmd_buddyinfo(int argc, char **argv)
{
    bool json = shell_option(&argc, argv, "-j");
    bool as_linux = shell_option(&argc, argv, "-l");
    struct mm_stats stats;

    if (!shell_at_most(argc, argv, 1))
        return SHELL_USAGE;
    stats_get(&stats);
    if (json)
        print_zone_json(&stats);
    else if (as_linux)
        print_zone(&stats);
    else
        print_blocks(&stats);
    return SHELL_OK;
}

SHELL_COMMAND_IN("memory", buddyinfo, "[-l] [-j]", "free blocks of pages, by order",
    "For each order 0 to 10: how many blocks of 2^order pages are free.\n"
    "Where no block of an order is free, taking one splits the smallest larger one:\n"
    "a half of each order between stays free.  Giving it back joins them again, at\n"
    "the latest when the shell asks for it, which it does after each command.\n"
    "-l: one row, as in Linux's /proc/buddyinfo.\n"
    "    buddyinfo; pages 0; buddyinfo; pages free $; buddyinfo",
    cmd_buddyinfo);

/* ---- slabinfo ----------------------------------------------------------- */

/* A name with blanks, or worse, would shift the columns. */
static const char *one_word(const char *name, char *buf, size_t size)
{
    strlcpy(buf, name, size);
    for (char *at = buf; *at != 0; at++)
        if (*at <= ' ' || *at > '~')
            *at = '_';
    return buf;
}

/* As in Linux's /proc/slabinfo. */
static bool print_cache(const struct mm_cache_info *c, void *arg)
{
    char name[NAME_SIZE];

    (void)arg;
    kprintf("%-17s %6u %6u %6u %4u %4u : tunables %4u %4u %4u : slabdata %6u %6u "
            "%6u\n", one_word(c->name, name, sizeof(name)), (unsigned)c->live,
            (unsigned)c->slots, (unsigned)c->slot_size, (unsigned)c->slots_per_slab,
            (unsigned)c->pages_per_slab, 0u, 0u, 0u,
            (unsigned)(c->slabs - c->empty_slabs), (unsigned)c->slabs, 0u);
    return true;
}

static bool print_cache_use(const struct mm_cache_info *c, void *arg)
{
    char name[NAME_SIZE];
    const char *shown = one_word(c->name, name, sizeof(name));

    (void)arg;
    if (c->allocs == 0)
        return true;
    if (strlen(shown) > NAME_COLUMNS) {         /* on a row of its own */
        kprintf("%s\n", shown);
        shown = "";
    }
    kprintf("%-*s %5u %6u %6u %5u %5u %5u %5u %8u %8u\n", NAME_COLUMNS, shown,
            (unsigned)c->object_size, (unsigned)c->live, (unsigned)c->slots,
            (unsigned)c->full_slabs, (unsigned)c->partial_slabs,
            (unsigned)c->empty_slabs, (unsigned)c->peak_slabs, (unsigned)c->allocs,
            (unsigned)c->frees);
    return true;
}

static bool print_cache_json(const struct mm_cache_info *c, void *arg)
{
    (void)arg;
    kprintf("{\"name\": ");
    json_string(c->name);
    kprintf(", \"active_objs\": %u, \"num_objs\": %u, \"objsize\": %u, "
            "\"objperslab\": %u, \"pagesperslab\": %u, \"active_slabs\": %u, "
            "\"num_slabs\": %u, ", (unsigned)c->live, (unsigned)c->slots,
            (unsigned)c->slot_size, (unsigned)c->slots_per_slab,
            (unsigned)c->pages_per_slab, (unsigned)(c->slabs - c->empty_slabs),
            (unsigned)c->slabs);
    kprintf("\"full\": %u, \"partial\": %u, \"empty\": %u, \"peak_slabs\": %u, "
            "\"asked_size\": %u, \"allocs\": %u, \"frees\": %u}\n",
            (unsigned)c->full_slabs, (unsigned)c->partial_slabs, (unsigned)c->empty_slabs,
            (unsigned)c->peak_slabs, (unsigned)c->object_size,
            (unsigned)c->allocs, (unsigned)c->frees);
    return true;
}

static int cmd_slabinfo(int argc, char **argv)
{
    bool json = shell_option(&argc, argv, "-j");
    bool as_linux = shell_option(&argc, argv, "-l");

    if (!shell_at_most(argc, argv, 1))
        return SHELL_USAGE;
    if (json) {
        mm_walk_caches(print_cache_json, NULL);
    } else if (as_linux) {
        kprintf("slabinfo - version: 2.1\n"
                "# name            <active_objs> <num_objs> <objsize> <objperslab> "
                "<pagesperslab> : tunables <limit> <batchcount> <sharedfactor> : "
                "slabdata <active_slabs> <num_slabs> <sharedavail>\n");
        mm_walk_caches(print_cache, NULL);
    } else {
        kprintf("%-*s        objects          slabs\n"
                "%-*s  size   live  slots  full  part empty  peak   allocs    frees\n",
                NAME_COLUMNS, "", NAME_COLUMNS, "cache");
        mm_walk_caches(print_cache_use, NULL);
    }
    return SHELL_OK;
}

SHELL_COMMAND_IN("memory", slabinfo, "[-l] [-j]", "object caches and their slabs",
    "Each cache that was ever used: the size it was made for, its live objects and\n"
    "all slots; its full, partial and empty slabs, and the most it had; objects taken\n"
    "and given back since boot.  -l: all caches, as in Linux's /proc/slabinfo.  12\n"
    "bytes a slot record who took it, so objperslab is less than pages / size;\n"
    "kmemleak=off shows the difference.  All these slabs are Slab in meminfo; what\n"
    "kmalloc took in blocks of its own, LargeKmallocs there, is in no cache.  The\n"
    "shell has empty slabs given back after each command (unless a debugging dial is\n"
    "on, which watches what is free):\n"
    "    kmalloc 100 30; slabinfo; kfree $30; slabinfo",
    cmd_slabinfo);
