/*
 * arena.c - see arena.h.
 *
 * Memory is one mapping of 64 MiB for the whole program; a test's heap is a part of
 * it, filled with dirt first.  The report hook copies what it hears into a ring and
 * proves that mm is whole at that moment, as port.h promises (in a handler that came
 * while mm was busy there is nothing to prove).
 */
#define _GNU_SOURCE             /* program_invocation_name */
#include "tests/hosted/arena.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define BLOCK_BYTES (PAGE_SIZE << MAX_PAGE_ORDER)

/* ---- memory ------------------------------------------------------------------- */

unsigned char *arena_memory(void)
{
    static unsigned char *memory;

    if (!memory) {
        void *map = mmap(NULL, ARENA_BYTES + BLOCK_BYTES, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

        if (map == MAP_FAILED)
            abort();
        memory = (unsigned char *)(((uintptr_t)map + BLOCK_BYTES - 1) &
                                   ~(uintptr_t)(BLOCK_BYTES - 1));
    }
    return memory;
}

void arena_open_ranges(const struct mm_range *ranges, size_t count, size_t bytes)
{
    memset(arena_memory(), ARENA_DIRT, bytes);
    mm_state = 0;
    mm_init(ranges, count);
}

void arena_open(uint32_t pages, uint32_t offset)
{
    unsigned char *start = arena_memory() + offset * PAGE_SIZE;
    struct mm_range range = { (uintptr_t)start, pages * PAGE_SIZE };

    memset(start, ARENA_DIRT, range.bytes);
    mm_state = 0;
    mm_init(&range, 1);
}

const struct arena_dial *arena_dials;

/* ---- reports ------------------------------------------------------------------ */

#define RING 64

static struct mm_report ring[RING];
static unsigned heard, looked_at;
static const char *broken_in_hook;

static void hear(const struct mm_report *report)
{
    ring[heard++ % RING] = *report;
    if (!broken_in_hook && !(mm_state & MM_BUSY))
        broken_in_hook = mm_check();
}

static void print_report(const struct mm_report *r)
{
    print_error("  reported: %s by %s, problem \"%s\", %s:%u, at %p\n",
                mm_bug_name(r->bug), r->call, r->problem ? r->problem : "",
                r->caller && r->caller->file ? r->caller->file : "?",
                r->caller ? (unsigned)r->caller->line : 0, r->what.addr);
}

const struct mm_report *arena_expect_either(enum mm_bug one, enum mm_bug other,
                                            const char *file, int line)
{
    const struct mm_report *report = &ring[looked_at % RING];

    if (heard == looked_at) {
        print_error("no report, where \"%s\" was expected\n", mm_bug_name(one));
        _fail(file, line);
    }
    looked_at++;
    if (report->bug != one && report->bug != other) {
        print_error("expected \"%s\"\n", mm_bug_name(one));
        print_report(report);
        _fail(file, line);
    }
    return report;
}

const struct mm_report *arena_expect(enum mm_bug bug, const char *file, int line)
{
    return arena_expect_either(bug, bug, file, line);
}

unsigned arena_drop_reports(void)
{
    unsigned n = heard - looked_at;

    looked_at = heard;
    return n;
}

void arena_expect_silence(const char *file, int line)
{
    if (heard == looked_at)
        return;
    print_error("%u unexpected reports, the first:\n", heard - looked_at);
    print_report(&ring[looked_at % RING]);
    arena_drop_reports();
    _fail(file, line);
}

/* ---- state -------------------------------------------------------------------- */

struct mm_stats arena_stats(void)
{
    struct mm_stats stats;

    memset(&stats, 0, sizeof(stats));
    mm_get_stats(&stats);
    return stats;
}

static const char *wrong_sum(const struct mm_stats *s)
{
    uint32_t free_pages = 0;

    for (unsigned k = 0; k <= MAX_PAGE_ORDER; k++)
        free_pages += s->free_blocks[k] << k;
    if (free_pages != s->free_pages)
        return "free_blocks do not add up to free_pages";
    if (s->total_pages != s->free_pages + s->slab_pages + s->meta_pages +
                          s->live_pages + s->large_pages + s->guarded_pages)
        return "total is not free + used";
    if (s->live_objects != s->kmallocs - s->kfrees)
        return "live_objects is not kmallocs - kfrees";
    if (s->live_pages != s->pages_allocated - s->pages_freed)
        return "live_pages is not pages_allocated - pages_freed";
    return NULL;
}

void arena_check_at(const char *file, int line)
{
    struct mm_stats stats = arena_stats();
    const char *broken = mm_check();

    if (!broken)
        broken = wrong_sum(&stats);
    if (!broken && broken_in_hook)
        broken = broken_in_hook;
    if (broken) {
        broken_in_hook = NULL;
        print_error("mm is not whole: %s\n", broken);
        _fail(file, line);
    }
}

static void mix(uint64_t *hash, uint64_t value)
{
    *hash = (*hash ^ value) * 0x100000001b3u;
    *hash ^= *hash >> 29;
}

static bool mix_live(const struct mm_what *w, void *arg)
{
    const uint64_t fields[] = {
        w->kind, w->start, w->bytes, w->pfn, w->order, w->exact, (uintptr_t)w->cache,
        w->slot, w->serial, w->asked, (uintptr_t)w->taken_by, (uintptr_t)w->freed_by,
    };

    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        mix(arg, fields[i]);
    return true;
}

static bool mix_cache(const struct mm_cache_info *c, void *arg)
{
    const uint64_t fields[] = {
        (uintptr_t)c->name, c->object_size, c->slot_size, c->slots_per_slab,
        c->pages_per_slab, c->live, c->slots, c->slabs, c->full_slabs,
        c->partial_slabs, c->empty_slabs, c->peak_slabs, c->allocs, c->frees,
    };

    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        mix(arg, fields[i]);
    return true;
}

struct arena_state arena_state(void)
{
    struct arena_state state = { .stats = arena_stats(), .live = 1, .caches = 1 };

    mm_walk_live(mix_live, &state.live);
    mm_walk_caches(mix_cache, &state.caches);
    return state;
}

#define COMPARED(X)                                                           \
    X(total_pages) X(free_pages) X(slab_pages) X(empty_slab_pages) X(meta_pages) \
    X(live_pages) X(large_pages) X(guarded_pages) X(pages_allocated) X(pages_freed) X(kmallocs)  \
    X(kfrees) X(live_objects) X(live_bytes) X(last_serial) X(skipped)

static const char *difference(const struct arena_state *a, const struct arena_state *b)
{
#define COMPARE(field) if (a->stats.field != b->stats.field) return #field;
    COMPARED(COMPARE)
#undef COMPARE
    if (memcmp(a->stats.free_blocks, b->stats.free_blocks,
               sizeof(a->stats.free_blocks)) != 0)
        return "free_blocks";
    if (a->live != b->live)
        return "what mm_walk_live shows";
    return a->caches != b->caches ? "what mm_walk_caches shows" : NULL;
}

void arena_assert_same(const struct arena_state *before, const char *file, int line)
{
    struct arena_state now = arena_state();
    const char *changed = difference(before, &now);

    if (changed) {
        print_error("changed, and should not have: %s\n", changed);
        _fail(file, line);
    }
    arena_check_at(file, line);
}

void arena_assert_blocks(const struct mm_stats *before, const char *file, int line)
{
    mm_reclaim();
    arena_check_at(file, line);

    struct mm_stats now = arena_stats();

    for (unsigned k = 0; k <= MAX_PAGE_ORDER; k++)
        if (now.free_blocks[k] != before->free_blocks[k]) {
            print_error("free blocks of order %u: %u, were %u\n", k,
                        (unsigned)now.free_blocks[k],
                        (unsigned)before->free_blocks[k]);
            _fail(file, line);
        }
}

struct find_cache {
    const char *name;
    struct mm_cache_info found;
};

static bool is_that_cache(const struct mm_cache_info *info, void *arg)
{
    struct find_cache *find = arg;

    if (strcmp(info->name, find->name) != 0)
        return true;
    find->found = *info;
    return false;
}

struct mm_cache_info arena_cache(const char *name)
{
    struct find_cache find = { .name = name };

    mm_walk_caches(is_that_cache, &find);
    if (!find.found.name)
        fail_msg("no cache is named %s", name);
    return find.found;
}

struct mm_what arena_what(const void *addr)
{
    struct mm_what what;

    memset(&what, 0xEE, sizeof(what));  /* mm_what_is must fill all of it in */
    mm_what_is(addr, &what);
    return what;
}

/* ---- small things ------------------------------------------------------------- */

static uint32_t seed = 20261123, random_state;

void set_dial(const char *name, const char *value)
{
    const char *problem = mm_set_dial(name, value);

    if (problem)
        fail_msg("%s=%s: %s", name, value, problem);
}

uint32_t arena_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

uint32_t arena_random_below(uint32_t n)
{
    return arena_random() % n;
}

void arena_shuffle(void **table, uint32_t n)
{
    for (; n > 1; n--) {
        uint32_t other = arena_random_below(n);
        void *held = table[n - 1];

        table[n - 1] = table[other];
        table[other] = held;
    }
}

bool all_bytes(const void *p, int byte, size_t n)
{
    const unsigned char *bytes = p;

    return n == 0 || (bytes[0] == byte && memcmp(bytes, bytes + 1, n - 1) == 0);
}

size_t opaque(size_t n)
{
    volatile size_t hidden = n;

    return hidden;
}

void arena_assert_site(const struct alloc_site *site, const char *file, uint32_t at,
                       int line)
{
    if (site && site->file && strcmp(site->file, file) == 0 && site->line == at)
        return;
    print_error("site is %s:%u, should be %s:%u\n",
                site && site->file ? site->file : "unknown",
                site ? (unsigned)site->line : 0, file, (unsigned)at);
    _fail(file, line);
}

/* ---- running ------------------------------------------------------------------ */

int arena_setup(void **state)
{
    (void)state;
    random_state = seed;
    heard = looked_at = 0;
    broken_in_hook = NULL;
    mm_records = true;
    mm_report_hook = hear;
    mm_reset_dials();
    arena_open(3000, 300);      /* without objects, so that every dial can be set */
    for (const struct arena_dial *dial = arena_dials; dial && dial->name; dial++)
        assert_null(mm_set_dial(dial->name, dial->value));
    arena_open(3000, 300);
    return 0;
}

int arena_teardown(void **state)
{
    (void)state;
    mm_state &= MM_LONG_WAY;
    arena_expect_silence(__FILE__, __LINE__);
    arena_check();
    return 0;
}

const struct arena_dial arena_every_dial[][4] = {
    { { "slub_debug", "F" } },
    { { "slub_debug", "Z" } },
    { { "slub_debug", "P" } },
    { { "slub_debug", "U" } },
    { { "slub_debug", "FZPU" } },
    { { "init_on_alloc", "1" } },
    { { "init_on_free", "1" } },
    { { "quarantine", "64K" } },
    { { "debug_pagealloc", "on" } },
    { { "page_owner", "on" } },
    { { "slub_debug", "FZPU" }, { "quarantine", "1M" }, { "debug_pagealloc", "on" } },
    { { "slub_debug", "ZP" }, { "init_on_alloc", "1" }, { "page_owner", "on" } },
    { { NULL, NULL } },
};

void arena_before(void)
{
    const char *given = getenv("MARBLES_SEED");
    uint32_t number = given ? (uint32_t)strtoul(given, NULL, 0) : 0;

    if (number)
        seed = number;
    if (getenv("MARBLES_TEST"))
        cmocka_set_test_filter(getenv("MARBLES_TEST"));
    print_message("seed %u\n", (unsigned)seed);
}

unsigned arena_every(unsigned usual)
{
    const char *given = getenv("MARBLES_EVERY");
    unsigned number = given ? (unsigned)strtoul(given, NULL, 0) : 0;

    return number ? number : usual;
}

int arena_after(int failures)
{
    if (failures)
        print_error("repeat: MARBLES_SEED=%u MARBLES_TEST='*' %s\n", (unsigned)seed,
                    program_invocation_name);
    return failures != 0;
}
