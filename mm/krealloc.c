/*
 * krealloc.c - the kin of kmalloc and kfree: arrays, sizes asked for, resizing, copies.
 *
 * krealloc stays in place as long as the slot is large enough; it never shrinks a
 * slot, as in Linux.  What is not of kmalloc is refused as by kfree, and stays whole.
 *
 * Sizes that are products are checked: one that overflows is too large, and NULL.
 */
#include "mm/slab_priv.h"
#include "mm/watcher_priv.h"

/* ---- arrays -------------------------------------------------------------- */

void *kmalloc_array_at(struct alloc_site *site, size_t n, size_t size, gfp_t gfp)
{
    size_t bytes;

    if (__builtin_mul_overflow(n, size, &bytes))
        return kmalloc_any("kmalloc_array", site, SIZE_MAX, gfp);      /* NULL */
    return kmalloc_at(site, bytes, gfp);
}

/* ---- how much may be used ------------------------------------------------ */

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

/* ---- krealloc ------------------------------------------------------------ */

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

/* ---- copies -------------------------------------------------------------- */

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
