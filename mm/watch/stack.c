/*
 * stack.c - the calls that led to an allocation or a free (dial U).
 *
 * A stack is a call site with more than one line: an entry here holds a struct
 * alloc_site, a copy of the call's own, and the return addresses that led to it.
 *
 *     record.site:   1 ... n      call sites, in the linker's section (site.c)
 *                    n+1 ...      entries of this table
 *
 * So a record keeps its size, and all that prints a site prints this one.  Equal
 * stacks share an entry (open addressing, linear probing; Knuth, vol. 3, 6.4).  When
 * the table is full a call has its site alone, and is counted.
 *
 * Cost: a walk up the stack, and a hash over its addresses.
 */
#include "mm/watch/stack_priv.h"

#include "mm/hooks_priv.h"

#define STACKS 512              /* a power of two */

struct stack {
    struct alloc_site site;     /* number 0: this entry is free */
    unsigned depth;
    uintptr_t frames[MM_STACK_FRAMES];
};

unsigned (*mm_stack_hook)(uintptr_t *frames, unsigned max);

static struct stack stacks[STACKS];
static uint32_t lost;

static uint32_t sites_count(void)
{
    return (uint32_t)(mm_sites_end() - mm_sites());
}

static uint32_t hash_of(const struct alloc_site *site, const uintptr_t *frames,
                        unsigned depth)
{
    uint32_t hash = site->number;

    for (unsigned i = 0; i < depth; i++)
        hash = (hash ^ (uint32_t)frames[i]) * 16777619u;        /* FNV-1a */
    return hash ^ hash >> 16;
}

static bool is_this(const struct stack *stack, const struct alloc_site *site,
                    const uintptr_t *frames, unsigned depth)
{
    if (stack->site.file != site->file || stack->site.line != site->line ||
        stack->site.address != site->address || stack->depth != depth)
        return false;
    for (unsigned i = 0; i < depth; i++)
        if (stack->frames[i] != frames[i])
            return false;
    return true;
}

/* For mm_more_sites. */
static struct alloc_site *stack_at(uint32_t i)
{
    return i < STACKS ? &stacks[i].site : NULL;
}

static void fill(struct stack *stack, const struct alloc_site *site,
                 const uintptr_t *frames, unsigned depth)
{
    mm_more_sites = stack_at;
    stack->site = *site;
    stack->site.number = (uint16_t)(sites_count() + 1 + (uint32_t)(stack - stacks));
    stack->depth = depth;
    memcpy(stack->frames, frames, depth * sizeof(frames[0]));
}

struct alloc_site *stack_site(struct alloc_site *site)
{
    uintptr_t frames[MM_STACK_FRAMES];
    unsigned depth = mm_stack_hook ? mm_stack_hook(frames, MM_STACK_FRAMES) : 0;
    uint32_t hash = hash_of(site, frames, depth);

    if (!depth)
        return site;
    if (sites_count() + STACKS >= UINT16_MAX) {
        lost++;                 /* a record has 16 bits for its number */
        return site;
    }
    for (uint32_t i = 0; i < STACKS; i++) {
        struct stack *stack = &stacks[(hash + i) % STACKS];

        if (stack->site.number == 0)
            fill(stack, site, frames, depth);
        if (is_this(stack, site, frames, depth))
            return &stack->site;
    }
    lost++;
    return site;
}

const uintptr_t *mm_site_stack(const struct alloc_site *site, unsigned *depth)
{
    *depth = 0;
    if (!site || site->number <= sites_count())
        return NULL;

    const struct stack *stack = (const struct stack *)(const void *)site;

    *depth = stack->depth;
    return stack->frames;
}

uint32_t mm_stacks_lost(void)
{
    return lost;
}
