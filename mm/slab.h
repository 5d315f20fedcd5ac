/*
 * slab.h - kmalloc, kfree and object caches, named and behaving as in Linux.
 *
 * kmalloc takes a marble out of the bag, kfree puts it back.  kfree is safe only
 * on what came from here and was not freed yet; anything else is recognised
 * before any state is touched, reported, counted and refused.
 *
 * NULL means that there was no memory (or that a product overflowed); it is
 * counted and reported unless __GFP_NOWARN.  Size 0 gives ZERO_SIZE_PTR, which
 * may be freed but not touched.  Memory is aligned to 8 bytes, a power of two to
 * itself, and holds what its former owner left there, unless __GFP_ZERO.
 */
#ifndef MM_SLAB_H
#define MM_SLAB_H

#include "mm/gfp.h"

struct kmem_cache;

#define ZERO_SIZE_PTR ((void *)16)
#define ZERO_OR_NULL_PTR(p) ((uintptr_t)(p) <= (uintptr_t)ZERO_SIZE_PTR)
#define KMALLOC_MAX_CACHE_SIZE ((size_t)8192)   /* above: whole pages */
#define KMALLOC_MAX_SIZE (PAGE_SIZE << MAX_PAGE_ORDER)

typedef uint32_t slab_flags_t;
#define SLAB_HWCACHE_ALIGN ((slab_flags_t)0x01) /* align to 64, or to less if small */
#define SLAB_PANIC ((slab_flags_t)0x02)         /* no cache: fatal */

#define MM_ALLOC(...) MM_USE_RESULT __attribute__((alloc_size(__VA_ARGS__)))

/* kmalloc: size bytes. */
void *kmalloc_at(struct alloc_site *site, size_t size, gfp_t gfp) MM_ALLOC(2);
/* kmalloc_array: n * size bytes, NULL if that overflows. */
void *kmalloc_array_at(struct alloc_site *site, size_t n, size_t size, gfp_t gfp)
    MM_ALLOC(2, 3);
/*
 * krealloc: the same memory if it is large enough, else a new place, the old one freed.
 * A move copies the bytes that were asked for last, not those that ksize gives beyond.
 * p NULL or ZERO: kmalloc.  size 0: kfree, and ZERO_SIZE_PTR.  On NULL p is still valid
 * and still the caller's.
 */
void *krealloc_at(struct alloc_site *site, const void *p, size_t size, gfp_t gfp)
    MM_ALLOC(3);
void *krealloc_array_at(struct alloc_site *site, void *p, size_t n, size_t size,
                        gfp_t gfp) MM_ALLOC(3, 4);
/* kfree: NULL and ZERO_SIZE_PTR are nothing. */
void kfree_at(struct alloc_site *site, const void *p);
/* kfree_sensitive: all of ksize is cleared first. */
void kfree_sensitive_at(struct alloc_site *site, const void *p);
/* Copies; a NULL string or source gives NULL.  To be kfreed. */
char *kstrdup_at(struct alloc_site *site, const char *s, gfp_t gfp) MM_USE_RESULT;
char *kstrndup_at(struct alloc_site *site, const char *s, size_t max, gfp_t gfp)
    MM_USE_RESULT;
void *kmemdup_at(struct alloc_site *site, const void *from, size_t size, gfp_t gfp)
    MM_ALLOC(3);

/*
 * Bytes that may be used at p: its slot, or its pages.  0 for NULL and ZERO.  A krealloc
 * that moves keeps those beyond what was asked for only after krealloc(p, ksize(p)).
 */
size_t ksize(const void *p);
/* What ksize would say after kmalloc(size). */
size_t kmalloc_size_roundup(size_t size);

/*
 * A cache of objects of one size.  name is copied: up to 63 characters.  align is a power
 * of two up to 4096, 0 for the usual one.  ctor runs once for each object when its slab is
 * made, not at each allocation: an object comes back as it was freed.  It must not
 * allocate or free.  NULL, and a report, for a bad name, size or align.
 */
struct kmem_cache *kmem_cache_create_at(struct alloc_site *site, const char *name,
                                        size_t size, size_t align,
                                        slab_flags_t flags, void (*ctor)(void *));
void *kmem_cache_alloc_at(struct alloc_site *site, struct kmem_cache *cache,
                          gfp_t gfp) MM_USE_RESULT;
/* Only an object of this very cache is taken back. */
void kmem_cache_free_at(struct alloc_site *site, struct kmem_cache *cache, void *p);
/* NULL is nothing.  With live objects: a report, and the cache stays. */
void kmem_cache_destroy_at(struct alloc_site *site, struct kmem_cache *cache);
/* Give empty slabs back to the page allocator; how many slabs went. */
unsigned kmem_cache_shrink(struct kmem_cache *cache);
/* The size it was created with. */
size_t kmem_cache_size(const struct kmem_cache *cache);

/* The functions behind the macros: they record their return address. */
void *kmalloc(size_t size, gfp_t gfp) MM_ALLOC(1);
void *kzalloc(size_t size, gfp_t gfp) MM_ALLOC(1);
void *kmalloc_array(size_t n, size_t size, gfp_t gfp) MM_ALLOC(1, 2);
void *kcalloc(size_t n, size_t size, gfp_t gfp) MM_ALLOC(1, 2);
void *krealloc(const void *p, size_t size, gfp_t gfp) MM_ALLOC(2);
void *krealloc_array(void *p, size_t n, size_t size, gfp_t gfp) MM_ALLOC(2, 3);
void kfree(const void *p);
void kfree_sensitive(const void *p);
char *kstrdup(const char *s, gfp_t gfp) MM_USE_RESULT;
char *kstrndup(const char *s, size_t max, gfp_t gfp) MM_USE_RESULT;
void *kmemdup(const void *from, size_t size, gfp_t gfp) MM_ALLOC(2);
struct kmem_cache *kmem_cache_create(const char *name, size_t size, size_t align,
                                     slab_flags_t flags, void (*ctor)(void *));
void *kmem_cache_alloc(struct kmem_cache *cache, gfp_t gfp) MM_USE_RESULT;
void *kmem_cache_zalloc(struct kmem_cache *cache, gfp_t gfp) MM_USE_RESULT;
void kmem_cache_free(struct kmem_cache *cache, void *p);
void kmem_cache_destroy(struct kmem_cache *cache);

#define kmalloc(size, gfp) kmalloc_at(ALLOC_SITE(), size, gfp)
#define kzalloc(size, gfp) \
    kmalloc_at(ALLOC_SITE_OF("kzalloc"), size, (gfp) | __GFP_ZERO)
#define kmalloc_array(n, size, gfp) \
    kmalloc_array_at(ALLOC_SITE_OF("kmalloc_array"), n, size, gfp)
#define kcalloc(n, size, gfp) \
    kmalloc_array_at(ALLOC_SITE_OF("kcalloc"), n, size, (gfp) | __GFP_ZERO)
#define krealloc(p, size, gfp) krealloc_at(ALLOC_SITE(), p, size, gfp)
#define krealloc_array(p, n, size, gfp) \
    krealloc_array_at(ALLOC_SITE_OF("krealloc_array"), p, n, size, gfp)
#define kfree(p) kfree_at(ALLOC_SITE(), p)
#define kfree_sensitive(p) kfree_sensitive_at(ALLOC_SITE(), p)
#define kstrdup(s, gfp) kstrdup_at(ALLOC_SITE_OF("kstrdup"), s, gfp)
#define kstrndup(s, max, gfp) kstrndup_at(ALLOC_SITE_OF("kstrndup"), s, max, gfp)
#define kmemdup(from, size, gfp) kmemdup_at(ALLOC_SITE_OF("kmemdup"), from, size, gfp)
#define kmem_cache_create(name, size, align, flags, ctor) \
    kmem_cache_create_at(ALLOC_SITE(), name, size, align, flags, ctor)
#define kmem_cache_alloc(cache, gfp) kmem_cache_alloc_at(ALLOC_SITE(), cache, gfp)
#define kmem_cache_zalloc(cache, gfp) \
    kmem_cache_alloc_at(ALLOC_SITE_OF("kmem_cache_zalloc"), cache, (gfp) | __GFP_ZERO)
#define kmem_cache_free(cache, p) kmem_cache_free_at(ALLOC_SITE(), cache, p)
#define kmem_cache_destroy(cache) kmem_cache_destroy_at(ALLOC_SITE(), cache)

/* A cache for objects of one struct, with the struct's own alignment. */
#define KMEM_CACHE(tag, flags)                                                \
    kmem_cache_create(#tag, sizeof(struct tag), __alignof__(struct tag), flags, NULL)

#endif
