/*
 * every_call.c - every name of "mm/slab.h" and "mm/gfp.h", used once as it is meant.
 *
 * Names and meanings are Linux's; what looks at mm, and calls of a name in brackets, are
 * not: there kmalloc is a macro and no function.  Build it from anywhere:
 *
 *     make exec LAB=~/every_call.c CMDS=every_call
 *
 * Each CHECK that fails says its line, and the command's status is then 1.  It ends
 * with as many live objects and pages as it began with.
 */
#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/mm.h"

static unsigned checks, failures;

#define CHECK(truth)                                                          \
    do {                                                                      \
        checks++;                                                             \
        if (!(truth)) {                                                       \
            failures++;                                                       \
            kprintf("every_call.c:%d: not true: %s\n", __LINE__, #truth);     \
        }                                                                     \
    } while (0)

#define QUIETLY (GFP_KERNEL | __GFP_NOWARN)

/* More than any block has; the compiler must not see it, for it would warn. */
static volatile size_t huge = SIZE_MAX / 2;

static bool is_zero(const void *p, size_t bytes)
{
    const unsigned char *byte = p;

    while (bytes > 0 && *byte == 0) {
        byte++;
        bytes--;
    }
    return bytes == 0;
}

static bool is_aligned(const void *p, size_t to)
{
    return (uintptr_t)p % to == 0;
}

/* ---- kmalloc and its kin -------------------------------------------------------- */

static void one_object(void)
{
    void *p = kmalloc(100, GFP_KERNEL);

    CHECK(p != NULL && is_aligned(p, 8));
    CHECK(ksize(p) == 128 && kmalloc_size_roundup(100) == 128);
    memset(p, 1, ksize(p));
    kfree(p);

    p = kzalloc(128, GFP_ATOMIC);
    CHECK(p != NULL && is_aligned(p, 128) && is_zero(p, ksize(p)));
    kfree_sensitive(p);

    p = kmalloc(64, GFP_NOWAIT | __GFP_ZERO | __GFP_NORETRY);
    CHECK(p != NULL && is_zero(p, 64));
    kfree(p);

    p = kmalloc(8, GFP_KERNEL | __GFP_NOFAIL);
    CHECK(p != NULL);
    kfree(p);
}

static void sizes_at_the_edge(void)
{
    void *nothing = kmalloc(0, GFP_KERNEL);

    CHECK(nothing == ZERO_SIZE_PTR && ZERO_OR_NULL_PTR(nothing));
    CHECK(ZERO_OR_NULL_PTR(NULL));
    CHECK(ksize(nothing) == 0 && ksize(NULL) == 0);
    kfree(nothing);
    kfree(NULL);

    void *last = kmalloc(KMALLOC_MAX_CACHE_SIZE, GFP_KERNEL);
    void *large = kmalloc(KMALLOC_MAX_CACHE_SIZE + 1, GFP_KERNEL);

    CHECK(last != NULL && ksize(last) == KMALLOC_MAX_CACHE_SIZE);
    CHECK(large != NULL && is_aligned(large, PAGE_SIZE) && ksize(large) == 16384);
    kfree(last);
    kfree(large);
    CHECK(kmalloc(huge, QUIETLY) == NULL);
    CHECK(KMALLOC_MAX_SIZE == (size_t)4 << 20);
}

static void arrays(void)
{
    void *p = kmalloc_array(10, 20, GFP_KERNEL);

    CHECK(p != NULL && ksize(p) >= 200);
    kfree(p);
    p = kcalloc(10, 20, GFP_KERNEL);
    CHECK(p != NULL && is_zero(p, ksize(p)));
    kfree(p);
    CHECK(kmalloc_array(huge, 3, QUIETLY) == NULL);
    CHECK(kcalloc(3, huge, QUIETLY) == NULL);
    CHECK(kmalloc_array(0, huge, QUIETLY) == ZERO_SIZE_PTR);
}

static void moving(void)
{
    char *p = krealloc(NULL, 10, GFP_KERNEL);

    CHECK(p != NULL);
    strlcpy(p, "marbles", 10);
    CHECK(krealloc(p, 16, GFP_KERNEL) == p);

    char *moved = krealloc(p, 1000, GFP_KERNEL);

    CHECK(moved != NULL && moved != p && strcmp(moved, "marbles") == 0);
    CHECK(krealloc(moved, huge, QUIETLY) == NULL);
    CHECK(strcmp(moved, "marbles") == 0);       /* it is still ours */
    CHECK(krealloc_array(moved, huge, 3, QUIETLY) == NULL);
    moved = krealloc_array(moved, 300, 10, GFP_KERNEL);
    CHECK(moved != NULL && strcmp(moved, "marbles") == 0);
    CHECK(krealloc(moved, 0, GFP_KERNEL) == ZERO_SIZE_PTR);
}

static void copies(void)
{
    char *whole = kstrdup("marbles", GFP_KERNEL);
    char *part = kstrndup("marbles", 3, GFP_KERNEL);
    char *bytes = kmemdup("\1\0\2", 3, GFP_KERNEL);

    CHECK(whole != NULL && strcmp(whole, "marbles") == 0);
    CHECK(part != NULL && strcmp(part, "mar") == 0);
    CHECK(bytes != NULL && memcmp(bytes, "\1\0\2", 3) == 0);
    CHECK(kstrdup(NULL, GFP_KERNEL) == NULL && kstrndup(NULL, 3, GFP_KERNEL) == NULL);
    kfree(whole);
    kfree(part);
    kfree(bytes);
}

/* In brackets the name is no macro: who called is known by its return address. */
static void functions(void)
{
    void *p = (kmalloc)(24, GFP_KERNEL);
    struct mm_what what;

    mm_what_is(p, &what);
    CHECK(what.kind == MM_SLAB_LIVE && what.asked == (mm_records ? 24 : 32));
    CHECK(!mm_records || (what.taken_by != NULL && what.taken_by->file == NULL));
    p = (krealloc)(p, 60, GFP_KERNEL);
    CHECK(p != NULL);
    (kfree)(p);
    p = (kzalloc)(24, GFP_KERNEL);
    CHECK(p != NULL && is_zero(p, 24));
    (kfree_sensitive)(p);
    p = (kcalloc)(2, 24, GFP_KERNEL);
    CHECK(p != NULL);
    p = (krealloc_array)(p, 3, 24, GFP_KERNEL);
    (kfree)(p);
    p = (kmalloc_array)(2, 24, GFP_KERNEL);
    (kfree)(p);
    p = (kstrdup)("a", GFP_KERNEL);
    (kfree)(p);
    p = (kstrndup)("ab", 1, GFP_KERNEL);
    (kfree)(p);
    p = (kmemdup)("ab", 2, GFP_KERNEL);
    (kfree)(p);

    (__free_pages)((alloc_pages)(GFP_KERNEL, 1), 1);
    (free_pages)((__get_free_pages)(GFP_KERNEL, 1), 1);
    (free_pages_exact)((alloc_pages_exact)(5000, GFP_KERNEL), 5000);

    struct kmem_cache *cache = (kmem_cache_create)("function", 40, 0, 0, NULL);

    (kmem_cache_free)(cache, (kmem_cache_alloc)(cache, GFP_KERNEL));
    (kmem_cache_free)(cache, (kmem_cache_zalloc)(cache, GFP_KERNEL));
    (kmem_cache_destroy)(cache);
}

/* ---- caches ------------------------------------------------------------------------ */

struct marble {
    uint32_t colour;
    uint64_t weight;
    char name[20];
};

static void construct(void *object)
{
    ((struct marble *)object)->colour = 0xc0105;
}

static void caches(void)
{
    struct kmem_cache *cache = KMEM_CACHE(marble, SLAB_HWCACHE_ALIGN | SLAB_PANIC);
    struct marble *marble = kmem_cache_alloc(cache, GFP_KERNEL);
    struct marble *zeroed = kmem_cache_zalloc(cache, GFP_KERNEL);

    CHECK(cache != NULL && kmem_cache_size(cache) == sizeof(struct marble));
    CHECK(marble != NULL && is_aligned(marble, 64));
    CHECK(zeroed != NULL && is_zero(zeroed, sizeof(*zeroed)) && zeroed != marble);
    kmem_cache_free(cache, marble);
    kmem_cache_free(cache, zeroed);
    kmem_cache_shrink(cache);
    kmem_cache_destroy(cache);
    kmem_cache_destroy(NULL);

    cache = kmem_cache_create("constructed", sizeof(struct marble), 8, 0, construct);
    marble = kmem_cache_alloc(cache, GFP_KERNEL);
    CHECK(marble != NULL && marble->colour == 0xc0105);
    kmem_cache_free(cache, marble);
    marble = kmem_cache_alloc(cache, GFP_KERNEL);
    CHECK(marble != NULL && marble->colour == 0xc0105);
    kfree(marble);              /* as in Linux: kfree takes objects of any cache */
    kmem_cache_destroy(cache);
}

/* ---- pages ------------------------------------------------------------------------- */

static void blocks(void)
{
    for (unsigned order = 0; order <= 4; order++) {
        struct page *page = alloc_pages(GFP_KERNEL, order);

        CHECK(page != NULL && is_aligned(page_address(page), PAGE_SIZE << order));
        CHECK(virt_to_page(page_address(page)) == page);
        __free_pages(page, order);
    }
    CHECK(alloc_pages(QUIETLY, MAX_PAGE_ORDER + 1) == NULL);
    CHECK(virt_to_page((void *)(UINTPTR_MAX - PAGE_SIZE)) == NULL);
    free_pages(0, 3);

    struct page *page = alloc_page(GFP_ATOMIC);

    CHECK(page != NULL);
    __free_page(page);

    unsigned long address = __get_free_pages(GFP_KERNEL | __GFP_ZERO, 2);

    CHECK(address != 0 && is_zero((void *)address, 4 * PAGE_SIZE));
    free_pages(address, 2);
    address = __get_free_page(GFP_KERNEL);
    CHECK(address % PAGE_SIZE == 0 && address != 0);
    free_page(address);
    address = get_zeroed_page(GFP_KERNEL);
    CHECK(address != 0 && is_zero((void *)address, PAGE_SIZE));
    free_page(address);
}

static void exact_pages(void)
{
    struct mm_stats before, after;

    mm_get_stats(&before);

    void *p = alloc_pages_exact(5 * PAGE_SIZE, GFP_KERNEL);

    mm_get_stats(&after);
    CHECK(p != NULL && before.free_pages - after.free_pages == 5);
    free_pages_exact(p, 5 * PAGE_SIZE);
}

/* ---- the command ------------------------------------------------------------------- */

static int cmd_every_call(int argc, char **argv)
{
    struct mm_stats before, after;

    (void)argv;
    if (argc != 1)
        return shell_usage("no arguments");
    checks = 0;
    failures = 0;
    mm_get_stats(&before);
    one_object();
    sizes_at_the_edge();
    arrays();
    moving();
    copies();
    functions();
    caches();
    blocks();
    exact_pages();
    mm_get_stats(&after);
    CHECK(before.live_objects == after.live_objects);
    CHECK(before.live_bytes == after.live_bytes);
    CHECK(before.live_pages == after.live_pages);
    CHECK(after.bad_frees == before.bad_frees);
    CHECK(mm_check() == NULL);
    kprintf("every_call: %u checks, %u failed\n", checks, failures);
    return failures == 0 ? SHELL_OK : SHELL_FAILED;
}

SHELL_COMMAND(every_call, "", "use every call of the API once", cmd_every_call);
