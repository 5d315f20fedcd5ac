/*
 * tree.c - leaks tree: what each leak takes with it, and how much comes back if it is freed
 * with all of that.
 *
 *     bytes objects
 *      6412     101  0x0021c080, 12 bytes, serial 3, by labs/list.c:20
 *       128       2  |- at 0: 0x0021c0c0, 64 bytes, serial 4, list.c:24
 *        64       1  | `- at 8: 0x0021c100, 64 bytes, serial 5, list.c:25
 *        64       1  |- at 4: 0x0021c140, 64 bytes, serial 6, list.c:24
 *      6208      97  `- 97 more
 *
 * A row's bytes and objects are its own with all that hangs on it.  What is not drawn is
 * summed up where it begins, with what else of its tree is not.
 *
 * Most bytes first.  They are ranked without memory for them all: a walk keeps the first so
 * many, printed next; with -j another walk keeps those that rank behind them, and so on.
 *
 * Cost: a scan, a walk through what is lost (with -j one for each KEPT of them), and one
 * through each tree that is drawn.
 */
#include "kernel/leaks/beside.h"
#include "kernel/leaks/leaks_priv.h"

#include "kernel/cpu/cpu.h"
#include "kernel/memory/sites.h"
#include "kernel/shell.h"
#include "kernel/string.h"

/* On a screen: so many rows of a tree, and rows of all trees. */
enum { ROWS = 7, ROWS_OF_ALL = 16, KEPT = 1024 };
enum { COLUMN = 19, BRANCH = 2, PLACE_SIZE = 96, TEXT_SIZE = 240 };

/* ---- most bytes first ------------------------------------------------------------ */

static struct ranking {
    struct mm_lost first[KEPT]; /* in order */
    unsigned count, most;       /* that are kept, at most */
    struct mm_lost behind;      /* only what ranks behind this one; start 0: all */
    struct mm_lost all;         /* the sums, whatever it ranks behind */
} ranking;

static bool ranks_before(const struct mm_lost *a, const struct mm_lost *b)
{
    return a->bytes != b->bytes ? a->bytes > b->bytes : a->start < b->start;
}

static bool rank(const struct mm_lost *lost, void *arg)
{
    unsigned i = ranking.count;

    (void)arg;
    ranking.all.objects += lost->objects;
    ranking.all.bytes += lost->bytes;
    if (ranking.behind.start != 0 && !ranks_before(&ranking.behind, lost))
        return true;
    if (i == ranking.most && !ranks_before(lost, &ranking.first[--i]))
        return true;
    for (; i > 0 && ranks_before(lost, &ranking.first[i - 1]); i--)
        ranking.first[i] = ranking.first[i - 1];
    ranking.first[i] = *lost;
    if (ranking.count < ranking.most)
        ranking.count++;
    return true;
}

static void rank_all(void *unused)
{
    (void)unused;
    mm_scan_each_lost(rank, NULL);
}

/* The first of all, or those behind the last of these.  False: there are none. */
static bool find_next(struct scan_report *report)
{
    if (ranking.count > 0)
        ranking.behind = ranking.first[ranking.count - 1];
    ranking.count = 0;
    ranking.all = (struct mm_lost){ .objects = 0 };
    scan_look(report, rank_all, NULL);
    return ranking.count > 0 && !shell_interrupted();
}

static void begin_ranking(unsigned most)
{
    ranking.behind.start = 0;
    ranking.count = 0;
    ranking.most = most;
}

/* ---- one tree -------------------------------------------------------------------- */

/* One of its members, or of those that are drawn the sum of what is not: start 0. */
struct member {
    struct mm_live live;
    unsigned depth, offset;     /* of the word that holds it, in its holder */
    uint32_t objects;           /* it and all that hangs on it, */
    size_t bytes;               /*   as asked for */
};

/* How far into its holder the word lies that holds it. */
static unsigned offset_in_holder(const struct mm_live *live)
{
    struct mm_live holder;

    return scan_find(live->seen_in, &holder)
               ? (unsigned)(live->seen_in - holder.start) : 0;
}

/*
 * The next one, with interrupts on, and mm left, until it is told.  Its offset takes as long
 * as all the rest, and is found if it is told.
 */
static bool find_member(struct mm_scan_tree *at, struct member *member, bool is_told)
{
    uint32_t flags = irq_save();
    bool found = mm_scan_next_in_tree(at, &member->live);

    member->depth = at->depth;
    member->offset = found && is_told && at->depth > 0 ? offset_in_holder(&member->live) : 0;
    irq_restore(flags);
    return found && !shell_interrupted();
}

static void print_member_json(const struct mm_lost *lost, const struct member *member)
{
    const struct mm_live *live = &member->live;
    char place[PLACE_SIZE];

    kprintf("{\"depth\": %u, \"kind\": \"%s\", \"address\": \"0x%08x\", \"serial\": %u, "
            "\"site\": ", member->depth, kind_name(live->kind), (unsigned)live->start,
            (unsigned)live->serial);
    json_string(site_place(live->site, place, sizeof(place)));
    kprintf(", \"bytes\": %zu", live->asked);
    if (member->depth > 0)
        kprintf(", \"offset\": %u}\n", member->offset);
    else
        kprintf(", \"objects\": %u, \"total\": %zu, \"ring\": %s}\n",
                (unsigned)lost->objects, lost->bytes, lost->is_ring ? "true" : "false");
}

static void print_tree_json(const struct mm_lost *lost)
{
    struct mm_scan_tree at = { .top = lost->start };
    struct member member;

    while (find_member(&at, &member, true))
        print_member_json(lost, &member);
}

/* ---- as a picture ----------------------------------------------------------------- */

static struct drawing {
    const struct mm_lost *lost;
    struct member rows[ROWS + 1];       /* as they are drawn */
    unsigned count;
    unsigned row;               /* that is drawn now */
    unsigned open[ROWS + 1];    /* by depth: the row of whom the next one may hang on, */
    unsigned opened;            /*   and of how many depths there is one */
} drawing;

static unsigned rows_of(const struct mm_lost *lost)
{
    return lost->objects < ROWS + 1 ? (unsigned)lost->objects : ROWS + 1;
}

/* Below the first rows: their sum, as deep as the one of these that is least deep. */
static void leave_out(const struct member *member)
{
    struct member *left = &drawing.rows[ROWS];

    if (drawing.count == ROWS) {
        drawing.count++;
        *left = (struct member){ .depth = member->depth };
    }
    if (left->depth > member->depth)
        left->depth = member->depth;
    left->objects++;
    left->bytes += member->live.asked;
}

static bool is_next_drawn(void)
{
    return drawing.count < ROWS || drawing.lost->objects == ROWS + 1;
}

static void add_member(struct member *member)
{
    unsigned depth = member->depth;
    bool is_drawn = is_next_drawn();

    if (drawing.opened > depth)
        drawing.opened = depth;
    if (is_drawn) {
        drawing.open[drawing.opened++] = drawing.count;
        drawing.rows[drawing.count++] = *member;
    }
    for (unsigned i = 0; i < drawing.opened; i++) {
        drawing.rows[drawing.open[i]].objects++;
        drawing.rows[drawing.open[i]].bytes += member->live.asked;
    }
    if (!is_drawn)
        leave_out(member);
}

/* Does one that hangs on the same come below that row? */
static bool is_followed(unsigned row, unsigned depth)
{
    while (++row < drawing.count && drawing.rows[row].depth > depth)
        ;
    return row < drawing.count && drawing.rows[row].depth == depth;
}

static size_t draw_branches(unsigned text_row, bool is_last, const void *arg)
{
    const struct member *member = &drawing.rows[drawing.row];

    (void)is_last, (void)arg;
    if (text_row == 0)
        kprintf("%9zu %7u ", member->bytes, (unsigned)member->objects);
    else
        kprintf("%*s", COLUMN - 1, "");
    for (unsigned depth = 1; depth <= member->depth; depth++) {
        bool goes_on = is_followed(drawing.row, depth);

        if (text_row > 0 || depth < member->depth)
            kprintf(goes_on ? " |" : "  ");
        else
            kprintf(goes_on ? " |-" : " `-");
    }
    return COLUMN - 1 + BRANCH * member->depth + (text_row == 0 && member->depth > 0);
}

static void format_member(const struct member *member, char *text, size_t size)
{
    const struct mm_live *live = &member->live;
    char place[PLACE_SIZE], what[64];

    site_place(live->site, place, sizeof(place));
    ksnprintf(what, sizeof(what), "0x%08x, %zu bytes, serial %u", (unsigned)live->start,
              live->asked, (unsigned)live->serial);
    if (live->start == 0)
        ksnprintf(text, size, "%u more", (unsigned)member->objects);
    else if (member->depth > 0)
        ksnprintf(text, size, "at %u: %s, %s", member->offset, what, place_end(place));
    else
        ksnprintf(text, size, "%s%s, by %s", what, drawing.lost->is_ring ? ", a ring" : "",
                  place);
}

static void draw_member(const struct member *member)
{
    char text[TEXT_SIZE];

    format_member(member, text, sizeof(text));
    beside_print(COLUMN + (member->depth > 0 ? BRANCH * member->depth + 1 : 0), 1, text,
                 draw_branches, NULL);
}

/* False: Ctrl-C came before all of it was summed up, and nothing is drawn. */
static bool draw_tree(const struct mm_lost *lost)
{
    struct mm_scan_tree at = { .top = lost->start };
    struct member member = { .objects = 0 };

    drawing.lost = lost;
    drawing.count = drawing.opened = 0;
    while (find_member(&at, &member, is_next_drawn()))
        add_member(&member);
    if (shell_interrupted())
        return false;
    for (drawing.row = 0; drawing.row < drawing.count; drawing.row++)
        draw_member(&drawing.rows[drawing.row]);
    return true;
}

/* ---- all of them ----------------------------------------------------------------- */

static void print_all_json(struct scan_report *report)
{
    const struct mm_scan *found = &report->found;

    begin_ranking(KEPT);
    while (find_next(report))
        for (unsigned i = 0; i < ranking.count && !shell_interrupted(); i++)
            print_tree_json(&ranking.first[i]);
    if (shell_interrupted())
        return;
    kprintf("{\"summary\": true, \"definite\": %u, \"indirect\": %u, \"bytes\": %zu}\n",
            (unsigned)found->objects[MM_DEFINITE], (unsigned)found->objects[MM_INDIRECT],
            found->bytes[MM_DEFINITE] + found->bytes[MM_INDIRECT]);
}

/* What goes with pieces that a program has told of by kmemleak_alloc is in no tree. */
static void print_of_pieces(const struct mm_scan *found, const struct mm_lost *all)
{
    unsigned more = (unsigned)(found->objects[MM_DEFINITE] + found->objects[MM_INDIRECT] -
                               all->objects);

    if (more > 0)
        kprintf("%9zu bytes in %u object%s go with lost pieces of kmemleak_alloc: see "
                "kmemleak\n", found->bytes[MM_DEFINITE] + found->bytes[MM_INDIRECT] -
                all->bytes, more, plural(more));
}

/* False: Ctrl-C, and the sums of those that follow are not known. */
static bool print_first(struct scan_report *report)
{
    const struct mm_scan *found = &report->found;
    const struct mm_lost *all = &ranking.all;
    unsigned left = (unsigned)found->objects[MM_DEFINITE], rows = 0;
    uint32_t objects = 0;
    size_t bytes = 0;

    begin_ranking(ROWS_OF_ALL);
    if (!find_next(report)) {
        if (shell_interrupted())
            return false;
        if (all->objects == found->objects[MM_INDIRECT])
            kprintf("nothing is lost\n");
        print_of_pieces(found, all);
        return true;
    }
    kprintf("    bytes objects  what is lost, taken by whom; and what goes with it\n");
    for (unsigned i = 0; i < ranking.count; i++) {
        rows += rows_of(&ranking.first[i]);
        if (rows > ROWS_OF_ALL)
            break;
        if (!draw_tree(&ranking.first[i]))
            return false;
        objects += ranking.first[i].objects;
        bytes += ranking.first[i].bytes;
        left--;
    }
    if (left > 0)
        kprintf("%9zu %7u  in %u more, each with no more: leaks tree -j\n",
                all->bytes - bytes, (unsigned)(all->objects - objects), left);
    kprintf("%9zu bytes come back: %u lost object%s, and %u that go with %s\n", all->bytes,
            (unsigned)found->objects[MM_DEFINITE], plural(found->objects[MM_DEFINITE]),
            (unsigned)(all->objects - found->objects[MM_DEFINITE]),
            found->objects[MM_DEFINITE] == 1 ? "it" : "them");
    print_of_pieces(found, all);
    return true;
}

int leaks_tree(int argc, char **argv, bool json)
{
    struct scan_report report;

    if (!shell_at_most(argc, argv, 2))
        return SHELL_USAGE;
    if (!scan_leaks(&report))
        return SHELL_FAILED;
    if (json) {
        print_all_json(&report);
        return SHELL_OK;
    }
    if (print_first(&report))
        scan_print(&report);
    else
        kprintf("interrupted\n");
    return SHELL_OK;
}
