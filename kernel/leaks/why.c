/*
 * why.c - leaks why: the shortest way from a root to it, as a picture (boxes.c).
 *
 * The way is found backwards, from note to note (mm/scan), and told forwards.  It may be as
 * long as a list, and there is no memory to turn it round in: so each of so many steps is
 * noted, and the steps between two of those are found again.
 *
 * It is told with interrupts on, and a handler may free what is on it: that is said, and what
 * has its place by then is no step.
 */
#include "kernel/leaks/boxes.h"
#include "kernel/leaks/kinds.h"
#include "kernel/leaks/leaks_priv.h"

#include "kernel/memory/sites.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "kernel/symbols.h"

enum { NOTED = 512, SHOWN = 4 };
enum { PLACE_SIZE = 96, DOUBT_SIZE = 64, HOW_SIZE = 48, TEXT_SIZE = 240,
       WHOLE_SIZE = TEXT_SIZE + HOW_SIZE + DOUBT_SIZE };

static struct {
    uint32_t newest;            /* serial number, when it was looked at */
    uintptr_t noted[NOTED];     /* words: of every stride-th step from the end */
    uintptr_t between[NOTED];   /* of the steps behind one of these, up to the next */
    unsigned count;             /* objects on the way, ADDR's own included */
    unsigned stride;
    unsigned segment;           /* whose steps are in `between` */
    uintptr_t root;             /* the word it begins with; 0: it begins with what is lost */
} way;

/* ---- the way ----------------------------------------------------------------------- */

/* What is around the word; false: what was there at the scan is freed meanwhile. */
static bool find_step(uintptr_t word, struct mm_live *live)
{
    return word != 0 && scan_find(word, live) && live->serial <= way.newest;
}

/* From the word (ADDR itself at first) to the one that its object was found in. */
static uintptr_t step_back(uintptr_t word)
{
    struct mm_live live;

    return find_step(word, &live) && live.kind != MM_DEFINITE ? live.seen_in : 0;
}

static bool is_in_object(uintptr_t word)
{
    struct mm_live live;

    return find_step(word, &live);
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
    way.stride = way.count / NOTED + 1;
    way.segment = UINT32_MAX;
    for (unsigned n = 0; n < way.count; n++, word = step_back(word))
        if (n % way.stride == 0)
            way.noted[n / way.stride] = word;
}

/* The word of the n-th step from the end; strides above NOTED are walked again. */
static uintptr_t word_of(unsigned n)
{
    unsigned segment = n / way.stride, at = n % way.stride;
    uintptr_t word = way.noted[segment];

    if (way.stride > NOTED) {
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

/* ---- as a picture ---------------------------------------------------------------------- */

static unsigned colour_of(enum mm_scan_kind kind)
{
    static const unsigned colours[MM_SCAN_KINDS] = {
        [MM_UNSEEN] = UNSEEN_COLOUR, [MM_REACHABLE] = REACHABLE_COLOUR,
        [MM_POSSIBLE] = POSSIBLE_COLOUR, [MM_INDIRECT] = INDIRECT_COLOUR,
        [MM_DEFINITE] = DEFINITE_COLOUR };

    return colours[kind];
}

/* What the word lies in: all of a variable, an object that is there, or was. */
static struct box box_around(const struct holder *holder)
{
    struct box box = { .bytes = sizeof(uintptr_t), .sign = '*' };
    struct symbol symbol;

    if (holder->is_live) {
        box.bytes = holder->live.asked > 0 ? holder->live.asked : 1;
        box.colour = colour_of(holder->live.kind);
    } else if (holder->former.serial != 0) {
        box.bytes = holder->former.asked;
    }
    box.at = holder->offset;
    if (holder->is_root && holder->root == ROOT_VARIABLES &&
        symbol_find(holder->word, &symbol)) {
        box.bytes = symbol.size;
        box.at = holder->word - symbol.start;
    }
    return box;
}

/* Draw the line to what is around next: where in that the word leads, if it still does. */
static void lead_to(struct box *box, const struct holder *holder, uintptr_t next, char *text,
                    size_t size)
{
    struct mm_live live;

    text[0] = '\0';
    box->head = ':';
    if (!find_step(next, &live))
        return;
    box->to_bytes = live.asked;

    enum leads leads = holder_leads(holder, &live);

    if (leads == LEADS_ELSEWHERE) {
        strlcpy(text, ", overwritten meanwhile", size);
        return;
    }
    box->head = 'v';
    if (leads == LEADS_TO_PAGE_STRUCT)
        strlcpy(text, ", to its page struct", size);
    if (leads != LEADS_TO_MIDDLE)
        return;
    box->to_at = holder->value - live.start;
    ksnprintf(text, size, ", into its middle, offset %u", (unsigned)box->to_at);
}

/* A step that is there no more, the n-th from the root. */
static void print_freed(unsigned n, uintptr_t word, bool json)
{
    struct box nobody = { .head = n < way.count ? ':' : 0 };
    char where[HOW_SIZE] = "", text[TEXT_SIZE];

    if (json) {
        kprintf("{\"step\": %u, \"kind\": \"freed\", \"symbol\": null, \"address\": "
                "\"0x%08x\", \"serial\": null, \"site\": null, \"offset\": 0, "
                "\"doubt\": null}\n", n, (unsigned)word);
        return;
    }
    if (word != 0)
        ksnprintf(where, sizeof(where), "0x%08x, ", (unsigned)word);
    ksnprintf(text, sizeof(text), "%sfreed meanwhile", where);
    box_print(&nobody, text);
}

/* That nothing leads to the first: who had it last, or nobody that is known. */
static void print_nobody(uintptr_t first)
{
    struct box nobody = { .head = '?' };
    char text[SEEN_SIZE], whole[SEEN_SIZE + 80];
    struct mm_live live;
    struct seen seen;

    if (!find_step(first, &live)) {
        print_freed(0, 0, false);
    } else if (live.kind == MM_REACHABLE) {
        box_print(&nobody, "of the first of these was said that it is no leak (kmemleak)");
    } else if (live.kind == MM_DEFINITE && lost_seen(&live, &seen)) {
        nobody = box_around(&seen.holder);
        nobody.sign = 'x';
        nobody.head = ':';
        nobody.to_bytes = live.asked;
        ksnprintf(whole, sizeof(whole), "%s: nothing points to the next one, it is lost",
                  seen_text(&seen, text, sizeof(text)));
        box_print(&nobody, whole);
    } else {
        box_print(&nobody, "nothing points to the first of these: it is lost");
    }
}

static void print_root(bool json)
{
    struct holder holder;
    char text[TEXT_SIZE], how[HOW_SIZE], doubt[DOUBT_SIZE], whole[WHOLE_SIZE];

    if (way.root == 0) {
        if (!json)
            print_nobody(word_of(way.count - 1));
        return;
    }
    holder_find(way.root, &holder);
    if (!holder.is_root) {
        print_freed(0, way.root, json);
        return;
    }
    if (json) {
        kprintf("{\"step\": 0, \"kind\": \"root\"");
        holder_json(&holder);
        kprintf(", \"doubt\": %s}\n", doubt_name(&holder));
        return;
    }

    struct box box = box_around(&holder);

    lead_to(&box, &holder, word_of(way.count - 1), how, sizeof(how));
    ksnprintf(whole, sizeof(whole), "%s%s%s", holder_text(&holder, text, sizeof(text)), how,
              doubt_text(&holder, doubt, sizeof(doubt)));
    box_print(&box, whole);
}

static void print_step_json(unsigned n, const struct holder *holder, bool is_last)
{
    kprintf("{\"step\": %u, \"kind\": \"%s\"", n, kind_name(holder->live.kind));
    holder_json(holder);
    kprintf(", \"doubt\": %s}\n", is_last ? "null" : doubt_name(holder));
}

/* The n-th from the root. */
static void print_step(unsigned n, bool json)
{
    struct holder holder;
    char place[PLACE_SIZE], how[HOW_SIZE] = "", doubt[DOUBT_SIZE] = "", whole[WHOLE_SIZE];
    bool is_last = n == way.count;      /* of which the word is an address only */

    holder_find(word_of(way.count - n), &holder);
    if (!holder.is_live || holder.live.serial > way.newest) {
        print_freed(n, holder.word, json);
        return;
    }
    if (json) {
        print_step_json(n, &holder, is_last);
        return;
    }

    struct box box = box_around(&holder);

    if (is_last) {
        box.sign = 'o';
    } else {
        lead_to(&box, &holder, word_of(way.count - n - 1), how, sizeof(how));
        doubt_text(&holder, doubt, sizeof(doubt));
    }
    ksnprintf(whole, sizeof(whole), "0x%08x, %zu bytes, serial %u, by %s: %s offset %u%s%s",
              (unsigned)holder.live.start, holder.live.asked, (unsigned)holder.live.serial,
              site_place(holder.live.site, place, sizeof(place)),
              is_last ? "this is it," : "next at", (unsigned)holder.offset, how, doubt);
    box_print(&box, whole);
}

static void print_left_out(unsigned steps)
{
    struct box nobody = { .head = ':' };
    char text[TEXT_SIZE];

    ksnprintf(text, sizeof(text), "... %u more ...", steps);
    box_print(&nobody, text);
}

/* ---- leaks why ----------------------------------------------------------------------- */

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
    way.newest = report.found.serial;
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
            print_left_out(way.count - 2 * SHOWN);
    }
    return SHELL_OK;
}
