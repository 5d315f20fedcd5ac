/*
 * names.c - bugs and flags in words.
 */
#include "mm/mm.h"

#include "mm/heap_priv.h"

const char *mm_bug_name(enum mm_bug bug)
{
    static const char *const names[] = {
        [MM_BUG_DOUBLE_FREE] = "double free",
        [MM_BUG_NOT_ALLOCATED] = "not allocated",
        [MM_BUG_INTERIOR] = "interior pointer",
        [MM_BUG_NOT_HEAP] = "not heap memory",
        [MM_BUG_PAGES_TO_KFREE] = "pages passed to kfree",
        [MM_BUG_OBJECT_TO_FREE_PAGES] = "object passed to free_pages",
        [MM_BUG_WRONG_ORDER] = "wrong order",
        [MM_BUG_WRONG_CACHE] = "wrong cache",
        [MM_BUG_TOO_MANY_PUT_OFF] = "too many frees while the allocator is busy",
        [MM_BUG_USE_AFTER_FREE] = "use after free",
        [MM_BUG_SLEEP_IN_IRQ] = "GFP_KERNEL in an interrupt",
        [MM_BUG_TOO_LARGE] = "size that no block has",
        [MM_BUG_BAD_CACHE] = "cache cannot be made",
        [MM_BUG_NO_CACHE] = "not a cache",
        [MM_BUG_CACHE_IN_USE] = "cache cannot be destroyed",
        [MM_BUG_RIGHT_REDZONE] = "Right Redzone overwritten",
        [MM_BUG_LEFT_REDZONE] = "Left Redzone overwritten",
        [MM_BUG_POISON] = "Poison overwritten",
        [MM_BUG_GUARDED] = "memory corruption",
        [MM_BUG_PAGE_POISON] = "page poison overwritten",
        [MM_BUG_CORRUPTED] = "corrupted",
        [MM_OUT_OF_MEMORY] = "out of memory",
        [MM_INJECTED] = "made to fail",
        [MM_NO_MORE_SERIALS] = "no more serial numbers",
    };

    return (unsigned)bug < sizeof(names) / sizeof(names[0]) && names[bug]
               ? names[bug] : "unknown";
}

static void append(char *buf, size_t size, const char *text)
{
    size_t at = strlen(buf);

    while (*text && at + 1 < size)
        buf[at++] = *text++;
    buf[at] = '\0';
}

static const struct {
    gfp_t bit;
    const char *name;
} gfp_names[] = {
    { GFP_KERNEL, "GFP_KERNEL" },       { GFP_ATOMIC, "GFP_ATOMIC" },
    { __GFP_ZERO, "__GFP_ZERO" },       { __GFP_NOWARN, "__GFP_NOWARN" },
    { __GFP_NORETRY, "__GFP_NORETRY" }, { __GFP_NOFAIL, "__GFP_NOFAIL" },
};

enum { NR_GFP_NAMES = sizeof(gfp_names) / sizeof(gfp_names[0]) };

const char *mm_gfp_name(gfp_t gfp, char *buf, size_t size)
{
    if (size == 0)
        return buf;
    buf[0] = '\0';
    if (!(gfp & (GFP_KERNEL | GFP_ATOMIC)))
        append(buf, size, "GFP_NOWAIT");
    for (size_t i = 0; i < NR_GFP_NAMES; i++)
        if (gfp & gfp_names[i].bit) {
            append(buf, size, buf[0] ? "|" : "");
            append(buf, size, gfp_names[i].name);
        }
    return buf;
}

bool mm_gfp_of(const char *name, gfp_t *gfp)
{
    for (size_t i = 0; i < NR_GFP_NAMES; i++)
        if (same_name(name, gfp_names[i].name)) {
            *gfp = gfp_names[i].bit;
            return true;
        }
    return false;
}
