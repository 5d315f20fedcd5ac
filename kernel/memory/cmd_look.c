/*
 * cmd_look.c - memory itself: dump shows bytes, poke writes them, check proves the
 * heap whole.
 *
 *     address     sixteen bytes                                       the same
 *     0x00523100  68 65 6c 6c 6f 00 6b 6b  6b 6b 6b 6b 6b 6b 6b 6b   |hello.kk..|
 *
 * dump reads what is mapped below the end of RAM, and nothing else: page 0 is not
 * there, so that NULL faults, nor are the guard pages below the stacks, nor what the
 * dials took away; and behind the end of RAM live devices, where reading may change
 * something.
 */
#include "kernel/cpu/paging.h"
#include "kernel/memmap.h"
#include "kernel/memory/whatis.h"
#include "kernel/shell.h"
#include "kernel/shown.h"
#include "mm/mm.h"
#include "mm/watch/dials.h"

/* SAN=1 does not report what is read on request. */
#define UNCHECKED __attribute__((no_sanitize_address))

enum { LINE_BYTES = 16, DEFAULT_BYTES = 64 };

/* ---- dump --------------------------------------------------------------- */

static UNCHECKED void dump_line(uint32_t address, uint32_t count)
{
    const volatile uint8_t *byte = (const volatile uint8_t *)(uintptr_t)address;

    kprintf("0x%08x ", (unsigned)address);
    for (uint32_t i = 0; i < LINE_BYTES; i++) {
        kprintf("%s", i % 8 == 0 ? " " : "");
        if (i < count)
            kprintf("%02x ", byte[i]);
        else
            kprintf("   ");
    }
    kprintf(" |");
    for (uint32_t i = 0; i < count; i++)
        kprintf("%c", shown_in_dump(byte[i]));
    kprintf("|\n");
}

static UNCHECKED void dump_line_json(uint32_t address, uint32_t count)
{
    const volatile uint8_t *byte = (const volatile uint8_t *)(uintptr_t)address;

    kprintf("{\"address\": \"0x%08x\", \"hex\": \"", (unsigned)address);
    for (uint32_t i = 0; i < count; i++)
        kprintf("%02x", byte[i]);
    kprintf("\"}\n");
}

/* Why a page of RAM is not mapped. */
static const char *why_absent(uint32_t address)
{
    struct mm_what what;

    mm_what_is((const void *)(uintptr_t)address, &what);
    return what.kind == MM_OUTSIDE || what.kind == MM_HOLE
               ? memmap_region(address) : "a debugging dial took it away";
}

/* Only what is RAM, and mapped; says why not. */
static bool may_dump(uint32_t address)
{
    if (address < PAGE_SIZE)
        kprintf("dump: 0x%08x is in page 0, which is not mapped\n",
                (unsigned)address);
    else if (address >= memmap_ram_end())
        kprint_wrapped(0, "dump: 0x%08x is not RAM (%s)", (unsigned)address,
                       memmap_region(address));
    else if (!paging_maps(address))
        kprint_wrapped(0, "dump: 0x%08x is not mapped (%s)", (unsigned)address,
                       why_absent(address));
    else
        return true;
    return false;
}

static int cmd_dump(int argc, char **argv)
{
    bool json = shell_option(&argc, argv, "-j");
    uint32_t address, left = DEFAULT_BYTES;

    if (argc < 2)
        return shell_usage("ADDR is missing");
    if (!shell_at_most(argc, argv, 3) || !shell_address(argv[1], "ADDR", &address))
        return SHELL_USAGE;
    if (argc > 2 && !shell_number(argv[2], "BYTES", &left))
        return SHELL_USAGE;

    while (left > 0) {
        uint32_t count = left < LINE_BYTES ? left : LINE_BYTES;

        if (!may_dump(address) || !may_dump(address + count - 1))
            return SHELL_FAILED;
        if (shell_interrupted())
            return SHELL_FAILED;
        if (json)
            dump_line_json(address, count);
        else
            dump_line(address, count);
        address += count;
        left -= count;
    }
    return SHELL_OK;
}

SHELL_COMMAND_IN("look", dump, "ADDR|$N [BYTES] [-j]",
    "bytes of memory, in hex and as text",
    "64 bytes unless told otherwise.  Freed memory can be looked at, too: it holds\n"
    "what its last owner left there (debug_pagealloc=on takes free pages away).\n"
    "    kmalloc 32; dump $ 32",
    cmd_dump);

/* ---- poke --------------------------------------------------------------- */

/* Memory of the heap, even its book-keeping; says why not. */
static bool may_poke(uint32_t address)
{
    struct mm_what what;

    mm_what_is((const void *)(uintptr_t)address, &what);
    if (what.kind != MM_OUTSIDE && what.kind != MM_HOLE)
        return true;
    kprint_wrapped(0, "poke: 0x%08x is no memory of the heap (%s)", (unsigned)address,
                   memmap_region(address));
    return false;
}

static int cmd_poke(int argc, char **argv)
{
    uint32_t address, byte = 0x41, count = 1;

    if (argc < 2)
        return shell_usage("ADDR is missing");
    if (!shell_at_most(argc, argv, 4) || !shell_address(argv[1], "ADDR", &address) ||
        (argc > 2 && !shell_number(argv[2], "BYTE", &byte)) ||
        (argc > 3 && !shell_number(argv[3], "COUNT", &count)))
        return SHELL_USAGE;
    if (byte > 0xff)
        return shell_usage("BYTE: %u is more than 255", (unsigned)byte);
    if (count == 0 || count > PAGE_SIZE)
        return shell_usage("COUNT: %u is not from 1 to 4096", (unsigned)count);
    if (!may_poke(address) || !may_poke(address + count - 1))
        return SHELL_FAILED;
    for (uint32_t i = 0; i < count; i++)
        *(volatile uint8_t *)(uintptr_t)(address + i) = (uint8_t)byte;
    kprintf("poke(0x%08x): %u byte%s of 0x%02x written\n", (unsigned)address,
            (unsigned)count, count == 1 ? "" : "s", (unsigned)byte);
    return SHELL_OK;
}

SHELL_COMMAND_IN("try it", poke, "ADDR|$N [BYTE] [COUNT]",
    "write into the heap, where one may and where not",
    "COUNT times BYTE (once 0x41, the letter A), from ADDR on.  Nothing is checked\n"
    "but that it is heap memory: behind an object, into a freed one, into mm's own\n"
    "book-keeping.  Red zones and poison show what came of it.\n"
    "    params slub_debug=ZP; kmalloc 50; poke $+50; kfree $",
    cmd_poke);

/* ---- check -------------------------------------------------------------- */

/* The last live object or block that begins before the address of `arg`: kept there. */
static bool keep_nearest(const struct mm_what *what, void *arg)
{
    struct mm_what *nearest = arg;

    if (what->start < (uintptr_t)nearest->addr)
        nearest->start = what->start;
    return true;
}

static void print_indented(const char *text)
{
    kprint_wrapped(0, "  %s", text);
}

/*
 * A rule is broken there.  A record that lies in a slab may have been overwritten by
 * whoever wrote past the end of what lies before; other places are told by mm's own
 * tables, far from any object.
 */
static void tell_where(const void *where)
{
    struct mm_what what, nearest = { .addr = where };

    if (where == NULL)
        return;
    mm_what_is(where, &what);
    whatis_describe(&what, print_indented);
    if (what.kind == MM_SLAB_REST)
        mm_walk_live(keep_nearest, &nearest);
    if (nearest.start == 0)
        return;
    mm_what_is((const void *)nearest.start, &what);
    kprintf("  before it lies, and may have been written past its end:\n");
    whatis_describe(&what, print_indented);
}

static int cmd_check(int argc, char **argv)
{
    bool json = shell_option(&argc, argv, "-j");

    if (!shell_at_most(argc, argv, 1))
        return SHELL_USAGE;

    const char *broken = mm_check();
    unsigned damage = broken == NULL ? mm_find_damage() : 0;

    if (json) {
        kprintf("{\"ok\": %s, \"broken\": ", broken == NULL ? "true" : "false");
        if (broken == NULL)
            kprintf("null");
        else
            json_string(broken);
        kprintf(", \"damage\": %u, \"reports\": %u}\n", damage,
                (unsigned)mm_reports());
    } else {
        kprint_wrapped(0, "mm_check: %s", broken != NULL ? broken :
                       damage != 0 ? "all rules hold, but memory was overwritten"
                                   : "all rules hold");
        if (broken != NULL)
            tell_where(mm_check_where());
        if (damage != 0)
            kprintf("overwritten: %u place%s, told above\n", damage,
                    damage == 1 ? "" : "s");
    }
    return broken == NULL && damage == 0 ? SHELL_OK : SHELL_FAILED;
}

SHELL_COMMAND_IN("look", check, "[-j]", "prove that the heap is whole",
    "Walks all of mm's structures and recounts its counters.  Each rule has a\n"
    "number: B in mm/buddy.c, S in mm/slab.c, M in mm/front/init.c.  If one is broken\n"
    "it is named and the status is 1.  Where red zones and poison were laid\n"
    "(slub_debug=ZP, debug_pagealloc) what was overwritten is reported and restored,\n"
    "and the status is 4.  -j also counts the reports since boot.",
    cmd_check);
