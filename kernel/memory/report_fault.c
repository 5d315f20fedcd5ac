/*
 * report_fault.c - a page fault in memory that mm took away, in the form of Linux's kfence.
 *
 *     BUG: DEBUG_PAGEALLOC: use-after-free write in push+0x10/0x40
 *       16 bytes inside of what was there: 0x00523000-0x00523fff, size=4096
 *       allocated by make_ring (ring.c:73), serial 7
 *       freed by end (ring.c:99)
 *
 * The first line is for programs.  The rest of a fault's report follows: registers and
 * the calls that led there.
 */
#include "kernel/memory/report.h"
#include "kernel/memory/sites.h"
#include "kernel/printk.h"
#include "kernel/string.h"
#include "kernel/symbols.h"
#include "mm/look/fault.h"

enum { TEXT_SIZE = 160 };

static const char *kind_of_access(const struct mm_what *what)
{
    return what->serial != 0 || what->used_before ? "use-after-free" : "invalid";
}

static void log_place(const struct mm_what *what)
{
    if (what->serial == 0)
        return;
    pr_emerg("  %u byte%s inside of what was there: 0x%08x-0x%08x, size=%u",
             (unsigned)what->offset, plural(what->offset), (unsigned)what->start,
             (unsigned)(what->start + what->asked - 1), (unsigned)what->asked);
}

static void log_life(const struct mm_what *what)
{
    char caller[TEXT_SIZE];

    if (what->serial == 0) {
        pr_emerg("  %s", what->used_before ? "of what was here no record is left"
                         : "there is no record that it was ever handed out");
        return;
    }
    pr_emerg("  allocated%s, serial %u",
             site_caller(what->taken_by, caller, sizeof(caller)), (unsigned)what->serial);
    pr_emerg("  freed%s", site_caller(what->freed_by, caller, sizeof(caller)));
}

bool report_fault(uintptr_t addr, bool is_write, uintptr_t eip)
{
    struct mm_what what;
    char place[TEXT_SIZE];

    if (!mm_explain_fault((const void *)addr, &what))
        return false;
    pr_emerg("BUG: DEBUG_PAGEALLOC: %s %s in %s", kind_of_access(&what),
             is_write ? "write" : "read", symbol_format(eip, place, sizeof(place)));
    log_place(&what);
    log_life(&what);
    return true;
}
