/*
 * krealloc.c - the kin of kmalloc and kfree: arrays, sizes asked for, resizing, copies.
 *
 * krealloc stays in place as long as the slot is large enough; it never shrinks a
 * slot, as in Linux.  A move copies what was asked for: what lies behind it, though ksize
 * gave it, is nobody's yet.  What is not of kmalloc is refused as by kfree, and stays
 * whole.
 *
 *     | what it had, of both sizes | gained: with __GFP_ZERO or init_on_alloc zero |
 *                                                 and so is what ksize gives beyond
 *
 * Without records it is not known what was asked for, so all of the slot counts as that,
 * and a krealloc with __GFP_ZERO clears what is behind its new size, as Linux's does: who
 * wants zeros asks for them from the first call on.
 *
 * Sizes that are products are checked: one that overflows is too large, and NULL.
 */
#include "mm/enter_priv.h"
#include "mm/free_priv.h"
#include "mm/hooks_priv.h"
#include "mm/slab_priv.h"

/* ---- arrays -------------------------------------------------------------- */

void *kmalloc_array_at(struct alloc_site *site, size_t n, size_t size, gfp_t gfp)
{
    size_t bytes;

    if (__builtin_mul_overflow(n, size, &bytes))
        return kmalloc_any("kmalloc_array", site, SIZE_MAX, gfp);      /* NULL */
    return kmalloc_at(site, bytes, gfp);
}

/* ---- how much may be used ------------------------------------------------ */

/* What kmalloc or a cache gave, still live, at p?  Freed but put off is not. */
static bool find_live(const void *p, struct object *object)
{
    struct mm_free_request use = { .addr = p, .how = MM_USE };

    return is_right_to_free(&use, object) && !mm_is_put_off(p);
}

size_t ksize(const void *p)
{
    struct object object;

    if (ZERO_OR_NULL_PTR(p))
        return 0;
    if (find_live(p, &object))
        return object_usable(&object);
    mm_refuse(&(struct mm_free_request){ .call = "ksize", .addr = p, .how = MM_USE });
    return 0;
}

void kfree_sensitive_at(struct alloc_site *site, const void *p)
{
    struct object object;

    if (find_live(p, &object) && !mm_is_busy_and_full())   /* else it is refused, whole */
        memset(object.start, 0, object_usable(&object));
    kfree_any("kfree_sensitive", site, (void *)(uintptr_t)p);
}

size_t kmalloc_size_roundup(size_t size)
{
    if (size == 0 || size > KMALLOC_MAX_SIZE)
        return size;            /* as Linux: nothing to round to */
    if (size <= KMALLOC_MAX_CACHE_SIZE)
        return kmalloc_cache(size)->object_size;
    return PAGE_SIZE << pages_order(size);
}

/* ---- krealloc ------------------------------------------------------------ */

/* The largest size that its place has room for. */
static size_t room_of(const struct object *object)
{
    if (object->kind == MM_SLAB_LIVE && object->slot.cache->left)
        return object->slot.cache->object_size;
    return object->room;
}

/* Bytes of it that are its owner's: those asked for, if that is known. */
static size_t asked_of(const struct object *object)
{
    size_t usable = object_usable(object);

    if (!object->record || record_size(object->record) > usable)
        return usable;
    return record_size(object->record);
}

/*
 * It has another size now, in the same place, and keeps what it had of that; if memory is
 * to be cleared, all that may be used behind it is.  In an interrupt under a busy mm that
 * is done as well: nobody else is at this object.
 */
static void resize(struct alloc_site *site, const struct object *object, size_t size,
                   gfp_t gfp)
{
    bool entered = mm_enter(site), clears = gfp & __GFP_ZERO;
    size_t kept = object->record && asked_of(object) < size ? asked_of(object) : size;

    if (mm_watcher)
        clears |= mm_watcher->resized(site, object, size);
    if (object->record)
        object->record->size = (uint32_t)size;
    if (clears)
        memset(object->start + kept, 0, object_usable(object) - kept);
    MM_TELL(resized, &(struct mm_request){ .call = "krealloc", .site = site,
                                           .bytes = size, .gfp = gfp }, object->start);
    if (entered)
        mm_leave();
}

void *krealloc_at(struct alloc_site *site, const void *p, size_t size, gfp_t gfp)
{
    void *old = (void *)(uintptr_t)p;
    struct object object;

    if (ZERO_OR_NULL_PTR(p))
        return kmalloc_any("krealloc", site, size, gfp);
    if (size == 0) {
        kfree_any("krealloc", site, old);
        return ZERO_SIZE_PTR;
    }

    if (!find_live(p, &object)) {
        heap.failed++;
        MM_TELL(failed, &(struct mm_request){ .call = "krealloc", .site = site,
                                              .bytes = size, .gfp = gfp });
        mm_refuse(&(struct mm_free_request){ .call = "krealloc", .site = site, .addr = p,
                                             .bytes = size, .how = MM_USE });
        return NULL;
    }
    if (size <= room_of(&object)) {
        resize(site, &object, size, gfp);
        return old;
    }

    void *new = kmalloc_any("krealloc", site, size, gfp);

    if (new) {
        memcpy(new, p, asked_of(&object));
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

/* Of a string, up to `max` characters. */
static char *copy_string(const char *call, struct alloc_site *site, const char *s,
                         size_t max, gfp_t gfp)
{
    size_t length = 0;

    if (!s)
        return NULL;
    while (length < max && s[length])
        length++;

    char *copy = kmalloc_any(call, site, length + 1, gfp);

    if (copy) {
        memcpy(copy, s, length);
        copy[length] = '\0';
    }
    return copy;
}

char *kstrndup_at(struct alloc_site *site, const char *s, size_t max, gfp_t gfp)
{
    return copy_string("kstrndup", site, s, max, gfp);
}

char *kstrdup_at(struct alloc_site *site, const char *s, gfp_t gfp)
{
    return copy_string("kstrdup", site, s, SIZE_MAX - 1, gfp);
}
