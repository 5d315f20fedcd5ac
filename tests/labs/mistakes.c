/*
 * mistakes.c - writing and reading where one must not, and arithmetic that C does not
 * define: one command each word, and the same done right.
 *
 *     make run SAN=1 LAB=tests/labs/mistakes.c
 *     marbles> mistake heap-right
 *     marbles> right heap-right
 *
 * How far each goes is an argument, 0 if it is done right, so the two differ in nothing
 * else; hide() keeps the compiler from seeing the mistake.
 */
#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/gfp.h"
#include "mm/slab.h"

#define MISTAKE __attribute__((noinline)) static void

/* The compiler knows nothing of it any more. */
#define hide(value) __asm__ volatile("" : "+r"(value))

static char table[10];
static volatile char seen;      /* so that what is read is used */

/* ---- heap -------------------------------------------------------------------- */

MISTAKE heap_right(int by)
{
    char *p = kmalloc(20, GFP_KERNEL);

    p[19 + by] = 1;
    kfree(p);
}

MISTAKE heap_right_exact(int by)
{
    char *p = kmalloc(64, GFP_KERNEL), *neighbour = kmalloc(64, GFP_KERNEL);

    p[63 + by] = 1;
    kfree(p);
    kfree(neighbour);
}

MISTAKE heap_left(int by)
{
    char *neighbour = kmalloc(64, GFP_KERNEL), *p = kmalloc(64, GFP_KERNEL);

    p[0 - by] = 1;
    kfree(p);
    kfree(neighbour);
}

MISTAKE heap_read(int by)
{
    char *p = kmalloc(20, GFP_KERNEL);

    memset(p, 1, 20);
    seen = p[19 + by];
    kfree(p);
}

MISTAKE heap_large(int by)
{
    char *p = kmalloc(10000, GFP_KERNEL);

    p[9999 + by] = 1;
    kfree(p);
}

MISTAKE cache_right(int by)
{
    struct kmem_cache *cache = kmem_cache_create("mistake", 40, 0, 0, NULL);
    char *p = kmem_cache_alloc(cache, GFP_KERNEL);

    p[39 + by] = 1;
    kmem_cache_free(cache, p);
    kmem_cache_destroy(cache);
}

static void use_and_free(char *p, bool late, bool write)
{
    if (late)
        kfree(p);
    hide(p);
    if (write)
        p[3] = 1;
    else
        seen = p[3];
    if (!late)
        kfree(p);
}

MISTAKE write_after_free(int by)
{
    use_and_free(kzalloc(100, GFP_KERNEL), by, true);
}

MISTAKE read_after_free(int by)
{
    use_and_free(kzalloc(100, GFP_KERNEL), by, false);
}

MISTAKE page_after_free(int by)
{
    char *p = (char *)__get_free_page(GFP_KERNEL), *again = p;

    if (by)
        free_page((unsigned long)p);
    hide(again);
    again[100] = 1;
    if (!by)
        free_page((unsigned long)p);
}

MISTAKE double_free(int by)
{
    char *p = kmalloc(100, GFP_KERNEL), *again = p;

    hide(again);
    kfree(p);
    if (by)
        kfree(again);
}

MISTAKE copy(int by)
{
    char *p = kmalloc(64, GFP_KERNEL), from[80];
    size_t bytes = 64 + (size_t)by;

    memset(from, 1, sizeof(from));
    hide(bytes);
    memcpy(p, from, bytes);
    kfree(p);
}

MISTAKE string(int by)
{
    char *p = kmalloc(8, GFP_KERNEL);

    strlcpy(p, by ? "eight ch" : "seven c", 80);
    kfree(p);
}

/* ---- stack and globals ------------------------------------------------------- */

MISTAKE stack_array(int by)
{
    char array[16];
    char *at = array;

    hide(at);
    at[15 + by] = 1;
}

MISTAKE stack_read(int by)
{
    char array[16];
    char *at = array;

    memset(array, 1, sizeof(array));
    hide(at);
    seen = at[15 + 4 * by];
}

MISTAKE stack_scope(int by)
{
    char *at;

    {
        char inner[16] = "inner";

        at = inner;
        hide(at);
        seen = at[0];
    }
    if (by)
        seen = at[1];
}

MISTAKE global(int by)
{
    char *at = table;

    hide(at);
    at[9 + by] = 1;
}

/* ---- arithmetic -------------------------------------------------------------- */

MISTAKE shift(int by)
{
    int places = 30 + 10 * by, one = 1;

    hide(places);
    seen = (char)(one << places);
}

MISTAKE overflow(int by)
{
    int most = 0x7fffffff - 1 + by;

    hide(most);
    seen = (char)(most + 1);
}

MISTAKE overflow_64(int by)
{
    long long product = (by ? 0x4000000000000000 : 1) * (long long)(by + 1);

    seen = (char)(product >> 60);
}

MISTAKE negation(int by)
{
    int least = -0x7fffffff - by;

    hide(least);
    seen = (char)-least;
}

MISTAKE array_index(int by)
{
    int index = 9 + by;

    hide(index);
    table[index] = 1;
}

MISTAKE bool_load(int by)
{
    char byte = (char)(1 + by);
    const bool *truth = (const bool *)&byte;

    hide(truth);
    seen = *truth;
}

MISTAKE pointer(int by)
{
    char *at = (char *)0xfffffff0;
    int bytes = 16 * by;

    hide(at);
    hide(bytes);
    at += bytes;
    hide(at);
}

/* Where SAN=1 has the shadow of this kernel's own code. */
MISTAKE shadow(int by)
{
    char own, *at = by ? (char *)0xe0030000 : &own;

    hide(at);
    *at = 1;
}

/* It may end the command, and leaves an array between red zones then. */
MISTAKE null(int by)
{
    int value = 1, *p = by ? NULL : &value;
    char array[600], *at = array;

    hide(at);
    at[0] = 1;
    hide(p);
    seen = (char)*p;
}

MISTAKE division(int by)
{
    int divisor = 1 - by;

    hide(divisor);
    seen = (char)(100 / divisor);
}

static const struct {
    const char *name;
    void (*make)(int by);
} mistakes[] = {
    { "heap-right", heap_right }, { "heap-right-exact", heap_right_exact },
    { "heap-left", heap_left }, { "heap-read", heap_read },
    { "heap-large", heap_large },
    { "cache-right", cache_right }, { "write-after-free", write_after_free },
    { "read-after-free", read_after_free }, { "page-after-free", page_after_free },
    { "double-free", double_free }, { "copy", copy }, { "string", string },
    { "stack-array", stack_array }, { "stack-read", stack_read },
    { "stack-scope", stack_scope }, { "global", global }, { "shift", shift },
    { "overflow", overflow }, { "overflow-64", overflow_64 }, { "negation", negation },
    { "array-index", array_index }, { "bool-load", bool_load }, { "pointer", pointer },
    { "shadow", shadow }, { "null", null }, { "division", division },
};

static int make_one(int argc, char **argv, int by)
{
    for (size_t i = 0; argc == 2 && i < sizeof(mistakes) / sizeof(mistakes[0]); i++)
        if (strcmp(argv[1], mistakes[i].name) == 0) {
            mistakes[i].make(by);
            kprintf("it came back\n");
            return SHELL_OK;
        }
    return shell_usage("one KIND of mistake");
}

static int cmd_mistake(int argc, char **argv)
{
    return make_one(argc, argv, 1);
}

static int cmd_right(int argc, char **argv)
{
    return make_one(argc, argv, 0);
}

SHELL_COMMAND(mistake, "KIND", "do it wrong, by a little", cmd_mistake);
SHELL_COMMAND(right, "KIND", "do the same right", cmd_right);
