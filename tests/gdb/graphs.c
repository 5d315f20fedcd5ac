/*
 * graphs.c - random graphs for GDB to sort: graphs SEED COUNT [said], or graphs large N EDGES.
 *
 * Nodes are everything that can be live: objects, large ones, those of a cache, blocks and
 * runs of pages.  Words in them, and in `roots`, point to starts, to middles, to page
 * structs.  Each node and each edge that was laid is printed, so that a model can sort
 * them that knows no memory (graph.py), and with each node what mm/scan has found of it.
 *
 * With `said` things are said of nodes by kmemleak_*, some were cleared, and in blocks are
 * pieces; the edges are not printed then, but which pieces mm/scan has found to be lost.
 */
#include "mm/mm.h"
#include "mm/scan/kmemleak.h"
#include "mm/scan/scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define NODES 40u
#define ROOTS 6u
#define HEAP_BYTES ((size_t)256 << 20)
#define BLOCK_BYTES (PAGE_SIZE << MAX_PAGE_ORDER)

void heap_is_made(void);

static struct node {
    uintptr_t *p;
    size_t bytes;
    bool is_block;              /* of pages */
} nodes[NODES];

uintptr_t roots[ROOTS];

static uint32_t random_state;

static uint32_t below(uint32_t n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state % n;
}

/* `nodes` is a variable, too, and no root: its pointers are kept in disguise. */
static uintptr_t *disguised(uintptr_t *p)
{
    return (uintptr_t *)~(uintptr_t)p;
}

static void open_heap(void)
{
    static uintptr_t start;
    struct mm_range range = { 0, HEAP_BYTES };

    if (!start) {
        char *map = mmap(NULL, HEAP_BYTES + BLOCK_BYTES, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

        if (map == MAP_FAILED)
            abort();
        start = ~(((uintptr_t)map + BLOCK_BYTES - 1) & ~(uintptr_t)(BLOCK_BYTES - 1));
    }
    range.start = ~start;
    mm_state = 0;
    mm_init(&range, 1);
}

/* 40 bytes and more: room for four words, and a middle. */
static void take(struct node *node, struct kmem_cache *cache)
{
    static const size_t sizes[] = { 40, 48, 64, 100, 256, 500, 2000, 4096, 8000, 20000 };
    uint32_t how = below(8);
    uintptr_t *p;

    memset(node, 0, sizeof(*node));
    if (how == 0) {
        node->bytes = 56;
        p = kmem_cache_zalloc(cache, GFP_KERNEL);
    } else if (how == 1) {
        node->bytes = PAGE_SIZE << below(3);
        p = (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO,
                                     (unsigned)__builtin_ctzl(node->bytes / PAGE_SIZE));
    } else if (how == 2) {
        node->bytes = 3 * PAGE_SIZE;
        p = alloc_pages_exact(node->bytes, GFP_KERNEL | __GFP_ZERO);
    } else {
        node->bytes = sizes[below(sizeof(sizes) / sizeof(sizes[0]))];
        p = kzalloc(node->bytes, GFP_KERNEL);
    }
    if (!p)
        abort();
    node->is_block = how == 1 || how == 2;
    node->p = disguised(p);
}

static uintptr_t pointer_to(const struct node *node, bool to_start)
{
    uintptr_t p = (uintptr_t)disguised(node->p);

    if (!to_start)
        return p + 1 + below((uint32_t)node->bytes - 1);
    return node->is_block && below(2) ? (uintptr_t)virt_to_page((void *)p) : p;
}

/* Each word is one edge, or none. */
static void lay_edges(int from, uintptr_t *words, size_t count, uint32_t density)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t to = below(NODES);
        bool to_start = below(3) != 0;

        words[i] = below(100000);
        if (below(100) >= density)
            continue;
        words[i] = pointer_to(&nodes[to], to_start);
        printf("edge {\"from\": %d, \"to\": %u, \"strong\": %s}\n", from, to,
               to_start ? "true" : "false");
    }
}

static struct kmem_cache *make_graph(uint32_t seed)
{
    struct kmem_cache *cache;
    uint32_t density;

    random_state = seed * 2654435761u + 1;
    open_heap();
    cache = kmem_cache_create("nodes", 56, 8, 0, NULL);
    density = 10 + below(60);
    for (unsigned n = 0; n < NODES; n++)
        take(&nodes[n], cache);
    lay_edges(-1, roots, ROOTS, density / 2);
    for (unsigned n = 0; n < NODES; n++)
        lay_edges((int)n, disguised(nodes[n].p), 4, density);
    return cache;
}

/* ---- what is said ---------------------------------------------------------------- */

/* Where pieces begin, and how long they are. */
enum { PIECES = 3, PIECE = 80, BETWEEN = 1000 };

static bool may_be_cut(const struct node *node)
{
    return node->bytes >= PAGE_SIZE;
}

static char *piece_in(const struct node *node, uint32_t n)
{
    return (char *)disguised(node->p) + n * BETWEEN;
}

static void say_of(const struct node *node)
{
    char *p = (char *)disguised(node->p);

    switch (below(8)) {
    case 0:
        kmemleak_not_leak(p);
        break;
    case 1:
        kmemleak_ignore(p);
        break;
    case 2:
        kmemleak_no_scan(p);
        break;
    case 3:
        kmemleak_scan_area(p + below(24), 1 + below(16), GFP_KERNEL);
        kmemleak_scan_area(p + below(24), 1 + below(16), GFP_KERNEL);
        break;
    case 4:
        kmemleak_scan_area(p + below(24), 1 + below(16), GFP_KERNEL);
        kmemleak_not_leak(p);
        break;
    default:
        break;
    }
}

/* Some of them need more words than one, or none; words of each point to nodes. */
static void cut(const struct node *node)
{
    for (uint32_t n = 0; n < PIECES; n++) {
        uintptr_t *words = (uintptr_t *)(void *)piece_in(node, n);

        if (below(4) == 0)
            continue;
        kmemleak_alloc(words, PIECE, (int)below(6) - 1, GFP_KERNEL);
        words[0] = pointer_to(&nodes[below(NODES)], true);
        words[1] = pointer_to(&nodes[below(NODES)], false);
    }
}

static void point_to_pieces(uintptr_t *words)
{
    const struct node *node = &nodes[below(NODES)];

    if (may_be_cut(node))
        words[below(4)] = (uintptr_t)piece_in(node, below(PIECES)) + below(PIECE);
}

static void scan(void)
{
    mm_scan_begin();
    mm_scan_root(roots, roots + ROOTS);
    mm_scan_end();
}

/* Before something is cleared, and behind; and of some nodes the life is over. */
static void say_things(void)
{
    for (unsigned n = 0; n < NODES; n++) {
        say_of(&nodes[n]);
        if (may_be_cut(&nodes[n]) && below(2))
            cut(&nodes[n]);
    }
    for (unsigned n = 0; n < NODES; n++)
        point_to_pieces(disguised(nodes[n].p));
    point_to_pieces(roots);
}

static void forget_things(struct kmem_cache *cache)
{
    for (unsigned n = 0; n < 4; n++) {
        struct node *node = &nodes[below(NODES)];

        if (node->bytes == 3 * PAGE_SIZE)
            free_pages_exact(disguised(node->p), node->bytes);
        else if (node->is_block)
            free_pages((unsigned long)disguised(node->p),
                       (unsigned)__builtin_ctzl(node->bytes / PAGE_SIZE));
        else if (node->bytes == 56)
            kmem_cache_free(cache, disguised(node->p));
        else
            kfree(disguised(node->p));
        take(node, cache);
    }
}

static void say_all(struct kmem_cache *cache)
{
    say_things();
    if (below(2)) {
        scan();
        mm_scan_clear();
        roots[below(ROOTS)] = 0;
        say_things();
    }
    forget_things(cache);
    printf("laid null\n");
}

static bool print_lost_piece(const struct mm_live *live, void *arg)
{
    (void)arg;
    printf("lost {\"address\": %llu}\n", (unsigned long long)live->start);
    return true;
}

/* ---- what is found --------------------------------------------------------------- */

static void print_nodes(void)
{
    static const char *const names[] = { "unseen", "reachable", "possible", "indirect",
                                         "definite" };
    struct mm_live live;

    scan();
    for (unsigned n = 0; n < NODES; n++) {
        if (!mm_scan_find(disguised(nodes[n].p), &live))
            abort();
        printf("node {\"address\": %llu, \"bytes\": %zu, \"kind\": \"%s\", "
               "\"seen_in\": %llu}\n", (unsigned long long)live.start, live.asked,
               names[live.kind], (unsigned long long)live.seen_in);
    }
    mm_scan_walk_lost_own(print_lost_piece, NULL);
    memset(&live, 0, sizeof(live));
    __asm__ volatile("" : : "m"(live));         /* no pointer is left on the stack */
    printf("made\n");
    fflush(stdout);
}

__attribute__((noinline)) void heap_is_made(void)
{
    __asm__ volatile("" : : : "memory");
}

/* N objects, a list from roots[0] if there is one edge each, else a graph from there. */
static void make_large(uint32_t n, uint32_t edges)
{
    uintptr_t **objects = malloc(n * sizeof(*objects));

    open_heap();
    random_state = 1;
    for (uint32_t i = 0; i < n; i++)
        objects[i] = kzalloc(64, GFP_KERNEL);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t e = 0; e < edges && i + 1 < n; e++)
            objects[i][e] = (uintptr_t)objects[e ? below(n) : i + 1];
    roots[0] = (uintptr_t)objects[0];
    free(objects);
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "large") == 0) {
        make_large((uint32_t)atoi(argv[2]), (uint32_t)atoi(argv[3]));
        heap_is_made();
        return 0;
    }
    for (int i = 0; argc >= 3 && i < atoi(argv[2]); i++) {
        struct kmem_cache *cache = make_graph((uint32_t)(atoi(argv[1]) + i));

        if (argc == 4)
            say_all(cache);
        print_nodes();
        heap_is_made();
    }
    return argc < 3;
}
