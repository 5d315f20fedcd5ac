/*
 * stress.c - the whole allocation API, driven at random against a table that
 * knows what must be true.
 *
 *     piece[0]  kmalloc      0x00523100   100 bytes   pattern 17
 *     piece[1]  -
 *     piece[2]  alloc_pages  0x00700000  8192 bytes   pattern 4   order 1
 *     ...
 *
 * A step picks a piece.  An empty one is taken, in one of the ways of `takes`;
 * else what it holds is checked, and it is moved with krealloc or given back as
 * it was taken.  stress_check.c has the rules C1 to C6.  Two more are here:
 *
 *   C7  a product that overflows gives NULL;
 *   C8  in the end all is as before: objects, pages, free blocks of each order;
 *
 * and then mm_check proves mm's own rules.  NULL is a fine answer.  The same seed
 * makes the same steps, a failure names it.  Wrong calls are for tests/ to make.
 */
#include "kernel/bench/stress_priv.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/mm.h"

enum { NR_CACHES = 3, TEXT_BYTES = 48, DEFAULT_STEPS = 20000, DEFAULT_SEED = 1 };
#define QUIETLY (GFP_KERNEL | __GFP_NOWARN)

static struct stress stress;
static struct kmem_cache *caches[NR_CACHES];
static char text[TEXT_BYTES];   /* what is duplicated */

static void construct(void *object)
{
    *(uint32_t *)object = CTOR_MARK;
}

static const struct cache_kind {
    const char *name;
    size_t size, align;
    slab_flags_t flags;
    void (*ctor)(void *object);
} cache_kinds[NR_CACHES] = {
    { "stress-24", 24, 0, 0, NULL },
    { "stress-72-ctor", 72, 0, 0, construct },
    { "stress-200", 200, 64, SLAB_HWCACHE_ALIGN, NULL },
};

/* 1 byte to 8 kB, each power of two as likely; one in 32 up to 512 kB. */
static size_t draw_size(struct stress *s)
{
    uint32_t exponent = stress_draw(s) % 14;

    if (stress_draw(s) % 32 == 0)
        exponent += 6;
    if (stress_draw(s) % 4 == 0)
        return (size_t)1 << exponent;
    return 1 + stress_draw(s) % (1u << exponent);
}

/* Order 0 half of the time, each further one half as often. */
static unsigned draw_order(struct stress *s)
{
    return (unsigned)__builtin_ctz(stress_draw(s) | 1u << MAX_PAGE_ORDER);
}

/* ---- taking ------------------------------------------------------------- */

static void take_kmalloc(struct stress *s, struct piece *piece)
{
    bool atomic = stress_draw(s) % 4 == 0;

    piece->bytes = draw_size(s);
    piece->p = kmalloc(piece->bytes, atomic ? GFP_ATOMIC | __GFP_NOWARN : QUIETLY);
}

static void take_zeroed(struct stress *s, struct piece *piece)
{
    piece->bytes = draw_size(s);
    piece->p = kzalloc(piece->bytes, QUIETLY);
    piece->zero = ksize(piece->p);
}

static void take_array(struct stress *s, struct piece *piece)
{
    size_t n = 1 + stress_draw(s) % 64, size = 1 + stress_draw(s) % 96;

    piece->bytes = n * size;
    if (stress_draw(s) % 2 == 0) {
        piece->p = kmalloc_array(n, size, QUIETLY);
    } else {
        piece->p = kcalloc(n, size, QUIETLY);
        piece->zero = ksize(piece->p);
    }
}

static void take_by_krealloc(struct stress *s, struct piece *piece)
{
    size_t n = 1 + stress_draw(s) % 8, size = 1 + stress_draw(s) % 600;

    piece->bytes = n * size;
    if (stress_draw(s) % 2 == 0)
        piece->p = krealloc(NULL, piece->bytes, QUIETLY);
    else
        piece->p = krealloc_array(ZERO_SIZE_PTR, n, size, QUIETLY);
}

static void take_copy(struct stress *s, struct piece *piece)
{
    size_t length = stress_draw(s) % TEXT_BYTES;

    memset(text, 'm', sizeof(text));
    text[length] = 0;
    piece->bytes = length + 1;
    piece->copy_of = text;

    uint32_t way = stress_draw(s) % 3;

    if (way == 0)
        piece->p = (uint8_t *)kstrdup(text, QUIETLY);
    else if (way == 1)
        piece->p = (uint8_t *)kstrndup(text, length, QUIETLY);
    else
        piece->p = kmemdup(text, piece->bytes, QUIETLY);
}

static void take_cached(struct stress *s, struct piece *piece)
{
    unsigned which = stress_draw(s) % NR_CACHES;
    const struct cache_kind *kind = &cache_kinds[which];

    *piece = (struct piece){ .how = CACHED, .which = which, .bytes = kind->size,
        .align = kind->align != 0 ? kind->align : 8, .marked = kind->ctor != NULL };
    if (caches[which] == NULL)
        return;
    if (piece->marked || stress_draw(s) % 2 == 0) {
        piece->p = kmem_cache_alloc(caches[which], QUIETLY);
    } else {
        piece->p = kmem_cache_zalloc(caches[which], QUIETLY);
        piece->zero = kind->size;
    }
}

static void take_pages(struct stress *s, struct piece *piece)
{
    unsigned order = draw_order(s);
    bool zeroed = stress_draw(s) % 2 == 0;

    piece->how = PAGES;
    piece->which = order;
    piece->bytes = PAGE_SIZE << order;
    piece->zero = zeroed ? piece->bytes : 0;
    if (order == 0 && zeroed) {
        piece->p = (uint8_t *)get_zeroed_page(QUIETLY);
    } else if (zeroed) {
        piece->p = (uint8_t *)__get_free_pages(QUIETLY | __GFP_ZERO, order);
    } else {
        struct page *page = alloc_pages(QUIETLY, order);

        piece->p = page != NULL ? page_address(page) : NULL;
    }
}

static void take_exact(struct stress *s, struct piece *piece)
{
    piece->how = EXACT;
    piece->bytes = 1 + stress_draw(s) % (20 * PAGE_SIZE);
    piece->align = PAGE_SIZE;
    piece->p = alloc_pages_exact(piece->bytes, QUIETLY);
}

static void (*const takes[])(struct stress *s, struct piece *piece) = {
    take_kmalloc, take_kmalloc, take_zeroed, take_array, take_by_krealloc, take_copy,
    take_cached, take_cached, take_pages, take_exact,
};

/* 8, and a power of two to itself. */
static size_t usual_align(size_t bytes)
{
    return bytes > 8 && (bytes & (bytes - 1)) == 0 ? bytes : 8;
}

static bool take(struct stress *s, struct piece *piece)
{
    *piece = (struct piece){ .how = OBJECT };
    takes[stress_draw(s) % (sizeof(takes) / sizeof(takes[0]))](s, piece);
    if (piece->p == NULL) {
        piece->how = EMPTY;
        s->refused++;
        return true;
    }
    s->taken++;
    if (piece->align == 0)
        piece->align = usual_align(piece->bytes);
    if (!stress_check_new(s, piece))
        return false;
    stress_fill(s, piece);
    return true;
}

/* ---- moving and giving back --------------------------------------------- */

static bool move(struct stress *s, struct piece *piece)
{
    size_t bytes = stress_draw(s) % 16 == 0 ? 0 : draw_size(s);
    size_t kept = bytes < piece->bytes ? bytes : piece->bytes;
    uint8_t *p = krealloc(piece->p, bytes, QUIETLY);

    if (bytes == 0) {
        piece->how = EMPTY;
        return p == ZERO_SIZE_PTR ||
               stress_fail(s, piece, "krealloc to 0 is not ZERO_SIZE_PTR");
    }
    if (p == NULL) {
        s->refused++;
        return stress_check_contents(s, piece);     /* it is still ours */
    }
    s->moved += p != piece->p;
    if (!stress_holds(piece, p, kept))
        return stress_fail(s, piece, "C4: krealloc did not keep the contents");
    piece->align = p != piece->p ? usual_align(bytes) : 8;
    piece->p = p;
    piece->bytes = bytes;
    if (ksize(p) < bytes)
        return stress_fail(s, piece, "C6: ksize is too small after krealloc");
    if (!stress_check_place(s, piece))
        return false;
    stress_fill(s, piece);
    return true;
}

static void give_back(struct stress *s, struct piece *piece)
{
    bool other_way = stress_draw(s) % 2 == 0;

    switch (piece->how) {
    case OBJECT:
        if (other_way)
            kfree_sensitive(piece->p);
        else
            kfree(piece->p);
        break;
    case CACHED:
        kmem_cache_free(caches[piece->which], piece->p);
        break;
    case PAGES:
        if (other_way)
            free_pages((unsigned long)piece->p, piece->which);
        else
            __free_pages(virt_to_page(piece->p), piece->which);
        break;
    case EXACT:
        free_pages_exact(piece->p, piece->bytes);
        break;
    case EMPTY:
        break;
    }
    piece->how = EMPTY;
}

static bool step(struct stress *s)
{
    struct piece *piece = &s->piece[stress_draw(s) % PIECES];

    if (piece->how == EMPTY)
        return take(s, piece);
    if (!stress_check_contents(s, piece))
        return false;
    if (piece->how == OBJECT && stress_draw(s) % 2 == 0)
        return move(s, piece);
    give_back(s, piece);
    return true;
}

/* ---- before and after --------------------------------------------------- */

static void create_caches(void)
{
    for (unsigned i = 0; i < NR_CACHES; i++)
        caches[i] = kmem_cache_create(cache_kinds[i].name, cache_kinds[i].size,
                                      cache_kinds[i].align, cache_kinds[i].flags,
                                      cache_kinds[i].ctor);
}

static void give_all_back(struct stress *s)
{
    for (unsigned i = 0; i < PIECES && !s->failed; i++) {
        if (s->piece[i].how != EMPTY)
            stress_check_contents(s, &s->piece[i]);
        if (!s->failed)
            give_back(s, &s->piece[i]);
    }
    for (unsigned i = 0; i < NR_CACHES && !s->failed; i++)
        kmem_cache_destroy(caches[i]);
    mm_reclaim();
}

/* C7; volatile, for the compiler warns of products that it can foresee. */
static bool overflows_are_refused(void)
{
    volatile size_t n = SIZE_MAX / 2, size = 3;
    void *array = kmalloc_array(n, size, QUIETLY);
    void *zeroed = kcalloc(size, n, QUIETLY);
    void *grown = krealloc_array(NULL, n, size, QUIETLY);

    return array == NULL && zeroed == NULL && grown == NULL;
}

/* C8: what is not as it was, or NULL. */
static const char *difference(const struct mm_stats *a, const struct mm_stats *b)
{
    if (a->live_objects != b->live_objects)
        return "C8: live_objects is not what it was";
    if (a->live_bytes != b->live_bytes)
        return "C8: live_bytes is not what it was";
    if (a->live_pages != b->live_pages)
        return "C8: live_pages is not what it was";
    if (a->free_pages != b->free_pages)
        return "C8: free_pages is not what it was";
    if (a->bad_frees != b->bad_frees)
        return "a right free was refused";
    if (memcmp(a->free_blocks, b->free_blocks, sizeof(a->free_blocks)) != 0)
        return "C8: the free blocks are not what they were";
    return NULL;
}

/* Take `steps` steps and give all back.  What is wrong in the end, or NULL. */
static const char *run(struct stress *s, uint32_t steps)
{
    struct mm_stats before, after;

    mm_reclaim();               /* nothing is in reserve, then as in the end */
    mm_get_stats(&before);
    create_caches();
    while (s->step < steps && !shell_interrupted()) {
        s->step++;
        if (!step(s))
            return "stopped";
    }
    give_all_back(s);
    if (s->failed)
        return "stopped";
    if (!overflows_are_refused())
        return "C7: a product that overflows was not refused";
    mm_get_stats(&after);

    const char *changed = difference(&before, &after);

    return changed != NULL ? changed : mm_check();
}

static void print_result(const struct stress *s, uint32_t steps, const char *wrong)
{
    const char *result = wrong != NULL ? wrong
                         : s->step < steps ? "interrupted, all given back, rules hold"
                                           : "all given back, all rules hold";

    if (s->json)
        kprintf("{\"steps\": %u, \"seed\": %u, \"taken\": %u, \"refused\": %u, "
                "\"moved\": %u, \"ok\": %s, \"result\": \"%s\"}\n",
                (unsigned)s->step, (unsigned)s->seed, (unsigned)s->taken,
                (unsigned)s->refused, (unsigned)s->moved,
                wrong == NULL ? "true" : "false", result);
    else
        kprint_wrapped(0, "stress: %u step%s of seed %u: %u taken, %u refused, %u moved; %s",
                       (unsigned)s->step, plural(s->step), (unsigned)s->seed,
                       (unsigned)s->taken, (unsigned)s->refused, (unsigned)s->moved,
                       result);
}

static int cmd_stress(int argc, char **argv)
{
    bool json = shell_option(&argc, argv, "-j");
    uint32_t steps = DEFAULT_STEPS, seed = DEFAULT_SEED;

    if (!shell_at_most(argc, argv, 3))
        return SHELL_USAGE;
    if (argc > 1 && !shell_number(argv[1], "STEPS", &steps))
        return SHELL_USAGE;
    if (argc > 2 && !shell_number(argv[2], "SEED", &seed))
        return SHELL_USAGE;
    if (seed == 0)
        return shell_usage("SEED is 1 or more");

    memset(&stress, 0, sizeof(stress));
    stress.seed = stress.random = seed;
    stress.json = json;

    const char *wrong = run(&stress, steps);

    print_result(&stress, steps, wrong);
    return wrong == NULL && stress.step == steps ? SHELL_OK : SHELL_FAILED;
}

SHELL_COMMAND_IN("try it", stress, "[STEPS] [SEED] [-j]",
    "drive the whole API at random, and check",
    "20000 steps of seed 1 unless told otherwise: every call of the API, in random\n"
    "order and size, against rules of what must be true, which are said when broken.\n"
    "In the end everything is given back, memory must be as before, and mm_check\n"
    "proves it.  The same seed makes the same steps.  Ctrl-C ends it early.",
    cmd_stress);
