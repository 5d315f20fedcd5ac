/*
 * whatis.c - what an address is, in sentences.
 *
 *     whatis 0x00523110
 *     0x00523110: byte 16 of a live object: slot 2 of cache kmalloc-128, 128 bytes
 *                 from 0x00523100
 *       taken for 100 bytes by cmd_kmalloc (kernel/memory/cmd_alloc.c:73), serial 7
 *
 * Three sources answer, in this order: mm knows every address of the heap (page
 * structs for the block, records for who); the tables in the image know functions,
 * their lines and static data; the loader's memory map knows the rest.  So there
 * is an answer for each of the 2^32 addresses, and none of them is touched (but code is
 * read, for the call that may stand before it).
 *
 * Cost: a few list steps; no walk over the heap.  It says what the address is
 * now: of a former life only the last one, while its record lasts.
 */
#include "kernel/memory/whatis.h"

#include "kernel/backtrace.h"
#include "kernel/lines.h"
#include "kernel/memmap.h"
#include "kernel/memory/sites.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "kernel/symbols.h"
#include "mm/watch/dials.h"
#include "mm/watch/stack.h"

enum { LINE_SIZE = 200, PLACE_SIZE = 96 };

static const struct kind {
    const char *key;            /* in JSON */
    const char *words;
} kinds[] = {
    [MM_OUTSIDE] = { "outside", "outside the heap" },
    [MM_HOLE] = { "hole", "a hole in the heap" },
    [MM_META] = { "meta", "book-keeping of mm: page structs and records" },
    [MM_FREE_PAGE] = { "free_pages", "a free block of pages" },
    [MM_USED_PAGES] = { "used_pages", "a live block of pages" },
    [MM_LARGE] = { "large", "a live kmalloc in pages of its own" },
    [MM_SLAB_LIVE] = { "slab_live", "a live object" },
    [MM_SLAB_FREE] = { "slab_free", "a free slot" },
    [MM_SLAB_REST] = { "slab_rest", "what is left of a slab behind its last slot" },
    [MM_SLAB_REDZONE] = { "slab_redzone", "the red zone of an object" },
    [MM_GUARDED] = { "guarded_live", "a live object, guarded" },
    [MM_GUARDED_FREE] = { "guarded_free", "a freed object, guarded" },
};

static bool in_slot(const struct mm_what *what)
{
    return what->kind == MM_SLAB_LIVE || what->kind == MM_SLAB_FREE ||
           what->kind == MM_SLAB_REDZONE;
}

static bool in_block(const struct mm_what *what)
{
    return what->kind == MM_FREE_PAGE || what->kind == MM_USED_PAGES ||
           what->kind == MM_LARGE;
}

static bool in_guarded_block(const struct mm_what *what)
{
    return what->kind == MM_GUARDED || what->kind == MM_GUARDED_FREE;
}

static bool in_heap(const struct mm_what *what)
{
    return what->kind != MM_OUTSIDE && what->kind != MM_HOLE;
}

char *printable(char *text)
{
    for (char *at = text; *at != 0; at++)
        if ((uint8_t)*at < ' ' || *at == 0x7f)
            *at = '_';
    return text;
}

/* ---- sentences ---------------------------------------------------------- */

/* Code and static data by symbol, everything else by the memory map. */
static void describe_outside(const struct mm_what *what, char *text, size_t size)
{
    struct symbol symbol;
    char name[LINE_TEXT_SIZE];
    uintptr_t addr = (uintptr_t)what->addr;

    if (symbol_find(addr, &symbol))
        ksnprintf(text, size, "%p: %s: %s", what->addr, memmap_region(addr),
                  line_format(addr, addr, name, sizeof(name)));
    else if (mm_poison_name(addr) != NULL)
        ksnprintf(text, size, "%p: %s; as a pointer, read from %s", what->addr,
                  memmap_region(addr), mm_poison_name(addr));
    else
        ksnprintf(text, size, "%p: %s", what->addr, memmap_region(addr));
}

/* As reports give it below "called from": the line of the call, which is the one before. */
static void describe_call(uintptr_t addr, void (*line)(const char *text))
{
    char text[LINE_SIZE], here[LINE_TEXT_SIZE], call[LINE_TEXT_SIZE];

    line_format(addr, addr, here, sizeof(here));
    line_format(addr, addr - 1, call, sizeof(call));
    if (!line_follows_call(addr) || strcmp(here, call) == 0)
        return;
    ksnprintf(text, sizeof(text), "  a call returns there: that of %s", call);
    line(text);
}

/* Between two objects: it counts from the nearer one. */
static void describe_zone(const struct mm_what *what, char *text, size_t size)
{
    uintptr_t addr = (uintptr_t)what->addr, end = what->start + what->asked;
    bool before = addr < what->start;
    unsigned n = (unsigned)(before ? what->start - addr : addr - end);
    char where[40];

    if (before || n > 0)
        ksnprintf(where, sizeof(where), "%u byte%s %s", n, plural(n),
                  before ? "before" : "behind the end of");
    else
        strlcpy(where, "right behind", sizeof(where));
    ksnprintf(text, size, "%p: %s an object, in its red zone: slot %u of cache %s, %u "
              "byte%s from 0x%08x", what->addr, where, (unsigned)what->slot, what->cache,
              (unsigned)what->bytes, plural(what->bytes), (unsigned)what->start);
}

/* The block or slot around the address, and where it starts if not there. */
static void describe_heap(const struct mm_what *what, char *text, size_t size)
{
    const char *words = what->quarantined ? "a freed object in quarantine"
                                          : kinds[what->kind].words;
    char within[40] = "", from[32] = "";

    if (what->kind == MM_SLAB_REDZONE) {
        describe_zone(what, text, size);
        printable(text);
        return;
    }
    if ((uintptr_t)what->addr < what->start) {
        unsigned before = (unsigned)(what->start - (uintptr_t)what->addr);

        ksnprintf(within, sizeof(within), "%u byte%s before, in ", before, plural(before));
        ksnprintf(from, sizeof(from), " from 0x%08x", (unsigned)what->start);
    } else if (what->offset != 0) {
        ksnprintf(within, sizeof(within), "byte %u of ", (unsigned)what->offset);
        ksnprintf(from, sizeof(from), " from 0x%08x", (unsigned)what->start);
    }
    if (in_slot(what))
        ksnprintf(text, size, "%p: %s%s: slot %u of cache %s, %u byte%s%s", what->addr,
                  within, words, (unsigned)what->slot, what->cache,
                  (unsigned)what->bytes, plural(what->bytes), from);
    else if (in_block(what))
        ksnprintf(text, size, "%p: %s%s: %u kB (%s %u)%s", what->addr, within, words,
                  (unsigned)(what->bytes >> 10),
                  what->exact ? "exact, first block of order" : "order",
                  what->order, from);
    else if (in_guarded_block(what))
        ksnprintf(text, size, "%p: %s%s: cache %s, %u byte%s%s", what->addr, within,
                  words, what->cache, (unsigned)what->bytes, plural(what->bytes), from);
    else if (what->kind == MM_SLAB_REST)
        ksnprintf(text, size, "%p: %s (cache %s)", what->addr, words, what->cache);
    else
        ksnprintf(text, size, "%p: %s", what->addr, words);
    printable(text);
}

static void describe_taker(const struct mm_what *what, bool live, char *text,
                           size_t size)
{
    char place[PLACE_SIZE];

    ksnprintf(text, size, "  %s for %u byte%s by %s (%s), serial %u",
              live ? "taken" : "last taken", (unsigned)what->asked, plural(what->asked),
              site_function(what->taken_by),
              site_place(what->taken_by, place, sizeof(place)),
              (unsigned)what->serial);
}

void whatis_calls(const struct alloc_site *site, void (*line)(const char *text))
{
    unsigned depth;
    const uintptr_t *calls = mm_site_stack(site, &depth);
    char text[LINE_SIZE], name[LINE_TEXT_SIZE];

    for (unsigned i = 0; i < depth; i++) {
        ksnprintf(text, sizeof(text), "    %s",
                  backtrace_format(calls, i, name, sizeof(name)));
        line(text);
    }
}

static void describe_freer(const struct mm_what *what, void (*line)(const char *text))
{
    char text[LINE_SIZE], place[PLACE_SIZE];

    if (what->freed_by == NULL)
        return;
    ksnprintf(text, sizeof(text), "  freed by %s (%s)", site_function(what->freed_by),
              site_place(what->freed_by, place, sizeof(place)));
    line(text);
    whatis_calls(what->freed_by, line);
}

static void describe_life(const struct mm_life *life, void (*line)(const char *text))
{
    struct mm_what before = { .serial = life->serial, .asked = life->asked,
                              .taken_by = life->taken_by, .freed_by = life->freed_by };
    char text[LINE_SIZE];

    describe_taker(&before, false, text, sizeof(text));
    line(text);
    describe_freer(&before, line);
}

/* What started at this very address before, inside of what is there now; or was around. */
static void describe_before(const struct mm_what *what, void (*line)(const char *text))
{
    char text[LINE_SIZE];

    if (what->before.serial != 0) {
        line("  before that another one started at this very address:");
        describe_life(&what->before, line);
    }
    if (what->around.serial == 0)
        return;
    ksnprintf(text, sizeof(text), "  it was byte %u of what lay at 0x%08x before:",
              (unsigned)((uintptr_t)what->addr - what->around_start),
              (unsigned)what->around_start);
    line(text);
    describe_life(&what->around, line);
}

/* In a live object or block, but behind what its owner asked for. */
static void describe_slack(const struct mm_what *what, void (*line)(const char *text))
{
    char text[LINE_SIZE];
    size_t behind = what->offset - what->asked;
    bool is_live = what->kind == MM_SLAB_LIVE || what->kind == MM_LARGE ||
                   what->kind == MM_GUARDED;

    if (!is_live || what->serial == 0 || (uintptr_t)what->addr < what->start ||
        what->offset < what->asked)
        return;
    if (behind == 0)
        ksnprintf(text, sizeof(text), "  right behind the %u byte%s asked for",
                  (unsigned)what->asked, plural(what->asked));
    else
        ksnprintf(text, sizeof(text), "  %u byte%s behind the end of the %u asked for",
                  (unsigned)behind, plural(behind), (unsigned)what->asked);
    line(text);
}

void whatis_describe(const struct mm_what *what, void (*line)(const char *text))
{
    char text[LINE_SIZE];
    bool free = what->kind == MM_FREE_PAGE || what->kind == MM_SLAB_FREE ||
                what->freed_by != NULL;

    if (!in_heap(what)) {
        describe_outside(what, text, sizeof(text));
        line(text);
        describe_call((uintptr_t)what->addr, line);
        return;
    }
    describe_heap(what, text, sizeof(text));
    line(text);
    describe_slack(what, line);
    if (what->serial != 0) {
        describe_taker(what, !free, text, sizeof(text));
        line(text);
        whatis_calls(what->taken_by, line);
    } else if (free && mm_records && what->before.serial == 0 && what->around.serial == 0) {
        line(what->used_before ? "  it was handed out before, but no record of that is left"
                               : "  there is no record that it was ever handed out");
    }
    if (free)
        describe_freer(what, line);
    describe_before(what, line);
}

/* ---- the command -------------------------------------------------------- */

static void json_site(const char *role, const struct alloc_site *site)
{
    char place[PLACE_SIZE];

    if (site == NULL)
        return;
    kprintf(", \"%s\": ", role);
    json_string(site_place(site, place, sizeof(place)));
    kprintf(", \"%s_func\": ", role);
    json_string(site_function(site));
    site_json_calls(site, role);
}

static void json_outside(uintptr_t addr)
{
    struct symbol symbol;
    struct line line;

    kprintf(", \"region\": ");
    json_string(memmap_region(addr));
    if (!symbol_find(addr, &symbol))
        return;
    kprintf(", \"symbol\": ");
    json_string(symbol.name);
    kprintf(", \"offset\": %u", (unsigned)(addr - symbol.start));
    if (!line_find(addr, &line))
        return;
    kprintf(", \"file\": ");
    json_string(line.file);
    kprintf(", \"line\": %u", line.number);
}

static void json_what(const struct mm_what *what)
{
    kprintf("{\"address\": \"%p\", \"kind\": \"%s\"", what->addr,
            kinds[what->kind].key);
    if (!in_heap(what))
        json_outside((uintptr_t)what->addr);
    if (in_slot(what) || in_block(what) || in_guarded_block(what)) /* before: below 0 */
        kprintf(", \"start\": \"0x%08x\", \"bytes\": %u, \"offset\": %d",
                (unsigned)what->start, (unsigned)what->bytes, (int)what->offset);
    if (in_block(what))
        kprintf(", \"order\": %u", what->order);
    if (in_slot(what)) {
        kprintf(", \"cache\": ");
        json_string(what->cache);
        kprintf(", \"slot\": %u", (unsigned)what->slot);
    }
    if (in_guarded_block(what)) {
        kprintf(", \"cache\": ");
        json_string(what->cache);
    }
    if (what->quarantined)
        kprintf(", \"quarantined\": true");
    if (what->serial != 0)
        kprintf(", \"serial\": %u, \"asked\": %u", (unsigned)what->serial,
                (unsigned)what->asked);
    json_site("taken_by", what->taken_by);
    json_site("freed_by", what->freed_by);
    if (what->before.serial != 0)
        kprintf(", \"before_serial\": %u, \"before_asked\": %u",
                (unsigned)what->before.serial, (unsigned)what->before.asked);
    json_site("before_taken_by", what->before.taken_by);
    json_site("before_freed_by", what->before.freed_by);
    if (what->around.serial != 0)
        kprintf(", \"around_start\": \"0x%08x\", \"around_serial\": %u, \"around_asked\": "
                "%u", (unsigned)what->around_start, (unsigned)what->around.serial,
                (unsigned)what->around.asked);
    json_site("around_taken_by", what->around.taken_by);
    json_site("around_freed_by", what->around.freed_by);
    kprintf("}\n");
}

static void print_line(const char *text)
{
    kprint_wrapped(0, "%s", text);
}

static int cmd_whatis(int argc, char **argv)
{
    bool json = shell_option(&argc, argv, "-j");
    struct mm_what what;
    uint32_t addr;

    if (argc < 2)
        return shell_usage("ADDR is missing");
    if (!shell_at_most(argc, argv, 2) || !shell_address(argv[1], "ADDR", &addr))
        return SHELL_USAGE;

    mm_what_is((const void *)(uintptr_t)addr, &what);
    if (json)
        json_what(&what);
    else
        whatis_describe(&what, print_line);
    return SHELL_OK;
}

SHELL_COMMAND_IN("look", whatis, "ADDR|$N [-j]", "what an address is, and whose",
    "Any address will do: an object (live or free, which slot of which cache, who\n"
    "took it, who freed it), a block of pages, code, static data, the stack,\n"
    "page structs, a hole, beyond RAM.  It is not read, only looked up.\n"
    "    kmalloc 100; whatis $; kfree $; whatis $; whatis kmalloc",
    cmd_whatis);
