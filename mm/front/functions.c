/*
 * functions.c - kmalloc and its kin as functions, for (kmalloc)(n, f) and for
 * function pointers.
 *
 * slab.h makes each of these names a macro that knows its line.  Here are the
 * functions under the same names; all they know of their caller is the return
 * address.  That gets a call site of its own, in a table among those of the linker's
 * section (open addressing, linear probing; Knuth, vol. 3, 6.4).  When it is full,
 * further return addresses share its entry 0, which has neither line nor address, and
 * are counted.
 *
 * Cost: a lookup is a few steps, until the table is nearly full.
 */
#include "mm/mm.h"

#define RETURN_SITES 256        /* a power of two */

static struct alloc_site by_return[RETURN_SITES]
    __attribute__((section("alloc_sites"), used));
static uint32_t lost;

/* The site of a call that came without one. */
static struct alloc_site *site_of_return(void *address)
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

uint32_t mm_sites_lost(void)
{
    return lost;
}

#define RETURN_SITE() site_of_return(__builtin_return_address(0))

void *(kmalloc)(size_t size, gfp_t gfp)
{
    return kmalloc_at(RETURN_SITE(), size, gfp);
}

void *(kzalloc)(size_t size, gfp_t gfp)
{
    return kmalloc_at(RETURN_SITE(), size, gfp | __GFP_ZERO);
}

void *(kmalloc_array)(size_t n, size_t size, gfp_t gfp)
{
    return kmalloc_array_at(RETURN_SITE(), n, size, gfp);
}

void *(kcalloc)(size_t n, size_t size, gfp_t gfp)
{
    return kmalloc_array_at(RETURN_SITE(), n, size, gfp | __GFP_ZERO);
}

void *(krealloc)(const void *p, size_t size, gfp_t gfp)
{
    return krealloc_at(RETURN_SITE(), p, size, gfp);
}

void *(krealloc_array)(void *p, size_t n, size_t size, gfp_t gfp)
{
    return krealloc_array_at(RETURN_SITE(), p, n, size, gfp);
}

void (kfree)(const void *p)
{
    kfree_at(RETURN_SITE(), p);
}

void (kfree_sensitive)(const void *p)
{
    kfree_sensitive_at(RETURN_SITE(), p);
}

char *(kstrdup)(const char *s, gfp_t gfp)
{
    return kstrdup_at(RETURN_SITE(), s, gfp);
}

char *(kstrndup)(const char *s, size_t max, gfp_t gfp)
{
    return kstrndup_at(RETURN_SITE(), s, max, gfp);
}

void *(kmemdup)(const void *from, size_t size, gfp_t gfp)
{
    return kmemdup_at(RETURN_SITE(), from, size, gfp);
}

struct kmem_cache *(kmem_cache_create)(const char *name, size_t size, size_t align,
                                       slab_flags_t flags, void (*ctor)(void *))
{
    return kmem_cache_create_at(RETURN_SITE(), name, size, align, flags, ctor);
}

void *(kmem_cache_alloc)(struct kmem_cache *cache, gfp_t gfp)
{
    return kmem_cache_alloc_at(RETURN_SITE(), cache, gfp);
}

void *(kmem_cache_zalloc)(struct kmem_cache *cache, gfp_t gfp)
{
    return kmem_cache_alloc_at(RETURN_SITE(), cache, gfp | __GFP_ZERO);
}

void (kmem_cache_free)(struct kmem_cache *cache, void *p)
{
    kmem_cache_free_at(RETURN_SITE(), cache, p);
}

void (kmem_cache_destroy)(struct kmem_cache *cache)
{
    kmem_cache_destroy_at(RETURN_SITE(), cache);
}

struct page *(alloc_pages)(gfp_t gfp, unsigned order)
{
    return alloc_pages_at(RETURN_SITE(), gfp, order);
}

void (__free_pages)(struct page *page, unsigned order)
{
    free_pages_at(RETURN_SITE(), page, order);
}

unsigned long (__get_free_pages)(gfp_t gfp, unsigned order)
{
    return get_free_pages_at(RETURN_SITE(), gfp, order);
}

void (free_pages)(unsigned long addr, unsigned order)
{
    free_pages_addr_at(RETURN_SITE(), addr, order);
}

void *(alloc_pages_exact)(size_t bytes, gfp_t gfp)
{
    return alloc_pages_exact_at(RETURN_SITE(), bytes, gfp);
}

void (free_pages_exact)(void *addr, size_t bytes)
{
    free_pages_exact_at(RETURN_SITE(), addr, bytes);
}
