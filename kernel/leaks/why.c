/*
 * why.c - leaks why: the shortest way from a root to it.
 *
 * The way is found backwards, from note to note (mm/scan), and told forwards.  It may be as
 * long as a list, and there is no memory to turn it round in: so each of so many steps is
 * kept on the way, and the steps between two of those are found again.
 */
#include "kernel/leaks/leaks_priv.h"

#include "kernel/memory/sites.h"
#include "kernel/shell.h"
#include "kernel/string.h"

enum { KEPT = 512, SHOWN = 12, PLACE_SIZE = 96, DOUBT_SIZE = 64, TEXT_SIZE = 240 };

static struct {
    uintptr_t kept[KEPT];       /* words: of every stride-th step from the end */
    uintptr_t between[KEPT];    /* of the steps behind one of these, up to the next */
    unsigned count;             /* objects on the way, ADDR's own included */
    unsigned stride;
    unsigned segment;           /* whose steps are in `between` */
    uintptr_t root;             /* the word it begins with; 0: it begins with what is lost */
} way;

/* ---- the way ----------------------------------------------------------------------- */

/* From the word (ADDR itself at first) to the one that its object was found in. */
static uintptr_t step_back(uintptr_t word)
{
    struct mm_live live;

    return scan_find(word, &live) && live.kind != MM_DEFINITE
               ? live.seen_in : 0;
}

static bool is_in_object(uintptr_t word)
{
    struct mm_live live;

    return word != 0 && scan_find(word, &live);
}

static unsigned count_steps(uintptr_t word)
{
    unsigned n = 0;

    way.root = word;
    for (; is_in_object(way.root); n++)
        way.root = step_back(way.root);
    return n;
}

static void find_way(uintptr_t addr)
{
    uintptr_t word = addr;

    way.count = count_steps(addr);
    way.stride = way.count / KEPT + 1;
    way.segment = UINT32_MAX;
    for (unsigned n = 0; n < way.count; n++, word = step_back(word))
        if (n % way.stride == 0)
            way.kept[n / way.stride] = word;
}

/* The word of the n-th step from the end; strides above KEPT are walked again. */
static uintptr_t word_of(unsigned n)
{
    unsigned segment = n / way.stride, at = n % way.stride;
    uintptr_t word = way.kept[segment];

    if (way.stride > KEPT) {
        while (at-- > 0)
            word = step_back(word);
        return word;
    }
    if (segment != way.segment)
        for (unsigned i = 0; i < way.stride; i++, word = step_back(word))
            way.between[i] = word;
    way.segment = segment;
    return way.between[at];
}

/* ---- leaks why ----------------------------------------------------------------------- */

static bool is_kept(uintptr_t word)
{
    struct mm_live live;

    return scan_find(word, &live) && live.kind == MM_REACHABLE;
}

/* Does the word hold the middle of what is around next, and not its start? */
static bool is_into_middle(const struct holder *holder, uintptr_t next)
{
    struct mm_live live;

    return scan_find(next, &live) && holder->value - live.start - 1 < live.room - 1;
}

static void print_root(bool json)
{
    struct holder holder;
    char text[TEXT_SIZE], doubt[DOUBT_SIZE];

    if (way.root == 0) {
        if (!json)
            kprintf(is_kept(word_of(way.count - 1))
                        ? "of the first of these was said that it is no leak (kmemleak)\n"
                        : "nothing points to the first of these: it is lost\n");
        return;
    }
    holder_find(way.root, &holder);
    if (json) {
        kprintf("{\"step\": 0, \"kind\": \"root\"");
        holder_json(&holder);
        kprintf(", \"doubt\": %s}\n", doubt_name(&holder));
    } else {
        kprint_wrapped(6, "   0  %s%s%s", holder_text(&holder, text, sizeof(text)),
                       is_into_middle(&holder, word_of(way.count - 1))
                           ? ", into the middle of the first" : "",
                       doubt_text(&holder, doubt, sizeof(doubt)));
    }
}

/* The n-th from the root. */
static void print_step(unsigned n, bool json)
{
    struct holder holder;
    char place[PLACE_SIZE], doubt[DOUBT_SIZE];
    bool is_last = n == way.count;      /* of which the word is an address only */
    const char *to = is_last ? "this is it, offset " : "next at offset ", *how = "";

    holder_find(word_of(way.count - n), &holder);
    if (!is_last && is_into_middle(&holder, word_of(way.count - n - 1)))
        how = ", into its middle";
    if (json) {
        kprintf("{\"step\": %u, \"kind\": \"%s\"", n, kind_name(holder.live.kind));
        holder_json(&holder);
        kprintf(", \"doubt\": %s}\n", is_last ? "null" : doubt_name(&holder));
    } else {
        kprint_wrapped(6, "%4u  0x%08x  %zu bytes, serial %u, taken by %s: %s%u%s%s", n,
                       (unsigned)holder.live.start, holder.live.asked,
                       (unsigned)holder.live.serial,
                       site_place(holder.live.site, place, sizeof(place)),
                       to, (unsigned)holder.offset, how,
                       is_last ? "" : doubt_text(&holder, doubt, sizeof(doubt)));
    }
}

int leaks_why(int argc, char **argv, bool json)
{
    struct scan_report report;
    uint32_t address;

    if (argc < 3)
        return shell_usage("leaks why ADDR: ADDR is missing");
    if (!shell_at_most(argc, argv, 3) || !shell_address(argv[2], "ADDR", &address))
        return SHELL_USAGE;
    if (!scan_leaks(&report))
        return SHELL_FAILED;
    if (!is_in_object(address)) {
        if (!json)
            kprintf("leaks why: 0x%08x: nothing is live there: see whatis\n",
                    (unsigned)address);
        return SHELL_FAILED;
    }
    find_way(address);
    print_root(json);
    for (unsigned n = 1; n <= way.count && !shell_interrupted(); n++) {
        if (json || n <= SHOWN || n + SHOWN > way.count)
            print_step(n, json);
        else if (n == SHOWN + 1)
            kprintf("      ... %u more ...\n", way.count - 2 * SHOWN);
    }
    return SHELL_OK;
}
