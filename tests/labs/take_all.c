/*
 * take_all.c - every page that the allocator will ever hand out, taken and filled.
 *
 *     marbles> take_all
 *     0x00145000 0x00400000       from, to: pages taken side by side
 *     ...
 *     16043 pages
 *     marbles> find "text"        pages that begin with this text
 *     marbles> give_all
 *
 * The pages are taken one by one until NULL and filled with 0xa5.  What must not
 * be handed out (the kernel, what the loader left, the first MiB) must not be among
 * them, and must hold what it held.  The pages taken are chained through their
 * first words: this lab needs no memory of its own.
 */
#include "kernel/image.h"
#include "kernel/memmap.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/gfp.h"

enum { FILL = 0xa5 };

static void **newest;           /* of the pages taken; each begins with the next */
static uint32_t nr_taken;

static void print_run(uintptr_t start, uintptr_t end)
{
    if (start != end)
        kprintf("0x%08x 0x%08x\n", (unsigned)start, (unsigned)end);
}

static int cmd_take_all(int argc, char **argv)
{
    uintptr_t start = 0, end = 0;

    (void)argv;
    if (argc != 1)
        return shell_usage("no arguments");
    for (;;) {
        void **page = (void **)__get_free_page(GFP_KERNEL | __GFP_NOWARN);

        if (page == NULL)
            break;
        memset(page, FILL, PAGE_SIZE);
        *page = newest;
        newest = page;
        nr_taken++;
        if ((uintptr_t)page != end) {
            print_run(start, end);
            start = (uintptr_t)page;
        }
        end = (uintptr_t)page + PAGE_SIZE;
    }
    print_run(start, end);
    kprintf("%u pages\n", (unsigned)nr_taken);
    return SHELL_OK;
}

SHELL_COMMAND(take_all, "", "take every page, and say which", cmd_take_all);

/* Has nobody but us written to the page? */
static bool is_ours(const void *page)
{
    const uint8_t *byte = page;

    for (size_t i = sizeof(void *); i < PAGE_SIZE; i++)
        if (byte[i] != FILL)
            return false;
    return true;
}

static int cmd_give_all(int argc, char **argv)
{
    uint32_t spoilt = 0;

    (void)argv;
    if (argc != 1)
        return shell_usage("no arguments");
    while (newest != NULL) {
        void **page = newest;

        spoilt += !is_ours(page);
        newest = *page;
        free_page((unsigned long)page);
        nr_taken--;
    }
    kprintf("%u pages left, %u were written to\n", (unsigned)nr_taken,
            (unsigned)spoilt);
    return spoilt == 0 ? SHELL_OK : SHELL_FAILED;
}

SHELL_COMMAND(give_all, "", "give back what take_all took", cmd_give_all);

/* Boot modules begin on a page, behind the image. */
static int cmd_find(int argc, char **argv)
{
    uintptr_t first = ((uintptr_t)image_end + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
    uintptr_t end = (uintptr_t)(memmap_ram_end() - 1);

    if (argc != 2)
        return shell_usage("one TEXT");
    for (uintptr_t page = first; page < end; page += PAGE_SIZE)
        if (memcmp((const void *)page, argv[1], strlen(argv[1])) == 0)
            kprintf("0x%08x\n", (unsigned)page);
    return SHELL_OK;
}

SHELL_COMMAND(find, "TEXT", "pages of RAM that begin with TEXT", cmd_find);

/* 32-bit FNV-1a: is what lies there still what it was? */
static int cmd_hash(int argc, char **argv)
{
    uint32_t start, bytes, hash = 0x811c9dc5;

    if (argc != 3 || !shell_number(argv[1], "ADDR", &start) ||
        !shell_number(argv[2], "BYTES", &bytes))
        return shell_usage("ADDR and BYTES");
    for (const uint8_t *byte = (const uint8_t *)(uintptr_t)start; bytes > 0; bytes--)
        hash = (hash ^ *byte++) * 0x01000193;
    kprintf("0x%08x\n", (unsigned)hash);
    return SHELL_OK;
}

SHELL_COMMAND(hash, "ADDR BYTES", "a checksum of memory", cmd_hash);
