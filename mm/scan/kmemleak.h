/*
 * kmemleak.h - what a program knows of its objects, and a scan for leaks cannot: the calls
 * of <linux/kmemleak.h>, by their names and meanings there.
 *
 *     kmemleak_not_leak(p);           it is held by what is no pointer: look into it, and
 *                                     never call it a leak
 *     kmemleak_ignore(p);             the same, but what is in it are no pointers
 *     kmemleak_no_scan(p);            what is in it are no pointers
 *     kmemleak_scan_area(p, n, gfp);  only in these n bytes, and further such areas, are
 *
 * p is the start of a live object or block; of an area, anywhere in it.  It holds until
 * the object's end.  An allocator of one's own, which cuts blocks of pages (or objects of
 * a page and more) into pieces, tells of each piece it hands out and takes back:
 *
 *     kmemleak_alloc(p, size, min_count, gfp);
 *     kmemleak_free(p);
 *
 * A piece is lost if fewer than min_count words point into it (0: never; it is looked into
 * anyway.  -1: never, nor looked into).  A block with pieces in it is not looked into
 * itself: what lies between them is the allocator's.  kmemleak_free of an object of mm: as
 * kmemleak_ignore.
 *
 * There are tables for this, of fixed size; what finds no room, names what is not there, or
 * comes while mm is busy has no effect, and is counted: mm_scan_said (scan.h).
 */
#ifndef MM_SCAN_KMEMLEAK_H
#define MM_SCAN_KMEMLEAK_H

#include "mm/gfp.h"
#include "mm/site.h"

void kmemleak_not_leak(const void *ptr);
void kmemleak_ignore(const void *ptr);
void kmemleak_no_scan(const void *ptr);
void kmemleak_scan_area(const void *ptr, size_t size, gfp_t gfp);

#define kmemleak_alloc(ptr, size, min_count, gfp) \
    kmemleak_alloc_at(ALLOC_SITE(), ptr, size, min_count, gfp)

void kmemleak_alloc_at(struct alloc_site *site, const void *ptr, size_t size, int min_count,
                       gfp_t gfp);
void kmemleak_free(const void *ptr);

#endif
