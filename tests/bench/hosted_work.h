/*
 * hosted_work.h - the workloads of make bench-hosted, and main.
 *
 * The same source for every allocator: hosted_mm.c, hosted_malloc.c and hosted_loop.c
 * each say what the calls below are, as inline functions, and then include this
 * file.  So each program calls its allocator directly, as programs do.
 *
 *     take(size)  give(p)             memory of any size
 *     take_object()  give_object(p)   100 bytes, of a cache where there are caches
 *     take_block(order)  give_block(block, order)     2^order pages
 *     open_heap(who)     have a heap, and prove that it is that of `who`
 *     heap_bytes()       what the heap has taken, by its own count; 0: does not count
 *     close_heap()       prove that no call failed
 *
 *     PROGRAM who times MS            ns of each workload
 *     PROGRAM who memory SIZE COUNT   bytes for each of COUNT live objects
 *     PROGRAM who live COUNT MS       ns of a pair beside COUNT live objects
 *
 * Each loop runs for MS milliseconds and at least three times; the fastest counts, for
 * whatever else the machine does only adds.  Figures are net of nothing: hosted_loop.c
 * is the same loops around calls that do nothing.  Output is a JSON object a line.
 *
 * Nothing is allocated but what is measured: tables and stdout's buffer are static.
 */
#ifndef TESTS_BENCH_HOSTED_WORK_H
#define TESTS_BENCH_HOSTED_WORK_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum { PAIRS = 10000, BATCH = 1000, SLOTS = 512, STEPS = 100000 };
#define MAX_LIVE 10000000u

/* Size or order: not static, so that every call may change it for the compiler. */
uint32_t work_of;

static void *table[MAX_LIVE];   /* what is live */
static uint32_t live;           /* how many of them */
static uint16_t turn[BATCH];    /* in which order a batch is freed */
static uint32_t random_state;
static uint64_t budget;         /* ns for each loop */

static void demand(bool truth, const char *what)
{
    if (truth)
        return;
    fflush(stdout);
    fprintf(stderr, "bench-hosted: %s\n", what);
    exit(1);
}

static uint32_t draw(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

static uint64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- loops: each returns how many operations it did ---------------------- */

static uint32_t pair(uint32_t rounds)
{
    for (uint32_t i = 0; i < rounds; i++)
        give(take(work_of));
    return rounds;
}

static uint32_t cache_pair(uint32_t rounds)
{
    for (uint32_t i = 0; i < rounds; i++)
        give_object(take_object());
    return rounds;
}

static uint32_t page_pair(uint32_t rounds)
{
    for (uint32_t i = 0; i < rounds; i++)
        give_block(take_block(work_of), work_of);
    return rounds;
}

static uint32_t batch(uint32_t rounds)
{
    for (uint32_t i = 0; i < rounds; i++)
        table[i] = take(work_of);
    for (uint32_t i = 0; i < rounds; i++)
        give(table[turn[i]]);
    return rounds;
}

static uint32_t mixed(uint32_t rounds)
{
    for (uint32_t i = 0; i < rounds; i++) {
        void **slot = &table[draw() % SLOTS];
        uint32_t x = draw();
        uint32_t power = 8u << x % 9;

        if (*slot) {
            give(*slot);
            *slot = NULL;
        } else {
            *slot = take(power + (x >> 8 & (power - 1)));
        }
    }
    return rounds;
}

/* An object drawn from all that are live goes, and a new one comes. */
static uint32_t replace_one(uint32_t rounds)
{
    for (uint32_t i = 0; i < rounds; i++) {
        void **slot = &table[draw() % live];

        give(*slot);
        *slot = take(work_of);
        *(volatile char *)*slot = 1;
    }
    return rounds;
}

/* So many go, and then as many come; the second loop draws as the first did. */
static uint32_t replace_many(uint32_t rounds)
{
    uint32_t start = random_state, pairs = 0;

    for (uint32_t i = 0; i < rounds; i++) {
        void **slot = &table[draw() % live];

        if (*slot)
            give(*slot);
        *slot = NULL;
    }
    random_state = start;
    for (uint32_t i = 0; i < rounds; i++) {
        void **slot = &table[draw() % live];

        if (*slot)
            continue;           /* drawn twice */
        *slot = take(work_of);
        *(volatile char *)*slot = 1;
        pairs++;
    }
    return pairs;
}

/* ---- before and after a loop --------------------------------------------- */

static void first_in_first_out(void)
{
    for (uint16_t i = 0; i < BATCH; i++)
        turn[i] = i;
}

static void last_in_first_out(void)
{
    for (uint16_t i = 0; i < BATCH; i++)
        turn[i] = (uint16_t)(BATCH - 1 - i);
}

/* Fisher and Yates: each order as likely. */
static void in_random_order(void)
{
    first_in_first_out();
    random_state = 1;
    for (uint32_t i = BATCH - 1; i > 0; i--) {
        uint32_t other = draw() % (i + 1);
        uint16_t moved = turn[i];

        turn[i] = turn[other];
        turn[other] = moved;
    }
}

/* Nothing is live, and the same random numbers follow each time. */
static void begin_mixed(void)
{
    memset(table, 0, SLOTS * sizeof(table[0]));
    random_state = 1;
}

static void free_table(void)
{
    for (uint32_t i = 0; i < SLOTS; i++)
        if (table[i])
            give(table[i]);
}

/* ---- times --------------------------------------------------------------- */

struct work {
    const char *name;
    uint32_t rounds;
    uint32_t (*loop)(uint32_t rounds);
    void (*before)(void), (*after)(void);       /* not timed; or NULL */
    uint32_t of[8];             /* ends with 0, which may also be the first */
};

static const struct work works[] = {
    { "pair", PAIRS, pair, NULL, NULL, { 8, 64, 256, 1024, 8192, 16384, 65536 } },
    { "cache-pair", PAIRS, cache_pair, NULL, NULL, { 100 } },
    { "batch-fifo", BATCH, batch, first_in_first_out, NULL, { 32, 64, 256, 1024 } },
    { "batch-lifo", BATCH, batch, last_in_first_out, NULL, { 32, 64, 256, 1024 } },
    { "batch-random", BATCH, batch, in_random_order, NULL, { 32, 64, 256, 1024 } },
    { "mixed", STEPS, mixed, begin_mixed, free_table, { 0 } },
    { "page-pair", PAIRS, page_pair, NULL, NULL, { 0 } },
    { "page-pair", PAIRS, page_pair, NULL, NULL, { 10 } },
};

static double best_ns(const struct work *work)
{
    uint64_t end = now() + budget;
    double best = 1e9;

    for (unsigned n = 0; n < 3 || now() < end; n++) {
        if (work->before)
            work->before();

        uint64_t start = now();
        uint32_t operations = work->loop(work->rounds);
        double ns = (double)(now() - start) / operations;

        if (work->after)
            work->after();
        if (ns < best)
            best = ns;
    }
    return best;
}

static void print_times(void)
{
    for (const struct work *w = works; w < works + sizeof(works) / sizeof(*w); w++)
        for (unsigned i = 0; i == 0 || w->of[i]; i++) {
            work_of = w->of[i];
            printf("{\"work\": \"%s\", \"of\": %u, \"ns\": %.3f}\n", w->name, work_of,
                   best_ns(w));
        }
}

/* ---- memory -------------------------------------------------------------- */

/* Bytes of anonymous memory that this process has now, from the page tables. */
static double resident(void)
{
    static char text[4096];
    int file = open("/proc/self/smaps_rollup", O_RDONLY);
    ssize_t n = file < 0 ? 0 : read(file, text, sizeof(text) - 1);

    demand(n > 0, "cannot read /proc/self/smaps_rollup: Linux 4.14 or later is needed");
    close(file);
    text[n] = '\0';

    const char *line = strstr(text, "\nAnonymous:");

    demand(line != NULL, "/proc/self/smaps_rollup does not say Anonymous");
    return (double)strtoul(line + strlen("\nAnonymous:"), NULL, 10) * 1024;
}

/* Take `live` objects, and write to every page of each. */
static void fill(void)
{
    for (uint32_t i = 0; i < live; i++) {
        volatile char *object = take(work_of);

        demand(object != NULL, "out of memory");
        for (uint32_t at = 0; at < work_of; at += 4096)
            object[at] = 1;
        object[work_of - 1] = 1;
        table[i] = (void *)(uintptr_t)object;
    }
}

/* What filling the table takes from the system, and what the heap says it took. */
static void print_memory(void)
{
    memset(table, 1, live * sizeof(table[0]));

    double resident_before = resident(), counted_before = heap_bytes();

    fill();
    printf("{\"live\": %u, \"of\": %u, \"resident\": %.2f, \"counted\": %.2f}\n",
           live, work_of, (resident() - resident_before) / live,
           (heap_bytes() - counted_before) / live);
}

/* ---- beside so many live objects ----------------------------------------- */

static void print_live(void)
{
    uint32_t many = live / 10 < BATCH ? live / 10 : BATCH;
    const struct work beside[] = {
        { "hot", PAIRS, pair, NULL, NULL, { 0 } },
        { "one", PAIRS, replace_one, NULL, NULL, { 0 } },
        { "many", many, replace_many, NULL, NULL, { 0 } },
    };

    work_of = 64;
    print_memory();
    random_state = 1;
    for (unsigned i = 0; i < sizeof(beside) / sizeof(beside[0]); i++)
        printf("{\"live\": %u, \"work\": \"%s\", \"ns\": %.3f}\n", live,
               beside[i].name, best_ns(&beside[i]));
}

/* ---- main ---------------------------------------------------------------- */

static uint32_t number(const char *text)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);

    demand(*text && !*end && n <= MAX_LIVE, "a number is wrong");
    return (uint32_t)n;
}

int main(int argc, char **argv)
{
    static char buffer[1 << 16];

    setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
    demand(argc >= 4, "see the top of tests/bench/hosted_work.h for the arguments");
    /* Huge pages would make what is resident a multiple of 2 MiB, for some. */
    demand(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0, "cannot switch huge pages off");
    open_heap(argv[1]);
    if (strcmp(argv[2], "times") == 0) {
        budget = number(argv[3]) * UINT64_C(1000000);
        print_times();
    } else if (strcmp(argv[2], "memory") == 0 && argc == 5) {
        work_of = number(argv[3]);
        live = number(argv[4]);
        print_memory();
    } else {
        demand(strcmp(argv[2], "live") == 0 && argc == 5, "no such figures");
        live = number(argv[3]);
        budget = number(argv[4]) * UINT64_C(1000000);
        demand(live >= 10, "at least 10 live objects");
        print_live();
    }
    close_heap();
    return 0;
}

#endif
