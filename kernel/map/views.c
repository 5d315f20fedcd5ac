/*
 * views.c - by what memory is told apart.
 *
 *              what is live                            all else, the same in each
 *     kind     slabs (full, in part, empty), large     . free
 *              kmallocs, pages, guarded objects        M mm's own books
 *     sites    the lines that have most, a letter each - not given to mm
 *     age      old, middle, young, by serial number    s in slabs, and no live object's
 *     leaks    what the scan says: the gravest is      G the same beside guarded objects
 *              seen first
 *
 * By kind a slab is one thing.  In the other views each live object is, with the bytes
 * that are its own; what is left of its slab (free slots, records, red zones) is a class
 * apart, so that each byte is still counted once.
 *
 * All is of one moment, the scan for leaks included: interrupts are off meanwhile, as
 * they are for that.
 *
 * Cost: that of one walk; for `leaks` a scan as well.
 */
#include "kernel/map/views.h"

#include "kernel/cpu/cpu.h"
#include "kernel/leaks/kinds.h"
#include "kernel/leaks/scan.h"
#include "kernel/line/colour.h"
#include "kernel/map/blocks.h"
#include "kernel/memory/sites.h"
#include "kernel/printk.h"
#include "kernel/string.h"

enum { AGES = 3 };

enum { FULL = CLASS_SLACK, PART = CLASS_OWN, EMPTY, LARGE, PAGES };     /* by kind */
enum { OTHER_SITES = CLASS_OWN + SITE_LETTERS };

#define COMMON                                                                  \
    [CLASS_HOLE] = { '-', BLACK, 0, "not given to mm" },                              \
    [CLASS_FREE] = { '.', BLACK, 0, "free" },                                         \
    [CLASS_META] = { 'M', WHITE, 1, "mm's books" },                                   \
    [CLASS_GUARDED] = { 'G', YELLOW, 2, "guarded" }

static const struct class kinds[MAX_CLASSES] = {
    COMMON,
    [FULL] = { 'S', GREEN, 2, "full slabs" },
    [PART] = { 's', CYAN, 2, "part slabs" },
    [EMPTY] = { 'e', BLUE, 2, "empty slabs" },
    [LARGE] = { 'L', MAGENTA, 2, "large" },
    [PAGES] = { 'P', RED, 2, "pages" },
};

static const struct class sites[MAX_CLASSES] = {
    COMMON,
    [CLASS_SLACK] = { 's', BLACK, 2, "rest of slabs" },
    { 'a', RED, 3, "" }, { 'b', GREEN, 3, "" }, { 'c', YELLOW, 3, "" },
    { 'd', BLUE, 3, "" }, { 'e', MAGENTA, 3, "" }, { 'f', CYAN, 3, "" },
    { 'g', RED, 3, "" },
    [OTHER_SITES] = { '+', WHITE, 3, "other lines" },
};

static const struct class ages[MAX_CLASSES] = {
    COMMON,
    [CLASS_SLACK] = { 's', BLACK, 2, "rest of slabs" },
    { 'o', BLUE, 3, "old" }, { 'm', CYAN, 3, "middle" }, { 'y', GREEN, 3, "young" },
};

static const struct class finds[MAX_CLASSES] = {
    COMMON,
    [CLASS_SLACK] = { 's', BLACK, 2, "rest of slabs" },
    [CLASS_OWN + MM_UNSEEN] = { 'n', UNSEEN_COLOUR, 3, "unseen" },
    [CLASS_OWN + MM_REACHABLE] = { 'r', REACHABLE_COLOUR, 3, "reachable" },
    [CLASS_OWN + MM_POSSIBLE] = { 'p', POSSIBLE_COLOUR, 4, "possible" },
    [CLASS_OWN + MM_INDIRECT] = { 'i', INDIRECT_COLOUR, 5, "indirect" },
    [CLASS_OWN + MM_DEFINITE] = { 'd', DEFINITE_COLOUR, 6, "definite" },
};

struct view {
    const char *name;
    const struct class *classes;
    unsigned (*class_of)(const struct mm_what *thing);  /* NULL: by blocks */
    bool (*begin)(void);        /* with interrupts off; or NULL */
};

static struct picture *picture;         /* the one that is being taken */
static const struct view *view;

/* ---- what is live ---------------------------------------------------------------- */

static struct top_site top[SITE_LETTERS];
static unsigned tops;

static bool begin_sites(void)
{
    tops = sites_top(top, SITE_LETTERS, 0);
    for (unsigned i = 0; i < tops; i++)
        site_place(top[i].site, picture->sums[CLASS_OWN + i].name, VIEW_NAME_SIZE);
    return true;
}

static unsigned site_of(const struct mm_what *thing)
{
    for (unsigned i = 0; i < tops; i++)
        if (top[i].site == thing->taken_by)
            return CLASS_OWN + i;
    return OTHER_SITES;
}

/* Serials up to which one is old, or middle. */
static uint32_t age_end(unsigned age)
{
    uint32_t last = mm_last_serial();

    return age == AGES - 1 ? last : last / AGES * (age + 1);
}

/* Of fewer than AGES serials some ages have none. */
static void name_age(unsigned age, char *name)
{
    unsigned first = age == 0 ? 1 : (unsigned)age_end(age - 1) + 1;
    unsigned last = (unsigned)age_end(age);

    if (first > last)
        ksnprintf(name, VIEW_NAME_SIZE, "%s: none", ages[CLASS_OWN + age].name);
    else
        ksnprintf(name, VIEW_NAME_SIZE, "%s %u-%u", ages[CLASS_OWN + age].name, first, last);
}

static bool begin_ages(void)
{
    for (unsigned age = 0; age < AGES; age++)
        name_age(age, picture->sums[CLASS_OWN + age].name);
    return true;
}

static unsigned age_of(const struct mm_what *thing)
{
    unsigned age = 0;

    while (age < AGES - 1 && thing->serial > age_end(age))
        age++;
    return CLASS_OWN + age;
}

static bool begin_leaks(void)
{
    struct scan_report report;

    return scan_leaks(&report);
}

static unsigned find_of(const struct mm_what *thing)
{
    struct mm_live live;

    return CLASS_OWN + (mm_scan_find((const void *)thing->start, &live) ? live.kind
                                                                     : MM_UNSEEN);
}

static const struct view all_views[] = {
    { "kind", kinds, NULL, NULL },
    { "sites", sites, site_of, begin_sites },
    { "age", ages, age_of, begin_ages },
    { "leaks", finds, find_of, begin_leaks },
};

enum { VIEWS = sizeof(all_views) / sizeof(all_views[0]) };

const char *view_name(unsigned n)
{
    return n < VIEWS ? all_views[n].name : NULL;
}

const struct view *view_find(const char *name)
{
    for (unsigned i = 0; i < VIEWS; i++)
        if (strcmp(all_views[i].name, name) == 0)
            return &all_views[i];
    return NULL;
}

bool view_is_by_objects(const struct view *which)
{
    return which->class_of != NULL;
}

/* ---- blocks ---------------------------------------------------------------------- */

static unsigned class_of_slab(const struct block *slab)
{
    if (view->class_of != NULL)
        return CLASS_SLACK;
    return slab->objects == 0 ? EMPTY : slab->objects == slab->slots ? FULL : PART;
}

static unsigned class_of_block(const struct block *block)
{
    switch (block->kind) {
    case BLOCK_HOLE:    return CLASS_HOLE;
    case BLOCK_META:    return CLASS_META;
    case BLOCK_FREE:    return CLASS_FREE;
    case BLOCK_SLAB:    return class_of_slab(block);
    case BLOCK_GUARDED: return CLASS_GUARDED;
    case BLOCK_LARGE:   return LARGE;
    case BLOCK_PAGES:   break;
    }
    return PAGES;
}

static void count_block(const struct block *block, unsigned class, uint32_t pages)
{
    picture->sums[class].count++;
    picture->sums[class].pages += pages;
    if (block->kind != BLOCK_HOLE)
        picture->total_pages += pages;
    if (block->kind == BLOCK_FREE && block->order <= MAX_PAGE_ORDER)
        picture->free_blocks[block->order]++;
    if (block->kind == BLOCK_SLAB)
        picture->slack_bytes += pages << PAGE_SHIFT;
}

/* Where what is live is told apart, such a block is no class of its own. */
static bool add_block(const struct block *block, void *arg)
{
    uint32_t pages = cells_pages_shown(block->pfn, block->pages);
    bool is_thing = view->class_of != NULL &&
                    (block->kind == BLOCK_LARGE || block->kind == BLOCK_PAGES);

    (void)arg;
    cells_begin_block(block->pfn, block->order);
    if (is_thing) {
        picture->total_pages += pages;
    } else if (pages > 0) {
        unsigned class = class_of_block(block);

        count_block(block, class, pages);
        cells_add(class, (uint64_t)block->pfn << PAGE_SHIFT, block->pages << PAGE_SHIFT);
    }
    return true;
}

static void add_thing(const struct mm_what *thing, void *arg)
{
    unsigned class = view->class_of(thing);
    struct sum *sum = &picture->sums[class];

    (void)arg;
    if (thing->kind == MM_SLAB_LIVE)
        cells_move(CLASS_SLACK, class, thing->start, (uint32_t)thing->bytes);
    else if (thing->kind == MM_GUARDED)
        cells_move(CLASS_GUARDED, class, thing->start, (uint32_t)thing->bytes);
    else
        cells_add(class, thing->start, (uint32_t)thing->bytes);
    if (!cells_show((uint32_t)(thing->start >> PAGE_SHIFT)))
        return;
    sum->count++;
    sum->bytes += (uint32_t)thing->asked;
    if (thing->kind == MM_SLAB_LIVE)
        picture->slack_bytes -= (uint32_t)thing->bytes;
}

/* ---- the picture ----------------------------------------------------------------- */

static void begin_sums(void)
{
    for (unsigned class = 0; class < MAX_CLASSES; class++) {
        struct sum *sum = &picture->sums[class];

        if (view->classes[class].letter == 0)
            continue;
        sum->class = &view->classes[class];
        sum->by_objects = view->class_of != NULL && class >= CLASS_OWN;
        strlcpy(sum->name, sum->class->name, sizeof(sum->name));
    }
}

/*
 * All of it: the smallest range that is aligned to its own size, a power of two, so that
 * blocks are figures of their own in it.
 */
static void begin_map(uint32_t zoom)
{
    uint32_t end = blocks_end(), size = CELLS;
    uint32_t from = zoom == NO_PAGE ? blocks_begin() : zoom;

    while (zoom == NO_PAGE && from / size * size + size < end)
        size *= 2;
    picture->first = from / size * size;
    picture->pages = end - picture->first < size ? end - picture->first : size;
    cells_begin(view->classes, picture->first, picture->pages);
}

static bool take(uint32_t zoom)
{
    const struct block_visitor visitor = {
        add_block, view->class_of != NULL ? add_thing : NULL, NULL };

    begin_map(zoom);
    begin_sums();
    if (view->begin != NULL && !view->begin())
        return false;
    blocks_walk(0, &visitor);
    return true;
}

bool view_take(const struct view *which, uint32_t zoom, struct picture *into)
{
    uint32_t flags = irq_save();
    bool is_done;

    view = which;
    picture = into;
    *into = (struct picture){ .total_pages = 0 };
    is_done = take(zoom);
    irq_restore(flags);
    return is_done;
}
