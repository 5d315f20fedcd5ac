/*
 * cmd_leaks.c - what is live, by the line of code that took it: leaks, allocinfo.
 *
 *     serial   1  2  3  4 | 5  6  7  8
 *              live, freed ...         leaks        all that is live
 *                         ^            leaks mark   remembers the newest, 4
 *                           5 .. 8     leaks since  live, and taken after it
 *
 * Mark, run, look: what a piece of work took and did not give back stands in the
 * list with its line.  Whether anything still points there is not asked: it is
 * live, and a leak only if nobody will free it.
 *
 * Cost: one walk over the heap.  Without records (kmemleak=off) nobody knows.
 */
#include "kernel/backtrace.h"
#include "kernel/lines.h"
#include "kernel/memory/aftermath.h"
#include "kernel/memory/leaks.h"
#include "kernel/memory/sites.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/mm.h"
#include "mm/watch/stack.h"

enum { PLACE_SIZE = 96, MARK_SIZE = 40 };
enum { TAKER_COLUMN = 35, CALLS_COLUMN = 16 };

static bool is_marked;
static uint32_t mark;           /* serial number */

struct totals {
    bool json;
    bool since, no_mark;        /* only what was taken after the mark; there is none */
    unsigned sites, objects, bytes;
};

bool leaks_mark(uint32_t *serial)
{
    *serial = mark;
    return is_marked;
}

/* Nothing can be said by site; says why. */
static bool cannot_list(bool json)
{
    const char *why = "nothing is recorded: the kernel runs with kmemleak=off";

    if (!mm_records)
        kprintf(json ? "{\"error\": \"%s\"}\n" : "%s\n", why);
    return !mm_records;
}

/* ---- leaks -------------------------------------------------------------- */

static void print_site(const struct alloc_site *site, const char *place)
{
    unsigned depth, left = aftermath_left_of(site);
    char dead[MARK_SIZE] = "";

    if (left > 0)
        ksnprintf(dead, sizeof(dead), "  (%u left behind)", left);
    kprint_wrapped(TAKER_COLUMN, "%9u %7u %7u %7u  %s func:%s%s", (unsigned)site->bytes,
                   (unsigned)site->objects, (unsigned)site->oldest,
                   (unsigned)site->newest, place, site_function(site), dead);

    const uintptr_t *calls = mm_site_stack(site, &depth);
    char name[LINE_TEXT_SIZE];

    for (unsigned i = 0; i < depth; i++)
        kprint_wrapped(0, "%*s%s", CALLS_COLUMN, "",
                       backtrace_format(calls, i, name, sizeof(name)));
}

static void print_site_json(const struct alloc_site *site, const char *place)
{
    kprintf("{\"kind\": \"live\", \"site\": ");
    json_string(place);
    kprintf(", \"func\": ");
    json_string(site_function(site));
    kprintf(", \"objects\": %u, \"bytes\": %u, \"oldest\": %u, \"newest\": %u",
            (unsigned)site->objects, (unsigned)site->bytes,
            (unsigned)site->oldest, (unsigned)site->newest);
    if (aftermath_left_of(site) > 0)
        kprintf(", \"left\": %u", (unsigned)aftermath_left_of(site));
    site_json_calls(site, "taken_by");
    kprintf("}\n");
}

static bool list_site(const struct alloc_site *site, void *arg)
{
    struct totals *totals = arg;
    char place[PLACE_SIZE];

    site_place(site, place, sizeof(place));
    if (totals->json) {
        print_site_json(site, place);
    } else {
        if (totals->sites == 0)
            kprintf("    bytes objects  oldest  newest  taken by\n");
        print_site(site, place);
    }
    totals->sites++;
    totals->objects += site->objects;
    totals->bytes += site->bytes;
    return true;
}

static void print_summary(const struct totals *totals, unsigned since)
{
    unsigned lost = mm_sites_lost();

    if (totals->json) {
        kprintf("{\"summary\": true, \"sites\": %u, \"objects\": %u, \"bytes\": %u, "
                "\"since\": ", totals->sites, totals->objects, totals->bytes);
        kprintf(totals->no_mark ? "null" : "%u", since);
        kprintf(", \"lost_calls\": %u}\n", lost);
        return;
    }
    if (totals->sites == 0)
        kprintf("nothing is live");
    else
        kprintf("%9u %7u in all, from %u site%s", totals->bytes, totals->objects,
                totals->sites, plural(totals->sites));
    if (totals->no_mark)
        kprintf("; no mark was set, so that is all");
    else if (totals->since)
        kprintf(", of what was taken after serial %u", since);
    kprintf("\n");
    if (lost != 0)
        kprintf("%u call%s found the table of sites full: they share one\n", lost,
                plural(lost));
    if (mm_stacks_lost() != 0)
        kprintf("%u call%s found the table of stacks full: they have a line only\n",
                (unsigned)mm_stacks_lost(), plural(mm_stacks_lost()));
}

/* All that is live, or what was taken since the mark. */
static int list_leaks(bool since_mark, bool json)
{
    struct totals totals = { .json = json, .since = since_mark,
                             .no_mark = since_mark && !is_marked };
    uint32_t since = since_mark ? mark : 0;

    aftermath_count(since);
    sites_walk(since, list_site, &totals);
    print_summary(&totals, since);
    if (!json)
        aftermath_print();
    return SHELL_OK;
}

static int set_mark(bool json)
{
    struct mm_stats stats;

    mm_get_stats(&stats);
    is_marked = true;
    mark = stats.last_serial;
    kprintf(json ? "{\"mark\": %u}\n"
                 : "mark set after serial %u: \"leaks since\" lists what is taken from "
                   "now on\n", (unsigned)mark);
    return SHELL_OK;
}

static int cmd_leaks(int argc, char **argv)
{
    bool json = shell_option(&argc, argv, "-j");

    if (!shell_at_most(argc, argv, 2))
        return SHELL_USAGE;
    if (cannot_list(json))
        return SHELL_FAILED;
    if (argc == 1)
        return list_leaks(false, json);
    if (strcmp(argv[1], "mark") == 0)
        return set_mark(json);
    if (strcmp(argv[1], "since") == 0)
        return list_leaks(true, json);
    return shell_usage("\"%s\" is neither mark nor since", argv[1]);
}

SHELL_COMMAND_IN("find leaks", leaks, "[mark|since] [-j]",
    "what is live, by the line that took it",
    "bytes and objects that a line of code took and nobody has freed, most bytes\n"
    "first; oldest and newest are serial numbers: 1 is the first allocation since\n"
    "boot.  To see what one piece of work leaves behind: mark, run, look.\n"
    "    leaks mark; kmalloc 100; kmalloc 200; kfree $; leaks since",
    cmd_leaks);

/* ---- allocinfo ---------------------------------------------------------- */

static void print_tag(const struct alloc_site *site)
{
    char place[PLACE_SIZE];

    kprint_wrapped(22, "%12u %8u %s func:%s", (unsigned)site->bytes,
                   (unsigned)site->objects, site_place(site, place, sizeof(place)),
                   site_function(site));
}

static void print_tag_json(const struct alloc_site *site)
{
    char place[PLACE_SIZE];

    kprintf("{\"bytes\": %u, \"calls\": %u, \"site\": ", (unsigned)site->bytes,
            (unsigned)site->objects);
    json_string(site_place(site, place, sizeof(place)));
    kprintf(", \"func\": ");
    json_string(site_function(site));
    kprintf("}\n");
}

/* The call site in the code that this one, with a stack, is a copy of; or itself. */
static struct alloc_site *line_of(struct alloc_site *site)
{
    for (struct alloc_site *line = mm_sites(); line < mm_sites_end(); line++)
        if (line->file == site->file && line->line == site->line &&
            line->address == site->address)
            return line;
    return site;
}

/* Counted by line: what has call stacks (dial U) counts for their line as well. */
static void count_lines(void)
{
    mm_count_sites(0);
    for (struct alloc_site *site = NULL; (site = mm_next_site(site)) != NULL; ) {
        unsigned depth;
        struct alloc_site *line;

        if (site->objects == 0 || mm_site_stack(site, &depth) == NULL)
            continue;
        line = line_of(site);
        line->objects += site->objects;
        line->bytes += site->bytes;
        site->objects = 0;
    }
}

static int cmd_allocinfo(int argc, char **argv)
{
    bool json = shell_option(&argc, argv, "-j");
    bool all = shell_option(&argc, argv, "-a");

    if (!shell_at_most(argc, argv, 1))
        return SHELL_USAGE;
    if (cannot_list(json))
        return SHELL_FAILED;
    count_lines();
    if (!json)
        kprintf("allocinfo - version: 1.0\n"
                "#     <size>  <calls> <tag info>\n");
    for (const struct alloc_site *site = NULL; (site = mm_next_site(site)) != NULL; ) {
        unsigned depth;
        bool is_line = mm_site_stack(site, &depth) == NULL &&
                       (site->file != NULL || site->address != 0);

        if (site->objects == 0 && !(all && is_line))
            continue;
        if (json)
            print_tag_json(site);
        else
            print_tag(site);
    }
    return SHELL_OK;
}

SHELL_COMMAND_IN("find leaks", allocinfo, "[-a] [-j]",
    "live bytes of each allocating line",
    "The format of Linux's /proc/allocinfo: live bytes, live objects, the line that\n"
    "took them, in the order of the link.  -a: the lines that hold nothing as well,\n"
    "which is every call of the allocator in this kernel.",
    cmd_allocinfo);
