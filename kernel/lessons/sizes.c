/*
 * sizes.c - lesson 2: marbles come in sizes.
 *
 * A slab is a few pages, cut into slots of one size; a cache is all slabs of one
 * size. kmalloc looks for the smallest size into which what you ask for fits: 8,
 * 16, 32, 64, 96, 128, 192, 256, 512, 1024 ... 8192.  So what you get is what you
 * asked for, or a little more, and the rest of the slot is nobody's: not yours,
 * for the next version may round otherwise.
 *
 * What is larger than 8192 bytes gets pages of its own; kmalloc(0) gets no memory
 * at all.
 *
 * Try it
 *     kmalloc 97; kmalloc 96      which cache is each from?
 *     slabinfo                    what the caches hold
 *     kmalloc 8193; meminfo       pages of its own
 *     kmalloc 0; dump $           the pointer that points nowhere
 *
 * Questions
 *   1. What is wasted of 1,000 objects of 97 bytes, and what of 1,000 of 96?
 *   2. Why not a size for each number of bytes?
 *   3. Why does ksize() exist, and why should you not use what it tells?
 */
#include "kernel/lessons/lesson.h"
#include "kernel/shell.h"
#include "mm/slab.h"

static const uint32_t sizes[] = { 16, 32, 64, 96, 128, 192, 256, 512, 1024 };

static bool ask_room(struct lesson_run *run)
{
    uint32_t size = lesson_number(run, 33, 500);
    void *p;

    lesson_say("A slab is a few pages, cut into slots of one size: the places of marbles.  All "
               "slabs of one size are a cache.  kmalloc has slots of 8, 16, 32, 64, 96, 128, 192, "
               "256, 512, 1024, 2048, 4096 and 8192 bytes, and takes the smallest that will do.");
    if (!lesson_ask(run, "kmalloc(%u): how large is the slot that you get?", (unsigned)size))
        return false;
    lesson_do("kmalloc %u", (unsigned)size);
    p = kmalloc(size, GFP_KERNEL);
    lesson_is(run, (uint32_t)ksize(p),
              "The name of the cache says it, and the function ksize() tells it.  Yours are the "
              "%u bytes that you asked for; the rest is nobody's.", (unsigned)size);
    kfree(p);
    return true;
}

/* At a size of a slot, or one beyond it. */
static bool ask_edge(struct lesson_run *run)
{
    uint32_t edge = sizes[lesson_number(run, 0, sizeof(sizes) / sizeof(sizes[0]) - 1)];
    uint32_t size = edge - lesson_number(run, 0, 1);
    void *p, *q;
    bool same;

    if (!lesson_choose(run, "the same cache|two caches",
                       "kmalloc(%u) and kmalloc(%u): objects of the same cache, or of two?",
                       (unsigned)size, (unsigned)size + 1))
        return false;
    lesson_do("kmalloc %u; kmalloc %u", (unsigned)size, (unsigned)size + 1);
    p = kmalloc(size, GFP_KERNEL);
    q = kmalloc(size + 1, GFP_KERNEL);
    same = ksize(p) == ksize(q);
    lesson_is(run, !same, "%u is %s.  One byte more than a slot holds takes the next larger slot: "
              "half as large again, or twice as large.",
              (unsigned)size, same ? "no edge: both fit into the same slot"
                                   : "the very size of a slot, and one more is too much");
    kfree(p);
    kfree(q);
    return true;
}

static bool ask_none(struct lesson_run *run)
{
    void *p;

    if (!lesson_choose(run, "NULL|a pointer that must not be used|8 bytes, the smallest slot",
                       "kmalloc(0): what comes back?"))
        return false;
    lesson_do("kmalloc 0");
    p = kmalloc(0, GFP_KERNEL);
    lesson_is(run, p == NULL ? 0 : p == ZERO_SIZE_PTR ? 1 : 2,
              "NULL would mean that it failed.  ZERO_SIZE_PTR may be given to kfree like any "
              "other; who touches it faults, and the report names it.");
    kfree(p);
    return true;
}

static void ask_large(struct lesson_run *run)
{
    uint32_t size = 8192 + lesson_number(run, 1, 20000);
    void *p;

    if (!lesson_ask(run, "kmalloc(%u), more than the largest slot: how many kB does it take?",
                    (unsigned)size))
        return;
    lesson_do("kmalloc %u", (unsigned)size);
    p = kmalloc(size, GFP_KERNEL);
    lesson_is(run, (uint32_t)ksize(p) / 1024,
              "It gets pages of its own, of 4 kB each, and blocks of pages have 4, 8, 16, 32 ... "
              "kB: that is the next lesson.  Of 4,096 bytes one cannot cut 42 slots of 96: each "
              "slot has 16 more in the slab, the record of who took it.");
    kfree(p);
}

static void ask_sizes(struct lesson_run *run)
{
    if (ask_room(run) && ask_edge(run) && ask_none(run))
        ask_large(run);
}

LESSON(2, sizes, "Marbles come in sizes", "one gets what one asks for",
       "kmalloc 97; kmalloc 96; slabinfo", ask_sizes);
