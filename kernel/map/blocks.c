/*
 * blocks.c - every page of the heap's span, once: what is live, and what lies between.
 *
 *     pages   | hole | books | free          | slab | slab | free | pages   | free ... |
 *     live                                     o oo   o              o
 *             `--------- asked for ----------'`-- told by mm_walk_live --' `-- asked --'
 *
 * mm_walk_live tells what is live, by ascending address.  What lies between two of these
 * is asked for, page by page and block by block (mm_what_is): free blocks, slabs without
 * a live object, mm's books, holes.  So a slab's objects are counted without a look at
 * its free slots.
 *
 * Rules:
 *   - blocks are told by ascending address, without a gap: they add up to the span;
 *   - a slab is told when its last live object was.
 *
 * Cost: linear in what is live, in the blocks, and in the pages of holes and books.
 */
#include "kernel/map/blocks.h"

#include "kernel/cpu/cpu.h"
#include "kernel/printk.h"

static const char *const names[] = {
    [BLOCK_HOLE] = "hole", [BLOCK_META] = "meta", [BLOCK_FREE] = "free",
    [BLOCK_SLAB] = "slab", [BLOCK_LARGE] = "large", [BLOCK_PAGES] = "pages",
    [BLOCK_GUARDED] = "guarded",
};

const char *block_kind_name(enum block_kind kind)
{
    return names[kind];
}

bool blocks_busy(void)
{
    bool is_busy = mm_state & MM_BUSY;

    if (is_busy)
        kprintf("heapmap: the allocator is busy, and cannot be looked at from here\n");
    return is_busy;
}

static enum block_kind kind_of(enum mm_what_kind kind)
{
    static const enum block_kind kinds[] = {
        [MM_OUTSIDE] = BLOCK_HOLE, [MM_HOLE] = BLOCK_HOLE, [MM_META] = BLOCK_META,
        [MM_FREE_PAGE] = BLOCK_FREE, [MM_USED_PAGES] = BLOCK_PAGES,
        [MM_LARGE] = BLOCK_LARGE, [MM_SLAB_LIVE] = BLOCK_SLAB,
        [MM_SLAB_FREE] = BLOCK_SLAB, [MM_SLAB_REST] = BLOCK_SLAB,
        [MM_SLAB_REDZONE] = BLOCK_SLAB,
        [MM_GUARDED] = BLOCK_GUARDED, [MM_GUARDED_FREE] = BLOCK_GUARDED,
    };

    return kinds[kind];
}

static void ask(uintptr_t address, struct mm_what *what)
{
    mm_what_is((const void *)address, what);
}

static void ask_page(uint32_t pfn, struct mm_what *what)
{
    ask((uintptr_t)pfn << PAGE_SHIFT, what);
}

uint32_t blocks_begin(void)
{
    struct mm_what what;
    uint32_t pfn = 0;

    for (ask_page(pfn, &what); what.kind == MM_HOLE; ask_page(pfn, &what))
        pfn++;
    return pfn;
}

uint32_t blocks_end(void)
{
    uint32_t pfn = 0, last = UINT32_MAX >> PAGE_SHIFT;
    struct mm_what what;

    for (; pfn <= last; pfn += 1u << MAX_PAGE_ORDER) {
        ask_page(pfn, &what);
        if (what.kind == MM_OUTSIDE)
            break;
    }
    return pfn;
}

/* ---- a block from one of its addresses ------------------------------------------- */

/* The last slot is the one that ends where the rest of the slab begins, or the slab. */
static uint32_t count_slots(const struct block *slab)
{
    struct mm_what what;

    ask(((uintptr_t)(slab->pfn + slab->pages) << PAGE_SHIFT) - 1, &what);
    if (what.kind == MM_SLAB_REST)
        ask(what.start - 1, &what);
    return what.slot + 1;
}

/* Of these what mm tells of an address is an object, and not the block around it. */
static bool holds_objects(const struct block *block)
{
    return block->kind == BLOCK_SLAB || block->kind == BLOCK_GUARDED;
}

static struct block block_of(const struct mm_what *what)
{
    struct block block = { .kind = kind_of(what->kind), .cache = what->cache,
                           .order = what->exact ? NO_ORDER : what->order };

    if (holds_objects(&block)) {
        block.pages = 1u << what->order;
        block.pfn = what->pfn & ~(block.pages - 1);
    } else {
        block.pfn = (uint32_t)(what->start >> PAGE_SHIFT);
        block.pages = (uint32_t)(what->bytes >> PAGE_SHIFT);
    }
    if (block.kind == BLOCK_SLAB)
        block.slots = count_slots(&block);
    return block;
}

/* Single pages of one kind, side by side. */
static struct block pages_alike(uint32_t pfn, enum mm_what_kind kind, uint32_t end)
{
    struct block block = { .pfn = pfn, .kind = kind_of(kind), .order = NO_ORDER };
    struct mm_what what = { .kind = kind };

    for (; pfn < end && what.kind == kind; pfn++)
        ask_page(pfn + 1, &what);
    block.pages = pfn - block.pfn;
    return block;
}

/* ---- the walk -------------------------------------------------------------------- */

struct walk {
    const struct block_visitor *visitor;
    uint32_t from;              /* what lies before it is not told */
    uint32_t at;                /* the first page that was not come by yet */
    struct block block;         /* the last one, with live objects; pages 0: was told */
    bool goes_on;
};

static void tell(struct walk *walk, const struct block *block)
{
    walk->at = block->pfn + block->pages;
    if (walk->goes_on && block->pfn >= walk->from)
        walk->goes_on = walk->visitor->block(block, walk->visitor->arg);
}

static void tell_last(struct walk *walk)
{
    if (walk->block.pages != 0)
        tell(walk, &walk->block);
    walk->block.pages = 0;
}

/* Blocks with nothing live, up to page `end`. */
static void tell_until(struct walk *walk, uint32_t end)
{
    while (walk->goes_on && walk->at < end) {
        struct mm_what what;
        struct block block;

        ask_page(walk->at, &what);
        if (what.kind == MM_HOLE || what.kind == MM_META)
            block = pages_alike(walk->at, what.kind, end);
        else
            block = block_of(&what);
        if (block.pfn < walk->at)       /* of no block: it is just being taken */
            block = (struct block){ .pfn = walk->at, .pages = 1, .kind = BLOCK_FREE,
                                    .order = NO_ORDER };
        tell(walk, &block);
    }
}

static bool visit(const struct mm_what *what, void *arg)
{
    struct walk *walk = arg;

    if (walk->block.pages == 0 || what->pfn >= walk->block.pfn + walk->block.pages) {
        struct block block = block_of(what);

        tell_last(walk);
        tell_until(walk, block.pfn);
        walk->block = block;
    }
    walk->block.objects++;
    if (walk->visitor->thing != NULL && what->pfn >= walk->from)
        walk->visitor->thing(what, walk->visitor->arg);
    return walk->goes_on;
}

void blocks_walk(uint32_t from, const struct block_visitor *visitor)
{
    struct walk walk = { .visitor = visitor, .from = from, .goes_on = true };
    uint32_t flags = irq_save();

    mm_walk_live(visit, &walk);
    tell_last(&walk);
    tell_until(&walk, blocks_end());
    irq_restore(flags);
}
