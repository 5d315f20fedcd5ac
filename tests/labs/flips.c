/*
 * flips.c - each bit of mm's book-keeping altered, one at a time, on the real heap.
 *
 *     marbles> flips 5
 *     2218 bits of 11090, 1301 named by mm_check
 *     ok
 *
 * It takes objects and pages of all kinds, and remembers all that mm knows: the heap,
 * the caches, page structs and records, and what lies in slabs.  Then each bit (or one
 * of so many, as the argument says) of the page structs, maps and records of what it
 * holds is turned over, everything is called, and all is put back as it was.  A call
 * that follows what was altered into nowhere ends in a page fault, and the prompt does
 * not come back.  tests/hosted/test_flips.c does the same with more to say.
 */
#include "kernel/printk.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/look/recover.h"
#include "mm/slab_priv.h"
#include "mm/watch/dials.h"

enum { MAX_HELD = 64, SAVED_SLAB_PAGES = 64 };

/* ---- what it holds ------------------------------------------------------------ */

static struct kmem_cache *many, *few;
static void *held[MAX_HELD];    /* objects; NULL: given back */
static unsigned nr_held;
static unsigned long page, block;
static void *run;

static void hold(void *p)
{
    if (p != NULL && nr_held < MAX_HELD)
        held[nr_held++] = p;
}

static void build(void)
{
    many = kmem_cache_create("flips-many", 96, 0, 0, NULL);
    few = kmem_cache_create("flips-few", 500, 0, 0, NULL);
    for (int i = 0; i < 6; i++)
        hold(kmem_cache_alloc(many, GFP_KERNEL));
    for (int i = 0; i < 20; i++)
        hold(kmem_cache_alloc(few, GFP_KERNEL));
    kmem_cache_free(few, held[7]);      /* its slab is partial */
    held[7] = NULL;
    hold(kmalloc(4000, GFP_KERNEL));
    hold(kmalloc(10000, GFP_KERNEL));
    page = __get_free_page(GFP_KERNEL);
    block = __get_free_pages(GFP_KERNEL, 1);
    run = alloc_pages_exact(3 * PAGE_SIZE, GFP_KERNEL);
}

static void give_all_back(void)
{
    for (unsigned i = 0; i < nr_held; i++)
        kfree(held[i]);
    free_page(page);
    free_pages(block, 1);
    free_pages_exact(run, 3 * PAGE_SIZE);
}

/* ---- all that mm knows, and back ------------------------------------------------- */

static struct {
    struct heap heap;
    struct kmem_cache caches[MAX_CACHES];
    uint8_t meta[128 * PAGE_SIZE];      /* page structs, page records */
    uint8_t slabs[SAVED_SLAB_PAGES][PAGE_SIZE];
    uint32_t slab_pfns[SAVED_SLAB_PAGES];
    unsigned nr_slabs;
} saved;

static size_t meta_bytes(void) { return saved.heap.meta_pages * PAGE_SIZE; }

static bool save(void)
{
    saved.heap = heap;
    memcpy(saved.caches, caches, sizeof(caches));
    saved.nr_slabs = 0;
    if (meta_bytes() > sizeof(saved.meta))
        return false;
    memcpy(saved.meta, heap.buddy.page, meta_bytes());
    for (uint32_t pfn = 0; pfn < heap.buddy.npages; pfn++) {
        if (heap.buddy.page[pfn].kind != PG_SLAB)
            continue;
        if (saved.nr_slabs == SAVED_SLAB_PAGES)
            return false;
        memcpy(saved.slabs[saved.nr_slabs], address_of(pfn), PAGE_SIZE);
        saved.slab_pfns[saved.nr_slabs++] = pfn;
    }
    return true;
}

static void put_back(void)
{
    heap = saved.heap;
    memcpy(caches, saved.caches, sizeof(caches));
    memcpy(heap.buddy.page, saved.meta, meta_bytes());
    for (unsigned i = 0; i < saved.nr_slabs; i++)
        memcpy(address_of(saved.slab_pfns[i]), saved.slabs[i], PAGE_SIZE);
}

/* ---- the calls ------------------------------------------------------------------- */

static bool see(const struct mm_what *what, void *arg)
{
    ++*(unsigned *)arg;
    return what->start != 0;
}

static void look(void)
{
    struct mm_stats stats;
    struct mm_what what;
    unsigned n = 0;

    mm_get_stats(&stats);
    mm_walk_live(see, &n);
    for (unsigned i = 0; i < nr_held; i++)
        if (held[i] != NULL)
            mm_what_is(held[i], &what);
    mm_find_damage();
}

static void take(void)
{
    for (int i = 0; i < 12; i++) {
        (void)!kmem_cache_alloc(many, GFP_KERNEL | __GFP_NOWARN);
        (void)!kmem_cache_alloc(few, GFP_KERNEL | __GFP_NOWARN);
        (void)!alloc_page(GFP_KERNEL | __GFP_NOWARN);
    }
    (void)!alloc_pages(GFP_KERNEL | __GFP_NOWARN, 2);
    (void)!kmalloc(3000, GFP_KERNEL | __GFP_NOWARN);
}

static void recover(void)
{
    struct mm_recovery recovery;

    mm_state |= MM_BUSY;        /* as if a call had been dropped */
    mm_recover(&recovery);
}

/* True: mm_check() named it. */
static bool call_all(void)
{
    bool named = mm_check() != NULL;

    look();
    for (unsigned i = 0; i < nr_held; i++)
        if (held[i] != NULL && ksize(held[i]) != 0)
            (void)!krealloc(held[i], 90, GFP_KERNEL);
    give_all_back();
    take();
    kmem_cache_shrink(few);
    mm_reclaim();
    recover();
    take();
    (void)!mm_check();
    return named;
}

/* ---- every bit ------------------------------------------------------------------- */

static uint32_t every, bits, tried, named;

static void flip_each(void *at, size_t bytes)
{
    for (size_t bit = 0; bit < bytes * 8; bit++) {
        if (bits++ % every != 0)
            continue;
        ((uint8_t *)at)[bit / 8] ^= (uint8_t)(1u << bit % 8);
        named += call_all();
        put_back();
        tried++;
    }
}

/* Of a slab's page, beyond its page struct: map and records. */
static void flip_slab(struct page *slab)
{
    const struct kmem_cache *cache = cache_of(slab);

    if (!is_slab_of(cache, pfn_of_page(slab)))
        return;
    if (cache->map_word)
        flip_each(map_of(cache, slab), map_words(cache) * sizeof(uint32_t));
    if (cache->record_place == RECORD_IN_SLAB)
        flip_each(slab_start(slab) + cache->record_offset,
                  cache->slots * sizeof(struct record));
}

static void flip_all(void)
{
    for (uint32_t pfn = 0; pfn < heap.buddy.npages; pfn++) {
        struct page *at = &heap.buddy.page[pfn];

        if (at->kind == PG_HOLE || at->kind == PG_META || at->kind == PG_TAIL)
            continue;
        flip_each(at, sizeof(*at));
        if (heap.record != NULL)
            flip_each(&heap.record[pfn], sizeof(struct record));
        flip_slab(at);
    }
}

static void quiet(const struct mm_report *report) { (void)report; }

static int cmd_flips(int argc, char **argv)
{
    void (*loud)(const struct mm_report *) = mm_report_hook;

    if (argc != 2 || !shell_number(argv[1], "EVERY", &every) || every == 0)
        return shell_usage("one of how many bits");
    build();
    if (!save())
        return shell_usage("less memory: mem=8M");
    mm_report_hook = quiet;
    flip_all();
    mm_report_hook = loud;
    kprintf("%u bits of %u, %u named by mm_check\n", (unsigned)tried, (unsigned)bits,
            (unsigned)named);
    give_all_back();
    kmem_cache_destroy(many);
    kmem_cache_destroy(few);
    kprintf("%s\n", mm_check() == NULL ? "ok" : mm_check());
    return SHELL_OK;
}

SHELL_COMMAND(flips, "EVERY", "alter mm's book-keeping, bit by bit", cmd_flips);
