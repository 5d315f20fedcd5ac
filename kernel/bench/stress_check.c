/*
 * stress_check.c - what must be true of memory that one has taken, whatever the
 * allocator is like inside.
 *
 *   C1  two live pieces never overlap;
 *   C2  alignment: 8 bytes, a power of two to itself, pages to their block;
 *   C3  what was asked to be zero is zero, all of ksize;
 *   C4  a piece holds what was written to it until it is given back, across
 *       krealloc too;
 *   C5  a cache's object comes as its constructor or its last owner left it;
 *   C6  ksize is at least what was asked, and what kmalloc_size_roundup foretold
 *       (with red zones, or guarded, it is what was asked; where no slab can be had, it is more).
 *
 *     0    EDGE                        bytes - EDGE    bytes
 *     |####|...........................|###############|     # = (pattern + i) & 255
 *
 * Nothing is taken from mm's word: this file has a table of pieces and looks at
 * memory.  A large piece carries its pattern at both ends only, which is where
 * neighbours meet; in the middle an overlap is found by C1.
 */
#include "kernel/bench/stress_priv.h"

#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/mm.h"
#include "mm/watch/dials.h"

enum { EDGE = 256 };

/* C1 ..., for those who see one broken. */
static const char *const rules[] = {
    "two live pieces never overlap",
    "memory is aligned to 8 bytes, a power of two to itself, pages to their block",
    "what was asked to be zero is zero, all of ksize",
    "a piece holds what was written to it until it is given back, across krealloc too",
    "a cache's object comes as its constructor or its last owner left it",
    "ksize is at least what was asked, and what kmalloc_size_roundup foretold",
};

uint32_t stress_draw(struct stress *s)
{
    s->random ^= s->random << 13;
    s->random ^= s->random >> 17;
    s->random ^= s->random << 5;
    return s->random;
}

bool stress_fail(struct stress *s, const struct piece *piece, const char *what)
{
    s->failed = true;
    if (s->json) {
        kprintf("{\"failure\": \"%s\", \"address\": \"%p\", \"bytes\": %zu, "
                "\"step\": %u, \"seed\": %u}\n", what, (void *)piece->p, piece->bytes,
                (unsigned)s->step, (unsigned)s->seed);
        return false;
    }
    kprint_wrapped(0, "stress: %s: %p, %zu byte%s, at step %u of seed %u", what,
                   (void *)piece->p, piece->bytes, plural(piece->bytes),
                   (unsigned)s->step, (unsigned)s->seed);
    kprint_wrapped(0, "  the rule: %s", rules[what[1] - '1']);
    return false;
}

/* The next index of a piece that carries a pattern. */
static size_t index_after(const struct piece *piece, size_t i)
{
    i++;
    return i == EDGE && piece->bytes > 2 * EDGE ? piece->bytes - EDGE : i;
}

/* The first byte that is ours to write. */
static size_t first_index(const struct piece *piece)
{
    return piece->marked ? sizeof(uint32_t) : 0;
}

void stress_fill(struct stress *s, struct piece *piece)
{
    piece->pattern = stress_draw(s);
    for (size_t i = first_index(piece); i < piece->bytes; i = index_after(piece, i))
        piece->p[i] = (uint8_t)(piece->pattern + i);
}

/* C4 */
bool stress_holds(const struct piece *piece, const uint8_t *p, size_t bytes)
{
    for (size_t i = first_index(piece); i < bytes; i = index_after(piece, i))
        if (p[i] != (uint8_t)(piece->pattern + i))
            return false;
    return true;
}

static bool is_zero(const uint8_t *p, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (p[i] != 0)
            return false;
    return true;
}

static bool overlaps_another(const struct stress *s, const struct piece *piece)
{
    for (const struct piece *other = s->piece; other < s->piece + PIECES; other++)
        if (other != piece && other->how != EMPTY &&
            piece->p < other->p + other->bytes && other->p < piece->p + piece->bytes)
            return true;
    return false;
}

/* C1, C2: where it lies. */
bool stress_check_place(struct stress *s, const struct piece *piece)
{
    if (((uintptr_t)piece->p & (piece->align - 1)) != 0)
        return stress_fail(s, piece, "C2: not aligned");
    if (overlaps_another(s, piece))
        return stress_fail(s, piece, "C1: overlaps a live piece");
    return true;
}

/* C3, C5, C6: how it comes. */
bool stress_check_new(struct stress *s, const struct piece *piece)
{
    if (piece->how == OBJECT && ksize(piece->p) < kmalloc_size_roundup(piece->bytes) &&
        ((mm_dial("slub_debug")[0] == 0 && mm_dial("kfence.every")[0] == 0 && !mm_gaps) ||
         ksize(piece->p) != piece->bytes))
        return stress_fail(s, piece, "C6: ksize is less than kmalloc_size_roundup");
    if (piece->how == OBJECT && ksize(piece->p) < piece->bytes)
        return stress_fail(s, piece, "C6: ksize is too small");
    if (!is_zero(piece->p, piece->zero))
        return stress_fail(s, piece, "C3: not zero");
    if (piece->copy_of != NULL && memcmp(piece->p, piece->copy_of, piece->bytes) != 0)
        return stress_fail(s, piece, "C4: not a true copy");
    if (piece->marked && *(uint32_t *)(void *)piece->p != CTOR_MARK)
        return stress_fail(s, piece, "C5: not as constructed");
    return stress_check_place(s, piece);
}

/* C4, C5: what it holds before it goes. */
bool stress_check_contents(struct stress *s, const struct piece *piece)
{
    if (!stress_holds(piece, piece->p, piece->bytes))
        return stress_fail(s, piece, "C4: somebody else wrote here");
    if (piece->marked && *(uint32_t *)(void *)piece->p != CTOR_MARK)
        return stress_fail(s, piece, "C5: the constructor's mark is gone");
    return true;
}
