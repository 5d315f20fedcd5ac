/*
 * heaps.c - random heaps for GDB to look at: heaps SEED COUNT, or heaps large N.
 *
 * Each heap is made of random work, described on stdout in the JSON of the shell's
 * commands (kernel/memory/cmd_memory.c and others: same keys, same formulas, from the same
 * mm_get_stats and its kin), and then shown to GDB in heap_is_made().
 */
#include "mm/mm.h"
#include "mm/scan/scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define BLOCK_BYTES (PAGE_SIZE << MAX_PAGE_ORDER)
#define THINGS 400

void heap_is_made(void);
const char *what_mm_check_says(void);
void *volatile object;          /* where GDB may look */

static uint32_t random_state;

static uint32_t below(uint32_t n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state % n;
}

/* ---- random work ------------------------------------------------------------- */

enum kind { NOTHING, OBJECT, CACHED, BLOCK, RUN };

static struct thing {
    enum kind kind;
    void *p;
    size_t size;                /* bytes, or the order, or the cache */
} things[THINGS];

static struct kmem_cache *made[4];

static size_t some_size(void)
{
    switch (below(5)) {
    case 0: return 1 + below(64);
    case 1: return 1 + below(1024);
    case 2: return 1 + below(9000);
    case 3: return 1 + below(60000);
    default: return 8u << below(9);
    }
}

static void take(struct thing *t)
{
    t->kind = (enum kind)(OBJECT + below(8) % 5 % 4);
    switch (t->kind) {
    case OBJECT:
        t->size = some_size();
        if (below(4) == 0)
            t->p = (kmalloc)(t->size, GFP_KERNEL | __GFP_NOWARN);
        else
            t->p = kmalloc(t->size, GFP_KERNEL | __GFP_NOWARN);
        break;
    case CACHED:
        t->size = below(4);
        t->p = kmem_cache_alloc(made[t->size], GFP_KERNEL | __GFP_NOWARN);
        break;
    case BLOCK:
        t->size = below(5);
        t->p = (void *)__get_free_pages(GFP_KERNEL | __GFP_NOWARN, (unsigned)t->size);
        break;
    case RUN:
        t->size = 1 + below(40000);
        t->p = alloc_pages_exact(t->size, GFP_KERNEL | __GFP_NOWARN);
        break;
    case NOTHING:
        break;
    }
    if (!t->p)
        t->kind = NOTHING;
}

static void give(struct thing *t)
{
    switch (t->kind) {
    case OBJECT: kfree(t->p); break;
    case CACHED: kmem_cache_free(made[t->size], t->p); break;
    case BLOCK: free_pages((unsigned long)t->p, (unsigned)t->size); break;
    case RUN: free_pages_exact(t->p, t->size); break;
    case NOTHING: break;
    }
    t->kind = NOTHING;
}

/* To its start, or to its middle. */
static void lay_pointer(const struct thing *from, const struct thing *to)
{
    if (from->kind != NOTHING && to->kind != NOTHING)
        *(uintptr_t *)from->p = (uintptr_t)to->p + (below(3) == 0);
}

static unsigned char *memory(size_t bytes)
{
    static unsigned char *start;

    if (!start) {
        char *map = mmap(NULL, bytes + BLOCK_BYTES, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

        if (map == MAP_FAILED)
            abort();
        start = (unsigned char *)(((uintptr_t)map + BLOCK_BYTES - 1) &
                                  ~(uintptr_t)(BLOCK_BYTES - 1));
    }
    return start;
}

/* Two ranges with a hole between, or one that runs out. */
static void open_heap(void)
{
    uintptr_t start = (uintptr_t)memory((size_t)32 << 20);
    struct mm_range ranges[] = {
        { start + below(300) * PAGE_SIZE, (600 + below(2000)) * PAGE_SIZE },
        { start + 3500 * PAGE_SIZE, (1 + below(3000)) * PAGE_SIZE },
        { start + 17, 100 },
    };

    mm_records = below(8) != 0;
    mm_state = 0;
    mm_init(ranges, 1 + below(3));
}

static void make_heap(uint32_t seed)
{
    static const size_t sizes[4] = { 24, 8, 1500, 20000 };
    static const char *const names[4] = { "two dozen", "eight", "frames", "big\"one" };

    random_state = seed * 2654435761u + 1;
    memset(things, 0, sizeof(things));
    open_heap();
    for (unsigned i = 0; i < 4; i++)
        made[i] = kmem_cache_create(names[i], sizes[i], 0, 0, NULL);
    for (unsigned n = 50 + below(4000); n; n--) {
        struct thing *t = &things[below(THINGS)];

        if (t->kind == NOTHING)
            take(t);
        else
            give(t);
    }
    for (unsigned i = 0; i < 100; i++)
        lay_pointer(&things[below(THINGS)], &things[below(THINGS)]);
    for (unsigned i = 0; i < THINGS; i += 3)    /* leaks of all sizes */
        things[i].p = NULL;
    for (unsigned n = below(900); n; n--)       /* and of small things */
        object = kmalloc(8 + below(2) * 24, GFP_KERNEL | __GFP_NOWARN);
    kfree((void *)&random_state);               /* refused, counted */
}

/* ---- in the shell's words ------------------------------------------------------ */

static unsigned kb(uint32_t pages)
{
    return (unsigned)pages * 4;
}

static void print_meminfo(const struct mm_stats *s)
{
    printf("meminfo {\"total_kb\": %u, \"free_kb\": %u, \"available_kb\": %u, "
           "\"slab_kb\": %u, \"reclaimable_kb\": %u, \"unreclaimable_kb\": %u, "
           "\"used_kb\": %u, \"large_kb\": %u, \"pages_kb\": %u, \"guarded_kb\": %u, "
           "\"meta_kb\": %u, ",
           kb(s->total_pages), kb(s->free_pages),
           kb(s->free_pages + s->empty_slab_pages), kb(s->slab_pages),
           kb(s->empty_slab_pages), kb(s->slab_pages - s->empty_slab_pages),
           kb(s->total_pages - s->free_pages), kb(s->large_pages), kb(s->live_pages),
           kb(s->guarded_pages), kb(s->meta_pages));
    printf("\"kmallocs\": %u, \"kfrees\": %u, \"live_objects\": %u, "
           "\"live_bytes\": %u, "
           "\"pages_allocated\": %u, \"pages_freed\": %u, \"live_pages\": %u, "
           "\"failed\": %u, \"bad_frees\": %u, \"reports\": %u, \"last_serial\": %u, "
           "\"skipped_ranges\": %u, \"unguarded\": %u}\n", s->kmallocs, s->kfrees, s->live_objects,
           (unsigned)s->live_bytes, s->pages_allocated, s->pages_freed, s->live_pages,
           s->failed, s->bad_frees, s->reports, s->last_serial, s->skipped, s->unguarded);
}

static void print_buddyinfo(const struct mm_stats *s)
{
    printf("buddyinfo {\"node\": 0, \"zone\": \"Normal\", \"free_blocks\": [");
    for (unsigned k = 0; k <= MAX_PAGE_ORDER; k++)
        printf("%s%u", k ? ", " : "", s->free_blocks[k]);
    printf("], \"free_kb\": %u}\n", kb(s->free_pages));
}

static void print_string(const char *s)
{
    putchar('"');
    for (; *s; s++)
        printf(*s == '"' ? "\\\"" : "%c", *s);
    putchar('"');
}

static bool print_cache(const struct mm_cache_info *c, void *arg)
{
    (void)arg;
    printf("slabinfo {\"name\": ");
    print_string(c->name);
    printf(", \"active_objs\": %u, \"num_objs\": %u, \"objsize\": %u, "
           "\"objperslab\": %u, \"pagesperslab\": %u, \"active_slabs\": %u, "
           "\"num_slabs\": %u, \"full\": %u, \"partial\": %u, \"empty\": %u, "
           "\"peak_slabs\": %u, \"asked_size\": %u, \"allocs\": %u, \"frees\": %u}\n",
           c->live, c->slots, c->slot_size, c->slots_per_slab,
           c->pages_per_slab, c->slabs - c->empty_slabs, c->slabs, c->full_slabs,
           c->partial_slabs, c->empty_slabs, c->peak_slabs, c->object_size, c->allocs,
           c->frees);
    return true;
}

/* A site without a line is left to GDB: here nobody has symbols. */
static void print_sites(unsigned kind, const char *name)
{
    mm_scan_count_sites(1u << kind, 0);
    for (struct alloc_site *s = mm_sites(); s < mm_sites_end(); s++)
        if (s->objects)
            printf("site {\"kind\": \"%s\", \"site\": \"%s:%u\", \"objects\": %u, "
                   "\"bytes\": %u, \"oldest\": %u, \"newest\": %u}\n", name,
                   s->file ? s->file : "", s->file ? s->line : 0, s->objects,
                   (unsigned)s->bytes, s->oldest, s->newest);
}

/* From all variables that can hold something. */
static void print_leaks(void)
{
    if (!mm_scan_begin())
        return;
    mm_scan_root(things, things + THINGS);
    mm_scan_root((void *)(uintptr_t)&object, (void *)(uintptr_t)(&object + 1));
    mm_scan_end();
    print_sites(MM_DEFINITE, "definite");
    print_sites(MM_INDIRECT, "indirect");
    print_sites(MM_POSSIBLE, "possible");
    print_sites(MM_REACHABLE, "reachable");
}

static const char *kind_name(enum mm_what_kind kind)
{
    static const char *const names[] = { "outside", "hole", "meta", "free_pages",
        "used_pages", "large", "slab_live", "slab_free", "slab_rest" };

    return names[kind];
}

static void print_role(const char *role, const struct alloc_site *site)
{
    if (site && site->file)
        printf(", \"%s\": \"%s:%u\", \"%s_func\": \"%s\"", role, site->file,
               site->line, role, site->func);
}

static void print_what(const void *addr)
{
    struct mm_what w;

    mm_what_is(addr, &w);
    bool slot = w.kind == MM_SLAB_LIVE || w.kind == MM_SLAB_FREE;
    bool block = w.kind == MM_FREE_PAGE || w.kind == MM_USED_PAGES ||
                 w.kind == MM_LARGE;

    printf("whatis {\"address\": \"%#0*lx\", \"kind\": \"%s\"",
           (int)sizeof(long) * 2 + 2, (unsigned long)addr, kind_name(w.kind));
    if (slot || block)
        printf(", \"start\": \"0x%08lx\", \"bytes\": %u, \"offset\": %u",
               (unsigned long)w.start, (unsigned)w.bytes, (unsigned)w.offset);
    if (block)
        printf(", \"order\": %u", w.order);
    if (slot) {
        printf(", \"cache\": ");
        print_string(w.cache);
        printf(", \"slot\": %u", w.slot);
    }
    if (w.serial)
        printf(", \"serial\": %u, \"asked\": %u", w.serial, (unsigned)w.asked);
    print_role("taken_by", w.taken_by);
    print_role("freed_by", w.freed_by);
    if (w.before.serial)
        printf(", \"before_serial\": %u, \"before_asked\": %u", w.before.serial,
               (unsigned)w.before.asked);
    print_role("before_taken_by", w.before.taken_by);
    print_role("before_freed_by", w.before.freed_by);
    if (w.around.serial)
        printf(", \"around_start\": \"0x%08lx\", \"around_serial\": %u, \"around_asked\": %u",
               (unsigned long)w.around_start, w.around.serial, (unsigned)w.around.asked);
    print_role("around_taken_by", w.around.taken_by);
    print_role("around_freed_by", w.around.freed_by);
    printf("}\n");
}

static void describe(void)
{
    struct mm_stats stats;

    mm_get_stats(&stats);
    print_meminfo(&stats);
    print_buddyinfo(&stats);
    mm_walk_caches(print_cache, NULL);
    print_leaks();
    for (unsigned i = 0; i < 40; i++)
        print_what(memory(0) + below(34u << 20));
    for (unsigned i = 0; i < THINGS; i += 17)
        if (things[i].p)
            print_what((char *)things[i].p + below(3) * 8);
    printf("made\n");
    fflush(stdout);
}

/* ---- what GDB sees ------------------------------------------------------------ */

const char *what_mm_check_says(void)
{
    mm_state = 0;
    return mm_check();
}

__attribute__((noinline)) void heap_is_made(void)
{
    __asm__ volatile("" : : : "memory");
}

static void make_large(uint32_t n)
{
    struct mm_range range = { (uintptr_t)memory((size_t)256 << 20), (size_t)256 << 20 };

    mm_init(&range, 1);
    random_state = 1;
    for (; n; n--)
        object = kmalloc(8 + below(250), GFP_KERNEL);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    if (strcmp(argv[1], "large") == 0) {
        make_large((uint32_t)atoi(argv[2]));
        heap_is_made();
        return what_mm_check_says() != NULL;
    }
    for (int i = 0; i < atoi(argv[2]); i++) {
        make_heap((uint32_t)(atoi(argv[1]) + i));
        describe();
        heap_is_made();
    }
    return 0;
}
