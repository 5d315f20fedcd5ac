/*
 * cmd_allocinfo.c - allocinfo: live bytes and objects of each line that allocates, in the
 * format of Linux's /proc/allocinfo.
 *
 * Cost: one walk over the heap.  Without records (kmemleak=off) nobody knows.
 */
#include "kernel/memory/sites.h"
#include "kernel/shell.h"
#include "mm/mm.h"
#include "mm/watch/stack.h"

enum { PLACE_SIZE = 96 };

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
    sites_count(UINT32_MAX, 0);
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
    if (sites_unknown(json))
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
