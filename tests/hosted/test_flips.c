/*
 * test_flips.c - each bit of mm's book-keeping altered, one at a time.
 *
 * That is what a stray write of a program does.  In a small heap with all that there is
 * (slabs of few and of many slots, full, partial, spare; blocks, runs, a large kmalloc;
 * free and kept pages) every bit of every page struct, map and record is turned over in
 * turn, and the same calls are made: looking at everything, using and freeing what is
 * held, taking anew, giving all back, and recovering.  Then:
 *
 *     - no call faults: around the heap there is no memory at all;
 *     - mm_check() names what breaks a rule, and nothing else: which bits break none is
 *       said by breaks_a_rule();
 *     - what is held lies apart from all that is taken, unless the bit is that by which
 *       mm knows of it (is_disowned).
 */
#define _GNU_SOURCE
#include "tests/hosted/arena.h"

#include "mm/look/recover.h"
#include "mm/object_priv.h"
#include "mm/heap_priv.h"
#include "mm/slab_priv.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <stdio.h>
#include <ucontext.h>
#include <unistd.h>

#ifdef __x86_64__
#define PC REG_RIP
#else
#define PC REG_EIP
#endif

#define PAGES 80u
#define OFFSET 13u              /* of the first of them from a block's start */
#define MAX_THINGS 400u
/*
 * One bit of so many is tried: with dials, which take longest, and in the program with
 * sanitizers, which is five times slower.
 */
#define EVERY arena_every((sizeof(void *) == 4 ? 3u : 5u) * (has_dials ? 3u : 1u))

/* ---- the bit ------------------------------------------------------------------- */

static struct {
    unsigned char *at;          /* its byte */
    unsigned bit;               /* in it */
    const char *of;             /* "page", "map", "record" */
    uint32_t pfn;               /* whose struct or record it is, or where it lies */
    unsigned kind;              /*   and the kind of that page */
    size_t offset;              /* of the byte in its struct, or in the map */
    struct slot slot;           /* "record": of a slot, if slot.cache is set */
} bit;

static bool has_dials;
static const char *doing;       /* for the last words */
static unsigned complaints;

/* One line for each of the first bits that something is wrong with. */
static void complain(const char *what)
{
    if (complaints++ < 40)
        print_error("%s of page %u (kind %u), byte %zu, bit %u, records %s, "
                    "slub_debug=%s, %s: %s\n", bit.of, (unsigned)bit.pfn, bit.kind,
                    bit.offset, bit.bit, mm_records ? "on" : "off",
                    mm_dial("slub_debug"), doing, what);
}

static void flip(void) { *bit.at ^= (unsigned char)(1u << bit.bit); }

/* ---- what is held -------------------------------------------------------------- */

enum kind { NOTHING, OBJECT, BLOCK, RUN };

static struct thing {
    unsigned char *p;
    size_t size;
    enum kind kind;
} things[MAX_THINGS];
static unsigned nthings;

static struct kmem_cache *many, *few;

/* Its own page struct, or its slot's bit, was altered: mm cannot know of it. */
static bool is_disowned(const struct thing *thing)
{
    uintptr_t page = (uintptr_t)address_of(bit.pfn);
    uint32_t size = 8;          /* pages of the largest slab */

    if (strcmp(bit.of, "record") == 0)
        return false;
    if (bit.slot.cache)
        return (uintptr_t)thing->p == (uintptr_t)object_address(&bit.slot);
    return (uintptr_t)thing->p < page + size * PAGE_SIZE &&
           page < (uintptr_t)thing->p + thing->size + size * PAGE_SIZE;
}

static bool overlap(const struct thing *a, const struct thing *b)
{
    return a->kind && b->kind && a->p < b->p + b->size && b->p < a->p + a->size;
}

/* Where it is, if memory was given. */
static void *hold(void *p, size_t size, enum kind kind)
{
    struct thing *thing = &things[nthings];

    if (!p)
        return NULL;
    assert_true(nthings < MAX_THINGS);
    *thing = (struct thing){ p, size, kind };
    for (const struct thing *other = things; other < thing; other++)
        if (overlap(thing, other) && !is_disowned(other))
            complain("it was handed out twice");
    nthings++;
    return memset(p, 0x5c, size);
}

static void give_back(struct thing *thing)
{
    if (thing->kind == OBJECT)
        kfree(thing->p);
    else if (thing->kind == BLOCK)
        free_pages((unsigned long)thing->p, thing->size > PAGE_SIZE);
    else if (thing->kind == RUN)
        free_pages_exact(thing->p, thing->size);
    thing->kind = NOTHING;
}

/* ---- the heap ------------------------------------------------------------------ */

static unsigned char *memory;

/* Nothing around it can be touched. */
static void open_heap(void)
{
    const size_t block = PAGE_SIZE << MAX_PAGE_ORDER;
    struct mm_range range;

    if (!memory) {
        memory = mmap(NULL, 3 * block, PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        assert_true(memory != MAP_FAILED);
        memory = (unsigned char *)(((uintptr_t)memory + block - 1) & ~(block - 1)) +
                 OFFSET * PAGE_SIZE;
        assert_int_equal(mprotect(memory, PAGES * PAGE_SIZE,
                                  PROT_READ | PROT_WRITE), 0);
    }
    memset(memory, ARENA_DIRT, PAGES * PAGE_SIZE);
    mm_state = 0;
    range = (struct mm_range){ (uintptr_t)memory, PAGES * PAGE_SIZE };
    mm_init(&range, 1);
}

static void take_cached(struct kmem_cache *cache, unsigned n)
{
    while (n--)
        hold(kmem_cache_alloc(cache, GFP_KERNEL | __GFP_NOWARN), kmem_cache_size(cache),
             OBJECT);
}

static void take_pages(void)
{
    const gfp_t gfp = GFP_KERNEL | __GFP_NOWARN;

    hold((void *)__get_free_page(gfp), PAGE_SIZE, BLOCK);
    hold((void *)__get_free_pages(gfp, 1), 2 * PAGE_SIZE, BLOCK);
    hold(alloc_pages_exact(3 * PAGE_SIZE, gfp), 3 * PAGE_SIZE, RUN);
    hold(kmalloc(opaque(10000), gfp), 10000, OBJECT);
}

static void give_back_from(unsigned first, unsigned n)
{
    for (unsigned i = first; i < first + n; i++)
        give_back(&things[i]);
}

/* Slabs full, partial, served and spare, and what take_pages takes. */
static void build(void)
{
    unsigned slots;

    nthings = 0;
    open_heap();
    many = kmem_cache_create("many", 96, 0, 0, NULL);
    few = kmem_cache_create("few", 500, 0, 0, NULL);
    slots = arena_cache("few").slots_per_slab;
    take_cached(few, 3 * slots + 2);
    give_back_from(0, 2);                       /* partial */
    give_back_from(slots, slots);               /* spare */
    take_cached(many, arena_cache("many").slots_per_slab + 5);
    give_back_from(nthings - 15, 3);
    hold(kmalloc(opaque(4000), GFP_KERNEL), 4000, OBJECT);
    take_pages();
    take_pages();
    give_back_from(nthings - 8, 2);
}

/* ---- the calls ----------------------------------------------------------------- */

static bool see(const struct mm_what *what, void *arg)
{
    ++*(unsigned *)arg;
    return what->start != 0;
}

static bool see_cache(const struct mm_cache_info *info, void *arg)
{
    ++*(unsigned *)arg;
    return info->name != NULL;
}

static void look(void)
{
    struct mm_stats stats;
    struct mm_what what;
    unsigned n = 0;

    doing = "looking";
    mm_get_stats(&stats);
    mm_walk_live(see, &n);
    mm_walk_caches(see_cache, &n);
    mm_count_sites(0);
    for (unsigned i = 0; i < PAGES * PAGE_SIZE; i += 96)
        mm_what_is(memory + i, &what);
    mm_find_damage();
}

static void use(void)
{
    doing = "using";
    for (unsigned i = 0; i < nthings; i++) {
        struct thing *thing = &things[i];

        if (thing->kind == OBJECT) {
            ksize(thing->p);
            (void)!krealloc(thing->p, thing->size - i % 8, GFP_KERNEL);
        }
    }
}

static void take(void)
{
    doing = "taking";
    take_pages();
    for (int i = 0; i < 8; i++) {
        take_cached(many, 7);
        take_cached(few, 3);
        hold(kmalloc(opaque(2000), GFP_KERNEL | __GFP_NOWARN), 2000, OBJECT);
        hold((void *)__get_free_page(GFP_KERNEL | __GFP_NOWARN), PAGE_SIZE, BLOCK);
    }
}

static void give_every(unsigned step)
{
    doing = "giving back";
    for (unsigned i = 0; i < nthings; i += step)
        give_back(&things[i]);
    kmem_cache_shrink(few);
    mm_reclaim();
}

/* As if a call had been dropped. */
static void recover(void)
{
    struct mm_recovery recovery;

    doing = "recovering";
    mm_state |= MM_BUSY;
    mm_recover(&recovery);
    (void)!mm_check();
}

static void call_all(void)
{
    look();
    use();
    give_every(2);
    take();
    recover();
    look();
    take();
    give_every(1);
    (void)!mm_check();
}

/* The same with what a call left that was dropped before all of them. */
static void recover_first(void)
{
    recover();
    take();
    give_every(1);
    (void)!mm_check();
}

/* ---- which bits break a rule --------------------------------------------------- */

/* Is the slot's object dead, though it was handed out?  It is in quarantine. */
static bool breaks_record(const struct record *before, const struct record *now)
{
    return is_live(before) != is_live(now) ||                           /* S7, S9, M5 */
           now->serial > heap.serial ||                                 /* M3 */
           (now->site && !site_of(now->site)) ||                        /* M4 */
           (now->freed_by && !site_of(now->freed_by));
}

static bool is_on_a_list(const struct page *page)
{
    const struct kmem_cache *cache = cache_of(page);
    uint32_t pfn = pfn_of_page(page);

    if (page->kind == PG_SLAB)
        return page != cache->slab && pfn != cache->spare &&
               !(pfn & ((1u << page->order) - 1)) &&
               slab_count_free(cache, (struct page *)(uintptr_t)page) > 0;
    return page->kind == PG_FREE;
}

static bool is_first(const struct page *page)
{
    return page->kind == PG_SLAB &&
           !(pfn_of_page(page) & ((1u << page->order) - 1));
}

/* Of the page struct as it was before. */
static bool breaks_page(const struct page *page, size_t offset)
{
    const struct kmem_cache *cache = cache_of(page);

    if (offset == offsetof(struct page, tag) && bit.bit >= 4)   /* its order */
        return page->kind != PG_TAIL && page->kind != PG_HOLE && page->kind != PG_META;
    if (offset <= offsetof(struct page, cache))
        return true;
    if (offset < offsetof(struct page, next))                   /* its countdown */
        return is_first(page) && page != cache->slab &&
               pfn_of_page(page) != cache->spare;
    if (offset < offsetof(struct page, prev))
        return is_on_a_list(page) || page->kind == PG_KEPT;
    if (offset < offsetof(struct page, map))
        return is_on_a_list(page);
    if (page->kind == PG_LARGE)         /* M6; but 0 and 1 are its red zone */
        return offset > offsetof(struct page, guard) || bit.bit > 0;
    return is_first(page) || page->kind == PG_USED || page->kind == PG_PART;
}

/* Only the record of what begins at a page, or in it (slots of a page and more). */
static bool is_record_in_use(void)
{
    const struct page *page = &heap.buddy.page[bit.pfn];

    return bit.slot.cache || page->kind == PG_USED || page->kind == PG_LARGE;
}

static bool breaks_a_rule(void)
{
    struct record before;
    bool breaks = true;         /* a map: S6 or S7, past the last slot S2 */

    if (strcmp(bit.of, "page") == 0) {
        breaks = breaks_page(&heap.buddy.page[bit.pfn], bit.offset);
    } else if (strcmp(bit.of, "record") == 0) {
        struct record *record = (struct record *)(void *)(bit.at - bit.offset);

        before = *record;
        flip();
        breaks = is_record_in_use() && breaks_record(&before, record);
        flip();
    }
    return breaks;
}

/* ---- every bit ------------------------------------------------------------------- */

static sigjmp_buf out;

extern char __executable_start;

/* A fault, or the alarm of a call that does not end; the address is for addr2line. */
static void on_fault(int number, siginfo_t *info, void *context)
{
    ucontext_t *at = context;
    char text[80];

    (void)info;
    snprintf(text, sizeof(text), "signal %d at address %#lx", number,
             (unsigned long)at->uc_mcontext.gregs[PC] -
             (unsigned long)&__executable_start);
    complain(text);
    siglongjmp(out, 1);
}

static void try_bit(void (*calls)(void))
{
    bool volatile breaks = breaks_a_rule();
    const char *broken;

    bit.kind = heap.buddy.page[bit.pfn].kind;
    flip();
    doing = "mm_check";
    alarm(10);
    if (sigsetjmp(out, 1) == 0) {
        broken = mm_check();
        if (breaks != (broken != NULL))
            complain(broken ? broken : "it is not named");
        calls();
    }
    mm_state = 0;
    build();
}

static void each_bit_of(const char *of, void *at, size_t bytes, void (*calls)(void))
{
    static unsigned number;

    bit.of = of;
    for (bit.offset = 0; bit.offset < bytes; bit.offset++)
        for (bit.bit = 0; bit.bit < 8; bit.bit++) {
            bit.at = (unsigned char *)at + bit.offset;
            if (number++ % EVERY == 0)
                try_bit(calls);
        }
}

/* What belongs to a slot of a slab: its bit, if the map is in the slab; its record. */
static void each_bit_of_slab(struct page *slab, void (*calls)(void))
{
    struct kmem_cache *cache = cache_of(slab);

    bit.pfn = pfn_of_page(slab);
    if (cache->map_word)
        each_bit_of("map", map_of(cache, slab), map_words(cache) * 4, calls);
    for (uint32_t i = 0; i < cache->slots && heap.record; i++) {
        bit.slot = slot_of_slab(slab, i);
        each_bit_of("record", slot_record(&bit.slot), sizeof(struct record), calls);
    }
    bit.slot.cache = NULL;
}

static void each_bit(void (*calls)(void))
{
    build();
    for (uint32_t pfn = 0; pfn < OFFSET + PAGES + 2; pfn++) {
        bool is_slab = is_first(&heap.buddy.page[pfn]);

        bit.pfn = pfn;
        each_bit_of("page", &heap.buddy.page[pfn], sizeof(struct page), calls);
        bit.pfn = pfn;
        if (heap.record && heap.buddy.page[pfn].kind != PG_SLAB)
            each_bit_of("record", &heap.record[pfn], sizeof(struct record), calls);
        if (is_slab)
            each_bit_of_slab(&heap.buddy.page[pfn], calls);
    }
}

/* ---- in every configuration ------------------------------------------------------ */

static void quiet(const struct mm_report *report) { (void)report; }

static void flipped(bool records, const char *dials, const char *quarantine)
{
    static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGALRM };

    struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

    complaints = 0;
    has_dials = *dials != '-';
    mm_records = records;
    mm_report_hook = quiet;
    mm_set_dial("slub_debug", dials);
    mm_set_dial("quarantine", quarantine);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        sigaction(faults[i], &action, NULL);
    each_bit(call_all);
    each_bit(recover_first);
    alarm(0);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        signal(faults[i], SIG_DFL);
    mm_reset_dials();
    arena_open(64, 0);
    assert_int_equal(complaints, 0);
}

static void no_bit_makes_a_call_fault(void **state)
{
    (void)state;
    flipped(true, "-", "0");
}

static void nor_without_records(void **state)
{
    (void)state;
    flipped(false, "-", "0");
}

static void nor_with_dials(void **state)
{
    (void)state;
    flipped(true, "FZPU", "2K");
}

static void nor_with_dials_and_without_records(void **state)
{
    (void)state;
    flipped(false, "FZP", "0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(no_bit_makes_a_call_fault),
        ARENA_TEST(nor_without_records),
        ARENA_TEST(nor_with_dials),
        ARENA_TEST(nor_with_dials_and_without_records),
    };

    return ARENA_RUN(tests);
}
