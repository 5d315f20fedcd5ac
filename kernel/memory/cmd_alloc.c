/*
 * cmd_alloc.c - taking and giving back by hand: kmalloc, kfree, forget, pages.
 *
 *     marbles> kmalloc 100             $1 = 0x00523100  (100 bytes, kmalloc-128 ...)
 *     marbles> kfree $1                the marble is back in the bag
 *     marbles> forget $1               or: the pointer is gone, the marble is not
 *
 * The shell holds what it took in a fixed table (held.c) and gives back only what
 * it is told to.  It passes on whatever it is given: kfree of a wrong pointer
 * really calls kfree, and mm says what it was.
 *
 * Everything taken here is taken on one of two lines of this file, and these are
 * what `leaks` shows.
 */
#include "kernel/memory/held.h"
#include "kernel/memory/report.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/mm.h"

enum { SHOWN_EACH = 8 };        /* of a longer row only first and last are shown */

/* "$1 = 0x00523100  (100 bytes, kmalloc-128, serial 7)" */
static void show_taken(uint32_t number, const void *address)
{
    struct mm_what what;

    kprintf("$%u = %p  ", (unsigned)number, address);
    if (address == ZERO_SIZE_PTR) {
        kprintf("(ZERO_SIZE_PTR: kfree takes it, but it may not be touched)\n");
        return;
    }
    mm_what_is(address, &what);
    if (what.kind == MM_USED_PAGES)
        kprintf("(%u page%s, order %u", 1u << what.order,
                what.order == 0 ? "" : "s", what.order);
    else if (what.kind == MM_LARGE)
        kprintf("(%zu byte%s, in %zu kB of pages", what.asked, plural(what.asked),
                what.bytes >> 10);
    else
        kprintf("(%zu byte%s, %s", what.asked, plural(what.asked), what.cache);
    if (what.serial != 0)
        kprintf(", serial %u", (unsigned)what.serial);
    kprintf(")\n");
}

static bool room_for(uint32_t count)
{
    uint32_t room = held_room();

    if (count <= room)
        return true;
    kprint_wrapped(0, "%s: the shell can hold %u more pointer%s, not %u; "
                   "kfree or forget some", shell_running->name, (unsigned)room, plural(room),
            (unsigned)count);
    return false;
}

/* ---- kmalloc ------------------------------------------------------------ */

static int cmd_kmalloc(int argc, char **argv)
{
    uint32_t size, count = 1;

    if (argc < 2)
        return shell_usage("SIZE is missing");
    if (!shell_at_most(argc, argv, 3) || !shell_number(argv[1], "SIZE", &size))
        return SHELL_USAGE;
    if (argc > 2 && !shell_number(argv[2], "COUNT", &count))
        return SHELL_USAGE;
    if (count == 0)
        return shell_usage("COUNT: 0 is not 1 or more");
    if (!room_for(count))
        return SHELL_FAILED;

    for (uint32_t i = 0; i < count; i++) {
        void *object = kmalloc(size, GFP_KERNEL);

        if (object == NULL) {
            kprintf("kmalloc(%u) = NULL, after %u of %u\n", (unsigned)size,
                    (unsigned)i, (unsigned)count);
            return SHELL_FAILED;
        }

        uint32_t number = held_keep(object, false, 0);

        if (count <= SHOWN_EACH || i == 0 || i == count - 1)
            show_taken(number, object);
        else if (i == 1)
            kprintf("...\n");
    }
    return SHELL_OK;
}

SHELL_COMMAND_IN("allocate", kmalloc, "SIZE [COUNT]",
    "take SIZE bytes, held as $1, $2 ...",
    "Calls kmalloc(SIZE, GFP_KERNEL), COUNT times, and holds each result under a\n"
    "number that never comes to mean another one.  Sizes may be 100, 0x64, 4K, 1M.\n"
    "    kmalloc 100; whatis $; dump $; kfree $",
    cmd_kmalloc);

/* ---- kfree -------------------------------------------------------------- */

static void show_given_back(const char *call, const void *address)
{
    struct held *held = held_at(address);

    if (held != NULL)
        held->freed = true;
    if (ZERO_OR_NULL_PTR(address))
        kprintf("%s(%p): nothing to free\n", call, address);
    else
        kprintf("%s(%p): given back\n", call, address);
}

static int give_all_back(void)
{
    unsigned count = 0;

    for (struct held *held = held_next(NULL); held != NULL; held = held_next(held)) {
        uint32_t refusals = report_refusals();

        if (held->freed)
            continue;
        if (held->is_pages)
            free_pages((uintptr_t)held->address, held->order);
        else
            kfree(held->address);
        held->freed = report_refusals() == refusals;
        count += held->freed;
    }
    kprintf("%u pointer%s given back\n", count, plural(count));
    return SHELL_OK;
}

static int cmd_kfree(int argc, char **argv)
{
    uint32_t address;

    if (argc < 2)
        return shell_usage("a pointer is missing");
    if (argc == 2 && strcmp(argv[1], "all") == 0)
        return give_all_back();
    for (int i = 1; i < argc; i++) {
        uint32_t refusals = report_refusals();

        if (!shell_address(argv[i], "pointer", &address))
            return SHELL_USAGE;
        kfree((void *)(uintptr_t)address);
        if (report_refusals() == refusals)
            show_given_back("kfree", (void *)(uintptr_t)address);
    }
    return SHELL_OK;
}

SHELL_COMMAND_IN("allocate", kfree, "$N|ADDR ...|all", "give back what kmalloc took",
    "Calls kfree with the pointer, whatever it is.  What cannot be freed is\n"
    "recognised by mm, reported and refused, and the status is 4.  Afterwards $N\n"
    "still holds the old address, as a variable in C does; so try\n"
    "    kmalloc 100; kfree $; kfree $\n"
    "and what nobody can tell, until the memory waits (params quarantine=64K): what\n"
    "was freed is freed again when it has another owner.  On a fresh machine:\n"
    "    kmalloc 100 3; kfree $2; kmalloc 100; kfree $2; kfree $4\n"
    "`kfree all` gives back whatever the shell holds, and blocks of pages as well.",
    cmd_kfree);

/* ---- forget ------------------------------------------------------------- */

static void forget(struct held *held)
{
    kprintf("$%u = %p forgotten%s\n", (unsigned)held->number, held->address,
            held->freed ? ": nothing was live there"
                        : ": it is still live, and nobody can free it any more");
    held_forget(held);
}

static int forget_all(void)
{
    unsigned count = 0, live = 0;

    for (struct held *held = held_next(NULL); held != NULL; held = held_next(held)) {
        count++;
        live += !held->freed;
        held_forget(held);
    }
    kprintf("%u pointer%s forgotten, %u of them to what is still live\n", count,
            plural(count), live);
    return SHELL_OK;
}

static int cmd_forget(int argc, char **argv)
{
    if (argc < 2)
        return shell_usage("which one?");
    if (argc == 2 && strcmp(argv[1], "all") == 0)
        return forget_all();

    for (int i = 1; i < argc; i++) {
        uint32_t number = held_last();

        if (argv[i][0] != '$')
            return shell_usage("\"%s\" is no $N", argv[i]);
        if (argv[i][1] != 0 && !shell_number(argv[i] + 1, "$N", &number))
            return SHELL_USAGE;

        struct held *held = held_find(number);

        if (held == NULL) {
            kprint_wrapped(0, "forget: the shell holds nothing as %s", argv[i]);
            return SHELL_USAGE;
        }
        forget(held);
    }
    return SHELL_OK;
}

SHELL_COMMAND_IN("allocate", forget, "$N ...|all", "drop a pointer: a leak",
    "The object stays live and the number is gone.  This is what a leak is:\n"
    "    leaks mark; kmalloc 100; forget $; leaks since",
    cmd_forget);

/* ---- pages -------------------------------------------------------------- */

static int take_pages(int argc, char **argv)
{
    uint32_t order = 0;

    if (!shell_at_most(argc, argv, 2))
        return SHELL_USAGE;
    if (argc > 1 && !shell_number(argv[1], "ORDER", &order))
        return SHELL_USAGE;
    if (!room_for(1))
        return SHELL_FAILED;

    struct page *page = alloc_pages(GFP_KERNEL, order);

    if (page == NULL) {
        kprintf("alloc_pages(order %u) = NULL\n", (unsigned)order);
        return SHELL_FAILED;
    }

    void *address = page_address(page);

    show_taken(held_keep(address, true, order), address);
    return SHELL_OK;
}

/* argv: pages free POINTER [ORDER] */
static int give_pages_back(int argc, char **argv)
{
    uint32_t address, order = 0, refusals = report_refusals();

    if (argc < 3)
        return shell_usage("a pointer is missing");
    if (!shell_at_most(argc, argv, 4) || !shell_address(argv[2], "pointer", &address))
        return SHELL_USAGE;

    const struct held *held = held_at((void *)(uintptr_t)address);

    if (held != NULL && held->is_pages)
        order = held->order;
    if (argc > 3 && !shell_number(argv[3], "ORDER", &order))
        return SHELL_USAGE;
    free_pages(address, order);
    if (report_refusals() == refusals)
        show_given_back("free_pages", (void *)(uintptr_t)address);
    return SHELL_OK;
}

static int cmd_pages(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "free") == 0)
        return give_pages_back(argc, argv);
    return take_pages(argc, argv);
}

SHELL_COMMAND_IN("allocate", pages, "[ORDER] | free $N [ORDER]",
    "take a block of 2^ORDER pages, or free it",
    "Calls alloc_pages(GFP_KERNEL, ORDER), 0 to 10, and holds the block as $N.\n"
    "`pages free` calls free_pages, with the order that the block was taken with\n"
    "unless told otherwise; what is wrong is reported and refused.\n"
    "    pages 3; whatis $; buddyinfo; pages free $ 2; pages free $",
    cmd_pages);
