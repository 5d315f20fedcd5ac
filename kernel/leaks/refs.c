/*
 * refs.c - refs: every word that points to it.
 *
 * Printing takes long, so it is done with interrupts on, when a pass has found some of them:
 * the lowest so many above the last that was told, then the next ones.
 */
#include "kernel/leaks/leaks_priv.h"

#include "kernel/memory/sites.h"
#include "kernel/shell.h"
#include "kernel/string.h"

enum { KEPT = 512, DOUBT_SIZE = 64, TEXT_SIZE = 240 };

static struct {
    uintptr_t words[KEPT];      /* by ascending address */
    unsigned count;
    uintptr_t last;             /* that was told; 0: none */
} found;

static void keep_word(const uintptr_t *at, void *unused)
{
    uintptr_t word = (uintptr_t)at;
    unsigned i = found.count;

    (void)unused;
    if (word <= found.last || (i == KEPT && word > found.words[--i]))
        return;
    for (; i > 0 && found.words[i - 1] > word; i--)
        found.words[i] = found.words[i - 1];
    found.words[i] = word;
    if (found.count < KEPT)
        found.count++;
}

static bool find_words(struct mm_wanted *wanted)
{
    found.last = found.count > 0 ? found.words[found.count - 1] : 0;
    found.count = 0;
    scan_refs(wanted);
    return found.count > 0;
}

/* False: what it lay in was given back meanwhile, or it was overwritten. */
static bool print_referrer(uintptr_t word, const struct mm_live *to, bool json)
{
    struct holder holder;
    char text[TEXT_SIZE], doubt[DOUBT_SIZE];

    holder_find(word, &holder);

    enum leads leads = holder_leads(&holder, to);

    if (leads == LEADS_ELSEWHERE || (!holder.is_root && !holder.is_live))
        return false;

    if (json) {
        kprintf("{\"from\": ");
        json_string(holder.is_root ? holder.name : holder_text(&holder, text, sizeof(text)));
        kprintf(", \"address\": \"0x%08x\", \"serial\": ", (unsigned)word);
        kprintf(holder.is_live ? "%u" : "null", (unsigned)holder.live.serial);
        kprintf(", \"site\": ");
        if (holder.is_live)
            json_string(site_place(holder.live.site, text, sizeof(text)));
        else
            kprintf("null");
        kprintf(", \"offset\": %u, \"interior\": %s, \"doubt\": %s}\n",
                (unsigned)holder.offset,
                leads == LEADS_TO_MIDDLE ? "true" : "false",
                doubt_name(&holder));
        return true;
    }
    kprint_wrapped(2, "0x%08x  %s%s%s", (unsigned)word,
                   holder_text(&holder, text, sizeof(text)),
                   leads == LEADS_TO_PAGE_STRUCT ? ": to its page struct" :
                   leads == LEADS_TO_MIDDLE ? ": into its middle" : "",
                   doubt_text(&holder, doubt, sizeof(doubt)));
    return true;
}

/* How many there are. */
static unsigned print_referrers(const struct mm_live *to, bool json)
{
    struct mm_wanted wanted = { to->start, to->room, keep_word, NULL };
    unsigned count = 0;

    found.count = 0;
    while (!shell_interrupted() && find_words(&wanted))
        for (unsigned i = 0; i < found.count && !shell_interrupted(); i++)
            count += print_referrer(found.words[i], to, json);
    return count;
}

static int cmd_refs(int argc, char **argv)
{
    bool json = shell_option(&argc, argv, "-j");
    struct mm_live live;
    unsigned count;
    uint32_t address;

    if (argc < 2)
        return shell_usage("ADDR is missing");
    if (!shell_at_most(argc, argv, 2) || !shell_address(argv[1], "ADDR", &address))
        return SHELL_USAGE;
    if (sites_unknown(json))
        return SHELL_FAILED;
    if (!scan_find(address, &live)) {
        if (!json)
            kprintf("refs: 0x%08x: nothing is live there: see whatis\n",
                    (unsigned)address);
        return SHELL_FAILED;
    }
    count = print_referrers(&live, json);
    if (!json)
        kprintf("%u word%s point%s to 0x%08x (%zu bytes, serial %u)\n", count,
                plural(count), count == 1 ? "s" : "", (unsigned)live.start,
                live.asked, (unsigned)live.serial);
    return SHELL_OK;
}

SHELL_COMMAND_IN("find leaks", refs, "ADDR|$N [-j]", "what points to an object or block",
    "Every word that has its address, or that of a byte in its middle: in variables\n"
    "of labs and lessons, in what the shell holds, in all that is live.  A word that\n"
    "only looks like a pointer is told as well: what ends where this begins, a text.\n"
    "    kmalloc 100; refs $; leaks why $",
    cmd_refs);
