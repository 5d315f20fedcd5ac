/*
 * kmemleak.c - kmemleak: for those who come from Linux, by its words and in its format.
 *
 *     unreferenced object 0x0021c080 (size 64):
 *       comm "keep", pid 0, jiffies 12 (kind definite)
 *       hex dump (first 32 bytes):
 *         00 00 00 00 00 00 00 00 40 c0 21 00 00 00 00 00  ........@.!.....
 *       backtrace:
 *         keep (list.c:20)
 *
 * There the list is what the last scan found; here it looks anew, for nothing runs beside
 * it.  There are no tasks: comm is the function that took it.  What counts as time is the
 * serial number.  `off` only keeps this command quiet, and `on` undoes it.
 */
#include "kernel/leaks/leaks_priv.h"

#include "kernel/backtrace.h"
#include "kernel/cpu/cpu.h"
#include "kernel/lines.h"
#include "kernel/memory/sites.h"
#include "kernel/shell.h"
#include "kernel/shown.h"
#include "kernel/string.h"
#include "mm/watch/stack.h"

enum { PLACE_SIZE = 96, DUMPED = 32, ROW = 16 };

static bool is_off;

/* ---- one record ------------------------------------------------------------------ */

static void print_hex_row(const uint8_t *byte, size_t n)
{
    kprintf("    ");
    for (size_t i = 0; i < ROW; i++)
        if (i < n)
            kprintf("%02x ", byte[i]);
        else
            kprintf("   ");
    kprintf(" ");
    for (size_t i = 0; i < n; i++)
        kprintf("%c", shown_in_dump(byte[i]));
    kprintf("\n");
}

static void print_backtrace(const struct alloc_site *site)
{
    unsigned depth;
    const uintptr_t *calls = mm_site_stack(site, &depth);
    char text[LINE_TEXT_SIZE];

    kprintf("  backtrace:\n");
    for (unsigned i = 0; i < depth; i++)
        kprint_wrapped(0, "    %s", backtrace_format(calls, i, text, sizeof(text)));
    if (depth == 0)
        kprint_wrapped(0, "    %s (%s)", site_function(site),
                       site_place(site, text, sizeof(text)));
}

/* With what it begins, while it is there. */
struct start {
    size_t bytes;
    uint8_t byte[DUMPED];
};

static void read_start(const struct mm_live *live, struct start *start)
{
    start->bytes = live->asked < DUMPED ? live->asked : DUMPED;
    memcpy(start->byte, (const void *)live->start, start->bytes);
}

static void print_record(const struct mm_live *live, const struct start *start,
                         const char *what)
{
    size_t bytes = start->bytes;

    kprintf("%s 0x%08x (size %zu):\n", what, (unsigned)live->start, live->asked);
    kprint_wrapped(0, "  comm \"%s\", pid 0, jiffies %u (kind %s)",
                   site_function(live->site), (unsigned)live->serial,
                   kind_name(live->kind));
    kprintf("  hex dump (first %zu bytes):\n", bytes);
    for (size_t i = 0; i < bytes; i += ROW)
        print_hex_row(start->byte + i, bytes - i < ROW ? bytes - i : ROW);
    print_backtrace(live->site);
}

static void print_record_json(const struct mm_live *live)
{
    char place[PLACE_SIZE];

    kprintf("{\"address\": \"0x%08x\", \"size\": %zu, \"kind\": \"%s\", \"serial\": %u, "
            "\"site\": ", (unsigned)live->start, live->asked, kind_name(live->kind),
            (unsigned)live->serial);
    json_string(site_place(live->site, place, sizeof(place)));
    kprintf(", \"func\": ");
    json_string(site_function(live->site));
    site_json_calls(live->site, "taken_by");
    kprintf("}\n");
}

/* ---- the list -------------------------------------------------------------------- */

struct listing {
    bool json;
    struct start start;         /* of the one that is told next */
};

static bool look(const struct mm_live *live, void *arg)
{
    struct listing *listing = arg;

    if (!is_lost(live))
        return false;
    read_start(live, &listing->start);
    return true;
}

static bool tell(const struct mm_live *live, void *arg)
{
    const struct listing *listing = arg;

    if (listing->json)
        print_record_json(live);
    else
        print_record(live, &listing->start, "unreferenced object");
    return !shell_interrupted();
}

/* Of those mm is not entered. */
static bool list_own(const struct mm_live *live, void *arg)
{
    return !look(live, arg) || tell(live, arg);
}

static bool count_one(const struct mm_live *live, void *count)
{
    (void)live;
    ++*(unsigned *)count;
    return true;
}

static unsigned count_lost(const struct scan_report *report)
{
    unsigned lost = (unsigned)(report->found.objects[MM_DEFINITE] +
                               report->found.objects[MM_INDIRECT]);

    mm_scan_walk_lost_own(count_one, &lost);
    return lost;
}

static void print_calls_without_effect(void)
{
    struct mm_scan_said said = mm_scan_get_said();

    if (said.no_room + said.unknown + said.busy > 0)
        kprint_wrapped(2, "calls of kmemleak_* without effect: %u found their table full, "
                       "%u named nothing that is live, %u came while mm was busy",
                       (unsigned)said.no_room, (unsigned)said.unknown,
                       (unsigned)said.busy);
}

static int list(bool json)
{
    struct listing listing = { .json = json };
    struct scan_report report;

    if (!scan_leaks(&report))
        return SHELL_FAILED;
    scan_each(look, tell, &listing);
    mm_scan_walk_lost_own(list_own, &listing);
    if (!json)
        print_calls_without_effect();
    return SHELL_OK;
}

/* ---- the words ------------------------------------------------------------------- */

/* How many are lost, by a scan; false: it could not be done. */
static bool scan_and_count(unsigned *lost)
{
    struct scan_report report;

    if (!scan_leaks(&report))
        return false;
    *lost = count_lost(&report);
    return true;
}

static int clear(void)
{
    unsigned lost;

    if (!scan_and_count(&lost))
        return SHELL_FAILED;
    mm_scan_clear();
    kprintf("kmemleak: %u object%s not reported any more\n", lost,
            lost == 1 ? " is" : "s are");
    return SHELL_OK;
}

static int scan(void)
{
    unsigned lost;

    if (!scan_and_count(&lost))
        return SHELL_FAILED;
    if (lost > 0)
        kprintf("kmemleak: %u suspected memory leak%s (see kmemleak)\n", lost,
                plural(lost));
    print_calls_without_effect();
    return SHELL_OK;
}

static int dump(const char *text)
{
    struct mm_live live;
    struct start start;
    uint32_t address, flags;
    bool is_found;

    if (!shell_address(text, "ADDR", &address))
        return SHELL_USAGE;
    flags = irq_save();
    is_found = mm_scan_find((const void *)(uintptr_t)address, &live);
    if (is_found)
        read_start(&live, &start);
    irq_restore(flags);
    if (!is_found) {
        kprintf("kmemleak: Unknown object at 0x%08x\n", (unsigned)address);
        return SHELL_FAILED;
    }
    print_record(&live, &start, "kmemleak: Object");
    return SHELL_OK;
}

static int run_word(const char *word)
{
    if (strncmp(word, "dump=", 5) == 0)
        return dump(word + 5);
    if (strcmp(word, "scan") == 0)
        return scan();
    if (strcmp(word, "clear") == 0)
        return clear();
    if (strcmp(word, "off") == 0) {
        is_off = true;
        return SHELL_OK;
    }
    return shell_usage("\"%s\" is none of these words", word);
}

static int cmd_kmemleak(int argc, char **argv)
{
    bool json = shell_option(&argc, argv, "-j");

    if (!shell_at_most(argc, argv, 2))
        return SHELL_USAGE;
    if (sites_unknown(json))
        return SHELL_FAILED;
    if (argc == 2 && strcmp(argv[1], "on") == 0)
        is_off = false;
    else if (is_off)
        kprintf(json ? "{\"error\": \"kmemleak is off\"}\n"
                     : "kmemleak is off: kmemleak on\n");
    else
        return argc == 2 ? run_word(argv[1]) : list(json);
    return is_off ? SHELL_FAILED : SHELL_OK;
}

SHELL_COMMAND_IN("find leaks", kmemleak, "[scan|clear|dump=ADDR|on|off] [-j]",
    "leaks in Linux's words",
    "Without a word: looks anew, and lists each object that is lost; leaks groups\n"
    "them.  scan: how many they are.  clear: what is lost now is never reported\n"
    "again, by leaks neither.  dump=ADDR: one object, lost or not.  off, on: this\n"
    "command.  What a program says by kmemleak_not_leak() and its kin is heeded:\n"
    "mm/scan/kmemleak.h.\n"
    "    kmalloc 100; forget $; kmemleak; kmemleak clear; kmemleak",
    cmd_kmemleak);
