/*
 * owners.c - leaks owners: where things of each line usually hang.
 *
 *     1000 of list.c:20
 *          899  at offset 0 of what list.c:20 took
 *          100  from nothing: lost
 *            1  from the variable head
 *
 * By the word that each was found in first (mm/scan).  So a lost one's siblings tell where
 * its link belonged; and if all pointers to a line's objects go to the same place in them,
 * they are links through a member, and no chance.
 *
 *   O1  a row is: whose objects, held by what, at which offset, to their start or not;
 *   O2  of one such pair and more than SPREAD offsets (an array) one row is made;
 *   O3  what finds no row is counted, and told.
 *
 * Cost: some 300 instructions for each that is live.
 */
#include "kernel/leaks/leaks_priv.h"

#include "kernel/memory/sites.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "kernel/symbols.h"

enum { ROWS = 192, SPREAD = 8, PLACE_SIZE = 96, TEXT_SIZE = 200 };

enum by { BY_NOTHING, BY_WORD, BY_SHELL, BY_STACK, BY_VARIABLE, BY_OBJECT };

struct range {
    uint32_t first, last;
};

static struct row {
    const struct alloc_site *site;      /* who took them */
    enum by by;
    uintptr_t holder;           /* the variable, or the site of the object */
    bool interior;              /* pointers to their middle */
    bool is_spread;             /* O2 */
    struct range offset;        /* in the holder, of the words that hold them */
    struct range member;        /* in them, of where these point to */
    uint32_t count, of_site;    /* objects; of all rows of that site */
} rows[ROWS];

static unsigned count, unplaced;
static struct row *newest;      /* the row that was counted in last */

/* ---- counting -------------------------------------------------------------------- */

static void extend(struct range *range, struct range by)
{
    range->first = by.first < range->first ? by.first : range->first;
    range->last = by.last > range->last ? by.last : range->last;
}

static bool is_pair(const struct row *row, const struct row *one)
{
    return row->site == one->site && row->by == one->by && row->holder == one->holder &&
           row->interior == one->interior;
}

static bool takes(const struct row *row, const struct row *one)
{
    return is_pair(row, one) &&
           (row->is_spread || row->offset.first == one->offset.first);
}

static void add(struct row *row, const struct row *one)
{
    extend(&row->offset, one->offset);
    extend(&row->member, one->member);
    row->count += one->count;
    newest = row;
}

/* The rows of its pair as one (O2), which is returned; NULL: they are too few. */
static struct row *spread(const struct row *one)
{
    struct row *first = NULL;
    unsigned pairs = 0, kept = 0;

    for (unsigned i = 0; i < count; i++)
        pairs += is_pair(&rows[i], one);
    if (pairs < SPREAD)
        return NULL;
    for (unsigned i = 0; i < count; i++) {
        if (first != NULL && is_pair(&rows[i], one)) {
            add(first, &rows[i]);
            continue;
        }
        rows[kept] = rows[i];
        if (is_pair(&rows[kept], one))
            first = &rows[kept];
        kept++;
    }
    count = kept;
    first->is_spread = true;
    return first;
}

static struct row *row_for(const struct row *one)
{
    struct row *row;

    if (newest != NULL && takes(newest, one))
        return newest;
    for (unsigned i = 0; i < count; i++)
        if (takes(&rows[i], one))
            return &rows[i];
    row = spread(one);
    if (row == NULL && count < ROWS) {
        row = &rows[count++];
        *row = *one;
        row->count = 0;
    }
    return row;
}

/* ---- what holds it --------------------------------------------------------------- */

static void set_root(struct row *one, const struct holder *holder)
{
    struct symbol symbol;

    one->by = holder->root == ROOT_HELD ? BY_SHELL :
              holder->root == ROOT_STACK ? BY_STACK : BY_VARIABLE;
    if (one->by != BY_VARIABLE)
        return;
    one->holder = symbol_find(holder->word, &symbol) ? symbol.start : holder->word;
    one->offset.first = one->offset.last = (uint32_t)(holder->word - one->holder);
}

static void set_holder(struct row *one, const struct mm_live *live)
{
    struct holder holder;

    holder_find(live->seen_in, &holder);

    if (holder_leads(&holder, live) == LEADS_TO_MIDDLE) {
        one->interior = true;
        one->member.first = one->member.last = (uint32_t)(holder.value - live->start);
    }
    if (holder.is_root) {
        set_root(one, &holder);
    } else if (holder.is_live) {
        one->by = BY_OBJECT;
        one->holder = (uintptr_t)holder.live.site;
        one->offset.first = one->offset.last = holder.offset;
    }
}

/* Nothing of it is told one by one. */
static bool count_one(const struct mm_live *live, void *arg)
{
    struct row one = { .site = live->site, .by = BY_WORD, .count = 1 }, *row;

    (void)arg;
    if (live->kind == MM_UNSEEN)
        return false;
    if (live->kind == MM_DEFINITE)
        one.by = BY_NOTHING;
    else if (live->seen_in != 0)
        set_holder(&one, live);
    row = row_for(&one);
    if (row != NULL)
        add(row, &one);
    else
        unplaced++;
    return false;
}

/* Of rows in the listing: lines with most objects first, and of each its largest row. */
static bool comes_before(const struct row *a, const struct row *b)
{
    if (a->of_site != b->of_site)
        return a->of_site > b->of_site;
    if (a->site != b->site)
        return a->site < b->site;
    if (a->count != b->count)
        return a->count > b->count;
    return a->by != b->by ? a->by > b->by : a->offset.first < b->offset.first;
}

static void sort(void)
{
    for (unsigned i = 0; i < count; i++) {
        rows[i].of_site = 0;
        for (unsigned k = 0; k < count; k++)
            if (rows[k].site == rows[i].site)
                rows[i].of_site += rows[k].count;
    }
    for (unsigned i = 1; i < count; i++) {
        struct row row = rows[i];
        unsigned k = i;

        for (; k > 0 && comes_before(&row, &rows[k - 1]); k--)
            rows[k] = rows[k - 1];
        rows[k] = row;
    }
}

void owners_count(void)
{
    count = unplaced = 0;
    newest = NULL;
    scan_each(count_one, NULL, NULL);
    sort();
}

/* ---- in words -------------------------------------------------------------------- */

static const char *holder_name(const struct row *row, char *name, size_t size)
{
    struct symbol symbol;

    if (row->by == BY_OBJECT)
        return site_place((const struct alloc_site *)row->holder, name, size);
    if (symbol_find(row->holder, &symbol))
        strlcpy(name, symbol.name, size);
    else
        ksnprintf(name, size, "0x%08x", (unsigned)row->holder);
    return name;
}

static const char *range_text(struct range range, char *text, size_t size)
{
    ksnprintf(text, size, range.first == range.last ? "%u" : "%u to %u",
              (unsigned)range.first, (unsigned)range.last);
    return text;
}

/* "at offset 0 of what list.c:20 took, through the member at 8" */
static const char *row_text(const struct row *row, char *text, size_t size)
{
    char name[PLACE_SIZE], where[32];
    size_t used;

    range_text(row->offset, where, sizeof(where));
    if (row->by == BY_OBJECT)
        ksnprintf(text, size, "at offset%s %s of what %s took",
                  row->is_spread ? "s" : "", where, holder_name(row, name, sizeof(name)));
    else if (row->by == BY_VARIABLE)
        ksnprintf(text, size, row->offset.last > 0 ? "from the variable %s, at %s"
                                                   : "from the variable %s",
                  holder_name(row, name, sizeof(name)), where);
    else
        strlcpy(text, row->by == BY_NOTHING ? "from nothing: lost" :
                      row->by == BY_SHELL ? "from the shell" :
                      row->by == BY_STACK ? "from the stack" :
                                            "by what was said of them: kmemleak", size);
    used = strlen(text);
    if (row->interior)
        ksnprintf(text + used, size - used,
                  row->member.first == row->member.last ? ", through the member at %s"
                                                        : ", into their middle, at %s",
                  range_text(row->member, where, sizeof(where)));
    return text;
}

const char *owners_member(const struct mm_live *live, char *text, size_t size)
{
    struct range member = { UINT32_MAX, 0 };
    uint32_t objects = 0;

    text[0] = 0;
    for (unsigned i = 0; i < count && live->kind == MM_POSSIBLE; i++) {
        if (rows[i].site != live->site || rows[i].by <= BY_WORD)
            continue;
        if (!rows[i].interior)
            return text;
        extend(&member, rows[i].member);
        objects += rows[i].count;
    }
    if (objects > 1 && member.first == member.last)     /* of one it may be chance */
        ksnprintf(text, size, ", through the member at %u", (unsigned)member.first);
    return text;
}

/* Its largest row of those that are held by something. */
static const struct row *usual_row(const struct alloc_site *site)
{
    for (unsigned i = 0; i < count; i++)
        if (rows[i].site == site && rows[i].by > BY_WORD)
            return &rows[i];
    return NULL;
}

const char *owners_usual(const struct alloc_site *site, char *text, size_t size)
{
    const struct row *row = usual_row(site);
    char where[TEXT_SIZE];

    text[0] = 0;
    if (row != NULL)
        ksnprintf(text, size, "%u other%s of this line hang%s %s", (unsigned)row->count,
                  plural(row->count), row->count == 1 ? "s" : "",
                  row_text(row, where, sizeof(where)));
    return text;
}

void owners_print_usual(void)
{
    char place[PLACE_SIZE], text[TEXT_SIZE];

    for (unsigned i = 0; i < count && !shell_interrupted(); i++)
        if (rows[i].by == BY_NOTHING &&
            owners_usual(rows[i].site, text, sizeof(text))[0] != 0)
            kprint_wrapped(0, "  %s: %s", site_place(rows[i].site, place, sizeof(place)),
                           text);
}

/* ---- leaks owners ---------------------------------------------------------------- */

static void print_row_json(const struct row *row)
{
    static const char *const by[] = { "nothing", "word", "shell", "stack", "variable",
                                      "object" };
    char name[PLACE_SIZE];

    kprintf("{\"site\": ");
    json_string(site_place(row->site, name, sizeof(name)));
    kprintf(", \"count\": %u, \"by\": \"%s\", \"holder\": ", (unsigned)row->count,
            by[row->by]);
    if (row->holder != 0)
        json_string(holder_name(row, name, sizeof(name)));
    else
        kprintf("null");
    kprintf(", \"offset\": %u, \"last_offset\": %u, \"interior\": %s, \"member\": ",
            (unsigned)row->offset.first, (unsigned)row->offset.last,
            row->interior ? "true" : "false");
    kprintf(row->member.first == row->member.last ? "%u}\n" : "null}\n",
            (unsigned)row->member.first);
}

static void print_rows(const char *only, bool json)
{
    const struct alloc_site *site = NULL;
    char place[PLACE_SIZE], text[TEXT_SIZE];

    for (unsigned i = 0; i < count && !shell_interrupted(); i++) {
        if (only != NULL && !site_is(rows[i].site, only))
            continue;
        site_place(rows[i].site, place, sizeof(place));
        if (json) {
            print_row_json(&rows[i]);
            continue;
        }
        if (site != rows[i].site)
            kprintf("%u of %s\n", (unsigned)rows[i].of_site, place);
        site = rows[i].site;
        kprint_wrapped(0, "%9u  %s", (unsigned)rows[i].count,
                       row_text(&rows[i], text, sizeof(text)));
    }
}

static bool has_row(const char *line)
{
    for (unsigned i = 0; i < count; i++)
        if (site_is(rows[i].site, line))
            return true;
    return false;
}

int leaks_owners(int argc, char **argv, bool json)
{
    const char *only = argc > 2 ? argv[2] : NULL;
    struct scan_report report;

    if (!shell_at_most(argc, argv, 3))
        return SHELL_USAGE;
    if (only != NULL && !is_line(only))
        return shell_usage("\"%s\" is no line (FILE:LINE)", only);
    if (!scan_leaks(&report))
        return SHELL_FAILED;
    owners_count();
    if (only != NULL && !has_row(only))
        return line_took_nothing("owners", only, json);
    print_rows(only, json);
    if (json && unplaced > 0)
        kprintf("{\"error\": \"%u objects more found no row\"}\n", unplaced);
    if (json)
        return SHELL_OK;
    if (count == 0)
        kprintf("nothing is live\n");
    if (unplaced > 0)
        kprintf("%u more found no row: there are %d\n", unplaced, ROWS);
    scan_print(&report);
    return SHELL_OK;
}
