/*
 * page.h - what is known of each page, and of each object: the two structs that
 * everything in mm hangs on.
 */
#ifndef MM_PAGE_H
#define MM_PAGE_H

#include "mm/port.h"

#define PAGE_SHIFT 12
#define PAGE_SIZE ((size_t)1 << PAGE_SHIFT)
#define MAX_PAGE_ORDER 10
#define NO_PAGE UINT32_MAX      /* as a page number: none */

/*
 * No bit that flips makes one of another (all but PG_META have an even number of bits), so
 * that what is not free does not become free by a stray write of one bit.
 */
enum page_kind {
    PG_HOLE = 0x0,              /* not ours: reserved, or between two ranges */
    PG_META = 0x8,              /* the page structs and page records */
    PG_FREE = 0x3,              /* first page of a free block */
    PG_KEPT = 0x5,              /* a free page that is kept from joining: buddy.c */
    PG_TAIL = 0x6,              /* a later page of a block, free or used */
    PG_USED = 0x9,              /* first page of an alloc_pages block */
    PG_PART = 0xa,              /* a later block of an alloc_pages_exact run */
    PG_LARGE = 0xc,             /* first page of a kmalloc in a block of its own */
    PG_SLAB = 0xf,              /* every page of a slab */
};

/*
 * Sixteen bytes a page, beside the memory, never in it.  A page number (pfn)
 * counts from the heap's base, which is 0 in the kernel, so that there a pfn is
 * the address divided by 4096.
 */
struct page {
    union {
        struct {
            uint8_t kind : 4;   /* enum page_kind */
            uint8_t order : 4;  /* of the block, in its first page and in slabs */
        };
        uint8_t tag;            /* both: see page_tag() */
    };
    uint8_t cache;              /* PG_SLAB: name of its kmem_cache (cache_name); else 0 */
    uint16_t countdown;         /* slab's first page: frees until it moves; */
                                /*   PG_USED, PG_LARGE: what the last scan found */
    uint32_t next, prev;        /* on a list of free blocks, or of partial slabs; */
                                /*   PG_KEPT: next only, on the stack of those; */
                                /*   PG_USED, PG_LARGE: prev is the scan's note */
    union {
        uint32_t map;           /* slab's first page: its free slots, if they are few */
        uint32_t run;           /* PG_USED: pages of an exact run, else 0; */
                                /*   PG_PART: pfn of the run's first page */
        uint32_t redzone;       /* PG_LARGE: 1 if a red zone is behind what was asked */
        uint32_t guard;         /*   more than 1 if it is a guarded object: is_guarded() */
    };
};

/*
 * Twelve bytes an object or page allocation: who took it and who gave it back.
 * Of slots below PAGE_SIZE they lie in the slab, behind the slots; blocks of pages
 * use the one of their first page, and slot i of a slab of larger objects the one
 * of the slab's page i.  site 0: never handed out.  freed_by 0: live.
 *
 * No slot is larger than 32 KiB, so half of the size is left over, and is 0 when a life
 * begins: there the scan for leaks keeps what it found (mm/scan).
 */
struct record {
    uint32_t serial;            /* 1, 2, 3 ... over all allocations since boot */
    union {
        uint32_t size;          /* bytes asked for: record_size() */
        struct {
            uint16_t asked;     /* of a slot that was scanned only this half; */
            uint16_t mark;      /*   then RECORD_MARKED is set in the other one */
        };
    };
    union {
        struct {
            uint16_t site;      /* number of the call site that took it */
            uint16_t freed_by;  /* and of the one that gave it back */
        };
        uint32_t sites;         /* both: a live object's is its site */
    };
};

enum { RECORD_MARKED = 0x8000 };        /* as a size: 2 GiB, more than any block */

/* Bytes asked for. */
static inline uint32_t record_size(const struct record *record)
{
    return record->mark & RECORD_MARKED ? record->asked : record->size;
}

static inline uint8_t page_tag(enum page_kind kind, unsigned order)
{
    return (uint8_t)(kind | order << 4);
}

/* Pages of a used block, or of the run that it begins. */
static inline uint32_t used_pages(const struct page *page)
{
    return page->kind == PG_USED && page->run ? page->run : 1u << page->order;
}

/*
 * Of a block's first page: does it hold one object of a cache, beside pages that are not
 * there?  Then the lower byte of `guard` names the cache, and above it is the offset.
 */
static inline bool is_guarded(const struct page *page)
{
    return page->kind == PG_LARGE && page->guard > 1;
}

/* Of a block's first page: is the block free? */
static inline bool is_free_block(const struct page *page)
{
    return page->kind == PG_FREE || page->kind == PG_KEPT;
}

_Static_assert(sizeof(struct page) == 16, "a page struct is 16 bytes");
_Static_assert(sizeof(struct record) == 12, "a record is 12 bytes");

#endif
