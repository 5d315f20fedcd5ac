/*
 * cmd_leaks.c - leaks: what is lost, by the line of code that took it.
 *
 *     leaks               lost, and a line for all that is not
 *     leaks all           all that is live
 *     leaks mark [NAME]   remembers the newest serial number
 *     leaks since [NAME]  what was taken after it
 *     leaks list ...      object by object, and so on: a file each
 *
 *     serial   1  2  3  4 | 5  6  7  8
 *              live, freed ...        ^
 *                         ^ mark      now: "since" lists what of 5 .. 8 is live
 *
 * Each looks anew (scan.c): a pointer that was dropped a moment ago makes a leak now.  A row
 * is a line of code, or with dial U the calls that led there, and a kind; most bytes first.
 *
 * Cost: a scan, and a walk for each kind there is.  Without records (kmemleak=off) nobody
 * knows.
 */
#include "kernel/leaks/leaks_priv.h"

#include "kernel/backtrace.h"
#include "kernel/lines.h"
#include "kernel/memory/aftermath.h"
#include "kernel/memory/sites.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/watch/stack.h"

enum { PLACE_SIZE = 96, TEXT_SIZE = 40, MARKS = 16, NAME_SIZE = 24 };
enum { TAKER_COLUMN = 46, CALLS_COLUMN = 16 };

/* ---- marks ------------------------------------------------------------------------- */

static struct mark {
    char name[NAME_SIZE];
    bool is_set;
    uint32_t serial;
} marks[MARKS];                 /* the first is that without a name */

static struct mark *find_mark(const char *name)
{
    for (unsigned i = 0; i < MARKS; i++)
        if (marks[i].is_set && strcmp(marks[i].name, name) == 0)
            return &marks[i];
    return NULL;
}

static struct mark *new_mark(const char *name)
{
    unsigned i = name[0] != 0;

    while (i < MARKS && name[0] != 0 && marks[i].is_set)
        i++;
    if (i == MARKS)
        return NULL;
    strlcpy(marks[i].name, name, NAME_SIZE);
    return &marks[i];
}

static int set_mark(const char *name, bool json)
{
    struct mark *mark = find_mark(name);

    if (strlen(name) >= NAME_SIZE)
        return shell_usage("NAME: \"%s\" has more than %d characters", name, NAME_SIZE - 1);
    if (mark == NULL)
        mark = new_mark(name);
    if (mark == NULL) {
        kprintf("leaks mark: there are %d marks with a name, and no more can be\n",
                MARKS - 1);
        return SHELL_FAILED;
    }
    grow_sample();
    mark->is_set = true;
    mark->serial = mm_last_serial();
    sites_set_mark(mark->serial);
    if (json)
        kprintf("{\"mark\": %u}\n", (unsigned)mark->serial);
    else
        kprintf("mark set after serial %u: \"leaks since%s%s\" lists what is taken from "
                "now on\n", (unsigned)mark->serial, name[0] != 0 ? " " : "", name);
    return SHELL_OK;
}

/* ---- rows -------------------------------------------------------------------------- */

struct rows {
    bool json;
    uint32_t after;             /* only what was taken after this serial number */
    enum mm_scan_kind kind;     /* of the rows now */
    unsigned sites, objects, of_kind[MM_SCAN_KINDS];
    size_t bytes;
};

static void print_calls(const struct alloc_site *site)
{
    unsigned depth;
    const uintptr_t *calls = mm_site_stack(site, &depth);
    char name[LINE_TEXT_SIZE];

    for (unsigned i = 0; i < depth; i++)
        kprint_wrapped(0, "%*s%s", CALLS_COLUMN, "",
                       backtrace_format(calls, i, name, sizeof(name)));
}

static void print_row(const struct rows *rows, const struct alloc_site *site,
                      const char *place)
{
    unsigned left = aftermath_left_of(site);
    struct mm_live like = { .site = (struct alloc_site *)(uintptr_t)site,
                            .kind = rows->kind };
    char dead[TEXT_SIZE] = "", member[TEXT_SIZE];

    if (left > 0)
        ksnprintf(dead, sizeof(dead), "  (%u left behind)", left);
    if (rows->sites == 0)
        kprintf("    bytes objects  oldest  newest  kind       taken by\n");
    kprint_wrapped(TAKER_COLUMN, "%9u %7u %7u %7u  %-9s  %s func:%s%s%s%s",
                   (unsigned)site->bytes, (unsigned)site->objects, (unsigned)site->oldest,
                   (unsigned)site->newest, kind_name(rows->kind), place,
                   site_function(site), grow_only(site) ? ", only grows" : "",
                   owners_member(&like, member, sizeof(member)), dead);
    print_calls(site);
}

static void print_row_json(const struct rows *rows, const struct alloc_site *site,
                           const char *place)
{
    kprintf("{\"kind\": \"%s\", \"site\": ", kind_name(rows->kind));
    json_string(place);
    kprintf(", \"func\": ");
    json_string(site_function(site));
    kprintf(", \"objects\": %u, \"bytes\": %zu, \"oldest\": %u, \"newest\": %u",
            (unsigned)site->objects, site->bytes, (unsigned)site->oldest,
            (unsigned)site->newest);
    if (aftermath_left_of(site) > 0)
        kprintf(", \"left\": %u", (unsigned)aftermath_left_of(site));
    if (grow_only(site))
        kprintf(", \"only_grows\": true");
    site_json_calls(site, "taken_by");
    site_json_pcs(site);
    kprintf("}\n");
}

static bool list_site(const struct alloc_site *site, void *arg)
{
    struct rows *rows = arg;
    char place[PLACE_SIZE];

    site_place(site, place, sizeof(place));
    if (rows->json)
        print_row_json(rows, site, place);
    else
        print_row(rows, site, place);
    rows->sites++;
    rows->objects += site->objects;
    rows->of_kind[rows->kind] += site->objects;
    rows->bytes += site->bytes;
    return !shell_interrupted();
}

/* Those of these kinds, kind by kind: first what is lost. */
static void list_kinds(struct rows *rows, const struct mm_scan *found, unsigned kinds)
{
    if (!rows->json && found->objects[MM_POSSIBLE] > 0)
        owners_count();
    for (unsigned kind = MM_DEFINITE; kind >= MM_REACHABLE; kind--) {
        if (!(kinds >> kind & 1) || found->objects[kind] == 0)
            continue;
        rows->kind = (enum mm_scan_kind)kind;
        aftermath_count_kind(kind, rows->after);
        sites_walk_kinds(1u << kind, rows->after, list_site, rows);
    }
}

/* ---- the report ------------------------------------------------------------------------ */

static void print_kind(const struct mm_scan *found, enum mm_scan_kind kind)
{
    kprintf("%s: %zu bytes in %u object%s\n", kind_name(kind), found->bytes[kind],
            (unsigned)found->objects[kind], plural(found->objects[kind]));
}

static void print_tables_full(void)
{
    unsigned lost = mm_sites_lost(), stacks = (unsigned)mm_stacks_lost();

    if (lost != 0)
        kprintf("%u call%s found the table of sites full: they share one\n", lost,
                plural(lost));
    if (stacks != 0)
        kprintf("%u call%s found the table of stacks full: they have a line only\n",
                stacks, plural(stacks));
}

/* Without the time that it took: a run's JSON is the same each time. */
static void print_summary_json(const struct rows *rows, const struct scan_report *report,
                               bool no_mark)
{
    kprintf("{\"summary\": true, \"sites\": %u, \"objects\": %u, \"bytes\": %zu, "
            "\"since\": ", rows->sites, rows->objects, rows->bytes);
    kprintf(no_mark ? "null" : "%u", (unsigned)rows->after);
    kprintf(", \"lost_calls\": %u", (unsigned)mm_sites_lost());
    for (unsigned kind = MM_DEFINITE; kind >= MM_REACHABLE; kind--)
        kprintf(", \"%s\": %u", kind_name((enum mm_scan_kind)kind), rows->of_kind[kind]);
    kprintf(", \"root_bytes\": %zu}\n", report->found.root_bytes);
}

/* Behind the rows of what is lost: the sum, and who has what is not. */
static void print_summary(const struct rows *rows, const struct scan_report *report,
                          bool all)
{
    const struct mm_scan *found = &report->found;
    size_t live = 0;

    for (unsigned kind = MM_REACHABLE; kind < MM_SCAN_KINDS; kind++)
        live += found->objects[kind];
    if (live == 0)
        kprintf("nothing is live\n");
    else if (found->objects[MM_DEFINITE] + found->objects[MM_INDIRECT] == 0 &&
             found->objects[MM_POSSIBLE] == 0)
        kprintf("nothing is lost\n");
    for (unsigned kind = MM_DEFINITE; kind > MM_REACHABLE; kind--)
        if (found->objects[kind] > 0)
            print_kind(found, (enum mm_scan_kind)kind);
    if (found->objects[MM_REACHABLE] > 0)
        holders_print(found);
    if (all && rows->sites > 1)
        kprintf("%9zu %7u in all, from %u rows\n", rows->bytes, rows->objects, rows->sites);
}

static int report_leaks(unsigned kinds, bool json)
{
    struct scan_report report;
    struct rows rows = { .json = json };

    grow_sample();
    if (!scan_leaks(&report))
        return SHELL_FAILED;
    list_kinds(&rows, &report.found, kinds);
    if (json) {
        print_summary_json(&rows, &report, false);
        return SHELL_OK;
    }
    print_summary(&rows, &report, kinds >> MM_REACHABLE & 1);
    print_tables_full();
    aftermath_print();
    grow_print();
    doubts_print(&report.found);
    scan_print(&report);
    return SHELL_OK;
}

static int report_since(const char *name, bool json)
{
    const struct mark *mark = find_mark(name);
    struct scan_report report;
    struct rows rows = { .json = json, .after = mark != NULL ? mark->serial : 0 };

    if (mark == NULL && name[0] != 0)
        return shell_usage("no mark is called \"%s\"", name);
    if (!scan_leaks(&report))
        return SHELL_FAILED;
    list_kinds(&rows, &report.found, ALL_KINDS);
    if (json) {
        print_summary_json(&rows, &report, mark == NULL);
        return SHELL_OK;
    }
    if (rows.sites == 0)
        kprintf("nothing is live");
    else
        kprintf("%9zu %7u in all, from %u row%s", rows.bytes, rows.objects, rows.sites,
                plural(rows.sites));
    if (mark == NULL)
        kprintf("; no mark was set, so that is all");
    else
        kprintf(", of what was taken after serial %u", (unsigned)rows.after);
    kprintf("\n");
    print_tables_full();
    aftermath_print();
    return SHELL_OK;
}

/* ---- the command -------------------------------------------------------------------------- */

static const struct word {
    const char *name;
    int (*run)(int argc, char **argv, bool json);
} words[] = {
    { "list", leaks_list }, { "why", leaks_why }, { "lost", leaks_lost },
    { "tree", leaks_tree }, { "owners", leaks_owners },
    { "grow", leaks_grow },
};

static int cmd_leaks(int argc, char **argv)
{
    bool json = shell_option(&argc, argv, "-j");
    const char *word = argc > 1 ? argv[1] : "", *name = argc > 2 ? argv[2] : "";

    if (sites_unknown(json))
        return SHELL_FAILED;
    for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(word, words[i].name) == 0)
            return words[i].run(argc, argv, json);
    if (!shell_at_most(argc, argv, 3))
        return SHELL_USAGE;
    if (strcmp(word, "mark") == 0)
        return set_mark(name, json);
    if (strcmp(word, "since") == 0)
        return report_since(name, json);
    if (!shell_at_most(argc, argv, 2))
        return SHELL_USAGE;
    if (word[0] == 0)
        return report_leaks(json ? ALL_KINDS : LOST_KINDS, json);
    if (strcmp(word, "all") == 0)
        return report_leaks(ALL_KINDS, json);
    return shell_usage("\"%s\" is none of these words", word);
}

SHELL_COMMAND_IN("find leaks", leaks,
    "[all|mark|since|list|why|lost|tree|owners|grow [ARG]] [-j]",
    "what is lost: nothing points to it any more",
    "Looks from the roots (variables of labs and lessons, what the shell holds) for\n"
    "all that is live, from pointer to pointer.  What it does not find is lost:\n"
    "    definite   nothing points to it      indirect   only what is lost does\n"
    "    possible   found, but only by way of a pointer into the middle of something\n"
    "    reachable  found: it is not lost\n"
    "all lists what is reachable, too; list [KIND|FILE:LINE], object by object.\n"
    "why ADDR: how it is reached, drawn: a sign is a word, * a pointer, o is ADDR.\n"
    "lost: where each leak was last seen (of scans before: run leaks now and then).\n"
    "tree: what each takes with it, and how much comes back.\n"
    "owners [FILE:LINE]: where things of each line usually hang.\n"
    "mark [NAME], run, since [NAME]: what one piece of work did not give back.\n"
    "grow: which lines had more at each mark, and under watch: a leak that is held.\n"
    "    leaks mark; kmalloc 100; kmalloc 200; forget $; leaks since",
    cmd_leaks);
