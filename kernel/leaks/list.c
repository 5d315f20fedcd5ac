/*
 * list.c - leaks list: each object by its address, serial number, size, kind, and with what
 * it begins, as text.
 */
#include "kernel/leaks/leaks_priv.h"

#include "kernel/memory/sites.h"
#include "kernel/shell.h"
#include "kernel/shown.h"
#include "kernel/string.h"

enum { PLACE_SIZE = 96, TEXT_BYTES = 16, TEXT_SIZE = 240, TAKER_COLUMN = 58 };

struct listing {
    const char *site;           /* only those that this line took; NULL: all */
    unsigned kinds;
    bool json;
    unsigned objects;
    size_t bytes;
};

static bool is_listed(const struct listing *listing, const struct mm_live *live,
                      const char *place)
{
    return listing->kinds >> live->kind & 1 &&
           (listing->site == NULL || strcmp(place, listing->site) == 0);
}

/* What cannot be shown is a dot. */
static const char *first_bytes(const struct mm_live *live, char text[TEXT_BYTES + 1])
{
    const uint8_t *byte = (const uint8_t *)live->start;
    unsigned n = 0;

    for (; n < TEXT_BYTES && n < live->asked; n++)
        text[n] = shown_in_dump(byte[n]);
    text[n] = 0;
    return text;
}

static void count_ref(const uintptr_t *word, void *count)
{
    (void)word;
    ++*(unsigned *)count;
}

/* How many words point to it. */
static unsigned refs_to(const struct mm_live *live)
{
    unsigned count = 0;
    struct mm_wanted wanted = { live->start, live->room, count_ref, &count };

    scan_refs(&wanted);
    return count;
}

static void print_row_json(const struct mm_live *live, const char *place)
{
    struct holder holder;
    char text[TEXT_SIZE];

    kprintf("{\"kind\": \"%s\", \"site\": ", kind_name(live->kind));
    json_string(place);
    kprintf(", \"func\": ");
    json_string(site_function(live->site));
    kprintf(", \"address\": \"0x%08x\", \"serial\": %u, \"bytes\": %zu, \"refs\": %u, "
            "\"last_seen\": ", (unsigned)live->start, (unsigned)live->serial, live->asked,
            refs_to(live));
    if (live->seen_in == 0) {
        kprintf("null}\n");
        return;
    }
    holder_find(live->seen_in, &holder);
    json_string(holder_text(&holder, text, sizeof(text)));
    kprintf("}\n");
}

static void print_row(const struct listing *listing, const struct mm_live *live,
                      const char *place)
{
    char text[TEXT_BYTES + 1], member[TEXT_SIZE];

    if (listing->objects == 0)
        kprintf("   address  serial    bytes  kind       begins with        taken by\n");
    kprint_wrapped(TAKER_COLUMN, "0x%08x %7u %8zu  %-9s  %-17s  %s%s", (unsigned)live->start,
                   (unsigned)live->serial, live->asked, kind_name(live->kind),
                   first_bytes(live, text), place,
                   owners_member(live, member, sizeof(member)));
}

static bool list_one(const struct mm_live *live, void *arg)
{
    struct listing *listing = arg;
    char place[PLACE_SIZE];

    site_place(live->site, place, sizeof(place));
    if (!is_listed(listing, live, place))
        return !shell_interrupted();
    if (listing->json)
        print_row_json(live, place);
    else
        print_row(listing, live, place);
    listing->objects++;
    listing->bytes += live->asked;
    return !shell_interrupted();
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
        listing.site = argv[2];
        listing.kinds = ALL_KINDS;
    }
    if (!scan_leaks(&report))
        return SHELL_FAILED;
    if (!json)
        owners_count();
    mm_scan_walk(list_one, &listing);
    if (json)
        return SHELL_OK;
    kprintf("%u object%s, %zu byte%s\n", listing.objects, plural(listing.objects),
            listing.bytes, plural(listing.bytes));
    scan_print(&report);
    return SHELL_OK;
}
