/*
 * bench_work.c - what bench measures: the allocator's calls, in workloads.
 *
 *     kmalloc-pair    p = kmalloc(size); kfree(p)           the same slot, hot
 *     batch-*         1,000 x kmalloc, then 1,000 x kfree   slabs fill and empty
 *     cache-pair      kmem_cache_alloc, kmem_cache_free
 *     page-pair       alloc_pages(order), __free_pages
 *     page-batch-*    1,024 pages, one after the other
 *     mixed           512 slots at random: full, free it; empty, 8 to 4,095 bytes
 *     steady          1,000 live: one of them at random goes, another one comes
 *     memory          pages for 10,000 objects after 2,000 others
 *
 * A workload is a body that is inlined into two loops (TIMED), and an empty body
 * that does the same but for the calls.  Sizes and orders are read from bench_of, so
 * the compiler knows none of them.  Nothing is allocated but what is measured: the
 * tables are static, and objects of `memory` are chained through themselves.
 *
 * The same loops ran on Linux, MentOS and lk: see tests/bench/peers.txt.
 */
#include "kernel/bench/bench_priv.h"
#include "kernel/cpu/cpu.h"
#include "kernel/string.h"
#include "mm/mm.h"

enum { PAIRS = 10000, BATCH = 1000, PAGES = 1024, SLOTS = 512, STEPS = 100000 };
#define QUIETLY (GFP_KERNEL | __GFP_NOWARN)
#define INLINED static inline __attribute__((always_inline))

uint32_t bench_of;

static void *table[PAGES];      /* what is live */
static uint16_t turn[PAGES];    /* in which order it is freed */
static struct kmem_cache *cache;
static uint32_t random;

/* ---- the loops ---------------------------------------------------------- */

/* One operation more. */
static void add_single(struct bench_singles *s, uint32_t time)
{
    uint32_t net = time > s->cost ? time - s->cost : 0;
    uint32_t i = s->kept - 1;

    s->sum += net;
    if (net <= s->largest[i])
        return;
    for (; i > 0 && s->largest[i - 1] < net; i--)
        s->largest[i] = s->largest[i - 1];
    s->largest[i] = net;
}

/*
 * Functions of their own, not inlined further, so that each loop is only itself.  They
 * name the body: one that is called by a pointer is not inlined at -Og.
 */
#define TIMED(body)                                                             \
    static __attribute__((noinline)) uint32_t body##_loop(uint32_t rounds)      \
    {                                                                           \
        uint32_t start = cpu_tsc();                                             \
                                                                                \
        for (uint32_t i = 0; i < rounds; i++)                                   \
            body(i);                                                            \
        return cpu_tsc() - start;                                               \
    }                                                                           \
    static __attribute__((noinline)) void body##_each(                          \
        uint32_t rounds, struct bench_singles *singles)                         \
    {                                                                           \
        for (uint32_t i = 0; i < rounds; i++) {                                 \
            uint32_t start = cpu_tsc();                                         \
                                                                                \
            body(i);                                                            \
            add_single(singles, cpu_tsc() - start);                             \
        }                                                                       \
    }                                                                           \
    static const struct bench_timed body##_timed = { body##_loop, body##_each }

/* The compiler must have the value here, and may not see through the loop. */
INLINED void use(const void *value)
{
    __asm__ volatile("" : : "r"(value) : "memory");
}

/* ---- bodies without the calls ------------------------------------------- */

INLINED void nothing(uint32_t round)
{
    (void)round;
    __asm__ volatile("" : : : "memory");
}

INLINED void store(uint32_t round)
{
    table[round] = (void *)(uintptr_t)bench_of;
    __asm__ volatile("" : : : "memory");
}

INLINED void load(uint32_t round)
{
    use(table[turn[round]]);
}

TIMED(nothing);
TIMED(store);
TIMED(load);

/* ---- pairs -------------------------------------------------------------- */

INLINED void kmalloc_pair(uint32_t round)
{
    (void)round;
    void *p = kmalloc(bench_of, QUIETLY);

    kfree(p);
}

INLINED void constant_pair(uint32_t round)
{
    (void)round;
    void *p = kmalloc(64, QUIETLY);

    kfree(p);
}

INLINED void cache_pair(uint32_t round)
{
    (void)round;
    void *p = kmem_cache_alloc(cache, QUIETLY);

    kmem_cache_free(cache, p);
}

INLINED void page_pair(uint32_t round)
{
    (void)round;
    struct page *page = alloc_pages(QUIETLY, bench_of);

    __free_pages(page, bench_of);
}

TIMED(kmalloc_pair);
TIMED(constant_pair);
TIMED(cache_pair);
TIMED(page_pair);

static void destroy_cache(void)
{
    kmem_cache_destroy(cache);
}

/* With memory for an object: each round takes the same one. */
static bool create_cache(void)
{
    cache = kmem_cache_create("bench", bench_of, 0, 0, NULL);

    void *object = cache != NULL ? kmem_cache_alloc(cache, QUIETLY) : NULL;

    if (object != NULL)
        kmem_cache_free(cache, object);
    else if (cache != NULL)
        destroy_cache();
    return object != NULL;
}

static bool has_block(unsigned order)
{
    struct page *page = alloc_pages(QUIETLY, order);

    if (page != NULL)
        __free_pages(page, order);
    return page != NULL;
}

static bool has_this_order(void)
{
    return has_block(bench_of);
}

/* ---- batches ------------------------------------------------------------ */

INLINED void batch_alloc(uint32_t round)
{
    table[round] = kmalloc(bench_of, QUIETLY);
}

INLINED void batch_free(uint32_t round)
{
    kfree(table[turn[round]]);
}

INLINED void page_alloc(uint32_t round)
{
    table[round] = alloc_pages(QUIETLY, 0);
}

INLINED void page_free(uint32_t round)
{
    __free_pages(table[turn[round]], 0);
}

TIMED(batch_alloc);
TIMED(batch_free);
TIMED(page_alloc);
TIMED(page_free);

INLINED uint32_t xorshift(uint32_t x)
{
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return x;
}

static bool first_in_first_out(void)
{
    for (uint16_t i = 0; i < PAGES; i++)
        turn[i] = i;
    return true;
}

static bool last_in_first_out(void)
{
    for (uint16_t i = 0; i < BATCH; i++)
        turn[i] = (uint16_t)(BATCH - 1 - i);
    return true;
}

/* Fisher and Yates: each order as likely. */
static bool in_random_order(void)
{
    random = 1;
    first_in_first_out();
    for (uint32_t i = BATCH - 1; i > 0; i--) {
        random = xorshift(random);

        uint32_t other = random % (i + 1);
        uint16_t moved = turn[i];

        turn[i] = turn[other];
        turn[other] = moved;
    }
    return true;
}

/* One block of the largest order is as many pages as the batch takes. */
static bool has_pages(void)
{
    return first_in_first_out() && has_block(MAX_PAGE_ORDER);
}

static void fill_table(void)
{
    for (uint32_t i = 0; i < BATCH; i++)
        table[i] = kmalloc(bench_of, QUIETLY);
}

static void free_table(void)
{
    for (uint32_t i = 0; i < BATCH; i++)
        kfree(table[i]);
    bench_clear();
}

static void fill_pages(void)
{
    for (uint32_t i = 0; i < PAGES; i++)
        table[i] = alloc_pages(QUIETLY, 0);
}

static void free_pages_of_table(void)
{
    for (uint32_t i = 0; i < PAGES; i++)
        __free_pages(table[i], 0);
    bench_clear();
}

void bench_clear(void)
{
    memset(table, 0, sizeof(table));
    random = 1;
}

/* ---- mixed -------------------------------------------------------------- */

/* The slot and the size of the next step. */
INLINED void **draw(size_t *size)
{
    random = xorshift(random);

    void **slot = &table[random % SLOTS];

    random = xorshift(random);

    uint32_t exponent = 3 + random % 9;

    *size = (1u << exponent) + (random >> 8 & ((1u << exponent) - 1));
    return slot;
}

INLINED void mixed(uint32_t round)
{
    (void)round;
    size_t size;
    void **slot = draw(&size);

    if (*slot != NULL) {
        kfree(*slot);
        *slot = NULL;
    } else {
        *slot = kmalloc(size, QUIETLY);
    }
}

INLINED void mixed_empty(uint32_t round)
{
    (void)round;
    size_t size;
    void **slot = draw(&size);

    if (*slot != NULL) {
        use(*slot);
        *slot = NULL;
    } else {
        *slot = (void *)(uintptr_t)size;
    }
    __asm__ volatile("" : : : "memory");
}

TIMED(mixed);
TIMED(mixed_empty);

/* ---- steady ------------------------------------------------------------- */

/* Where the object lies that is to go. */
INLINED void **draw_live(void)
{
    random = xorshift(random);
    return &table[random % BATCH];
}

INLINED void steady(uint32_t round)
{
    (void)round;
    void **slot = draw_live();

    kfree(*slot);
    *slot = kmalloc(bench_of, QUIETLY);
}

INLINED void steady_empty(uint32_t round)
{
    (void)round;
    void **slot = draw_live();

    use(*slot);
    *slot = (void *)(uintptr_t)bench_of;
    __asm__ volatile("" : : : "memory");
}

TIMED(steady);
TIMED(steady_empty);

/* ---- memory ------------------------------------------------------------- */

static uint32_t pages_used(void)
{
    struct mm_stats stats;

    mm_get_stats(&stats);
    return stats.total_pages - stats.free_pages;
}

/* Put so many on the chain: each object's first word points to the one before. */
static bool take_chain(void **chain, uint32_t objects)
{
    for (uint32_t i = 0; i < objects; i++) {
        void **object = kmalloc(bench_of, QUIETLY);

        if (object == NULL)
            return false;
        *object = *chain;
        *chain = object;
    }
    return true;
}

static void free_chain(void *chain)
{
    while (chain != NULL) {
        void *next = *(void **)chain;

        kfree(chain);
        chain = next;
    }
}

uint32_t bench_pages_of(uint32_t others, uint32_t objects)
{
    void *chain = NULL;
    uint32_t pages = 0;

    if (take_chain(&chain, others)) {
        uint32_t before = pages_used();

        if (take_chain(&chain, objects))
            pages = pages_used() - before;
    }
    free_chain(chain);
    return pages;
}

/* ---- the table ---------------------------------------------------------- */

static const uint32_t pair_sizes[] = { 8, 32, 64, 128, 256, 1024, 4096, 8192, 16384,
                                       65536, BENCH_END };
static const uint32_t size_64[] = { 64, BENCH_END };
static const uint32_t size_100[] = { 100, BENCH_END };
static const uint32_t batch_sizes[] = { 32, 64, 256, 1024, BENCH_END };
static const uint32_t orders[] = { 0, 1, 2, 3, 5, 8, 10, BENCH_END };
static const uint32_t order_0[] = { 0, BENCH_END };

const struct bench_work bench_works[] = {
    { .name = "kmalloc-pair", .unit = "pair", .rounds = PAIRS, .of = pair_sizes,
      .work = &kmalloc_pair_timed, .empty = &nothing_timed },
    { .name = "kmalloc-pair-constant", .unit = "pair", .rounds = PAIRS, .of = size_64,
      .work = &constant_pair_timed, .empty = &nothing_timed },
    { .name = "cache-pair", .unit = "pair", .rounds = PAIRS, .of = size_100,
      .work = &cache_pair_timed, .empty = &nothing_timed,
      .open = create_cache, .close = destroy_cache },
    { .name = "batch-alloc", .unit = "kmalloc", .rounds = BATCH, .of = batch_sizes,
      .work = &batch_alloc_timed, .empty = &store_timed, .after = free_table },
    { .name = "batch-free-fifo", .unit = "kfree", .rounds = BATCH, .of = batch_sizes,
      .work = &batch_free_timed, .empty = &load_timed,
      .open = first_in_first_out, .before = fill_table },
    { .name = "batch-free-lifo", .unit = "kfree", .rounds = BATCH, .of = batch_sizes,
      .work = &batch_free_timed, .empty = &load_timed,
      .open = last_in_first_out, .before = fill_table },
    { .name = "batch-free-random", .unit = "kfree", .rounds = BATCH, .of = batch_sizes,
      .work = &batch_free_timed, .empty = &load_timed,
      .open = in_random_order, .before = fill_table },
    { .name = "mixed", .unit = "step", .rounds = STEPS, .of = order_0,
      .work = &mixed_timed, .empty = &mixed_empty_timed, .after = free_table },
    { .name = "steady", .unit = "pair", .rounds = STEPS, .of = size_64,
      .work = &steady_timed, .empty = &steady_empty_timed,
      .before = fill_table, .after = free_table },
    { .name = "page-pair", .unit = "pair", .rounds = PAIRS, .of = orders,
      .work = &page_pair_timed, .empty = &nothing_timed, .open = has_this_order },
    { .name = "page-batch-alloc", .unit = "alloc_pages", .rounds = PAGES,
      .of = order_0, .work = &page_alloc_timed, .empty = &store_timed,
      .open = has_pages, .after = free_pages_of_table },
    { .name = "page-batch-free", .unit = "__free_pages", .rounds = PAGES,
      .of = order_0, .work = &page_free_timed, .empty = &load_timed,
      .open = has_pages, .before = fill_pages },
};
const size_t bench_nr_works = sizeof(bench_works) / sizeof(bench_works[0]);
