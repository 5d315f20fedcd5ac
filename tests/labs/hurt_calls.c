/*
 * hurt_calls.c - calls of mm with arguments, caches and callbacks that are not right.
 */
#include "kernel/printk.h"
#include "kernel/string.h"
#include "mm/mm.h"
#include "tests/labs/hurt.h"

static void show(const void *p) { kprintf("%p\n", p); }

/* ---- caches that are none ------------------------------------------------------- */

static void use_cache(struct kmem_cache *cache)
{
    kmem_cache_free(cache, hurt_object(10));
    show(kmem_cache_alloc(cache, GFP_KERNEL));
    kmem_cache_destroy(cache);
}

HURT(cache_null) { use_cache(NULL); }
HURT(cache_wild) { use_cache(hidden(0xdeadbeef)); }
HURT(cache_shrink_wild) { kmem_cache_shrink(hidden(0xdeadbeef)); }
HURT(cache_size_wild) { hurt_sink = kmem_cache_size(hidden(0xdeadbeef)); }
HURT(cache_shrink_null) { kmem_cache_shrink(NULL); }
HURT(cache_size_null) { hurt_sink = kmem_cache_size(NULL); }

HURT(cache_is_object)
{
    struct kmem_cache *cache = (void *)hurt_object(500);

    use_cache(cache);
    kmem_cache_shrink(cache);
    hurt_sink = kmem_cache_size(cache);
}

HURT(cache_destroyed)
{
    struct kmem_cache *cache = kmem_cache_create("gone", 40, 0, 0, NULL);

    kmem_cache_destroy(cache);
    kmem_cache_destroy(cache);
    show(kmem_cache_alloc(cache, GFP_KERNEL));
}

HURT(cache_in_use)
{
    struct kmem_cache *cache = kmem_cache_create("used", 40, 0, 0, NULL);
    void *object = kmem_cache_alloc(cache, GFP_KERNEL);

    kmem_cache_destroy(cache);
    kmem_cache_free(cache, object);
    kmem_cache_destroy(cache);
}

HURT(cache_wrong_arguments)
{
    kmem_cache_create(NULL, 40, 0, 0, NULL);
    kmem_cache_create("z", 0, 0, 0, NULL);
    kmem_cache_create("z", 1u << 30, 0, 0, NULL);
    kmem_cache_create("z", 40, 3, 0, NULL);
    kmem_cache_create("z", 40, 1u << 30, 0, NULL);
    kmem_cache_create("z", 40, 0, 0xffffffff, NULL);
    kmem_cache_create("z", 41, 0, 0, NULL);
    kmem_cache_create("z", 41, 0, 0, NULL);
}

HURT(cache_name_wild) { kmem_cache_create(hidden(0xdeadbeef), 40, 0, 0, NULL); }

HURT(cache_name_local)
{
    char name[16] = "mine";

    show(kmem_cache_alloc(kmem_cache_create(name, 40, 0, 0, NULL), GFP_KERNEL));
    hurt_fill(name, sizeof(name), 0xff);
}

HURT(cache_500)
{
    char name[16];

    for (int i = 0; i < 500; i++) {
        ksnprintf(name, sizeof(name), "c%d", i);
        if (kmem_cache_create(name, 40, 0, 0, NULL) == NULL)
            return;
    }
}

/* ---- constructors --------------------------------------------------------------- */

static void construct_by(const char *name, void (*constructor)(void *object))
{
    show(kmem_cache_alloc(kmem_cache_create(name, 40, 0, 0, constructor), GFP_KERNEL));
}

static void writes_null(void *object) { *word(0) = (unsigned)(uintptr_t)object; }
static void allocates(void *object) { *(void **)object = kmalloc(10, GFP_KERNEL); }

static void loops(void *object)
{
    for (;;)
        *(volatile char *)object = 1;
}

HURT(constructor_null) { construct_by("null", writes_null); }
HURT(constructor_allocates) { construct_by("allocates", allocates); }
HURT(constructor_loops) { construct_by("loops", loops); }
HURT(constructor_wild) { construct_by("wild", (void (*)(void *))hidden(0x41414141)); }

/* ---- sizes, orders, flags ------------------------------------------------------- */

static size_t number(uint32_t n) { return (size_t)hidden(n); }

HURT(krealloc_freed)
{
    char *object = hurt_object(64);

    kfree(object);
    show(krealloc(hidden((uintptr_t)object), 100, GFP_KERNEL));
}

HURT(krealloc_inside) { show(krealloc(hurt_object(64) + 4, 100, GFP_KERNEL)); }
HURT(krealloc_huge) { show(krealloc(hurt_object(64), number(-1u), GFP_KERNEL)); }
HURT(krealloc_zero) { *byte((uintptr_t)krealloc(hurt_object(64), 0, GFP_KERNEL)) = 1; }
HURT(ksize_wild) { hurt_sink = ksize(hidden(0xdeadbeef)); }
HURT(kmalloc_minus_1) { show(kmalloc(number(-1u), GFP_KERNEL)); }
HURT(kmalloc_array_wraps) { show(kmalloc_array(number(0x10001), 0x10000, GFP_KERNEL)); }
HURT(kmalloc_must) { show(kmalloc(number(1u << 31), GFP_KERNEL | __GFP_NOFAIL)); }
HURT(kmalloc_flags) { show(kmalloc(64, 0xffffffff)); show(kmalloc(64, 0x80000000)); }
HURT(order_99) { show(alloc_pages(GFP_KERNEL, 99)); }
HURT(order_minus_1) { show(alloc_pages(GFP_KERNEL, -1u)); }

HURT(must_until_empty)
{
    for (;;)
        hidden((uintptr_t)kmalloc(8192, GFP_KERNEL | __GFP_NOFAIL));
}

HURT(kstrdup_wild) { show(kstrdup(hidden(0xdeadbeef), GFP_KERNEL)); }
HURT(kstrdup_null) { show(kstrdup(NULL, GFP_KERNEL)); }
HURT(kmemdup_wild) { show(kmemdup(hidden(0xdeadbeef), 64, GFP_KERNEL)); }
HURT(kmemdup_too_much) { show(kmemdup(hidden((uintptr_t)"x"), 100000, GFP_KERNEL)); }

HURT(page_of_nothing)
{
    show(page_address(hidden(0xdeadbeef)));
    show(virt_to_page(hidden(0xdeadbeef)));
    show(page_address(NULL));
}

/* ---- callbacks of a walk -------------------------------------------------------- */

typedef bool callback(const struct mm_what *what, void *arg);

static void walk_with(callback *fn)
{
    hurt_object(64);
    hurt_object(64);
    mm_walk_live(fn, NULL);
}

static bool frees(const struct mm_what *what, void *unused)
{
    kfree((void *)what->start);
    return unused == NULL;
}

static bool takes(const struct mm_what *what, void *unused)
{
    show(kmalloc(what->bytes, GFP_KERNEL));
    return unused == NULL;
}

static bool writes(const struct mm_what *what, void *null)
{
    *word((uintptr_t)null) = what->serial;
    return true;
}

static bool does_not_end(const struct mm_what *what, void *unused)
{
    for (;;)
        hurt_sink = what->serial;
    return unused == NULL;
}

HURT(walk_frees) { walk_with(frees); }
HURT(walk_allocates) { walk_with(takes); }
HURT(walk_null) { walk_with(writes); }
HURT(walk_loops) { walk_with(does_not_end); }

/* ---- mm_init, which boot has called --------------------------------------------- */

static void init_with(uintptr_t start, size_t bytes)
{
    static struct mm_range range;

    range = (struct mm_range){ start, bytes };
    mm_init(&range, 1);
}

HURT(init_again) { hurt_object(64); init_with(8 << 20, 8 << 20); }
HURT(init_over_kernel) { init_with(1 << 20, 8 << 20); }
HURT(init_nothing) { mm_init(NULL, 0); }
HURT(init_wild) { mm_init(hidden(0xdeadbeef), 4); }

const struct hurt_way hurt_calls[] = {
    WAY(cache_null), WAY(cache_wild), WAY(cache_size_wild), WAY(cache_shrink_wild),
    WAY(cache_shrink_null),
    WAY(cache_size_null), WAY(cache_is_object), WAY(cache_destroyed), WAY(cache_in_use),
    WAY(cache_wrong_arguments), WAY(cache_name_wild), WAY(cache_name_local),
    WAY(cache_500), WAY(constructor_null), WAY(constructor_allocates),
    WAY(constructor_loops), WAY(constructor_wild), WAY(krealloc_freed),
    WAY(krealloc_inside), WAY(krealloc_huge), WAY(krealloc_zero), WAY(ksize_wild),
    WAY(kmalloc_minus_1), WAY(kmalloc_array_wraps), WAY(kmalloc_must),
    WAY(kmalloc_flags), WAY(order_99), WAY(order_minus_1), WAY(must_until_empty), WAY(kstrdup_wild),
    WAY(kstrdup_null), WAY(kmemdup_wild), WAY(kmemdup_too_much), WAY(page_of_nothing),
    WAY(walk_frees), WAY(walk_allocates), WAY(walk_null), WAY(walk_loops),
    WAY(init_again), WAY(init_over_kernel), WAY(init_nothing), WAY(init_wild),
    { NULL, NULL },
};
