/*
 * heap_priv.h - the one kernel heap: what mm's files share, and nobody else sees.
 *
 * How a call runs: it enters (mm_state says busy), proves its arguments, changes
 * the structures, leaves; reports are made after leaving, when all is whole.
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
    uint32_t total_pages, meta_pages, skipped;
    uint32_t pages_allocated, pages_freed;
    uint32_t large_allocs, large_frees;
    uint32_t ended;             /* allocations, all freed, of destroyed caches */
    uint32_t last_cache;        /* number of the cache made last */
    uint32_t failed, bad_frees;
    uint32_t quarantined;       /* objects that are freed, but not their slots (S9), */
    size_t quarantined_bytes;   /*   and what these slots take */
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

/* A new serial number.  (It is added to in memory: that takes no register.) */
static inline uint32_t new_serial(void)
{
    heap.serial++;
    mm_barrier();
    return heap.serial;
}

/* It is an allocation of so many bytes now, by the call site of that number. */
static inline void record_taken(struct record *record, uint32_t site, uint32_t size)
{
    record->sites = site;
    record->size = size;
    record->serial = new_serial();
}

static inline bool is_live(const struct record *record)
{
    return record->site && !record->freed_by;
}

/* heap.c: can the record be that of anything?  NULL, or M3 or M4. */
const char *record_fault(const struct record *record);

/* ---- names ------------------------------------------------------------------- */

static inline bool same_name(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

/* ---- entering and leaving: irq.c -------------------------------------------- */

/*
 * Enter from anywhere but the fast paths, for the call at `site`, or NULL: for no call.
 * False: mm is busy under us.  Frees that were put off are done now.
 */
bool mm_enter(const struct alloc_site *site);

static inline void mm_leave(void) { mm_state_clear(MM_BUSY); }

/*
 * The short way in, for the fast paths: only if nothing at all is going on.  The site
 * is never NULL, which would say idle.  (More than 1 is as good as not 0, for no flag
 * is 1; but 0 would be compared in a register.)
 */
static inline bool mm_enter_at_once(const struct alloc_site *site)
{
    if (unlikely(mm_state > 1))
        return false;
    mm_state = (uintptr_t)site;
    mm_barrier();
    return true;
}

/* Whose call entered at once: the fast paths have no register to keep it in. */
static inline struct alloc_site *mm_caller(void)
{
    return (struct alloc_site *)(mm_state & MM_BUSY);
}

/* heap.c: nothing is known, nothing waits. */
void heap_reset(void);

/* ---- failing: report.c ------------------------------------------------------- */

/* Call the hook, and trap if the report is fatal. */
void mm_report(const struct mm_report *report);

/* A rule of mm's own is found broken in what lies at, or describes, addr. */
void mm_corrupted(const char *call, struct alloc_site *site, const char *rule,
                  const void *addr);

/* What an allocation asked for, for the report if it fails. */
struct mm_request {
    const char *call;
    struct alloc_site *site;
    gfp_t gfp;
    unsigned order;
    size_t bytes;
};

/*
 * Count and report that it cannot be had; always NULL.  __GFP_NOWARN silences what may
 * happen to anybody, not what is wrong with the caller's flags.
 */
void *mm_fail(const struct mm_request *request, enum mm_bug why);

/* True if gfp may be used here; otherwise GFP_KERNEL in an interrupt, reported. */
bool mm_may_allocate(const struct mm_request *request);

/*
 * The free (or the use) of addr was refused: find out why and report it.
 * `problem` may add words.
 */
struct mm_refusal {
    const char *call;
    struct alloc_site *site;
    const void *addr;
    const struct kmem_cache *cache;     /* kmem_cache_free: the one passed */
    bool pages;                 /* an address or page passed to free_pages */
    bool exact;                 /* to free_pages_exact */
    bool no_page_struct;        /* to __free_pages, and is none */
    bool no_room;               /* right, but it cannot be put off */
    bool is_free;               /* false: another use, such as ksize */
    unsigned order;
    size_t bytes;
};

void mm_refuse(const struct mm_refusal *refusal);

/* Is it right to free that? */
typedef bool mm_proof(const struct mm_refusal *free);

/* ---- frees that wait: heap.c ------------------------------------------------- */

struct mm_put_off {
    struct mm_refusal free;
    mm_proof *is_right;         /* what let it in, asked again when it is done */
};

bool mm_is_put_off(const void *addr);
/* Would a free be refused now, for want of room to put it off? */
bool mm_is_busy_and_full(void);
/* False: there is no room. */
bool mm_put_off(const struct mm_refusal *free, mm_proof *is_right);
/* The first that waits, or NULL; it stays in the ring until it is done. */
const struct mm_put_off *mm_next_put_off(void);
void mm_put_off_is_done(void);

/* ---- freeing, in any state of mm: irq.c ---------------------------------------- */

/* Free what starts at free->addr if is_right says so: now, or put off; else refuse. */
void mm_free(struct mm_refusal *free, mm_proof *is_right);

/* A live slot, of free->cache if that is given, or else a large kmalloc. */
bool mm_is_live_object(const struct mm_refusal *free);

/* ---- pages: page_alloc.c -------------------------------------------------------- */

/* Is it a page struct?  Then its number. */
static inline bool find_page(const struct page *page, uint32_t *pfn)
{
    uintptr_t offset = (uintptr_t)page - (uintptr_t)heap.buddy.page;

    if (unlikely(offset / sizeof(*page) >= heap.buddy.npages))
        return false;
    *pfn = (uint32_t)(offset / sizeof(*page));
    return likely(offset % sizeof(*page) == 0);
}

/* The door of the page allocator: a live block of exactly that order. */
static inline bool is_block_of(const struct page *page, unsigned order)
{
    bool is_used = order ? page->kind == PG_USED && page->order == order
                         : page->tag == page_tag(PG_USED, 0);

    return is_used && !page->run;
}

/* n pages from pfn on are live now. */
static inline void account_pages(struct alloc_site *site, uint32_t pfn, uint32_t n)
{
    heap.pages_allocated += n;
    if (likely(heap.record))
        record_taken(&heap.record[pfn], site->number, n << PAGE_SHIFT);
}

/* The long ways of short.c. */
struct page *alloc_pages_long(struct alloc_site *site, gfp_t gfp, unsigned order);
unsigned long get_free_pages_long(struct alloc_site *site, gfp_t gfp, unsigned order);
void free_pages_long(struct alloc_site *site, struct page *page, unsigned order);
void free_pages_addr_long(struct alloc_site *site, unsigned long addr, unsigned order);

/* ---- pages, when mm is entered ------------------------------------------- */

/* Proved: pfn is the first page of a live block or run, or of a large kmalloc. */
void pages_free_proved(struct alloc_site *site, uint32_t pfn);

/* The block's page number if p is the start of a large kmalloc, else NO_PAGE. */
static inline uint32_t large_at(const void *p)
{
    uintptr_t pfn = pfn_of(p);

    if (pfn < heap.buddy.npages && ((uintptr_t)p & (PAGE_SIZE - 1)) == 0 &&
        heap.buddy.page[pfn].kind == PG_LARGE)
        return (uint32_t)pfn;
    return NO_PAGE;
}

/*
 * Of the large kmalloc at pfn: bytes that may be used.  One with a red zone behind it
 * says so in its page struct (run, which is a run's otherwise): what was asked for.
 */
static inline size_t large_size(uint32_t pfn)
{
    const struct page *page = &heap.buddy.page[pfn];

    return page->run && heap.record ? heap.record[pfn].size : PAGE_SIZE << page->order;
}

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

#endif
