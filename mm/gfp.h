/*
 * gfp.h - pages: alloc_pages and its kin, named and behaving as in Linux.
 *
 * Blocks of 2^order pages, aligned to their size.  NULL or 0 means that there
 * is no such block now; it is counted, and reported unless __GFP_NOWARN.  What
 * is not a live block of exactly that order is refused at free, and reported.
 */
#ifndef MM_GFP_H
#define MM_GFP_H

#include "mm/page.h"
#include "mm/site.h"

typedef uint32_t gfp_t;

#define __GFP_DIRECT_RECLAIM ((gfp_t)0x01)  /* the caller may wait: no interrupt */
#define __GFP_HIGH ((gfp_t)0x02)
#define __GFP_ZERO ((gfp_t)0x04)            /* all of ksize, or of the block, is 0 */
#define __GFP_NOWARN ((gfp_t)0x08)          /* failure is counted, not reported; but */
                                            /*   GFP_KERNEL in an interrupt is */
#define __GFP_NORETRY ((gfp_t)0x10)         /* do not give empty slabs back first */
#define __GFP_NOFAIL ((gfp_t)0x20)          /* failure is fatal */

#define GFP_KERNEL __GFP_DIRECT_RECLAIM
#define GFP_ATOMIC __GFP_HIGH               /* for interrupt handlers */
#define GFP_NOWAIT ((gfp_t)0)

#define MM_USE_RESULT __attribute__((warn_unused_result))

/* The page struct of a new block's first page, or NULL. */
struct page *alloc_pages_at(struct alloc_site *site, gfp_t gfp, unsigned order)
    MM_USE_RESULT;
void free_pages_at(struct alloc_site *site, struct page *page, unsigned order);

/* The same by address; address 0 is nothing. */
unsigned long get_free_pages_at(struct alloc_site *site, gfp_t gfp,
                                unsigned order) MM_USE_RESULT;
void free_pages_addr_at(struct alloc_site *site, unsigned long addr,
                        unsigned order);

/*
 * `bytes` in whole pages, of which the power of two's tail is given back.  To be
 * freed by free_pages_exact with the same number of pages.
 */
void *alloc_pages_exact_at(struct alloc_site *site, size_t bytes, gfp_t gfp)
    MM_USE_RESULT __attribute__((alloc_size(2)));
void free_pages_exact_at(struct alloc_site *site, void *addr, size_t bytes);

/* Between a page struct and its memory.  virt_to_page: NULL outside the heap. */
void *page_address(const struct page *page);
struct page *virt_to_page(const void *addr);

/* The functions behind the macros: they record their return address. */
struct page *alloc_pages(gfp_t gfp, unsigned order) MM_USE_RESULT;
void __free_pages(struct page *page, unsigned order);
unsigned long __get_free_pages(gfp_t gfp, unsigned order) MM_USE_RESULT;
void free_pages(unsigned long addr, unsigned order);
void *alloc_pages_exact(size_t bytes, gfp_t gfp) MM_USE_RESULT
    __attribute__((alloc_size(1)));
void free_pages_exact(void *addr, size_t bytes);

#define alloc_pages(gfp, order) alloc_pages_at(ALLOC_SITE(), gfp, order)
#define alloc_page(gfp) alloc_pages_at(ALLOC_SITE_OF("alloc_page"), gfp, 0)
#define __free_pages(page, order) free_pages_at(ALLOC_SITE(), page, order)
#define __free_page(page) __free_pages(page, 0)
#define __get_free_pages(gfp, order) get_free_pages_at(ALLOC_SITE(), gfp, order)
#define __get_free_page(gfp) get_free_pages_at(ALLOC_SITE_OF("__get_free_page"), gfp, 0)
#define get_zeroed_page(gfp) \
    get_free_pages_at(ALLOC_SITE_OF("get_zeroed_page"), (gfp) | __GFP_ZERO, 0)
#define free_pages(addr, order) free_pages_addr_at(ALLOC_SITE(), addr, order)
#define free_page(addr) free_pages(addr, 0)
#define alloc_pages_exact(bytes, gfp) alloc_pages_exact_at(ALLOC_SITE(), bytes, gfp)
#define free_pages_exact(addr, bytes) free_pages_exact_at(ALLOC_SITE(), addr, bytes)

#endif
