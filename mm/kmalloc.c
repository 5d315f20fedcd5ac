/*
 * kmalloc.c - memory of any size: from the cache that fits, or in whole pages.
 *
 *     0                 ZERO_SIZE_PTR, which is no memory
 *     1 .. 8192         the smallest of kmalloc-8 .. kmalloc-8k that holds it
 *     8193 .. 4 MiB     a block of pages of its own (PG_LARGE)
 *     more              NULL, and a report
 *
 * kfree goes the other way by what the page struct says, never by what the pointer
 * looks like: PG_SLAB, and the slot's bit in the map; or PG_LARGE, and the block's
 * start.  Everything else is refused before any state is touched.
 *
 * krealloc stays in place as long as the slot is large enough; it never shrinks a
 * slot, as in Linux.  kmalloc and kfree themselves begin in short.c.
 */
#include "mm/slab_priv.h"
#include "mm/watcher_priv.h"

/* ---- which cache ---------------------------------------------------------------- */

struct kmem_cache *kmalloc_by_size[KMALLOC_MAX_CACHE_SIZE / 8];

void kmalloc_init(void)
{
    struct kmem_cache *cache = &caches[FIRST_KMALLOC_CACHE];

    for (uint32_t i = 0; i < KMALLOC_MAX_CACHE_SIZE / 8; i++) {
        if ((i + 1) * 8 > cache->object_size)
            cache++;
        kmalloc_by_size[i] = cache;
    }
}

size_t kmalloc_size_roundup(size_t size)
{
    if (size == 0 || size > KMALLOC_MAX_SIZE)
        return size;            /* as Linux: nothing to round to */
    if (size <= KMALLOC_MAX_CACHE_SIZE)
        return kmalloc_cache(size)->object_size;
    return PAGE_SIZE << pages_order(size);
}

/* ---- whole pages ------------------------------------------------------------------ */

static void *large_take(const struct mm_request *request)
{
    struct alloc_site *site = request->site;
    uint32_t pfn = NO_PAGE;

    if (mm_enter()) {
        pfn = pages_take(request->order, request->gfp);
        if (pfn != NO_PAGE) {
            heap.buddy.page[pfn].kind = PG_LARGE;
            heap.large_allocs++;
            if (mm_watcher)
                site = mm_watcher->block_taken(request, pfn);
            if (heap.record)
                record_taken(&heap.record[pfn], site, (uint32_t)request->bytes);
        }
        mm_leave();
    }
    if (pfn == NO_PAGE)
        return mm_fail(request, MM_OUT_OF_MEMORY);
    if (request->gfp & __GFP_ZERO)
        memset(address_of(pfn), 0, large_size(pfn));
    return address_of(pfn);
}

/* ---- kmalloc ---------------------------------------------------------------------- */

static void *kmalloc_any(const char *call, struct alloc_site *site, size_t size,
                         gfp_t gfp)
{
    struct mm_request request = { .call = call, .site = site, .gfp = gfp,
                                  .bytes = size };

    if (size == 0)
        return ZERO_SIZE_PTR;
    if (size > KMALLOC_MAX_SIZE) {
        request.order = MAX_PAGE_ORDER + 1;
        return mm_fail(&request, MM_BUG_TOO_LARGE);
    }
    if (size <= KMALLOC_MAX_CACHE_SIZE) {
        request.order = kmalloc_cache(size)->order;
        return cache_alloc(kmalloc_cache(size), &request);
    }
    request.order = pages_order(size);
    return mm_may_allocate(&request) ? large_take(&request) : NULL;
}

void *kmalloc_long(struct alloc_site *site, size_t size, gfp_t gfp)
{
    return kmalloc_any("kmalloc", site, size, gfp);
}

void *kmalloc_array_at(struct alloc_site *site, size_t n, size_t size, gfp_t gfp)
{
    size_t bytes;

    if (__builtin_mul_overflow(n, size, &bytes))
        return kmalloc_any("kmalloc_array", site, SIZE_MAX, gfp);      /* NULL */
    return kmalloc_at(site, bytes, gfp);
}

/* ---- kfree ------------------------------------------------------------------------ */

static void kfree_any(const char *call, struct alloc_site *site, void *p)
{
    if (!ZERO_OR_NULL_PTR(p))
        mm_free(&(struct mm_refusal){ .call = call, .site = site, .addr = p,
                                      .is_free = true }, mm_is_live_object);
}

void kfree_long(struct alloc_site *site, const void *p)
{
    kfree_any("kfree", site, (void *)(uintptr_t)p);
}

/* With red zones only what was asked for may be used. */
static size_t usable_slot(const struct slot *slot)
{
    const struct record *record = slot_record(slot);

    if (!slot->cache->left)
        return slot->cache->slot_size;
    return record ? record->size : slot->cache->object_size;
}

/* Bytes that may be used at p, or 0 if p is no live object, or freed but put off. */
static size_t usable(const void *p)
{
    struct slot slot;

    if (mm_is_put_off(p))
        return 0;
    if (find_object(p, &slot))
        return is_live_slot(&slot) ? usable_slot(&slot) : 0;

    uint32_t pfn = large_at(p);

    return pfn == NO_PAGE ? 0 : large_size(pfn);
}

size_t ksize(const void *p)
{
    size_t bytes = usable(p);

    if (!bytes && !ZERO_OR_NULL_PTR(p))
        mm_refuse(&(struct mm_refusal){ .call = "ksize", .addr = p });
    return bytes;
}

void kfree_sensitive_at(struct alloc_site *site, const void *p)
{
    void *object = (void *)(uintptr_t)p;
    size_t bytes = usable(p);

    if (bytes && !mm_is_busy_and_full())        /* else it will be refused, whole */
        memset(object, 0, bytes);
    kfree_any("kfree_sensitive", site, object);
}

/* ---- krealloc ---------------------------------------------------------------------- */

/* Of the live object at p: the largest size that its place has room for. */
static size_t room_at(const void *p)
{
    struct slot slot;

    if (find_object(p, &slot))
        return slot.cache->left ? slot.cache->object_size : slot.cache->slot_size;
    return PAGE_SIZE << heap.buddy.page[pfn_of(p)].order;
}

/* It has another size now, in the same place. */
static void resize(struct alloc_site *site, const void *p, size_t size)
{
    struct slot slot;
    bool in_slab = find_object(p, &slot);
    struct record *record = in_slab ? slot_record(&slot) :
                            heap.record ? &heap.record[pfn_of(p)] : NULL;

    if (mm_watcher)
        mm_watcher->resized(site, p, size);
    if (record)
        record->size = (uint32_t)size;
}

void *krealloc_at(struct alloc_site *site, const void *p, size_t size, gfp_t gfp)
{
    void *old = (void *)(uintptr_t)p;

    if (ZERO_OR_NULL_PTR(p))
        return kmalloc_any("krealloc", site, size, gfp);
    if (size == 0) {
        kfree_any("krealloc", site, old);
        return ZERO_SIZE_PTR;
    }

    size_t had = usable(p);

    if (!had) {
        heap.failed++;
        mm_refuse(&(struct mm_refusal){ .call = "krealloc", .site = site, .addr = p,
                                        .bytes = size });
        return NULL;
    }
    if (size <= room_at(p)) {
        resize(site, p, size);
        return old;
    }

    void *new = kmalloc_any("krealloc", site, size, gfp);

    if (new) {
        memcpy(new, p, had);
        kfree_at(site, p);
    }
    return new;
}

void *krealloc_array_at(struct alloc_site *site, void *p, size_t n, size_t size,
                        gfp_t gfp)
{
    size_t bytes;

    if (__builtin_mul_overflow(n, size, &bytes))
        bytes = SIZE_MAX;       /* which is refused, counted and reported */
    return krealloc_at(site, p, bytes, gfp);
}

/* ---- copies ------------------------------------------------------------------------ */

void *kmemdup_at(struct alloc_site *site, const void *from, size_t size, gfp_t gfp)
{
    void *copy = from ? kmalloc_any("kmemdup", site, size, gfp) : NULL;

    if (copy && size)
        memcpy(copy, from, size);
    return copy;
}

char *kstrndup_at(struct alloc_site *site, const char *s, size_t max, gfp_t gfp)
{
    size_t length = 0;

    if (!s)
        return NULL;
    while (length < max && s[length])
        length++;

    char *copy = kmalloc_any("kstrndup", site, length + 1, gfp);

    if (copy) {
        memcpy(copy, s, length);
        copy[length] = '\0';
    }
    return copy;
}

char *kstrdup_at(struct alloc_site *site, const char *s, gfp_t gfp)
{
    return kstrndup_at(site, s, SIZE_MAX - 1, gfp);
}
