/*
 * names.c - names that are hard to print: of caches, of a file, of a function.
 */
#include "kernel/shell.h"
#include "mm/slab.h"

static struct kmem_cache *caches[4];

#line 1 "exerc\303\255cio.c"
static void *exerc\u00edcio(struct kmem_cache *cache)
{
    return kmem_cache_alloc(cache, GFP_KERNEL);
}

static int cmd_odd_names(int argc, char **argv)
{
    static const char *const names[4] = { "exerc\303\255cio", "latin\355", "a \"b\" \\",
                                          "line\none\033[2J" };

    for (int i = 0; i < 4; i++) {
        caches[i] = kmem_cache_create(names[i], 40, 0, 0, NULL);
        kprintf("%p\n", exerc\u00edcio(caches[i]));
    }
    return argc == 0;
}

SHELL_COMMAND(odd_names, "", "make caches with odd names", cmd_odd_names);
