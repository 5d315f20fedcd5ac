/*
 * bench.c - the command: what the allocator's calls cost, and what they take.
 *
 *     pass 1   the loop, not looked at              caches, slabs, branches are warm
 *     pass 2   rdtsc  the whole loop  rdtsc         mean  = (this - empty) / rounds
 *     pass 3   rdtsc one rdtsc, rdtsc one rdtsc ..  99.9 percent, and the maximum
 *
 * Interrupts are off in each pass.  From all figures goes what the same loop takes
 * without the calls: from the mean exactly, from single operations its own mean
 * (between two rdtsc where there is nothing else).
 *
 * Rules: the heap is left as it was found; no figure where an allocation failed.
 *
 * What rdtsc counts is up to the machine.  QEMU with -icount shift=0 counts
 * instructions, and two runs give the same figures to the digit.  Anything else gives
 * time, of the host too.  A loop of known length tells which it is.
 */
#include "kernel/bench/bench_priv.h"
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/timer.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/mm.h"

enum { OTHERS = 2000, OBJECTS = 10000 };        /* of memory */

static const uint32_t memory_sizes[] = { 8, 24, 40, 64, 100, 200, 500, 1000, 3000 };
enum { NR_MEMORY_SIZES = sizeof(memory_sizes) / sizeof(memory_sizes[0]) };

static struct bench_singles singles;

struct result {
    uint32_t total;             /* of all rounds */
    bool whole;                 /* nothing failed */
};

/* ---- measuring ---------------------------------------------------------- */

static uint32_t time_whole(const struct bench_work *w, const struct bench_timed *timed)
{
    uint32_t flags = irq_save(), time = timed->loop(w->rounds);

    irq_restore(flags);
    return time;
}

/* Into `singles`, less `cost` each. */
static void time_singles(const struct bench_work *w, const struct bench_timed *timed,
                         uint32_t cost)
{
    memset(&singles, 0, sizeof(singles));
    singles.cost = cost;
    singles.kept = w->rounds / 1000 + 1;

    uint32_t flags = irq_save();

    timed->each(w->rounds, &singles);
    irq_restore(flags);
}

static void before(const struct bench_work *w)
{
    if (w->before != NULL)
        w->before();
}

static void after(const struct bench_work *w)
{
    if (w->after != NULL)
        w->after();
    bench_clear();
}

static uint32_t pass_whole(const struct bench_work *w)
{
    before(w);

    uint32_t time = time_whole(w, w->work);

    after(w);
    return time;
}

static void pass_singles(const struct bench_work *w, uint32_t cost)
{
    before(w);
    time_singles(w, w->work, cost);
    after(w);
}

/* What a loop and a single operation take without the calls; all is warm then. */
static void time_empty(const struct bench_work *w, uint32_t *whole, uint32_t *single)
{
    bench_clear();
    *whole = time_whole(w, w->empty);
    bench_clear();
    time_singles(w, w->empty, 0);
    *single = (singles.sum + w->rounds / 2) / w->rounds;
    bench_clear();
}

static uint32_t failures(void)
{
    struct mm_stats stats;

    mm_get_stats(&stats);
    return stats.failed;
}

static struct result measure(const struct bench_work *w)
{
    uint32_t failed = failures(), whole, single;
    struct result result = { 0, false };

    if (w->open != NULL && !w->open())
        return result;
    time_empty(w, &whole, &single);
    pass_whole(w);

    uint32_t time = pass_whole(w);

    pass_singles(w, single);
    if (w->close != NULL)
        w->close();
    result.total = time > whole ? time - whole : 0;
    result.whole = failures() == failed;
    return result;
}

/* ---- printing ----------------------------------------------------------- */

static void print_head(bool json)
{
    bool exact = timer_tsc_kind() == TSC_INSTRUCTIONS;
    const char *records = mm_records ? "on" : "off";

    if (json) {
        kprintf("{\"counts\": \"%s\", \"records\": \"%s\"}\n",
                exact ? "instructions" : "time", records);
        return;
    }
    kprintf("records %s; ", records);
    if (exact)
        kprintf("guest instructions, exact (-icount)\n");
    else
        kprintf("ticks of the time-stamp counter: time, which differs from run to\n"
                "run; `make bench` counts instructions\n");
    kprintf("workload                    of  one is            mean    99.9 %%  "
            " maximum\n");
}

static void print_name(const char *name, uint32_t of, bool json)
{
    kprintf(json ? "{\"bench\": \"%s\", \"of\": %u" : "%-22s %7u", name, (unsigned)of);
}

static void print_failed(bool json)
{
    kprintf(json ? ", \"failed\": \"%s\"}\n" : "  %s\n", "not enough memory");
}

static void print_figures(const struct bench_work *w, uint32_t total, bool json)
{
    uint32_t p999 = singles.largest[singles.kept - 1];

    kprintf(json ? ", \"unit\": \"%s\", \"mean\": %u.%02u, \"p999\": "
                 : "  %-12s %6u.%02u ", w->unit, (unsigned)(total / w->rounds),
            (unsigned)(total % w->rounds * 100 / w->rounds));
    if (p999 >= total / w->rounds)
        kprintf(json ? "%u" : "%9u", (unsigned)p999);
    else                        /* timed in two passes, and one was disturbed */
        kprintf(json ? "null" : "        -");
    kprintf(json ? ", \"max\": %u}\n" : " %9u\n", (unsigned)singles.largest[0]);
}

static void bench_one(const struct bench_work *w, bool json)
{
    struct result result = measure(w);

    print_name(w->name, bench_of, json);
    if (result.whole)
        print_figures(w, result.total, json);
    else
        print_failed(json);
}

static void bench_memory(uint32_t size, bool json)
{
    bench_of = size;

    uint32_t pages = bench_pages_of(OTHERS, OBJECTS);

    mm_reclaim();
    print_name("memory", size, json);
    if (pages == 0)
        print_failed(json);
    else
        kprintf(json ? ", \"objects\": %u, \"pages\": %u}\n"
                     : "  %u objects %u pages\n", OBJECTS, (unsigned)pages);
}

/* ---- the command -------------------------------------------------------- */

/* Is the name meant?  What is typed is its beginning; "" means all. */
static bool is_meant(const char *name, const char *typed)
{
    return strncmp(name, typed, strlen(typed)) == 0;
}

/* Has a workload of such a name a row of that size or order? */
static bool has_row(const char *typed, uint32_t only)
{
    for (size_t i = 0; i < bench_nr_works; i++)
        for (const uint32_t *of = bench_works[i].of; *of != BENCH_END; of++)
            if (is_meant(bench_works[i].name, typed) && (only == BENCH_ALL || *of == only))
                return true;
    for (size_t i = 0; i < NR_MEMORY_SIZES; i++)
        if (is_meant("memory", typed) && (only == BENCH_ALL || memory_sizes[i] == only))
            return true;
    return bench_has_scan(typed, only);
}

/* `only`: of this size or order, or BENCH_ALL. */
static void run_works(const char *typed, uint32_t only, bool json)
{
    for (size_t i = 0; i < bench_nr_works; i++) {
        const struct bench_work *w = &bench_works[i];

        if (!is_meant(w->name, typed))
            continue;
        for (const uint32_t *of = w->of; *of != BENCH_END; of++) {
            if (shell_interrupted())
                return;
            if (only != BENCH_ALL && *of != only)
                continue;
            bench_of = *of;
            bench_one(w, json);
        }
    }
}

static void run_memory(const char *typed, uint32_t only, bool json)
{
    if (!is_meant("memory", typed))
        return;
    for (size_t i = 0; i < NR_MEMORY_SIZES && !shell_interrupted(); i++)
        if (only == BENCH_ALL || memory_sizes[i] == only)
            bench_memory(memory_sizes[i], json);
}

/* Is there something to measure with?  Else that is said. */
static bool has_counter(void)
{
    enum timer_tsc kind = timer_tsc_kind();

    if (kind == TSC_NONE)
        kprintf("bench: this CPU has no time-stamp counter (rdtsc) to measure with\n");
    if (kind == TSC_STANDS_STILL)
        kprintf("bench: the time-stamp counter (rdtsc) of this CPU stands still\n");
    return kind == TSC_TIME || kind == TSC_INSTRUCTIONS;
}

static int cmd_bench(int argc, char **argv)
{
    bool json = shell_option(&argc, argv, "-j");
    const char *typed = argc > 1 ? argv[1] : "";
    uint32_t only = BENCH_ALL;

    if (!shell_at_most(argc, argv, 3) ||
        (argc > 2 && !shell_number(argv[2], "OF", &only)))
        return SHELL_USAGE;
    if (!has_row(typed, BENCH_ALL))
        return shell_usage("no workload is called \"%s\": see help bench", typed);
    if (!has_row(typed, only))
        return shell_usage("no row of \"%s\" is of %u: \"bench %s\" has all", typed,
                           (unsigned)only, typed);
    if (!has_counter())
        return SHELL_FAILED;
    print_head(json);
    run_works(typed, only, json);
    mm_reclaim();
    run_memory(typed, only, json);
    bench_scans(typed, only, json);
    return shell_interrupted() ? SHELL_FAILED : SHELL_OK;
}

SHELL_COMMAND_IN("system", bench, "[NAME] [OF] [-j]", "what the allocator's calls cost",
    "Without NAME all workloads, else those whose names begin so: kmalloc-pair,\n"
    "cache-pair, batch, mixed, steady, page-pair, page-batch, memory, scan; OF is one\n"
    "size, order or number of objects of theirs.  Each figure, but those of scan, is\n"
    "net of the same loop without the calls: the mean, what 999 of 1000 operations\n"
    "stay within, and the slowest.  `of` is a size, or for pages an order.\n"
    "Only under QEMU's -icount are they instructions, and the same in every run;\n"
    "else they are time, the host's too, and the first line says so.  Beside other\n"
    "systems' figures: make bench.\n"
    "    bench kmalloc-pair",
    cmd_bench);
