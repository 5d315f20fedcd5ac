/*
 * bench_scan.c - what a scan for leaks costs, by the number of objects that are live.
 *
 *     scan        objects of 64 bytes on a list, with nothing else in them
 *     scan-sites  the same, and the sums by call site that a report needs
 *     scan-full   objects in which every word is a pointer to another one
 *
 * A figure is for one object; of none, for the scan.  The second of two scans is measured.
 */
#include "kernel/bench/bench_priv.h"

#include "kernel/cpu/cpu.h"
#include "kernel/printk.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/scan/scan.h"

enum { SIZE = 64, WORDS = SIZE / sizeof(uintptr_t) };

static uintptr_t *head;

static const struct scan_work {
    const char *name;
    bool sites, full;
    uint32_t of[5];
} works[] = {
    { "scan", false, false, { 0, 1000, 10000, 100000, BENCH_END } },
    { "scan-sites", true, false, { 0, 1000, 10000, 100000, BENCH_END } },
    { "scan-full", false, true, { 1000, 10000, BENCH_END } },
};

static bool take(uint32_t n, bool full)
{
    for (; n > 0; n--) {
        uintptr_t *object = kzalloc(SIZE, GFP_KERNEL | __GFP_NOWARN);

        if (object == NULL)
            return false;
        for (unsigned i = 0; i < (full ? WORDS : 1); i++)
            object[i] = (uintptr_t)head;
        head = object;
    }
    return true;
}

static void give_back(void)
{
    while (head != NULL) {
        uintptr_t *object = head;

        head = (uintptr_t *)object[0];
        kfree(object);
    }
}

static uint32_t time_scan(bool sites)
{
    uint32_t flags = irq_save(), start = cpu_tsc(), time;

    if (mm_scan_begin()) {
        mm_scan_root(&head, &head + 1);
        mm_scan_end();
        if (sites)
            mm_scan_count_sites(1u << MM_REACHABLE, 0);
    }
    time = cpu_tsc() - start;
    irq_restore(flags);
    return time;
}

static void scan_one(const struct scan_work *work, uint32_t n, bool json)
{
    uint32_t by = n != 0 ? n : 1, time;

    kprintf(json ? "{\"bench\": \"%s\", \"of\": %u" : "%-22s %7u", work->name,
            (unsigned)n);
    if (!take(n, work->full)) {
        give_back();
        kprintf(json ? ", \"failed\": \"%s\"}\n" : "  %s\n", "not enough memory");
        return;
    }
    time_scan(work->sites);
    time = time_scan(work->sites);
    give_back();
    kprintf(json ? ", \"unit\": \"%s\", \"mean\": %u.%02u, \"p999\": null, \"max\": null}\n"
                 : "  %-12s %6u.%02u \n", n != 0 ? "an object" : "a scan",
            (unsigned)(time / by), (unsigned)(time % by * 100 / by));
}

bool bench_has_scan(const char *typed, uint32_t only)
{
    for (size_t i = 0; i < sizeof(works) / sizeof(works[0]); i++)
        for (const uint32_t *of = works[i].of; *of != BENCH_END; of++)
            if (strncmp(works[i].name, typed, strlen(typed)) == 0 &&
                (only == BENCH_ALL || *of == only))
                return true;
    return false;
}

void bench_scans(const char *typed, uint32_t only, bool json)
{
    for (size_t i = 0; i < sizeof(works) / sizeof(works[0]) && mm_records; i++)
        for (const uint32_t *of = works[i].of; *of != BENCH_END; of++)
            if (strncmp(works[i].name, typed, strlen(typed)) == 0 &&
                (only == BENCH_ALL || *of == only) && !shell_interrupted())
                scan_one(&works[i], *of, json);
}
