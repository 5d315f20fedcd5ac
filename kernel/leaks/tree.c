/*
 * tree.c - leaks tree: what each leak takes with it, and how much comes back if it is freed
 * with all of that.
 *
 *     bytes objects
 *       192       3  0x0021c080, 64 bytes, serial 3, a ring, by list.c:20
 *       at 0: 0x0021c0c0, 64 bytes, serial 4, by list.c:20
 *         at 0: 0x0021c100, 64 bytes, serial 5, by list.c:20
 *
 * Most bytes first.  They are ranked without memory for them all: a walk keeps the first so
 * many, printed next; with -j another walk keeps those that rank behind them, and so on.
 *
 * Cost: a scan, and a walk through what is lost (with -j one for each KEPT of them).
 */
#include "kernel/leaks/leaks_priv.h"

#include "kernel/cpu/cpu.h"
#include "kernel/memory/sites.h"
#include "kernel/shell.h"
#include "kernel/string.h"

enum { SHOWN = 10, ROWS = 7, DEEPEST = 6, KEPT = 1024, PLACE_SIZE = 96, COLUMN = 4 };

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

/* The first of all, or those behind the last of these.  False: there are none. */
static bool find_next(void)
{
    if (ranking.count > 0)
        ranking.behind = ranking.first[ranking.count - 1];
    ranking.count = 0;
    ranking.all = (struct mm_lost){ .objects = 0 };

    uint32_t flags = irq_save();

    mm_scan_each_lost(rank, NULL);
    irq_restore(flags);
    return ranking.count > 0 && !shell_interrupted();
}

static void begin_ranking(unsigned most)
{
    ranking.behind.start = 0;
    ranking.count = 0;
    ranking.most = most;
}

/* ---- one tree -------------------------------------------------------------------- */

struct tree {
    const struct mm_lost *lost;
    bool json;
    unsigned rows, depth, offset;       /* of the member that is told */
};

/* How far into its holder the word lies that holds it. */
static unsigned offset_in_holder(const struct mm_live *live)
{
    struct mm_live holder;

    return scan_find(live->seen_in, &holder)
               ? (unsigned)(live->seen_in - holder.start) : 0;
}

static void print_member_json(const struct tree *tree, const struct mm_live *live)
{
    unsigned depth = tree->depth;
    char place[PLACE_SIZE];

    kprintf("{\"depth\": %u, \"kind\": \"%s\", \"address\": \"0x%08x\", \"serial\": %u, "
            "\"site\": ", depth, kind_name(live->kind), (unsigned)live->start,
            (unsigned)live->serial);
    json_string(site_place(live->site, place, sizeof(place)));
    kprintf(", \"bytes\": %zu", live->asked);
    if (depth > 0)
        kprintf(", \"offset\": %u}\n", tree->offset);
    else
        kprintf(", \"objects\": %u, \"total\": %zu, \"ring\": %s}\n",
                (unsigned)tree->lost->objects, tree->lost->bytes,
                tree->lost->is_ring ? "true" : "false");
}

static void print_member(const struct tree *tree, const struct mm_live *live)
{
    unsigned depth = tree->depth;
    char place[PLACE_SIZE], where[40] = "";

    if (depth == 0)
        ksnprintf(where, sizeof(where), "%9zu %7u  ", tree->lost->bytes,
                  (unsigned)tree->lost->objects);
    else
        ksnprintf(where, sizeof(where), "%*sat %u: ",
                  COLUMN + 2 * (int)(depth < DEEPEST ? depth : DEEPEST), "", tree->offset);
    kprint_wrapped(0, "%s0x%08x, %zu bytes, serial %u%s, by %s", where,
                   (unsigned)live->start, live->asked, (unsigned)live->serial,
                   depth == 0 && tree->lost->is_ring ? ", a ring" : "",
                   site_place(live->site, place, sizeof(place)));
}

static bool tell_member(struct tree *tree, const struct mm_live *live)
{
    if (tree->json) {
        print_member_json(tree, live);
        return !shell_interrupted();
    }
    if (tree->rows++ < ROWS || tree->lost->objects == ROWS + 1) {
        print_member(tree, live);
        return !shell_interrupted();
    }
    kprintf("%*s... %u more\n", COLUMN + 2, "", (unsigned)tree->lost->objects - ROWS);
    return false;
}

/* Its members one by one, with interrupts on, and mm left, while one is told. */
static void print_tree(const struct mm_lost *lost, bool json)
{
    struct tree tree = { .lost = lost, .json = json };
    struct mm_scan_tree at = { .top = lost->start };
    struct mm_live live;
    bool found;

    do {
        uint32_t flags = irq_save();

        found = mm_scan_next_in_tree(&at, &live);
        tree.depth = at.depth;
        tree.offset = found && at.depth > 0 ? offset_in_holder(&live) : 0;
        irq_restore(flags);
    } while (found && tell_member(&tree, &live));
}

/* ---- all of them ----------------------------------------------------------------- */

static void print_all_json(const struct mm_scan *found)
{
    begin_ranking(KEPT);
    while (find_next())
        for (unsigned i = 0; i < ranking.count && !shell_interrupted(); i++)
            print_tree(&ranking.first[i], true);
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

static void print_first(const struct mm_scan *found)
{
    const struct mm_lost *all = &ranking.all;
    unsigned left = (unsigned)found->objects[MM_DEFINITE];
    size_t shown = 0;

    begin_ranking(SHOWN);
    if (!find_next()) {
        if (all->objects == found->objects[MM_INDIRECT])
            kprintf("nothing is lost\n");
        print_of_pieces(found, all);
        return;
    }
    kprintf("    bytes objects  what is lost, taken by whom; and what goes with it\n");
    for (unsigned i = 0; i < ranking.count && !shell_interrupted(); i++) {
        print_tree(&ranking.first[i], false);
        shown += ranking.first[i].bytes;
        left--;
    }
    if (left > 0)
        kprintf("%9zu          in %u more, each with no more: leaks tree -j\n",
                all->bytes - shown, left);
    kprintf("%9zu bytes come back: %u lost object%s, and %u that go with %s\n", all->bytes,
            (unsigned)found->objects[MM_DEFINITE], plural(found->objects[MM_DEFINITE]),
            (unsigned)(all->objects - found->objects[MM_DEFINITE]),
            found->objects[MM_DEFINITE] == 1 ? "it" : "them");
    print_of_pieces(found, all);
}

int leaks_tree(int argc, char **argv, bool json)
{
    struct scan_report report;

    if (!shell_at_most(argc, argv, 2))
        return SHELL_USAGE;
    if (!scan_leaks(&report))
        return SHELL_FAILED;
    if (json) {
        print_all_json(&report.found);
        return SHELL_OK;
    }
    print_first(&report.found);
    scan_print(&report);
    return SHELL_OK;
}
