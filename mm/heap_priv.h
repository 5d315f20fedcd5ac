/*
 * heap_priv.h - the one kernel heap: what mm's files share, and nobody else sees.
 */
#ifndef MM_HEAP_PRIV_H
#define MM_HEAP_PRIV_H

#include "mm/buddy.h"
#include "mm/mm.h"

struct heap {
    uintptr_t base;             /* address of page 0: see heap_base() */
    struct buddy buddy;
    struct record *record;      /* one a page, or NULL: nothing is recorded */
    uint32_t serial;            /* of the newest allocation */
    bool serials_told;          /* that there are no more was said */
    uint32_t total_pages, meta_pages, skipped;
    uint32_t pages_allocated, pages_freed;
    uint32_t large_allocs, large_frees;
    uint32_t ended;             /* allocations, all freed, of destroyed caches */
    uint32_t last_cache;        /* number of the cache made last */
    uint32_t failed, bad_frees;
    uint32_t reports;           /* of bugs */
    uint32_t (*shrink)(void);   /* memory is short: give back what is held in reserve; */
                                /*   how many pages */
    void (*do_put_off)(void);   /* do the frees that were put off; mm is entered */
    uint32_t quarantined;       /* objects that are freed, but not their slots (S9), */
    size_t quarantined_bytes;   /*   and what these slots take */
    uint32_t guarded_pages;     /* in blocks of guarded objects, live ones and others: */
    uint32_t guarded_freed;     /*   so many of these are freed, and wait */
    uint32_t unguarded;         /* objects that found no pages to be guarded with */
    bool watches_all;           /* mm_watcher wants to see every call */
    bool injects;               /*   and to be asked which are to fail */
    bool unmaps;                /* free pages are not there: mm_map_hook took them away */
};

extern struct heap heap;

/*
 * A kernel counts its pages from address 0, and the compiler may know that: a kfree is
 * five instructions shorter.  In a program page 0 is where the memory begins, rounded
 * down to the largest block.
 */
enum { HEAP_IS_AT_ZERO = !__STDC_HOSTED__ };

static inline uintptr_t heap_base(void)
{
    return HEAP_IS_AT_ZERO ? 0 : heap.base;
}

/* ---- addresses, page numbers, records -------------------------------------- */

/* At least npages if addr is outside the heap's span. */
static inline uintptr_t pfn_of(const void *addr)
{
    return ((uintptr_t)addr - heap_base()) >> PAGE_SHIFT;
}

static inline void *address_of(uint32_t pfn)
{
    return (void *)(heap_base() + ((uintptr_t)pfn << PAGE_SHIFT));
}

static inline uint32_t pfn_of_page(const struct page *page)
{
    return (uint32_t)(page - heap.buddy.page);
}

/*
 * Serial numbers do not wrap, so that their order is right: when so few are left, mm goes
 * the long way, where each allocation looks, and the last number serves for ever.  On the
 * short ways those of pages look as well.  Those of objects do not, but they are seen in
 * time: each 32nd from a slab comes to slab_refill(), or there was a free into it for each,
 * and of these every 65,536th to slab_resort(); so at most 2^23 pass in all caches.
 */
#define FEW_SERIALS (UINT32_MAX - (1u << 24))

/* heap.c: few are left, and mm is entered.  Of the last one, say that it is. */
void serials_run_out(void);

/* One of the last.  Pages that are kept cannot join here: one may be on its way. */
static inline void take_late_serial(void)
{
    mm_state_set(MM_LONG_WAY);
    if (heap.serial < UINT32_MAX)
        heap.serial++;
}

/* It is an allocation of so many bytes now, by the call site of that number. */
static inline void record_taken(struct record *record, uint32_t site, uint32_t size)
{
    record->size = size;
    if (likely(heap.serial < FEW_SERIALS)) {
        mm_barrier();           /* add in memory: that takes 2 less, and no register */
        heap.serial++;
    } else {
        take_late_serial();
    }
    mm_barrier();
    record->serial = heap.serial;
    mm_barrier();               /* until its site is written it is no allocation */
    record->sites = site;
}

static inline void mind_serials(void)
{
    if (unlikely(heap.serial >= FEW_SERIALS))
        serials_run_out();
}

static inline bool is_live(const struct record *record)
{
    return record->site && !record->freed_by;
}

/* ---- call sites: site.c -------------------------------------------------------- */

/* Of the linker section. */
extern struct alloc_site __start_alloc_sites[], __stop_alloc_sites[];

enum { MANY = UINT16_MAX };     /* number of all those for whom there is none */

/* NULL: 0, or the number of none. */
const struct alloc_site *site_of(uint16_t number);

/* heap.c: nothing is known. */
void heap_reset(void);

/* ---- pages -------------------------------------------------------------------- */

/* Pages that `bytes` take, and the smallest order that holds them. */
static inline size_t pages_for(size_t bytes)
{
    return (bytes >> PAGE_SHIFT) + ((bytes & (PAGE_SIZE - 1)) != 0);
}

static inline unsigned pages_order(size_t bytes)
{
    uint32_t n = (uint32_t)pages_for(bytes);    /* of at most 4 MiB */

    return n > 1 ? 32 - (unsigned)__builtin_clz(n - 1) : 0;
}

/* Is it a page struct?  Then its number. */
static inline bool find_page(const struct page *page, uint32_t *pfn)
{
    uintptr_t offset = (uintptr_t)page - (uintptr_t)heap.buddy.page;

    if (unlikely(offset / sizeof(*page) >= heap.buddy.npages))
        return false;
    *pfn = (uint32_t)(offset / sizeof(*page));
    return likely(offset % sizeof(*page) == 0);
}

/* ---- names ---------------------------------------------------------------------- */

static inline bool same_name(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

#endif
