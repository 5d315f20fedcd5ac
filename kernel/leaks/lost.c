/*
 * lost.c - leaks lost: of each leak the word that it was last seen in, and what became of
 * that.
 *
 *     scan 1    list -> A -> B        B was found in A, at offset 0
 *     scan 2    list -> A    B        B is lost.  A's word holds something else now:
 *                                     it was overwritten
 *
 * A lead, and no proof: between two scans a pointer may have moved on, and was lost
 * elsewhere.  The closer the scans, the better.
 */
#include "kernel/leaks/leaks_priv.h"

#include "kernel/memory/sites.h"
#include "kernel/shell.h"
#include "kernel/string.h"

enum { PLACE_SIZE = 96, TEXT_SIZE = 240 };

struct losses {
    bool json;
    unsigned objects, never;    /* lost; of them, never seen in anything */
    size_t bytes;
    struct seen seen;           /* where the one that is told next was last */
};

/* What became of the word, and by whose call if it is known. */
static const char *became(struct holder *holder, const struct mm_live *lost,
                          const struct alloc_site **by)
{
    struct mm_what what;

    *by = NULL;
    if (holder->is_root)
        return holder->root == ROOT_STACK ? "gone" :
               holder->root == ROOT_HELD ? "forgotten" : "overwritten";
    if (!holder->is_live) {
        *by = holder->former.freed_by;
        return "freed";
    }
    mm_what_is((const void *)holder->word, &what);
    if (scan_is_newer(&holder->live) ||
        (holder->live.serial > lost->serial && what.before.serial != 0)) {
        holder_was_retaken(holder);
        *by = what.before.freed_by;
        return "freed";
    }
    if (holder->value - lost->start >= lost->room)
        return "overwritten";
    return is_lost(&holder->live) ? "lost as well" : "not looked at any more";
}

/* "... is gone"; not "... was overwritten". */
static bool is_now(const char *end)
{
    return strcmp(end, "gone") == 0 || strncmp(end, "not ", 4) == 0;
}

bool lost_seen(const struct mm_live *lost, struct seen *seen)
{
    seen->became = NULL;
    seen->by = NULL;
    if (lost->seen_in == 0)
        return false;
    holder_find(lost->seen_in, &seen->holder);
    seen->became = became(&seen->holder, lost, &seen->by);
    return true;
}

const char *seen_text(const struct seen *seen, char *text, size_t size)
{
    char holder[TEXT_SIZE], caller[PLACE_SIZE];

    ksnprintf(text, size, "%s, which %s %s%s%s",
              holder_text(&seen->holder, holder, sizeof(holder)),
              is_now(seen->became) ? "is" : "was", seen->became,
              seen->by != NULL ? " by " : "",
              seen->by != NULL ? site_place(seen->by, caller, sizeof(caller)) : "");
    return text;
}

static void print_loss_json(const struct losses *losses, const struct mm_live *lost,
                            const char *place)
{
    const struct seen *seen = &losses->seen;
    char text[TEXT_SIZE];

    kprintf("{\"address\": \"0x%08x\", \"serial\": %u, \"site\": ", (unsigned)lost->start,
            (unsigned)lost->serial);
    json_string(place);
    kprintf(", \"bytes\": %zu, \"slot\": ", lost->asked);
    if (seen->became != NULL) {
        json_string(holder_text(&seen->holder, text, sizeof(text)));
        kprintf(", \"became\": \"%s\", \"by\": ", seen->became);
    } else {
        kprintf("null, \"became\": null, \"by\": ");
    }
    if (seen->by != NULL)
        json_string(site_place(seen->by, text, sizeof(text)));
    else
        kprintf("null");
    kprintf(", \"usual\": ");
    json_string(owners_usual(lost->site, text, sizeof(text)));
    kprintf("}\n");
}

/* Where its link belonged, as far as others of its line tell. */
static void print_usual(const struct alloc_site *site)
{
    char text[TEXT_SIZE];

    if (owners_usual(site, text, sizeof(text))[0] != 0)
        kprint_wrapped(0, "  %s", text);
}

static void print_loss(const struct losses *losses, const struct mm_live *lost,
                       const char *place)
{
    char text[SEEN_SIZE];

    kprint_wrapped(2, "0x%08x, %zu bytes, serial %u, taken by %s", (unsigned)lost->start,
                   lost->asked, (unsigned)lost->serial, place);
    kprint_wrapped(4, "  last seen in %s", seen_text(&losses->seen, text, sizeof(text)));
    print_usual(lost->site);
}

static bool look(const struct mm_live *live, void *arg)
{
    struct losses *losses = arg;

    if (live->kind != MM_DEFINITE)
        return false;
    losses->objects++;
    losses->bytes += live->asked;
    losses->never += live->seen_in == 0;
    return lost_seen(live, &losses->seen) || losses->json;
}

static bool tell(const struct mm_live *live, void *arg)
{
    const struct losses *losses = arg;
    char place[PLACE_SIZE];

    site_place(live->site, place, sizeof(place));
    if (losses->json)
        print_loss_json(losses, live, place);
    else
        print_loss(losses, live, place);
    return !shell_interrupted();
}

int leaks_lost(int argc, char **argv, bool json)
{
    struct losses losses = { .json = json };
    struct scan_report report;

    if (!shell_at_most(argc, argv, 2))
        return SHELL_USAGE;
    if (!scan_leaks(&report))
        return SHELL_FAILED;
    owners_count();
    scan_each(look, tell, &losses);
    if (json) {
        kprintf("{\"summary\": true, \"objects\": %u, \"bytes\": %zu, \"never_seen\": %u}\n",
                losses.objects, losses.bytes, losses.never);
        return SHELL_OK;
    }
    if (losses.objects == 0)
        kprintf("nothing is lost\n");
    else if (losses.never > 0)
        kprint_wrapped(0, "%u%s object%s lost, and no look before has seen a pointer to %s: "
                       "run leaks before and after what may lose something",
                       losses.never, losses.never < losses.objects ? " more" : "",
                       losses.never == 1 ? " is" : "s are",
                       losses.never == 1 ? "it" : "them");
    if (losses.never > 0)
        owners_print_usual();
    scan_print(&report);
    return SHELL_OK;
}
