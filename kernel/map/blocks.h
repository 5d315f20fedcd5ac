/*
 * blocks.h - all memory of the heap's span, block by block, and what is live in it; see
 * blocks.c.
 */
#ifndef KERNEL_MAP_BLOCKS_H
#define KERNEL_MAP_BLOCKS_H

#include "mm/mm.h"

enum block_kind {
    BLOCK_HOLE,                 /* pages that mm was not given */
    BLOCK_META,                 /* mm's own books */
    BLOCK_FREE,
    BLOCK_SLAB,
    BLOCK_LARGE,                /* a kmalloc in a block of its own */
    BLOCK_PAGES,                /* from alloc_pages, or a run of alloc_pages_exact */
    BLOCK_GUARDED,              /* one guarded object, live or freed, beside a page that
                                   is not there */
};

enum { NO_ORDER = MAX_PAGE_ORDER + 1 };

struct block {
    uint32_t pfn, pages;
    enum block_kind kind;
    unsigned order;             /* NO_ORDER: its pages are no block of 2^order */
    const char *cache;          /* slabs, guarded objects; else NULL */
    uint32_t objects;           /* live ones: in a slab; of other kinds 1 or 0 */
    uint32_t slots;             /* of a slab */
};

struct block_visitor {
    /* False ends the walk.  Of holes and of books a row of pages is one block. */
    bool (*block)(const struct block *block, void *arg);
    /* Each live object and block of pages, before the block that it lies in; or NULL. */
    void (*thing)(const struct mm_what *what, void *arg);
    void *arg;
};

/*
 * By ascending address, blocks from page number `from` on.  Interrupts are off meanwhile,
 * so all of it is of one moment; what is visited may ask mm, and not allocate.
 */
void blocks_walk(uint32_t from, const struct block_visitor *visitor);

/* The first page that mm was given, and the first one behind the span. */
uint32_t blocks_begin(void);
uint32_t blocks_end(void);

/* "free", "slab" ... */
const char *block_kind_name(enum block_kind kind);

/* mm is in the middle of a call, and cannot be walked: then that is said. */
bool blocks_busy(void);

#endif
