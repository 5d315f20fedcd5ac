/*
 * report_fault.c - a page fault in memory that mm took away, in the form of Linux's kfence
 * (Documentation/dev-tools/kfence.rst).
 *
 *     BUG: KFENCE: out-of-bounds write in push+0x10/0x40
 *       Out-of-bounds write at 0x00524000 (right behind kfence-#7)
 *       kfence-#7: 0x00523fc0-0x00523fff, size=64, cache=kmalloc-64
 *       allocated by make_ring (ring.c:73), serial 7
 *
 *     BUG: KFENCE: use-after-free read in pop+0x8/0x30
 *       Use-after-free read at 0x00523fc0 (in kfence-#7)
 *       kfence-#7: 0x00523fc0-0x00523fff, size=64, cache=kmalloc-64
 *       allocated by make_ring (ring.c:73), serial 7
 *       freed by end (ring.c:99)
 *
 * The number of an object is its serial number.  Of a free page that debug_pagealloc took
 * away the same is told as DEBUG_PAGEALLOC, of whoever was last there.
 *
 * The first line is for programs.  The rest of a fault's report follows: registers and
 * the calls that led there.
 */
#include "kernel/memory/report.h"
#include "kernel/memory/sites.h"
#include "kernel/memory/whatis.h"
#include "kernel/printk.h"
#include "kernel/string.h"
#include "kernel/symbols.h"
#include "mm/look/fault.h"

enum { TEXT_SIZE = 160, DISTANCE_SIZE = 48 };

static const char *error_of(const struct mm_what *what)
{
    if (what->kind == MM_GUARDED)
        return "out-of-bounds";
    return what->serial != 0 || what->used_before ? "use-after-free" : "invalid";
}

/* From the object, which asked for so many bytes. */
static const char *distance(const struct mm_what *what, char *text, size_t size)
{
    bool left = (uintptr_t)what->addr < what->start;
    unsigned n = (unsigned)(left ? what->start - (uintptr_t)what->addr
                                 : what->offset - what->asked);

    if (!left && n == 0)
        strlcpy(text, "right behind", size);
    else
        ksnprintf(text, size, "%u byte%s %s", n, plural(n),
                  left ? "before" : "behind the end of");
    return text;
}

/* One line: how, where, and where that is from the object. */
static void log_guarded(const struct mm_what *what, const char *access)
{
    uintptr_t addr = (uintptr_t)what->addr;
    char cache[TEXT_SIZE];
    char far[DISTANCE_SIZE];

    if (what->kind == MM_GUARDED)
        pr_emerg("  Out-of-bounds %s at 0x%08x (%s kfence-#%u)", access, (unsigned)addr,
                 distance(what, far, sizeof(far)), (unsigned)what->serial);
    else
        pr_emerg("  Use-after-free %s at 0x%08x (in kfence-#%u)", access,
                 (unsigned)addr, (unsigned)what->serial);
    strlcpy(cache, what->cache != NULL ? what->cache : "none", sizeof(cache));
    pr_emerg("  kfence-#%u: 0x%08x-0x%08x, size=%u, cache=%s", (unsigned)what->serial,
             (unsigned)what->start, (unsigned)(what->start + what->asked - 1),
             (unsigned)what->asked, printable(cache));
}

static void log_free_page(const struct mm_what *what)
{
    if (what->serial != 0)
        pr_emerg("  byte %u of what was there: 0x%08x-0x%08x, size=%u",
                 (unsigned)what->offset, (unsigned)what->start,
                 (unsigned)(what->start + what->asked - 1), (unsigned)what->asked);
}

static void log_line(const char *text)
{
    pr_emerg("%s", text);
}

static void log_life(const struct mm_what *what)
{
    char caller[TEXT_SIZE];

    if (what->serial == 0) {
        pr_emerg("  %s", what->used_before
                         ? "it was handed out before, but no record of that is left"
                         : "there is no record that it was ever handed out");
        return;
    }
    pr_emerg("  allocated%s, serial %u",
             site_caller(what->taken_by, caller, sizeof(caller)), (unsigned)what->serial);
    whatis_calls(what->taken_by, log_line);
    if (what->freed_by != NULL)
        pr_emerg("  freed%s", site_caller(what->freed_by, caller, sizeof(caller)));
    whatis_calls(what->freed_by, log_line);
}

bool report_fault(uintptr_t addr, bool is_write, uintptr_t eip)
{
    const char *access = is_write ? "write" : "read";
    struct mm_what what;
    char place[TEXT_SIZE];

    if (!mm_explain_fault((const void *)addr, &what))
        return false;
    pr_emerg("BUG: %s: %s %s in %s",
             what.kind == MM_FREE_PAGE ? "DEBUG_PAGEALLOC" : "KFENCE", error_of(&what),
             access, symbol_format(eip, place, sizeof(place)));
    if (what.kind == MM_FREE_PAGE)
        log_free_page(&what);
    else
        log_guarded(&what, access);
    log_life(&what);
    return true;
}
