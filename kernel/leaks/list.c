/*
 * list.c - leaks list: each object by its address, serial number, size, kind, and with what
 * it begins, as text.
 *
 * With -j also how many words point to it (counts.c), and a last row that says how many rows
 * there were: without it the listing did not come to its end.
 */
#include "kernel/leaks/leaks_priv.h"

#include "kernel/memory/sites.h"
#include "kernel/shell.h"
#include "kernel/shown.h"
#include "kernel/string.h"

enum { PLACE_SIZE = 96, TEXT_BYTES = 16, TEXT_SIZE = 240, TAKER_COLUMN = 58 };

struct listing {
    const char *line;           /* only those that this line took; NULL: all */
    unsigned kinds;
    bool json;
    unsigned objects;
    size_t bytes;
    char text[TEXT_BYTES + 1];  /* of the one that is told next: with what it begins, */
    struct holder holder;       /*   who holds it, if there is somebody, */
    unsigned refs;              /*   and how many words point to it */
};

static bool is_listed(const struct mm_live *live, void *arg)
{
    const struct listing *listing = arg;

    return listing->kinds >> live->kind & 1 &&
           (listing->line == NULL || site_is(live->site, listing->line));
}

/* What cannot be shown is a dot. */
static void read_text(struct listing *listing, const struct mm_live *live)
{
    const uint8_t *byte = (const uint8_t *)live->start;
    unsigned n = 0;

    for (; n < TEXT_BYTES && n < live->asked; n++)
        listing->text[n] = shown_in_dump(byte[n]);
    listing->text[n] = 0;
}

static bool look(const struct mm_live *live, void *arg)
{
    struct listing *listing = arg;

    if (!is_listed(live, arg))
        return false;
    if (!listing->json) {
        read_text(listing, live);
        return true;
    }
    listing->refs = counts_of(live, is_listed, arg);
    if (live->seen_in != 0)
        holder_find(live->seen_in, &listing->holder);
    return true;
}

static void print_row_json(const struct listing *listing, const struct mm_live *live,
                           const char *place)
{
    char text[TEXT_SIZE];

    kprintf("{\"kind\": \"%s\", \"site\": ", kind_name(live->kind));
    json_string(place);
    kprintf(", \"func\": ");
    json_string(site_function(live->site));
    kprintf(", \"address\": \"0x%08x\", \"serial\": %u, \"bytes\": %zu, \"refs\": %u, "
            "\"last_seen\": ", (unsigned)live->start, (unsigned)live->serial, live->asked,
            listing->refs);
    if (live->seen_in != 0)
        json_string(holder_text(&listing->holder, text, sizeof(text)));
    else
        kprintf("null");
    kprintf("}\n");
}

static void print_row(const struct listing *listing, const struct mm_live *live,
                      const char *place)
{
    char member[TEXT_SIZE];

    if (listing->objects == 0)
        kprintf("   address  serial    bytes  kind       begins with        taken by\n");
    kprint_wrapped(TAKER_COLUMN, "0x%08x %7u %8zu  %-9s  %-17s  %s%s", (unsigned)live->start,
                   (unsigned)live->serial, live->asked, kind_name(live->kind),
                   listing->text, place, owners_member(live, member, sizeof(member)));
}

static bool tell(const struct mm_live *live, void *arg)
{
    struct listing *listing = arg;
    char place[PLACE_SIZE];

    site_place(live->site, place, sizeof(place));
    if (listing->json)
        print_row_json(listing, live, place);
    else
        print_row(listing, live, place);
    listing->objects++;
    listing->bytes += live->asked;
    return !shell_interrupted();
}

/* The last row, so that whoever reads knows that nothing is missing. */
static void print_summary(const struct listing *listing, const struct scan_report *report)
{
    if (!listing->json) {
        kprintf("%u object%s, %zu byte%s\n", listing->objects, plural(listing->objects),
                listing->bytes, plural(listing->bytes));
        scan_print(report);
    } else if (!shell_interrupted()) {
        kprintf("{\"summary\": true, \"objects\": %u, \"bytes\": %zu}\n",
                listing->objects, listing->bytes);
    }
}

static bool is_kind(const char *word, unsigned *kinds)
{
    for (unsigned kind = MM_REACHABLE; kind < MM_SCAN_KINDS; kind++)
        if (strcmp(word, kind_name((enum mm_scan_kind)kind)) == 0) {
            *kinds = 1u << kind;
            return true;
        }
    return false;
}

int leaks_list(int argc, char **argv, bool json)
{
    struct listing listing = { .kinds = json ? ALL_KINDS : LOST_KINDS, .json = json };
    struct scan_report report;

    if (!shell_at_most(argc, argv, 3))
        return SHELL_USAGE;
    if (argc == 3 && !is_kind(argv[2], &listing.kinds)) {
        if (!is_line(argv[2]))
            return shell_usage("\"%s\" is neither a kind (definite, indirect, possible, "
                               "reachable) nor a line (FILE:LINE)", argv[2]);
        listing.line = argv[2];
        listing.kinds = ALL_KINDS;
    }
    if (!scan_leaks(&report))
        return SHELL_FAILED;
    if (!json)
        owners_count();
    counts_begin();
    scan_each(look, tell, &listing);
    if (listing.line != NULL && listing.objects == 0)
        return line_took_nothing("list", listing.line, json);
    print_summary(&listing, &report);
    return SHELL_OK;
}
