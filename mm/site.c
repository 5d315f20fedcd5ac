/*
 * site.c - call sites, by number.
 *
 *     1 ... n      the linker section "alloc_sites": what the macros make of each line,
 *                  and the entries for calls without one (front/functions.c)
 *     n + 1 ...    call sites with more lines: the stacks of dial U, by a hook
 *     65535        any of those in the section that have no number: it is a site of its
 *                  own, which says so
 *
 * So one 16-bit number names any of them.
 */
#include "mm/heap_priv.h"

#include "mm/hooks_priv.h"

static struct alloc_site many = { .file = "beyond-65534-call-sites", .number = MANY,
                                  .func = "one_of_many" };

static uint32_t sites_count(void)
{
    return (uint32_t)(mm_sites_end() - mm_sites());
}

struct alloc_site *(*mm_more_sites)(uint32_t i);

/* By its number; NULL: there is none of that number, or behind it. */
static struct alloc_site *numbered(uint32_t number)
{
    uint32_t count = sites_count();

    if (number >= MANY && count >= MANY)
        return number == MANY ? &many : NULL;
    if (number <= count)
        return &mm_sites()[number - 1];
    return mm_more_sites ? mm_more_sites(number - count - 1) : NULL;
}

const struct alloc_site *site_of(uint16_t number)
{
    const struct alloc_site *site = number ? numbered(number) : NULL;

    return site && site->number ? site : NULL;
}

struct alloc_site *mm_next_site(const struct alloc_site *previous)
{
    uint32_t number = previous ? previous->number : 0;
    struct alloc_site *site;

    do
        site = numbered(++number);
    while (site && !site->number);
    return site;
}

struct alloc_site *mm_sites(void)
{
    return __start_alloc_sites;
}

struct alloc_site *mm_sites_end(void)
{
    return __stop_alloc_sites;
}
