/*
 * san_priv.h - what the files of this wing know of each other.
 */
#ifndef KERNEL_SAN_SAN_PRIV_H
#define KERNEL_SAN_SAN_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- shadow.c: what may be accessed ------------------------------------------ */

enum { GRANULE = 8 };           /* bytes of memory that one byte of shadow tells of */

/*
 * A byte of shadow: 0, all 8 bytes may be accessed; 1 to 7, only so many of the first;
 * else why not, by Linux's numbers (mm/kasan/kasan.h).  GCC writes those of stacks.
 */
enum shadow {
    SHADOW_STACK_LEFT = 0xf1,
    SHADOW_STACK_MID = 0xf2,
    SHADOW_STACK_RIGHT = 0xf3,
    SHADOW_SCOPE = 0xf8,        /* a variable whose block has ended */
    SHADOW_GLOBAL = 0xf9,
    SHADOW_SLAB_FREE = 0xfb,
    SHADOW_SLAB_REDZONE = 0xfc,
    SHADOW_NEVER = 0xfd,        /* never handed out, or mm's books (not in Linux) */
    SHADOW_PAGE_REDZONE = 0xfe, /* behind a kmalloc that has pages of its own */
    SHADOW_PAGE_FREE = 0xff,
    SHADOW_ALLOCA_LEFT = 0xca,
    SHADOW_ALLOCA_RIGHT = 0xcb,
};

/* Of an address that has a shadow. */
uint8_t *shadow_of(uintptr_t addr);
bool shadow_covers(uintptr_t addr);

/* Is this the shadow itself? */
bool shadow_is_at(uintptr_t addr);

/* The first byte of these that may not be accessed; 0: all may. */
uintptr_t shadow_first_bad(uintptr_t addr, size_t bytes);

/*
 * The first `bytes` at p may be accessed; those behind, up to `room`, not: why.  Who has
 * only a part of a granule has all of it.
 */
void shadow_set(const void *p, size_t bytes, size_t room, enum shadow why);

/* All of it may be accessed. */
void shadow_open(uintptr_t start, uintptr_t end);

/* Is there a shadow of the heap? */
bool shadow_has_heap(void);

/* ---- report.c ---------------------------------------------------------------- */

/* Who does it: a call of ours returns there, and that is its frame. */
struct san_caller {
    uintptr_t eip;
    const uintptr_t *frame;     /* ours: saved ebp, return address */
};

#define SAN_CALLER()                                                          \
    ((struct san_caller){ (uintptr_t)__builtin_return_address(0),             \
                          __builtin_frame_address(0) })

/*
 * True: tell it, and end with san_end.  False: it was told already while this command
 * ran, or comes from a report.
 */
bool san_begin(struct san_caller caller);
void san_end(struct san_caller caller);
bool san_is_reporting(void);

void san_line(const char *text);

/* ---- kasan.c ----------------------------------------------------------------- */

/* May `caller` read, or write, these bytes?  If not, that is reported. */
void san_check(uintptr_t addr, size_t bytes, bool write, struct san_caller caller);

/* ---- kasan_report.c ---------------------------------------------------------- */

struct san_access {
    uintptr_t addr, bad;        /* where it begins, and its first byte that is wrong */
    size_t bytes;
    bool write;
};

void kasan_report(const struct san_access *access, struct san_caller caller);

#endif
