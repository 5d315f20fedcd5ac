/*
 * stress_priv.h - between stress.c, which drives the API, and stress_check.c,
 * which knows what must be true.
 */
#ifndef KERNEL_BENCH_STRESS_PRIV_H
#define KERNEL_BENCH_STRESS_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PIECES = 256 };

enum how { EMPTY, OBJECT, CACHED, PAGES, EXACT };

/* Something taken and not given back. */
struct piece {
    enum how how;
    unsigned which;             /* CACHED: the cache; PAGES: the order */
    uint8_t *p;
    size_t bytes;               /* as asked */
    size_t align;
    size_t zero;                /* so many bytes must be 0 when it comes */
    const void *copy_of;        /* it must come as a copy of this; NULL: of none */
    bool marked;                /* begins with its constructor's CTOR_MARK */
    uint32_t pattern;
};

#define CTOR_MARK 0x5eed5eedu

struct stress {
    uint32_t seed, step, random;
    uint32_t taken, refused, moved;
    bool json, failed;
    struct piece piece[PIECES];
};

uint32_t stress_draw(struct stress *s);

/* Say what is wrong with the piece, at which step of which seed.  False. */
bool stress_fail(struct stress *s, const struct piece *piece, const char *what);

/* Fill it as its owner would. */
void stress_fill(struct stress *s, struct piece *piece);

/* Each false after stress_fail: a piece as it came; where it lies; what it holds. */
bool stress_check_new(struct stress *s, const struct piece *piece);
bool stress_check_place(struct stress *s, const struct piece *piece);
bool stress_check_contents(struct stress *s, const struct piece *piece);

/* The first `bytes` of what now lies at p are still what the piece held. */
bool stress_holds(const struct piece *piece, const uint8_t *p, size_t bytes);

#endif
