/*
 * site.c - call sites, and those that have no line.
 *
 * All sites stand in one array, the linker section "alloc_sites": those that the
 * macros make, and among them the table below for calls of the functions
 * themselves, found by return address (open addressing, linear probing; Knuth,
 * vol. 3, 6.4).  So one 16-bit number names any of them.
 *
 * When the table is full, further return addresses share its entry 0, which has
 * neither line nor address, and are counted.
 *
 * Cost: a lookup is a few steps, until the table is nearly full.
 */
#include "mm/site_priv.h"

#include "mm/hooks_priv.h"

#define RETURN_SITES 256        /* a power of two */

static struct alloc_site by_return[RETURN_SITES]
    __attribute__((section("alloc_sites"), used));
static uint32_t lost;

struct alloc_site *mm_site_of_return(void *address)
{
    uintptr_t wanted = (uintptr_t)address;
    uint32_t hash = (uint32_t)(wanted >> 2) * 2654435761u;      /* 2^32 / phi */

    for (uint32_t i = 0; i < RETURN_SITES; i++) {
        struct alloc_site *site = &by_return[((hash >> 24) + i) % RETURN_SITES];
        uintptr_t found = 0;

        if (site == &by_return[0])
            continue;
        /* An interrupt may take the place between the look and the store. */
        if (__atomic_compare_exchange_n(&site->address, &found, wanted, false,
                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED) ||
            found == wanted)
            return site;
    }
    lost++;
    return &by_return[0];
}

void sites_init(void)
{
    uint16_t number = 0;

    for (struct alloc_site *site = mm_sites(); site < mm_sites_end(); site++)
        site->number = ++number;
}

struct alloc_site *(*mm_more_sites)(uint32_t i);

/* By its number; NULL: there is none of that number, or behind it. */
static struct alloc_site *numbered(uint32_t number)
{
    uint32_t count = (uint32_t)(mm_sites_end() - mm_sites());

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

/* It is asked when something is broken already, so mm_state is not believed. */
const struct alloc_site *mm_current_site(void)
{
    uintptr_t offset = (mm_state & MM_BUSY) - (uintptr_t)mm_sites();

    if (offset >= (uintptr_t)mm_sites_end() - (uintptr_t)mm_sites() ||
        offset % sizeof(struct alloc_site))
        return NULL;
    return mm_sites() + offset / sizeof(struct alloc_site);
}

uint32_t mm_sites_lost(void)
{
    return lost;
}

struct alloc_site *mm_sites(void)
{
    return __start_alloc_sites;
}

struct alloc_site *mm_sites_end(void)
{
    return __stop_alloc_sites;
}
