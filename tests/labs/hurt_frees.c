/*
 * hurt_frees.c - frees of what is not there, or not so.
 */
#include "mm/heap_priv.h"
#include "mm/slab.h"
#include "tests/labs/hurt.h"

/* ---- twice ---------------------------------------------------------------------- */

static void twice(size_t n)
{
    char *object = hurt_object(n);

    kfree(object);
    kfree(object);
}

HURT(free_nothing) { kfree(NULL); kfree(ZERO_SIZE_PTR); }
HURT(free_twice) { twice(64); }
HURT(free_twice_large) { twice(100000); }

HURT(free_reused)
{
    char *old = hurt_object(64);

    kfree(old);

    char *object = hurt_object(64);

    kfree(old);
    kfree(object);
}

/* ---- inside --------------------------------------------------------------------- */

static void inside(size_t n, size_t offset)
{
    char *object = hurt_object(n);

    kfree(object + offset);
    kfree(object + 1);
    kfree(object);
}

HURT(free_inside) { inside(64, 8); }
HURT(free_inside_large) { inside(100000, 4096); }

/* ---- not from kmalloc ----------------------------------------------------------- */

static void free_at(uintptr_t address) { kfree(hidden(address)); }

HURT(free_local) { int local; free_at((uintptr_t)&local); }
HURT(free_static) { static int variable; free_at((uintptr_t)&variable); }
HURT(free_literal) { free_at((uintptr_t)"literal"); }
HURT(free_code) { free_at((uintptr_t)free_code); }
HURT(free_books) { kfree(heap.buddy.page); kfree(hidden((uintptr_t)heap.record)); }

HURT(free_wild)
{
    free_at(0xdeadbeef);
    free_at(0x41414141);
    free_at(0xffffffff);
    free_at(1);
}

/* ---- by the wrong call ---------------------------------------------------------- */

HURT(free_pages_by_kfree)
{
    unsigned long block = __get_free_pages(GFP_KERNEL, 1);

    kfree(hidden(block));
    free_pages(block, 1);
}

static void by_free_pages(size_t n, unsigned order)
{
    char *object = hurt_object(n);

    free_pages((unsigned long)object, order);
    kfree(object);
}

HURT(free_object_as_pages)
{
    by_free_pages(64, 0);
    by_free_pages(4096, 0);
    by_free_pages(100000, 5);
}

HURT(free_of_another_order)
{
    unsigned long block = __get_free_pages(GFP_KERNEL, 3);

    free_pages(block, 2);
    free_pages(block, 4);
    free_pages(block, 99);
    free_pages(block, 0xffffffff);
    free_pages(block + PAGE_SIZE, 2);
    free_pages(block, 3);
}

HURT(free_no_page)
{
    __free_pages(NULL, 0);
    __free_pages(hidden(0xdeadbeef), 0);
    __free_pages(hidden((uintptr_t)heap.buddy.page + 4), 0);
    __free_pages(heap.buddy.page, 0);
}

HURT(free_exact_wrong)
{
    char *run = alloc_pages_exact(20000, GFP_KERNEL);

    free_pages_exact(run, 4096);
    free_pages_exact(run + 4096, 16384);
    free_pages((unsigned long)run, 3);
    kfree(run);
    free_pages_exact(run, 20000);
    free_pages_exact(run, 20000);
}

HURT(free_to_another_cache)
{
    struct kmem_cache *a = kmem_cache_create("a", 40, 0, 0, NULL);
    struct kmem_cache *b = kmem_cache_create("b", 40, 0, 0, NULL);
    void *object = kmem_cache_alloc(a, GFP_KERNEL);

    kmem_cache_free(b, object);
    kmem_cache_free(a, object);
    kmem_cache_free(a, object);
    kmem_cache_destroy(a);
    kmem_cache_destroy(b);
}

const struct hurt_way hurt_frees[] = {
    WAY(free_nothing), WAY(free_twice), WAY(free_twice_large), WAY(free_reused),
    WAY(free_inside), WAY(free_inside_large), WAY(free_local), WAY(free_static),
    WAY(free_literal), WAY(free_code), WAY(free_books), WAY(free_wild),
    WAY(free_pages_by_kfree), WAY(free_object_as_pages), WAY(free_of_another_order),
    WAY(free_no_page), WAY(free_exact_wrong), WAY(free_to_another_cache),
    { NULL, NULL },
};
