/*
 * hosted_malloc.c - the workloads of make bench-hosted through malloc, whoever's.
 *
 *     hosted_jemalloc libjemalloc.so ...
 *
 * One object, linked with each library.  The program goes no further unless malloc
 * and its kin lie in the library that is named: so LD_PRELOAD, or a linker that left
 * the library out, cannot put another allocator's figures into its column.
 */
#define _GNU_SOURCE             /* dladdr */
#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

static inline void *take(size_t size) { return malloc(size); }
static inline void give(void *p) { free(p); }
static inline void *take_object(void) { return malloc(100); }
static inline void give_object(void *p) { free(p); }

static inline void *take_block(unsigned order)
{
    return aligned_alloc((size_t)4096 << order, (size_t)4096 << order);
}

static inline void give_block(void *block, unsigned order)
{
    (void)order;
    free(block);
}

static inline double heap_bytes(void) { return 0; }

static void open_heap(const char *who);
static void close_heap(void);

#include "tests/bench/hosted_work.h"

/* The file in which this function lies; it must be called `who` something. */
static const char *file_of(uintptr_t function, const char *who)
{
    Dl_info info = { 0 };
    bool found = dladdr((void *)function, &info);
    const char *name = found ? strrchr(info.dli_fname, '/') : NULL;

    if (name && strncmp(name + 1, who, strlen(who)) == 0)
        return info.dli_fname;
    fprintf(stderr, "bench-hosted: %s was asked for, but malloc and its kin are those "
            "of %s\n", who, found ? info.dli_fname : "nobody known");
    exit(1);
}

static void open_heap(const char *who)
{
    file_of((uintptr_t)free, who);
    file_of((uintptr_t)aligned_alloc, who);
    printf("{\"allocator\": \"%s\"}\n", file_of((uintptr_t)malloc, who));
}

static void close_heap(void)
{
    void *one = take(work_of), *block = take_block(10);

    demand(one && block, "out of memory");
    free(one);
    free(block);
}
