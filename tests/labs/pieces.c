/*
 * pieces.c - what a program knows of its objects, said by the calls of Linux's kmemleak.
 *
 *     pieces hidden       100 objects that are kept as their address turned upside down
 *     pieces WORD         says it of each: not_leak, ignore, no_scan, area
 *     pieces pool N       N pieces of 64 bytes from a pool of its own, on a list
 *     pieces lose N       the first N of the list are forgotten
 *     pieces free         the rest of the list is given back
 *     pieces nonsense     names what is not there, and more than fits
 */
#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/gfp.h"
#include "mm/scan/kmemleak.h"
#include "mm/slab.h"

enum { HIDDEN = 100, PIECE = 64, POOL_ORDER = 3, POOL = 4096 << POOL_ORDER };

/* Each holds one more at its second word. */
static uintptr_t hidden[HIDDEN];

static void hide(unsigned n)
{
    for (n = 0; n < HIDDEN; n++) {
        void **p = kzalloc(64, GFP_KERNEL);

        p[1] = kzalloc(32, GFP_KERNEL);
        hidden[n] = ~(uintptr_t)p;
    }
}

static void say_not_leak(unsigned n)
{
    for (n = 0; n < HIDDEN; n++)
        kmemleak_not_leak((void *)~hidden[n]);
}

static void say_ignore(unsigned n)
{
    for (n = 0; n < HIDDEN; n++)
        kmemleak_ignore((void *)~hidden[n]);
}

static void say_no_scan(unsigned n)
{
    for (n = 0; n < HIDDEN; n++) {
        kmemleak_not_leak((void *)~hidden[n]);
        kmemleak_no_scan((void *)~hidden[n]);
    }
}

/* Half of them with the word that holds the other. */
static void say_area(unsigned n)
{
    for (n = 0; n < HIDDEN; n++) {
        kmemleak_not_leak((void *)~hidden[n]);
        kmemleak_scan_area((char *)~hidden[n] + (n % 2 ? 4 : 8), 24, GFP_KERNEL);
    }
}

/* ---- an allocator of one's own --------------------------------------------------- */

struct piece {
    struct piece *next;
    char text[PIECE - sizeof(struct piece *)];
};

static char *pool;
static struct piece *unused, *list;     /* unused ones lie there, too */

static void make_pool(void)
{
    pool = (char *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, POOL_ORDER);
    for (unsigned at = PIECE; pool != NULL && at < POOL; at += PIECE) {
        struct piece *piece = (struct piece *)(pool + at);

        piece->next = unused;
        unused = piece;
    }
}

static void take_pieces(unsigned n)
{
    if (pool == NULL)
        make_pool();
    for (; n > 0 && unused != NULL; n--) {
        struct piece *piece = unused;

        unused = piece->next;
        kmemleak_alloc(piece, PIECE, 1, GFP_KERNEL);
        piece->next = list;
        list = piece;
    }
}

static void lose_pieces(unsigned n)
{
    while (n-- > 0 && list != NULL)
        list = list->next;
}

static void free_pieces(unsigned n)
{
    (void)n;
    while (list != NULL) {
        struct piece *piece = list;

        list = piece->next;
        kmemleak_free(piece);
        piece->next = unused;
        unused = piece;
    }
}

static void say_nonsense(unsigned n)
{
    kmemleak_not_leak((void *)16);
    kmemleak_ignore(hidden);
    for (n = 0; n < 300; n++)
        kmemleak_not_leak(kmalloc(8, GFP_KERNEL));
}

static const struct word {
    const char *name;
    void (*run)(unsigned n);
} words[] = {
    { "hidden", hide }, { "not_leak", say_not_leak }, { "ignore", say_ignore },
    { "no_scan", say_no_scan }, { "area", say_area }, { "pool", take_pieces },
    { "lose", lose_pieces }, { "free", free_pieces }, { "nonsense", say_nonsense },
};

static int cmd_pieces(int argc, char **argv)
{
    uint32_t n = 1;

    if (argc > 2 && !shell_number(argv[2], "N", &n))
        return SHELL_USAGE;
    for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (argc > 1 && strcmp(argv[1], words[i].name) == 0) {
            words[i].run(n);
            return SHELL_OK;
        }
    return shell_usage("what to do is missing");
}

SHELL_COMMAND(pieces, "WORD [N]", "objects of which a program says something", cmd_pieces);
