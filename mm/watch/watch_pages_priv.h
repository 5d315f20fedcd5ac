/*
 * watch_pages_priv.h - pages and large kmallocs, watched: see watch_pages.c.
 */
#ifndef MM_WATCH_WATCH_PAGES_PRIV_H
#define MM_WATCH_WATCH_PAGES_PRIV_H

#include "mm/watch/zone_priv.h"

/* For struct watcher. */
struct alloc_site *watch_block_taken(const struct mm_request *request, uint32_t pfn,
                                     enum page_kind kind);
void watch_pages_taken(const struct mm_request *request, uint32_t pfn);
void watch_pages_freed(uint32_t pfn, uint32_t n);

/* Who takes or frees a block of that kind: the calls that led there, or `site` itself. */
struct alloc_site *watch_page_site(struct alloc_site *site, enum page_kind kind);

/* The large kmalloc is to have another size, while its record has the old one. */
void watch_large_resized(struct alloc_site *site, uint32_t pfn, size_t size);
/* Of the block at pfn: how much is wrong of its red zone, if it has one. */
uint32_t watch_large_look(const struct look *look, uint32_t pfn);
/* The same, and it is about to be freed. */
void watch_large_goes(const struct look *look, uint32_t pfn);
/* Is there any that has one? */
bool watch_large_is_left(void);
/* None has: it is a new heap, or watch_block_paint() will count them. */
void watch_large_forget(void);

/* Of a free block: how much of its poison is wrong. */
uint32_t watch_free_look(const struct look *look, uint32_t pfn);
/* The red zone of a large kmalloc, the poison of what is free: as they must be. */
void watch_block_paint(uint32_t pfn, struct page *page);
/* debug_pagealloc was set: poison what is free, and take it away; or it is off. */
void watch_poison_pages(void);
void watch_show_pages(void);

/* Pages are to be there, or not.  False: that could not be done. */
bool watch_map(uint32_t pfn, uint32_t n, bool present);
/* All that are mm's are there, but for those of guarded objects. */
void watch_map_all(void);

/* Call fn for each block that is whole, and each slab; the sum of what it returns. */
uint32_t watch_blocks(uint32_t (*fn)(uint32_t pfn, struct page *page));

#endif
