/*
 * bench_priv.h - between bench.c, which measures and prints, and bench_work.c,
 * which knows the workloads.
 */
#ifndef KERNEL_BENCH_BENCH_PRIV_H
#define KERNEL_BENCH_BENCH_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BENCH_MOST = 100000, BENCH_KEPT = BENCH_MOST / 1000 + 1 };

/* Single operations, each timed: their sum, and the slowest in a thousand. */
struct bench_singles {
    uint32_t cost;              /* taken off each: what it takes without the calls */
    uint32_t kept;              /* of largest[], descending */
    uint32_t sum;
    uint32_t largest[BENCH_KEPT];
};

/* One body in two loops: timed as a whole, and each round of it. */
struct bench_timed {
    uint32_t (*loop)(uint32_t rounds);
    void (*each)(uint32_t rounds, struct bench_singles *singles);
};

struct bench_work {
    const char *name;
    const char *unit;           /* what one operation is */
    uint32_t rounds;
    const struct bench_timed *work;
    const struct bench_timed *empty;    /* the same without the calls */
    bool (*open)(void);         /* once, before all; false: not enough memory */
    void (*close)(void);        /* once, after all */
    void (*before)(void);       /* before each pass over `work` */
    void (*after)(void);        /* after it: gives back what is live */
    const uint32_t *of;         /* sizes in bytes, or orders; ends with BENCH_END */
};
#define BENCH_END UINT32_MAX
#define BENCH_ALL (UINT32_MAX - 1)      /* of all sizes, or orders */

/* The size or order that the workload is to use now. */
extern uint32_t bench_of;

extern const struct bench_work bench_works[];
extern const size_t bench_nr_works;


/* Forget what the last workload left in the table: pointers, no memory. */
void bench_clear(void);

/* Objects of bench_of bytes: pages taken by the last `objects`; 0: no memory. */
uint32_t bench_pages_of(uint32_t others, uint32_t objects);

/* bench_scan.c: is there such a row?  Rows need records. */
bool bench_has_scan(const char *typed, uint32_t only);
void bench_scans(const char *typed, uint32_t only, bool json);

#endif
